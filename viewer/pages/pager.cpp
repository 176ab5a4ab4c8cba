#include "pager.h"

#include <QHBoxLayout>
#include <QPushButton>
#include <algorithm>

#include "shown.h"
#include "value_model.h"

namespace ckpt::viewer {

QPushButton* small_button(const QString& text, const QString& what) {
  auto* button = new QPushButton(text);
  button->setToolTip(what);
  button->setAccessibleName(what);
  button->setMaximumWidth(std::max(34, button->fontMetrics().horizontalAdvance(text) + 22));
  return button;
}

Window page_with(const Plane& plane, Plane::Place place) {
  Window page{.row = place.row / ValueModel::kPageRows * ValueModel::kPageRows,
              .column = place.column / ValueModel::kPageColumns * ValueModel::kPageColumns};
  page.rows = std::min(ValueModel::kPageRows, plane.rows() - page.row);
  page.columns = std::min(ValueModel::kPageColumns, plane.columns() - page.column);
  return page;
}

Pager::Pager(QWidget* parent)
    : QWidget(parent),
      up_(small_button(QStringLiteral("▲"), tr("Rows before"))),
      down_(small_button(QStringLiteral("▼"), tr("Rows behind"))),
      left_(small_button(QStringLiteral("◀"), tr("Columns before"))),
      right_(small_button(QStringLiteral("▶"), tr("Columns behind"))) {
  connect(up_, &QPushButton::clicked, this, [this] { emit moved(-ValueModel::kPageRows, 0); });
  connect(down_, &QPushButton::clicked, this, [this] { emit moved(ValueModel::kPageRows, 0); });
  connect(left_, &QPushButton::clicked, this, [this] { emit moved(0, -ValueModel::kPageColumns); });
  connect(right_, &QPushButton::clicked, this, [this] { emit moved(0, ValueModel::kPageColumns); });
  auto* line = new QHBoxLayout(this);
  line->setContentsMargins(0, 0, 0, 0);
  for (QPushButton* button : {up_, down_, left_, right_}) line->addWidget(button);
}

void Pager::set_page(const Plane& plane, const Window& page) {
  up_->setEnabled(page.row > 0);
  down_->setEnabled(page.row + page.rows < plane.rows());
  left_->setEnabled(page.column > 0);
  right_->setEnabled(page.column + page.columns < plane.columns());
}

QString Pager::page_text(const Plane& plane, const Window& page) {
  const auto range = [](std::int64_t from, std::int64_t count, std::int64_t of) {
    return tr("%1–%2 of %3")
        .arg(count_text(static_cast<std::uint64_t>(from)), count_text(static_cast<std::uint64_t>(from + count - 1)),
             count_text(static_cast<std::uint64_t>(of)));
  };
  return tr("rows %1, columns %2")
      .arg(range(page.row, page.rows, plane.rows()), range(page.column, page.columns, plane.columns()));
}

}  // namespace ckpt::viewer

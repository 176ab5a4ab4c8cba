#include "widgets.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QPainter>
#include <QPushButton>
#include <QStyleOption>
#include <QTableView>
#include <algorithm>

#include "colors.h"
#include "shown.h"
#include "tensor_tree_model.h"

namespace ckpt::viewer {

QLabel* plain_label(const QString& text, QWidget* parent) {
  auto* label = new QLabel(parent);
  label->setTextFormat(Qt::PlainText);
  label->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  label->setText(text);
  return label;
}

ElidedLabel::ElidedLabel(QWidget* parent) : QLabel(parent) {
  setTextFormat(Qt::PlainText);
  setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
}

void ElidedLabel::set_text(const QString& text) {
  setText(text);
  setToolTip(text.isEmpty() ? QString() : tip_of(text));
}

QSize ElidedLabel::minimumSizeHint() const { return {40, QLabel::minimumSizeHint().height()}; }

void ElidedLabel::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  style()->drawItemText(&painter, rect(), Qt::AlignLeft | Qt::AlignVCenter, palette(), isEnabled(),
                        fontMetrics().elidedText(text(), Qt::ElideMiddle, width()), foregroundRole());
}

Banner::Banner(QWidget* parent) : QFrame(parent), label_(plain_label()), layout_(new QHBoxLayout(this)) {
  label_->setWordWrap(true);
  layout_->setContentsMargins(10, 6, 10, 6);
  layout_->addWidget(label_, 1);
  setAutoFillBackground(true);
  hide();
}

void Banner::show_text(Tone tone, const QString& text) {
  tone_ = tone;
  label_->setText(text);
  setAccessibleName(text);
  set_colors();
  show();
}

QString Banner::text() const { return label_->text(); }

QPushButton* Banner::add_button(const QString& text) {
  auto* button = new QPushButton(text, this);
  layout_->addWidget(button);
  return button;
}

void Banner::set_colors() {
  const bool dark = parentWidget() != nullptr && is_dark(parentWidget()->palette());
  const int hue = tone_ == Tone::error ? 4 : tone_ == Tone::warning ? 42 : 208;
  const QColor back = dark ? QColor::fromHsv(hue, 140, 90) : QColor::fromHsv(hue, 60, 250);
  const QColor text = dark ? QColor(Qt::white) : QColor(0x20, 0x20, 0x20);
  if (palette().color(QPalette::Window) == back && palette().color(QPalette::WindowText) == text) return;
  QPalette colors;
  colors.setColor(QPalette::Window, back);
  colors.setColor(QPalette::WindowText, text);
  setPalette(colors);
}

void Banner::changeEvent(QEvent* event) {
  if (event->type() == QEvent::PaletteChange || event->type() == QEvent::ParentChange) set_colors();
  QFrame::changeEvent(event);
}

void ShareDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const {
  QStyleOptionViewItem plain = option;
  initStyleOption(&plain, index);
  plain.text.clear();
  const QWidget* widget = option.widget;
  widget->style()->drawControl(QStyle::CE_ItemViewItem, &plain, painter, widget);
  const double share = index.data(TensorTreeModel::kShareRole).toDouble();
  const QRectF room = QRectF(option.rect).adjusted(4, 4, -4, -4);
  QColor track = grid_color(option.palette);
  track.setAlphaF(0.12F);
  painter->fillRect(room, track);
  painter->fillRect(QRectF(room.topLeft(), QSizeF(share * room.width(), room.height())), bar_color(option.palette));
}

QSize ShareDelegate::sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const {
  return QStyledItemDelegate::sizeHint(option, index) + QSize(0, 5);
}

void set_up_table(QTableView& table) {
  table.setSelectionBehavior(QAbstractItemView::SelectRows);
  table.setSelectionMode(QAbstractItemView::SingleSelection);
  table.setWordWrap(false);
  table.setTextElideMode(Qt::ElideMiddle);
  table.setTabKeyNavigation(false);
  table.setAlternatingRowColors(true);
  table.setShowGrid(false);
  table.verticalHeader()->hide();
  table.verticalHeader()->setDefaultSectionSize(table.fontMetrics().height() + 6);
  table.horizontalHeader()->setStretchLastSection(true);
  table.horizontalHeader()->setHighlightSections(false);
  table.horizontalHeader()->setSectionsMovable(true);
  table.horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
}

void remember(QWidget& widget, const char* name) { widget.setProperty("remembered", QString::fromLatin1(name)); }

QString remembered_as(const QWidget& widget) { return widget.property("remembered").toString(); }

void fit_columns(std::initializer_list<QTableView*> tables) {
  constexpr int kLooks = 20;  // in each direction
  int width = 48;
  for (QTableView* table : tables) {
    const QAbstractItemModel& model = *table->model();
    const int row_step = std::max(1, model.rowCount() / kLooks);
    const int column_step = std::max(1, model.columnCount() / kLooks);
    for (int row = 0; row < model.rowCount(); row += row_step)
      for (int column = 0; column < model.columnCount(); column += column_step)
        width = std::max(width, table->fontMetrics().horizontalAdvance(model.index(row, column).data().toString()));
  }
  for (QTableView* table : tables) table->horizontalHeader()->setDefaultSectionSize(width + 16);
}

}  // namespace ckpt::viewer

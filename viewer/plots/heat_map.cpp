#include "heat_map.h"

#include <QMouseEvent>
#include <QPainter>
#include <QWheelEvent>
#include <algorithm>
#include <array>
#include <cmath>

#include "shown.h"

namespace ckpt::viewer {
namespace {

constexpr int kScaleGap = 10;
constexpr int kScaleBar = 14;
constexpr double kMaxPixel = 48;  // of one element
constexpr double kSeen = 12;      // of one where there are few the other way
constexpr double kLinedTile = 8;  // pixels; lines between smaller ones would hide them
constexpr std::int64_t kMaxSteps = 1024;

}  // namespace

HeatMap::HeatMap(QWidget* parent) : QWidget(parent) {
  setMouseTracking(true);
  setFocusPolicy(Qt::StrongFocus);
  setAccessibleName(tr("Heat map"));
}

void HeatMap::set_plane(std::int64_t rows, std::int64_t columns) {
  rows_ = rows;
  columns_ = columns;
  grid_ = {};
  image_ = {};
  view_ = QRectF(0, 0, static_cast<double>(columns), static_cast<double>(rows));
  update();
  emit wants_grid();
}

void HeatMap::set_grid(Grid grid) {
  grid_ = std::move(grid);
  make_image();
  update();
}

void HeatMap::set_map(ColorMap map) {
  map_ = map;
  make_image();
  update();
}

void HeatMap::set_gaps(bool gaps) {
  gaps_ = gaps;
  make_image();
}

void HeatMap::set_logarithmic(bool logarithmic) {
  logarithmic_ = logarithmic;
  update();
}

void HeatMap::set_tile(std::int64_t rows, std::int64_t columns) {
  tile_rows_ = rows;
  tile_columns_ = columns;
  update();
}

Window HeatMap::wanted() const {
  const auto row = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(view_.top())), 0, rows_);
  const auto column = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(view_.left())), 0, columns_);
  const auto end_row = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(view_.bottom())), row, rows_);
  const auto end_column =
      std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(view_.right())), column, columns_);
  return sampled(row, column, end_row - row, end_column - column, kMaxSteps);
}

// The range of colours is that of the finite values held; with both signs it is as far to either side of zero.
void HeatMap::make_image() {
  low_ = HUGE_VAL;
  high_ = -HUGE_VAL;
  for (const double value : grid_.values) {
    if (!std::isfinite(value)) continue;
    low_ = std::min(low_, value);
    high_ = std::max(high_, value);
  }
  finite_ = low_ <= high_;
  non_finite_ =
      !gaps_ && std::any_of(grid_.values.begin(), grid_.values.end(), [](double x) { return !std::isfinite(x); });
  if (!finite_) low_ = high_ = 0;
  if (map_ == ColorMap::diverging) {
    high_ = std::max(std::abs(low_), std::abs(high_));
    low_ = -high_;
  }
  const auto rows = static_cast<int>(grid_.window.rows);
  const auto columns = static_cast<int>(grid_.window.columns);
  image_ = QImage(columns, rows, QImage::Format_RGB32);
  const double half_width = high_ / 2 - low_ / 2;  // the whole may be more than a double holds
  std::array<QRgb, 1024> colors;
  for (std::size_t i = 0; i < colors.size(); ++i) colors[i] = color_at(map_, static_cast<double>(i) / 1023);
  for (int r = 0; r < rows; ++r) {
    auto* line = reinterpret_cast<QRgb*>(image_.scanLine(r));
    for (int c = 0; c < columns; ++c) {
      const double value = grid_.at(r, c);
      if (!std::isfinite(value))
        line[c] = gaps_ && std::isnan(value) ? palette().color(QPalette::Window).rgb() : kNonFiniteColor;
      else
        line[c] = colors[half_width > 0 ? static_cast<std::size_t>((value / 2 - low_ / 2) / half_width * 1023) : 511];
    }
  }
}

// Room for any number, so that the picture stays where it is.
int HeatMap::scale_width() const {
  return kScaleGap + kScaleBar + 4 + fontMetrics().horizontalAdvance(QStringLiteral("-1.23e+308")) + 2;
}

QString HeatMap::scale_text(double value) const { return number_text(logarithmic_ ? std::pow(10, value) : value, 3); }

QRectF HeatMap::area() const {
  const QRectF all = QRectF(rect()).adjusted(1, 1, -scale_width() - 1, -1);
  if (view_.isEmpty() || all.isEmpty()) return {};
  // One element is a square in kernels, whose shape matters, unless a third of the room were not used then; else it
  // may be longer, so that the plane is no line.
  double across = std::min(kMaxPixel, all.width() / view_.width());
  double down = std::min(kMaxPixel, all.height() / view_.height());
  const double side = std::min(across, down);
  const auto longest = [&](double room, double elements) {
    return tile_rows_ > 0 ? std::clamp(room / 3 / elements, side, side * 8) : std::max(side * 8, kSeen);
  };
  across = std::min(across, longest(all.width(), view_.width()));
  down = std::min(down, longest(all.height(), view_.height()));
  return {all.topLeft(), QSizeF(view_.width() * across, view_.height() * down)};
}

QPointF HeatMap::to_plane(QPointF at) const {
  const QRectF box = area();
  return {view_.left() + (at.x() - box.left()) / box.width() * view_.width(),
          view_.top() + (at.y() - box.top()) / box.height() * view_.height()};
}

QPointF HeatMap::to_widget(QPointF at) const {
  const QRectF box = area();
  return {box.left() + (at.x() - view_.left()) / view_.width() * box.width(),
          box.top() + (at.y() - view_.top()) / view_.height() * box.height()};
}

void HeatMap::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  const QRectF box = area();
  if (box.isEmpty() || image_.isNull()) return;
  const Window& held = grid_.window;
  const QPointF from = to_widget({static_cast<double>(held.column), static_cast<double>(held.row)});
  const QPointF to = to_widget({static_cast<double>(held.column + held.columns * held.column_step),
                                static_cast<double>(held.row + held.rows * held.row_step)});
  painter.setClipRect(box);
  painter.drawImage(QRectF(from, to), image_);
  painter.setPen(palette().color(QPalette::Window));
  if (tile_rows_ > 0 && box.height() / view_.height() * static_cast<double>(tile_rows_) > kLinedTile) {
    for (auto r = held.row / tile_rows_ * tile_rows_; r <= held.row + held.rows; r += tile_rows_)
      painter.fillRect(QRectF(box.left(), to_widget({0, static_cast<double>(r)}).y() - 0.5, box.width(), 1),
                       palette().window());
    for (auto c = held.column / tile_columns_ * tile_columns_; c <= held.column + held.columns; c += tile_columns_)
      painter.fillRect(QRectF(to_widget({static_cast<double>(c), 0}).x() - 0.5, box.top(), 1, box.height()),
                       palette().window());
  }
  painter.setClipping(false);
  painter.setPen(hasFocus() ? palette().color(QPalette::Highlight) : grid_color(palette()));
  painter.setBrush(Qt::NoBrush);
  painter.drawRect(box);
  paint_scale(painter);
}

void HeatMap::paint_scale(QPainter& painter) {
  const double height = std::min(240.0, static_cast<double>(this->height()) - 54);
  if (height < 40) return;
  const QRectF bar(width() - scale_width() + kScaleGap, 12, kScaleBar, height);
  const auto text = [&](const QString& what, double y) {
    const double line = fontMetrics().height();
    painter.setPen(palette().color(QPalette::WindowText));
    painter.drawText(QRectF(bar.right() + 4, y - line / 2, width() - bar.right() - 4, line),
                     Qt::AlignLeft | Qt::AlignVCenter, what);
  };
  if (non_finite_) {  // what their colour means; below the scale, or instead of it
    const QRectF swatch(bar.left(), finite_ ? bar.bottom() + 14 : bar.top(), bar.width(), bar.width());
    painter.fillRect(swatch, QColor(kNonFiniteColor));
    text(QStringLiteral("NaN, ±∞"), swatch.center().y());
  }
  if (!finite_) return;
  for (int y = 0; y < static_cast<int>(height); ++y)
    painter.fillRect(QRectF(bar.left(), bar.top() + y, bar.width(), 1.5), QColor(color_at(map_, 1 - y / height)));
  painter.setPen(grid_color(palette()));
  painter.drawRect(bar);
  text(scale_text(high_), bar.top() + 4);
  text(scale_text(low_ / 2 + high_ / 2), bar.center().y());
  text(scale_text(low_), bar.bottom() - 4);
}

void HeatMap::point(QPointF at) {
  const QRectF box = area();
  if (!box.contains(at) || grid_.values.empty()) {
    emit pointed_at(-1, -1, 0);
    return;
  }
  const Window& held = grid_.window;
  const QPointF place = to_plane(at);
  const auto row = (static_cast<std::int64_t>(place.y()) - held.row) / held.row_step;
  const auto column = (static_cast<std::int64_t>(place.x()) - held.column) / held.column_step;
  if (row < 0 || column < 0 || row >= held.rows || column >= held.columns) return;
  emit pointed_at(held.row + row * held.row_step, held.column + column * held.column_step, grid_.at(row, column));
}

void HeatMap::set_view(QRectF view) {
  const auto rows = static_cast<double>(rows_);
  const auto columns = static_cast<double>(columns_);
  view.setWidth(std::clamp(view.width(), std::min(4.0, columns), columns));
  view.setHeight(std::clamp(view.height(), std::min(4.0, rows), rows));
  view.moveLeft(std::clamp(view.left(), 0.0, columns - view.width()));
  view.moveTop(std::clamp(view.top(), 0.0, rows - view.height()));
  if (view == view_) return;
  view_ = view;
  update();
  emit wants_grid();
}

void HeatMap::zoom(double factor, QPointF around) {
  if (view_.isEmpty()) return;
  const QPointF fixed = to_plane(around);
  const QSizeF size = view_.size() / factor;
  const QPointF share((fixed.x() - view_.left()) / view_.width(), (fixed.y() - view_.top()) / view_.height());
  set_view({QPointF(fixed.x() - share.x() * size.width(), fixed.y() - share.y() * size.height()), size});
}

void HeatMap::show_all() { set_view(QRectF(0, 0, static_cast<double>(columns_), static_cast<double>(rows_))); }

void HeatMap::mousePressEvent(QMouseEvent* event) { grabbed_ = event->position(); }

void HeatMap::mouseMoveEvent(QMouseEvent* event) {
  if ((event->buttons() & Qt::LeftButton) != 0) {
    const QPointF moved = to_plane(grabbed_) - to_plane(event->position());
    grabbed_ = event->position();
    set_view(view_.translated(moved));
  }
  point(event->position());
}

void HeatMap::wheelEvent(QWheelEvent* event) {
  if (event->angleDelta().y() == 0) return;
  zoom(std::pow(1.0015, event->angleDelta().y()), event->position());
  point(event->position());
}

void HeatMap::keyPressEvent(QKeyEvent* event) {
  const QPointF middle = area().center();
  const double step_x = view_.width() / 8;
  const double step_y = view_.height() / 8;
  switch (event->key()) {
    case Qt::Key_Plus:
    case Qt::Key_Equal:
      zoom(1.25, middle);
      break;
    case Qt::Key_Minus:
      zoom(0.8, middle);
      break;
    case Qt::Key_0:
    case Qt::Key_Home:
      show_all();
      break;
    case Qt::Key_Left:
      set_view(view_.translated(-step_x, 0));
      break;
    case Qt::Key_Right:
      set_view(view_.translated(step_x, 0));
      break;
    case Qt::Key_Up:
      set_view(view_.translated(0, -step_y));
      break;
    case Qt::Key_Down:
      set_view(view_.translated(0, step_y));
      break;
    default:
      QWidget::keyPressEvent(event);
      return;
  }
  point(middle);
}

void HeatMap::resizeEvent(QResizeEvent*) { update(); }

void HeatMap::leaveEvent(QEvent*) { emit pointed_at(-1, -1, 0); }

void HeatMap::changeEvent(QEvent* event) {
  if (event->type() == QEvent::PaletteChange && gaps_) make_image();  // gaps have its colour
  QWidget::changeEvent(event);
}

}  // namespace ckpt::viewer

#include "heat_map.h"

#include <QApplication>
#include <QMouseEvent>
#include <QPainter>
#include <QWheelEvent>
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

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

void HeatMap::set_trimmed(bool trimmed) {
  trimmed_ = trimmed;
  make_image();
  update();
}

void HeatMap::set_names(std::function<QString(std::int64_t)> of_row, std::function<QString(std::int64_t)> of_column) {
  row_name_ = std::move(of_row);
  column_name_ = std::move(of_column);
  update();
}

void HeatMap::mark_row(std::int64_t row) {
  marked_row_ = row;
  update();
}

QImage HeatMap::figure() {
  constexpr int kSharp = 2;
  QImage image(size() * kSharp, QImage::Format_RGB32);
  image.setDevicePixelRatio(kSharp);
  render(&image);
  return image;
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
void HeatMap::find_range() {
  low_ = HUGE_VAL;
  high_ = -HUGE_VAL;
  non_finite_ = false;
  std::vector<double> finite;  // only where some of them do not count
  for (const double value : grid_.values) {
    if (!std::isfinite(value)) {
      non_finite_ |= !(gaps_ && std::isnan(value));
      continue;
    }
    low_ = std::min(low_, value);
    high_ = std::max(high_, value);
    if (trimmed_) finite.push_back(value);
  }
  finite_ = low_ <= high_;
  if (!finite_) low_ = high_ = 0;
  if (const auto cut = static_cast<std::ptrdiff_t>(finite.size() / 100); cut > 0) {
    std::ranges::nth_element(finite, finite.begin() + cut);
    low_ = finite[static_cast<std::size_t>(cut)];
    std::ranges::nth_element(finite, finite.end() - 1 - cut);
    high_ = *(finite.end() - 1 - cut);
  }
  if (map_ == ColorMap::diverging) {
    high_ = std::max(std::abs(low_), std::abs(high_));
    low_ = -high_;
  }
}

void HeatMap::make_image() {
  find_range();
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
        line[c] =
            colors[half_width > 0
                       ? static_cast<std::size_t>(std::clamp((value / 2 - low_ / 2) / half_width, 0.0, 1.0) * 1023)
                       : 511];
    }
  }
}

// Room for any number, so that the picture stays where it is.
int HeatMap::scale_width() const {
  return kScaleGap + kScaleBar + 4 + fontMetrics().horizontalAdvance(QStringLiteral("≥ -1.23e+308")) + 2;
}

int HeatMap::names_width() const {
  return row_name_ ? std::min(width() / 4, 18 * fontMetrics().horizontalAdvance(QLatin1Char('m'))) : 0;
}

QString HeatMap::scale_text(double value) const { return number_text(logarithmic_ ? std::pow(10, value) : value, 3); }

QRectF HeatMap::area() const {
  const int below = column_name_ ? fontMetrics().height() + 2 : 0;
  const QRectF all = QRectF(rect()).adjusted(names_width() + 1, 1, -scale_width() - 1, -1 - below);
  if (view_.isEmpty() || all.isEmpty()) return {};
  if (row_name_) return {all.topLeft(), QSizeF(all.width(), std::min(all.height(), view_.height() * kMaxPixel / 2))};
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
  if (row_name_) paint_names(painter, box);
  paint_scale(painter, box);
}

// As many of them as have room.
void HeatMap::paint_names(QPainter& painter, const QRectF& box) {
  painter.setPen(palette().color(QPalette::WindowText));
  const double line = fontMetrics().height();
  const int width = names_width() - 6;
  const auto first_row = static_cast<std::int64_t>(std::floor(view_.top()));
  const auto rows = std::max<std::int64_t>(1, std::llround(std::ceil(line * view_.height() / box.height())));
  for (auto row = first_row; static_cast<double>(row) < view_.bottom() && row < rows_; row += rows) {
    const double y = to_widget({0, static_cast<double>(row) + 0.5}).y();
    if (y < box.top() || y > box.bottom()) continue;
    painter.drawText(QRectF(0, y - line / 2, width, line), Qt::AlignRight | Qt::AlignVCenter,
                     fontMetrics().elidedText(row_name_(row), Qt::ElideMiddle, width));
  }
  const auto first_column = static_cast<std::int64_t>(std::floor(view_.left()));
  const double room = fontMetrics().horizontalAdvance(column_name_(columns_ - 1)) + 12;
  const auto columns = std::max<std::int64_t>(1, std::llround(std::ceil(room * view_.width() / box.width())));
  for (auto column = first_column; static_cast<double>(column) < view_.right() && column < columns_;
       column += columns) {
    const double x = to_widget({static_cast<double>(column) + 0.5, 0}).x();
    if (x >= box.left() && x <= box.right())
      painter.drawText(QRectF(x - room / 2, box.bottom() + 2, room, line), Qt::AlignCenter, column_name_(column));
  }
  if (marked_row_ < 0) return;
  const double top = to_widget({0, static_cast<double>(marked_row_)}).y();
  const double bottom = to_widget({0, static_cast<double>(marked_row_) + 1}).y();
  painter.setClipRect(box.adjusted(-2, -2, 2, 2));
  painter.setPen(QPen(palette().color(QPalette::Highlight), 2));
  painter.drawRect(QRectF(box.left(), top, box.width(), std::max(2.0, bottom - top)));
  painter.setClipping(false);
}

void HeatMap::paint_scale(QPainter& painter, const QRectF& box) {
  const double height = std::min(240.0, static_cast<double>(this->height()) - 54);
  if (height < 40) return;
  const QRectF bar(box.right() + kScaleGap, 12, kScaleBar, height);
  const auto text = [&](const QString& what, double y) {
    const double line = fontMetrics().height();
    painter.setPen(palette().color(QPalette::WindowText));
    painter.drawText(QRectF(bar.right() + 4, y - line / 2, scale_width(), line), Qt::AlignLeft | Qt::AlignVCenter,
                     what);
  };
  if (non_finite_) {  // what their colour means; below the scale, or instead of it
    const QRectF swatch(bar.left(), finite_ ? bar.bottom() + 14 : bar.top(), bar.width(), bar.width());
    painter.fillRect(swatch, QColor(kNonFiniteColor));
    text(logarithmic_ ? QStringLiteral("0, ∞") : QStringLiteral("NaN, ±∞"), swatch.center().y());
  }
  if (!finite_) return;
  for (int y = 0; y < static_cast<int>(height); ++y)
    painter.fillRect(QRectF(bar.left(), bar.top() + y, bar.width(), 1.5), QColor(color_at(map_, 1 - y / height)));
  painter.setPen(grid_color(palette()));
  painter.drawRect(bar);
  const bool beyond = trimmed_ && grid_.values.size() >= 100;
  text((beyond ? QStringLiteral("≥ ") : QString()) + scale_text(high_), bar.top() + 4);
  text(scale_text(low_ / 2 + high_ / 2), bar.center().y());
  text((beyond ? QStringLiteral("≤ ") : QString()) + scale_text(low_), bar.bottom() - 4);
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

void HeatMap::mousePressEvent(QMouseEvent* event) { pressed_ = grabbed_ = event->position(); }

void HeatMap::mouseReleaseEvent(QMouseEvent* event) {
  const bool dragged = (event->position() - pressed_).manhattanLength() >= QApplication::startDragDistance();
  if (dragged || !area().contains(event->position())) return;
  const QPointF place = to_plane(event->position());
  emit clicked(static_cast<qint64>(place.y()), static_cast<qint64>(place.x()));
}

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

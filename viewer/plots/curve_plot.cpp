#include "curve_plot.h"

#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QPolygonF>
#include <QToolTip>
#include <algorithm>
#include <cmath>
#include <optional>

#include "colors.h"
#include "shown.h"

namespace ckpt::viewer {

namespace {

constexpr double kMost = 1e300;   // what is beyond counts as infinite: differences stay finite
constexpr double kNear = 8;       // pixels
constexpr std::size_t kFew = 60;  // points that are dots, too

bool is_shown(double value) { return std::abs(value) <= kMost; }  // false for NaN

// Steps are counted; values are as they are.
QString step_text(double step) { return count_text(static_cast<std::uint64_t>(step)); }

const CurvePlot::Point* last_up_to(const CurvePlot::Curve& curve, double step) {
  const auto behind = std::ranges::upper_bound(curve.points, step, {}, &CurvePlot::Point::step);
  return behind == curve.points.begin() ? nullptr : &*std::prev(behind);
}

}  // namespace

std::vector<double> axis_ticks(double low, double high, int most) {
  if (!(high > low) || most < 1) return {};
  const double wanted = (high - low) / most;
  double step = std::pow(10, std::floor(std::log10(wanted)));
  for (const double factor : {2.0, 2.5, 2.0}) {  // 1, 2, 5, 10
    if (step >= wanted) break;
    step *= factor;
  }
  std::vector<double> ticks;
  // By whole numbers: sums would drift.
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + 1e-9 * step && ticks.size() < 100; ++i)
    ticks.push_back(i * step);
  if (ticks.size() > static_cast<std::size_t>(most)) ticks.pop_back();
  return ticks;
}

CurvePlot::CurvePlot(QWidget* parent) : QWidget(parent) {
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
  setFocusPolicy(Qt::StrongFocus);
  setAccessibleName(tr("Curves over the steps of the run"));
}

void CurvePlot::set_curves(std::vector<Curve> curves) {
  curves_ = std::move(curves);
  arrange();
}

void CurvePlot::set_marks(std::vector<Mark> marks) {
  marks_ = std::move(marks);
  if (current_ >= static_cast<int>(marks_.size())) current_ = -1;
  arrange();
}

void CurvePlot::set_current(int mark) {
  current_ = mark < static_cast<int>(marks_.size()) ? mark : -1;
  update();
}

void CurvePlot::arrange() {
  low_ = HUGE_VAL;
  high_ = -HUGE_VAL;
  first_ = HUGE_VAL;
  last_ = 0;
  QStringList words;
  for (const Curve& curve : curves_) {
    for (const Point& point : curve.points) {
      first_ = std::min(first_, point.step);
      last_ = std::max(last_, point.step);
      if (!is_shown(point.value)) continue;
      low_ = std::min(low_, point.value);
      high_ = std::max(high_, point.value);
    }
    if (!curve.points.empty())
      words << QStringLiteral("%1: %2").arg(curve.name, number_text(curve.points.back().value));
  }
  for (const Mark& mark : marks_) {
    first_ = std::min(first_, mark.step);
    last_ = std::max(last_, mark.step);
  }
  if (first_ < last_ / 2) first_ = 0;  // a training that is seen from its beginning
  if (!(last_ > first_)) last_ = first_ + 1;
  if (low_ > high_) low_ = high_ = 0;
  const double room = high_ > low_ ? 0.06 * (high_ - low_) : std::max(std::abs(high_) * 0.1, 1e-3);
  low_ -= room;
  high_ += room;
  setAccessibleDescription(words.join(QStringLiteral("; ")));
  update();
}

QRectF CurvePlot::area() const {
  const int line = fontMetrics().height();
  int labels = 0;
  for (const double tick : axis_ticks(low_, high_, 5))
    labels = std::max(labels, fontMetrics().horizontalAdvance(number_text(tick)));
  return QRectF(rect()).adjusted(labels + 10, line + 4, -12, -line - 8);
}

QPointF CurvePlot::place_of(double step, double value) const { return place_in(area(), step, value); }

QPointF CurvePlot::place_in(const QRectF& box, double step, double value) const {
  return {box.left() + (step - first_) / (last_ - first_) * box.width(),
          box.bottom() - (value - low_) / (high_ - low_) * box.height()};
}

QColor CurvePlot::color_of(std::size_t curve) const {
  return curve == 0 ? bar_color(palette()) : second_color(palette());
}

void CurvePlot::paint_axes(QPainter& painter, const QRectF& box) const {
  const QFontMetrics& font = fontMetrics();
  const int line = font.height();
  for (const double tick : axis_ticks(low_, high_, std::clamp(static_cast<int>(box.height()) / (2 * line), 2, 5))) {
    const double y = place_in(box, first_, tick).y();
    painter.setPen(grid_color(palette()));
    painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y));
    painter.setPen(palette().color(QPalette::WindowText));
    painter.drawText(QRectF(0, y - line / 2.0, box.left() - 6, line), Qt::AlignRight | Qt::AlignVCenter,
                     number_text(tick));
  }
  const int wide = font.horizontalAdvance(step_text(last_)) + 24;
  for (const double tick : axis_ticks(first_, last_, std::clamp(static_cast<int>(box.width()) / wide, 1, 10))) {
    if (tick != std::floor(tick)) continue;
    const double x = place_in(box, tick, low_).x();
    painter.setPen(grid_color(palette()));
    painter.drawLine(QPointF(x, box.bottom()), QPointF(x, box.bottom() + 4));
    painter.setPen(palette().color(QPalette::WindowText));
    const double half = wide / 2.0;
    const double left = std::min(x - half, width() - 2 * half + 20);
    painter.drawText(QRectF(left, box.bottom() + 5, 2 * half, line), Qt::AlignHCenter, step_text(tick));
  }
  painter.setPen(grid_color(palette()));
  painter.drawLine(box.bottomLeft(), box.bottomRight());
  painter.drawLine(box.topLeft(), box.bottomLeft());
}

void CurvePlot::paint_legend(QPainter& painter, const QRectF& box) const {
  const int line = fontMetrics().height();
  double right = box.right();
  for (std::size_t i = curves_.size(); i-- > 0;) {
    const double width = fontMetrics().horizontalAdvance(curves_[i].name) + 1;
    painter.setPen(palette().color(QPalette::WindowText));
    painter.drawText(QRectF(right - width, 1, width, line), Qt::AlignLeft, curves_[i].name);
    painter.fillRect(QRectF(right - width - 18, 1 + line / 2.0 - 1, 14, 2), color_of(i));
    right -= width + 32;
  }
}

// Of more points than pixels the lowest and the highest of each column: a peak is not lost.
void CurvePlot::paint_curve(QPainter& painter, const QRectF& box, const Curve& curve, const QColor& color) const {
  QPolygonF line;
  const auto end_line = [&] {
    painter.setPen(QPen(color, 1.5));
    if (line.size() == 1) painter.drawEllipse(line[0], 1.5, 1.5);
    painter.drawPolyline(line);
    line.clear();
  };
  const bool dense = static_cast<double>(curve.points.size()) > 2 * box.width();
  double column = -1;
  for (const Point& point : curve.points) {
    if (!is_shown(point.value)) {
      end_line();
      column = -1;
      const double x = std::floor(place_in(box, point.step, low_).x());
      painter.fillRect(QRectF(x, box.top(), 2, box.height()), QColor(kNonFiniteColor));
      continue;
    }
    QPointF place = place_in(box, point.step, point.value);
    if (dense) place.setX(std::floor(place.x()));
    const qsizetype size = line.size();
    if (dense && place.x() == column && size > 1) {
      QPointF& one = line[size - 2];
      QPointF& other = line[size - 1];
      if (place.y() < std::min(one.y(), other.y()))
        (one.y() < other.y() ? one : other) = place;
      else if (place.y() > std::max(one.y(), other.y()))
        (one.y() < other.y() ? other : one) = place;
      continue;
    }
    line << place;
    if (dense) line << place;
    column = place.x();
  }
  end_line();
  if (curve.points.size() > kFew) return;
  painter.setBrush(color);
  painter.setPen(Qt::NoPen);
  for (const Point& point : curve.points)
    if (is_shown(point.value)) painter.drawEllipse(place_in(box, point.step, point.value), 2, 2);
  painter.setBrush(Qt::NoBrush);
}

// On the curves where there is room, always at the axis.
void CurvePlot::paint_marks(QPainter& painter, const QRectF& box) const {
  const bool room = static_cast<double>(marks_.size()) * 10 < box.width();
  const QColor text = palette().color(QPalette::WindowText);
  double before = -2;
  for (std::size_t i = 0; i < marks_.size(); ++i) {
    const bool current = static_cast<int>(i) == current_;
    const double x = place_in(box, marks_[i].step, low_).x();
    if (x - before < 1 && !current) continue;
    before = x;
    painter.setPen(QPen(text, current ? 1.5 : 1));
    painter.drawLine(QPointF(x, current ? box.top() : box.bottom() - 5), QPointF(x, box.bottom()));
    if (!room && !current) continue;
    for (std::size_t c = 0; c < curves_.size(); ++c) {
      const Point* point = last_up_to(curves_[c], marks_[i].step);
      if (point == nullptr || !is_shown(point->value)) continue;
      painter.setPen(QPen(color_of(c), 1.5));
      painter.setBrush(palette().color(QPalette::Window));
      painter.drawEllipse(place_in(box, point->step, point->value), current ? 5.0 : 3.5, current ? 5.0 : 3.5);
      painter.setBrush(Qt::NoBrush);
    }
  }
}

void CurvePlot::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  if (std::ranges::all_of(curves_, [](const Curve& curve) { return curve.points.empty(); })) {
    painter.setPen(palette().color(QPalette::WindowText));
    painter.drawText(rect(), Qt::AlignCenter, tr("No numbers yet"));
    return;
  }
  const QRectF box = area();
  paint_axes(painter, box);
  paint_legend(painter, box);
  painter.setRenderHint(QPainter::Antialiasing);
  for (std::size_t i = 0; i < curves_.size(); ++i) paint_curve(painter, box, curves_[i], color_of(i));
  paint_marks(painter, box);
  if (hasFocus()) {
    painter.setPen(QPen(palette().color(QPalette::Highlight), 1));
    painter.drawRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5));
  }
}

int CurvePlot::mark_near(double x) const {
  int nearest = -1;
  double distance = kNear;
  const QRectF box = area();
  for (std::size_t i = 0; i < marks_.size(); ++i) {
    const double away = std::abs(place_in(box, marks_[i].step, low_).x() - x);
    if (away > distance) continue;
    distance = away;
    nearest = static_cast<int>(i);
  }
  return nearest;
}

// The line of the step that is pointed at, and the checkpoint that is near.
QString CurvePlot::tip_at(const QPointF& place) const {
  const QRectF box = area();
  const int mark = mark_near(place.x());
  const double step = mark >= 0 ? marks_[static_cast<std::size_t>(mark)].step
                                : first_ + (place.x() - box.left()) / box.width() * (last_ - first_);
  QStringList lines;
  if (mark >= 0) lines << marks_[static_cast<std::size_t>(mark)].name;
  for (const Curve& curve : curves_)
    if (const Point* point = last_up_to(curve, step))
      lines << tr("%1 at step %2: %3").arg(curve.name, step_text(point->step), number_text(point->value));
  return lines.join(QLatin1Char('\n'));
}

bool CurvePlot::event(QEvent* event) {
  if (event->type() != QEvent::ToolTip) return QWidget::event(event);
  auto* help = static_cast<QHelpEvent*>(event);
  const QString text = tip_at(help->pos());
  if (text.isEmpty()) return QWidget::event(event);
  QToolTip::showText(help->globalPos(), tip_of(text));
  return true;
}

void CurvePlot::mousePressEvent(QMouseEvent* event) {
  const int mark = event->button() == Qt::LeftButton ? mark_near(event->position().x()) : -1;
  if (mark < 0) return QWidget::mousePressEvent(event);
  set_current(mark);
  emit picked(mark);
}

void CurvePlot::keyPressEvent(QKeyEvent* event) {
  const int step = event->key() == Qt::Key_Left ? -1 : event->key() == Qt::Key_Right ? 1 : 0;
  const int wanted = current_ < 0 && step < 0 ? static_cast<int>(marks_.size()) - 1 : current_ + step;
  if (step == 0 || wanted < 0 || wanted >= static_cast<int>(marks_.size())) return QWidget::keyPressEvent(event);
  set_current(wanted);
  emit picked(wanted);
}

}  // namespace ckpt::viewer

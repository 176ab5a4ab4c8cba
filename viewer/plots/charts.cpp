#include "charts.h"

#include <QHelpEvent>
#include <QPainter>
#include <QPainterPath>
#include <QToolTip>
#include <algorithm>
#include <cmath>

#include "colors.h"
#include "shown.h"

namespace ckpt::viewer {

namespace {

constexpr double kZeroWidth = 0.035;  // of the bar of zeros, as a share

bool any(const std::vector<std::uint64_t>& counts) {
  return std::any_of(counts.begin(), counts.end(), [](std::uint64_t count) { return count > 0; });
}

// The places of magnitudes from `low` to `high` of either sign, as shares of the width.
struct LogAxis {
  double low = HUGE_VAL;
  double high = 0;
  bool negative = false;
  bool positive = false;
  bool zeros = false;

  void include(const Magnitudes& of) {
    zeros |= of.zeros > 0;
    negative |= any(of.negative);
    positive |= any(of.positive);
    if (of.edges.empty()) return;
    low = std::min(low, of.edges.front());
    high = std::max(high, of.edges.back());
  }
  double middle() const { return zeros || (negative && positive) ? kZeroWidth : 0; }
  double side() const { return (1 - middle()) / (negative && positive ? 2 : 1); }
  double left_end() const { return negative ? side() : 0; }  // of the middle
  double at(double magnitude, bool below_zero) const {
    const double share = high > low ? (std::log2(magnitude) - std::log2(low)) / (std::log2(high) - std::log2(low)) : 0;
    return below_zero ? left_end() - share * side() : left_end() + middle() + share * side();
  }
};

}  // namespace

HistogramPlot::HistogramPlot(QWidget* parent) : QWidget(parent) {
  setAccessibleName(tr("Histogram"));
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
}

void HistogramPlot::set(std::optional<Histogram> first, std::optional<Histogram> second) {
  values_ = {std::move(first), std::move(second)};
  arrange();
}

void HistogramPlot::set_magnitudes(std::optional<Magnitudes> first, std::optional<Magnitudes> second) {
  magnitudes_ = {std::move(first), std::move(second)};
  arrange();
}

void HistogramPlot::set_logarithmic_counts(bool logarithmic) {
  logarithmic_counts_ = logarithmic;
  update();
}

void HistogramPlot::set_logarithmic_values(bool logarithmic) {
  logarithmic_values_ = logarithmic;
  arrange();
}

void HistogramPlot::arrange() {
  bars_ = {};
  ticks_.clear();
  if (logarithmic_values_)
    arrange_magnitudes();
  else
    arrange_values();
  widest_ = 0;
  for (const auto& bars : bars_)
    for (const Bar& bar : bars) widest_ = std::max(widest_, bar.to - bar.from);
  update();
}

void HistogramPlot::arrange_values() {
  double low = HUGE_VAL;
  double high = -HUGE_VAL;
  for (const auto& one : values_) {
    if (!one || one->counts.empty()) continue;
    low = std::min(low, one->low);
    high = std::max(high, one->high);
  }
  if (low > high) return;
  // Halves, because the whole may be more than a double holds.
  const double width = high > low ? high / 2 - low / 2 : 1;
  const auto at = [&](double value) { return (value / 2 - low / 2) / width; };
  for (std::size_t series = 0; series < values_.size(); ++series) {
    if (!values_[series]) continue;
    const Histogram& of = *values_[series];
    for (std::size_t i = 0; i < of.counts.size(); ++i)
      bars_[series].push_back({at(of.edge(i)), at(of.edge(i + 1)), of.counts[i], of.edge(i), of.edge(i + 1)});
  }
  ticks_ = {{0, number_text(low)}, {1, number_text(high)}};
  if (low < 0 && high > 0) ticks_.push_back({at(0), QStringLiteral("0")});
}

void HistogramPlot::arrange_magnitudes() {
  LogAxis axis;
  for (const auto& one : magnitudes_)
    if (one) axis.include(*one);
  for (std::size_t series = 0; series < magnitudes_.size(); ++series) {
    if (!magnitudes_[series]) continue;
    const Magnitudes& of = *magnitudes_[series];
    auto& bars = bars_[series];
    for (std::size_t i = axis.negative ? of.negative.size() : 0; i-- > 0;)
      bars.push_back(
          {axis.at(of.edges[i + 1], true), axis.at(of.edges[i], true), of.negative[i], -of.edges[i + 1], -of.edges[i]});
    if (axis.middle() > 0) bars.push_back({axis.left_end(), axis.left_end() + axis.middle(), of.zeros, 0, 0});
    for (std::size_t i = 0; axis.positive && i < of.positive.size(); ++i)
      bars.push_back(
          {axis.at(of.edges[i], false), axis.at(of.edges[i + 1], false), of.positive[i], of.edges[i], of.edges[i + 1]});
  }
  // The ends first: what has no room beside those that are there is left out.
  if (axis.middle() > 0) ticks_.push_back({axis.left_end() + axis.middle() / 2, QStringLiteral("0")});
  if (axis.high == 0) return;
  const auto add = [&](double magnitude) {
    if (axis.negative) ticks_.push_back({axis.at(magnitude, true), number_text(-magnitude, 3)});
    if (axis.positive) ticks_.push_back({axis.at(magnitude, false), number_text(magnitude, 3)});
  };
  add(axis.high);
  add(axis.low);
  const double first = std::ceil(std::log10(axis.low));
  const double last = std::floor(std::log10(axis.high));
  const double step = std::max(1.0, std::ceil((last - first) / 8));
  for (double power = last; power >= first; power -= step) add(std::pow(10, power));
}

QRectF HistogramPlot::area() const {
  const int line = fontMetrics().height();
  return QRectF(rect()).adjusted(8, line + 6, -8, -line - 6);
}

// How high a bar is, before it is scaled. Beside another histogram, whose bins are not as wide: by values a width.
double HistogramPlot::weight_of(const Bar& bar) const {
  auto count = static_cast<double>(bar.count);
  const bool zeros = bar.low == bar.high;
  if (both() && !zeros && bar.to > bar.from) count *= widest_ / (bar.to - bar.from);
  return logarithmic_counts_ ? std::log1p(count) : count;
}

double HistogramPlot::heaviest() const {
  double heaviest = 0;
  for (const auto& bars : bars_)
    for (const Bar& bar : bars) heaviest = std::max(heaviest, weight_of(bar));
  return heaviest;
}

void HistogramPlot::paint_bars(QPainter& painter, const QRectF& box, std::size_t series, double heaviest) const {
  const auto& bars = bars_[series];
  if (bars.empty()) return;
  const auto x = [&](double share) { return box.left() + share * box.width(); };
  QPainterPath path(QPointF(x(bars.front().from), box.bottom()));
  for (const Bar& bar : bars) {
    const double y = box.bottom() - (heaviest > 0 ? weight_of(bar) / heaviest : 0) * box.height();
    path.lineTo(x(bar.from), y);
    path.lineTo(x(bar.to), y);
  }
  path.lineTo(path.currentPosition().x(), box.bottom());
  if (series == 0)
    painter.fillPath(path, bar_color(palette()));
  else
    painter.strokePath(path, QPen(second_color(palette()), 1.5));
}

// Which is which, at the right above the bars.
void HistogramPlot::paint_legend(QPainter& painter, const QRectF& box) const {
  const int line = fontMetrics().height();
  const double side = line * 0.6;
  double right = box.right();
  for (const std::size_t series : {std::size_t{1}, std::size_t{0}}) {
    const QString name = series == 0 ? QStringLiteral("A") : QStringLiteral("B");
    const double width = fontMetrics().horizontalAdvance(name) + 1;
    painter.setPen(palette().color(QPalette::WindowText));
    painter.drawText(QRectF(right - width, 2, width, line), Qt::AlignLeft, name);
    const QRectF mark(right - width - 4 - side, 2 + (line - side) / 2, side, side);
    if (series == 0)
      painter.fillRect(mark, bar_color(palette()));
    else
      painter.fillRect(QRectF(mark.left(), mark.center().y() - 0.75, side, 1.5), second_color(palette()));
    right = mark.left() - 14;
  }
}

void HistogramPlot::paint_ticks(QPainter& painter, const QRectF& box) const {
  std::vector<QRectF> taken;
  for (const Tick& tick : ticks_) {
    const double x = box.left() + tick.at * box.width();
    const double width = fontMetrics().horizontalAdvance(tick.text) + 1;
    const QRectF room(std::clamp(x - width / 2, box.left() - 6, std::max(box.left() - 6, box.right() + 6 - width)),
                      box.bottom() + 3, width, fontMetrics().height());
    const bool free = std::none_of(taken.begin(), taken.end(),
                                   [&](const QRectF& other) { return other.adjusted(-6, 0, 6, 0).intersects(room); });
    if (!free) continue;
    taken.push_back(room);
    painter.setPen(grid_color(palette()));
    if (tick.at > 0 && tick.at < 1) painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()));
    painter.setPen(palette().color(QPalette::WindowText));
    painter.drawText(room, Qt::AlignLeft, tick.text);
  }
}

void HistogramPlot::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  const QRectF box = area();
  painter.setPen(palette().color(QPalette::WindowText));
  if (bars_[0].empty() && bars_[1].empty()) {
    const bool to_come = logarithmic_values_ && (values_[0] || values_[1]) && !magnitudes_[0];
    painter.drawText(rect(), Qt::AlignCenter, to_come ? tr("Computing …") : tr("No values to count"));
    return;
  }
  painter.setRenderHint(QPainter::Antialiasing, !bars_[1].empty());
  const double most = heaviest();
  paint_bars(painter, box, 0, most);
  paint_bars(painter, box, 1, most);
  painter.setRenderHint(QPainter::Antialiasing, false);
  painter.setPen(grid_color(palette()));
  painter.drawLine(box.bottomLeft(), box.bottomRight());
  paint_ticks(painter, box);
  if (!bars_[1].empty()) return paint_legend(painter, box);
  std::uint64_t highest = 0;
  for (const Bar& bar : bars_[0]) highest = std::max(highest, bar.count);
  painter.setPen(palette().color(QPalette::WindowText));
  painter.drawText(QRectF(box.left(), 2, box.width(), fontMetrics().height()), Qt::AlignLeft,
                   tr("highest bar: %1").arg(count_text(highest)));
}

QString HistogramPlot::tip_at(double share) const {
  QStringList lines;
  for (std::size_t series = 0; series < bars_.size(); ++series) {
    const auto bar = std::find_if(bars_[series].begin(), bars_[series].end(),
                                  [&](const Bar& one) { return share >= one.from && share < one.to; });
    if (bar == bars_[series].end()) continue;
    const QString text =
        bar->low == bar->high
            ? tr("%1 zeros").arg(count_text(bar->count))
            : tr("%1 values from %2 to %3").arg(count_text(bar->count), number_text(bar->low), number_text(bar->high));
    lines << (bars_[1].empty() ? text : QLatin1String(series == 0 ? "A: " : "B: ") + text);
  }
  return lines.join(QLatin1Char('\n'));
}

bool HistogramPlot::event(QEvent* event) {
  if (event->type() != QEvent::ToolTip) return QWidget::event(event);
  auto* help = static_cast<QHelpEvent*>(event);
  const QRectF box = area();
  const QString text = tip_at((help->pos().x() - box.left()) / box.width());
  if (text.isEmpty()) return QWidget::event(event);
  QToolTip::showText(help->globalPos(), tip_of(text));
  return true;
}

BarList::BarList(QWidget* parent) : QWidget(parent) { setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed); }

void BarList::set(std::vector<Bar> bars) {
  bars_ = std::move(bars);
  QStringList words;
  for (const Bar& bar : bars_) words << bar.label + QStringLiteral(": ") + bar.text;
  setAccessibleDescription(words.join(QStringLiteral("; ")));
  updateGeometry();
  update();
}

int BarList::line_height() const { return fontMetrics().height() + 6; }

QSize BarList::sizeHint() const { return {320, line_height() * static_cast<int>(bars_.size())}; }

QSize BarList::minimumSizeHint() const { return {160, sizeHint().height()}; }

void BarList::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  int labels = 0;
  int texts = 0;
  for (const Bar& bar : bars_) {
    labels = std::max(labels, fontMetrics().horizontalAdvance(bar.label));
    texts = std::max(texts, fontMetrics().horizontalAdvance(bar.text));
  }
  labels = std::min(labels, width() / 3);
  const int room = std::max(0, width() - labels - texts - 24);
  for (std::size_t i = 0; i < bars_.size(); ++i) {
    const QRect line(0, static_cast<int>(i) * line_height(), width(), line_height());
    painter.setPen(palette().color(QPalette::WindowText));
    painter.drawText(line.adjusted(0, 0, labels - line.width(), 0), Qt::AlignLeft | Qt::AlignVCenter,
                     fontMetrics().elidedText(bars_[i].label, Qt::ElideMiddle, labels));
    painter.fillRect(QRectF(labels + 12, line.top() + 4, std::max(1.0, bars_[i].share * room), line.height() - 8),
                     category_color(i, palette()));
    painter.drawText(line, Qt::AlignRight | Qt::AlignVCenter, bars_[i].text);
  }
}

void paint_spark(QPainter& painter, const QRectF& box, const std::vector<std::optional<double>>& values,
                 const QColor& color) {
  double low = HUGE_VAL;
  double high = -HUGE_VAL;
  for (const auto& value : values) {
    if (!value || !std::isfinite(*value)) continue;
    low = std::min(low, *value);
    high = std::max(high, *value);
  }
  if (low > high) return;
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(QPen(color, 1.4));
  const double step = values.size() > 1 ? box.width() / static_cast<double>(values.size() - 1) : 0;
  std::optional<QPointF> before;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!values[i] || !std::isfinite(*values[i])) {
      if (values[i])  // NaN and infinities are marked, not left out
        painter.fillRect(QRectF(box.left() + static_cast<double>(i) * step - 1, box.top(), 2, box.height()),
                         QColor(kNonFiniteColor));
      before.reset();
      continue;
    }
    const double share = high > low ? (*values[i] - low) / (high - low) : 0.5;
    const QPointF here(box.left() + static_cast<double>(i) * step, box.bottom() - share * box.height());
    if (before)
      painter.drawLine(*before, here);
    else
      painter.drawPoint(here);
    before = here;
  }
  painter.setRenderHint(QPainter::Antialiasing, false);
}

}  // namespace ckpt::viewer

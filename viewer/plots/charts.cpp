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

HistogramPlot::HistogramPlot(QWidget* parent) : QWidget(parent) {
  setAccessibleName(tr("Histogram"));
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
}

void HistogramPlot::set(std::optional<Histogram> first, std::optional<Histogram> second) {
  first_ = std::move(first);
  second_ = std::move(second);
  update();
}

void HistogramPlot::set_logarithmic(bool logarithmic) {
  logarithmic_ = logarithmic;
  update();
}

QRectF HistogramPlot::area() const {
  const int line = fontMetrics().height();
  return QRectF(rect()).adjusted(8, line + 6, -8, -line - 6);
}

double HistogramPlot::height_of(std::uint64_t count, std::uint64_t highest) const {
  if (count == 0 || highest == 0) return 0;
  if (!logarithmic_) return static_cast<double>(count) / static_cast<double>(highest);
  return std::log1p(static_cast<double>(count)) / std::log1p(static_cast<double>(highest));
}

void HistogramPlot::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  const QRectF box = area();
  painter.setPen(palette().color(QPalette::WindowText));
  if (!first_ || first_->counts.empty()) {
    painter.drawText(rect(), Qt::AlignCenter, tr("No values to count"));
    return;
  }
  const double low = second_ ? std::min(first_->low, second_->low) : first_->low;
  const double high = second_ ? std::max(first_->high, second_->high) : first_->high;
  const double width = high > low ? high - low : 1;
  const auto paint = [&](const Histogram& histogram, QColor color, bool line) {
    const std::uint64_t highest = *std::max_element(histogram.counts.begin(), histogram.counts.end());
    QPainterPath path(QPointF(box.left() + (histogram.edge(0) - low) / width * box.width(), box.bottom()));
    for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
      const double y = box.bottom() - height_of(histogram.counts[i], highest) * box.height();
      path.lineTo(box.left() + (histogram.edge(i) - low) / width * box.width(), y);
      path.lineTo(box.left() + (histogram.edge(i + 1) - low) / width * box.width(), y);
    }
    path.lineTo(path.currentPosition().x(), box.bottom());
    if (!line) painter.fillPath(path, color);
    if (line) painter.strokePath(path, QPen(color, 1.5));
  };
  painter.setRenderHint(QPainter::Antialiasing, second_.has_value());
  paint(*first_, bar_color(palette()), false);
  if (second_ && !second_->counts.empty()) paint(*second_, second_color(palette()), true);
  painter.setRenderHint(QPainter::Antialiasing, false);
  painter.setPen(grid_color(palette()));
  painter.drawLine(box.bottomLeft(), box.bottomRight());
  if (low < 0 && high > 0) {
    const double zero = box.left() - low / width * box.width();
    painter.drawLine(QPointF(zero, box.top()), QPointF(zero, box.bottom()));
  }
  painter.setPen(palette().color(QPalette::WindowText));
  const QRectF below(box.left(), box.bottom() + 3, box.width(), fontMetrics().height());
  painter.drawText(below, Qt::AlignLeft, number_text(low));
  painter.drawText(below, Qt::AlignRight, number_text(high));
  const std::uint64_t highest = *std::max_element(first_->counts.begin(), first_->counts.end());
  painter.drawText(QRectF(box.left(), 2, box.width(), fontMetrics().height()), Qt::AlignLeft,
                   tr("highest bar: %1").arg(count_text(highest)));
}

bool HistogramPlot::event(QEvent* event) {
  if (event->type() == QEvent::ToolTip && first_ && !first_->counts.empty() && !second_) {
    auto* help = static_cast<QHelpEvent*>(event);
    const QRectF box = area();
    const double share = (help->pos().x() - box.left()) / box.width();
    const auto bins = first_->counts.size();
    if (share >= 0 && share < 1) {
      const auto bin = static_cast<std::size_t>(share * static_cast<double>(bins));
      QToolTip::showText(help->globalPos(),
                         tip_of(tr("%1 values from %2 to %3")
                                    .arg(count_text(first_->counts[bin]), number_text(first_->edge(bin)),
                                         number_text(first_->edge(bin + 1)))));
      return true;
    }
  }
  return QWidget::event(event);
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

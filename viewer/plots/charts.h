#pragma once

#include <QString>
#include <QWidget>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "ckpt/statistics.h"
#include "magnitudes.h"

namespace ckpt::viewer {

/// Bars of one histogram, or two over each other, A and B: of values, or of the logarithms of their magnitudes; then
/// negative ones are at the left, mirrored, and zeros have a bar of their own in the middle. Two have one scale: a bar
/// that is half as wide as another and as high has half of its values.
class HistogramPlot : public QWidget {
  Q_OBJECT

 public:
  explicit HistogramPlot(QWidget* parent = nullptr);

  void set(std::optional<Histogram> first, std::optional<Histogram> second = {});
  void set_magnitudes(std::optional<Magnitudes> first, std::optional<Magnitudes> second = {});
  bool has_magnitudes() const noexcept { return magnitudes_[0].has_value(); }
  void set_logarithmic_counts(bool logarithmic);
  void set_logarithmic_values(bool logarithmic);

  /// A bar that is painted; from and to are shares of the width.
  struct Bar {
    double from = 0;
    double to = 0;
    std::uint64_t count = 0;
    double low = 0;  ///< values
    double high = 0;
  };
  const std::vector<Bar>& bars(std::size_t series) const { return bars_[series]; }

  QSize sizeHint() const override { return {360, 220}; }
  QSize minimumSizeHint() const override { return {160, 110}; }

 protected:
  void paintEvent(QPaintEvent* event) override;
  bool event(QEvent* event) override;  // tool tips

 private:
  struct Tick {
    double at = 0;  // share of the width
    QString text = {};
  };

  QRectF area() const;
  bool both() const noexcept { return !bars_[0].empty() && !bars_[1].empty(); }
  double weight_of(const Bar& bar) const;
  double heaviest() const;
  void arrange();
  void arrange_values();
  void arrange_magnitudes();
  void paint_bars(QPainter& painter, const QRectF& box, std::size_t series, double heaviest) const;
  void paint_legend(QPainter& painter, const QRectF& box) const;
  QString tip_at(double share) const;
  void paint_ticks(QPainter& painter, const QRectF& box) const;

  std::array<std::optional<Histogram>, 2> values_ = {};
  std::array<std::optional<Magnitudes>, 2> magnitudes_ = {};
  std::array<std::vector<Bar>, 2> bars_ = {};
  double widest_ = 0;  // of all bars
  std::vector<Tick> ticks_ = {};
  bool logarithmic_counts_ = false;
  bool logarithmic_values_ = false;
};

/// Labelled bars below each other, longest first; "Float32   61,706   241.0 KiB".
class BarList : public QWidget {
  Q_OBJECT

 public:
  struct Bar {
    QString label = {};
    QString text = {};
    double share = 0;  ///< of the longest
  };

  explicit BarList(QWidget* parent = nullptr);
  void set(std::vector<Bar> bars);

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  int line_height() const;
  std::vector<Bar> bars_ = {};
};

/// A small line: one value a step; gaps where there is none.
void paint_spark(QPainter& painter, const QRectF& box, const std::vector<std::optional<double>>& values,
                 const QColor& color);

}  // namespace ckpt::viewer

#pragma once

#include <QWidget>
#include <optional>

#include "ckpt/statistics.h"
#include "magnitudes.h"

class QCheckBox;
class QLabel;

namespace ckpt::viewer {

class HistogramPlot;

/// A histogram, or two over each other, and how its axes are.
class HistogramPanel : public QWidget {
  Q_OBJECT

 public:
  /// Bins of one histogram.
  static constexpr unsigned kBins = 64;

  explicit HistogramPanel(QWidget* parent = nullptr);
  /// Forgets magnitudes, too.
  void set(std::optional<Histogram> first, std::optional<Histogram> second = {});
  void set_magnitudes(std::optional<Magnitudes> first, std::optional<Magnitudes> second = {});
  /// Values are to be shown by magnitude, and those are not here.
  bool wants_magnitudes() const;
  QCheckBox& logarithmic_values() noexcept { return *values_; }
  HistogramPlot& plot() noexcept { return *plot_; }

 signals:
  void magnitudes_wanted();

 private:
  HistogramPlot* plot_;
  QCheckBox* counts_;
  QCheckBox* values_;
  QLabel* note_;
};

}  // namespace ckpt::viewer

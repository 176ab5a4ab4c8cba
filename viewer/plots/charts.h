#pragma once

#include <QString>
#include <QWidget>
#include <optional>
#include <vector>

#include "ckpt/statistics.h"

namespace ckpt::viewer {

/// Bars of one histogram, or two over each other with a scale of their own each.
class HistogramPlot : public QWidget {
  Q_OBJECT

 public:
  explicit HistogramPlot(QWidget* parent = nullptr);

  void set(std::optional<Histogram> first, std::optional<Histogram> second = {});
  void set_logarithmic(bool logarithmic);

  QSize sizeHint() const override { return {360, 220}; }
  QSize minimumSizeHint() const override { return {160, 110}; }

 protected:
  void paintEvent(QPaintEvent* event) override;
  bool event(QEvent* event) override;  // tool tips

 private:
  QRectF area() const;
  double height_of(std::uint64_t count, std::uint64_t highest) const;

  std::optional<Histogram> first_ = {};
  std::optional<Histogram> second_ = {};
  bool logarithmic_ = false;
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

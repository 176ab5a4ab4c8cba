#pragma once

#include <QString>
#include <QWidget>
#include <cstddef>
#include <vector>

namespace ckpt::viewer {

/// Numbers for an axis from `low` to `high`: multiples of 1, 2 or 5 times a power of ten, no more than `most`.
std::vector<double> axis_ticks(double low, double high, int most);

/// Curves over the steps of a training, with axes. Checkpoints are marked on them: a click picks one, as the arrow keys
/// do.
class CurvePlot : public QWidget {
  Q_OBJECT

 public:
  struct Point {
    double step = 0;
    double value = 0;  ///< NaN and infinities are lines from bottom to top
  };
  struct Curve {
    QString name = {};
    std::vector<Point> points = {};  ///< their steps rise
  };
  struct Mark {
    double step = 0;
    QString name = {};
  };

  explicit CurvePlot(QWidget* parent = nullptr);
  void set_curves(std::vector<Curve> curves);
  void set_marks(std::vector<Mark> marks);
  void set_current(int mark);  ///< -1: none

  const std::vector<Curve>& curves() const noexcept { return curves_; }
  const std::vector<Mark>& marks() const noexcept { return marks_; }
  int current() const noexcept { return current_; }
  QPointF place_of(double step, double value) const;
  QString tip_at(const QPointF& place) const;

  QSize sizeHint() const override { return {360, 180}; }
  QSize minimumSizeHint() const override { return {160, 110}; }

 signals:
  void picked(int mark);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  bool event(QEvent* event) override;  // tool tips

 private:
  QRectF area() const;  // asks the font for each label: once a paint, not once a point
  QPointF place_in(const QRectF& box, double step, double value) const;
  QColor color_of(std::size_t curve) const;
  int mark_near(double x) const;
  void arrange();
  void paint_axes(QPainter& painter, const QRectF& box) const;
  void paint_legend(QPainter& painter, const QRectF& box) const;
  void paint_curve(QPainter& painter, const QRectF& box, const Curve& curve, const QColor& color) const;
  void paint_marks(QPainter& painter, const QRectF& box) const;

  std::vector<Curve> curves_ = {};
  std::vector<Mark> marks_ = {};
  int current_ = -1;
  double first_ = 0, last_ = 1;  // steps
  double low_ = 0, high_ = 1;    // values
};

}  // namespace ckpt::viewer

#pragma once

#include <QImage>
#include <QWidget>
#include <functional>
#include <vector>

#include "colors.h"
#include "plane.h"

namespace ckpt::viewer {

/// Values of a window of a plane, to be painted.
struct Grid {
  Window window = {};
  std::vector<double> values = {};  ///< window.rows * window.columns

  double at(std::int64_t row, std::int64_t column) const {
    return values[static_cast<std::size_t>(row * window.columns + column)];
  }
};

/// A picture of a plane. Holds what was read of the part that is seen, and asks for more when that part changes.
class HeatMap : public QWidget {
  Q_OBJECT

 public:
  explicit HeatMap(QWidget* parent = nullptr);

  /// A plane of that size; shows all of it.
  void set_plane(std::int64_t rows, std::int64_t columns);
  void set_grid(Grid grid);
  void set_map(ColorMap map);
  /// NaN is nothing to be alarmed of: a place without a value.
  void set_gaps(bool gaps);
  /// Values are decimal logarithms of what the scale says.
  void set_logarithmic(bool logarithmic);
  /// Colours are of values from the first to the last percentile: a single one that is far away hides no others.
  void set_trimmed(bool trimmed);
  /// What rows and columns are called: beside the picture, whose elements are as wide as there is room then.
  void set_names(std::function<QString(std::int64_t)> of_row, std::function<QString(std::int64_t)> of_column);
  void mark_row(std::int64_t row);  ///< -1: none
  /// Of each tile of a plane of tiles; 0 for none. Lines are drawn between tiles.
  void set_tile(std::int64_t rows, std::int64_t columns);

  /// What is to be read: the part that is seen, in as many steps as there are pixels.
  Window wanted() const;
  const Grid& grid() const noexcept { return grid_; }
  double low() const noexcept { return low_; }
  double high() const noexcept { return high_; }
  QImage picture() const { return image_; }
  /// All of it as it is seen, with its scale, at twice the resolution.
  QImage figure();

  void zoom(double factor, QPointF around);
  void show_all();

  QSize sizeHint() const override { return {480, 360}; }
  QSize minimumSizeHint() const override { return {160, 120}; }

 signals:
  void wants_grid();  ///< wanted() is not what is held
  /// The element under the cursor or, by the keyboard, in the middle; row < 0 where there is none.
  void pointed_at(qint64 row, qint64 column, double value);
  void clicked(qint64 row, qint64 column);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  QRectF area() const;  // where the picture is
  int scale_width() const;
  int names_width() const;
  QString scale_text(double value) const;
  QPointF to_plane(QPointF at) const;
  QPointF to_widget(QPointF at) const;
  void set_view(QRectF view);
  void point(QPointF at);
  void make_image();
  void find_range();
  void paint_names(QPainter& painter, const QRectF& box);
  void paint_scale(QPainter& painter, const QRectF& box);

  std::int64_t rows_ = 0;
  std::int64_t columns_ = 0;
  std::int64_t tile_rows_ = 0;
  std::int64_t tile_columns_ = 0;
  QRectF view_ = {};  // the part that is seen, in elements
  Grid grid_ = {};
  QImage image_ = {};
  bool gaps_ = false;
  bool logarithmic_ = false;
  bool trimmed_ = false;
  std::function<QString(std::int64_t)> row_name_ = {};
  std::function<QString(std::int64_t)> column_name_ = {};
  std::int64_t marked_row_ = -1;
  ColorMap map_ = ColorMap::diverging;
  double low_ = 0;
  double high_ = 0;
  bool finite_ = false;  // there are such values, and others
  bool non_finite_ = false;
  QPointF pressed_ = {};
  QPointF grabbed_ = {};
};

}  // namespace ckpt::viewer

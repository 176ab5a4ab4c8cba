#pragma once

#include <QModelIndex>
#include <QWidget>
#include <optional>
#include <span>
#include <vector>

namespace ckpt::viewer {

class TensorTreeModel;

/// Rectangles of areas in proportion to `sizes` that fill `box`, as near to squares as they come (Bruls, Huizing,
/// van Wijk, 2000). Sizes that are the largest first give the best ones; zeros get empty rectangles.
std::vector<QRectF> squarified(std::span<const double> sizes, const QRectF& box);

/// The bytes of a file by module, as nested rectangles. A click picks what is under it.
class Treemap : public QWidget {
  Q_OBJECT

 public:
  explicit Treemap(const TensorTreeModel& model, QWidget* parent = nullptr);

  QSize sizeHint() const override { return {480, 320}; }
  QSize minimumSizeHint() const override { return {160, 120}; }

 signals:
  void picked(const QModelIndex& index);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  bool event(QEvent* event) override;  // tool tips

 private:
  struct Tile {
    QRectF box = {};
    QString label = {};
    quint64 node = 0;  // what the model calls it
    std::size_t category = 0;
    int depth = 0;
    bool leaf = false;
  };

  void lay_out();
  void lay_out(const QModelIndex& parent, const QRectF& box, int depth, std::optional<std::size_t> category);
  QModelIndex index_at(QPointF at) const;

  const TensorTreeModel& model_;
  std::vector<Tile> tiles_ = {};
  bool stale_ = true;
};

}  // namespace ckpt::viewer

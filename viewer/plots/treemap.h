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

/// The bytes of a file by module, as nested rectangles. A click picks what is under it; arrow keys move from one to the
/// next, and Enter picks.
class Treemap : public QWidget {
  Q_OBJECT

 public:
  explicit Treemap(const TensorTreeModel& model, QWidget* parent = nullptr);

  QModelIndex current() const;  ///< invalid where there is none
  QString title() const;        ///< what this is, and what is current

  QSize sizeHint() const override { return {480, 320}; }
  QSize minimumSizeHint() const override { return {160, 120}; }

 signals:
  void picked(const QModelIndex& index);
  void current_changed();

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void focusInEvent(QFocusEvent* event) override;
  bool event(QEvent* event) override;  // tool tips

 private:
  struct Tile {
    QRectF box = {};
    QRectF head = {};  // the part that is its own: a leaf's box, else what is above its children
    QString label = {};
    quint64 node = 0;  // what the model calls it
    std::size_t category = 0;
    int depth = 0;
    bool leaf = false;
  };

  void lay_out();
  void lay_out(const QModelIndex& parent, const QRectF& box, int depth, std::optional<std::size_t> category);
  QModelIndex index_at(QPointF at) const;
  const Tile* current_tile() const;
  const Tile* next_tile(const Tile& from, Qt::Key direction) const;
  void set_current(std::optional<quint64> node);

  const TensorTreeModel& model_;
  std::vector<Tile> tiles_ = {};
  std::optional<quint64> current_ = {};  // a node
  bool stale_ = true;
};

}  // namespace ckpt::viewer

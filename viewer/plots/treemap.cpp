#include "treemap.h"

#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>
#include <algorithm>
#include <numeric>

#include "colors.h"
#include "shown.h"
#include "tensor_tree_model.h"

namespace ckpt::viewer {
namespace {

constexpr double kSmallest = 4;  // pixels a side; what is smaller is not drawn one by one
constexpr int kMaxDepth = 8;

// The worst ratio of sides, if `sum` is laid out along a side of that length.
double worst(double smallest, double largest, double sum, double side) {
  const double s2 = sum * sum;
  const double w2 = side * side;
  return std::max(w2 * largest / s2, s2 / (w2 * smallest));
}

// From the origin to the right, whichever direction is meant: so there is one to think of.
QRectF turned(const QRectF& box, Qt::Key direction) {
  switch (direction) {
    case Qt::Key_Left:
      return {-box.right(), box.top(), box.width(), box.height()};
    case Qt::Key_Down:
      return {box.top(), box.left(), box.height(), box.width()};
    case Qt::Key_Up:
      return {-box.bottom(), box.left(), box.height(), box.width()};
    default:
      return box;
  }
}

}  // namespace

std::vector<QRectF> squarified(std::span<const double> sizes, const QRectF& box) {
  std::vector<QRectF> rects(sizes.size(), QRectF(box.topLeft(), QSizeF(0, 0)));
  const double total = std::accumulate(sizes.begin(), sizes.end(), 0.0);
  if (total <= 0 || box.isEmpty()) return rects;
  const double scale = box.width() * box.height() / total;
  QRectF room = box;
  for (std::size_t begin = 0; begin < sizes.size();) {
    const double side = std::min(room.width(), room.height());
    double sum = 0;
    double low = 0;
    double high = 0;
    double ratio = 0;
    std::size_t end = begin;
    for (; end < sizes.size(); ++end) {
      const double area = sizes[end] * scale;
      if (area <= 0) continue;
      const double new_low = sum == 0 ? area : std::min(low, area);
      const double new_high = std::max(high, area);
      const double new_ratio = worst(new_low, new_high, sum + area, side);
      if (sum > 0 && new_ratio > ratio) break;
      sum += area;
      low = new_low;
      high = new_high;
      ratio = new_ratio;
    }
    if (sum <= 0 || side <= 0) break;
    const bool upright = room.width() >= room.height();  // a column at the left, else a row at the top
    const double thickness = std::min(sum / side, upright ? room.width() : room.height());
    double along = 0;
    for (; begin < end; ++begin) {
      const double length = sizes[begin] * scale / thickness;
      if (sizes[begin] > 0)
        rects[begin] = upright ? QRectF(room.left(), room.top() + along, thickness, length)
                               : QRectF(room.left() + along, room.top(), length, thickness);
      along += std::max(0.0, length);
    }
    if (upright)
      room.setLeft(room.left() + thickness);
    else
      room.setTop(room.top() + thickness);
  }
  return rects;
}

Treemap::Treemap(const TensorTreeModel& model, QWidget* parent) : QWidget(parent), model_(model) {
  setFocusPolicy(Qt::StrongFocus);
  setAccessibleName(title());
  connect(&model, &QAbstractItemModel::modelReset, this, [this] {
    tiles_.clear();
    set_current({});
    stale_ = true;
    update();
  });
}

void Treemap::lay_out() {
  tiles_.clear();
  stale_ = false;
  lay_out({}, QRectF(rect()).adjusted(0, 0, -1, -1), 0, std::nullopt);
}

void Treemap::lay_out(const QModelIndex& parent, const QRectF& box, int depth, std::optional<std::size_t> category) {
  std::vector<QModelIndex> children;
  for (int row = 0; row < model_.rowCount(parent); ++row) children.push_back(model_.index(row, 0, parent));
  const auto bytes = [&](const QModelIndex& index) { return static_cast<double>(model_.bytes_of(index)); };
  std::stable_sort(children.begin(), children.end(), [&](const auto& a, const auto& b) { return bytes(a) > bytes(b); });
  std::vector<double> sizes;
  for (const QModelIndex& child : children) sizes.push_back(bytes(child));
  const auto rects = squarified(sizes, box);
  for (std::size_t i = 0; i < children.size(); ++i) {
    const QRectF& rect = rects[i];
    if (rect.width() < kSmallest || rect.height() < kSmallest) continue;
    // Colours are of the first level where there is something to be told apart.
    const auto color = !category && children.size() > 1 ? std::optional(i) : category;
    const bool leaf = model_.rowCount(children[i]) == 0 || depth + 1 == kMaxDepth;
    const double head =
        rect.height() > 3 * fontMetrics().height() && rect.width() > 40 ? fontMetrics().height() + 2 : 2;
    const QRectF own = leaf ? rect : QRectF(rect.topLeft(), QSizeF(rect.width(), head));
    tiles_.push_back(
        {rect, own, model_.data(children[i]).toString(), children[i].internalId(), color.value_or(0), depth, leaf});
    if (leaf) continue;
    lay_out(children[i], rect.adjusted(2, head, -2, -2), depth + 1, color);
  }
}

void Treemap::paintEvent(QPaintEvent*) {
  if (stale_) lay_out();
  QPainter painter(this);
  if (tiles_.empty()) {
    painter.drawText(rect(), Qt::AlignCenter, tr("No tensors"));
    return;
  }
  for (const Tile& tile : tiles_) {
    const int hue = category_color(tile.category, palette()).hslHue();
    const int deeper = std::min(12 * tile.depth, 48);
    const QColor color =
        is_dark(palette()) ? QColor::fromHsl(hue, 90, 62 + deeper) : QColor::fromHsl(hue, 130, 228 - deeper);
    painter.fillRect(tile.box.adjusted(0.5, 0.5, -0.5, -0.5), color);
    painter.setPen(palette().color(QPalette::Window));
    painter.drawRect(tile.box);
    if (tile.box.width() < 36 || tile.box.height() < fontMetrics().height()) continue;
    painter.setPen(palette().color(QPalette::WindowText));
    const QRectF inside = tile.box.adjusted(4, 1, -3, -1);
    painter.setClipRect(inside);  // some characters are taller than their line
    painter.drawText(inside, Qt::AlignLeft | Qt::AlignTop,
                     fontMetrics().elidedText(tile.label, Qt::ElideMiddle, static_cast<int>(inside.width())));
    painter.setClipping(false);
  }
  if (const Tile* tile = current_tile()) {
    const int width = hasFocus() ? 3 : 1;
    QPen pen(palette().color(QPalette::WindowText), width);
    pen.setJoinStyle(Qt::MiterJoin);
    painter.setPen(pen);
    const double in = width / 2.0;
    painter.drawRect(tile->box.adjusted(in, in, -in, -in));
  }
}

QModelIndex Treemap::index_at(QPointF at) const {
  // Children come behind their parents.
  for (auto tile = tiles_.rbegin(); tile != tiles_.rend(); ++tile)
    if (tile->box.contains(at)) return model_.index_of_node(tile->node);
  return {};
}

void Treemap::resizeEvent(QResizeEvent*) { stale_ = true; }

void Treemap::mousePressEvent(QMouseEvent* event) {
  const QModelIndex index = index_at(event->position());
  if (!index.isValid()) return;
  set_current(index.internalId());
  emit picked(index);
}

QModelIndex Treemap::current() const { return current_ ? model_.index_of_node(*current_) : QModelIndex(); }

QString Treemap::title() const {
  const QModelIndex index = current();
  if (!index.isValid()) return tr("Bytes by module");
  return tr("Bytes by module: %1, %2").arg(shown_name(model_.path_of(index)), size_text(model_.bytes_of(index)));
}

void Treemap::set_current(std::optional<quint64> node) {
  if (node == current_) return;
  current_ = node;
  setAccessibleName(title());
  update();
  emit current_changed();
}

const Treemap::Tile* Treemap::current_tile() const {
  const auto found = std::ranges::find_if(tiles_, [this](const Tile& tile) { return tile.node == current_; });
  return found == tiles_.end() ? nullptr : &*found;
}

// The nearest that begins where this one ends, and of those the one that is level with it.
const Treemap::Tile* Treemap::next_tile(const Tile& from, Qt::Key direction) const {
  constexpr double kTouch = 0.5;
  const QRectF here = turned(from.head, direction);
  const Tile* best = nullptr;
  std::pair<double, double> least;
  for (const Tile& tile : tiles_) {
    const QRectF there = turned(tile.head, direction);
    if (there.left() < here.right() - kTouch) continue;
    const double aside = std::max({0.0, there.top() - here.bottom() + 1, here.top() - there.bottom() + 1});
    const double off = std::max({0.0, there.top() - here.center().y(), here.center().y() - there.bottom()});
    const std::pair distance(there.left() - here.right() + 4 * aside, off);
    if (best != nullptr && distance >= least) continue;
    best = &tile;
    least = distance;
  }
  return best;
}

void Treemap::focusInEvent(QFocusEvent* event) {
  if (stale_) lay_out();
  // A click says itself which one it means.
  if (event->reason() != Qt::MouseFocusReason && current_tile() == nullptr && !tiles_.empty())
    set_current(tiles_.front().node);
  QWidget::focusInEvent(event);
}

void Treemap::keyPressEvent(QKeyEvent* event) {
  if (stale_) lay_out();
  if (tiles_.empty()) return QWidget::keyPressEvent(event);
  const Tile* tile = current_tile();
  const auto key = static_cast<Qt::Key>(event->key());
  switch (key) {
    case Qt::Key_Left:
    case Qt::Key_Right:
    case Qt::Key_Up:
    case Qt::Key_Down:
      if (tile == nullptr) return set_current(tiles_.front().node);
      if (const Tile* next = next_tile(*tile, key)) set_current(next->node);
      return;
    case Qt::Key_Home:
      return set_current(tiles_.front().node);
    case Qt::Key_Return:
    case Qt::Key_Enter:
    case Qt::Key_Space:
      if (tile != nullptr) emit picked(current());
      return;
    case Qt::Key_Backspace:
    case Qt::Key_Escape:
      if (const QModelIndex up = current().parent(); tile != nullptr && up.isValid())
        return set_current(up.internalId());
      break;
    default:
      break;
  }
  QWidget::keyPressEvent(event);
}

bool Treemap::event(QEvent* event) {
  if (event->type() == QEvent::ToolTip) {
    auto* help = static_cast<QHelpEvent*>(event);
    const QModelIndex index = index_at(help->pos());
    if (index.isValid())
      QToolTip::showText(help->globalPos(), tip_of(whole_name(model_.path_of(index)) + QStringLiteral("\n") +
                                                   size_text(model_.bytes_of(index))));
    return true;
  }
  return QWidget::event(event);
}

}  // namespace ckpt::viewer

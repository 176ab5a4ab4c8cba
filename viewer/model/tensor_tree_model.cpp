#include "tensor_tree_model.h"

#include <algorithm>
#include <cctype>
#include <numeric>

#include "facts.h"
#include "shown.h"
#include "words.h"

namespace ckpt::viewer {
namespace {

// A name of 60,000 dots is no reason for a tree of that depth: the rest stays together.
constexpr std::size_t kMaxDepth = 32;

std::string_view digits_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
  return text.substr(at, end - at);
}

}  // namespace

bool natural_less(std::string_view a, std::string_view b) noexcept {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    auto x = digits_at(a, i);
    auto y = digits_at(b, j);
    if (!x.empty() && !y.empty()) {
      i += x.size();
      j += y.size();
      x.remove_prefix(std::min(x.find_first_not_of('0'), x.size() - 1));
      y.remove_prefix(std::min(y.find_first_not_of('0'), y.size() - 1));
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
    } else if (a[i] != b[j]) {
      return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
    } else {
      ++i;
      ++j;
    }
  }
  return a.size() - i < b.size() - j || (i == a.size() && j == b.size() && a < b);
}

QString group_text(Group group) {
  return group == Group::weights     ? TensorTreeModel::tr("weights")
         : group == Group::optimizer ? TensorTreeModel::tr("optimizer")
                                     : TensorTreeModel::tr("other");
}

QString shape_text(const TensorInfo& tensor) {
  if (tensor.kind == Kind::map)
    return TensorTreeModel::tr("%n part(s)", nullptr, static_cast<int>(tensor.parts.size()));
  if (tensor.kind == Kind::string) return TensorTreeModel::tr("text");
  if (tensor.kind == Kind::opaque) return TensorTreeModel::tr("bytes");
  return to_q(tools::shape_of(tensor)).left(kShownCharacters);
}

void TensorTreeModel::set_file(FilePtr file) {
  beginResetModel();
  file_ = std::move(file);
  build();
  endResetModel();
}

void TensorTreeModel::set_flat(bool flat) {
  beginResetModel();
  flat_ = flat;
  build();
  endResetModel();
}

void TensorTreeModel::set_filter(Filter keep) {
  beginResetModel();
  keep_ = std::move(keep);
  show_kept();
  endResetModel();
}

void TensorTreeModel::sort(int column, Qt::SortOrder order) {
  if (column == sort_column_ && order == sort_order_) return;
  emit layoutAboutToBeChanged({}, VerticalSortHint);
  sort_column_ = column;
  sort_order_ = order;
  arrange();
  for (const QModelIndex& before : persistentIndexList())
    changePersistentIndex(before,
                          createIndex(static_cast<int>(node_of(before).row), before.column(), before.internalId()));
  emit layoutChanged({}, VerticalSortHint);
}

void TensorTreeModel::build() {
  nodes_.clear();
  folders_.clear();
  total_bytes_ = 0;
  if (!file_) return;
  nodes_.emplace_back();
  const auto tensors = file_->file.tensors();
  std::vector<std::uint32_t> path;  // of the one before: neighbours share most of it
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::string_view name = tensors[i].name;
    total_bytes_ += tensors[i].byte_size;
    std::uint32_t parent = 0;
    std::size_t start = 0;
    for (std::size_t depth = 0; !flat_ && depth < kMaxDepth; ++depth) {
      const auto dot = name.find('.', start);
      if (dot == name.npos) break;
      const std::string_view segment = name.substr(start, dot - start);
      start = dot + 1;
      if (depth == path.size() || nodes_[path[depth]].segment != segment) {
        path.resize(depth);
        auto [known, fresh] = folders_.try_emplace(name.substr(0, dot), 0);
        if (fresh) known->second = add_child(parent, segment);
        path.push_back(known->second);
      }
      parent = path[depth];
    }
    add_tensor(parent, name.substr(start), tensors[i], file_->groups[i]);
  }
  make_room();
  show_kept();
}

std::uint32_t TensorTreeModel::add_child(std::uint32_t parent, std::string_view segment) {
  const auto at = static_cast<std::uint32_t>(nodes_.size());
  nodes_.push_back({.segment = segment, .parent = parent});
  ++nodes_[parent].children;
  return at;
}

void TensorTreeModel::add_tensor(std::uint32_t parent, std::string_view name, const TensorInfo& tensor, Group group) {
  const std::uint32_t at = add_child(parent, name);
  nodes_[at].tensor = &tensor;
  nodes_[at].group = group;
  nodes_[at].bytes = tensor.byte_size;
  for (const TensorInfo& part : tensor.parts) {
    const std::uint32_t child = add_child(at, part.name);
    nodes_[child].tensor = &part;
    nodes_[child].group = group;
    nodes_[child].bytes = part.byte_size;
  }
}

void TensorTreeModel::make_room() {
  std::uint32_t first = 0;
  for (Node& node : nodes_) {
    node.first = first;
    first += node.children;
  }
  shown_.resize(first);
  ranked_ = false;
}

void TensorTreeModel::show_kept() {
  for (std::size_t i = 1; i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    const Node& parent = nodes_[node.parent];
    if (node.tensor == nullptr) {
      node.shown = node.mixed = false;
      node.entries = node.bytes = 0;
    } else if (parent.tensor != nullptr) {
      node.shown = parent.shown;
    } else {
      node.shown = !keep_ || keep_(node.tensor->name, node.group);
      node.entries = node.shown ? 1 : 0;
    }
  }
  add_sums();
  arrange();
}

void TensorTreeModel::add_sums() {
  if (nodes_.empty()) return;
  nodes_[0].entries = nodes_[0].bytes = 0;
  // Children come behind their parents, so backwards each is complete when it is added.
  for (std::size_t i = nodes_.size(); i-- > 1;) {
    const Node& node = nodes_[i];
    Node& parent = nodes_[node.parent];
    if (!node.shown || parent.tensor != nullptr) continue;  // a map has its parts' bytes already
    parent.shown = true;
    parent.mixed |= node.mixed || (parent.entries > 0 && parent.group != node.group);
    parent.group = node.group;
    parent.entries += node.entries;
    parent.bytes += node.bytes;
  }
}

void TensorTreeModel::arrange() {
  for (Node& node : nodes_) node.children = 0;
  for (std::uint32_t i = 1; i < nodes_.size(); ++i) {
    if (!nodes_[i].shown) continue;
    Node& parent = nodes_[nodes_[i].parent];
    nodes_[i].row = parent.children;
    shown_[parent.first + parent.children++] = i;
  }
  if (sort_column_ < 0) return;
  if (sort_column_ == kName && !ranked_) rank_names();
  for (const Node& node : nodes_) {
    const auto children = std::span(shown_).subspan(node.first, node.children);
    std::stable_sort(children.begin(), children.end(), [this](std::uint32_t a, std::uint32_t b) {
      return sort_order_ == Qt::AscendingOrder ? less(nodes_[a], nodes_[b]) : less(nodes_[b], nodes_[a]);
    });
    for (std::uint32_t row = 0; row < node.children; ++row) nodes_[children[row]].row = row;
  }
}

void TensorTreeModel::rank_names() {
  std::vector<std::uint32_t> order(nodes_.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [this](std::uint32_t a, std::uint32_t b) {
    const Node& one = nodes_[a];
    const Node& other = nodes_[b];
    return one.parent != other.parent ? one.parent < other.parent : natural_less(one.segment, other.segment);
  });
  for (std::uint32_t rank = 0; rank < order.size(); ++rank) nodes_[order[rank]].rank = rank;
  ranked_ = true;
}

bool TensorTreeModel::less(const Node& a, const Node& b) const {
  const auto type = [](const Node& node) { return node.tensor ? tools::dtype_text(*node.tensor) : std::string_view(); };
  switch (sort_column_) {
    case kName:
      return a.rank < b.rank;
    case kType:
      return type(a) < type(b);
    case kShape: {
      const bool both = a.tensor != nullptr && b.tensor != nullptr;
      return both ? a.tensor->dims < b.tensor->dims
                  : a.tensor == nullptr && (b.tensor != nullptr || a.entries < b.entries);
    }
    case kGroup:
      return a.group < b.group;
    default:
      return a.bytes < b.bytes;
  }
}

const TensorTreeModel::Node& TensorTreeModel::node_of(const QModelIndex& index) const {
  return nodes_[index.isValid() ? static_cast<std::size_t>(index.internalId()) : 0];
}

const TensorInfo* TensorTreeModel::tensor_at(const QModelIndex& index) const {
  return index.isValid() ? node_of(index).tensor : nullptr;
}

QModelIndex TensorTreeModel::index_of(const TensorInfo* tensor) const {
  if (tensor == nullptr) return {};
  for (std::size_t i = 1; i < nodes_.size(); ++i)
    if (nodes_[i].tensor == tensor) return index_of_node(i);
  return {};
}

QModelIndex TensorTreeModel::index_of_node(quint64 internal_id) const {
  if (internal_id == 0 || internal_id >= nodes_.size() || !nodes_[internal_id].shown) return {};
  return createIndex(static_cast<int>(nodes_[internal_id].row), kName, static_cast<quintptr>(internal_id));
}

std::string TensorTreeModel::path_of(const QModelIndex& index) const {
  if (!index.isValid()) return {};
  std::vector<std::string_view> segments;
  for (auto at = static_cast<std::size_t>(index.internalId()); at != 0; at = nodes_[at].parent)
    segments.push_back(nodes_[at].segment);
  std::string path;
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    if (segment != segments.rbegin()) path += '.';
    path += *segment;
  }
  return path;
}

QModelIndex TensorTreeModel::folder_at(std::string_view path) const {
  const auto folder = folders_.find(path);
  return folder == folders_.end() ? QModelIndex() : index_of_node(folder->second);
}

QModelIndex TensorTreeModel::index_at(std::string_view path) const {
  if (nodes_.empty()) return {};
  std::size_t at = 0;
  std::size_t start = 0;
  for (auto dot = path.find('.'); dot != path.npos; dot = path.find('.', start)) {
    const auto folder = folders_.find(path.substr(0, dot));
    if (folder == folders_.end()) break;
    at = folder->second;
    start = dot + 1;
  }
  path.remove_prefix(start);
  // What is left names a child, or a part of one; both may have dots.
  for (const std::uint32_t child : children_of(nodes_[at]))
    if (nodes_[child].segment == path) return index_of_node(child);
  for (const std::uint32_t child : children_of(nodes_[at])) {
    const std::string_view name = nodes_[child].segment;
    if (nodes_[child].tensor == nullptr || !path.starts_with(name) || path.substr(name.size(), 1) != ".") continue;
    for (const std::uint32_t part : children_of(nodes_[child]))
      if (nodes_[part].segment == path.substr(name.size() + 1)) return index_of_node(part);
  }
  return {};
}

QModelIndex TensorTreeModel::index(int row, int column, const QModelIndex& parent) const {
  if (row < 0 || row >= rowCount(parent) || column < 0 || column >= kColumns) return {};
  return createIndex(row, column, children_of(node_of(parent))[static_cast<std::size_t>(row)]);
}

QModelIndex TensorTreeModel::parent(const QModelIndex& child) const {
  if (!child.isValid() || node_of(child).parent == 0) return {};
  const std::uint32_t parent = node_of(child).parent;
  return createIndex(static_cast<int>(nodes_[parent].row), kName, parent);
}

int TensorTreeModel::rowCount(const QModelIndex& parent) const {
  if (nodes_.empty() || parent.column() > 0) return 0;
  return static_cast<int>(node_of(parent).children);
}

int TensorTreeModel::columnCount(const QModelIndex&) const { return kColumns; }

QString TensorTreeModel::text_of(const Node& node, int column) const {
  switch (column) {
    case kName:
      return shown_name(node.segment);
    case kType:
      return node.tensor ? shown_name(tools::type_text(*node.tensor)) : QString();
    case kShape:
      return node.tensor ? shape_text(*node.tensor) : tr("%n tensor(s)", nullptr, static_cast<int>(node.entries));
    case kBytes:
      return size_text(node.bytes);
    case kGroup:
      if (node.mixed) return {};
      return group_text(node.group);
    default:
      return {};
  }
}

QVariant TensorTreeModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const Node& node = node_of(index);
  const double share = total_bytes_ == 0 ? 0 : static_cast<double>(node.bytes) / static_cast<double>(total_bytes_);
  switch (role) {
    case Qt::DisplayRole:
      return text_of(node, index.column());
    case Qt::AccessibleTextRole:
      return index.column() == kShare ? tr("%1 percent of the file").arg(100 * share, 0, 'f', 1)
                                      : text_of(node, index.column());
    case Qt::ToolTipRole:
      if (index.column() == kName) return tip_of(to_q(tools::name_text(path_of(index))));
      if (index.column() == kType || index.column() == kShape) return tip_of(text_of(node, index.column()));
      if (index.column() == kBytes) return tip_of(tr("%1 bytes").arg(count_text(node.bytes)));
      if (index.column() == kShare) return tip_of(tr("%1 percent of the file").arg(100 * share, 0, 'f', 1));
      return {};
    case Qt::TextAlignmentRole:
      return index.column() == kBytes ? QVariant(Qt::AlignRight | Qt::AlignVCenter) : QVariant();
    case kShareRole:
      return share;
    default:
      return {};
  }
}

QVariant TensorTreeModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
  switch (section) {
    case kName:
      return tr("Name");
    case kType:
      return tr("Type");
    case kShape:
      return tr("Shape");
    case kBytes:
      return tr("Size");
    case kShare:
      return tr("Share");
    case kGroup:
      return tr("Group");
    default:
      return {};
  }
}

}  // namespace ckpt::viewer

#pragma once

#include <QAbstractItemModel>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ckpt/tensor.h"
#include "open_file.h"

namespace ckpt::viewer {

/// Numbers in names by their value: "layer2" before "layer10".
bool natural_less(std::string_view a, std::string_view b) noexcept;

/// In the user's language: a group; dims, or what has none.
QString group_text(Group group);
QString shape_text(const TensorInfo& tensor);

/// A file's tensors as the tree that the dots of their names make, with sums of what is shown, or as a flat list. The
/// tree is made once; filters and orders only choose which nodes are rows, and where.
class TensorTreeModel : public QAbstractItemModel {
  Q_OBJECT

 public:
  enum Column { kName, kType, kShape, kBytes, kShare, kGroup, kColumns };
  enum Role { kShareRole = Qt::UserRole };  ///< of kShare: 0 to 1, of the bytes of the whole file

  using Filter = std::function<bool(std::string_view name, Group group)>;

  using QAbstractItemModel::QAbstractItemModel;

  void set_file(FilePtr file);  ///< may be null
  void set_flat(bool flat);
  void set_filter(Filter keep);  ///< empty: everything

  const FilePtr& file() const noexcept { return file_; }
  std::uint64_t shown() const noexcept { return nodes_.empty() ? 0 : nodes_[0].entries; }  ///< tensors
  const TensorInfo* tensor_at(const QModelIndex& index) const;  ///< null for what has only children
  QModelIndex index_of(const TensorInfo* tensor) const;         ///< invalid if it is not shown
  std::uint64_t bytes_of(const QModelIndex& index) const { return node_of(index).bytes; }
  QModelIndex index_of_node(quint64 internal_id) const;
  /// The names from the root down to it, joined by dots; and back. Of two of one name the first.
  std::string path_of(const QModelIndex& index) const;
  QModelIndex index_at(std::string_view path) const;
  QModelIndex folder_at(std::string_view path) const;  ///< never a tensor, of which one may have the same name

  QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
  QModelIndex parent(const QModelIndex& child) const override;
  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;
  void sort(int column, Qt::SortOrder order = Qt::AscendingOrder) override;  ///< column -1: as in the file

 private:
  struct Node {
    std::string_view segment = {};
    std::uint32_t parent = 0;
    std::uint32_t first = 0;     // its children's place in shown_
    std::uint32_t children = 0;  // that are shown
    std::uint32_t row = 0;
    std::uint32_t rank = 0;  // by name, where ranked_
    const TensorInfo* tensor = nullptr;
    Group group = Group::weights;
    bool mixed = false;  // children of several groups
    bool shown = false;
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;
  };

  void build();
  std::uint32_t add_child(std::uint32_t parent, std::string_view segment);
  void add_tensor(std::uint32_t parent, std::string_view name, const TensorInfo& tensor, Group group);
  void make_room();
  void show_kept();
  void add_sums();
  void arrange();
  void rank_names();
  bool less(const Node& a, const Node& b) const;
  const Node& node_of(const QModelIndex& index) const;
  std::span<const std::uint32_t> children_of(const Node& node) const {
    return std::span(shown_).subspan(node.first, node.children);
  }
  QString text_of(const Node& node, int column) const;

  FilePtr file_ = {};
  bool flat_ = false;
  Filter keep_ = {};
  int sort_column_ = -1;
  Qt::SortOrder sort_order_ = Qt::AscendingOrder;
  std::vector<Node> nodes_ = {};  // in the order of the file, parents first; [0] is the root; indices carry positions
  std::vector<std::uint32_t> shown_ = {};                             // the rows of each node, one behind the other
  std::unordered_map<std::string_view, std::uint32_t> folders_ = {};  // by their path
  bool ranked_ = false;
  std::uint64_t total_bytes_ = 0;
};

}  // namespace ckpt::viewer

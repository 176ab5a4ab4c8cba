#pragma once

#include <QAbstractItemModel>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/tensor.h"
#include "open_file.h"

namespace ckpt::viewer {

/// Numbers in names by their value: "layer2" before "layer10".
bool natural_less(std::string_view a, std::string_view b) noexcept;

/// A group in the user's language.
QString group_text(Group group);

/// A file's tensors as the tree that the dots of their names make, with sums, or as a flat list. Filtering and sorting
/// make the tree anew: that takes milliseconds for 20,000 tensors, and sums are of what is shown.
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
    std::uint32_t row = 0;
    const TensorInfo* tensor = nullptr;
    Group group = Group::weights;
    bool mixed = false;  // children of several groups
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;
    std::vector<std::uint32_t> children = {};
  };

  void rebuild();
  void build();
  std::uint32_t add_child(std::uint32_t parent, std::string_view segment);
  void add_tensor(std::uint32_t parent, std::string_view name, const TensorInfo& tensor, Group group);
  void add_sums();
  void sort_children();
  bool less(const Node& a, const Node& b) const;
  const Node& node_of(const QModelIndex& index) const;
  QString text_of(const Node& node, int column) const;

  FilePtr file_ = {};
  bool flat_ = false;
  Filter keep_ = {};
  int sort_column_ = -1;
  Qt::SortOrder sort_order_ = Qt::AscendingOrder;
  std::vector<Node> nodes_ = {};  // [0] is the root; indices carry positions in here
  std::uint64_t total_bytes_ = 0;
};

}  // namespace ckpt::viewer

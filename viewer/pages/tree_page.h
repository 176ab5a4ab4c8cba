#pragma once

#include <QAction>
#include <QList>
#include <QWidget>
#include <set>
#include <string>

#include "open_file.h"
#include "tensor_tree_model.h"

class QCheckBox;
class QComboBox;
class QLabel;
class QLineEdit;
class QTreeView;

namespace ckpt::viewer {

class Jobs;
class TensorPage;

/// A file's tensors, as a tree with a filter, and the one that is selected.
class TreePage : public QWidget {
  Q_OBJECT

 public:
  explicit TreePage(Jobs& jobs, QWidget* parent = nullptr);

  /// Keeps what is selected, open and scrolled to, as far as it is there in the new file.
  void set_file(FilePtr file);
  void select(const QModelIndex& index);
  /// A filter that hides it is cleared; false if there is no such tensor.
  bool select(std::string_view path);
  void select(const TensorInfo& tensor);  ///< of the file that is shown
  void clear_filter();

  TensorTreeModel& model() noexcept { return model_; }
  TensorPage& tensor_page() noexcept { return *tensor_page_; }
  QTreeView& view() noexcept { return *view_; }
  QLineEdit& filter() noexcept { return *filter_; }
  QComboBox& group() noexcept { return *group_; }
  QList<QAction*> copy_actions() const { return copy_actions_; }

 signals:
  void failed(const QString& message);

 private:
  struct Place {
    const TensorInfo* tensor = nullptr;
    std::string selected = {};  // of another file, or a folder
    int scroll = 0;
  };

  void make_actions();
  void enable_actions();
  std::filesystem::path absolute_path() const;
  Place place() const;
  void go_back_to(const Place& place);
  void refresh_filter();
  bool is_filtered() const;
  void show_count();
  void selected(const QModelIndex& index);
  bool select_shown(std::string_view path);
  void open_first_levels();
  void make_room_below(const QModelIndex& folder);

  TensorTreeModel model_;
  std::set<std::string> open_ = {};  // what the user has opened, whatever filters hide of it
  QTreeView* view_;
  QLineEdit* filter_;
  QComboBox* group_;
  QCheckBox* regex_;
  QCheckBox* flat_;
  QLabel* count_;
  TensorPage* tensor_page_;
  QList<QAction*> copy_actions_ = {};
};

}  // namespace ckpt::viewer

#pragma once

#include <QAction>
#include <QList>
#include <QWidget>
#include <string>
#include <vector>

#include "open_file.h"
#include "tensor_tree_model.h"

class QCheckBox;
class QComboBox;
class QLabel;
class QLineEdit;
class QSplitter;
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
  bool select(std::string_view path);  ///< false if there is no such tensor, or it is filtered out

  TensorTreeModel& model() noexcept { return model_; }
  TensorPage& tensor_page() noexcept { return *tensor_page_; }
  QTreeView& view() noexcept { return *view_; }
  QLineEdit& filter() noexcept { return *filter_; }
  QComboBox& group() noexcept { return *group_; }
  QSplitter& splitter() noexcept { return *splitter_; }
  QList<QAction*> copy_actions() const { return copy_actions_; }

 signals:
  void failed(const QString& message);

 private:
  struct Place {
    std::vector<std::string> open = {};
    std::string selected = {};
    int scroll = 0;
  };

  void make_actions();
  Place place() const;
  void go_back_to(const Place& place);
  void refresh_filter();
  void selected(const QModelIndex& index);
  void open_first_levels();

  TensorTreeModel model_;
  Place before_reset_ = {};
  bool switching_ = false;  // to another file, whose tree has nothing to go back to yet
  QTreeView* view_;
  QLineEdit* filter_;
  QComboBox* group_;
  QCheckBox* regex_;
  QCheckBox* flat_;
  QLabel* count_;
  QSplitter* splitter_;
  TensorPage* tensor_page_;
  QList<QAction*> copy_actions_ = {};
};

}  // namespace ckpt::viewer

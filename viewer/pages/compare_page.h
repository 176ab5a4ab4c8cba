#pragma once

#include <QTimer>
#include <QWidget>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "ckpt/diff.h"
#include "ckpt/statistics.h"
#include "diff_model.h"
#include "job.h"
#include "open_file.h"
#include "plane.h"
#include "value_model.h"

class QLabel;
class QLineEdit;
class QMenu;
class QSortFilterProxyModel;
class QTabWidget;
class QTableView;

namespace ckpt::viewer {

class ElidedLabel;
class HeatMap;
class HistogramPanel;
class Pager;
class Slicer;

/// Two files beside each other: what `ckpt diff` says of them, and the values of what changed.
class ComparePage : public QWidget {
  Q_OBJECT

 public:
  explicit ComparePage(Jobs& jobs, QWidget* parent = nullptr);

  /// Compares; null: nothing.
  void set_files(FilePtr a, FilePtr b);
  const FilePtr& b() const noexcept { return b_; }
  void set_tolerance(const QString& atol, const QString& rtol);
  /// That entry of a is this one of b, whatever their names.
  void pair(const std::string& a, const std::string& b);
  /// That they are not the same, though they were paired so or by their likeness.
  void separate(const std::string& a, const std::string& b);
  void select(int row);  ///< of the view
  /// The next element, from the current one on, that differs by more than the tolerance; from the start behind the
  /// last.
  void go_to_next_difference();

  const DiffModel& diffs() const noexcept { return diffs_; }
  QSortFilterProxyModel& shown() noexcept { return *proxy_; }
  QTableView& table() noexcept { return *table_; }
  const ValueModel& values_a() const noexcept { return values_a_; }
  const ValueModel& values_b() const noexcept { return values_b_; }
  HeatMap& heat_map() noexcept { return *heat_map_; }
  HistogramPanel& histogram() noexcept { return *histogram_; }
  Slicer& slicer() noexcept { return *slicer_; }
  const Plane& plane() const noexcept { return plane_; }
  QString place_text() const;  ///< the element that is current, with its values

 signals:
  void failed(const QString& message);

 private:
  QWidget* make_table();
  QWidget* make_details();
  void compare();
  void show_diffs(std::vector<TensorDiff> diffs);
  void clear();
  void show_pair(const QModelIndex& index);
  void read_values();
  void mark_values();
  void read_histograms();
  void read_magnitudes();
  void read_grid();
  QWidget* make_values();
  QWidget* make_difference();
  void set_plane(const Plane& plane);
  void move_page(std::int64_t rows, std::int64_t columns);
  void go_to(std::uint64_t element);
  void show_place(const QModelIndex& cell);
  std::optional<Tolerance> typed_tolerance() const;  // nothing while a number is being typed
  void fill_row_menu();
  bool comparable() const noexcept;  // element by element

  FilePtr a_ = {};
  FilePtr b_ = {};
  using Names = std::pair<std::string, std::string>;  // in a, in b
  std::map<std::string, std::string> renamed_ = {};
  std::set<Names> apart_ = {};
  std::optional<TensorDiff> shown_ = {};
  std::string before_ = {};   // the name of what was shown last
  Tolerance tolerance_ = {};  // that the rows are of
  Plane plane_ = {};
  Window page_ = {};
  std::int64_t pending_ = -1;  // the cell of the page being read that is to be gone to
  DiffModel diffs_;
  QSortFilterProxyModel* proxy_;
  Job compare_job_;
  Job values_job_;
  Job histogram_job_;
  Job magnitudes_job_;
  Job grid_job_;
  Job next_job_;
  QTimer again_;
  ValueModel values_a_;
  ValueModel values_b_;

  ElidedLabel* title_a_;
  ElidedLabel* title_b_;
  QLabel* summary_;
  QLineEdit *atol_, *rtol_;
  QTableView* table_;
  QMenu* row_menu_;
  QTabWidget* tabs_;
  Slicer* slicer_ = nullptr;
  Pager* pager_ = nullptr;
  ElidedLabel* page_label_ = nullptr;
  QTableView *table_a_ = nullptr, *table_b_ = nullptr;
  QLabel* place_ = nullptr;
  HistogramPanel* histogram_ = nullptr;
  HeatMap* heat_map_ = nullptr;
  QLabel* pointed_ = nullptr;
};

}  // namespace ckpt::viewer

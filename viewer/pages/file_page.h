#pragma once

#include <QWidget>

#include "finding_model.h"
#include "job.h"
#include "open_file.h"
#include "statistics_model.h"
#include "tensor_tree_model.h"

class QLabel;
class QSortFilterProxyModel;
class QTabWidget;
class QTableView;

namespace ckpt::viewer {

class BarList;
class ElidedLabel;
class Treemap;

/// The file as a whole: what it is, bytes by module and by type, what is wrong with it.
class FilePage : public QWidget {
  Q_OBJECT

 public:
  explicit FilePage(Jobs& jobs, QWidget* parent = nullptr);

  /// Checks it, too, as soon as there is no other work.
  void set_file(FilePtr file);
  const FindingModel& findings() const noexcept { return findings_; }
  const StatisticsModel& statistics() const noexcept { return statistics_; }
  QTableView& table() noexcept { return *table_; }
  void show_statistics();  ///< computes them, if that was not done before

 signals:
  void checked();                       ///< findings() is complete
  void picked(const QByteArray& path);  ///< a tensor or a module
  void picked_tensor(const ckpt::TensorInfo* tensor);
  void failed(const QString& message);

 private:
  void check();
  void compute();

  Jobs& jobs_;
  FilePtr file_ = {};
  TensorTreeModel modules_;
  FindingModel findings_;
  StatisticsModel statistics_;
  bool computed_ = false;
  bool check_waits_ = false;  // for other work to end
  Job check_job_;
  Job statistics_job_;
  QSortFilterProxyModel* sorted_;
  QLabel* keys_;
  QLabel* facts_;
  ElidedLabel* map_title_;
  Treemap* treemap_;
  BarList* types_;
  QLabel* verdict_;
  QTableView* table_;
  QTableView* numbers_;
  QTabWidget* tabs_;
};

}  // namespace ckpt::viewer

#pragma once

#include <QWidget>

#include "finding_model.h"
#include "job.h"
#include "open_file.h"

class QLabel;
class QTableView;

namespace ckpt::viewer {

class BarList;
class TensorTreeModel;
class Treemap;

/// The file as a whole: what it is, bytes by module and by type, what is wrong with it.
class FilePage : public QWidget {
  Q_OBJECT

 public:
  /// `model`: the tree whose modules are shown.
  FilePage(Jobs& jobs, const TensorTreeModel& model, QWidget* parent = nullptr);

  void set_file(FilePtr file);
  const FindingModel& findings() const noexcept { return findings_; }
  QTableView& table() noexcept { return *table_; }

 signals:
  void checked();                              ///< findings() is complete
  void picked(const QModelIndex& index);       ///< of the tree
  void picked_tensor(const QByteArray& name);  ///< by a finding
  void failed(const QString& message);

 private:
  void check();

  FilePtr file_ = {};
  FindingModel findings_;
  Job check_job_;
  QLabel* keys_;
  QLabel* facts_;
  Treemap* treemap_;
  BarList* types_;
  QLabel* verdict_;
  QTableView* table_;
};

}  // namespace ckpt::viewer

#pragma once

#include <QFileSystemWatcher>
#include <QTimer>
#include <QWidget>
#include <filesystem>
#include <vector>

#include "job.h"
#include "run_model.h"

class QLabel;
class QListWidget;
class QSortFilterProxyModel;
class QTableView;

namespace ckpt::viewer {

class HeatMap;

/// A folder that a training saves into: its checkpoints as they land, and what becomes of the weights. Locks nothing,
/// and opens no file that is still being written.
class RunPage : public QWidget {
  Q_OBJECT

 public:
  explicit RunPage(Jobs& jobs, QWidget* parent = nullptr);

  void set_folder(const std::filesystem::path& folder);

  const RunModel& model() const noexcept { return model_; }
  const std::vector<RunEntry>& entries() const noexcept { return entries_; }
  QListWidget& files() noexcept { return *files_; }
  QTableView& table() noexcept { return *table_; }

 signals:
  void picked(const QByteArray& path);  ///< a checkpoint that the user wants to see
  void failed(const QString& message);

 private:
  void look();
  void read();
  void fill_files();
  void fill_map();

  std::filesystem::path folder_ = {};
  std::vector<RunEntry> entries_ = {};
  RunModel model_;
  Job look_job_;
  Job read_job_;
  QFileSystemWatcher watcher_;
  QTimer look_timer_;
  QSortFilterProxyModel* proxy_;
  QLabel* summary_;
  QListWidget* files_;
  QTableView* table_;
  HeatMap* map_;
  QLabel* pointed_;
};

}  // namespace ckpt::viewer

#pragma once

#include <QFileSystemWatcher>
#include <QTimer>
#include <QWidget>
#include <filesystem>
#include <string>
#include <vector>

#include "job.h"
#include "run_model.h"

class QComboBox;
class QLabel;
class QListWidget;
class QTableView;

namespace ckpt::viewer {

class HeatMap;
class MetricsPanel;

/// A folder that a training saves into: its checkpoints as they land, and what becomes of the weights. Locks nothing,
/// and opens no file that is still being written.
class RunPage : public QWidget {
  Q_OBJECT

 public:
  explicit RunPage(Jobs& jobs, QWidget* parent = nullptr);

  /// Of `options` key and mode count.
  void set_folder(const std::filesystem::path& folder, const OpenOptions& options = {});
  /// For all that is opened from now on.
  void set_options(const OpenOptions& options);
  const OpenOptions& options() const noexcept { return options_; }
  void reload();  ///< as if nothing had been read yet

  const RunModel& model() const noexcept { return model_; }
  const std::vector<RunEntry>& entries() const noexcept { return entries_; }  ///< of the run that is shown
  QComboBox& runs() noexcept { return *runs_; }
  QListWidget& files() noexcept { return *files_; }
  QTableView& table() noexcept { return *table_; }
  HeatMap& map() noexcept { return *map_; }
  MetricsPanel& metrics() noexcept { return *metrics_; }

 signals:
  void picked(const QByteArray& path);  ///< a checkpoint that the user wants to see
  void needs_key(const QString& why);

 private:
  void look();
  void show_run();  // of what was found, the run that is wanted
  void look_at_metrics();
  void choose_metrics();
  void mark_current();
  void pick(int checkpoint);  // of the run's
  void read();
  void forget();
  void fill_runs();
  void fill_files();
  void say_summary();
  void fill_map();
  void fill_grid();  // of the part of the map that is seen

  std::filesystem::path folder_ = {};
  OpenOptions options_ = {};
  std::vector<RunEntry> found_ = {};  // in the folder
  std::string prefix_ = {};           // of the run that is shown
  std::vector<RunEntry> entries_ = {};
  bool stale_ = false;  // there is news since reading began
  RunModel model_;
  Job look_job_;
  Job read_job_;
  QFileSystemWatcher watcher_;
  QTimer look_timer_;
  QLabel* summary_;
  QComboBox* runs_;
  QListWidget* files_;
  QTableView* table_;
  HeatMap* map_;
  MetricsPanel* metrics_;
  QLabel* pointed_;
};

}  // namespace ckpt::viewer

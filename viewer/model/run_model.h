#pragma once

#include <QAbstractTableModel>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ckpt/history.h"
#include "open_file.h"

namespace ckpt::viewer {

/// A checkpoint of a run, and whether it is complete. MindSpore takes the write bits of a file away when it is; one
/// that keeps them counts as complete when it has not changed for two seconds.
struct RunEntry {
  RunFile file = {};
  FileStamp stamp = {};
  std::chrono::system_clock::time_point seen = {};  ///< in this state, for the first time
  bool complete = false;
  std::optional<std::uint64_t> step = {};  ///< of training, where it was opened and says that
};

inline constexpr std::chrono::seconds kQuiet{2};

/// The files of a folder that have names of checkpoints, by prefix and then in order. Opens none. What was seen
/// `before` counts where the times of files cannot be relied on: another machine's clock may be ahead. Errors: io.
Result<std::vector<RunEntry>> look_at_run(const std::filesystem::path& folder,
                                          std::chrono::system_clock::time_point now,
                                          const std::vector<RunEntry>& before = {});

/// A run in a folder: files of one prefix.
struct RunName {
  std::string prefix = {};
  int files = 0;
};
/// The runs of these entries, by prefix.
std::vector<RunName> runs_of(const std::vector<RunEntry>& entries);
/// The prefix of the file that changed last, which is what most likely is of interest; empty where there is none.
std::string newest_run(const std::vector<RunEntry>& entries);

/// What became of the weights, from the complete files of a run.
struct RunHistory {
  struct LeftOut {
    RunEntry entry = {};
    Error why = {};
  };

  std::vector<RunEntry> files = {};  ///< one a point
  History history = {};
  std::vector<LeftOut> left_out = {};  ///< damaged, empty, or not to be read
};
using RunHistoryPtr = std::shared_ptr<const RunHistory>;

/// Goes on from `before`, where that is the beginning of the same run: no file is read that has not changed since. The
/// first ones may have been deleted meanwhile, as retention does. Of `how` key and mode count. Errors: key, cancelled.
Result<RunHistoryPtr> read_run(const std::vector<RunEntry>& entries, const RunHistory& before = {},
                               const OpenOptions& how = {}, const Progress& progress = {});

/// A row a tensor: its norms and updates over the run, and what is said of it.
class RunModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { kName, kState, kLast, kNorms, kUpdate, kUpdates, kColumns };
  using QAbstractTableModel::QAbstractTableModel;

  /// Rows stay where they are as far as names are the same: selection and scroll survive.
  void set_run(RunHistoryPtr run);
  const RunHistoryPtr& run() const noexcept { return run_; }  ///< never null
  const TensorHistory& tensor(int row) const { return run_->history.tensors[order_[static_cast<std::size_t>(row)]]; }
  /// The values of kNorms, or the logarithms of those of kUpdates.
  std::vector<std::optional<double>> spark(int row, int column) const;
  /// The logarithm of an update: NaN where there is none, -infinity of 0.
  double update(int row, std::size_t file) const;

  void sort(int column, Qt::SortOrder order) override;  ///< by name: as in the files
  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

 private:
  std::vector<std::size_t> sorted() const;
  void arrange();

  RunHistoryPtr run_ = std::make_shared<RunHistory>();
  std::vector<std::size_t> order_ = {};  // of the run's tensors, one a row
  int sort_column_ = kName;
  Qt::SortOrder sort_order_ = Qt::AscendingOrder;
};

}  // namespace ckpt::viewer

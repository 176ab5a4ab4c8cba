#pragma once

#include <QAbstractTableModel>
#include <chrono>
#include <filesystem>
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
  bool complete = false;
};

inline constexpr std::chrono::seconds kQuiet{2};

/// The files of a folder that have names of checkpoints of the first run in it (or of `prefix`), in order. Opens none.
/// Errors: io.
Result<std::vector<RunEntry>> look_at_run(const std::filesystem::path& folder, const std::string& prefix,
                                          std::chrono::system_clock::time_point now);

/// What became of the weights, from the complete ones. Damaged files take no part. Errors: those of history().
struct RunHistory {
  std::vector<RunEntry> files = {};  ///< one a point
  History history = {};
};
Result<RunHistory> read_run(const std::vector<RunEntry>& entries, const Progress& progress);

/// A row a tensor: its norms and updates over the run, and what is said of it.
class RunModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { kName, kState, kLast, kNorms, kUpdate, kUpdates, kColumns };
  enum Role { kSortRole = Qt::UserRole };

  using QAbstractTableModel::QAbstractTableModel;

  /// Rows stay where they are as far as names are the same: selection and scroll survive.
  void set_run(RunHistory run);
  const RunHistory& run() const noexcept { return run_; }
  const TensorHistory& tensor(int row) const { return run_.history.tensors[static_cast<std::size_t>(row)]; }
  /// The values of kNorms, or the logarithms of those of kUpdates.
  std::vector<std::optional<double>> spark(int row, int column) const;

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

 private:
  RunHistory run_ = {};
};

}  // namespace ckpt::viewer

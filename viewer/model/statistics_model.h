#pragma once

#include <QAbstractTableModel>
#include <optional>
#include <vector>

#include "ckpt/statistics.h"
#include "open_file.h"

namespace ckpt::viewer {

/// The statistics of every tensor of a file that has numbers, a row each. The file must outlive it.
struct FileStatistics {
  std::vector<const TensorInfo*> tensors = {};
  std::vector<Statistics> rows = {};
};
Result<FileStatistics> statistics_of(const OpenFile& file, const Progress& progress);

class StatisticsModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { kName, kCount, kMin, kMax, kMean, kStd, kNorm, kZeros, kNonFinite, kColumns };
  enum Role { kSortRole = Qt::UserRole };

  using QAbstractTableModel::QAbstractTableModel;

  void set_statistics(FileStatistics statistics);
  const TensorInfo& tensor(int row) const { return *all_.tensors[static_cast<std::size_t>(row)]; }

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

 private:
  FileStatistics all_ = {};
};

}  // namespace ckpt::viewer

#pragma once

#include <QAbstractTableModel>
#include <vector>

#include "ckpt/diff.h"

namespace ckpt::viewer {

/// What diff() found between two files, a row an entry. The numbers behind the texts are given by kSortRole.
class DiffModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { kChange, kName, kShape, kChanged, kMaxAbs, kMaxRel, kRms, kUpdate, kCosine, kColumns };
  enum Role { kSortRole = Qt::UserRole, kDiffersRole };

  using QAbstractTableModel::QAbstractTableModel;

  /// They point into the files that were compared, which must live as long.
  void set_diffs(std::vector<TensorDiff> diffs);
  const TensorDiff& diff(int row) const { return diffs_[static_cast<std::size_t>(row)]; }
  /// "18 tensors: 3 changed, 1 added".
  QString summary() const;

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

 private:
  std::vector<TensorDiff> diffs_ = {};
};

/// A change in the user's language.
QString change_text(Change change);

}  // namespace ckpt::viewer

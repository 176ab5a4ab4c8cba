#pragma once

#include <QAbstractTableModel>
#include <vector>

#include "ckpt/validate.h"

namespace ckpt::viewer {

/// What validate() found, a row each.
class FindingModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { kSeverity, kTensor, kOffset, kMessage, kRule, kColumns };

  using QAbstractTableModel::QAbstractTableModel;

  void set_findings(std::vector<Finding> findings);
  const Finding& finding(int row) const { return findings_[static_cast<std::size_t>(row)]; }
  std::size_t count(Severity severity) const noexcept;

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

 private:
  std::vector<Finding> findings_ = {};
};

}  // namespace ckpt::viewer

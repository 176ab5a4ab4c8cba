#include "statistics_model.h"

#include <QBrush>
#include <QColor>

#include "shown.h"

namespace ckpt::viewer {
namespace {

double number_of(const Statistics& s, int column) {
  switch (column) {
    case StatisticsModel::kCount:
      return static_cast<double>(s.count);
    case StatisticsModel::kMin:
      return s.min;
    case StatisticsModel::kMax:
      return s.max;
    case StatisticsModel::kMean:
      return s.mean;
    case StatisticsModel::kStd:
      return s.std;
    case StatisticsModel::kNorm:
      return s.l2;
    case StatisticsModel::kZeros:
      return static_cast<double>(s.zeros);
    default:
      return static_cast<double>(s.nan + s.positive_inf + s.negative_inf);
  }
}

}  // namespace

Result<FileStatistics> statistics_of(const OpenFile& file, const Progress& progress) {
  std::vector<const TensorInfo*> tensors;
  for (const TensorInfo& tensor : file.file.tensors())
    if (has_statistics(tensor)) tensors.push_back(&tensor);
  auto found = statistics(file.file, tensors, {.progress = progress});
  if (!found) return std::move(found).error();
  FileStatistics all;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (!(*found)[i]) continue;
    all.tensors.push_back(tensors[i]);
    all.rows.push_back(std::move(*(*found)[i]));
  }
  return all;
}

void StatisticsModel::set_statistics(FileStatistics statistics) {
  beginResetModel();
  all_ = std::move(statistics);
  endResetModel();
}

int StatisticsModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(all_.rows.size());
}

int StatisticsModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : kColumns; }

QVariant StatisticsModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const Statistics& s = all_.rows[static_cast<std::size_t>(index.row())];
  const int column = index.column();
  switch (role) {
    case Qt::DisplayRole:
      if (column == kName) return shown_name(tensor(index.row()).name);
      if (column == kCount) return count_text(s.count);
      if (column == kZeros) return count_text(s.zeros);
      if (column == kNonFinite) return count_text(s.nan + s.positive_inf + s.negative_inf);
      return number_text(number_of(s, column));
    case kSortRole:
      if (column == kName) return index.row();  // as in the file
      return number_of(s, column);
    case Qt::ForegroundRole:
      if (column == kNonFinite && s.finite != s.count) return QBrush(kErrorColor);
      return {};
    case Qt::TextAlignmentRole:
      return column == kName ? QVariant() : QVariant(Qt::AlignRight | Qt::AlignVCenter);
    default:
      return {};
  }
}

QVariant StatisticsModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation == Qt::Horizontal && role == Qt::TextAlignmentRole && section >= kCount)
    return QVariant(Qt::AlignRight | Qt::AlignVCenter);
  if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
  switch (section) {
    case kName:
      return tr("Name");
    case kCount:
      return tr("Elements");
    case kMin:
      return tr("Smallest");
    case kMax:
      return tr("Largest");
    case kMean:
      return tr("Mean");
    case kStd:
      return tr("Deviation");
    case kNorm:
      return tr("Norm");
    case kZeros:
      return tr("Zeros");
    default:
      return tr("NaN or infinite");
  }
}

}  // namespace ckpt::viewer

#include "diff_model.h"

#include <QBrush>
#include <QColor>
#include <QStringList>
#include <array>
#include <cmath>

#include "facts.h"
#include "shown.h"

namespace ckpt::viewer {
namespace {

// The name in b; of another one what it was.
QString title_of(const TensorDiff& diff) {
  const QString name = shown_name(diff.tensor().name);
  const bool other = diff.pair.a != nullptr && diff.pair.b != nullptr && diff.pair.a->name != diff.pair.b->name;
  return other ? shown_name(diff.pair.a->name) + QStringLiteral(" → ") + name : name;
}

QString form_of(const TensorInfo& tensor) {
  return shown_name(tools::type_text(tensor)) + QLatin1Char(' ') + to_q(tools::shape_of(tensor)).left(kShownCharacters);
}

QString form_of(const TensorDiff& diff) {
  if (diff.pair.a == nullptr || diff.pair.b == nullptr) return form_of(diff.tensor());
  const QString a = form_of(*diff.pair.a);
  const QString b = form_of(*diff.pair.b);
  return a == b ? a : a + QStringLiteral(" → ") + b;
}

double number_of(const TensorDiff& diff, int column) {
  const double none = -1;
  if (!diff.metrics) return column == DiffModel::kUpdate ? tools::size_of_change(diff) : none;
  const Metrics& m = *diff.metrics;
  switch (column) {
    case DiffModel::kChanged:
      return m.elements == 0 ? 0 : static_cast<double>(m.changed_elements) / static_cast<double>(m.elements);
    case DiffModel::kMaxAbs:
      return m.max_abs;
    case DiffModel::kMaxRel:
      return m.max_rel;
    case DiffModel::kRms:
      return m.rms;
    case DiffModel::kCosine:
      return m.cosine;
    default:
      return tools::size_of_change(diff);  // what the command sorts by, too
  }
}

QColor color_of(Change change) {
  switch (change) {
    case Change::identical:
    case Change::within_tolerance:
      return {};
    case Change::added:
      return {0x30, 0x90, 0x50};
    case Change::removed:
      return kErrorColor;
    default:
      return kWarningColor;
  }
}

}  // namespace

QString change_text(Change change) {
  switch (change) {
    case Change::identical:
      return DiffModel::tr("identical");
    case Change::within_tolerance:
      return DiffModel::tr("within tolerance");
    case Change::changed:
      return DiffModel::tr("changed");
    case Change::added:
      return DiffModel::tr("added");
    case Change::removed:
      return DiffModel::tr("removed");
    case Change::renamed:
      return DiffModel::tr("renamed");
    case Change::reshaped:
      return DiffModel::tr("reshaped");
    case Change::dtype_changed:
      return DiffModel::tr("type changed");
  }
  return {};
}

void DiffModel::set_diffs(std::vector<TensorDiff> diffs) {
  beginResetModel();
  diffs_ = std::move(diffs);
  endResetModel();
}

QString DiffModel::summary() const {
  std::array<std::size_t, 8> counts = {};
  for (const TensorDiff& diff : diffs_) ++counts[static_cast<std::size_t>(diff.change)];
  QStringList parts;
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] > 0) parts << count_text(counts[i]) + QLatin1Char(' ') + change_text(static_cast<Change>(i));
  return tr("%n tensor(s)", nullptr, static_cast<int>(diffs_.size())) + QStringLiteral(": ") +
         parts.join(QStringLiteral(", "));
}

int DiffModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(diffs_.size());
}

int DiffModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : kColumns; }

QVariant DiffModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const TensorDiff& d = diff(index.row());
  const int column = index.column();
  switch (role) {
    case Qt::DisplayRole: {
      if (column == kChange) return change_text(d.change);
      if (column == kName) return title_of(d);
      if (column == kShape) return form_of(d);
      if (!d.metrics || (d.basis == Basis::bytes && column != kChanged)) return {};
      if (column != kChanged && d.metrics->changed_elements > 0 && !tools::has_numbers(*d.metrics))
        return QStringLiteral("-");  // as `ckpt diff` has it
      const double number = number_of(d, column);
      return column == kChanged ? QStringLiteral("%1 %").arg(100 * number, 0, 'g', 3) : number_text(number);
    }
    case kSortRole:
      if (column == kChange) return static_cast<int>(d.change);
      if (column == kName) return title_of(d);
      if (column == kShape) return static_cast<qulonglong>(d.tensor().byte_size);
      return number_of(d, column);
    case kDiffersRole:
      return differs(d);
    case Qt::ForegroundRole:
      if (column == kChange && color_of(d.change).isValid()) return QBrush(color_of(d.change));
      return {};
    case Qt::ToolTipRole:
      return column == kName ? tip_of(title_of(d)) : QVariant();
    case Qt::TextAlignmentRole:
      return column >= kChanged ? QVariant(Qt::AlignRight | Qt::AlignVCenter) : QVariant();
    default:
      return {};
  }
}

QVariant DiffModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation == Qt::Horizontal && role == Qt::TextAlignmentRole && section >= kChanged)
    return QVariant(Qt::AlignRight | Qt::AlignVCenter);
  if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
  switch (section) {
    case kChange:
      return tr("Change");
    case kName:
      return tr("Name");
    case kShape:
      return tr("Shape");
    case kChanged:
      return tr("Changed");
    case kMaxAbs:
      return tr("Max |Δ|");
    case kMaxRel:
      return tr("Max rel.");
    case kRms:
      return tr("RMS");
    case kUpdate:
      return tr("Update");
    default:
      return tr("Cosine");
  }
}

}  // namespace ckpt::viewer

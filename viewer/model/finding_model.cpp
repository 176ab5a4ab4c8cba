#include "finding_model.h"

#include <QBrush>
#include <QColor>
#include <algorithm>

#include "shown.h"

namespace ckpt::viewer {

void FindingModel::set_findings(std::vector<Finding> findings) {
  beginResetModel();
  findings_ = std::move(findings);
  endResetModel();
}

std::size_t FindingModel::count(Severity severity) const noexcept {
  return static_cast<std::size_t>(std::count_if(findings_.begin(), findings_.end(),
                                                [&](const Finding& f) { return f.rule->severity == severity; }));
}

int FindingModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(findings_.size());
}

int FindingModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : kColumns; }

QVariant FindingModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const Finding& found = finding(index.row());
  if (role == Qt::ToolTipRole) return tip_of(to_q(found.message) + QStringLiteral("\n\n") + to_q(found.rule->summary));
  if (role == Qt::ForegroundRole && index.column() == kSeverity && found.rule->severity != Severity::note)
    return QBrush(found.rule->severity == Severity::error ? kErrorColor : kWarningColor);
  if (role != Qt::DisplayRole) return {};
  switch (index.column()) {
    case kSeverity:
      return found.rule->severity == Severity::error     ? tr("error")
             : found.rule->severity == Severity::warning ? tr("warning")
                                                         : tr("note");
    case kTensor:
      return found.tensor.empty() ? QString() : shown_name(found.tensor);
    case kOffset:
      return found.offset == Error::kNoOffset ? QString() : count_text(found.offset);
    case kMessage:
      return to_q(found.message).left(kShownCharacters);
    default:
      return to_q(found.rule->id);
  }
}

QVariant FindingModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
  switch (section) {
    case kSeverity:
      return tr("Severity");
    case kTensor:
      return tr("Tensor");
    case kOffset:
      return tr("Byte");
    case kMessage:
      return tr("What");
    default:
      return tr("Rule");
  }
}

}  // namespace ckpt::viewer

#include "run_model.h"

#include <QBrush>
#include <QColor>
#include <QStringList>
#include <algorithm>
#include <cmath>
#include <optional>
#include <system_error>

#include "shown.h"

namespace ckpt::viewer {
namespace {

const HistoryPoint* last_of(const TensorHistory& tensor) {
  for (auto point = tensor.points.rbegin(); point != tensor.points.rend(); ++point)
    if (*point) return &**point;
  return nullptr;
}

bool is_complete(const std::filesystem::path& path, const FileStamp& stamp, std::chrono::system_clock::time_point now) {
  using std::filesystem::perms;
  std::error_code failed;
  const auto mode = std::filesystem::status(path, failed).permissions();
  if (!failed && (mode & (perms::owner_write | perms::group_write | perms::others_write)) == perms::none) return true;
  const auto changed = std::chrono::nanoseconds(stamp.changed_ns);
  return now.time_since_epoch() - changed >= kQuiet;
}

}  // namespace

Result<std::vector<RunEntry>> look_at_run(const std::filesystem::path& folder, const std::string& prefix,
                                          std::chrono::system_clock::time_point now) {
  auto files = find_run_files(folder);
  if (!files) return std::move(files).error();
  std::vector<RunEntry> entries;
  for (RunFile& file : *files) {
    if (file.prefix != (prefix.empty() ? files->front().prefix : prefix)) continue;
    const auto stamp = stamp_of(file.path);
    if (!stamp) continue;  // it went away meanwhile
    const bool complete = is_complete(file.path, *stamp, now);
    entries.push_back({file, *stamp, complete});
  }
  return entries;
}

Result<RunHistory> read_run(const std::vector<RunEntry>& entries, const Progress& progress) {
  RunHistory run;
  for (const RunEntry& entry : entries)
    if (entry.complete && Checkpoint::open(entry.file.path)) run.files.push_back(entry);
  auto found = history(run.files.size(), [&](std::size_t i) { return Checkpoint::open(run.files[i].file.path); },
                       {.progress = progress});
  if (!found) return std::move(found).error();
  run.history = std::move(*found);
  return run;
}

void RunModel::set_run(RunHistory run) {
  const auto same = [](const TensorHistory& a, const TensorHistory& b) { return a.name == b.name; };
  const auto& before = run_.history.tensors;
  const auto& after = run.history.tensors;
  if (!before.empty() && before.size() == after.size() &&
      std::equal(before.begin(), before.end(), after.begin(), same)) {
    run_ = std::move(run);
    emit dataChanged(index(0, 0), index(rowCount() - 1, kColumns - 1));
    return;
  }
  beginResetModel();
  run_ = std::move(run);
  endResetModel();
}

std::vector<std::optional<double>> RunModel::spark(int row, int column) const {
  std::vector<std::optional<double>> values;
  for (const auto& point : tensor(row).points) {
    if (!point)
      values.emplace_back();
    else if (column == kNorms)
      values.emplace_back(point->norm);
    else if (!point->update || *point->update == 0)
      values.emplace_back();
    else
      values.emplace_back(std::log10(*point->update));  // they differ by magnitudes
  }
  return values;
}

int RunModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(run_.history.tensors.size());
}

int RunModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : kColumns; }

QVariant RunModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const TensorHistory& t = tensor(index.row());
  const HistoryPoint* last = last_of(t);
  const double norm = last ? last->norm : 0;
  const double update = last && last->update ? *last->update : -1;
  const int rank = 4 * t.condition.exploding + 2 * t.condition.dead + t.condition.frozen;
  switch (role) {
    case Qt::DisplayRole:
      switch (index.column()) {
        case kName:
          return shown_name(t.name);
        case kState: {
          QStringList words;
          if (t.condition.exploding) words << tr("exploding");
          if (t.condition.dead) words << tr("dead");
          if (t.condition.frozen) words << tr("frozen");
          return words.join(QStringLiteral(", "));
        }
        case kLast:
          return last ? number_text(norm) : QString();
        case kUpdate:
          return update < 0 ? QString() : number_text(update);
        default:
          return {};
      }
    case kSortRole:
      switch (index.column()) {
        case kName:
          return index.row();  // as in the files
        case kState:
          return rank;
        case kLast:
        case kNorms:
          return norm;
        default:
          return update;
      }
    case Qt::ToolTipRole:
      return index.column() == kName ? tip_of(shown_name(t.name)) : QVariant();
    case Qt::ForegroundRole:
      if (index.column() != kState || rank == 0) return {};
      return QBrush(t.condition.exploding ? QColor(0xD0, 0x40, 0x30) : QColor(0xC0, 0x80, 0x00));
    case Qt::TextAlignmentRole:
      return index.column() == kLast || index.column() == kUpdate ? QVariant(Qt::AlignRight | Qt::AlignVCenter)
                                                                  : QVariant();
    default:
      return {};
  }
}

QVariant RunModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
  switch (section) {
    case kName:
      return tr("Name");
    case kState:
      return tr("State");
    case kLast:
      return tr("Norm");
    case kNorms:
      return tr("Norms");
    case kUpdate:
      return tr("Update");
    default:
      return tr("Updates (log)");
  }
}

}  // namespace ckpt::viewer

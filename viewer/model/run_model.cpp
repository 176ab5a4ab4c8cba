#include "run_model.h"

#include <QBrush>
#include <QColor>
#include <QStringList>
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <span>
#include <system_error>

#include "run_metrics.h"
#include "shown.h"

namespace ckpt::viewer {
namespace {

const HistoryPoint* last_of(const TensorHistory& tensor) {
  for (auto point = tensor.points.rbegin(); point != tensor.points.rend(); ++point)
    if (*point) return &**point;
  return nullptr;
}

int rank_of(const Condition& condition) { return 4 * condition.exploding + 2 * condition.dead + condition.frozen; }

double key_of(const TensorHistory& tensor, std::size_t place, int column) {
  const HistoryPoint* last = last_of(tensor);
  switch (column) {
    case RunModel::kName:
      return static_cast<double>(place);
    case RunModel::kState:
      return rank_of(tensor.condition);
    case RunModel::kLast:
    case RunModel::kNorms:
      return last ? last->norm : 0;
    default:
      return last && last->update ? *last->update : -1;
  }
}

bool is_complete(const RunEntry& entry, std::chrono::system_clock::time_point now) {
  using std::filesystem::perms;
  std::error_code failed;
  const auto mode = std::filesystem::status(entry.file.path, failed).permissions();
  if (!failed && (mode & (perms::owner_write | perms::group_write | perms::others_write)) == perms::none) return true;
  const auto changed = std::chrono::nanoseconds(entry.stamp.changed_ns);
  return now.time_since_epoch() - changed >= kQuiet || now - entry.seen >= kQuiet;
}

// Whether the first of these are the files that are known, in the same state.
bool begins_with(const std::vector<RunEntry>& entries, std::span<const RunEntry> known) {
  if (known.empty() || entries.size() < known.size()) return false;
  return std::equal(known.begin(), known.end(), entries.begin(), [](const RunEntry& a, const RunEntry& b) {
    return a.file.path == b.file.path && a.stamp == b.stamp;
  });
}

// What is known without its first files, in which nothing is an update now.
History without_first(History history, std::size_t files) {
  if (files == 0) return history;
  history.files -= files;
  for (TensorHistory& tensor : history.tensors) {
    tensor.points.erase(tensor.points.begin(), tensor.points.begin() + static_cast<std::ptrdiff_t>(files));
    if (tensor.points.front()) tensor.points.front()->update.reset();
  }
  std::erase_if(history.tensors, [](const TensorHistory& tensor) { return last_of(tensor) == nullptr; });
  return history;
}

// As `ckpt history` has it. The optimizer's state moves as the weights do, and its scalars are no curves.
HistoryOptions of_weights() {
  return {.select = [](std::string_view, Group group) { return group == Group::weights; }};
}

// A reader that has read the files of `run` already; files is empty where nothing of it is of use.
HistoryReader begin(const std::vector<RunEntry>& complete, const RunHistory& before, const OpenOptions& how,
                    RunHistory& run) {
  const std::span known(before.files);
  for (std::size_t gone = 0; gone < known.size(); ++gone) {
    if (!begins_with(complete, known.subspan(gone))) continue;
    const RunEntry& last = known.back();
    auto file = Checkpoint::open(last.file.path, how);
    if (!file || stamp_of(last.file.path) != last.stamp) break;
    run.files.assign(known.begin() + static_cast<std::ptrdiff_t>(gone), known.end());
    return {without_first(before.history, gone), std::move(*file), of_weights()};
  }
  return HistoryReader(of_weights());
}

Status add_file(HistoryReader& reader, RunEntry& entry, const OpenOptions& how, const Progress& progress) {
  auto file = Checkpoint::open(entry.file.path, how);
  if (!file) return file.error();
  // A save that was cut off before its first byte: of this everything would seem to be gone.
  if (file->tensors().empty()) return Error{.code = Errc::truncated, .message = "has no entries"};
  entry.step = tools::step_in(*file);
  return reader.add(std::move(*file), progress);
}

}  // namespace

Result<std::vector<RunEntry>> look_at_run(const std::filesystem::path& folder,
                                          std::chrono::system_clock::time_point now,
                                          const std::vector<RunEntry>& before) {
  auto files = find_run_files(folder);
  if (!files) return std::move(files).error();
  std::map<std::filesystem::path, const RunEntry*> known;
  for (const RunEntry& entry : before) known.emplace(entry.file.path, &entry);
  std::vector<RunEntry> entries;
  for (RunFile& file : *files) {
    const auto stamp = stamp_of(file.path);
    if (!stamp) continue;  // it went away meanwhile
    const auto same = known.find(file.path);
    const bool unchanged = same != known.end() && same->second->stamp == *stamp;
    RunEntry& entry = entries.emplace_back(RunEntry{std::move(file), *stamp, unchanged ? same->second->seen : now});
    entry.complete = is_complete(entry, now);
  }
  return entries;
}

std::vector<RunName> runs_of(const std::vector<RunEntry>& entries) {
  std::vector<RunName> runs;
  for (const RunEntry& entry : entries) {
    if (runs.empty() || runs.back().prefix != entry.file.prefix) runs.push_back({entry.file.prefix, 0});
    ++runs.back().files;
  }
  return runs;
}

std::string newest_run(const std::vector<RunEntry>& entries) {
  const auto newest = std::max_element(entries.begin(), entries.end(), [](const RunEntry& a, const RunEntry& b) {
    return a.stamp.changed_ns < b.stamp.changed_ns;
  });
  return newest == entries.end() ? std::string() : newest->file.prefix;
}

Result<RunHistoryPtr> read_run(const std::vector<RunEntry>& entries, const RunHistory& before, const OpenOptions& how,
                               const Progress& progress) {
  auto run = std::make_shared<RunHistory>();
  std::vector<RunEntry> complete;
  for (const RunEntry& entry : entries) {
    if (!entry.complete) continue;
    // What was left out stays so until it changes.
    const auto known = std::find_if(before.left_out.begin(), before.left_out.end(), [&](const auto& one) {
      return one.entry.file.path == entry.file.path && one.entry.stamp == entry.stamp;
    });
    if (known == before.left_out.end())
      complete.push_back(entry);
    else
      run->left_out.push_back(*known);
  }
  HistoryReader reader = begin(complete, before, how, *run);
  const std::size_t begun = run->files.size();
  for (std::size_t i = begun; i < complete.size(); ++i) {
    // Files are of about the same size: each counts as one.
    constexpr std::uint64_t kParts = 1000;
    const auto in_files = [&](std::uint64_t done, std::uint64_t total) {
      const double share = total == 0 ? 0 : static_cast<double>(done) / static_cast<double>(total);
      return !progress || progress((i - begun) * kParts + static_cast<std::uint64_t>(share * kParts),
                                   (complete.size() - begun) * kParts);
    };
    const auto status = add_file(reader, complete[i], how, in_files);
    if (status)
      run->files.push_back(complete[i]);
    else if (status.error().code == Errc::cancelled)
      return status.error();
    else if (status.error().code == Errc::key && (!how.key || run->files.empty()))
      return status.error();  // to be asked for
    else
      run->left_out.push_back({complete[i], status.error()});
  }
  run->history = std::move(reader).finish();
  return RunHistoryPtr(std::move(run));
}

void RunModel::set_run(RunHistoryPtr run) {
  const auto same = [](const TensorHistory& a, const TensorHistory& b) { return a.name == b.name; };
  const auto& before = run_->history.tensors;
  const auto& after = run->history.tensors;
  if (!before.empty() && before.size() == after.size() &&
      std::equal(before.begin(), before.end(), after.begin(), same)) {
    run_ = std::move(run);
    arrange();
    emit dataChanged(index(0, 0), index(rowCount() - 1, kColumns - 1));
    return;
  }
  beginResetModel();
  run_ = std::move(run);
  order_ = sorted();
  endResetModel();
}

void RunModel::sort(int column, Qt::SortOrder order) {
  sort_column_ = column;
  sort_order_ = order;
  arrange();
}

// Here and not by a proxy, which asks for each number again and again: a run may have many thousands of rows.
std::vector<std::size_t> RunModel::sorted() const {
  const auto& tensors = run_->history.tensors;
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::vector<double> keys;
  keys.reserve(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) keys.push_back(key_of(tensors[i], i, sort_column_));
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    return sort_order_ == Qt::AscendingOrder ? keys[a] < keys[b] : keys[a] > keys[b];
  });
  return order;
}

// Rows go elsewhere; what is selected goes with them.
void RunModel::arrange() {
  emit layoutAboutToBeChanged();
  const auto before = order_;
  order_ = sorted();
  std::vector<int> row_of(order_.size());
  for (std::size_t row = 0; row < order_.size(); ++row) row_of[order_[row]] = static_cast<int>(row);
  for (const QModelIndex& old : persistentIndexList())
    changePersistentIndex(old, index(row_of[before[static_cast<std::size_t>(old.row())]], old.column()));
  emit layoutChanged();
}

double RunModel::update(int row, std::size_t file) const {
  const auto& points = tensor(row).points;
  const bool known = file < points.size() && points[file] && points[file]->update;
  return known ? std::log10(*points[file]->update) : std::nan("");
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
  return parent.isValid() ? 0 : static_cast<int>(order_.size());
}

int RunModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : kColumns; }

QVariant RunModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const TensorHistory& t = tensor(index.row());
  const HistoryPoint* last = last_of(t);
  const double norm = last ? last->norm : 0;
  const double update = last && last->update ? *last->update : -1;
  const int rank = rank_of(t.condition);
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
    case Qt::ToolTipRole:
      return index.column() == kName ? tip_of(shown_name(t.name)) : QVariant();
    case Qt::ForegroundRole:
      if (index.column() != kState || rank == 0) return {};
      return QBrush(t.condition.exploding ? kErrorColor : kWarningColor);
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

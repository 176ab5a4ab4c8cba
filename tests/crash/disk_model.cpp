#include "disk_model.h"

#include <set>
#include <stdexcept>
#include <utility>

namespace ckpt::test {
namespace {

/// How much of a change is there after a power cut.
enum class Extent { none, half, all };

void apply(FileState& state, const Change& change, Extent extent) {
  if (extent == Extent::none) return;
  if (change.kind == Change::Kind::mode) {
    state.mode = change.mode;
  } else if (change.kind == Change::Kind::resize) {
    state.bytes.resize(change.offset);
  } else {
    const std::size_t size = extent == Extent::half ? change.bytes.size() / 2 : change.bytes.size();
    if (state.bytes.size() < change.offset + size) state.bytes.resize(change.offset + size);  // zeros in a hole
    state.bytes.replace(change.offset, size, change.bytes, 0, size);
  }
}

}  // namespace

void DiskModel::add_synced(const std::string& name, Inode inode, FileState state) {
  const Id id = add(inode);
  files_[id].synced = std::move(state);
  names_.back()[name] = id;
}

DiskModel::Id DiskModel::add(Inode inode) {
  files_.emplace_back();
  return ids_[inode] = files_.size() - 1;
}

DiskModel::Names& DiskModel::next_names() {
  names_.push_back(names_.back());
  return names_.back();
}

void DiskModel::create(const std::string& name, Inode inode) { next_names()[name] = add(inode); }

void DiskModel::change(Inode inode, Change change) { files_.at(ids_.at(inode)).pending.push_back(std::move(change)); }

void DiskModel::sync_file(Inode inode) {
  File& file = files_.at(ids_.at(inode));
  for (const Change& change : file.pending) apply(file.synced, change, Extent::all);
  file.pending.clear();
}

void DiskModel::rename(const std::string& from, const std::string& to) {
  Names& names = next_names();
  names[to] = names.at(from);
  names.erase(from);
}

void DiskModel::link(const std::string& from, const std::string& to) {
  Names& names = next_names();
  names[to] = names.at(from);
}

void DiskModel::unlink(const std::string& name) { next_names().erase(name); }

void DiskModel::sync_directory() { names_.erase(names_.begin(), names_.end() - 1); }

void DiskModel::after_power_cut(const std::string& name,
                                const std::function<bool(const std::optional<FileState>&)>& look) const {
  constexpr std::size_t kMaxStates = 100'000;
  std::set<Id> looked_at;
  bool looked_at_nothing = false;
  for (const Names& names : names_) {
    const auto entry = names.find(name);
    if (entry == names.end()) {
      if (!std::exchange(looked_at_nothing, true) && !look(std::nullopt)) return;
      continue;
    }
    if (!looked_at.insert(entry->second).second) continue;
    // All combinations, counted up with one digit of three values a change.
    const File& file = files_.at(entry->second);
    std::vector<Extent> extents(file.pending.size(), Extent::none);
    for (std::size_t states = 0;; ++states) {
      if (states == kMaxStates) throw std::runtime_error("too many unsynced changes to try them all");
      FileState state = file.synced;
      for (std::size_t i = 0; i < extents.size(); ++i) apply(state, file.pending[i], extents[i]);
      if (!look(state)) return;
      std::size_t digit = 0;
      while (digit < extents.size() && extents[digit] == Extent::all) extents[digit++] = Extent::none;
      if (digit == extents.size()) break;
      extents[digit] = static_cast<Extent>(static_cast<int>(extents[digit]) + 1);
    }
  }
}

void DiskModel::names_after_power_cut(const std::function<bool(const std::map<std::string, bool>&)>& look) const {
  for (const Names& names : names_) {
    std::map<std::string, bool> sure;
    for (const auto& [name, id] : names) sure[name] = files_.at(id).pending.empty();
    if (!look(sure)) return;
  }
}

}  // namespace ckpt::test

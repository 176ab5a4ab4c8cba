#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ckpt::test {

/// What a file holds.
struct FileState {
  std::string bytes = {};
  unsigned mode = 0;

  friend bool operator==(const FileState&, const FileState&) = default;
};

/// A change of a file that no fsync has made safe yet.
struct Change {
  enum class Kind { write, resize, mode };
  Kind kind = Kind::write;
  std::uint64_t offset = 0;  ///< of a write; or the new size
  std::string bytes = {};
  unsigned mode = 0;
};

/// One directory on a disk that forgets: what may be found after a power cut, going by nothing but what POSIX promises.
///  - A change of a file is there for sure once that file was synced. Until then it may be there, not at all, or, if it
///    is a write, up to any byte; each change for itself, in any order.
///  - Names (create, rename, link, unlink) are there for sure once the directory was synced. Until then any first part
///    of their changes may be there, whatever has become of the files.
class DiskModel {
 public:
  using Inode = ino_t;

  void add_synced(const std::string& name, Inode inode, FileState state);

  void create(const std::string& name, Inode inode);
  void change(Inode inode, Change change);
  void sync_file(Inode inode);
  void rename(const std::string& from, const std::string& to);
  void link(const std::string& from, const std::string& to);
  void unlink(const std::string& name);
  void sync_directory();

  /// Calls `look` with what may be at `name` after a power cut now (empty: nothing), until it returns false.
  void after_power_cut(const std::string& name, const std::function<bool(const std::optional<FileState>&)>& look) const;

  bool has(const std::string& name) const { return names_.back().contains(name); }
  /// Calls `look` with each set of names that may be there after a power cut now, until it returns false; with each
  /// name whether its file is for sure as it was last written.
  void names_after_power_cut(const std::function<bool(const std::map<std::string, bool>&)>& look) const;

 private:
  /// An inode number may be used again while a name that is not yet gone for sure leads to the file that had it.
  using Id = std::size_t;
  using Names = std::map<std::string, Id>;
  struct File {
    FileState synced = {};
    std::vector<Change> pending = {};
  };

  Names& next_names();
  Id add(Inode inode);

  std::vector<File> files_ = {};
  std::map<Inode, Id> ids_ = {};
  std::vector<Names> names_ = {Names()};  // as last synced, then after each change
};

}  // namespace ckpt::test

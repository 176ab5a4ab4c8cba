#include "replay.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace ckpt::test {
struct stat status_of(const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) throw std::runtime_error("cannot look at " + path);
  return status;
}

std::string file_name(const std::string& path) { return std::filesystem::path(path).filename().string(); }

namespace {

std::string read_range(const std::string& path, std::uint64_t offset, std::uint64_t size) {
  std::string bytes(size, '\0');
  std::ifstream in(path, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(offset));
  if (!in.read(bytes.data(), static_cast<std::streamsize>(size))) throw std::runtime_error("cannot read " + path);
  return bytes;
}

}  // namespace

void replay(const Stop& stop, const Tracee& tracee, const Abilities& can, DiskModel& disk) {
  // Calls that change files and that the model does not know. If the library begins to use one, teach it.
  constexpr long kUnknown[] = {SYS_writev, SYS_pwritev, SYS_pwritev2, SYS_truncate, SYS_fdatasync,
                               SYS_sync,   SYS_syncfs,  SYS_sendfile, SYS_splice,   SYS_creat,
                               SYS_rename, SYS_link,    SYS_symlink,  SYS_chmod,    SYS_fchmodat};
  if (stop.entry || stop.result < 0) return;
  const auto& args = stop.args;
  const auto inode = [&](std::uint64_t descriptor) { return status_of(tracee.path_of(descriptor)).st_ino; };
  const auto name = [&](std::uint64_t address) { return file_name(tracee.text_at(address)); };
  const auto write = [&](std::uint64_t descriptor, std::uint64_t offset) {
    disk.change(inode(descriptor),
                {.kind = Change::Kind::write,
                 .offset = offset,
                 .bytes = read_range(tracee.path_of(descriptor), offset, static_cast<std::uint64_t>(stop.result))});
  };
  switch (stop.call) {
    case SYS_openat:
      if ((args[2] & O_CREAT) != 0 && !disk.has(name(args[1])))
        disk.create(name(args[1]), inode(static_cast<std::uint64_t>(stop.result)));
      break;
    case SYS_pwrite64:
      write(args[0], args[3]);
      break;
    case SYS_write:  // of a file that is only appended to
      write(args[0], static_cast<std::uint64_t>(status_of(tracee.path_of(args[0])).st_size - stop.result));
      break;
    case SYS_copy_file_range:  // its offset has moved on
      write(args[2], static_cast<std::uint64_t>(tracee.number_at(args[3]) - stop.result));
      break;
    case SYS_ftruncate:
      disk.change(inode(args[0]), {.kind = Change::Kind::resize, .offset = args[1]});
      break;
    case SYS_fchmod:
      disk.change(inode(args[0]), {.kind = Change::Kind::mode, .mode = static_cast<unsigned>(args[1])});
      break;
    case SYS_fallocate:
      if (args[1] != FALLOC_FL_KEEP_SIZE) throw std::runtime_error("a kind of fallocate the model does not know");
      break;
    case SYS_fsync:
      if (!S_ISDIR(status_of(tracee.path_of(args[0])).st_mode)) {
        if (can.file_sync) disk.sync_file(inode(args[0]));
      } else if (can.directory_sync) {
        disk.sync_directory();
      }
      break;
    case SYS_renameat:
    case SYS_renameat2:
      disk.rename(name(args[1]), name(args[3]));
      break;
    case SYS_linkat:
      disk.link(name(args[1]), name(args[3]));
      break;
    case SYS_unlink:
      disk.unlink(name(args[0]));
      break;
    case SYS_unlinkat:
      disk.unlink(name(args[1]));
      break;
    default:
      if (std::find(std::begin(kUnknown), std::end(kUnknown), stop.call) != std::end(kUnknown))
        throw std::runtime_error("system call " + std::to_string(stop.call) + " is not modelled");
  }
}

}  // namespace ckpt::test

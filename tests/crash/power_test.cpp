#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <string>

#include "disk_model.h"
#include "file_bytes.h"
#include "scenarios.h"
#include "tracee.h"

namespace ckpt::test {
namespace {

struct stat status_of(const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) throw std::runtime_error("cannot look at " + path);
  return status;
}

std::string file_name(const std::string& path) { return std::filesystem::path(path).filename().string(); }

std::string read_range(const std::string& path, std::uint64_t offset, std::uint64_t size) {
  std::string bytes(size, '\0');
  std::ifstream in(path, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(offset));
  if (!in.read(bytes.data(), static_cast<std::streamsize>(size))) throw std::runtime_error("cannot read " + path);
  return bytes;
}

/// What the disk and its file system can do.
struct Abilities {
  bool file_sync = true;  // the tests of the test switch these two off
  bool directory_sync = true;
  bool rename_no_replace = true;  // without: as on NFS
};

/// Repeats on the model what a system call has just done to the disk.
void replay(const Stop& stop, const Tracee& tracee, const Abilities& can, DiskModel& disk) {
  // Calls that change files and that the model does not know. If the library begins to use one, teach it.
  constexpr long kUnknown[] = {SYS_write, SYS_writev, SYS_pwritev,  SYS_pwritev2, SYS_truncate, SYS_fdatasync,
                               SYS_sync,  SYS_syncfs, SYS_sendfile, SYS_splice,   SYS_creat,    SYS_rename,
                               SYS_link,  SYS_unlink, SYS_symlink,  SYS_chmod,    SYS_fchmodat};
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
      if ((args[2] & O_CREAT) != 0) disk.create(name(args[1]), inode(static_cast<std::uint64_t>(stop.result)));
      break;
    case SYS_pwrite64:
      write(args[0], args[3]);
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
    case SYS_unlinkat:
      disk.unlink(name(args[1]));
      break;
    default:
      if (std::find(std::begin(kUnknown), std::end(kUnknown), stop.call) != std::end(kUnknown))
        throw std::runtime_error("system call " + std::to_string(stop.call) + " is not modelled");
  }
}

/// Cuts the power after every system call of a write. Returns what is wrong with what may then be found; empty if the
/// target is always the complete old file or the complete new one, and, once the write has returned, the new one.
std::string power_cuts(const Scenario& scenario, const Abilities& can = {}) {
  Site site(scenario);
  const std::string name = file_name(site.target());
  DiskModel disk;
  std::optional<FileState> old;
  if (scenario.old_bytes) {
    old = FileState{*scenario.old_bytes, kOldMode};
    disk.add_synced(name, status_of(site.target()).st_ino, *old);
  }
  std::string wrong;
  const auto is_new = [&](const std::optional<FileState>& state) {
    return state && state->mode == scenario.new_mode && scenario.is_new(state->bytes);
  };
  const auto look_for = [&](const char* what, const std::function<bool(const std::optional<FileState>&)>& good) {
    if (!wrong.empty()) return;
    disk.after_power_cut(name, [&](const std::optional<FileState>& state) {
      if (good(state)) return true;
      wrong = std::string(what) + ": " +
              (state ? std::to_string(state->bytes.size()) + " bytes, mode " + std::to_string(state->mode)
                     : std::string("no file"));
      return false;
    });
  };
  Tracee tracee([&] { return scenario.write(site.target()) ? 0 : 1; });
  while (const auto stop = tracee.next()) {
    if (stop->entry && stop->call == SYS_renameat2 && !can.rename_no_replace) tracee.fail_call(EINVAL);
    replay(*stop, tracee, can, disk);
    if (!stop->entry) look_for("neither old nor new", [&](const auto& state) { return state == old || is_new(state); });
  }
  if (tracee.exit_code() != 0) return "the write failed";
  look_for("not there after success", is_new);
  return wrong;
}

class PowerCut : public testing::TestWithParam<Scenario> {
  void SetUp() override {
    if (!can_trace()) GTEST_SKIP() << "this system does not let a process trace its child";
  }
};

TEST_P(PowerCut, TheTargetIsTheOldFileOrTheNewOne) { EXPECT_EQ(power_cuts(GetParam()), ""); }

// The tests of the test: without each of the syncs it has something to find.

TEST_P(PowerCut, WithoutSyncOfTheFileItIsNeither) {
  EXPECT_TRUE(power_cuts(GetParam(), {.file_sync = false}).starts_with("neither old nor new"));
}

TEST_P(PowerCut, WithoutSyncOfTheDirectoryItIsNotThereForSure) {
  EXPECT_TRUE(power_cuts(GetParam(), {.directory_sync = false}).starts_with("not there after success"));
}

INSTANTIATE_TEST_SUITE_P(, PowerCut, testing::ValuesIn(scenarios()), [](const auto& test) { return test.param.name; });

// NFS has no rename that refuses to replace: a second name is made, and the first one removed.
TEST(PowerCutWithoutRenameNoReplace, ASecondNameServes) {
  if (!can_trace()) GTEST_SKIP() << "this system does not let a process trace its child";
  for (const Scenario& scenario : scenarios())
    if (scenario.name == "make_without_overwrite") {
      EXPECT_EQ(power_cuts(scenario, {.rename_no_replace = false}), "");
    }
}

class PowerCutWithoutDurable : public PowerCut {};

TEST_P(PowerCutWithoutDurable, DataCanBeLost) {
  EXPECT_TRUE(power_cuts(GetParam()).starts_with("neither old nor new"));
}

INSTANTIATE_TEST_SUITE_P(, PowerCutWithoutDurable, testing::ValuesIn(scenarios(false)),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace ckpt::test

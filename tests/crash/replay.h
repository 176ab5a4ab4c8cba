#pragma once

#include <sys/stat.h>

#include <string>

#include "disk_model.h"
#include "tracee.h"

namespace ckpt::test {

/// What the disk and its file system can do.
struct Abilities {
  bool file_sync = true;  // the tests of the test switch these two off
  bool directory_sync = true;
  bool rename_no_replace = true;  // without: as on NFS
};

/// Repeats on the model what a system call has just done to the disk.
void replay(const Stop& stop, const Tracee& tracee, const Abilities& can, DiskModel& disk);

struct stat status_of(const std::string& path);
std::string file_name(const std::string& path);

}  // namespace ckpt::test

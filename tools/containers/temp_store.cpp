#include "temp_store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

namespace ckpt::containers {
namespace {

Error failed(const char* what) {
  const int number = errno;
  return {.code = Errc::io,
          .os_error = number,
          .message = std::string(what) + ": " + std::generic_category().message(number)};
}

}  // namespace

Result<TempStore> TempStore::create() {
  std::error_code unknown;
  const std::filesystem::path folder = std::filesystem::temp_directory_path(unknown);
  if (unknown)
    return Error{.code = Errc::io,
                 .os_error = unknown.value(),
                 .message = "there is no folder for temporary files: " + unknown.message()};
#ifdef O_TMPFILE
  if (const int nameless = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); nameless >= 0)
    return TempStore(nameless);
#endif
  // Not every file system has files without names.
  std::string name = (folder / "ckpt-XXXXXX").string();
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) return failed("cannot make a temporary file");
  ::unlink(name.c_str());
  return TempStore(descriptor);
}

TempStore::TempStore(TempStore&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

TempStore::~TempStore() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Status TempStore::write_at(std::uint64_t offset, std::span<const std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return failed("cannot write a temporary file");
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
  return {};
}

Status TempStore::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("cannot read a temporary file");
    if (got == 0) {  // behind what was written
      std::fill(out.begin(), out.end(), std::byte{0});
      return {};
    }
    out = out.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

}  // namespace ckpt::containers

#include "external_data.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "ckpt/text.h"

namespace ckpt::containers {
namespace {

namespace fs = std::filesystem;

Error refused(std::string_view location, std::string why) {
  return {.code = Errc::unsupported, .message = "its data is in \"" + escape(location) + "\", " + std::move(why)};
}

Error system_failure(std::string_view location, int number) {
  return {.code = Errc::io,
          .os_error = number,
          .message = "its data is in \"" + escape(location) + "\": " + std::generic_category().message(number)};
}

bool is_below(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

/// `path` is below `folder` and has no links, or did not have any a moment ago: the kernel is asked to see to it.
int open_below(const fs::path& folder, const fs::path& path) {
  const int directory = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return -1;
  const fs::path relative = path.lexically_relative(folder);
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;  // a FIFO must not make us wait
  open_how how{};
  how.flags = kFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  int descriptor = static_cast<int>(::syscall(SYS_openat2, directory, relative.c_str(), &how, sizeof how));
  if (descriptor < 0 && (errno == ENOSYS || errno == EPERM))  // an older kernel, or a sandbox that does not know it
    descriptor = ::openat(directory, relative.c_str(), kFlags | O_NOFOLLOW);
  const int number = errno;
  ::close(directory);
  errno = number;
  return descriptor;
}

}  // namespace

Result<SourcePtr> open_external(const fs::path& model, std::string_view location) {
  if (model.empty()) return refused(location, "and this is no file, so there is nothing beside it");
  const fs::path name{std::string(location)};
  if (location.empty() || location.find('\0') != location.npos) return refused(location, "which is no name of a file");
  if (name.is_absolute()) return refused(location, "a path from the root: only the model's folder is looked into");
  if (std::any_of(name.begin(), name.end(), [](const fs::path& part) { return part == ".."; }))
    return refused(location, "a path with \"..\" in it: only the model's folder is looked into");

  std::error_code failed;
  const fs::path folder = fs::canonical(model.parent_path().empty() ? "." : model.parent_path(), failed);
  if (failed) return system_failure(location, failed.value());
  const fs::path found = fs::canonical(folder / name, failed);
  if (failed) return system_failure(location, failed.value());
  const fs::path home = fs::canonical(model, failed).parent_path();  // of the file that `model` may be a link to
  const bool inside = is_below(found, folder);
  if (!inside && (failed || home.empty() || !is_below(found, home)))
    return refused(location, "a link that leaves the model's folder");
  const int descriptor = open_below(inside ? folder : home, found);
  if (descriptor < 0) return system_failure(location, errno);
  auto source = adopt_file(descriptor);
  if (!source) return refused(location, "which " + source.error().message);
  return source;
}

}  // namespace ckpt::containers

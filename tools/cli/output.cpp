#include "output.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace ckpt::cli {
namespace {

Error system_error(const std::string& what) {
  const int number = errno;
  return {.code = Errc::io, .os_error = number, .message = what + ": " + std::generic_category().message(number)};
}

}  // namespace

Result<Output> Output::create(Context& context, const std::string& path, bool force) {
  Output output(context);
  if (path.empty()) return output;
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) {
    if (!S_ISREG(status.st_mode)) return Error{.code = Errc::usage, .message = "is not a regular file"};
    if (!force) return Error{.code = Errc::usage, .message = "exists already"};
  }
  // Beside the file that a link names, so that the link stays one.
  std::error_code ignored;
  const auto target = std::filesystem::weakly_canonical(path, ignored);
  output.path_ = ignored ? path : target.string();
  output.temporary_ = output.path_ + ".XXXXXX";
  const int descriptor = ::mkostemp(output.temporary_.data(), 02000000 /* O_CLOEXEC */);
  if (descriptor < 0) {
    output.temporary_.clear();
    return system_error("cannot make a file there");
  }
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(descriptor, 0666 & ~mask);
  output.file_ = ::fdopen(descriptor, "wb");
  return output;
}

Output::Output(Output&& other) noexcept
    : context_(other.context_),
      file_(std::exchange(other.file_, nullptr)),
      path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})) {}

Output::~Output() {
  if (file_ != nullptr) std::fclose(file_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Status Output::write(std::span<const std::byte> bytes) {
  if (file_ == nullptr) {
    context_->write_bytes(bytes.data(), bytes.size());
    return {};
  }
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) < bytes.size()) return system_error("cannot write");
  return {};
}

Status Output::finish() {
  if (file_ == nullptr) return {};
  if (std::fclose(std::exchange(file_, nullptr)) != 0) return system_error("cannot write");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return system_error("cannot put the file in place");
  temporary_.clear();
  return {};
}

}  // namespace ckpt::cli

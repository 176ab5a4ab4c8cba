#include "file_source.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "ckpt/source.h"
#include "ckpt/stream.h"

// The reading half of this library's file access; the writing half is output_file.cpp.
namespace ckpt {

Error system_error(const char* what, int number) {
  return {.code = Errc::io,
          .os_error = number,
          .message = std::string(what) + ": " + std::generic_category().message(number)};
}

const char* what_it_is(unsigned mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISLNK(mode)) return "a link";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return "not a regular file";
}

namespace {

class FileSource final : public Source {
 public:
  FileSource(int descriptor, const struct stat& status)
      : descriptor_(descriptor), size_(static_cast<std::uint64_t>(status.st_size)), modified_(status.st_mtim) {}
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;
  ~FileSource() override { ::close(descriptor_); }

  int descriptor() const noexcept { return descriptor_; }
  std::uint64_t size() const noexcept override { return size_; }

  Status read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (offset > size_ || out.size() > size_ - offset)
      return Error{.code = Errc::truncated, .offset = offset, .message = "a read past the end of the file"};
    while (!out.empty()) {
      const ssize_t got = read_some(offset, out.first(std::min(out.size(), kMaxRead)));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return system_error("cannot read", errno);
      if (got == 0) return changed(offset, "the file became shorter while it was read");
      out = out.subspan(static_cast<std::size_t>(got));
      offset += static_cast<std::uint64_t>(got);
    }
    return {};
  }

  Status verify_unchanged() const override {
    struct stat now;
    if (::fstat(descriptor_, &now) != 0) return system_error("cannot look at the file", errno);
    // Not the time of the last status change: a rename over the file, or a chmod, changes that one.
    if (static_cast<std::uint64_t>(now.st_size) != size_ || now.st_mtim.tv_sec != modified_.tv_sec ||
        now.st_mtim.tv_nsec != modified_.tv_nsec)
      return changed(Error::kNoOffset, "the file was rewritten while it was read");
    return {};
  }

 private:
  static constexpr std::size_t kMaxRead = std::size_t{1} << 30;  // Linux takes no more than 2 GiB at once

  // Some processors copy several times slower to a place that is, modulo 4 KiB, up to 31 bytes behind that of the
  // source: here the page cache, so the offset. (A large block from malloc is 16 bytes behind a page.) A detour through
  // memory that lies better costs a fraction of that.
  ssize_t read_some(std::uint64_t offset, std::span<std::byte> out) const {
    constexpr std::uintptr_t kPage = 4096;
    constexpr std::size_t kDetour = std::size_t{16} << 10;
    const std::uintptr_t behind = (reinterpret_cast<std::uintptr_t>(out.data()) - offset) % kPage;
    if (behind == 0 || behind > 31 || out.size() < kPage / 2)
      return ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
    alignas(kPage) std::array<std::byte, kDetour + kPage> memory;
    std::byte* const better = memory.data() + (offset + kPage / 2) % kPage;
    const ssize_t got = ::pread(descriptor_, better, std::min(out.size(), kDetour), static_cast<off_t>(offset));
    if (got > 0) std::memcpy(out.data(), better, static_cast<std::size_t>(got));
    return got;
  }

  static Error changed(std::uint64_t offset, const char* message) {
    return {.code = Errc::changed, .offset = offset, .message = message};
  }

  int descriptor_;
  std::uint64_t size_;
  timespec modified_;
};

class BytesSource final : public Source {
 public:
  explicit BytesSource(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::uint64_t size() const noexcept override { return bytes_.size(); }

  Status read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset)
      return Error{.code = Errc::truncated, .offset = offset, .message = "a read past the end of the bytes"};
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace

Result<SourcePtr> open_file(const std::filesystem::path& path) {
  // Without O_NONBLOCK a FIFO would make open() wait for a writer.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (descriptor < 0) return system_error("cannot open", errno);
  return adopt_file(descriptor);
}

Result<SourcePtr> adopt_file(int descriptor) {
  struct stat status;
  if (::fstat(descriptor, &status) != 0) {
    const int number = errno;
    ::close(descriptor);
    return system_error("cannot look at the file", number);
  }
  if (!S_ISREG(status.st_mode)) {
    ::close(descriptor);
    return Error{.code = Errc::unsupported,
                 .message = std::string("is ") + what_it_is(status.st_mode) + "; this needs a file"};
  }
  return SourcePtr(std::make_shared<FileSource>(descriptor, status));
}

int descriptor_of(const Source& source) noexcept {
  const auto* file = dynamic_cast<const FileSource*>(&source);
  return file != nullptr ? file->descriptor() : -1;
}

SourcePtr borrow_bytes(std::span<const std::byte> bytes) { return std::make_shared<BytesSource>(bytes); }

ReadFn read_descriptor(int descriptor) {
  return [descriptor](std::span<std::byte> out) -> Result<std::size_t> {
    while (true) {
      const ssize_t got = ::read(descriptor, out.data(), out.size());
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) return system_error("cannot read", errno);
    }
  };
}

void populate([[maybe_unused]] std::span<std::byte> memory) noexcept {
#ifdef MADV_POPULATE_WRITE
  static constexpr std::uintptr_t kPage = 4096;
  const auto begin = (reinterpret_cast<std::uintptr_t>(memory.data()) + kPage - 1) & ~(kPage - 1);
  const auto end = reinterpret_cast<std::uintptr_t>(memory.data() + memory.size()) & ~(kPage - 1);
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_WRITE);
#endif
}

}  // namespace ckpt

#include "ckpt/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "ckpt/text.h"
#include "file_source.h"

// The writing half of this library's file access; the reading half is file_source.cpp.
namespace ckpt {
namespace {

constexpr std::size_t kWriteBytes = std::size_t{256} << 10;      // larger writes are often slower
constexpr std::uint64_t kCopyStep = std::uint64_t{32} << 20;     // bytes a copy inside the kernel takes at once
constexpr std::uint64_t kSyncStep = std::uint64_t{32} << 20;     // so that the final fsync finds little left to do
constexpr std::uint64_t kAllocateFrom = std::uint64_t{1} << 20;  // below that it does not pay
constexpr std::uint64_t kAllocateStep = std::uint64_t{64} << 20;
constexpr std::uint64_t kShareUnit = 4096;  // no file system shares less
constexpr std::size_t kNameMax = 255;
constexpr int kMaxLinks = 40;  // as the kernel

/// A descriptor that closes itself.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }

  int get() const noexcept { return number_; }
  explicit operator bool() const noexcept { return number_ >= 0; }

  /// errno, or 0. Some file systems report only here that earlier writes failed.
  int close() noexcept { return ::close(std::exchange(number_, -1)) == 0 || errno == EINTR ? 0 : errno; }

 private:
  int number_ = -1;
};

/// Repeats a system call for as long as signals interrupt it.
template <class Call>
auto retried(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

/// Where a path leads when its links are followed, dangling ones too.
Result<std::filesystem::path> resolve_links(std::filesystem::path path) {
  for (int links = 0; links < kMaxLinks; ++links) {
    std::error_code error;
    const auto target = std::filesystem::read_symlink(path, error);
    if (error) return path;  // not a link: the usual case. Whatever else it is comes to light when it is used.
    path = path.parent_path() / target;
  }
  return system_error("cannot follow the link", ELOOP);
}

Result<Descriptor> open_directory(const std::filesystem::path& path) {
  const char* const name = path.empty() ? "." : path.c_str();
  Descriptor directory(retried([&] { return ::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (directory) return directory;
  if (errno == ENOENT) return Error{.code = Errc::io, .os_error = ENOENT, .message = "its directory does not exist"};
  return system_error("cannot open its directory", errno);
}

/// `.<target>.<random>.tmp`, the target's part shortened, at the start of a character, where the whole would be too
/// long.
Result<std::string> temporary_name(std::string_view target) {
  std::array<std::byte, 8> random;
  if (::getentropy(random.data(), random.size()) != 0) return system_error("cannot get random bytes", errno);
  const std::string suffix = "." + hexadecimal(random) + ".tmp";
  std::size_t keep = std::min(target.size(), kNameMax - 1 - suffix.size());
  while (keep > 0 && keep < target.size() && (static_cast<unsigned char>(target[keep]) & 0xC0) == 0x80) --keep;
  return "." + std::string(target.substr(0, keep)) + suffix;
}

Error exists() { return {.code = Errc::usage, .os_error = EEXIST, .message = "the file exists"}; }

}  // namespace

struct OutputFile::Impl {
  Options options = {};
  Descriptor directory = {};
  std::string target = {};     // names within the directory
  std::string temporary = {};  // empty when there is none (any more)
  Descriptor file = {};

  std::unique_ptr<std::byte[]> buffer = std::make_unique_for_overwrite<std::byte[]>(kWriteBytes);
  std::size_t buffered = 0;
  std::uint64_t written = 0;  // bytes given to the kernel; the buffer's come after them

  bool finished = false;

  bool preallocate = true;  // until the file system turns out not to know how
  std::uint64_t allocated = 0;
  std::uint64_t sync_begun = 0;

  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (!temporary.empty()) ::unlinkat(directory.get(), temporary.c_str(), 0);
  }

  Status look_at_target() const;
  Status create_temporary();
  Status write(std::uint64_t offset, std::span<const std::byte> bytes);
  Status write_on(std::span<const std::byte> bytes);
  Status flush();
  std::uint64_t copy_in_kernel(int from, std::uint64_t offset, std::uint64_t size);
  void allocate(std::uint64_t size);
  void begin_sync();
  Status move_into_place();
};

// What is there that cannot, or must not, be replaced.
Status OutputFile::Impl::look_at_target() const {
  struct stat status;
  if (::fstatat(directory.get(), target.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};
    return system_error("cannot look at the target", errno);
  }
  if (!S_ISREG(status.st_mode))
    return Error{.code = Errc::unsupported,
                 .message = std::string("is ") + what_it_is(status.st_mode) + ", not a file"};
  if (!options.overwrite) return exists();
  return {};
}

Status OutputFile::Impl::create_temporary() {
  constexpr int kAttempts = 8;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto name = temporary_name(target);
    if (!name) return name.error();
    file = Descriptor(retried([&] {
      return ::openat(directory.get(), name->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    }));
    if (file) {
      temporary = std::move(*name);
      return {};
    }
    if (errno != EEXIST) break;
  }
  return system_error("cannot create a file in its directory", errno);
}

Status OutputFile::Impl::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t done =
        retried([&] { return ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
    if (done < 0) return system_error("cannot write", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
  return {};
}

Status OutputFile::Impl::write_on(std::span<const std::byte> bytes) {
  allocate(written + bytes.size());
  if (auto status = write(written, bytes); !status) return status;
  written += bytes.size();
  begin_sync();
  return {};
}

Status OutputFile::Impl::flush() {
  const std::span bytes(buffer.get(), std::exchange(buffered, 0));
  return bytes.empty() ? Status() : write_on(bytes);
}

// Space in large pieces, ahead of the writes: it makes an fsync of many megabytes a good deal cheaper. Only a hint, so
// errors do not count: a disk too full for the whole step may have room for the file.
void OutputFile::Impl::allocate([[maybe_unused]] std::uint64_t size) {
#ifdef __linux__
  if (!options.durable || !preallocate || size <= std::max(allocated, kAllocateFrom)) return;
  preallocate =
      ::fallocate(file.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(written), static_cast<off_t>(kAllocateStep)) == 0;
  if (preallocate) allocated = written + kAllocateStep;
#endif
}

// Starts writing back what has been written, without waiting.
void OutputFile::Impl::begin_sync() {
#ifdef __linux__
  if (written > allocated || written - sync_begun < kSyncStep)
    return;  // without allocation it costs more than it saves
  ::sync_file_range(file.get(), static_cast<off_t>(sync_begun), static_cast<off_t>(written - sync_begun),
                    SYNC_FILE_RANGE_WRITE);
  sync_begun = written;
#endif
}

// Appends as much as the kernel copies by itself, and says how much that was.
std::uint64_t OutputFile::Impl::copy_in_kernel([[maybe_unused]] int from, [[maybe_unused]] std::uint64_t offset,
                                               [[maybe_unused]] std::uint64_t size) {
  std::uint64_t copied = 0;
#ifdef __linux__
  while (copied < size) {
    auto in = static_cast<off_t>(offset + copied);
    auto out = static_cast<off_t>(written);
    const auto step = static_cast<std::size_t>(std::min(size - copied, kCopyStep));
    const ssize_t done = retried([&] { return ::copy_file_range(from, &in, file.get(), &out, step, 0); });
    if (done <= 0) break;
    copied += static_cast<std::uint64_t>(done);
    written += static_cast<std::uint64_t>(done);
    begin_sync();
  }
#endif
  return copied;
}

// With overwrite = false whoever comes first wins: the kernel looks and moves in one step.
Status OutputFile::Impl::move_into_place() {
  const int at = directory.get();
  const char* const from = temporary.c_str();
  const char* const to = target.c_str();
  int failed = 0;
  if (options.overwrite) {
    failed = ::renameat(at, from, at, to);
  } else {
#ifdef RENAME_NOREPLACE
    failed = ::renameat2(at, from, at, to, RENAME_NOREPLACE);
    const bool unknown = failed != 0 && (errno == EINVAL || errno == ENOSYS);
#else
    const bool unknown = true;
#endif
    // A second name does not replace anything either.
    if (unknown) {
      failed = ::linkat(at, from, at, to, 0);
      if (failed == 0) ::unlinkat(at, from, 0);
    }
    if (failed != 0 && errno == EEXIST) return exists();
  }
  if (failed != 0) return system_error("cannot put the file into place", errno);
  temporary.clear();
  return {};
}

OutputFile::OutputFile(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
OutputFile::OutputFile(OutputFile&&) noexcept = default;
OutputFile& OutputFile::operator=(OutputFile&&) noexcept = default;
OutputFile::~OutputFile() = default;

Result<OutputFile> OutputFile::create(const std::filesystem::path& path, const Options& options) {
  auto resolved = options.follow_links ? resolve_links(path) : path;
  if (!resolved) return resolved.error();
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  impl->target = resolved->filename().empty() ? "." : resolved->filename().string();
  auto directory = open_directory(resolved->parent_path());
  if (!directory) return directory.error();
  impl->directory = std::move(*directory);
  if (auto status = impl->look_at_target(); !status) return status.error();
  if (auto status = impl->create_temporary(); !status) return status.error();
  return OutputFile(std::move(impl));
}

std::uint64_t OutputFile::size() const noexcept { return impl_->written + impl_->buffered; }

// Whole blocks at multiples of the block size in the file, straight from the caller's memory where they are whole
// there.
Status OutputFile::append(std::span<const std::byte> bytes) {
  Impl& impl = *impl_;
  while (!bytes.empty()) {
    const auto in_block = static_cast<std::size_t>(size() % kWriteBytes);
    const std::size_t take = std::min(bytes.size(), kWriteBytes - in_block);
    if (take == kWriteBytes) {
      if (auto status = impl.write_on(bytes.first(take)); !status) return status;
    } else {
      std::memcpy(impl.buffer.get() + impl.buffered, bytes.data(), take);
      impl.buffered += take;
      if (in_block + take == kWriteBytes)
        if (auto status = impl.flush(); !status) return status;
    }
    bytes = bytes.subspan(take);
  }
  return {};
}

Status OutputFile::overwrite(std::uint64_t offset, std::span<const std::byte> bytes) {
  Impl& impl = *impl_;
  if (offset < impl.written) {
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), impl.written - offset));
    if (auto status = impl.write(offset, bytes.first(take)); !status) return status;
    bytes = bytes.subspan(take);
    offset += take;
  }
  if (!bytes.empty()) std::memcpy(impl.buffer.get() + (offset - impl.written), bytes.data(), bytes.size());
  return {};
}

Status OutputFile::append_source(const Source& from, std::uint64_t offset, std::uint64_t size) {
  Impl& impl = *impl_;
  // The kernel can share blocks instead of copying, where they are blocks of both files. Otherwise it copies page by
  // page, which takes longer than reading and writing.
  const bool whole_blocks = offset % kShareUnit == 0 && this->size() % kShareUnit == 0;
  if (const int descriptor = descriptor_of(from); descriptor >= 0 && size >= kWriteBytes && whole_blocks) {
    if (auto status = impl.flush(); !status) return status;
    const std::uint64_t copied = impl.copy_in_kernel(descriptor, offset, size);
    offset += copied;
    size -= copied;
  }
  // The rest, or everything; if the kernel's copy failed, this finds out whether reading or writing is to blame.
  while (size > 0) {
    const auto in_block = static_cast<std::size_t>(this->size() % kWriteBytes);
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(size, kWriteBytes - in_block));
    if (auto status = from.read_at(offset, {impl.buffer.get() + impl.buffered, take}); !status) return status;
    impl.buffered += take;
    if (in_block + take == kWriteBytes)
      if (auto status = impl.flush(); !status) return status;
    offset += take;
    size -= take;
  }
  return {};
}

Status OutputFile::finish() {
  Impl& impl = *impl_;
  if (auto status = impl.flush(); !status) return status;
  // Gives back what was allocated too much.
  if (impl.allocated > impl.written &&
      retried([&] { return ::ftruncate(impl.file.get(), static_cast<off_t>(impl.written)); }) != 0)
    return system_error("cannot set the file's size", errno);
  if (retried([&] { return ::fchmod(impl.file.get(), static_cast<mode_t>(impl.options.permissions)); }) != 0)
    return system_error("cannot set the file's permissions", errno);
  if (impl.options.durable && retried([&] { return ::fsync(impl.file.get()); }) != 0)
    return system_error("cannot write", errno);
  if (const int number = impl.file.close(); number != 0) return system_error("cannot write", number);
  impl.finished = true;
  return {};
}

Status OutputFile::commit() {
  Impl& impl = *impl_;
  if (auto status = impl.finished ? Status() : finish(); !status) return status;
  if (auto status = impl.move_into_place(); !status) return status;
  // Some file systems cannot sync a directory (EINVAL), and need not.
  if (impl.options.durable && retried([&] { return ::fsync(impl.directory.get()); }) != 0 && errno != EINVAL)
    return system_error("the file is in place, but a power cut may undo that: cannot sync its directory", errno);
  return {};
}

bool replaces(const std::filesystem::path& path, const Source& source) noexcept {
  const int descriptor = descriptor_of(source);
  struct stat read;
  struct stat written;
  return descriptor >= 0 && ::fstat(descriptor, &read) == 0 && ::stat(path.c_str(), &written) == 0 &&
         read.st_dev == written.st_dev && read.st_ino == written.st_ino;
}

}  // namespace ckpt

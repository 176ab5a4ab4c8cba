#include "run_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>
#include <type_traits>
#include <utility>

#include "file_source.h"

namespace ckpt {
namespace {

using Time = std::chrono::system_clock::time_point;

constexpr std::string_view kHead = "ckpt-record 1\n";
constexpr std::size_t kMaxRecord = std::size_t{64} << 20;

Time time_of(const struct stat& status) {
  const auto since = std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
  return Time(std::chrono::duration_cast<Time::duration>(since));
}

template <class T>
std::optional<T> take_number(std::string_view& line) {
  T value{};
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (error != std::errc()) return std::nullopt;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  if (!line.empty() && line.front() == ' ') line.remove_prefix(1);
  return value;
}

template <class T>
std::string text_of(T value) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

template <class... Numbers>
std::string line_of(std::string_view verb, Numbers... numbers) {
  std::string line(verb);
  ((line += ' ', line += text_of(numbers)), ...);
  return line + '\n';
}

std::int64_t nanoseconds_of(Time time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

// The length at which the file may be appended to; -1 with errno set.
ssize_t read_whole(int descriptor, std::string& text) {
  std::array<char, 1 << 16> piece;
  while (text.size() <= kMaxRecord) {
    const ssize_t got = ::pread(descriptor, piece.data(), piece.size(), static_cast<off_t>(text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) return static_cast<ssize_t>(text.size());
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  errno = EFBIG;
  return -1;
}

// Where a file system knows no locks, nothing keeps two runs apart but their prefixes.
bool knows_no_locks(int error) { return error == ENOSYS || error == EOPNOTSUPP || error == ENOLCK || error == EINVAL; }

}  // namespace

Result<std::vector<DirectoryEntry>> list_files(const std::filesystem::path& directory) {
  const auto failed = [](const std::error_code& error) { return system_error("cannot list it", error.value()); };
  std::vector<DirectoryEntry> entries;
  std::error_code error;
  std::filesystem::directory_iterator at(directory, error);
  for (const std::filesystem::directory_iterator end; !error && at != end; at.increment(error)) {
    auto entry = look_at(at->path());
    if (!entry) return std::move(entry).error();
    if (*entry) entries.push_back(std::move(**entry));
  }
  if (error) return failed(error);
  return entries;
}

Result<std::optional<DirectoryEntry>> look_at(const std::filesystem::path& path) {
  struct stat status;
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::optional<DirectoryEntry>();
    return system_error("cannot look at a checkpoint", errno);
  }
  if (!S_ISREG(status.st_mode)) return std::optional<DirectoryEntry>();
  return std::optional(
      DirectoryEntry{path.filename().string(), static_cast<std::uint64_t>(status.st_size), time_of(status)});
}

bool is_taken(const std::filesystem::path& path) noexcept {
  struct stat status;
  return ::lstat(path.c_str(), &status) == 0;
}

Status remove_name(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  return system_error("cannot delete it", errno);
}

Status make_directory(const std::filesystem::path& directory) {
  if (directory.empty()) return Error{.code = Errc::usage, .message = "the name of the directory is empty"};
  struct stat status;
  if (::stat(directory.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return {};
    return Error{.code = Errc::io, .os_error = ENOTDIR, .message = "is no directory"};
  }
  if (directory.has_parent_path() && directory.parent_path() != directory)
    if (auto made = make_directory(directory.parent_path()); !made) return made;
  if (::mkdir(directory.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return system_error("cannot make the directory", errno);
}

std::string RunRecord::file_name(std::string_view prefix) { return std::string(prefix) + "-record.txt"; }

RunRecord::RunRecord(RunRecord&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      files_(std::move(other.files_)) {}

RunRecord& RunRecord::operator=(RunRecord&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(files_, other.files_);
  return *this;
}

RunRecord::~RunRecord() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::optional<RunRecord>> RunRecord::open(const std::filesystem::path& directory, std::string_view prefix,
                                                 bool create) {
  const std::filesystem::path path = directory / file_name(prefix);
  const int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0);
  const int descriptor = ::open(path.c_str(), flags, 0600);
  if (descriptor < 0 && errno == ENOENT && !create) return std::optional<RunRecord>();
  if (descriptor < 0) return system_error("cannot open the run's record", errno);
  RunRecord record(path, descriptor);
  if (auto status = record.lock(); !status) return status.error();
  if (auto status = record.load(); !status) return status.error();
  return std::optional(std::move(record));
}

Result<std::optional<RunRecord>> RunRecord::read(const std::filesystem::path& directory, std::string_view prefix) {
  const std::filesystem::path path = directory / file_name(prefix);
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0 && errno == ENOENT) return std::optional<RunRecord>();
  if (descriptor < 0) return system_error("cannot open the run's record", errno);
  RunRecord record(path, descriptor);
  if (auto status = record.load(); !status) return status.error();
  return std::optional(std::move(record));
}

Status RunRecord::lock() {
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || knows_no_locks(errno)) return {};
  if (errno != EWOULDBLOCK) return system_error("cannot lock the run's record", errno);
  return Error{.code = Errc::locked, .message = "another program saves under this prefix in this directory"};
}

Status RunRecord::load() {
  std::string text;
  if (read_whole(descriptor_, text) < 0) return system_error("cannot read the run's record", errno);
  if (text.empty()) return {};
  if (!text.starts_with(kHead) && !kHead.starts_with(text))
    return Error{.code = Errc::unsupported, .message = "the run's record is not one this version understands"};
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (end == rest.npos) break;  // the disk was full
    take(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return {};
}

CheckpointFile* RunRecord::find(std::uint64_t epoch, std::uint64_t step) noexcept {
  for (auto file = files_.rbegin(); file != files_.rend(); ++file)
    if (file->epoch == epoch && file->step == step) return &*file;
  return nullptr;
}

// What a line says, of those that were read and those that are written alike.
void RunRecord::take(std::string_view line) {
  const std::string_view verb = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(line.size(), verb.size() + 1));
  const auto epoch = take_number<std::uint64_t>(line);
  const auto step = take_number<std::uint64_t>(line);
  if (!epoch || !step) return;
  CheckpointFile* const known = find(*epoch, *step);
  if (verb == "begin") {
    const auto total = take_number<std::uint64_t>(line);
    if (!total || !line.empty()) return;
    CheckpointFile file{.epoch = *epoch, .step = *step, .total_steps = *total, .pinned = known && known->pinned};
    if (known != nullptr) files_.erase(files_.begin() + (known - files_.data()));
    files_.push_back(std::move(file));
  } else if (known == nullptr) {
    return;
  } else if (verb == "done") {
    const auto nanoseconds = take_number<std::int64_t>(line);
    if (nanoseconds && line.empty())
      known->time = Time(std::chrono::duration_cast<Time::duration>(std::chrono::nanoseconds(*nanoseconds)));
  } else if (verb == "metric") {
    const auto value = take_number<double>(line);
    if (value && line.empty()) known->metric = value;
  } else if (verb == "pin" && line.empty()) {
    known->pinned = true;
  } else if (verb == "drop" && line.empty()) {
    files_.erase(files_.begin() + (known - files_.data()));
  }
}

// It was deleted, perhaps with its directory: what it said is written anew. Whoever has made one in the meantime has
// taken the run over.
Status RunRecord::restore() {
  const int descriptor = ::open(path_.c_str(), O_RDWR | O_APPEND | O_CLOEXEC | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (descriptor < 0 && errno == EEXIST)
    return Error{.code = Errc::locked, .message = "the run's record was replaced by another one"};
  if (descriptor < 0 && errno == ENOENT)
    return Error{.code = Errc::io, .os_error = ENOENT, .message = "its directory does not exist"};
  if (descriptor < 0) return system_error("cannot write the run's record anew", errno);
  RunRecord made(path_, descriptor);
  if (auto status = made.lock(); !status) return status;
  std::string text(kHead);
  for (const CheckpointFile& file : files_) {
    text += line_of("begin", file.epoch, file.step, *file.total_steps);
    if (file.time != Time()) text += line_of("done", file.epoch, file.step, nanoseconds_of(file.time));
    if (file.metric) text += line_of("metric", file.epoch, file.step, *file.metric);
    if (file.pinned) text += line_of("pin", file.epoch, file.step);
  }
  if (auto status = made.write(text); !status) {
    (void)remove_name(path_);
    return status;
  }
  std::swap(descriptor_, made.descriptor_);
  return {};
}

Status RunRecord::add(const std::string& line) {
  struct stat status;
  if (::fstat(descriptor_, &status) != 0) return system_error("cannot look at the run's record", errno);
  if (status.st_nlink == 0) {
    if (auto restored = restore(); !restored) return restored;
    if (::fstat(descriptor_, &status) != 0) return system_error("cannot look at the run's record", errno);
  }
  std::string text;
  if (status.st_size == 0) {
    text = kHead;
  } else {
    char last = '\n';
    if (::pread(descriptor_, &last, 1, status.st_size - 1) == 1 && last != '\n') text = "?\n";  // half a line is none
  }
  if (auto written = write(text + line); !written) return written;
  take(std::string_view(line).substr(0, line.size() - 1));
  return {};
}

Status RunRecord::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::write(descriptor_, text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return system_error("cannot write the run's record", errno);
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  return {};
}

Status RunRecord::begin(std::uint64_t epoch, std::uint64_t step, std::uint64_t total_steps) {
  return add(line_of("begin", epoch, step, total_steps));
}
Status RunRecord::done(std::uint64_t epoch, std::uint64_t step, std::chrono::system_clock::time_point time) {
  return add(line_of("done", epoch, step, nanoseconds_of(time)));
}
Status RunRecord::metric(std::uint64_t epoch, std::uint64_t step, double value) {
  return add(line_of("metric", epoch, step, value));
}
Status RunRecord::pin(std::uint64_t epoch, std::uint64_t step) { return add(line_of("pin", epoch, step)); }
Status RunRecord::drop(std::uint64_t epoch, std::uint64_t step) { return add(line_of("drop", epoch, step)); }

Status RunRecord::clear() {
  files_.clear();
  while (::ftruncate(descriptor_, 0) != 0)
    if (errno != EINTR) return system_error("cannot clear the run's record", errno);
  return {};
}

Status RunRecord::sync() {
  while (::fsync(descriptor_) != 0)
    if (errno != EINTR) return system_error("cannot write the run's record", errno);
  return {};
}

}  // namespace ckpt

#include "run_record.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <new>
#include <system_error>
#include <utility>

#include "file_source.h"
#include "run_directory.h"

namespace ckpt {
namespace {

using Time = std::chrono::system_clock::time_point;

constexpr std::string_view kHead = "ckpt-record 1\n";
constexpr std::size_t kMaxRecord = std::size_t{64} << 20;

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

std::string metric_line(std::uint64_t epoch, std::uint64_t step, double value, std::optional<MetricMode> mode) {
  std::string line = line_of("metric", epoch, step, value);
  if (mode) line.insert(line.size() - 1, *mode == MetricMode::max ? " max" : " min");
  return line;
}

std::int64_t nanoseconds_of(Time time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

Result<std::string> read_whole(int descriptor) {
  std::string text;
  std::array<char, 1 << 16> piece;
  while (text.size() <= kMaxRecord) {
    const ssize_t got = ::pread(descriptor, piece.data(), piece.size(), static_cast<off_t>(text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("cannot read the run's record", errno);
    if (got == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  return system_error("cannot read the run's record", EFBIG);
}

Status sync_descriptor(int descriptor) {
  while (::fsync(descriptor) != 0)
    if (errno != EINTR) return system_error("cannot write the run's record", errno);
  return {};
}

// Where a file system knows no locks, nothing keeps two runs apart but their prefixes.
bool knows_no_locks(int error) { return error == ENOSYS || error == EOPNOTSUPP || error == ENOLCK || error == EINVAL; }

}  // namespace

std::string RunRecord::file_name(std::string_view prefix) { return std::string(prefix) + std::string(kEnd); }

RunRecord::RunRecord(RunRecord&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      is_locked_(other.is_locked_),
      files_(std::move(other.files_)),
      places_(std::move(other.places_)),
      mode_(other.mode_),
      lines_(other.lines_),
      is_behind_(other.is_behind_) {}

RunRecord& RunRecord::operator=(RunRecord&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(is_locked_, other.is_locked_);
  std::swap(files_, other.files_);
  std::swap(places_, other.places_);
  std::swap(mode_, other.mode_);
  std::swap(lines_, other.lines_);
  std::swap(is_behind_, other.is_behind_);
  return *this;
}

// Of a run that has not begun nothing is left.
RunRecord::~RunRecord() {
  if (descriptor_ < 0) return;
  struct stat status;
  if (is_locked_ && ::fstat(descriptor_, &status) == 0 && status.st_nlink != 0 && status.st_size == 0)
    ::unlink(path_.c_str());
  ::close(descriptor_);
}

Result<std::optional<RunRecord>> RunRecord::open(const std::filesystem::path& directory, std::string_view prefix,
                                                 bool create) {
  const std::filesystem::path path = directory / file_name(prefix);
  const int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0);
  constexpr int kAttempts = 100;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const int descriptor = ::open(path.c_str(), flags, 0600);
    if (descriptor < 0 && errno == ENOENT && !create) return std::optional<RunRecord>();
    if (descriptor < 0) return system_error("cannot open the run's record", errno);
    RunRecord record(path, descriptor);
    if (auto status = record.lock(); !status) return status.error();
    const auto is_there = record.is_there();
    if (!is_there) return is_there.error();
    if (!*is_there) continue;  // written anew, and the lock let go, between the two
    if (auto status = record.load(); !status) return status.error();
    record.compact();
    return std::optional(std::move(record));
  }
  return Error{.code = Errc::locked, .message = "the run's record is replaced all the time"};
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
  is_locked_ = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || knows_no_locks(errno);
  if (is_locked_) return {};
  if (errno != EWOULDBLOCK) return system_error("cannot lock the run's record", errno);
  return Error{.code = Errc::locked, .message = "another program saves under this prefix in this directory"};
}

// Whether it still has its name.
Result<bool> RunRecord::is_there() const {
  struct stat status;
  if (::fstat(descriptor_, &status) != 0) return system_error("cannot look at the run's record", errno);
  return status.st_nlink != 0;
}

Status RunRecord::load() {
  const auto text = read_whole(descriptor_);
  if (!text) return text.error();
  if (text->empty()) return {};
  if (!text->starts_with(kHead) && !kHead.starts_with(*text))
    return Error{.code = Errc::unsupported, .message = "the run's record is not one this version understands"};
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (end == rest.npos) break;  // the disk was full
    take(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return {};
}

CheckpointFile* RunRecord::find(std::uint64_t epoch, std::uint64_t step) noexcept {
  const auto place = places_.find({epoch, step});
  return place == places_.end() ? nullptr : &*place->second;
}

std::optional<MetricMode> RunRecord::metric_mode() const noexcept {
  const bool any =
      std::any_of(files_.begin(), files_.end(), [](const CheckpointFile& f) { return f.metric.has_value(); });
  return any ? mode_ : std::nullopt;
}

void RunRecord::forget(std::uint64_t epoch, std::uint64_t step) {
  const auto place = places_.find({epoch, step});
  if (place == places_.end()) return;
  files_.erase(place->second);
  places_.erase(place);
}

// What a line says, of those that were read and those that are written alike.
void RunRecord::take(std::string_view line) {
  ++lines_;
  const std::string_view verb = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(line.size(), verb.size() + 1));
  const auto epoch = take_number<std::uint64_t>(line);
  const auto step = take_number<std::uint64_t>(line);
  if (!epoch || !step) return;
  CheckpointFile* const known = find(*epoch, *step);
  if (verb == "begin") {
    const auto total = take_number<std::uint64_t>(line);
    if (!total || !line.empty()) return;
    std::list<CheckpointFile> file;
    file.push_back({.epoch = *epoch, .step = *step, .total_steps = *total, .pinned = known && known->pinned});
    const auto place = places_.try_emplace({*epoch, *step}, files_.end()).first;
    if (place->second != files_.end()) files_.erase(place->second);
    place->second = file.begin();
    files_.splice(files_.end(), file);
  } else if (known == nullptr) {
    return;
  } else if (verb == "done") {
    const auto nanoseconds = take_number<std::int64_t>(line);
    if (nanoseconds && line.empty()) {
      const std::chrono::nanoseconds since(*nanoseconds);
      known->time = time_from(std::chrono::duration_cast<std::chrono::seconds>(since), since % std::chrono::seconds(1));
    }
  } else if (verb == "metric") {
    const auto value = take_number<double>(line);
    if (!value || (!line.empty() && line != "max" && line != "min")) return;
    known->metric = value;
    if (!line.empty()) mode_ = line == "max" ? MetricMode::max : MetricMode::min;
  } else if (verb == "pin" && line.empty()) {
    known->pinned = true;
  } else if (verb == "drop" && line.empty()) {
    forget(*epoch, *step);
  }
}

// What is known, with none of the lines that no longer matter.
std::string RunRecord::text() const {
  std::string text(kHead);
  for (const CheckpointFile& file : files_) {
    text += line_of("begin", file.epoch, file.step, *file.total_steps);
    if (file.time != Time()) text += line_of("done", file.epoch, file.step, nanoseconds_of(file.time));
    if (file.metric) text += metric_line(file.epoch, file.step, *file.metric, mode_);
    if (file.pinned) text += line_of("pin", file.epoch, file.step);
  }
  return text;
}

// A record that says what is known, under this name, locked. The caller gives it its place and its descriptor to us.
Result<RunRecord> RunRecord::make(const std::filesystem::path& path) const {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (descriptor < 0 && errno == EEXIST)
    return Error{.code = Errc::locked, .message = "the run's record was replaced by another one"};
  if (descriptor < 0 && errno == ENOENT)
    return Error{.code = Errc::io, .os_error = ENOENT, .message = "its directory does not exist"};
  if (descriptor < 0) return system_error("cannot write the run's record anew", errno);
  RunRecord made(path, descriptor);
  Status status = made.lock();
  if (status) status = made.write(text());
  if (status) return made;
  (void)remove_name(path);
  return std::move(status).error();
}

// Puts it in the place of the file, safe against a power cut; the lock is had all the time.
Status RunRecord::rewrite() {
  const std::filesystem::path aside =
      path_.parent_path() / ("." + path_.filename().string() + ".0000000000000000.tmp");  // whoever locks writes it
  if (auto status = remove_name(aside); !status) return status;
  auto made = make(aside);
  if (!made) return std::move(made).error();
  Status status = made->sync();
  if (status && ::rename(aside.c_str(), path_.c_str()) != 0)
    status = system_error("cannot write the run's record anew", errno);
  if (!status) {
    (void)remove_name(aside);
    return status;
  }
  std::swap(descriptor_, made->descriptor_);
  lines_ = 0;
  is_behind_ = false;
  const int directory = ::open(path_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return system_error("cannot open the directory of the run's record", errno);
  status = sync_descriptor(directory);
  ::close(directory);
  return status;
}

// A long run has many files, and keeps few. Where it cannot be done now it is done later.
void RunRecord::compact() noexcept {
  constexpr std::size_t kLines = 10'000;  // are read in no time
  constexpr std::size_t kOfAFile = 4;
  if (lines_ < kLines || lines_ / 2 < kOfAFile * files_.size()) return;
  try {
    if (!rewrite()) lines_ = 0;
  } catch (const std::bad_alloc&) {
    lines_ = 0;
  }
}

RunRecord::Memory RunRecord::remember(std::uint64_t epoch, std::uint64_t step) const {
  Memory memory{.key = {epoch, step}};
  const auto place = places_.find(memory.key);
  if (place == places_.end()) return memory;
  memory.file.push_back(*place->second);
  if (const auto next = std::next(place->second); next != files_.end()) memory.next = {next->epoch, next->step};
  return memory;
}

void RunRecord::take_back(Memory memory) noexcept {
  const auto place = places_.find(memory.key);
  if (place == places_.end()) return;
  try {
    if (memory.file.empty()) return (void)drop(memory.key.first, memory.key.second);
    files_.erase(place->second);
    place->second = memory.file.begin();
    const auto next = memory.next ? places_.find(*memory.next) : places_.end();
    files_.splice(next == places_.end() ? files_.end() : next->second, memory.file);
    is_behind_ = true;
    (void)catch_up();
  } catch (const std::bad_alloc&) {  // a name without a file is passed over; what is behind is written later
  }
}

// One that was deleted, perhaps with its directory, is written anew. Whoever has made one in the meantime has taken the
// run over.
Status RunRecord::catch_up() {
  const auto there = is_there();
  if (!there) return there.error();
  if (*there) return is_behind_ ? rewrite() : Status();
  auto made = make(path_);
  if (!made) return std::move(made).error();
  std::swap(descriptor_, made->descriptor_);
  lines_ = 0;
  is_behind_ = false;
  return {};
}

Status RunRecord::add(const std::string& line) {
  if (auto status = catch_up(); !status) return status;
  struct stat status;
  if (::fstat(descriptor_, &status) != 0) return system_error("cannot look at the run's record", errno);
  std::string text;
  if (status.st_size == 0) {
    text = kHead;
  } else {
    char last = '\n';
    if (::pread(descriptor_, &last, 1, status.st_size - 1) == 1 && last != '\n') text = "?\n";  // half a line is none
  }
  if (auto written = write(text + line); !written) return written;
  is_behind_ = true;  // or rather ahead, should there be no memory for what it says
  take(std::string_view(line).substr(0, line.size() - 1));
  is_behind_ = false;
  compact();
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
Status RunRecord::metric(std::uint64_t epoch, std::uint64_t step, double value, MetricMode mode) {
  return add(metric_line(epoch, step, value, mode));
}
Status RunRecord::pin(std::uint64_t epoch, std::uint64_t step) { return add(line_of("pin", epoch, step)); }
Status RunRecord::drop(std::uint64_t epoch, std::uint64_t step) { return add(line_of("drop", epoch, step)); }

Status RunRecord::clear() {
  files_.clear();
  places_.clear();
  lines_ = 0;
  while (::ftruncate(descriptor_, 0) != 0)
    if (errno != EINTR) return system_error("cannot clear the run's record", errno);
  return {};
}

Status RunRecord::sync() { return sync_descriptor(descriptor_); }

}  // namespace ckpt

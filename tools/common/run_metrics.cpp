#include "run_metrics.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <utility>

#include "usage.h"
#include "words.h"

namespace ckpt::tools {
namespace {

constexpr std::size_t kMostRows = 32768;
constexpr std::size_t kMostColumns = 64;
constexpr std::size_t kMostLine = std::size_t{64} << 10;
constexpr std::size_t kTail = 256;  // bytes of a line that tell whether a file is still the same

constexpr const char* kNoMetrics = "is no metrics file: its first line has no step";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// With "nan", "inf", "Infinity" and the like.
std::optional<double> number_of(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> count_of(double number) {
  constexpr double kMost = 9007199254740992;  // 2^53
  if (!(number >= 0) || number > kMost || number != std::floor(number)) return std::nullopt;
  return static_cast<std::uint64_t>(number);
}

// The cells of a line, without the quotes around them.
void split(std::string_view line, std::vector<std::string_view>& cells) {
  cells.clear();
  for (bool last = false; !last;) {
    std::size_t end = 0;
    for (bool quoted = false; end < line.size() && (quoted || line[end] != ','); ++end) quoted ^= line[end] == '"';
    std::string_view cell = trimmed(line.substr(0, end));
    if (cell.size() > 1 && cell.starts_with('"') && cell.ends_with('"')) cell = cell.substr(1, cell.size() - 2);
    cells.push_back(cell);
    last = end == line.size();
    line.remove_prefix(last ? end : end + 1);
  }
}

// A JSON object, as far as metrics need it: NaN and Infinity are numbers, as Python writes them; what is nested is
// passed over.
class JsonLine {
 public:
  explicit JsonLine(std::string_view text) : rest_(text) {}

  /// Calls with each key and its number. False where it is no object.
  template <class Call>
  bool read(const Call& call) {
    if (!eat('{')) return false;
    if (eat('}')) return at_end();
    do {
      const auto key = string();
      if (!key || !eat(':')) return false;
      std::optional<double> number;
      if (!value(number)) return false;
      if (number) call(*key, *number);
    } while (eat(','));
    return eat('}') && at_end();
  }

 private:
  void skip_space() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
  }
  bool at_end() {
    skip_space();
    return rest_.empty();
  }
  bool eat(char wanted) {
    skip_space();
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // As it is there, escapes and all.
  std::optional<std::string_view> string() {
    if (!eat('"')) return std::nullopt;
    std::size_t end = 0;
    while (end < rest_.size() && rest_[end] != '"') end += rest_[end] == '\\' ? 2 : 1;
    if (end >= rest_.size()) return std::nullopt;
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }
  bool nested() {
    std::size_t depth = 0;
    do {
      skip_space();
      if (rest_.empty()) return false;
      if (rest_.front() == '"') {
        if (!string()) return false;
        continue;
      }
      if (rest_.front() == '{' || rest_.front() == '[') ++depth;
      if (rest_.front() == '}' || rest_.front() == ']') --depth;
      rest_.remove_prefix(1);
    } while (depth > 0);
    return true;
  }
  bool value(std::optional<double>& number) {
    skip_space();
    if (rest_.starts_with('{') || rest_.starts_with('[')) return nested();
    if (rest_.starts_with('"')) {
      const auto text = string();
      if (!text) return false;
      number = number_of(*text);
      if (number && std::isfinite(*number)) number.reset();  // text that happens to be digits
      return true;
    }
    const std::string_view word = rest_.substr(0, rest_.find_first_of(",} \t"));
    rest_.remove_prefix(word.size());
    if (word == "null" || word == "true" || word == "false") return true;
    number = number_of(word);
    return number.has_value();
  }

  std::string_view rest_;
};

// What the later one does not have stays.
void merge(MetricsRow& row, MetricsRow later) {
  later.values.resize(std::max(row.values.size(), later.values.size()));
  for (std::size_t i = 0; i < row.values.size(); ++i)
    if (!later.values[i]) later.values[i] = row.values[i];
  row = std::move(later);
}

Error io_error(const char* what, int error) {
  return {.code = Errc::io, .os_error = error, .message = std::string(what) + ": " + std::strerror(error)};
}

}  // namespace

const MetricsRow* RunMetrics::at(std::uint64_t step) const {
  const auto behind = std::ranges::upper_bound(rows, step, {}, &MetricsRow::step);
  return behind == rows.begin() ? nullptr : &*std::prev(behind);
}

// Whether it is the file that was read so far, with more behind that.
bool MetricsReader::is_the_same(const std::filesystem::path& path) {
  struct stat now {};
  if (::stat(path.c_str(), &now) != 0) return false;
  const bool same = static_cast<std::uint64_t>(now.st_dev) == device_ &&
                    static_cast<std::uint64_t>(now.st_ino) == inode_ &&
                    static_cast<std::uint64_t>(now.st_size) >= offset_;
  device_ = static_cast<std::uint64_t>(now.st_dev);
  inode_ = static_cast<std::uint64_t>(now.st_ino);
  if (!same) return false;
  std::ifstream in(path, std::ios::binary);
  std::string tail(tail_.size(), '\0');
  in.seekg(static_cast<std::streamoff>(offset_ - tail_.size()));
  in.read(tail.data(), static_cast<std::streamsize>(tail.size()));
  return in && tail == tail_;
}

Status MetricsReader::read(const std::filesystem::path& path, const Progress& progress) {
  std::error_code failed;
  // A pipe would be waited for, and cannot be gone on with.
  if (!std::filesystem::is_regular_file(path, failed))
    return failed ? io_error("cannot be read", failed.value()) : usage("is no regular file");
  if (!is_the_same(path)) {
    MetricsReader anew;
    anew.device_ = device_;
    anew.inode_ = inode_;
    *this = std::move(anew);
  }
  const std::uint64_t size = std::filesystem::file_size(path, failed);
  std::ifstream in(path, std::ios::binary);
  if (!in || failed) return io_error("cannot be read", failed ? failed.value() : errno);
  in.seekg(static_cast<std::streamoff>(offset_));

  std::vector<char> block(std::size_t{256} << 10);
  std::string line;           // as far as it came with blocks before
  std::uint64_t waiting = 0;  // bytes of that, of which no more are kept than a line may have
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())), in.gcount() > 0) {
    std::string_view rest(block.data(), static_cast<std::size_t>(in.gcount()));
    for (std::size_t end; (end = rest.find('\n')) != rest.npos; rest.remove_prefix(end + 1)) {
      std::string_view whole = rest.substr(0, end);
      if (waiting > 0) whole = line += whole.substr(0, kMostLine + 1);
      if (auto status = take(whole, waiting + end > kMostLine); !status) return status;
      offset_ += waiting + end + 1;
      tail_ = whole.substr(whole.size() - std::min(kTail, whole.size()));
      tail_ += '\n';
      if (waiting + end > kMostLine) tail_.clear();
      line.clear();
      waiting = 0;
    }
    waiting += rest.size();
    if (waiting <= kMostLine) line += rest;
    if (waiting > kMostLine && kind_ == Kind::unknown) return usage(kNoMetrics);
    if (progress && !progress(offset_ + waiting, std::max(size, offset_ + waiting)))
      return Error{.code = Errc::cancelled};
  }
  if (in.bad()) return io_error("cannot be read", errno);
  metrics_.half_line = waiting > 0;
  return {};
}

Status MetricsReader::take(std::string_view line, bool too_long) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  ++metrics_.lines;
  if (kind_ == Kind::unknown) {
    if (too_long || !begin(line)) return usage(kNoMetrics);
    if (kind_ == Kind::csv) return {};
  }
  if (line.empty()) return {};
  Row row;
  row.values.reserve(metrics_.columns.size());
  std::string wrong;
  if (too_long)
    wrong = "is longer than 64 KiB";
  else
    wrong = kind_ == Kind::csv ? take_csv(line, row) : take_json(line, row);
  if (wrong.empty()) wrong = add(std::move(row));
  if (wrong.empty()) return {};
  if (metrics_.damaged++ == 0) {
    metrics_.first_damaged = metrics_.lines;
    metrics_.why = std::move(wrong);
  }
  return {};
}

// What the first line makes of it.
bool MetricsReader::begin(std::string_view line) {
  if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  if (line.starts_with('{')) {
    bool step = false;
    kind_ = Kind::json;
    JsonLine(line).read([&](std::string_view key, double) { step |= key == "step"; });
    return step;
  }
  kind_ = Kind::csv;
  std::vector<std::string_view> names;
  split(line, names);
  head_.assign(names.begin(), names.end());
  return std::ranges::find(head_, "step") != head_.end();
}

bool MetricsReader::begins_so(const std::filesystem::path& path) {
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) return false;
  std::string line(kMostLine, '\0');
  std::ifstream in(path, std::ios::binary);
  in.read(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(static_cast<std::size_t>(in.gcount()));
  const std::size_t end = line.find('\n');
  if (end == line.npos) return false;
  line.resize(end);
  if (line.ends_with('\r')) line.pop_back();
  return MetricsReader().begin(line);
}

// False: the row is damaged.
bool MetricsReader::set(std::string_view column, double value, Row& row) {
  if (column == "step" || column == "epoch") {
    const auto count = count_of(value);
    if (!count) return false;
    if (column == "step") row.step = *count;
    if (column == "epoch") row.epoch = *count;
    return true;
  }
  auto& columns = metrics_.columns;
  const auto found = std::ranges::find(columns, column);
  const auto at = static_cast<std::size_t>(found - columns.begin());
  if (at >= kMostColumns) return true;
  if (found == columns.end()) columns.emplace_back(column);
  if (row.values.size() <= at) row.values.resize(at + 1);
  row.values[at] = value;
  return true;
}

std::string MetricsReader::take_csv(std::string_view line, Row& row) {
  auto& cells = cells_;
  split(line, cells);
  if (cells.size() != head_.size())
    return "has " + counted(cells.size(), "cell") + ", the first line " + std::to_string(head_.size());
  bool step = false;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (cells[i].empty()) continue;
    const auto number = number_of(cells[i]);
    // What never was a number is text.
    const bool counts = head_[i] == "step" || head_[i] == "epoch";
    if (!number && (counts || std::ranges::find(metrics_.columns, head_[i]) != metrics_.columns.end()))
      return "has something that is no number";
    if (number && !set(head_[i], *number, row)) return "has no whole number as its step or epoch";
    step |= head_[i] == "step";
  }
  return step ? "" : "has no step";
}

std::string MetricsReader::take_json(std::string_view line, Row& row) {
  bool step = false;
  bool whole = true;
  const bool object = JsonLine(line).read([&](std::string_view key, double value) {
    step |= key == "step";
    whole = set(key, value, row) && whole;
  });
  if (!object) return "is no JSON object";
  if (!whole) return "has no whole number as its step or epoch";
  return step ? "" : "has no step";
}

// Empty, or what is wrong with it.
std::string MetricsReader::add(Row row) {
  const bool first = metrics_.rows.empty();
  if (!first && row.step <= before_.step)
    return "is of step " + std::to_string(row.step) + ", behind step " + std::to_string(before_.step);
  // The last line of an epoch says how long epochs are.
  if (!first && row.epoch && before_.epoch && *before_.epoch > 0 && *row.epoch == *before_.epoch + 1) {
    const std::uint64_t steps = before_.step / *before_.epoch;
    epochs_differ_ |= before_.step % *before_.epoch != 0 || metrics_.steps_per_epoch.value_or(steps) != steps;
    metrics_.steps_per_epoch = epochs_differ_ || steps == 0 ? std::nullopt : std::optional(steps);
  }
  before_ = {.step = row.step, .epoch = row.epoch};
  if (!first && in_last_row_ < metrics_.lines_a_row) {
    merge(metrics_.rows.back(), std::move(row));
    ++in_last_row_;
    return {};
  }
  if (metrics_.rows.size() == kMostRows) halve();
  metrics_.rows.push_back(std::move(row));
  in_last_row_ = 1;
  return {};
}

void MetricsReader::halve() {
  auto& rows = metrics_.rows;
  for (std::size_t i = 0; i < rows.size() / 2; ++i) {
    merge(rows[2 * i], std::move(rows[2 * i + 1]));
    if (i > 0) rows[i] = std::move(rows[2 * i]);
  }
  rows.resize(rows.size() / 2);
  metrics_.lines_a_row *= 2;
}

FoundMetrics find_metrics(const std::filesystem::path& folder, std::string_view prefix,
                          std::span<const std::string> prefixes) {
  const auto owner_of = [&](const std::string& stem) {
    std::optional<std::string_view> owner;
    for (const std::string& one : prefixes) {
      const bool named =
          stem.starts_with(one) && (stem.size() == one.size() || std::string_view("-_.").find(stem[one.size()]) < 3);
      if (named && (!owner || one.size() > owner->size())) owner = one;
    }
    return owner;
  };
  std::vector<std::filesystem::path> named;
  std::vector<std::filesystem::path> nameless;
  std::error_code failed;
  for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    const std::filesystem::path& path = at->path();
    if (path.extension() != ".csv" && path.extension() != ".jsonl") continue;
    const auto owner = owner_of(path.stem().string());
    if (owner && *owner != prefix) continue;
    (owner ? named : nameless).push_back(path);
  }
  constexpr std::size_t kMany = 100;  // of these none is meant
  if (named.size() > kMany || nameless.size() > kMany) return {};
  const auto is_other = [](const std::filesystem::path& path) { return !MetricsReader::begins_so(path); };
  std::erase_if(named, is_other);
  if (named.empty()) {
    std::erase_if(nameless, is_other);
    if (nameless.size() == 1 && prefixes.size() == 1) return {.path = nameless[0]};
  }
  if (named.size() == 1) return {.path = named[0]};
  return {.several = named.size() > 1 || !nameless.empty()};
}

std::optional<std::uint64_t> step_in(const Checkpoint& file) {
  for (const std::string_view name : {"step_num", "global_step"}) {
    const TensorInfo* entry = file.find(name);
    if (entry == nullptr || entry->kind != Kind::tensor) continue;
    std::int64_t step = -1;
    if (entry->dtype == DType::int64 && entry->byte_size == sizeof step) {
      if (!file.read(*entry, 0, std::as_writable_bytes(std::span(&step, 1)))) continue;
    } else if (entry->dtype == DType::int32 && entry->byte_size == sizeof(std::int32_t)) {
      std::int32_t small = -1;
      if (!file.read(*entry, 0, std::as_writable_bytes(std::span(&small, 1)))) continue;
      step = small;
    }
    if (step >= 0) return static_cast<std::uint64_t>(step);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> step_by_name(std::uint64_t epoch, std::uint64_t step_in_epoch, const RunMetrics& metrics) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 31;
  const auto steps = metrics.steps_per_epoch;
  if (!steps || *steps > kMost || epoch == 0 || epoch > kMost || step_in_epoch > *steps) return std::nullopt;
  return (epoch - 1) * *steps + step_in_epoch;
}

}  // namespace ckpt::tools

#include "metrics_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

#include "usage.h"

namespace ckpt::train {
namespace {

using tools::usage;

constexpr std::string_view kHead =
    "step,epoch,loss,accuracy,lr,images_per_second,validation_loss,validation_accuracy\n";
constexpr std::string_view kJsonStart = "{\"step\":";
// How lines end that have no validation.
constexpr std::string_view kCsvEnd = ",,\n";
constexpr std::string_view kJsonEnd = ",\"validation_loss\":null,\"validation_accuracy\":null}\n";

Error io_error(const char* what) {
  return {.code = Errc::io, .os_error = errno, .message = std::string(what) + ": " + std::strerror(errno)};
}

// What is not finite is text, as in the documents of --json.
std::string json_number(double x) {
  if (std::isfinite(x)) return fmt::format("{}", x);
  return std::isnan(x) ? "\"NaN\"" : x > 0 ? "\"Infinity\"" : "\"-Infinity\"";
}

std::string csv_line(const Metrics& m) {
  return fmt::format("{},{},{},{},{},{:.1f}{}", m.step, m.epoch, m.loss, m.accuracy, m.learning_rate,
                     m.images_per_second, kCsvEnd);
}

std::string json_line(const Metrics& m) {
  return fmt::format("{}{},\"epoch\":{},\"loss\":{},\"accuracy\":{},\"lr\":{},\"images_per_second\":{:.1f}{}",
                     kJsonStart, m.step, m.epoch, json_number(m.loss), json_number(m.accuracy), m.learning_rate,
                     m.images_per_second, kJsonEnd);
}

std::string validated_end(bool csv, double loss, double accuracy) {
  if (csv) return fmt::format(",{},{}\n", loss, accuracy);
  return fmt::format(",\"validation_loss\":{},\"validation_accuracy\":{}}}\n", json_number(loss),
                     json_number(accuracy));
}

// The step of a line that is whole.
std::optional<std::uint64_t> step_of(std::string_view line, bool csv) {
  if (!csv) {
    if (!line.starts_with(kJsonStart)) return std::nullopt;
    line.remove_prefix(kJsonStart.size());
  }
  std::uint64_t step = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), step);
  if (error != std::errc() || end == line.data() + line.size() || *end != ',') return std::nullopt;
  return step;
}

// What of a file is to stay: whole lines up to a step.
struct Kept {
  std::uint64_t bytes = 0;
  std::string last = {};  // the last one, if it is not the head
};

Result<Kept> kept_lines(const std::filesystem::path& path, bool csv, std::uint64_t behind) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return io_error("cannot be read");
  std::string line;
  Kept kept;
  for (bool first = true; std::getline(in, line) && !in.eof(); first = false) {
    line += '\n';
    if (first && csv) {
      if (line != kHead) return usage("is there already, and is no metrics file");
    } else {
      const auto step = step_of(line, csv);
      if (!step) return usage("is there already, and is no metrics file");
      if (*step > behind) break;
      kept.last = line;
    }
    kept.bytes += line.size();
  }
  return kept;
}

Result<Kept> kept_of(const std::filesystem::path& path, std::optional<std::uint64_t> behind) {
  const bool csv = path.extension() == ".csv";
  if (!csv && path.extension() != ".jsonl") return usage("a metrics file ends in .csv or .jsonl");
  std::error_code none;
  if (!std::filesystem::exists(path, none)) return Kept();
  if (!behind) return usage("is there already");
  return kept_lines(path, csv, *behind);
}

}  // namespace

Status MetricsFile::check(const std::filesystem::path& path, std::optional<std::uint64_t> behind) {
  if (auto kept = kept_of(path, behind); !kept) return kept.error();
  return {};
}

Result<MetricsFile> MetricsFile::open(const std::filesystem::path& path, std::optional<std::uint64_t> behind) {
  auto kept = kept_of(path, behind);
  if (!kept) return std::move(kept).error();
  const bool csv = path.extension() == ".csv";
  std::error_code none;
  // The folder of the checkpoints is not there before the run is, and is where these lines are at home.
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), none);
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) return io_error("cannot be written");
  MetricsFile file(descriptor, csv);
  if (::ftruncate(descriptor, static_cast<off_t>(kept->bytes)) != 0) return io_error("cannot be cut");
  file.last_at_ = kept->bytes - kept->last.size();
  file.last_ = std::move(kept->last);
  if (csv && kept->bytes == 0)
    if (auto status = file.append(std::string(kHead)); !status) return status.error();
  return file;
}

MetricsFile::MetricsFile(MetricsFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      csv_(other.csv_),
      last_at_(other.last_at_),
      last_(std::move(other.last_)) {}

MetricsFile& MetricsFile::operator=(MetricsFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  csv_ = other.csv_;
  last_at_ = other.last_at_;
  last_ = std::move(other.last_);
  return *this;
}

MetricsFile::~MetricsFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Status MetricsFile::write_last() {
  for (std::size_t done = 0; done < last_.size();) {
    const auto count =
        ::pwrite(descriptor_, last_.data() + done, last_.size() - done, static_cast<off_t>(last_at_ + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error("cannot be written");
    done += static_cast<std::size_t>(count);
  }
  return {};
}

Status MetricsFile::append(std::string text) {
  last_at_ += last_.size();
  last_ = std::move(text);
  return write_last();
}

Status MetricsFile::add(const Metrics& line) { return append(csv_ ? csv_line(line) : json_line(line)); }

Status MetricsFile::add_validation(std::uint64_t step, double loss, double accuracy) {
  const std::string_view without = csv_ ? kCsvEnd : kJsonEnd;
  if (step_of(last_, csv_) != step || !last_.ends_with(without)) return {};
  last_.replace(last_.size() - without.size(), without.size(), validated_end(csv_, loss, accuracy));
  if (auto status = write_last(); !status) return status;
  // Two numbers can be shorter than two times null.
  return ::ftruncate(descriptor_, static_cast<off_t>(last_at_ + last_.size())) == 0 ? Status()
                                                                                    : io_error("cannot be cut");
}

}  // namespace ckpt::train

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

Error io_error(const char* what) {
  return {.code = Errc::io, .os_error = errno, .message = std::string(what) + ": " + std::strerror(errno)};
}

// What is not finite is text, as in the documents of --json.
std::string json_number(double x) {
  if (std::isfinite(x)) return fmt::format("{}", x);
  return std::isnan(x) ? "\"NaN\"" : x > 0 ? "\"Infinity\"" : "\"-Infinity\"";
}

std::string csv_line(const Metrics& m) {
  const auto or_nothing = [](const std::optional<double>& x) { return x ? fmt::format("{}", *x) : std::string(); };
  return fmt::format("{},{},{},{},{},{:.1f},{},{}\n", m.step, m.epoch, m.loss, m.accuracy, m.learning_rate,
                     m.images_per_second, or_nothing(m.validation_loss), or_nothing(m.validation_accuracy));
}

std::string json_line(const Metrics& m) {
  const auto or_null = [](const std::optional<double>& x) { return x ? json_number(*x) : std::string("null"); };
  return fmt::format(
      "{}{},\"epoch\":{},\"loss\":{},\"accuracy\":{},\"lr\":{},\"images_per_second\":{:.1f},\"validation_loss\":{},"
      "\"validation_accuracy\":{}}}\n",
      kJsonStart, m.step, m.epoch, json_number(m.loss), json_number(m.accuracy), m.learning_rate, m.images_per_second,
      or_null(m.validation_loss), or_null(m.validation_accuracy));
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

// How much of the file is to stay: whole lines up to a step.
Result<std::uint64_t> kept_bytes(const std::filesystem::path& path, bool csv, std::uint64_t behind) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return io_error("cannot be read");
  std::string line;
  std::uint64_t kept = 0;
  for (bool first = true; std::getline(in, line) && !in.eof(); first = false) {
    if (first && csv) {
      if (line + '\n' != kHead) return usage("is there already, and is no metrics file");
    } else {
      const auto step = step_of(line, csv);
      if (!step) return usage("is there already, and is no metrics file");
      if (*step > behind) break;
    }
    kept += line.size() + 1;
  }
  return kept;
}

// How much of what is there stays.
Result<std::uint64_t> kept_of(const std::filesystem::path& path, std::optional<std::uint64_t> behind) {
  const bool csv = path.extension() == ".csv";
  if (!csv && path.extension() != ".jsonl") return usage("a metrics file ends in .csv or .jsonl");
  std::error_code none;
  if (!std::filesystem::exists(path, none)) return std::uint64_t{0};
  if (!behind) return usage("is there already");
  return kept_bytes(path, csv, *behind);
}

}  // namespace

Status MetricsFile::check(const std::filesystem::path& path, std::optional<std::uint64_t> behind) {
  if (auto kept = kept_of(path, behind); !kept) return kept.error();
  return {};
}

Result<MetricsFile> MetricsFile::open(const std::filesystem::path& path, std::optional<std::uint64_t> behind) {
  const auto kept = kept_of(path, behind);
  if (!kept) return kept.error();
  const bool csv = path.extension() == ".csv";
  std::error_code none;
  // The folder of the checkpoints is not there before the run is, and is where these lines are at home.
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), none);
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor < 0) return io_error("cannot be written");
  MetricsFile file(descriptor, csv);
  if (::ftruncate(descriptor, static_cast<off_t>(*kept)) != 0) return io_error("cannot be cut");
  if (csv && *kept == 0)
    if (auto status = file.write(std::string(kHead)); !status) return status.error();
  return file;
}

MetricsFile::MetricsFile(MetricsFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), csv_(other.csv_) {}

MetricsFile& MetricsFile::operator=(MetricsFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  csv_ = other.csv_;
  return *this;
}

MetricsFile::~MetricsFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Status MetricsFile::write(const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const auto count = ::write(descriptor_, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error("cannot be written");
    done += static_cast<std::size_t>(count);
  }
  return {};
}

Status MetricsFile::add(const Metrics& line) { return write(csv_ ? csv_line(line) : json_line(line)); }

}  // namespace ckpt::train

#include "metrics_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include "json.h"
#include "usage.h"

namespace ckpt::train {
namespace {

using tools::usage;

constexpr std::string_view kHead = "step,epoch,loss,accuracy,lr,images_per_second,validation_loss,validation_accuracy";

Error io_error(const char* what) {
  return {.code = Errc::io, .os_error = errno, .message = std::string(what) + ": " + std::strerror(errno)};
}

constexpr std::string_view kJsonStart = R"({"schema":"ckpt.metrics/1","step":)";
constexpr std::string_view kNoValidation = ",,\n";  // how lines of CSV end

std::string csv_line(const Metrics& m) {
  return fmt::format("{},{},{},{},{},{:.1f}{}", m.step, m.epoch, m.loss, m.accuracy, m.learning_rate,
                     m.images_per_second, kNoValidation);
}

// As many digits as the Float32 has: 0.01, not 0.009999999776.
double shortest(float number) { return std::stod(fmt::format("{}", number)); }

std::string json_line(const Metrics& m) {
  cli::Json json;
  json["schema"] = "ckpt.metrics/1";
  json["step"] = m.step;
  json["epoch"] = m.epoch;
  json["loss"] = cli::number(m.loss);
  json["accuracy"] = cli::number(m.accuracy);
  json["lr"] = cli::number(shortest(m.learning_rate));
  json["images_per_second"] = std::round(m.images_per_second * 10) / 10;
  json["validation_loss"] = nullptr;
  json["validation_accuracy"] = nullptr;
  return cli::line_of(json);
}

std::optional<std::uint64_t> csv_step(std::string_view line) {
  std::uint64_t step = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), step);
  if (error != std::errc() || end == line.data() + line.size() || *end != ',') return std::nullopt;
  return step;
}

std::optional<std::uint64_t> json_step(std::string_view line) {
  const cli::Json json = cli::Json::parse(line, nullptr, false);
  const auto step = json.find("step");
  if (!json.is_object() || step == json.end() || !step->is_number_unsigned()) return std::nullopt;
  return step->get<std::uint64_t>();
}

Error there_already() { return usage("is there already"); }

/// Whether one of them begins with the other.
bool is_begun(std::string_view text, std::string_view with) { return text.starts_with(with) || with.starts_with(text); }

}  // namespace

MetricsFile::MetricsFile(std::filesystem::path path) : path_(std::move(path)), csv_(path_.extension() == ".csv") {}

Result<MetricsFile> MetricsFile::open(const std::filesystem::path& path, std::optional<std::uint64_t> after) {
  MetricsFile file(path);
  if (!file.csv_ && path.extension() != ".jsonl") return usage("a metrics file ends in .csv or .jsonl");
  std::error_code none;
  if (!std::filesystem::exists(path, none)) return file;
  if (!after && !std::filesystem::is_empty(path, none)) return there_already();
  file.descriptor_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file.descriptor_ < 0) return io_error("cannot be written");
  if (auto status = file.keep_until(after.value_or(0)); !status) return status.error();
  return file;
}

// Whole lines up to a step.
Status MetricsFile::keep_until(std::uint64_t after) {
  std::ifstream in(path_, std::ios::binary);
  if (!in) return io_error("cannot be read");
  const Error other = usage("is there already, and is no metrics file");
  std::string buffer(std::size_t{64} << 10, '\0');
  while (in.getline(buffer.data(), static_cast<std::streamsize>(buffer.size())) && !in.eof()) {
    const std::string_view line(buffer.data(), static_cast<std::size_t>(in.gcount()) - 1);
    if (csv_ && last_.empty()) {
      if (line != kHead) return other;
    } else {
      const auto step = csv_ ? csv_step(line) : json_step(line);
      if (!step) return other;
      if (*step > after) return {};
    }
    last_at_ += last_.size();
    last_.assign(line).push_back('\n');
  }
  if (!in.eof()) return other;    // none of ours is as long as the buffer
  if (!last_.empty()) return {};  // half a line goes
  const std::string_view rest(buffer.data(), static_cast<std::size_t>(in.gcount()));
  return is_begun(rest, csv_ ? kHead : kJsonStart) ? Status() : other;
}

Status MetricsFile::begin(bool continues) {
  std::error_code none;
  if (descriptor_ >= 0 && !continues && !std::filesystem::is_empty(path_, none)) return there_already();
  const bool is_new = descriptor_ < 0;
  if (is_new) {
    // The folder of the checkpoints is not there before the run is, and is where these lines are at home.
    if (path_.has_parent_path()) std::filesystem::create_directories(path_.parent_path(), none);
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0) return io_error("cannot be written");
  }
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return usage("another run writes to it");
  Status status = cut();
  if (status && csv_ && last_.empty()) status = append(std::string(kHead) + '\n');
  if (!status && is_new) std::filesystem::remove(path_, none);
  return status;
}

MetricsFile::MetricsFile(MetricsFile&& other) noexcept
    : path_(std::move(other.path_)),
      csv_(other.csv_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      last_at_(other.last_at_),
      last_(std::move(other.last_)) {}

MetricsFile& MetricsFile::operator=(MetricsFile&& other) noexcept {
  path_ = std::move(other.path_);
  csv_ = other.csv_;
  std::swap(descriptor_, other.descriptor_);
  last_at_ = other.last_at_;
  last_ = std::move(other.last_);
  return *this;
}

MetricsFile::~MetricsFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

// Behind it is nothing.
Status MetricsFile::cut() {
  const bool done = ::ftruncate(descriptor_, static_cast<off_t>(last_at_ + last_.size())) == 0;
  return done ? Status() : io_error("cannot be cut");
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
  if (csv_) {
    if (csv_step(last_) != step || !last_.ends_with(kNoValidation)) return {};
    last_.replace(last_.size() - kNoValidation.size(), kNoValidation.size(), fmt::format(",{},{}\n", loss, accuracy));
  } else {
    if (json_step(last_) != step) return {};
    cli::Json line = cli::Json::parse(last_);
    if (!line["validation_loss"].is_null()) return {};
    line["validation_loss"] = cli::number(loss);
    line["validation_accuracy"] = cli::number(accuracy);
    last_ = cli::line_of(line);
  }
  if (auto status = write_last(); !status) return status;
  return cut();  // two numbers can be shorter than two times null
}

}  // namespace ckpt::train

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "ckpt/error.h"

namespace ckpt::train {

/// A line of a metrics file. Loss and accuracy are means over the steps since the line before.
struct Metrics {
  std::uint64_t step = 0;  ///< since training began
  std::uint64_t epoch = 0;
  double loss = 0;
  double accuracy = 0;
  float learning_rate = 0;  ///< as it was applied: a file has no other
  double images_per_second = 0;
};

/// How a training goes, a line at a time, as CSV or as JSON lines (ckpt.metrics/1). A line is in the file when add()
/// returns, and what a validation says of it comes later: after a kill meanwhile only that is missing. All lines but
/// the last are whole.
class MetricsFile {
 public:
  /// Looks at what is there; nothing is made yet, and nothing cut. What the name ends in decides, `.csv` or `.jsonl`:
  /// Errc::usage for others. Lines of a file that is there will stay up to the step `after`, from where training
  /// continues. Errc::usage for a file that has lines although nothing is resumed, or that is no such file. Errors: io.
  static Result<MetricsFile> open(const std::filesystem::path& path, std::optional<std::uint64_t> after = {});
  /// Cuts it, or makes it, and its folder too. Before add(). Errors: io; Errc::usage for a file that is there although
  /// the run that it is of is not the one that `continues`, and for one that another run writes to.
  Status begin(bool continues);
  MetricsFile(MetricsFile&& other) noexcept;
  MetricsFile& operator=(MetricsFile&& other) noexcept;
  ~MetricsFile();

  Status add(const Metrics& line);
  /// Into the last line, if it is of that step and has no validation; otherwise nothing happens.
  Status add_validation(std::uint64_t step, double loss, double accuracy);

 private:
  explicit MetricsFile(std::filesystem::path path);
  Status keep_until(std::uint64_t after);
  Status append(std::string text);
  Status write_last();
  Status cut();

  std::filesystem::path path_;
  bool csv_;
  int descriptor_ = -1;        // none: there is no file yet
  std::uint64_t last_at_ = 0;  // where the last line is,
  std::string last_ = {};      // and the line
};

}  // namespace ckpt::train

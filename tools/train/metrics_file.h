#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "ckpt/error.h"

namespace ckpt::train {

/// A line of a metrics file. Loss and accuracy are means over the steps since the line before; those of the validation
/// are there at the ends of epochs, where there was one.
struct Metrics {
  std::uint64_t step = 0;  ///< since training began
  std::uint64_t epoch = 0;
  double loss = 0;
  double accuracy = 0;
  float learning_rate = 0;  ///< as it was applied: a file has no other
  double images_per_second = 0;
  std::optional<double> validation_loss = {};
  std::optional<double> validation_accuracy = {};
};

/// How a training goes, a line at a time, as CSV or as JSON lines. A line is in the file when add() returns; after a
/// kill all but the last one is whole.
class MetricsFile {
 public:
  /// What the name ends in decides, `.csv` or `.jsonl`: Errc::usage for others. Lines of a file that is there stay up
  /// to the step `behind`, where training goes on. Errc::usage for a file that is there although nothing is gone on
  /// with, or that is no such file. The folder is made if it is not there. Errors: io.
  static Result<MetricsFile> open(const std::filesystem::path& path, std::optional<std::uint64_t> behind = {});
  /// Whether open() would: nothing is made, and nothing cut.
  static Status check(const std::filesystem::path& path, std::optional<std::uint64_t> behind = {});
  MetricsFile(MetricsFile&& other) noexcept;
  MetricsFile& operator=(MetricsFile&& other) noexcept;
  ~MetricsFile();

  Status add(const Metrics& line);

 private:
  MetricsFile(int descriptor, bool csv) : descriptor_(descriptor), csv_(csv) {}
  Status write(const std::string& text);

  int descriptor_ = -1;
  bool csv_ = true;
};

}  // namespace ckpt::train

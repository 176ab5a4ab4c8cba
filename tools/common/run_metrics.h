#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/error.h"
#include "ckpt/progress.h"

// What was measured in a training, as `ckpt-train --metrics` writes it: CSV or JSON lines, a line every so many steps.
namespace ckpt::tools {

/// A line of a metrics file.
struct MetricsRow {
  std::uint64_t step = 0;  ///< since training began
  std::optional<std::uint64_t> epoch = {};
  std::vector<std::optional<double>> values = {};  ///< by column; shorter where the last ones have none

  std::optional<double> value(std::size_t column) const {
    return column < values.size() ? values[column] : std::nullopt;
  }
};

struct RunMetrics {
  std::vector<std::string> columns = {};  ///< what has numbers, but for step and epoch
  std::vector<MetricsRow> rows = {};      ///< their steps rise
  std::uint64_t lines = 0;
  std::uint64_t lines_a_row = 1;    ///< more where there are more lines than rows are kept: then the last one counts
  std::uint64_t damaged = 0;        ///< lines that are left out
  std::uint64_t first_damaged = 0;  ///< the first of them, counted from 1,
  std::string why = {};             ///< and what is wrong with it
  bool half_line = false;           ///< the last one has no end: it is being written, or was cut off
  std::optional<std::uint64_t> steps_per_epoch = {};  ///< where the lines tell

  /// The last line up to a step; null where there is none.
  const MetricsRow* at(std::uint64_t step) const;
};

/// Reads a metrics file and goes on with it as it grows. The first line says what it is: the names of a CSV file, or a
/// JSON object. `step` is needed, all other columns are taken as they are. A line that is damaged is left out and
/// counted. Memory is bounded whatever the file is: 32,768 rows, 64 columns, 64 KiB a line.
class MetricsReader {
 public:
  /// What is new; all of it where the file is another one, or was cut. Errors: io; usage for what is no metrics file.
  Status read(const std::filesystem::path& path, const Progress& progress = {});
  const RunMetrics& metrics() const noexcept { return metrics_; }
  /// Whether a file's first line is one of a metrics file.
  static bool begins_so(const std::filesystem::path& path);

 private:
  using Row = MetricsRow;
  bool is_the_same(const std::filesystem::path& path);
  bool begin(std::string_view line);
  Status take(std::string_view line, bool too_long);
  std::string take_csv(std::string_view line, Row& row);
  std::string take_json(std::string_view line, Row& row);
  bool set(std::string_view column, double value, Row& row);
  std::string add(Row row);
  void halve();

  enum class Kind : std::uint8_t { unknown, csv, json };
  Kind kind_ = Kind::unknown;
  std::vector<std::string> head_ = {};        // of CSV
  std::vector<std::string_view> cells_ = {};  // of the line that is read
  RunMetrics metrics_ = {};
  std::uint64_t in_last_row_ = 0;  // lines
  Row before_ = {};                // the line before, as far as steps go
  bool epochs_differ_ = false;

  std::uint64_t device_ = 0, inode_ = 0;
  std::uint64_t offset_ = 0;  // of what comes next
  std::string tail_ = {};     // what is in front of that
};

/// The metrics file beside the checkpoints of a run, of those `.csv` and `.jsonl` files that begin as one: that which
/// is called after the run's prefix, `lenet.csv` or `lenet-metrics.jsonl`; or the only one, where the folder has one
/// run.
struct FoundMetrics {
  std::filesystem::path path = {};  ///< empty: there is none, or
  bool several = false;             ///< it is not clear which
};
FoundMetrics find_metrics(const std::filesystem::path& folder, std::string_view prefix,
                          std::span<const std::string> prefixes);

/// The step of training that a checkpoint says it was saved behind: by what is appended, or by an optimizer's count.
std::optional<std::uint64_t> step_in(const Checkpoint& file);
/// By its name, where the metrics tell how long an epoch is.
std::optional<std::uint64_t> step_by_name(std::uint64_t epoch, std::uint64_t step_in_epoch, const RunMetrics& metrics);

}  // namespace ckpt::tools

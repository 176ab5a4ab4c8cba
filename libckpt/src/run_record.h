#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ckpt/error.h"
#include "ckpt/retention.h"

namespace ckpt {

/// What a run knows of the files it has saved, line by line in `prefix-record.txt`; and, while it is open, the lock of
/// that prefix.
///
/// Lines that make no sense are passed over: a power cut may leave some. What is there was written before any file was
/// deleted because of it. One that is deleted while it is open is written again; one of many lines that no longer
/// matter is written anew without them; one that says nothing goes with its lock.
class RunRecord {
 public:
  using FileKey = std::pair<std::uint64_t, std::uint64_t>;  // epoch and step

  static constexpr std::string_view kEnd = "-record.txt";
  static std::string file_name(std::string_view prefix);

  /// Errc::locked if another one has it open. Without `create` a record that is not there is an empty optional.
  static Result<std::optional<RunRecord>> open(const std::filesystem::path& directory, std::string_view prefix,
                                               bool create);
  /// The same without the lock, to look.
  static Result<std::optional<RunRecord>> read(const std::filesystem::path& directory, std::string_view prefix);

  RunRecord(RunRecord&& other) noexcept;
  RunRecord& operator=(RunRecord&& other) noexcept;
  ~RunRecord();

  /// What it says of files that it has not dropped, in the order of saving. Name and size are not filled in; a `time`
  /// of zero is one that the save did not live to see.
  const std::list<CheckpointFile>& files() const noexcept { return files_; }
  CheckpointFile* find(std::uint64_t epoch, std::uint64_t step) noexcept;
  /// Which of the metrics is the best: those of the two modes are not to be compared. Empty where there is none, or an
  /// older version wrote it.
  std::optional<MetricMode> metric_mode() const noexcept;

  /// A save begins: the name is ours from now on.
  Status begin(std::uint64_t epoch, std::uint64_t step, std::uint64_t total_steps);
  Status done(std::uint64_t epoch, std::uint64_t step, std::chrono::system_clock::time_point time);
  Status metric(std::uint64_t epoch, std::uint64_t step, double value, MetricMode mode);
  Status pin(std::uint64_t epoch, std::uint64_t step);
  Status drop(std::uint64_t epoch, std::uint64_t step);
  Status clear();
  /// What is known of a file and where in the order it stands, to be given back after a begin() that came to nothing.
  struct Memory {
    FileKey key = {};
    std::list<CheckpointFile> file = {};  // one, or none
    std::optional<FileKey> next = {};
  };
  Memory remember(std::uint64_t epoch, std::uint64_t step) const;
  /// Needs no memory. Where it cannot be written now, say on a full disk, it is with the next line.
  void take_back(Memory memory) noexcept;
  /// So that a power cut leaves it all there.
  Status sync();

 private:
  RunRecord(std::filesystem::path path, int descriptor) noexcept : path_(std::move(path)), descriptor_(descriptor) {}

  Status lock();
  Result<bool> is_there() const;
  Status load();
  std::string text() const;
  Result<RunRecord> make(const std::filesystem::path& path) const;
  Status rewrite();
  void compact() noexcept;
  Status catch_up();
  Status add(const std::string& line);
  Status write(std::string_view text);
  void take(std::string_view line);
  void forget(std::uint64_t epoch, std::uint64_t step);

  std::filesystem::path path_ = {};
  int descriptor_ = -1;
  bool is_locked_ = false;
  std::list<CheckpointFile> files_ = {};
  std::map<FileKey, std::list<CheckpointFile>::iterator> places_ = {};
  std::optional<MetricMode> mode_ = {};  // of the metrics, as was said last
  std::size_t lines_ = 0;                // read or added since it was written anew
  bool is_behind_ = false;               // the file, of what is known
};

}  // namespace ckpt

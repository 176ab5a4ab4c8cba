#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace ckpt::cli {

/// One overprinted line: how much is done, rate and time left. Silent during the first second; erased at the end.
class ProgressLine {
 public:
  enum class Unit : std::uint8_t { bytes, items };

  /// Does nothing without a file.
  ProgressLine(std::FILE* out, std::string label, Unit unit = Unit::bytes);
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine();

  void update(std::uint64_t done, std::uint64_t total);

 private:
  using Clock = std::chrono::steady_clock;

  std::FILE* out_;
  std::string label_;
  Unit unit_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point shown_ = {};
  bool visible_ = false;
};

}  // namespace ckpt::cli

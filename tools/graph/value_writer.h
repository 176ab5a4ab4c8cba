#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "ckpt/error.h"
#include "ckpt/output_file.h"
#include "ckpt/progress.h"
#include "ckpt/source.h"
#include "graph.h"

namespace ckpt::graph {

/// An error of a value or a node, by its name.
inline Error about(std::string name, Errc code, std::string message) {
  return {.code = code, .tensor = std::move(name), .message = std::move(message)};
}

Status append_text(OutputFile& file, const std::string& text);

/// Appends values of tensors to files. Those that have to be made are in memory, one tensor at a time; others come in
/// blocks, or are copied by the kernel.
class ValueWriter {
 public:
  /// `total`: bytes of all that will be appended, for the progress.
  ValueWriter(std::uint64_t total, const Progress& progress) : total_(total), progress_(progress) {}

  Status append(OutputFile& file, const Contents& contents);
  /// Float32 as Float16; Errc::mismatch for a number that Float16 does not have.
  Status append_half(OutputFile& file, const Contents& contents);
  /// Errc::changed if a file was rewritten while its bytes were copied.
  Status finish() const;

 private:
  template <class TakeBytes, class TakeRange>
  Status visit(const Contents& contents, TakeBytes take_bytes, TakeRange take_range);
  Status advance(std::uint64_t bytes);

  std::uint64_t done_ = 0;
  std::uint64_t total_;
  const Progress& progress_;
  std::set<const Source*> sources_ = {};
};

}  // namespace ckpt::graph

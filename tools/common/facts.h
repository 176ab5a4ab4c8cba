#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/diff.h"
#include "ckpt/group.h"
#include "ckpt/tensor.h"

namespace ckpt::tools {

/// What a dialect's traces say about the MindSpore that wrote it: "2.3 or later", "" if nothing does.
std::string likely_writer(const Dialect& dialect);
/// That as the row of a table; empty if nothing tells.
std::string dialect_text(const Dialect& dialect);

/// A name as the user should see it: escaped, and "" where it is empty.
std::string name_text(std::string_view name);
/// A type's normalised name, or what the file says where that is no type known here.
std::string_view dtype_text(const TensorInfo& tensor) noexcept;
/// The same as the user should see it: escaped, "map" for a map, "-" where there is none.
std::string type_text(const TensorInfo& tensor);
/// Dims; what kind it is where there are none to speak of.
std::string shape_of(const TensorInfo& tensor);

/// A str entry as text; empty for one that is not well-formed. Errors are those of reading it.
Result<std::optional<std::string>> string_of(const Checkpoint& file, const TensorInfo& tensor);

/// Where an element stands, from its index in C order.
std::vector<std::int64_t> place_of(std::uint64_t index, std::span<const std::int64_t> dims);
/// "[0, 3, 2]"; "" in a scalar.
std::string index_text(std::uint64_t index, std::span<const std::int64_t> dims);

/// Float16 to Float64, BFloat16, Float8; not the complex types.
bool is_float(DType dtype) noexcept;

/// Int8 to UInt64; not Bool.
bool is_integer(DType dtype) noexcept;

/// One number for sorting: the relative update, and infinity for what has no such number (added, removed, other sizes,
/// a NaN or infinity that comes or goes).
double size_of_change(const TensorDiff& diff);
/// Whether a change has distances to be shown. Else all that changed was, or became, NaN or infinite.
inline bool has_numbers(const Metrics& metrics) noexcept { return metrics.worst_index != Metrics::kNone; }

/// "changed", "within tolerance", "dtype changed".
std::string words_of(Change change);

struct Sum {
  std::uint64_t entries = 0;
  std::uint64_t elements = 0;
  std::uint64_t bytes = 0;

  void add(const TensorInfo& tensor);
};

struct Totals {
  Sum all = {};
  std::array<Sum, 3> groups = {};                       ///< by Group
  std::vector<std::pair<std::string, Sum>> types = {};  ///< most bytes first
};

Totals totals_of(std::span<const TensorInfo> tensors, std::span<const Group> groups);

}  // namespace ckpt::tools

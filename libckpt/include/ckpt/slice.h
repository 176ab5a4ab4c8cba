#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/error.h"
#include "ckpt/tensor.h"

namespace ckpt {

/// What one axis of a slice picks: `count` indices from `start`, `step` apart. An index (`3`) drops the axis.
struct AxisSlice {
  std::int64_t start = 0;
  std::int64_t count = 0;
  std::int64_t step = 1;  ///< negative for a reversed slice
  bool index = false;
};

/// A NumPy basic slice resolved against dims: one AxisSlice a dim.
struct Slice {
  std::vector<AxisSlice> axes = {};

  std::vector<std::int64_t> dims() const;  ///< of the result: dropped axes are gone
  std::uint64_t element_count() const noexcept;
};

/// `0,:,3`, `...,-1`, `::2`: NumPy's basic slicing, without the brackets; "" is everything. Indices out of range are
/// Errc::usage, slice bounds are clipped, as NumPy does.
Result<Slice> parse_slice(std::string_view text, std::span<const std::int64_t> dims);

/// Everything.
Slice whole(std::span<const std::int64_t> dims);

/// The slice's elements in C order as canonical bytes, in runs of at most 256 KiB (whole elements); `sink` returning
/// false stops early without an error. Memory is bounded whatever the size. Errc::mismatch if !tensor.fits().
Status read_slice(const Checkpoint& file, const TensorInfo& tensor, const Slice& slice,
                  const std::function<bool(std::span<const std::byte>)>& sink);

/// A tensor named on a command line: `name`, `name[0,:,3]`, and `"name"[0]` with the name quoted.
struct TensorAddress {
  std::string name = {};
  std::string slice = {};  ///< without the brackets
};

/// Splits `name[slice]` against a file: an exact name wins, then the last `[`; a quoted name is what escape() made of
/// one, so it can be copied from where it was shown. Errc::usage if no entry fits, with the nearest name suggested.
Result<TensorAddress> parse_tensor(std::string_view text, const Checkpoint& file);

/// `file.ckpt#name[0]`: a file and what parse_tensor takes.
struct TensorUri {
  std::string file = {};
  std::string tensor = {};
};

/// Splits at the first `#` that an existing file stands in front of. Empty if there is none.
std::optional<TensorUri> split_uri(std::string_view text);

}  // namespace ckpt

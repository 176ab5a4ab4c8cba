#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/error.h"
#include "ckpt/tensor.h"

namespace ckpt::containers {

/// NumPy's spelling of an element type, little-endian ("<f4", "|b1"); empty where it has none.
std::string_view npy_descr(DType dtype) noexcept;

/// The header of a .npy file of version 1.0, up to the data; its size is a multiple of 64.
std::string npy_header(std::string_view descr, std::span<const std::int64_t> dims);

/// What a header says (https://numpy.org/neps/nep-0001-npy-format.html).
struct NpyHeader {
  std::string descr = {};  ///< empty for a structured type
  bool fortran_order = false;
  std::vector<std::int64_t> dims = {};
};

inline constexpr std::size_t kNpyPreamble = 12;  ///< bytes that always tell how long the header is
inline constexpr std::uint64_t kMaxNpyHeader = std::uint64_t{64} << 10;

/// Bytes up to the data, from the first kNpyPreamble ones (or fewer, where there are no more). Errors: truncated,
/// malformed, unsupported for a version nobody has heard of, limit.
Result<std::uint64_t> npy_header_size(std::span<const std::byte> start);

/// All of these bytes. The header is a Python literal; whatever spacing, quotes and order Python allows are read.
Result<NpyHeader> parse_npy_header(std::span<const std::byte> header);

/// A `descr` as a type here.
struct NpyType {
  Kind kind = Kind::tensor;  ///< string for one Unicode text; opaque for what has no type here ("<M8[ns]", "|S5")
  DType dtype = DType::unknown;
  std::uint64_t item_size = 0;  ///< bytes an element
  std::size_t swap = 1;         ///< above 1: big-endian numbers of this many bytes
};

/// Errc::unsupported for Python objects (a pickle), structured types and anything without a size.
Result<NpyType> npy_type(const NpyHeader& header);

}  // namespace ckpt::containers

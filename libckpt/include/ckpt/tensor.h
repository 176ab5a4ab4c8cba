#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ckpt {

/// The element types a checkpoint can name (FORMAT.md, "Element types").
enum class DType : std::uint8_t {
  unknown,
  boolean,
  int4,  ///< MindSpore's qint4x2: two values a byte, and dims count bytes
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float16,
  bfloat16,
  float32,
  float64,
  complex64,
  complex128,
  float8_e4m3fn,
  float8_e5m2,
  hifloat8,
  string,  ///< "str": UTF-32LE code points
};

/// The spelling MindSpore writes: "Float32", "UInt16", "Bool", "str"; "unknown" for DType::unknown.
std::string_view name(DType dtype) noexcept;

/// From a spelling in a file; older ones ("Uint16", "Bool_") are understood. DType::unknown if it is none.
DType dtype_from_name(std::string_view type_name) noexcept;

/// Bytes of one element as dims count them (Int4: 1). 0 for unknown and string.
std::size_t size_of(DType dtype) noexcept;

/// What a tensor is, without its bytes: what a writer is given and what an index knows.
struct TensorDesc {
  std::string name = {};
  DType dtype = DType::unknown;
  std::string type_name = {};           ///< as in the file ("Uint8"); a writer uses name(dtype) where this is empty
  std::vector<std::int64_t> dims = {};  ///< empty for a scalar, in both dialects; [0] for a str

  /// Product of the dims: 1 for a scalar. Empty if a dim is negative or the product exceeds 2^63-1.
  std::optional<std::uint64_t> element_count() const noexcept;
  /// element_count() * size_of(dtype). Empty where either is not known, or on overflow.
  std::optional<std::uint64_t> expected_size() const noexcept;
};

/// A run of bytes in a source. Offsets are plaintext offsets where the file is encrypted.
struct Extent {
  std::uint32_t source = 0;  ///< which of the Checkpoint's sources; 0 for every .ckpt
  std::uint64_t offset = 0;
  std::uint64_t size = 0;

  friend bool operator==(const Extent&, const Extent&) = default;
};

enum class Kind : std::uint8_t {
  tensor,
  string,  ///< a Python str: read() gives UTF-32LE, read_string() UTF-8
  map,     ///< a hash embedding: parts are keys, values and status
  opaque,  ///< a type nobody knows ("random_op"), or a record without a value: bytes only
};

/// "tensor", "string", "map", "opaque".
std::string_view name(Kind kind) noexcept;

/// How stored bytes become canonical ones.
enum class Encoding : std::uint8_t {
  raw,              ///< they are the same
  bf16_as_float32,  ///< BFloat16 stored as float32: the high 16 bits of each count (truncation, as MindSpore does)
};

/// An entry as found in a file. A large one is stored as several records, hence several extents.
///
/// Where sizes and dims disagree nothing is invented: byte_size is what is stored. `fits()` asks.
struct TensorInfo : TensorDesc {
  Kind kind = Kind::tensor;
  Encoding encoding = Encoding::raw;
  bool scalar_as_zero = false;         ///< a scalar whose file says dims [0] (the dialect before 2.3)
  bool packed_dims = false;            ///< dims are in protobuf's packed form (no MindSpore writes it)
  bool unknown_fields = false;         ///< the record has fields this format does not know; Writer::copy keeps them
  std::uint64_t record_offset = 0;     ///< where its first record starts (the byte of the 0a)
  std::uint64_t record_size = 0;       ///< bytes up to the end of its last record; 0 if not from a .ckpt
  std::uint64_t byte_size = 0;         ///< canonical bytes: what read() can deliver
  std::uint64_t stored_size = 0;       ///< sum of the extents
  std::vector<Extent> extents = {};    ///< in order; one a record (empty ones kept, so its size is the slice count)
  std::vector<TensorInfo> parts = {};  ///< of a map: its TensorProtos in file order; else empty

  /// Whether the bytes are exactly what dims and dtype ask for.
  bool fits() const noexcept { return expected_size() == byte_size; }
};

}  // namespace ckpt

#include "ckpt/tensor.h"

#include <array>
#include <limits>

namespace ckpt {
namespace {

struct TypeRow {
  DType dtype;
  std::string_view name;
  std::size_t size;
};

// In the order of the enumeration, so that a dtype is an index.
constexpr std::array<TypeRow, 21> kTypes{{
    {DType::unknown, "unknown", 0},
    {DType::boolean, "Bool", 1},
    {DType::int4, "Int4", 1},
    {DType::int8, "Int8", 1},
    {DType::int16, "Int16", 2},
    {DType::int32, "Int32", 4},
    {DType::int64, "Int64", 8},
    {DType::uint8, "UInt8", 1},
    {DType::uint16, "UInt16", 2},
    {DType::uint32, "UInt32", 4},
    {DType::uint64, "UInt64", 8},
    {DType::float16, "Float16", 2},
    {DType::bfloat16, "BFloat16", 2},
    {DType::float32, "Float32", 4},
    {DType::float64, "Float64", 8},
    {DType::complex64, "Complex64", 8},
    {DType::complex128, "Complex128", 16},
    {DType::float8_e4m3fn, "Float8E4M3FN", 1},
    {DType::float8_e5m2, "Float8E5M2", 1},
    {DType::hifloat8, "HiFloat8", 1},
    {DType::string, "str", 0},
}};

// Spellings that some version's writer used, or that map parameters use (numpy's names).
constexpr std::array<TypeRow, 18> kOtherNames{{
    {DType::boolean, "Bool_", 0},
    {DType::uint8, "Uint8", 0},
    {DType::uint16, "Uint16", 0},
    {DType::uint32, "Uint32", 0},
    {DType::uint64, "Uint64", 0},
    {DType::boolean, "bool", 0},
    {DType::int8, "int8", 0},
    {DType::int16, "int16", 0},
    {DType::int32, "int32", 0},
    {DType::int64, "int64", 0},
    {DType::uint8, "uint8", 0},
    {DType::uint16, "uint16", 0},
    {DType::uint32, "uint32", 0},
    {DType::uint64, "uint64", 0},
    {DType::float16, "float16", 0},
    {DType::float32, "float32", 0},
    {DType::float64, "float64", 0},
    {DType::bfloat16, "bfloat16", 0},
}};

const TypeRow& row(DType dtype) noexcept { return kTypes[static_cast<std::size_t>(dtype)]; }

}  // namespace

std::string_view name(DType dtype) noexcept { return row(dtype).name; }

std::size_t size_of(DType dtype) noexcept { return row(dtype).size; }

DType dtype_from_name(std::string_view type_name) noexcept {
  for (const TypeRow& type : kTypes)
    if (type.name == type_name) return type.dtype;  // "unknown" gives unknown, as it should
  for (const TypeRow& type : kOtherNames)
    if (type.name == type_name) return type.dtype;
  return DType::unknown;
}

std::string_view name(Kind kind) noexcept {
  switch (kind) {
    case Kind::tensor:
      return "tensor";
    case Kind::string:
      return "string";
    case Kind::map:
      return "map";
    case Kind::opaque:
      return "opaque";
  }
  return "opaque";
}

std::optional<std::uint64_t> TensorDesc::element_count() const noexcept {
  std::uint64_t count = 1;
  bool zero = false;
  for (const std::int64_t dim : dims) {
    if (dim < 0) return std::nullopt;
    if (dim == 0) zero = true;
  }
  if (zero) return 0;
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  for (const std::int64_t dim : dims) {
    if (count > kMax / static_cast<std::uint64_t>(dim)) return std::nullopt;
    count *= static_cast<std::uint64_t>(dim);
  }
  return count;
}

std::optional<std::uint64_t> TensorDesc::expected_size() const noexcept {
  const std::size_t size = size_of(dtype);
  const auto count = element_count();
  if (size == 0 || !count) return std::nullopt;
  if (*count > std::numeric_limits<std::uint64_t>::max() / size) return std::nullopt;
  return *count * size;
}

}  // namespace ckpt

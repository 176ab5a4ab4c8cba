#include "facts.h"

#include <algorithm>
#include <limits>
#include <map>

#include "ckpt/text.h"
#include "words.h"

namespace ckpt::tools {

namespace {
constexpr const char* kMixed = "more than one writer";
}

std::string likely_writer(const Dialect& dialect) {
  if (dialect.model_type) return "0.5";
  if (dialect.scalars_as_zero && dialect.scalars_without_dims) return kMixed;
  if (dialect.scalars_as_zero) return dialect.slices ? "0.6 to 2.2" : "2.2 or earlier";
  if (dialect.scalars_without_dims) return "2.3 or later";
  if (dialect.maps) return "2.0 or later";
  return dialect.slices ? "0.6 or later" : "";
}

std::string dialect_text(const Dialect& dialect) {
  const std::string writer = likely_writer(dialect);
  if (writer == kMixed) return "scalars both as before MindSpore 2.3 and as since";
  return writer.empty() ? "" : "MindSpore " + writer;
}

std::string name_text(std::string_view name) { return name.empty() ? "\"\"" : escape(name); }

std::string_view dtype_text(const TensorInfo& tensor) noexcept {
  return tensor.dtype == DType::unknown ? std::string_view(tensor.type_name) : name(tensor.dtype);
}

bool is_float(DType dtype) noexcept {
  switch (dtype) {
    case DType::float16:
    case DType::bfloat16:
    case DType::float32:
    case DType::float64:
    case DType::float8_e4m3fn:
    case DType::float8_e5m2:
      return true;
    default:
      return false;
  }
}

bool is_integer(DType dtype) noexcept { return dtype >= DType::int8 && dtype <= DType::uint64; }

std::string type_text(const TensorInfo& tensor) {
  if (tensor.kind == Kind::map) return "map";
  const std::string_view type = dtype_text(tensor);
  return type.empty() ? "-" : escape(type);
}

std::string shape_of(const TensorInfo& tensor) {
  switch (tensor.kind) {
    case Kind::tensor:
      return shape_text(tensor.dims);
    case Kind::string:
      return "text";
    case Kind::map:
      return counted(tensor.parts.size(), "part");
    case Kind::opaque:
      return tensor.dims.empty() ? "bytes" : shape_text(tensor.dims);
  }
  return {};
}

Result<std::optional<std::string>> string_of(const Checkpoint& file, const TensorInfo& tensor) {
  if (tensor.kind != Kind::string) return std::optional<std::string>{};
  auto text = file.read_string(tensor);
  if (text) return std::optional<std::string>(std::move(*text));
  const Errc code = text.error().code;
  if (code == Errc::mismatch || code == Errc::malformed) return std::optional<std::string>{};
  return std::move(text).error();
}

std::vector<std::int64_t> place_of(std::uint64_t index, std::span<const std::int64_t> dims) {
  std::vector<std::int64_t> place(dims.size());
  for (std::size_t i = dims.size(); i-- > 0;) {
    const auto size = static_cast<std::uint64_t>(dims[i]);
    place[i] = static_cast<std::int64_t>(size == 0 ? 0 : index % size);
    index = size == 0 ? 0 : index / size;
  }
  return place;
}

std::string index_text(std::uint64_t index, std::span<const std::int64_t> dims) {
  return dims.empty() ? "" : shape_text(place_of(index, dims));
}

void Sum::add(const TensorInfo& tensor) {
  ++entries;
  bytes += tensor.byte_size;
  if (tensor.kind == Kind::tensor) elements += tensor.element_count().value_or(0);
  for (const TensorInfo& part : tensor.parts) elements += part.element_count().value_or(0);
}

Totals totals_of(std::span<const TensorInfo> tensors, std::span<const Group> groups) {
  Totals totals;
  std::map<std::string, Sum> types;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    totals.all.add(tensors[i]);
    totals.groups[static_cast<std::size_t>(groups[i])].add(tensors[i]);
    types[type_text(tensors[i])].add(tensors[i]);
  }
  totals.types.assign(types.begin(), types.end());
  std::stable_sort(totals.types.begin(), totals.types.end(),
                   [](const auto& a, const auto& b) { return a.second.bytes > b.second.bytes; });
  return totals;
}

double size_of_change(const TensorDiff& diff) {
  if (diff.values == Change::identical) return 0;
  if (diff.pair.a == nullptr || diff.pair.b == nullptr || diff.basis == Basis::nothing)
    return std::numeric_limits<double>::infinity();
  double size = diff.basis == Basis::text ? 1 : 0;
  for (const TensorDiff& part : diff.parts) size = std::max(size, size_of_change(part));
  if (!diff.metrics) return size;
  const Metrics& m = *diff.metrics;
  if (m.new_nan + m.new_inf + m.lost_nan + m.lost_inf > 0) return std::numeric_limits<double>::infinity();
  if (diff.basis == Basis::bytes) return static_cast<double>(m.changed_elements) / static_cast<double>(m.elements);
  return m.relative_update;
}

std::string words_of(Change change) {
  std::string words(name(change));
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

}  // namespace ckpt::tools

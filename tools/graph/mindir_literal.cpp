#include "mindir_literal.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <vector>

#include "ckpt/text.h"
#include "readers.h"

namespace ckpt::graph {
namespace {

using mind_ir::AttributeProto;
using mind_ir::TensorProto;

Result<Literal> tensor_literal(const TensorProto& tensor, const Stripped& payloads) {
  Literal literal{.is = Literal::Is::tensor, .type = type_of(tensor)};
  if (tensor.compression_type() != 0) return Literal::other("a compressed tensor");
  if (literal.type.dtype == DType::unknown || literal.type.dtype == DType::string)
    return Literal::other("a tensor of a type that is not supported");
  const auto run = payloads.payload(tensor.raw_data());
  if (!run) return run.error();
  if (run->size == 0 && element_count(literal.type) != 0) {
    auto numbers = numbers_of(tensor, literal.type);
    if (!numbers) return numbers.error();
    literal.recorded = numbers->has_value();
    if (*numbers) literal.contents = std::move(**numbers);
    return literal;
  }
  auto contents = contents_of(*run, literal.type);
  if (!contents) return contents.error();
  literal.contents = std::move(*contents);
  return literal;
}

/// Releases before 1.1 keep a single value as a tensor with one element in a typed field.
std::optional<Literal> value_in(const TensorProto& tensor) {
  const bool boolean = tensor.data_type() == TensorProto::BOOL;
  if (tensor.string_data_size() == 1) return Literal::of(tensor.string_data(0));
  if (tensor.int32_data_size() == 1)
    return boolean ? Literal::of(tensor.int32_data(0) != 0) : Literal::of(std::int64_t{tensor.int32_data(0)});
  if (tensor.int64_data_size() == 1) return Literal::of(std::int64_t{tensor.int64_data(0)});
  if (tensor.uint64_data_size() == 1) return Literal::of(static_cast<std::int64_t>(tensor.uint64_data(0)));
  if (tensor.float_data_size() == 1) return Literal::of(double{tensor.float_data(0)});
  if (tensor.double_data_size() == 1) return Literal::of(tensor.double_data(0));
  return std::nullopt;
}

/// The value of one element, of the type that the attribute says.
std::optional<Literal> scalar_of(const AttributeProto& from, std::int64_t integer) {
  switch (from.type()) {
    case AttributeProto::BOOL:
      return Literal::of(integer != 0);
    case AttributeProto::UINT8:
    case AttributeProto::INT8:
    case AttributeProto::UINT16:
    case AttributeProto::INT16:
    case AttributeProto::INT32:
    case AttributeProto::INT64:
    case AttributeProto::UINT32:
    case AttributeProto::UINT64:
      return Literal::of(integer);
    default:
      return std::nullopt;
  }
}

bool take(ValueReading& reading, std::size_t count = 1) {
  if (reading.left < count) return false;
  reading.left -= count;
  return true;
}
Error too_many() { return Error{.code = Errc::limit, .message = "too many values of attributes"}; }

/// 2.x: a list nests, a single value is in the field of its type or, inside a list, in the repeated one.
Result<Literal> nested_literal(const AttributeProto& from, ValueReading& reading) {
  if (!take(reading)) return too_many();
  switch (from.type()) {
    case AttributeProto::TUPLE:
    case AttributeProto::LIST: {
      Literal list{.is = Literal::Is::list};
      for (const AttributeProto& value : from.values()) {
        auto item = nested_literal(value, reading);
        if (!item) return item;
        list.items.push_back(std::move(*item));
      }
      return list;
    }
    case AttributeProto::UMONAD:
    case AttributeProto::IOMONAD:
      return Literal{.is = Literal::Is::monad};
    case AttributeProto::NONE:
      return Literal{};
    case AttributeProto::STRING: {
      // Many nodes may share a primitive, and each has a copy of its texts.
      const std::string& text = from.strings_size() > 0 ? from.strings(0) : from.s();
      if (!take(reading, text.size() / 16)) return too_many();
      return Literal::of(text);
    }
    case AttributeProto::FLOAT:
      return Literal::of(double{from.floats_size() > 0 ? from.floats(0) : from.f()});
    case AttributeProto::DOUBLE:
      return Literal::of(from.doubles_size() > 0 ? from.doubles(0) : from.d());
    case AttributeProto::TENSOR:
      return from.has_t() ? tensor_literal(from.t(), reading.payloads) : Literal::other("a tensor that is not there");
    case AttributeProto::TENSORS:
      if (from.tensors_size() == 0) return Literal::other("a tensor that is not there");
      // A type has the place of a tensor, without anything in it.
      return tensor_literal(from.tensors(0), reading.payloads);
    case AttributeProto::FUNCGRAPHCLOSURE:
    case AttributeProto::PRIMITIVECLOSURE:
    case AttributeProto::PARTIALCLOSURE:
    case AttributeProto::UNIONFUNCCLOSURE:
      return Literal::other("a function");
    default:
      break;
  }
  if (auto scalar = scalar_of(from, from.ints_size() > 0 ? from.ints(0) : from.i())) return *scalar;
  return Literal::other("a value of kind " + std::to_string(from.type()));
}

/// 1.x: `scalar:Tuple[value1,value2,],` and the like, whose values follow in repeated fields.
class RefReader {
 public:
  RefReader(const AttributeProto& from, ValueReading& reading)
      : from_(from), reading_(reading), text_(from.ref_attr_name()) {}

  Result<Literal> read() {
    if (text_ == "none" || text_ == "none:") return Literal{};
    if (text_.starts_with("Monad:")) return Literal{.is = Literal::Is::monad};
    const std::size_t colon = text_.find(':');
    if (colon == text_.npos) return Literal::other("a value \"" + escape(text_.substr(0, 40)) + "\"");
    kind_ = text_.substr(0, colon);
    text_.remove_prefix(colon + 1);
    const bool list = text_.starts_with("Tuple[") || text_.starts_with("List[");
    if (kind_ == "tensor" && !list) {
      if (from_.tensors_size() == 0) return malformed("a tensor that is not there");
      return tensor_literal(from_.tensors(0), reading_.payloads);
    }
    if (kind_ == "type" && !list) return type_value();
    if (kind_ != "scalar" && kind_ != "tensor" && kind_ != "type")
      return Literal::other("a value \"" + escape(kind_) + "\"");
    if (!list) return single();
    if (filled_fields() > 1) return Literal::other("a tuple of different things");
    return item(0);
  }

 private:
  Result<Literal> type_value() const {
    if (from_.tensors_size() > 0) return Literal::of(dtype_of(from_.tensors(0).data_type()));
    return Literal::of(DType::unknown);
  }

  Result<Literal> single() const {
    if (from_.tensors_size() > 0)
      if (auto value = value_in(from_.tensors(0))) return *value;
    return nested_literal(from_, reading_);
  }

  int filled_fields() const {
    return (from_.ints_size() > 0) + (from_.floats_size() > 0) + (from_.doubles_size() > 0) +
           (from_.strings_size() > 0) + (from_.tensors_size() > 0);
  }

  Result<Literal> item(int depth) {
    constexpr int kDeepest = 32;
    const bool tuple = text_.starts_with("Tuple[");
    if (!tuple && !text_.starts_with("List[")) return next_value();
    if (depth == kDeepest) return malformed("a value nested too deeply");
    if (!take(reading_)) return too_many();
    text_.remove_prefix(tuple ? 6 : 5);
    Literal list{.is = Literal::Is::list};
    while (!text_.starts_with("]")) {
      if (text_.empty()) return malformed("a tuple without an end");
      auto value = item(depth + 1);
      if (!value) return value;
      list.items.push_back(std::move(*value));
    }
    text_.remove_prefix(1);
    if (text_.starts_with(",")) text_.remove_prefix(1);
    return list;
  }

  /// The names are only numbers in a row: the values come in the same order.
  Result<Literal> next_value() {
    if (!take(reading_)) return too_many();
    const std::size_t end = text_.find_first_of(",]");
    if (end == text_.npos || end == 0) return malformed("a tuple without an end");
    text_.remove_prefix(text_[end] == ',' ? end + 1 : end);
    const int i = next_++;
    if (i < from_.ints_size()) {
      if (auto scalar = scalar_of(from_, from_.ints(i))) return *scalar;
      return Literal::of(std::int64_t{from_.ints(i)});
    }
    if (i < from_.floats_size()) return Literal::of(double{from_.floats(i)});
    if (i < from_.doubles_size()) return Literal::of(from_.doubles(i));
    if (i < from_.strings_size()) {
      if (!take(reading_, from_.strings(i).size() / 16)) return too_many();
      return Literal::of(from_.strings(i));
    }
    if (i >= from_.tensors_size()) return malformed("a tuple with fewer values than places");
    if (auto value = value_in(from_.tensors(i))) return *value;
    if (kind_ == "type") return Literal::of(dtype_of(from_.tensors(i).data_type()));
    return tensor_literal(from_.tensors(i), reading_.payloads);
  }

  const AttributeProto& from_;
  ValueReading& reading_;
  std::string_view text_;
  std::string_view kind_ = {};
  int next_ = 0;
};

/// 1.x: `shape:Tuple[shape1,shape2,],` and as many tensors.
class ShapeReader {
 public:
  explicit ShapeReader(const AttributeProto& from) : from_(from), text_(from.ref_attr_name()) {
    text_.remove_prefix(std::min(text_.find(':'), text_.size() - 1) + 1);
  }

  Recorded item(int depth = 0) {
    const bool tuple = text_.starts_with("Tuple[");
    if (tuple && depth < 32) {
      text_.remove_prefix(6);
      Recorded list{.is = Recorded::Is::list};
      while (!text_.empty() && !text_.starts_with("]")) list.items.push_back(item(depth + 1));
      text_.remove_prefix(std::min<std::size_t>(text_.size(), 1));
      if (text_.starts_with(",")) text_.remove_prefix(1);
      return list;
    }
    const std::size_t end = std::min(text_.find_first_of(",]"), text_.size());
    const bool other = !text_.substr(0, end).starts_with("shape");
    text_.remove_prefix(end == text_.size() || text_[end] == ']' ? end : end + 1);
    if (other || next_ >= from_.tensors_size()) return {.is = Recorded::Is::other};
    return {.is = Recorded::Is::tensor, .type = type_of(from_.tensors(next_++))};
  }

 private:
  const AttributeProto& from_;
  std::string_view text_;
  int next_ = 0;
};

template <class To, class List>
std::vector<std::byte> bytes_of_list(const List& list) {
  std::vector<std::byte> bytes(sizeof(To) * static_cast<std::size_t>(list.size()));
  std::byte* at = bytes.data();
  for (const auto number : list) {
    const To value = static_cast<To>(number);
    std::memcpy(at, &value, sizeof value);
    at += sizeof value;
  }
  return bytes;
}

std::vector<std::byte> bytes_of_numbers(const TensorProto& tensor, DType dtype) {
  switch (dtype) {
    case DType::float32:
      return bytes_of_list<float>(tensor.float_data());
    case DType::float64:
      return bytes_of_list<double>(tensor.double_data());
    case DType::int64:
      return bytes_of_list<std::int64_t>(tensor.int64_data());
    case DType::uint64:
      return bytes_of_list<std::uint64_t>(tensor.uint64_data());
    case DType::uint32:
      return bytes_of_list<std::uint32_t>(tensor.uint64_data());
    case DType::int32:
      return bytes_of_list<std::int32_t>(tensor.int32_data());
    case DType::int16:
    case DType::uint16:
    case DType::float16:  // its bits
    case DType::bfloat16:
      return bytes_of_list<std::uint16_t>(tensor.int32_data());
    case DType::int8:
    case DType::uint8:
    case DType::boolean:
      return bytes_of_list<std::uint8_t>(tensor.int32_data());
    default:
      return {};
  }
}

}  // namespace

Result<std::optional<Contents>> numbers_of(const TensorProto& tensor, const Type& type) {
  auto bytes = bytes_of_numbers(tensor, type.dtype);
  if (bytes.empty()) return std::optional<Contents>();
  const auto count = element_count(type);
  if (!count || *count != bytes.size() / size_of(type.dtype))
    return Error{.code = Errc::mismatch,
                 .message = to_string(type) + " with " + std::to_string(bytes.size()) + " bytes of values"};
  return std::optional(in_memory(std::move(bytes)));
}

DType dtype_of(std::int32_t mindir_type) noexcept {
  constexpr std::array kTypes = {DType::unknown,    DType::float32,  DType::uint8,   DType::int8,   DType::uint16,
                                 DType::int16,      DType::int32,    DType::int64,   DType::string, DType::boolean,
                                 DType::float16,    DType::float64,  DType::uint32,  DType::uint64, DType::complex64,
                                 DType::complex128, DType::bfloat16, DType::float64, DType::int4};
  const auto index = static_cast<std::size_t>(mindir_type);
  return mindir_type >= 0 && index < kTypes.size() ? kTypes[index] : DType::unknown;
}

Type type_of(const mind_ir::TensorProto& tensor) {
  constexpr std::int64_t kUnknownRank = -2;
  Type type{.dtype = dtype_of(tensor.data_type())};
  for (const std::int64_t dim : tensor.dims()) {
    if (dim == kUnknownRank) return {};
    type.dims.push_back(dim < 0 ? Dim() : Dim(dim));
  }
  return type;
}

Result<Literal> literal_of(const AttributeProto& attribute, ValueReading& reading) {
  if (attribute.ref_attr_name().empty()) return nested_literal(attribute, reading);
  return RefReader(attribute, reading).read();
}

Recorded recorded_of(const AttributeProto& attribute) {
  if (!attribute.ref_attr_name().empty()) return ShapeReader(attribute).item();
  Recorded recorded;
  switch (attribute.type()) {
    case AttributeProto::TENSORS:
      if (attribute.tensors_size() == 0) return {.is = Recorded::Is::other};
      return {.is = Recorded::Is::tensor, .type = type_of(attribute.tensors(0))};
    case AttributeProto::TUPLE:
    case AttributeProto::LIST:
      recorded.is = Recorded::Is::list;
      for (const AttributeProto& value : attribute.values()) recorded.items.push_back(recorded_of(value));
      return recorded;
    case AttributeProto::UNDEFINED:
      return {};
    default:
      return {.is = Recorded::Is::other};
  }
}

}  // namespace ckpt::graph

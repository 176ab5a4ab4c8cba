#include "expected_index.h"

#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <limits>

#include "checkpoint.pb.h"

namespace ckpt::test {
namespace {

struct TypeRow {
  std::string_view name;
  std::size_t size;
};

// FORMAT.md, section 3. Whatever is not here is opaque.
constexpr TypeRow kTypeSizes[] = {
    {"Bool", 1},      {"Bool_", 1},       {"Int8", 1},         {"Int16", 2},      {"Int32", 4},    {"Int64", 8},
    {"UInt8", 1},     {"UInt16", 2},      {"UInt32", 4},       {"UInt64", 8},     {"Uint8", 1},    {"Uint16", 2},
    {"Uint32", 4},    {"Uint64", 8},      {"Float16", 2},      {"BFloat16", 2},   {"Float32", 4},  {"Float64", 8},
    {"Complex64", 8}, {"Complex128", 16}, {"Float8E4M3FN", 1}, {"Float8E5M2", 1}, {"HiFloat8", 1}, {"Int4", 1},
    {"bool", 1},      {"int8", 1},        {"int16", 2},        {"int32", 4},      {"int64", 8},    {"uint8", 1},
    {"uint16", 2},    {"uint32", 4},      {"uint64", 8},       {"float16", 2},    {"bfloat16", 2}, {"float32", 4},
    {"float64", 8}};

std::size_t element_size(std::string_view type) {
  const auto* found =
      std::find_if(std::begin(kTypeSizes), std::end(kTypeSizes), [&](const TypeRow& t) { return t.name == type; });
  return found == std::end(kTypeSizes) ? 0 : found->size;
}

bool is_bfloat16(const ExpectedTensor& tensor) { return tensor.type == "BFloat16" || tensor.type == "bfloat16"; }

// Section 4 and 3: the product of the dims times the size of an element, where there is such a number.
std::optional<std::uint64_t> expected_bytes(const ExpectedTensor& tensor) {
  const std::size_t element = element_size(tensor.type);
  if (element == 0) return std::nullopt;
  const auto is_negative = [](std::int64_t dim) { return dim < 0; };
  if (std::any_of(tensor.dims.begin(), tensor.dims.end(), is_negative)) return std::nullopt;
  if (std::find(tensor.dims.begin(), tensor.dims.end(), 0) != tensor.dims.end()) return 0;
  std::int64_t count = 1;
  for (const std::int64_t dim : tensor.dims)
    if (__builtin_mul_overflow(count, dim, &count)) return std::nullopt;
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(count, element, &bytes)) return std::nullopt;
  return bytes;
}

// Sections 4 and 5: what the number of bytes says about dims [0] and about BFloat16.
void interpret(ExpectedTensor& tensor) {
  const std::size_t element = element_size(tensor.type);
  const bool one = tensor.stored == element || (is_bfloat16(tensor) && tensor.stored == 2 * element);
  if (element != 0 && tensor.dims == std::vector<std::int64_t>{0} && one) {
    tensor.dims.clear();
    tensor.scalar_as_zero = true;
  }
  tensor.expected = expected_bytes(tensor);
  tensor.as_float32 = is_bfloat16(tensor) && tensor.expected && *tensor.expected > 0 && tensor.stored % 2 == 0 &&
                      tensor.stored / 2 == *tensor.expected;
}

void append(ExpectedTensor& tensor, std::string_view content) {
  tensor.content.push_back(content);
  tensor.stored += content.size();
  interpret(tensor);
}

ExpectedTensor tensor_of(const TensorProto& message) {
  ExpectedTensor tensor;
  tensor.type = message.tensor_type();
  tensor.dims.assign(message.dims().begin(), message.dims().end());
  append(tensor, message.tensor_content());
  return tensor;
}

// Anything that protobuf kept aside, at every level of a record.
bool has_unknown(const TensorProto& tensor) { return !tensor.unknown_fields().empty(); }
bool has_unknown(const ::Checkpoint::Value& value) {
  if (!value.unknown_fields().empty() || (value.has_tensor() && has_unknown(value.tensor()))) return true;
  if (!value.has_maptensor()) return false;
  const auto& parts = value.maptensor().tensor();
  return !value.maptensor().unknown_fields().empty() ||
         std::any_of(parts.begin(), parts.end(), [](const TensorProto& part) { return has_unknown(part); });
}

ExpectedEntry entry_of(const ::Checkpoint::Value& value) {
  ExpectedEntry entry;
  if (value.has_tensor()) {
    static_cast<ExpectedTensor&>(entry) = tensor_of(value.tensor());
    entry.kind = entry.type == "str" ? Kind::string : element_size(entry.type) == 0 ? Kind::opaque : Kind::tensor;
  } else if (value.has_maptensor()) {
    entry.kind = Kind::map;
    for (const TensorProto& part : value.maptensor().tensor()) entry.parts.push_back(tensor_of(part));
  } else {
    entry.kind = Kind::opaque;
  }
  entry.name = value.tag();
  entry.unknown_fields = has_unknown(value);
  return entry;
}

// ---- section 17: joining ----

std::vector<std::int64_t> dims_in_file(const ExpectedTensor& tensor) {
  return tensor.scalar_as_zero ? std::vector<std::int64_t>{0} : tensor.dims;
}

// "by part when the number of parts, their types, and all dims but the first agree. Rows add up."
bool part_goes_on(const ExpectedTensor& part, const ExpectedTensor& next) {
  const auto before = part.dims;
  const auto after = dims_in_file(next);
  if (before.empty() || before.size() != after.size() || part.type != next.type) return false;
  if (!std::equal(before.begin() + 1, before.end(), after.begin() + 1)) return false;
  return before[0] >= 0 && after[0] >= 0 && after[0] <= std::numeric_limits<std::int64_t>::max() - before[0];
}

// "A record that follows directly on one of the same name belongs to the same entry if that one's content is not
// complete yet and type and dims are the same", and the exception for BFloat16 stored as float32.
bool goes_on(const ExpectedEntry& last, const ExpectedEntry& next) {
  if (last.name != next.name || last.kind != next.kind) return false;
  if (last.kind == Kind::map)
    return !last.parts.empty() &&
           std::equal(last.parts.begin(), last.parts.end(), next.parts.begin(), next.parts.end(), part_goes_on);
  if (last.kind != Kind::tensor || last.type != next.type || dims_in_file(last) != dims_in_file(next)) return false;
  if (!last.expected) return false;
  if (last.stored < *last.expected) return true;
  if (!is_bfloat16(last) || *last.expected == 0 || last.stored / 2 >= *last.expected) return false;
  const std::uint64_t missing = 2 * *last.expected - last.stored;
  return last.stored == *last.expected ? next.stored == missing : next.stored <= missing;
}

void join(ExpectedEntry& last, const ExpectedEntry& next) {
  last.unknown_fields |= next.unknown_fields;
  if (last.kind != Kind::map) return append(last, next.content[0]);
  for (std::size_t i = 0; i < last.parts.size(); ++i) {
    last.parts[i].dims[0] += dims_in_file(next.parts[i])[0];
    append(last.parts[i], next.parts[i].content[0]);
  }
}

}  // namespace

Bytes ExpectedTensor::stored_bytes() const {
  Bytes bytes;
  for (const std::string_view piece : content) bytes += piece;
  return bytes;
}

Bytes ExpectedTensor::canonical_bytes() const {
  Bytes bytes = stored_bytes();
  if (!as_float32) return bytes;
  Bytes upper;
  for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) upper += bytes.substr(i + 2, 2);
  return upper;
}

struct Oracle::Message {
  std::size_t file_size = 0;
  ::Checkpoint checkpoint = {};
};

Oracle::Oracle(std::string_view file) : message_(std::make_unique<Message>()) {
  google::protobuf::SetLogHandler(nullptr);  // it complains about names that are not UTF-8, on stderr
  message_->file_size = file.size();
  parsed_ = message_->checkpoint.ParseFromArray(file.data(), static_cast<int>(file.size()));
  if (!parsed_) return;
  for (const ::Checkpoint::Value& value : message_->checkpoint.value()) {
    ExpectedEntry entry = entry_of(value);
    if (!entries_.empty() && goes_on(entries_.back(), entry))
      join(entries_.back(), entry);
    else
      entries_.push_back(std::move(entry));
  }
}

Oracle::Oracle(Oracle&&) noexcept = default;
Oracle::~Oracle() = default;

std::optional<std::string> Oracle::model_type() const {
  if (!message_->checkpoint.has_model_type()) return std::nullopt;
  return message_->checkpoint.model_type();
}

bool Oracle::unknown_fields_between_records() const { return !message_->checkpoint.unknown_fields().empty(); }

bool Oracle::holds_everything() const { return message_->checkpoint.ByteSizeLong() == message_->file_size; }

}  // namespace ckpt::test

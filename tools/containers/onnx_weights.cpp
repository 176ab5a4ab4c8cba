// The initialisers of an ONNX model. Field numbers are those of onnx.proto, which is published with the ONNX
// specification; payloads are found where they lie, so that a model of any size needs no memory.
#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aside.h"
#include "ckpt/text.h"
#include "containers.h"
#include "external_data.h"
#include "index_budget.h"
#include "wire_reader.h"

namespace ckpt::containers {
namespace {

using wire::FieldKey;
using wire::Type;

namespace field {
constexpr std::uint32_t kModelGraph = 7;
constexpr std::uint32_t kGraphInitializer = 5;
constexpr std::uint32_t kGraphSparseInitializer = 15;
constexpr std::uint32_t kDims = 1;
constexpr std::uint32_t kDataType = 2;
constexpr std::uint32_t kSegment = 3;
constexpr std::uint32_t kFloatData = 4;
constexpr std::uint32_t kInt32Data = 5;
constexpr std::uint32_t kStringData = 6;
constexpr std::uint32_t kInt64Data = 7;
constexpr std::uint32_t kName = 8;
constexpr std::uint32_t kRawData = 9;
constexpr std::uint32_t kDoubleData = 10;
constexpr std::uint32_t kUint64Data = 11;
constexpr std::uint32_t kExternalData = 13;
constexpr std::uint32_t kDataLocation = 14;
constexpr std::uint32_t kEntryKey = 1;
constexpr std::uint32_t kEntryValue = 2;
}  // namespace field

struct ElementType {
  std::string_view name;
  DType dtype = DType::unknown;
  std::uint32_t data = 0;  // the field that holds its values where raw_data does not
};

// By TensorProto.DataType. Types of less than a byte, and floats without infinities or a sign of zero, have no
// counterpart here: their bytes can be copied and compared, their values not shown.
constexpr std::array kElementTypes = {
    ElementType{"UNDEFINED"},
    ElementType{"FLOAT", DType::float32, field::kFloatData},
    ElementType{"UINT8", DType::uint8, field::kInt32Data},
    ElementType{"INT8", DType::int8, field::kInt32Data},
    ElementType{"UINT16", DType::uint16, field::kInt32Data},
    ElementType{"INT16", DType::int16, field::kInt32Data},
    ElementType{"INT32", DType::int32, field::kInt32Data},
    ElementType{"INT64", DType::int64, field::kInt64Data},
    ElementType{"STRING", DType::string, field::kStringData},
    ElementType{"BOOL", DType::boolean, field::kInt32Data},
    ElementType{"FLOAT16", DType::float16, field::kInt32Data},
    ElementType{"DOUBLE", DType::float64, field::kDoubleData},
    ElementType{"UINT32", DType::uint32, field::kUint64Data},
    ElementType{"UINT64", DType::uint64, field::kUint64Data},
    ElementType{"COMPLEX64", DType::complex64, field::kFloatData},
    ElementType{"COMPLEX128", DType::complex128, field::kDoubleData},
    ElementType{"BFLOAT16", DType::bfloat16, field::kInt32Data},
    ElementType{"FLOAT8E4M3FN", DType::float8_e4m3fn, field::kInt32Data},
    ElementType{"FLOAT8E4M3FNUZ"},
    ElementType{"FLOAT8E5M2", DType::float8_e5m2, field::kInt32Data},
    ElementType{"FLOAT8E5M2FNUZ"},
    ElementType{"UINT4"},
    ElementType{"INT4"},
    ElementType{"FLOAT4E2M1"},
    ElementType{"FLOAT8E8M0"},
    ElementType{"UINT2"},
    ElementType{"INT2"},
};

/// A TensorProto as far as it says where its values are.
struct TensorProto {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  TensorInfo info = {};
  ElementType type = {};
  std::optional<Extent> raw = {};
  std::uint32_t data = 0;         // which of the typed fields it has
  std::uint64_t values = 0;       // in that field: elements of fixed size, texts, or bytes of varints
  std::vector<Extent> runs = {};  // the field's payloads, where each is packed, or each is a text
  bool single = false;            // some of its values stand alone, each behind a key
  bool external = false;
  std::map<std::string, std::string> external_data = {};
};

/// The values of a field of varints, one after the other, packed or not.
template <class Take>
Status for_each_varint(const Source& file, const TensorProto& tensor, Take take) {
  WireReader reader(file, tensor.begin, tensor.end);
  while (!reader.at_end()) {
    const auto key = reader.key();
    if (!key) return key.error();
    const auto status = key->number == tensor.data ? reader.numbers(key->type, take) : reader.skip(key->type);
    if (!status) return status;
  }
  return {};
}

/// Whether a varint is in the range of the type that it stands for.
bool fits(DType dtype, std::uint64_t value) {
  const auto number = static_cast<std::int64_t>(value);
  switch (dtype) {
    case DType::boolean:
      return value <= 1;
    case DType::int8:
      return number >= -128 && number <= 127;
    case DType::int16:
      return number >= -32768 && number <= 32767;
    case DType::int32:
      return number >= -2147483648 && number <= 2147483647;
    case DType::uint8:
    case DType::float8_e4m3fn:
    case DType::float8_e5m2:
      return value <= 0xFF;
    case DType::uint16:
    case DType::float16:
    case DType::bfloat16:
      return value <= 0xFFFF;
    case DType::uint32:
      return value <= 0xFFFFFFFF;
    default:
      return true;
  }
}

/// Elements made one by one, written in blocks.
class ElementWriter {
 public:
  explicit ElementWriter(const Aside::Region& region) : region_(region) {}

  Status add(std::uint64_t value, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) block_.push_back(static_cast<std::byte>(value >> (8 * i)));
    return block_.size() < kBlock ? Status() : flush();
  }
  Status add(std::span<const std::byte> bytes) {
    block_.insert(block_.end(), bytes.begin(), bytes.end());
    return block_.size() < kBlock ? Status() : flush();
  }
  Status finish() {
    if (auto status = flush(); !status) return status;
    if (at_ == region_.size()) return {};
    return Error{.code = Errc::mismatch,
                 .message = "its dims and type ask for " + std::to_string(region_.size()) + " bytes, its values are " +
                            std::to_string(at_)};
  }

 private:
  static constexpr std::size_t kBlock = std::size_t{64} << 10;

  Status flush() {
    auto status = region_.write(at_, block_);
    at_ += block_.size();
    block_.clear();
    return status;
  }

  const Aside::Region& region_;
  std::uint64_t at_ = 0;
  std::vector<std::byte> block_ = {};
};

Status decode_varints(const Source& file, const TensorProto& tensor, const Aside::Region& region) {
  ElementWriter out(region);
  const DType dtype = tensor.info.dtype;
  const auto status = for_each_varint(file, tensor, [&](std::uint64_t value) -> Status {
    if (!fits(dtype, value))
      return Error{.code = Errc::malformed,
                   .message = "has the value " + std::to_string(static_cast<std::int64_t>(value)) + ", which is no " +
                              std::string(name(dtype))};
    return out.add(value, size_of(dtype));
  });
  return status ? out.finish() : status;
}

/// Floats and doubles that stand alone, each behind its key, perhaps among packed ones.
Status decode_fixed(const Source& file, const TensorProto& tensor, const Aside::Region& region) {
  ElementWriter out(region);
  WireReader reader(file, tensor.begin, tensor.end);
  std::vector<std::byte> buffer;
  while (!reader.at_end()) {
    const auto key = reader.key();
    if (!key) return key.error();
    std::uint64_t size = key->type == Type::fixed64 ? 8 : 4;
    if (key->type == Type::length) {
      const auto length = reader.length();
      if (!length) return length.error();
      size = *length;
    } else if (key->number != tensor.data) {
      if (auto status = reader.skip(key->type); !status) return status;
      continue;
    }
    const std::uint64_t begin = reader.position();
    for (std::uint64_t at = 0; key->number == tensor.data && at < size; at += buffer.size()) {
      buffer.resize(static_cast<std::size_t>(std::min<std::uint64_t>(size - at, 65536)));
      if (auto status = file.read_at(begin + at, buffer); !status) return status;
      if (auto status = out.add(buffer); !status) return status;
    }
    if (auto status = reader.skip_bytes(size); !status) return status;
  }
  return out.finish();
}

class OnnxIndex {
 public:
  OnnxIndex(SourcePtr file, const std::filesystem::path& model, const ForeignOptions& options)
      : model_(model),
        limits_(options.limits),
        budget_(limits_),
        aside_(std::make_shared<Aside>(options.max_decoded_bytes)) {
    sources_.push_back(std::move(file));
    sources_.push_back(aside_);
  }

  /// From here on external data is not opened, but put down there.
  void leave_external(std::map<std::string, ExternalPlace>& places) { places_ = &places; }

  Status read_model() {
    return for_each_field(0, file().size(), [&](FieldKey key, std::uint64_t begin, std::uint64_t end) -> Status {
      return key.number == field::kModelGraph ? read_graph(begin, end) : Status();
    });
  }

  Result<Checkpoint> finish() {
    if (auto status = file().verify_unchanged(); !status) return status.error();
    return make_checkpoint(std::move(sources_), std::move(tensors_));
  }

 private:
  const Source& file() const { return *sources_[0]; }

  /// Calls use(key, begin, end) for the length-delimited fields of a message; others are passed over.
  template <class Use>
  Status for_each_field(std::uint64_t begin, std::uint64_t end, Use use) {
    WireReader reader(file(), begin, end);
    while (!reader.at_end()) {
      const auto key = reader.key();
      if (!key) return key.error();
      if (key->type != Type::length) {
        if (auto status = reader.skip(key->type); !status) return status;
        continue;
      }
      const auto size = reader.length();
      if (!size) return size.error();
      if (auto status = use(*key, reader.position(), reader.position() + *size); !status) return status;
      if (auto status = reader.skip_bytes(*size); !status) return status;
    }
    return {};
  }

  Status read_graph(std::uint64_t begin, std::uint64_t end) {
    return for_each_field(begin, end, [&](FieldKey key, std::uint64_t from, std::uint64_t to) -> Status {
      if (key.number == field::kGraphSparseInitializer)
        return Error{.code = Errc::unsupported, .offset = from, .message = "has a sparse initialiser"};
      return key.number == field::kGraphInitializer ? add_tensor(from, to) : Status();
    });
  }

  Status add_tensor(std::uint64_t begin, std::uint64_t end) {
    TensorProto tensor{.begin = begin, .end = end};
    auto status = read_tensor(tensor);
    if (status) status = finish_tensor(tensor);
    if (status) status = budget_.add(tensor.info);
    if (status) {
      tensors_.push_back(std::move(tensor.info));
      return {};
    }
    Error error = status.error();
    if (error.tensor.empty()) error.tensor = tensor.info.name.empty() ? name_within(begin, end) : tensor.info.name;
    return error;
  }

  /// For errors: the name comes behind the values.
  std::string name_within(std::uint64_t begin, std::uint64_t end) {
    std::string name;
    const auto ignored = for_each_field(begin, end, [&](FieldKey key, std::uint64_t from, std::uint64_t to) -> Status {
      if (key.number != field::kName || to - from > limits_.max_name_bytes) return {};
      name.resize(static_cast<std::size_t>(to - from));
      return file().read_at(from, std::as_writable_bytes(std::span(name)));
    });
    return ignored ? name : std::string();
  }

  Status read_tensor(TensorProto& tensor) {
    WireReader reader(file(), tensor.begin, tensor.end);
    while (!reader.at_end()) {
      const auto key = reader.key();
      if (!key) return key.error();
      if (auto status = read_field(reader, *key, tensor); !status) return status;
    }
    return {};
  }

  Status read_field(WireReader& reader, FieldKey key, TensorProto& tensor) {
    switch (key.number) {
      case field::kDims:
        return read_dims(reader, key.type, tensor);
      case field::kDataType:
      case field::kDataLocation: {
        if (key.type != Type::varint) break;
        const auto value = reader.varint();
        if (!value) return value.error();
        if (key.number == field::kDataLocation) {
          tensor.external = *value == 1;
        } else if (*value < kElementTypes.size()) {
          tensor.type = kElementTypes[static_cast<std::size_t>(*value)];
        } else {
          tensor.type = {};
          tensor.info.type_name = "type " + std::to_string(*value);
        }
        return {};
      }
      case field::kSegment:
        return Error{.code = Errc::unsupported, .message = "is a segment of a tensor that is in several files"};
      case field::kName: {
        if (key.type != Type::length) break;
        auto name = reader.text(limits_.max_name_bytes);
        if (!name) return name.error();
        tensor.info.name = std::move(*name);
        return {};
      }
      case field::kRawData: {
        if (key.type != Type::length) break;
        const auto size = reader.length();
        if (!size) return size.error();
        tensor.raw = Extent{.source = 0, .offset = reader.position(), .size = *size};
        return reader.skip_bytes(*size);
      }
      case field::kFloatData:
      case field::kInt32Data:
      case field::kStringData:
      case field::kInt64Data:
      case field::kDoubleData:
      case field::kUint64Data:
        return read_values(reader, key, tensor);
      case field::kExternalData:
        if (key.type != Type::length) break;
        return read_external_entry(reader, tensor);
      default:
        break;
    }
    return reader.skip(key.type);
  }

  Status read_dims(WireReader& reader, Type type, TensorProto& tensor) {
    return reader.numbers(type, [&](std::uint64_t dim) -> Status {
      if (tensor.info.dims.size() == limits_.max_dims)
        return Error{.code = Errc::limit, .message = "more than " + std::to_string(limits_.max_dims) + " dims"};
      tensor.info.dims.push_back(static_cast<std::int64_t>(dim));
      return {};
    });
  }

  Status read_values(WireReader& reader, FieldKey key, TensorProto& tensor) {
    if (tensor.data != 0 && tensor.data != key.number)
      return Error{.code = Errc::malformed, .message = "has values in two fields of different types"};
    tensor.data = key.number;
    if (key.type != Type::length) {
      tensor.single = true;
      const std::uint64_t begin = reader.position();
      auto status = reader.skip(key.type);
      tensor.values += reader.position() - begin;
      return status;
    }
    const auto size = reader.length();
    if (!size) return size.error();
    tensor.values += *size;
    if (tensor.runs.size() * sizeof(Extent) >= limits_.max_index_bytes)
      return Error{.code = Errc::limit, .message = "too many pieces"};
    tensor.runs.push_back({.source = 0, .offset = reader.position(), .size = *size});
    return reader.skip_bytes(*size);
  }

  Status read_external_entry(WireReader& reader, TensorProto& tensor) {
    const auto size = reader.length();
    if (!size) return size.error();
    const std::uint64_t end = reader.position() + *size;
    WireReader entry(file(), reader.position(), end);
    std::string key;
    std::string value;
    while (!entry.at_end()) {
      const auto at = entry.key();
      if (!at) return at.error();
      if (at->type != Type::length || (at->number != field::kEntryKey && at->number != field::kEntryValue)) {
        if (auto status = entry.skip(at->type); !status) return status;
        continue;
      }
      auto text = entry.text(limits_.max_name_bytes);
      if (!text) return text.error();
      (at->number == field::kEntryKey ? key : value) = std::move(*text);
    }
    if (key == "location" || key == "offset" || key == "length") tensor.external_data[key] = std::move(value);
    return reader.skip_bytes(*size);
  }

  Status finish_tensor(TensorProto& tensor) {
    TensorInfo& info = tensor.info;
    info.dtype = tensor.type.dtype;
    if (info.type_name.empty()) info.type_name = tensor.type.name;
    for (const std::int64_t dim : info.dims)
      if (dim < 0) return Error{.code = Errc::mismatch, .message = "a dim of " + std::to_string(dim)};
    if (info.dtype == DType::unknown) info.kind = Kind::opaque;
    if (info.dtype == DType::string) return place_text(tensor);
    if (tensor.external) return place_external(tensor);
    if (tensor.raw) {
      place(info, *tensor.raw);
      return {};
    }
    if (tensor.data != 0 && tensor.data != tensor.type.data) {
      if (info.kind != Kind::opaque)
        return Error{.code = Errc::malformed, .message = "has its values in a field of another type"};
      return Error{.code = Errc::unsupported,
                   .message = "has values of type " + info.type_name + " that are not raw_data"};
    }
    return place_values(tensor);
  }

  /// A scalar text becomes a str; several stay what they are, one behind the other.
  Status place_text(TensorProto& tensor) {
    TensorInfo& info = tensor.info;
    if (info.dims.empty() && tensor.runs.size() == 1) {
      std::string text;
      constexpr std::uint64_t kMaxText = std::uint64_t{1} << 20;
      if (tensor.runs[0].size > kMaxText) return Error{.code = Errc::limit, .message = "a text above 1 MiB"};
      text.resize(static_cast<std::size_t>(tensor.runs[0].size));
      if (auto status = file().read_at(tensor.runs[0].offset, std::as_writable_bytes(std::span(text))); !status)
        return status;
      if (const auto bytes = utf32_from_utf8(text)) {
        info.kind = Kind::string;
        info.dims = {0};
        return decode_aside(tensor, bytes->size(),
                            [bytes = *bytes](const Aside::Region& region) { return region.write(0, bytes); });
      }
    }
    info.kind = Kind::opaque;
    info.dtype = DType::unknown;
    place_runs(tensor);
    return {};
  }

  static void place_runs(TensorProto& tensor) {
    TensorInfo& info = tensor.info;
    info.extents = std::move(tensor.runs);
    for (const Extent& extent : info.extents) info.stored_size += extent.size;
    info.byte_size = info.stored_size;
    info.record_offset = info.extents.empty() ? tensor.begin : info.extents[0].offset;
  }

  Status place_values(TensorProto& tensor) {
    const bool fixed = tensor.data == field::kFloatData || tensor.data == field::kDoubleData || tensor.data == 0;
    if (fixed && !tensor.single) {
      place_runs(tensor);
      return {};
    }
    const auto size = tensor.info.expected_size();
    const std::uint64_t count = tensor.info.element_count().value_or(0);
    // A number needs a byte at least: dims that ask for more numbers than there are bytes allocate nothing.
    if (!size || count > tensor.values)
      return Error{.code = Errc::mismatch,
                   .message = "its dims ask for " +
                              (size ? std::to_string(count) + " values" : std::string("more than 2^63 bytes")) +
                              ", which cannot be in the " + std::to_string(tensor.values) + " bytes of its values"};
    TensorProto place_of_values{.begin = tensor.begin, .end = tensor.end, .data = tensor.data};
    place_of_values.info.dtype = tensor.info.dtype;
    return decode_aside(tensor, *size,
                        [source = sources_[0], from = std::move(place_of_values), fixed,
                         tensor_name = tensor.info.name](const Aside::Region& region) -> Status {
                          auto status =
                              fixed ? decode_fixed(*source, from, region) : decode_varints(*source, from, region);
                          if (status) return {};
                          Error error = status.error();
                          if (error.tensor.empty()) error.tensor = tensor_name;
                          return error;
                        });
  }

  Status decode_aside(TensorProto& tensor, std::uint64_t size, Aside::Decode decode) {
    const auto offset = aside_->add(size, std::move(decode));
    if (!offset) return offset.error();
    place_elsewhere(tensor.info, {.source = 1, .offset = *offset, .size = size}, tensor.begin);
    return {};
  }

  Status place_external(TensorProto& tensor) {
    const auto location = tensor.external_data.find("location");
    if (location == tensor.external_data.end())
      return Error{.code = Errc::malformed, .message = "its data is external, without a location"};
    if (places_ != nullptr) {
      auto& given = tensor.external_data;
      (*places_)[tensor.info.name] = {location->second, given["offset"], given["length"]};
      tensor.info.record_offset = tensor.begin;
      return {};
    }
    const auto number = [&](const char* key, std::uint64_t otherwise) -> Result<std::uint64_t> {
      const auto found = tensor.external_data.find(key);
      if (found == tensor.external_data.end()) return otherwise;
      std::uint64_t value = 0;
      const std::string& text = found->second;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc() || end != text.data() + text.size())
        return Error{.code = Errc::malformed,
                     .message = "its external data has the " + std::string(key) + " \"" + escape(text) + "\""};
      return value;
    };
    const auto source = external_source(location->second);
    if (!source) return source.error();
    const std::uint64_t there = sources_[*source]->size();
    const auto offset = number("offset", 0);
    if (!offset) return offset.error();
    if (*offset > there)
      return Error{.code = Errc::truncated,
                   .message = "its data starts at byte " + std::to_string(*offset) + " of \"" +
                              escape(location->second) + "\", which has " + std::to_string(there)};
    const auto expected = tensor.info.expected_size();
    const auto length = number("length", expected.value_or(there - *offset));
    if (!length) return length.error();
    if (expected && *length != *expected)
      return Error{.code = Errc::mismatch,
                   .message = "its dims and type ask for " + std::to_string(*expected) +
                              " bytes, its external data has the length " + std::to_string(*length)};
    if (*length > there - *offset)
      return Error{.code = Errc::truncated,
                   .message = "its data needs " + std::to_string(*length) + " bytes of \"" + escape(location->second) +
                              "\", " + std::to_string(there - *offset) + " are there"};
    place_elsewhere(tensor.info, {.source = *source, .offset = *offset, .size = *length}, tensor.begin);
    return {};
  }

  Result<std::uint32_t> external_source(const std::string& location) {
    if (const auto known = external_.find(location); known != external_.end()) return known->second;
    auto source = open_external(model_, location);
    if (!source) return std::move(source).error();
    sources_.push_back(std::move(*source));
    return external_[location] = static_cast<std::uint32_t>(sources_.size() - 1);
  }

  const std::filesystem::path& model_;
  const Limits& limits_;
  IndexBudget budget_;
  std::shared_ptr<Aside> aside_;
  std::vector<SourcePtr> sources_ = {};
  std::map<std::string, std::uint32_t> external_ = {};
  std::vector<TensorInfo> tensors_ = {};
  std::map<std::string, ExternalPlace>* places_ = nullptr;
};

}  // namespace

Result<Checkpoint> read_onnx(SourcePtr file, const std::filesystem::path& model, const ForeignOptions& options) {
  OnnxIndex index(std::move(file), model, options);
  if (auto status = index.read_model(); !status) return status.error();
  return index.finish();
}

Result<Checkpoint> read_onnx_alone(SourcePtr file, std::map<std::string, ExternalPlace>& places,
                                   const ForeignOptions& options) {
  const std::filesystem::path nowhere;
  OnnxIndex index(std::move(file), nowhere, options);
  index.leave_external(places);
  if (auto status = index.read_model(); !status) return status.error();
  return index.finish();
}

}  // namespace ckpt::containers

// safetensors: eight bytes with the length of a JSON header, the header, the tensors' bytes without holes.
// https://github.com/huggingface/safetensors#format
#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aside.h"
#include "ckpt/element.h"
#include "ckpt/output_file.h"
#include "ckpt/text.h"
#include "containers.h"
#include "index_budget.h"
#include "saving.h"

namespace ckpt::containers {
namespace {

constexpr std::uint64_t kMaxHeader = 100'000'000;  // what its own library takes
constexpr std::uint64_t kLengthBytes = 8;
constexpr std::string_view kMetadata = "__metadata__";
constexpr std::string_view kFramework = "format";
constexpr std::string_view kCrc = "crc_num";
constexpr std::string_view kTextKey = "str:";  // a str entry's key in the metadata is this and its name
constexpr std::string_view kInt4 = "Int4";     // MindSpore's mark: the tensor of that key has two values a byte

struct TypeName {
  DType dtype;
  std::string_view name;
};

constexpr std::array kTypeNames = {
    TypeName{DType::boolean, "BOOL"},
    TypeName{DType::int8, "I8"},
    TypeName{DType::int16, "I16"},
    TypeName{DType::int32, "I32"},
    TypeName{DType::int64, "I64"},
    TypeName{DType::uint8, "U8"},
    TypeName{DType::uint16, "U16"},
    TypeName{DType::uint32, "U32"},
    TypeName{DType::uint64, "U64"},
    TypeName{DType::float16, "F16"},
    TypeName{DType::bfloat16, "BF16"},
    TypeName{DType::float32, "F32"},
    TypeName{DType::float64, "F64"},
    TypeName{DType::complex64, "C64"},
    TypeName{DType::float8_e4m3fn, "F8_E4M3"},
    TypeName{DType::float8_e5m2, "F8_E5M2"},
};

DType dtype_of(std::string_view name) {
  for (const TypeName& type : kTypeNames)
    if (type.name == name) return type.dtype;
  return DType::unknown;
}

std::string_view name_of(DType dtype) {
  if (dtype == DType::int4) dtype = DType::int8;
  for (const TypeName& type : kTypeNames)
    if (type.dtype == dtype) return type.name;
  return {};
}

Error malformed(std::string message, std::string tensor = {}) {
  return {.code = Errc::malformed, .tensor = std::move(tensor), .message = std::move(message)};
}

// ---- reading ----

struct Range {
  std::uint64_t begin = 0;  // behind the header
  std::uint64_t end = 0;
};

struct Header {
  std::vector<TensorInfo> tensors = {};
  std::vector<Range> ranges = {};  // their data_offsets
  std::map<std::string, std::string> metadata = {};
  std::vector<std::string> keys = {};  // of the metadata's texts, in order
};

/// Takes the header's JSON event by event, and stops it at the first thing that does not belong there: no document is
/// built, and nothing nests deeper than the format does.
class HeaderParser : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderParser(Header& header, const Limits& limits) : header_(header), limits_(limits), budget_(limits) {}

  std::optional<Error> error = {};

  bool start_object(std::size_t) override {
    switch (state_) {
      case State::start:
        return enter(State::name);
      case State::value:
        if (in_metadata_) return enter(State::metadata);
        header_.tensors.emplace_back().name = std::move(name_);
        header_.ranges.emplace_back();
        seen_ = {};
        return enter(State::field);
      default:
        return unexpected("an object");
    }
  }

  bool key(std::string& text) override {
    switch (state_) {
      case State::name:
        name_ = std::move(text);
        in_metadata_ = name_ == kMetadata;
        if (in_metadata_ && std::exchange(has_metadata_, true)) return fail("has __metadata__ twice");
        return enter(State::value);
      case State::metadata:
        key_ = std::move(text);
        return enter(State::text);
      case State::field:
        return field(text);
      default:
        return unexpected("a key");
    }
  }

  bool string(std::string& text) override {
    if (state_ == State::text) {
      const auto [at, is_new] = header_.metadata.emplace(std::move(key_), std::move(text));
      if (!is_new) return fail("has a key of its __metadata__ twice");
      if (at->first.starts_with(kTextKey)) header_.keys.push_back(at->first);
      return enter(State::metadata);
    }
    if (state_ != State::dtype) return unexpected("a text");
    info().type_name = std::move(text);
    info().dtype = dtype_of(info().type_name);
    return enter(State::field);
  }

  bool start_array(std::size_t) override {
    numbers_ = 0;
    if (state_ == State::shape) return enter(State::dims);
    if (state_ == State::offsets) return enter(State::range);
    return unexpected("an array");
  }

  bool number_unsigned(std::uint64_t value) override {
    if (state_ == State::dims) {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return fail("a dim of " + std::to_string(value));
      if (++numbers_ > limits_.max_dims)
        return fail("more than " + std::to_string(limits_.max_dims) + " dims", Errc::limit);
      info().dims.push_back(static_cast<std::int64_t>(value));
      return true;
    }
    if (state_ != State::range) return unexpected("a number");
    if (++numbers_ > 2) return fail("data_offsets are two numbers, a begin and an end");
    (numbers_ == 1 ? header_.ranges.back().begin : header_.ranges.back().end) = value;
    return true;
  }

  bool end_array() override {
    if (state_ == State::range && numbers_ != 2) return fail("data_offsets are two numbers, a begin and an end");
    return enter(State::field);
  }

  bool end_object() override {
    if (state_ == State::name) return enter(State::end);
    if (state_ == State::metadata) return enter(State::name);
    for (std::size_t i = 0; i < kFields.size(); ++i)
      if (!seen_[i]) return fail("has no " + std::string(kFields[i]));
    if (auto status = budget_.add(info()); !status) return stop(status.error());
    return enter(State::name);
  }

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("true or false"); }
  bool number_integer(std::int64_t value) override {
    return state_ == State::dims ? fail("a dim of " + std::to_string(value)) : unexpected("a negative number");
  }
  bool number_float(double, const std::string&) override { return unexpected("a fraction, or a number above 2^64"); }
  bool binary(binary_t&) override { return unexpected("binary"); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    const Error at{.offset = kLengthBytes + position - (position > 0), .message = "the header is not JSON"};
    return stop(at);
  }

 private:
  enum class State : std::uint8_t {
    start,
    name,
    value,
    field,
    dtype,
    shape,
    dims,
    offsets,
    range,
    metadata,
    text,
    end
  };
  static constexpr std::array<std::string_view, 3> kFields = {"dtype", "shape", "data_offsets"};

  TensorInfo& info() { return header_.tensors.back(); }
  bool enter(State state) {
    state_ = state;
    return true;
  }

  bool field(const std::string& text) {
    constexpr std::array kStates = {State::dtype, State::shape, State::offsets};
    for (std::size_t i = 0; i < kFields.size(); ++i) {
      if (text != kFields[i]) continue;
      if (std::exchange(seen_[i], true)) return fail("has its " + text + " twice");
      return enter(kStates[i]);
    }
    return fail("has a field \"" + escape(text) + "\", which safetensors does not know");
  }

  // What is there that must not be: said of the tensor, of the metadata, or of the whole.
  bool unexpected(const std::string& what) {
    if (in_metadata_ && state_ != State::name && state_ != State::end)
      return fail("its __metadata__ is not a map of texts: it has " + what +
                  " (a tensor cannot have that name in safetensors)");
    if (state_ == State::start || state_ == State::end) return fail("the header is no JSON object");
    if (state_ == State::value) return stop(malformed("is described by " + what + ", not an object", std::move(name_)));
    return fail("has " + what + " where safetensors has something else");
  }

  bool fail(std::string message, Errc code = Errc::malformed) {
    const bool in_tensor = state_ >= State::field && state_ <= State::range;
    return stop({.code = code, .tensor = in_tensor ? info().name : std::string(), .message = std::move(message)});
  }

  bool stop(Error why) {
    error = std::move(why);
    return false;
  }

  Header& header_;
  const Limits& limits_;
  IndexBudget budget_;
  State state_ = State::start;
  bool in_metadata_ = false;
  bool has_metadata_ = false;
  std::array<bool, 3> seen_ = {};
  std::uint64_t numbers_ = 0;
  std::string name_ = {};
  std::string key_ = {};
};

Result<std::string> read_header(const Source& file) {
  std::array<std::byte, kLengthBytes> bytes;
  if (file.size() < kLengthBytes)
    return Error{.code = Errc::truncated,
                 .offset = 0,
                 .message = "a header's length needs 8 bytes, " + std::to_string(file.size()) + " are there"};
  if (auto status = file.read_at(0, bytes); !status) return status.error();
  std::uint64_t length = 0;
  for (std::size_t i = kLengthBytes; i-- > 0;) length = (length << 8) | std::to_integer<std::uint64_t>(bytes[i]);
  if (length == 0) return Error{.code = Errc::malformed, .offset = 0, .message = "a header of no bytes"};
  if (length > kMaxHeader)
    return Error{.code = Errc::limit,
                 .offset = 0,
                 .message = "a header of " + std::to_string(length) + " bytes; safetensors allows 100000000"};
  if (length > file.size() - kLengthBytes)
    return Error{.code = Errc::truncated,
                 .offset = 0,
                 .message = "a header of " + std::to_string(length) + " bytes, of which " +
                            std::to_string(file.size() - kLengthBytes) + " are there"};
  std::string header(static_cast<std::size_t>(length), '\0');
  if (auto status = file.read_at(kLengthBytes, std::as_writable_bytes(std::span(header))); !status)
    return status.error();
  if (header[0] != '{')
    return Error{.code = Errc::malformed, .offset = kLengthBytes, .message = "the header does not start with '{'"};
  return header;
}

std::string text_of(const Range& range) {
  return "[" + std::to_string(range.begin) + ", " + std::to_string(range.end) + "]";
}

/// Before the offsets: those of a tensor that comes twice are wrong, too, but that is not what is to be said.
Status check_names(Header& header) {
  std::set<std::string_view> names;
  for (const TensorInfo& tensor : header.tensors)
    if (!names.insert(tensor.name).second) return malformed("comes twice", tensor.name);
  // What would be a str of a tensor's name is no text of ours: anything may stand in the metadata.
  std::erase_if(header.keys, [&](std::string_view key) { return names.contains(key.substr(kTextKey.size())); });
  return {};
}

/// That the tensors cover the bytes behind the header one after the other, as the format demands: an overlap would be
/// data with two meanings, a hole a place to hide something.
Status check_layout(const Header& header, std::uint64_t data_size) {
  std::vector<std::size_t> by_place(header.ranges.size());
  std::iota(by_place.begin(), by_place.end(), std::size_t{0});
  const auto place_of = [&](std::size_t i) { return std::pair(header.ranges[i].begin, header.ranges[i].end); };
  const auto before = [&](std::size_t a, std::size_t b) { return place_of(a) < place_of(b); };
  if (!std::is_sorted(by_place.begin(), by_place.end(), before))
    std::stable_sort(by_place.begin(), by_place.end(), before);
  std::uint64_t at = 0;
  const std::string* last = nullptr;
  for (const std::size_t i : by_place) {
    const Range& range = header.ranges[i];
    const std::string& name = header.tensors[i].name;
    const auto fail = [&](Errc code, const std::string& why) -> Status {
      return Error{.code = code, .tensor = name, .message = "data_offsets " + text_of(range) + why};
    };
    if (range.end < range.begin) return fail(Errc::malformed, ": the end is in front of the begin");
    if (range.begin < at) return fail(Errc::malformed, " overlap those of \"" + escape(*last) + "\"");
    if (range.begin > at)
      return fail(Errc::malformed, range.begin - at == 1
                                       ? ": 1 byte in front is no tensor's"
                                       : ": " + std::to_string(range.begin - at) + " bytes in front are no tensor's");
    if (range.end > data_size)
      return fail(Errc::truncated, ", and behind the header the file has " + std::to_string(data_size));
    at = range.end;
    last = &name;
  }
  if (at < data_size)
    return Error{.code = Errc::malformed,
                 .message = at + 1 == data_size
                                ? "the last byte is no tensor's"
                                : "the last " + std::to_string(data_size - at) + " bytes are no tensor's"};
  return {};
}

Status finish_tensor(TensorInfo& info, const Range& range, Header& header, std::uint64_t data_offset) {
  if (info.dtype == DType::unknown) info.kind = Kind::opaque;
  if (info.dtype == DType::int8)
    if (const auto found = header.metadata.find(info.name); found != header.metadata.end() && found->second == kInt4) {
      info.dtype = DType::int4;
      header.metadata.erase(found);  // it is no text, even if it looks like one
    }
  const std::uint64_t size = range.end - range.begin;
  const auto expected = info.expected_size();
  if (info.kind == Kind::tensor && expected != size)
    return Error{.code = Errc::mismatch,
                 .tensor = info.name,
                 .message = "its shape and dtype ask for " +
                            (expected ? std::to_string(*expected) : std::string("more than 2^63")) +
                            " bytes, its data_offsets " + text_of(range) + " give " + std::to_string(size)};
  place(info, {.source = 0, .offset = data_offset + range.begin, .size = size});
  return {};
}

Result<TensorInfo> text_entry(std::string_view name, const std::string& text, Aside& aside) {
  TensorInfo info;
  info.name = name;
  info.dtype = DType::string;
  info.type_name = ckpt::name(DType::string);
  info.kind = Kind::string;
  info.dims = {0};
  auto bytes = utf32_from_utf8(text);  // which JSON's is, always
  if (!bytes) return malformed("is not UTF-8", info.name);
  const std::uint64_t size = bytes->size();
  auto offset =
      aside.add(size, [text = std::move(*bytes)](const Aside::Region& region) { return region.write(0, text); });
  if (!offset) return offset.error();
  place_elsewhere(info, {.source = 1, .offset = *offset, .size = size}, kLengthBytes);  // the header
  return info;
}

}  // namespace

Result<Checkpoint> read_safetensors(SourcePtr file, const ForeignOptions& options) {
  auto text = read_header(*file);
  if (!text) return std::move(text).error();
  Header header;
  HeaderParser parser(header, options.limits);
  if (!nlohmann::json::sax_parse(*text, &parser)) return std::move(*parser.error);
  const std::uint64_t data_offset = kLengthBytes + text->size();
  text->clear();
  text->shrink_to_fit();

  if (auto status = check_names(header); !status) return status.error();
  if (auto status = check_layout(header, file->size() - data_offset); !status) return status.error();
  for (std::size_t i = 0; i < header.tensors.size(); ++i)
    if (auto status = finish_tensor(header.tensors[i], header.ranges[i], header, data_offset); !status)
      return status.error();
  std::vector<TensorInfo> tensors = std::move(header.tensors);
  auto aside = std::make_shared<Aside>(options.max_decoded_bytes);
  IndexBudget budget(options.limits);
  for (const std::string& key : header.keys) {
    const auto text_of_key = header.metadata.find(key);
    if (text_of_key == header.metadata.end()) continue;
    auto entry = text_entry(key.substr(kTextKey.size()), text_of_key->second, *aside);
    if (!entry) return std::move(entry).error();
    if (auto status = budget.add(*entry); !status) return status.error();
    tensors.push_back(std::move(*entry));
  }
  if (auto status = file->verify_unchanged(); !status) return status.error();
  std::vector<SourcePtr> sources = {std::move(file)};
  if (!aside->empty()) sources.push_back(std::move(aside));
  return make_checkpoint(std::move(sources), std::move(tensors));
}

// ---- writing ----

std::string why_not_safetensors(const OutputEntry& entry) {
  const TensorInfo& tensor = *entry.tensor;
  if (entry.name == kMetadata && tensor.kind != Kind::string) return "safetensors keeps that name for itself";
  if (tensor.kind == Kind::map) return "safetensors has no map parameters";
  if (tensor.kind == Kind::string) return {};
  if (tensor.kind == Kind::opaque || name_of(tensor.dtype).empty()) return "safetensors has no type " + type_of(tensor);
  return {};
}

namespace {

using nlohmann::json;

std::string json_text(std::string_view text) { return json(text).dump(); }

/// A str as UTF-8, with the NULs at its end that a Checkpoint's read_string leaves out: it comes back as it was. One
/// NUL alone is the empty text.
Result<std::string> whole_text(const Checkpoint& from, const TensorInfo& tensor) {
  auto text = from.read_string(tensor);
  if (!text) return text;
  const auto count = [](std::string_view utf8) {
    return static_cast<std::uint64_t>(
        std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
  };
  const std::uint64_t points = tensor.byte_size / 4;
  if (!(text->empty() && points == 1)) text->append(static_cast<std::size_t>(points - count(*text)), '\0');
  return text;
}

/// The tensors in the order of their bytes, and of the header: MindSpore's reader wants both to be one. Larger elements
/// come first, so that each tensor is aligned where the header's end is; else the order is as given.
std::vector<const OutputEntry*> placed(std::span<const OutputEntry> entries) {
  std::vector<const OutputEntry*> order;
  for (const OutputEntry& entry : entries)
    if (entry.tensor->kind == Kind::tensor) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(), [](const OutputEntry* a, const OutputEntry* b) {
    return size_of(a->tensor->dtype) > size_of(b->tensor->dtype);
  });
  return order;
}

using Metadata = std::vector<std::pair<std::string, std::string>>;

Result<Metadata> metadata_for(const Checkpoint& from, std::span<const OutputEntry> entries,
                              const SaveOptions& options) {
  Metadata metadata = {{std::string(kFramework), options.framework}};
  if (options.crc) metadata.emplace_back(kCrc, "");
  std::set<std::string_view> names;
  for (const OutputEntry& entry : entries) names.insert(entry.name);
  for (const OutputEntry& entry : entries) {
    std::string key = entry.name;
    std::string value(kInt4);
    if (entry.tensor->kind == Kind::string) {
      auto text = whole_text(from, *entry.tensor);
      if (!text) return std::move(text).error();
      key = std::string(kTextKey) + entry.name;
      value = std::move(*text);
    } else if (entry.tensor->dtype != DType::int4) {
      continue;
    }
    const bool is_taken =
        entry.tensor->kind == Kind::string ? names.contains(key) : key == kFramework || (options.crc && key == kCrc);
    if (is_taken)
      return Error{.code = Errc::usage,
                   .tensor = entry.name,
                   .message = "what __metadata__ would say of it, it says of something else, too"};
    metadata.emplace_back(std::move(key), std::move(value));
  }
  return metadata;
}

std::string header_text(std::span<const OutputEntry* const> order, const Metadata& metadata) {
  std::string text = "{" + json_text(kMetadata) + ":{";
  for (const auto& [key, value] : metadata)
    text += (text.back() == '{' ? "" : ",") + json_text(key) + ":" + json_text(value);
  text += "}";
  std::uint64_t at = 0;
  for (const OutputEntry* entry : order) {
    const TensorInfo& tensor = *entry->tensor;
    text += "," + json_text(entry->name) + R"(:{"dtype":")" + std::string(name_of(tensor.dtype)) + R"(","shape":[)";
    for (std::size_t d = 0; d < tensor.dims.size(); ++d) text += (d == 0 ? "" : ",") + std::to_string(tensor.dims[d]);
    text += "],\"data_offsets\":[" + std::to_string(at) + "," + std::to_string(at + tensor.byte_size) + "]}";
    at += tensor.byte_size;
  }
  return text + "}";
}

/// MindSpore's checksum: the CRC-32 of name and bytes of each tensor, sorted by name. It makes the bytes with Python's
/// bytes(array), which takes an array of one integer without dims for a length, and gives as many zeros.
class NamedCrc {
 public:
  explicit NamedCrc(const Checkpoint& from) : from_(from) {}

  Status add(const OutputEntry& entry, std::uint32_t crc) {
    const TensorInfo& tensor = *entry.tensor;
    if (!tensor.dims.empty() || !is_integer(tensor.dtype)) {
      parts_[entry.name] = {crc, tensor.byte_size};
      return {};
    }
    std::array<std::byte, 8> bytes = {};
    if (auto status = from_.read(tensor, 0, std::span(bytes).first(size_of(tensor.dtype))); !status) return status;
    double value = 0;
    to_double(tensor.dtype == DType::int4 ? DType::int8 : tensor.dtype, bytes, {&value, 1});
    constexpr double kMost = 1 << 30;
    if (value < 0 || value > kMost)
      return Error{
          .code = Errc::unsupported,
          .tensor = entry.name,
          .message = "MindSpore takes a scalar integer for a length where it makes a checksum, and fails for " +
                     element_text(tensor.dtype == DType::int4 ? DType::int8 : tensor.dtype,
                                  std::span(bytes).first(size_of(tensor.dtype)))};
    const auto length = static_cast<std::uint64_t>(value);
    parts_[entry.name] = {crc_of_zeros(length), length};
    return {};
  }

  std::uint32_t value() const {
    std::uint32_t crc = 0;
    for (const auto& [name, part] : parts_)
      crc = joined_crc(crc_of(crc, std::as_bytes(std::span(name))), part.crc, part.size);
    return crc;
  }

 private:
  struct Part {
    std::uint32_t crc = 0;
    std::uint64_t size = 0;
  };

  static bool is_integer(DType dtype) { return dtype >= DType::int4 && dtype <= DType::uint64; }

  static std::uint32_t crc_of_zeros(std::uint64_t count) {
    static constexpr std::array<std::byte, 65536> kZeros = {};
    std::uint32_t crc = 0;
    for (std::uint64_t step = 0; count > 0; count -= step) {
      step = std::min<std::uint64_t>(count, kZeros.size());
      crc = crc_of(crc, std::span(kZeros).first(static_cast<std::size_t>(step)));
    }
    return crc;
  }

  const Checkpoint& from_;
  std::map<std::string, Part> parts_ = {};
};

}  // namespace

Status write_safetensors(const std::filesystem::path& path, const Checkpoint& from,
                         std::span<const OutputEntry> entries, const SaveOptions& options) {
  if (auto status = check_entries(FileFormat::safetensors, entries); !status) return status;
  auto metadata = metadata_for(from, entries, options);
  if (!metadata) return metadata.error();
  const auto order = placed(entries);
  std::string header = header_text(order, *metadata);
  // Room for the digits that are not known yet; then to a multiple of eight, so that the data is aligned.
  constexpr std::size_t kCrcDigits = 10;
  const std::size_t text_size = header.size() + (options.crc ? kCrcDigits : 0);
  header.resize((text_size + 7) / 8 * 8, ' ');
  if (header.size() > kMaxHeader)
    return Error{.code = Errc::limit,
                 .message = "names and texts make a header of " + std::to_string(header.size()) +
                            " bytes; safetensors allows 100000000"};
  std::array<std::byte, kLengthBytes> length;
  for (std::size_t i = 0; i < kLengthBytes; ++i) length[i] = static_cast<std::byte>(header.size() >> (8 * i));

  auto file = OutputFile::create(path, output_options(options));
  if (!file) return std::move(file).error();
  if (auto status = file->append(length); !status) return status;
  if (auto status = file->append(std::as_bytes(std::span(header))); !status) return status;
  std::uint64_t total = 0;
  for (const OutputEntry* entry : order) total += entry->tensor->byte_size;
  EntryCopier copier(end_of(*file), from, total, options.crc, options.progress);
  NamedCrc crc(from);
  for (const OutputEntry* entry : order) {
    if (auto status = copier.copy(*entry); !status) return status;
    if (!options.crc) continue;
    if (auto status = crc.add(*entry, copier.last_crc()); !status) return status;
  }
  if (auto status = copier.finish(); !status) return status;
  if (options.crc) {
    (*metadata)[1].second = std::to_string(crc.value());
    std::string patched = header_text(order, *metadata);
    patched.resize(header.size(), ' ');
    if (auto status = file->overwrite(kLengthBytes, std::as_bytes(std::span(patched))); !status) return status;
  }
  return file->commit();
}

}  // namespace ckpt::containers

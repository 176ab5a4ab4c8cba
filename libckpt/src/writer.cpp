#include "ckpt/writer.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <system_error>
#include <unordered_set>
#include <utility>
#include <vector>

#include "cipher_blocks.h"
#include "ckpt/output_file.h"
#include "ckpt/text.h"
#include "crc32.h"
#include "index.h"
#include "name_length.h"
#include "slicing.h"
#include "trailer.h"
#include "wire.h"
#include "writable.h"

namespace ckpt {
namespace {

// checkpoint.proto: the key byte of each field (its number and wire type).
constexpr std::byte kFileValue{0x0a};
constexpr std::byte kFileModelType{0x12};
constexpr std::byte kValueTag{0x0a};
constexpr std::byte kValueTensor{0x12};
constexpr std::byte kTensorDims{0x08};
constexpr std::byte kTensorType{0x12};
constexpr std::byte kTensorContent{0x1a};

constexpr std::size_t kCopyBytes = std::size_t{256} << 10;
constexpr std::int64_t kMaxDim = std::numeric_limits<std::int32_t>::max();
constexpr std::uint64_t kMinStringBytes = 4;  // one code point: MindSpore fails on less

Error usage(std::string_view tensor, std::string message) {
  return {.code = Errc::usage, .tensor = std::string(tensor), .message = std::move(message)};
}

Error mismatch(std::string_view tensor, std::string message) {
  return {.code = Errc::mismatch, .tensor = std::string(tensor), .message = std::move(message)};
}

void add_varint(std::vector<std::byte>& out, std::uint64_t value) {
  std::array<std::byte, wire::kMaxVarintBytes> bytes;
  const std::size_t size = wire::encode_varint(value, bytes);
  out.insert(out.end(), bytes.begin(), bytes.begin() + size);
}

void add_text(std::vector<std::byte>& out, std::byte key, std::string_view text) {
  out.push_back(key);
  add_varint(out, text.size());
  const auto bytes = std::as_bytes(std::span(text));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

/// Bytes of a length-delimited field with its key.
std::uint64_t field_size(std::uint64_t length) { return 1 + wire::varint_size(length) + length; }

constexpr wire::FieldKey kRecordKey{1, wire::Type::length};
constexpr wire::FieldKey kTagKey{1, wire::Type::length};

/// A field of a file that was scanned before.
struct Field {
  wire::FieldKey key = {};
  std::uint64_t content = 0;  // where its value starts
  std::uint64_t end = 0;
};

/// Of a group only its start or end: what is in it are fields as well.
Result<Field> field_at(const Source& source, std::uint64_t offset, std::uint64_t end) {
  std::array<std::byte, 2 * wire::kMaxVarintBytes> head;
  const auto bytes =
      std::span(head).first(static_cast<std::size_t>(std::min<std::uint64_t>(head.size(), end - offset)));
  if (auto status = source.read_at(offset, bytes); !status) return status.error();
  const Error changed{.code = Errc::changed, .offset = offset, .message = "the file was rewritten while it was read"};
  const wire::Varint number = wire::decode_varint(bytes);
  const auto key = wire::field_key(number.value);
  if (number.size == 0 || !key) return changed;
  const wire::Varint value = wire::decode_varint(bytes.subspan(number.size));
  Field field{.key = *key, .content = offset + number.size};
  const auto ends_behind = [&](std::uint64_t size) -> Result<Field> {
    if (size > end - field.content) return changed;
    field.end = field.content + size;
    return field;
  };
  switch (key->type) {
    case wire::Type::fixed64:
      return ends_behind(8);
    case wire::Type::fixed32:
      return ends_behind(4);
    case wire::Type::start_group:
    case wire::Type::end_group:
      return ends_behind(0);
    case wire::Type::varint:
      return value.size == 0 ? Result<Field>(changed) : ends_behind(value.size);
    case wire::Type::length:
      field.content += value.size;
      return value.size == 0 || field.content > end ? Result<Field>(changed) : ends_behind(value.value);
  }
  return changed;
}

std::string_view type_name(const TensorDesc& desc) {
  return desc.type_name.empty() ? name(desc.dtype) : std::string_view(desc.type_name);
}

Status check_size(const TensorDesc& desc, std::uint64_t byte_size) {
  if (desc.dtype == DType::string) {
    if (byte_size < kMinStringBytes) return usage(desc.name, "a str needs one code point at least: 4 bytes");
    if (byte_size % 4 != 0)
      return mismatch(desc.name, "a str of " + std::to_string(byte_size) + " bytes is not UTF-32");
  }
  if (size_of(desc.dtype) == 0) {
    if (byte_size > kSliceBytes) return usage(desc.name, "only tensors can be above 512 MiB");
    return {};
  }
  const auto expected = desc.expected_size();
  if (expected == byte_size) return {};
  return mismatch(desc.name, "its dims and type ask for " +
                                 (expected ? std::to_string(*expected) : std::string("more than 2^63")) +
                                 " bytes, not " + std::to_string(byte_size));
}

Status check_name(std::string_view name, bool of_parameter) {
  const Limits limits;
  if (!is_utf8(name)) return usage(name, "the name is not UTF-8");
  if (name.size() > limits.max_name_bytes)
    return usage({}, "a name of " + std::to_string(name.size()) + " bytes; the limit is " +
                         std::to_string(limits.max_name_bytes));
  if (const std::size_t length = length_of(name); of_parameter && length > kMaxNameLength)
    return usage({}, "a name of " + std::to_string(length) + " characters; MindSpore reads " +
                         std::to_string(kMaxNameLength) + " at most");
  return {};
}

/// The fields of a TensorProto in front of its content: the same in every slice.
std::vector<std::byte> tensor_fields(const TensorDesc& desc, Profile profile) {
  std::vector<std::byte> fields;
  const auto add_dim = [&](std::int64_t dim) {
    fields.push_back(kTensorDims);
    add_varint(fields, static_cast<std::uint64_t>(dim));
  };
  if (desc.dtype == DType::string || (desc.dims.empty() && profile == Profile::classic)) {
    add_dim(0);
  } else {
    for (const std::int64_t dim : desc.dims) add_dim(dim);
  }
  add_text(fields, kTensorType, type_name(desc));
  return fields;
}

}  // namespace

Status check_writable(const TensorDesc& desc, std::uint64_t byte_size) {
  const Limits limits;
  if (auto status = check_name(desc.name, desc.dtype != DType::string); !status) return status;
  if (desc.dtype == DType::unknown && desc.type_name.empty())
    return usage(desc.name, "its element type is not known, and no type_name is given");
  if (!is_utf8(desc.type_name) || desc.type_name.size() > limits.max_name_bytes)
    return usage(desc.name, "its type_name is not UTF-8, or too long");
  if (!desc.type_name.empty() && dtype_from_name(desc.type_name) != desc.dtype)
    return mismatch(desc.name, "its dtype is " + std::string(name(desc.dtype)) + ", but its type_name is \"" +
                                   escape(desc.type_name) + '"');
  if (desc.dims.size() > limits.max_dims)
    return usage(desc.name,
                 std::to_string(desc.dims.size()) + " dims; the limit is " + std::to_string(limits.max_dims));
  for (const std::int64_t dim : desc.dims)
    if (dim < 0 || dim > kMaxDim)
      return usage(desc.name, "a dim of " + std::to_string(dim) + "; MindSpore reads 0 to " + std::to_string(kMaxDim));
  return check_size(desc, byte_size);
}

struct Writer::Impl {
  Impl(OutputFile&& output, const WriteOptions& write_options) : file(std::move(output)), options(write_options) {}

  Status start_cipher();
  Status keep_records(const Checkpoint& old, const Source& bytes);

  Status begin(const TensorDesc& desc, std::uint64_t byte_size);
  Status append(std::span<const std::byte> bytes);
  Status append(const Source& from, std::uint64_t offset, std::uint64_t size);
  Status copy(const Checkpoint& from, const TensorInfo& tensor, std::string_view new_name);
  Status copy_renamed(const Source& from, const TensorInfo& tensor, std::string_view new_name);
  Status finish();

  Status expect_no_open_entry() const;
  Status start_record();
  Status put(std::span<const std::byte> plain);
  Status put_source(const Source& from, std::uint64_t offset, std::uint64_t size);
  std::span<std::byte> copy_buffer();

  /// Runs one call of the interface: nothing after the first failure.
  template <class Call>
  Status guarded(Call call) {
    if (stopped) return *stopped;
    Status status = call();
    if (!status) stopped = status.error();
    return status;
  }

  OutputFile file;
  WriteOptions options;
  std::optional<BlockEncryptor> cipher = {};
  std::optional<Error> stopped = {};  // what every further call returns
  std::unordered_set<std::string> names = {};
  std::uint32_t crc = 0;
  Tail tail = {};  // of the plaintext
  std::vector<std::byte> buffer = {};

  // The entry being written.
  std::string name = {};
  std::vector<std::byte> fields = {};
  std::size_t element_size = 0;
  std::uint64_t byte_size = 0;
  std::uint64_t left = 0;            // bytes to come, of the entry
  std::uint64_t left_in_record = 0;  // and of its current record
  std::uint64_t next_slice = 0;
};

Status Writer::Impl::start_cipher() {
  if (!options.key) return {};
  auto encryptor = BlockEncryptor::create(
      {.append = [this](std::span<const std::byte> bytes) { return file.append(bytes); },
       .overwrite = [this](std::uint64_t offset,
                           std::span<const std::byte> bytes) { return file.overwrite(offset, bytes); },
       .position = file.size()},
      *options.key, options.mode);
  if (!encryptor) return encryptor.error();
  cipher.emplace(std::move(*encryptor));
  return {};
}

// Takes over the records of the file that is extended; `bytes` is that file as it is on disk.
Status Writer::Impl::keep_records(const Checkpoint& old, const Source& bytes) {
  const Index& index = index_of(old);
  for (const TensorInfo& tensor : index.tensors) names.insert(tensor.name);
  const std::uint64_t plain_size = index.trailer ? index.trailer->offset : index.plain_size;
  if (!index.encryption) {
    if (auto status = put_source(old.source(), 0, plain_size); !status) return status;
    if (index.trailer && (index.trailer->oversized || index.trailer->crc != crc))
      return mismatch({}, "its CRC trailer does not match its contents");
  } else {
    // A trailer in clear behind the blocks, a habit of one MindSpore, makes a file unreadable there: it is dropped.
    const std::uint64_t size = index.file_size - (index.clear_trailer ? kTrailerBytes : 0);
    if (auto status = file.append_source(bytes, 0, size); !status) return status;
    std::array<std::byte, kTrailerBytes> last;
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(plain_size, last.size()));
    if (auto status = old.source().read_at(plain_size - take, std::span(last).first(take)); !status) return status;
    tail.add(std::span(last).first(take));
  }
  return bytes.verify_unchanged();
}

Status Writer::Impl::expect_no_open_entry() const {
  if (left == 0) return {};
  return usage(
      name, "only " + std::to_string(byte_size - left) + " of its " + std::to_string(byte_size) + " bytes were given");
}

Status Writer::Impl::begin(const TensorDesc& desc, std::uint64_t size) {
  if (auto status = expect_no_open_entry(); !status) return status;
  if (auto status = check_writable(desc, size); !status) return status;
  if (!names.insert(desc.name).second) return usage(desc.name, "an earlier entry has this name");
  name = desc.name;
  fields = tensor_fields(desc, options.profile);
  element_size = size_of(desc.dtype);
  byte_size = left = size;
  next_slice = 0;
  return start_record();
}

// `0a len(Value)  0a len tag  12 len(TensorProto) fields  1a len content`, up to the content.
Status Writer::Impl::start_record() {
  left_in_record = slice_size(options.profile, byte_size, element_size, next_slice++);
  const std::uint64_t tensor_size = fields.size() + field_size(left_in_record);
  std::vector<std::byte> head;
  head.reserve(64 + name.size() + fields.size());
  head.push_back(kFileValue);
  add_varint(head, field_size(name.size()) + field_size(tensor_size));
  add_text(head, kValueTag, name);
  head.push_back(kValueTensor);
  add_varint(head, tensor_size);
  head.insert(head.end(), fields.begin(), fields.end());
  head.push_back(kTensorContent);
  add_varint(head, left_in_record);
  return put(head);
}

Status Writer::Impl::append(std::span<const std::byte> bytes) {
  if (bytes.size() > left) return usage(name, "more bytes than the " + std::to_string(byte_size) + " announced");
  while (!bytes.empty()) {
    if (left_in_record == 0)
      if (auto status = start_record(); !status) return status;
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), left_in_record));
    if (auto status = put(bytes.first(take)); !status) return status;
    bytes = bytes.subspan(take);
    left -= take;
    left_in_record -= take;
  }
  return {};
}

Status Writer::Impl::append(const Source& from, std::uint64_t offset, std::uint64_t size) {
  if (size > left) return usage(name, "more bytes than the " + std::to_string(byte_size) + " announced");
  while (size > 0) {
    if (left_in_record == 0)
      if (auto status = start_record(); !status) return status;
    const std::uint64_t take = std::min(size, left_in_record);
    if (auto status = put_source(from, offset, take); !status) return status;
    offset += take;
    size -= take;
    left -= take;
    left_in_record -= take;
  }
  return {};
}

Status Writer::Impl::copy(const Checkpoint& from, const TensorInfo& tensor, std::string_view new_name) {
  if (auto status = expect_no_open_entry(); !status) return status;
  if (tensor.record_size != 0) {
    if (new_name != tensor.name)  // its own is kept whatever it is
      if (auto status = check_name(new_name, tensor.kind == Kind::tensor); !status) return status;
    if (!names.insert(std::string(new_name)).second) return usage(new_name, "an earlier entry has this name");
    if (auto status = new_name == tensor.name ? put_source(from.source(), tensor.record_offset, tensor.record_size)
                                              : copy_renamed(from.source(), tensor, new_name);
        !status)
      return status;
    return from.source().verify_unchanged();
  }
  if (tensor.kind == Kind::map) return usage(tensor.name, "a map parameter can only be copied from a .ckpt");
  TensorDesc desc = tensor;
  desc.name = new_name;
  if (desc.dtype != DType::unknown) desc.type_name.clear();  // that container's spelling
  if (auto status = begin(desc, tensor.byte_size); !status) return status;
  if (tensor.encoding == Encoding::raw) {
    for (const Extent& extent : tensor.extents)
      if (auto status = append(from.source(extent.source), extent.offset, extent.size); !status) return status;
    for (const Extent& extent : tensor.extents)
      if (auto status = from.source(extent.source).verify_unchanged(); !status) return status;
    return {};
  }
  while (left > 0) {
    const std::uint64_t done = byte_size - left;
    const auto piece = copy_buffer().first(static_cast<std::size_t>(std::min<std::uint64_t>(left, kCopyBytes)));
    if (auto status = from.read(tensor, done, piece); !status) return status;
    if (auto status = append(piece); !status) return status;
  }
  return {};
}

/// Each record with another tag, and all its other fields as they are.
Status Writer::Impl::copy_renamed(const Source& from, const TensorInfo& tensor, std::string_view new_name) {
  const std::uint64_t end = tensor.record_offset + tensor.record_size;
  for (std::uint64_t at = tensor.record_offset; at < end;) {
    auto record = field_at(from, at, end);
    if (!record) return std::move(record).error();
    at = record->end;
    if (record->key != kRecordKey) continue;  // between two slices, a field that nobody knows
    std::vector<Extent> kept;
    std::uint64_t size = field_size(new_name.size());
    for (std::uint64_t inner = record->content; inner < record->end;) {
      auto field = field_at(from, inner, record->end);
      if (!field) return std::move(field).error();
      if (field->key != kTagKey) {
        kept.push_back({.offset = inner, .size = field->end - inner});
        size += kept.back().size;
      }
      inner = field->end;
    }
    std::vector<std::byte> head{kFileValue};
    add_varint(head, size);
    add_text(head, kValueTag, new_name);
    if (auto status = put(head); !status) return status;
    for (const Extent& extent : kept)
      if (auto status = put_source(from, extent.offset, extent.size); !status) return status;
  }
  return {};
}

Status Writer::Impl::put(std::span<const std::byte> plain) {
  if (options.crc) crc = crc32(crc, plain);
  tail.add(plain);
  return cipher ? cipher->append(plain) : file.append(plain);
}

std::span<std::byte> Writer::Impl::copy_buffer() {
  buffer.resize(kCopyBytes);
  return buffer;
}

// Bytes that nobody has to look at go from file to file without passing through here, but for the last few.
Status Writer::Impl::put_source(const Source& from, std::uint64_t offset, std::uint64_t size) {
  if (!options.crc && !cipher && size > kCopyBytes) {
    const std::uint64_t direct = size - kTrailerBytes;
    if (auto status = file.append_source(from, offset, direct); !status) return status;
    offset += direct;
    size -= direct;
  }
  while (size > 0) {
    const auto piece = copy_buffer().first(static_cast<std::size_t>(std::min<std::uint64_t>(size, kCopyBytes)));
    if (auto status = from.read_at(offset, piece); !status) return status;
    if (auto status = put(piece); !status) return status;
    offset += piece.size();
    size -= piece.size();
  }
  return {};
}

Status Writer::Impl::finish() {
  if (auto status = expect_no_open_entry(); !status) return status;
  if (names.empty()) return usage({}, "nothing was written, and MindSpore cannot load an empty checkpoint");
  if (options.crc) {
    std::vector<std::byte> trailer;
    for (const char c : kTrailerMagic) trailer.push_back(static_cast<std::byte>(c));
    trailer.resize(kTrailerBytes - 4);  // the number has ten bytes, of which a CRC-32 needs four
    for (int shift = 24; shift >= 0; shift -= 8) trailer.push_back(static_cast<std::byte>(crc >> shift));
    if (auto status = file.append(trailer); !status) return status;
  } else if (tail.looks_like_trailer()) {
    // The last tensor happens to end as a CRC trailer would. MindSpore cuts 17 bytes off any file that ends so, and
    // then cannot load it. An empty model_type, which no version minds, keeps the look-alike from the very end.
    const std::array<std::byte, 2> model_type{kFileModelType, std::byte{0}};
    if (auto status = put(model_type); !status) return status;
  }
  if (cipher)
    if (auto status = cipher->finish(); !status) return status;
  if (auto status = file.commit(); !status) return status;
  stopped = usage({}, "the checkpoint is finished already");
  return {};
}

Writer::Writer(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;
Writer::~Writer() = default;

Result<Writer> Writer::create(const std::filesystem::path& path, const WriteOptions& options) {
  if (options.key && options.crc) return usage({}, "an encrypted checkpoint cannot have a CRC trailer");
  auto file = OutputFile::create(
      path, {.permissions = options.permissions, .overwrite = options.overwrite, .durable = options.durable});
  if (!file) return std::move(file).error();
  auto impl = std::make_unique<Impl>(std::move(*file), options);
  if (auto status = impl->start_cipher(); !status) return status.error();
  return Writer(std::move(impl));
}

Result<Writer> Writer::extend(const std::filesystem::path& path, const WriteOptions& options) {
  if (!options.overwrite) return usage({}, "extending a file replaces it, which overwrite = false forbids");
  auto source = open_file(path);
  if (!source) return std::move(source).error();
  auto old = Checkpoint::from_source(*source, {.key = options.key});
  if (!old) return std::move(old).error();

  WriteOptions actual = options;
  if (const auto& encryption = old->encryption()) {
    if (encryption->era == CipherEra::a)
      return Error{.code = Errc::unsupported, .message = "encrypted as by MindSpore 1.x, which cannot be extended"};
    if (old->trailer()) return Error{.code = Errc::unsupported, .message = "has an encrypted CRC trailer"};
    actual.mode = encryption->mode.value_or(options.mode);
  } else if (options.key && old->file_size() != 0) {
    return usage({}, "the file is not encrypted, but a key was given");
  }
  actual.crc |= old->trailer().has_value();
  if (actual.key && actual.crc) return usage({}, "an encrypted checkpoint cannot have a CRC trailer");
  std::error_code error;
  const auto permissions = std::filesystem::status(path, error).permissions() & std::filesystem::perms::all;
  if (error)
    return Error{.code = Errc::io, .os_error = error.value(), .message = "cannot look at the file: " + error.message()};
  actual.permissions = static_cast<unsigned>(permissions);

  auto file = OutputFile::create(path, {.permissions = actual.permissions, .durable = options.durable});
  if (!file) return std::move(file).error();
  auto impl = std::make_unique<Impl>(std::move(*file), actual);
  if (auto status = impl->keep_records(*old, **source); !status) return status.error();
  if (auto status = impl->start_cipher(); !status) return status.error();
  return Writer(std::move(impl));
}

Status Writer::begin(const TensorDesc& desc, std::uint64_t byte_size) {
  return impl_->guarded([&] { return impl_->begin(desc, byte_size); });
}

Status Writer::append(std::span<const std::byte> bytes) {
  return impl_->guarded([&] { return impl_->append(bytes); });
}

Status Writer::append(const Source& from, std::uint64_t offset, std::uint64_t size) {
  return impl_->guarded([&] { return impl_->append(from, offset, size); });
}

Status Writer::add(const TensorDesc& desc, std::span<const std::byte> bytes) {
  if (auto status = begin(desc, bytes.size()); !status) return status;
  return append(bytes);
}

Status Writer::add_string(std::string_view name, std::string_view text) {
  return impl_->guarded([&]() -> Status {
    const auto bytes = utf32_from_utf8(text);
    if (!bytes) return usage(name, "the text is not UTF-8");
    const TensorDesc desc{.name = std::string(name), .dtype = DType::string, .dims = {0}};
    if (auto status = impl_->begin(desc, bytes->size()); !status) return status;
    return impl_->append(*bytes);
  });
}

Status Writer::add(const AppendValue& entry) {
  const auto scalar = [&](DType dtype, auto value) {
    return add({.name = entry.name, .dtype = dtype}, std::as_bytes(std::span(&value, 1)));
  };
  if (const auto* text = std::get_if<std::string>(&entry.value)) return add_string(entry.name, *text);
  if (const auto* integer = std::get_if<std::int64_t>(&entry.value)) return scalar(DType::int64, *integer);
  if (const auto* real = std::get_if<double>(&entry.value)) return scalar(DType::float32, static_cast<float>(*real));
  return scalar(DType::boolean, std::uint8_t{std::get<bool>(entry.value)});
}

Status Writer::copy(const Checkpoint& from, const TensorInfo& tensor, std::optional<std::string_view> new_name) {
  return impl_->guarded([&] { return impl_->copy(from, tensor, new_name.value_or(tensor.name)); });
}

Status Writer::finish() {
  return impl_->guarded([&] { return impl_->finish(); });
}

std::uint64_t Writer::bytes_written() const noexcept { return impl_->file.size(); }

}  // namespace ckpt

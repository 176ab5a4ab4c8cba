#include "record.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "trailer.h"
#include "wording.h"

namespace ckpt {
namespace {

using wire::Type;

// A number and a wire type as they are in the file: one word, which is compared and passed on in a register.
constexpr std::uint32_t field_key(std::uint32_t number, Type type) {
  return number << 3 | static_cast<std::uint32_t>(type);
}

// checkpoint.proto: Checkpoint, Checkpoint.Value, TensorProto, MapTensorProto.
constexpr std::uint32_t kFileValue = field_key(1, Type::length);
constexpr std::uint32_t kFileModelType = field_key(2, Type::length);
constexpr std::uint32_t kValueTag = field_key(1, Type::length);
constexpr std::uint32_t kValueTensor = field_key(2, Type::length);
constexpr std::uint32_t kValueMap = field_key(3, Type::length);
constexpr std::uint32_t kTensorDims = field_key(1, Type::varint);
constexpr std::uint32_t kTensorPackedDims = field_key(1, Type::length);
constexpr std::uint32_t kTensorType = field_key(2, Type::length);
constexpr std::uint32_t kTensorContent = field_key(3, Type::length);
constexpr std::uint32_t kMapTensor = field_key(1, Type::length);

constexpr std::uint32_t kFirstCipherKey = 0x2F58;  // the varint D8 5E
constexpr std::uint32_t kLastCipherKey = 0x2F5A;
constexpr std::string_view kUnknown = "an unknown field";
constexpr std::size_t kMaxNesting = 100;  // messages and groups, as libprotobuf

std::string left_text(std::uint64_t count) {
  return count == 0 ? "none are left" : count == 1 ? "1 is left" : std::to_string(count) + " are left";
}

std::string needs_text(std::string_view what, std::uint64_t count) {
  return std::string(what) + (what.empty() ? "needs " : " needs ") + bytes_text(count);
}

}  // namespace

Error index_too_large(std::uint64_t offset, const Limits& limits) {
  return {.code = Errc::limit,
          .offset = offset,
          .message = "the index would need more than " + bytes_text(index_ceiling(limits, offset))};
}

void TensorFields::clear() {
  dims.clear();
  type.clear();
  content_offset = content_size = 0;
  has_type = has_content = packed_dims = false;
}

void Record::clear() {
  offset = end = 0;
  tag.clear();
  has_tag = unknown_fields = repeated_fields = false;
  value = Value::none;
  tensor.clear();
  parts.clear();
}

Scanner::Event Scanner::next() {
  if (content_ != nullptr) {
    const std::uint64_t size = content_->content_size;
    content_ = nullptr;
    if (!skip_bytes(content_name(), size)) return Event::failed;
  }
  while (!error_) {
    const Scope& scope = scopes_[depth_];
    if (position_ == scope.end) {
      if (scope.kind == ScopeKind::value) {
        --depth_;
        record_.end = position_;
        return Event::record;
      }
      // A record that claims more than the file has was walked only to learn its name.
      const Scope& value = scopes_[1];
      if (size_ && value.end > *size_) {
        position_ = value.start;
        fail_truncated("a record", value.end - value.start, *size_ - value.start);
      }
      --depth_;
      continue;
    }
    if (depth_ == 0) {
      if (ahead(1).empty()) {
        known_field();
        return error_ ? Event::failed : Event::end;
      }
      if (at_trailer()) return Event::end;
      if (error_) break;
    }
    if (const Event event = field(); event != Event::record) return event;
  }
  return Event::failed;
}

// Reads one field of the innermost scope. Event::record means "go on".
Scanner::Event Scanner::field() {
  if (!key()) return Event::failed;
  bool good = false;
  switch (scopes_[depth_].kind) {
    case ScopeKind::file:
      good = file_field();
      break;
    case ScopeKind::value:
      good = value_field();
      break;
    case ScopeKind::tensor:
      good = tensor_field();
      break;
    case ScopeKind::map:
      good = map_field();
      break;
  }
  if (!good) return Event::failed;
  return content_ != nullptr ? Event::content : Event::record;
}

bool Scanner::file_field() {
  if (key_ == kFileValue || key_ == kFileModelType) known_field();
  if (key_ == kFileValue) {
    if (++records_ > limits_.max_records)
      return fail(Errc::limit, key_offset_, "more than " + std::to_string(limits_.max_records) + " records");
    record_.clear();
    record_.offset = key_offset_;
    parts_bytes_ = 0;
    return enter(ScopeKind::value);
  }
  if (key_ == kFileModelType) {
    std::string model_type;
    if (!text(model_type, limits_.max_name_bytes, "a model_type")) return false;
    model_type_ = std::move(model_type);
    return true;
  }
  stray_fields_ = true;
  if (looks_like_cipher_block() && (!cipher_offset_ || *cipher_offset_ < record_.end)) cipher_offset_ = key_offset_;
  return skip();
}

// The magic number of a cipher block, D8 5E 3A 7F or one of its like, starts as the key of an unknown field.
bool Scanner::looks_like_cipher_block() {
  if (key_ < kFirstCipherKey || key_ > kLastCipherKey || position_ != key_offset_ + 2) return false;
  const auto next = ahead(2);
  return next.size() >= 2 && next[0] == std::byte{0x3A} && next[1] == std::byte{0x7F};
}

// What was passed over since the last known field was fields, too, and not garbage at the end.
void Scanner::known_field() {
  at_known_field_ = true;
  unknown_fields_ |= std::exchange(stray_fields_, false);
}

bool Scanner::value_field() {
  if (key_ == kValueTag) {
    record_.repeated_fields |= record_.has_tag;
    record_.has_tag = true;
    return text(record_.tag, limits_.max_name_bytes, "a name");
  }
  if (key_ == kValueTensor || key_ == kValueMap) record_.repeated_fields |= record_.value != Record::Value::none;
  if (key_ == kValueTensor) {
    // A oneof: the last member set wins; a tensor given twice is merged.
    if (record_.value != Record::Value::tensor) record_.tensor.clear();
    record_.parts.clear();
    record_.value = Record::Value::tensor;
    tensor_ = &record_.tensor;
    return enter(ScopeKind::tensor);
  }
  if (key_ == kValueMap) {
    record_.tensor.clear();
    record_.value = Record::Value::map;
    return enter(ScopeKind::map);
  }
  unknown();
  return skip();
}

bool Scanner::map_field() {
  if (key_ == kMapTensor) {
    if (++records_ > limits_.max_records)
      return fail(Errc::limit, key_offset_, "more than " + std::to_string(limits_.max_records) + " records");
    // The index counts a record when it is complete; a map can become large before that.
    if (!record_.parts.empty()) {
      const TensorFields& last = record_.parts.back();
      parts_bytes_ += sizeof(TensorInfo) + last.type.size() + last.dims.size() * sizeof(std::int64_t);
    }
    if (parts_bytes_ > index_ceiling(limits_, key_offset_)) {
      Error error = index_too_large(key_offset_, limits_);
      return fail(error.code, error.offset, std::move(error.message));
    }
    tensor_ = &record_.parts.emplace_back();
    return enter(ScopeKind::tensor);
  }
  unknown();
  return skip();
}

bool Scanner::tensor_field() {
  TensorFields& tensor = *tensor_;
  if (key_ == kTensorDims) {
    const auto dim = varint("a dim");
    return dim && add_dim(tensor, dim.value);
  }
  if (key_ == kTensorPackedDims) {
    const auto size = length("packed dims");
    tensor.packed_dims = true;
    return size && dims(tensor, size.value);
  }
  if (key_ == kTensorType) {
    tensor.has_type = true;
    return text(tensor.type, limits_.max_name_bytes, "a type");
  }
  if (key_ == kTensorContent) {
    const auto size = length("content");
    if (!size || !fits_file(content_name(), size.value)) return false;
    tensor.has_content = true;
    tensor.content_offset = position_;
    tensor.content_size = size.value;
    content_ = &tensor;
    return true;
  }
  unknown();
  return skip();
}

void Scanner::unknown() { record_.unknown_fields = true; }

bool Scanner::dims(TensorFields& tensor, std::uint64_t size) {
  const std::uint64_t end = position_ + size;
  while (position_ < end) {
    const auto dim = varint("a dim");
    if (!dim || !add_dim(tensor, dim.value)) return false;
    if (position_ > end) return fail(Errc::malformed, position_, "packed dims run past their length");
  }
  return true;
}

bool Scanner::add_dim(TensorFields& tensor, std::uint64_t value) {
  if (tensor.dims.size() == limits_.max_dims)
    return fail(Errc::limit, position_, "more than " + std::to_string(limits_.max_dims) + " dims");
  tensor.dims.push_back(static_cast<std::int64_t>(value));
  return true;
}

// The 17 bytes at the very end that no protobuf reader understands.
bool Scanner::at_trailer() {
  if (ahead_[0] != std::byte{'c'}) return false;
  const auto rest = ahead(kTrailerBytes + 1);
  if (error_ || rest.size() > kTrailerBytes) return false;
  const auto magic = std::min(rest.size(), kTrailerMagic.size());
  if (wire::as_text(rest.first(magic)) != kTrailerMagic.substr(0, magic)) return false;
  known_field();
  // No field that begins so is as short.
  if (rest.size() < kTrailerBytes) return fail_truncated("a CRC trailer", kTrailerBytes, rest.size());
  Trailer trailer{.offset = position_};
  for (std::size_t i = kTrailerMagic.size(); i < kTrailerBytes; ++i) {
    if (i < kTrailerBytes - 4 && rest[i] != std::byte{0}) trailer.oversized = true;
    trailer.crc = (trailer.crc << 8) | std::to_integer<std::uint32_t>(rest[i]);
  }
  trailer_ = trailer;
  position_ += kTrailerBytes;
  return true;
}

// At least `want` bytes at position_, or all there are; empty after an I/O error.
std::span<const std::byte> Scanner::look_ahead(std::size_t want) {
  auto bytes = bytes_.view(position_, want);
  if (!bytes) {
    error_ = std::move(bytes).error();
    ahead_size_ = 0;
    return {};
  }
  ahead_ = bytes->data();
  ahead_size_ = bytes->size();
  return *bytes;
}

wire::Varint Scanner::long_varint(std::string_view what, bool is_length) {
  const wire::Varint v = wire::decode_varint(ahead(wire::kMaxVarintBytes));
  if (!v || v.size > scopes_[depth_].end - position_) {
    fail_varint(what, is_length);
    return {};
  }
  take(v.size);
  return v;
}

void Scanner::fail_varint(std::string_view what, bool is_length) {
  if (error_) return;
  const std::string number = std::string(is_length ? "the length of " : "").append(what);
  if (wire::decode_varint({ahead_, ahead_size_}))
    fail(Errc::malformed, position_, number + " runs past the end of its " + scope_name());
  else if (ahead_size_ >= wire::kMaxVarintBytes)
    fail(Errc::malformed, position_, number + " has no end within ten bytes");
  else
    fail(Errc::truncated, position_, "the file ends inside " + number);
}

bool Scanner::fail_key(std::uint64_t number) {
  return fail(Errc::malformed, key_offset_,
              number > 0xFFFFFFFF  ? "a field's key of more than 32 bits"
              : (number >> 3) == 0 ? "field number 0, which protobuf does not have"
                                   : "wire type " + std::to_string(number & 7) + ", which protobuf does not have");
}

void Scanner::fail_length(std::string_view what, std::uint64_t size) {
  fail(Errc::malformed, position_,
       std::string(what) + " of " + bytes_text(size) + " in a " + scope_name() + " with " +
           std::to_string(scopes_[depth_].end - position_) + " left");
}

bool Scanner::fail_limit(std::string_view what, std::uint64_t size, std::uint64_t limit) {
  return fail(Errc::limit, position_,
              std::string(what) + " of " + bytes_text(size) + "; the limit is " + std::to_string(limit));
}

bool Scanner::text(std::string& out, std::uint64_t limit, std::string_view what) {
  const auto size = length(what);
  if (!size || !fits_file(what, size.value)) return false;
  if (size.value > limit) return fail_limit(what, size.value, limit);
  const auto bytes = ahead(static_cast<std::size_t>(size.value));
  if (error_) return false;
  if (bytes.size() < size.value) return fail_truncated(what, size.value, bytes.size());
  out.assign(wire::as_text(bytes.first(static_cast<std::size_t>(size.value))));
  take(static_cast<std::size_t>(size.value));
  return true;
}

// A sub-message. One that claims more than the file has is walked all the same, as far as it goes: that finds the name
// to put into the error.
bool Scanner::enter(ScopeKind kind) {
  const auto size = length(kind == ScopeKind::value ? "a record" : kind == ScopeKind::map ? "a map" : "a tensor");
  if (!size) return false;
  // The file's own scope has no end, so only here can a sum wrap.
  if (size.value > ~std::uint64_t{0} - position_) return fail(Errc::malformed, position_, "a length beyond 2^64");
  scopes_[++depth_] = {kind, position_, position_ + size.value};
  return true;
}

bool Scanner::skip() {
  switch (static_cast<Type>(key_ & 7)) {
    case Type::varint:
      return static_cast<bool>(varint("a number"));
    case Type::fixed64:
      return skip_bytes(kUnknown, 8);
    case Type::fixed32:
      return skip_bytes(kUnknown, 4);
    case Type::length: {
      const auto size = length(kUnknown);
      return size && skip_bytes(kUnknown, size.value);
    }
    case Type::start_group:
      return skip_group(key_ >> 3);
    case Type::end_group:
      break;
  }
  return fail(Errc::malformed, position_, "the end of a group that was not begun");
}

bool Scanner::skip_group(std::uint32_t number) {
  std::vector<std::uint32_t> open{number};
  while (!open.empty()) {
    if (depth_ + open.size() > kMaxNesting) return fail(Errc::malformed, position_, "groups nested more than 100 deep");
    if (position_ == scopes_[depth_].end) return fail(Errc::malformed, position_, "a group without an end");
    if (!key()) return false;
    if ((key_ & 7) == static_cast<std::uint32_t>(Type::start_group)) {
      open.push_back(key_ >> 3);
    } else if ((key_ & 7) == static_cast<std::uint32_t>(Type::end_group)) {
      if (key_ >> 3 != open.back()) return fail(Errc::malformed, position_, "a group ended by another's end");
      open.pop_back();
    } else if (!skip()) {
      return false;
    }
  }
  return true;
}

bool Scanner::skip_bytes(std::string_view what, std::uint64_t count) {
  if (count > scopes_[depth_].end - position_)
    return fail(Errc::malformed, position_, std::string(what) + " runs past the end of its " + scope_name());
  if (!fits_file(what, count)) return false;
  if (count <= ahead_size_) {
    take(static_cast<std::size_t>(count));
    return true;
  }
  ahead_size_ = 0;
  if (!size_) {  // of a pipe only the last byte tells whether all are there
    const auto last = bytes_.view(position_ + count - 1, 1);
    if (!last) return error_ = last.error(), false;
    if (last->empty()) return fail(Errc::truncated, position_, needs_text(what, count) + ", and the input ends before");
  }
  position_ += count;
  return true;
}

void Scanner::content_taken() {
  position_ += content_->content_size;
  content_ = nullptr;
  ahead_size_ = 0;
}

void Scanner::content_cut(std::uint64_t left) { fail_truncated(content_name(), content_->content_size, left); }

bool Scanner::fail(Errc code, std::uint64_t offset, std::string message) {
  if (!error_) {
    error_ = Error{.code = code, .offset = offset, .message = std::move(message)};
    if (depth_ > 0) error_->tensor = record_.tag;
  }
  return false;
}

bool Scanner::fail_truncated(std::string_view what, std::uint64_t need, std::uint64_t left) {
  return fail(Errc::truncated, position_, needs_text(what, need) + ", " + left_text(left));
}

// An error inside a named tensor speaks of its content unless it says otherwise.
std::string_view Scanner::content_name() const { return record_.tag.empty() ? "content" : ""; }

const char* Scanner::scope_name() const {
  switch (scopes_[depth_].kind) {
    case ScopeKind::file:
      return "file";
    case ScopeKind::value:
      return "record";
    case ScopeKind::tensor:
      return "tensor";
    case ScopeKind::map:
      return "map";
  }
  return "message";
}

}  // namespace ckpt

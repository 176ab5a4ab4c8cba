#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/error.h"
#include "wire.h"

namespace ckpt {

/// Memory that the index may need when so many bytes of the file were passed: Limits::max_index_bytes, but no large
/// multiple of what is there. A record as MindSpore writes them takes a tenth of that.
constexpr std::uint64_t index_ceiling(const Limits& limits, std::uint64_t passed) noexcept {
  constexpr std::uint64_t kFloor = std::uint64_t{16} << 20;
  constexpr std::uint64_t kPerByte = 16;
  if (passed > limits.max_index_bytes / kPerByte) return limits.max_index_bytes;
  return std::min(limits.max_index_bytes, kFloor + kPerByte * passed);
}

/// More memory than index_ceiling(), met at a record.
Error index_too_large(std::uint64_t offset, const Limits& limits);

/// Bytes by offset, in the order a parser asks for them (never backwards beyond what the implementation keeps).
class ByteView {
 public:
  virtual ~ByteView() = default;
  /// Bytes from `offset`: at least `want` of them unless the input ends first. Valid until the next call.
  virtual Result<std::span<const std::byte>> view(std::uint64_t offset, std::size_t want) = 0;
};

/// One TensorProto as found: every field last-wins, dims collected.
struct TensorFields {
  std::vector<std::int64_t> dims = {};
  std::string type = {};
  std::uint64_t content_offset = 0;
  std::uint64_t content_size = 0;
  bool has_type = false;
  bool has_content = false;
  bool packed_dims = false;

  void clear();
};

/// One Checkpoint.Value.
struct Record {
  enum class Value : std::uint8_t { none, tensor, map };

  std::uint64_t offset = 0;  // of the key byte in front of it
  std::uint64_t end = 0;
  std::string tag = {};
  bool has_tag = false;
  bool unknown_fields = false;
  bool repeated_fields = false;  // a name or a value given twice
  Value value = Value::none;
  TensorFields tensor = {};
  std::vector<TensorFields> parts = {};  // of a map

  void clear();
};

/// Walks a checkpoint's fields one event at a time: the only parser of the format. It never looks at payload bytes, and
/// can be stopped at each content field, which is what a forward-only reader needs.
class Scanner {
 public:
  enum class Event : std::uint8_t {
    content,  ///< at the payload of current_content(); it is skipped by the next call
    record,   ///< record() is complete
    end,      ///< a clean end; trailer() may be set
    failed,   ///< error() says why; every further call says so again
  };

  /// `size` is the number of bytes there are, where that is known beforehand. `start` is where a record starts.
  Scanner(ByteView& bytes, std::optional<std::uint64_t> size, const Limits& limits, std::uint64_t start = 0)
      : bytes_(bytes), size_(size), limits_(limits), position_(start) {}

  Event next();

  const Record& record() const noexcept { return record_; }
  const TensorFields& current_content() const noexcept { return *content_; }
  std::uint64_t position() const noexcept { return position_; }
  /// Where the record being walked ends by its own account; meaningful at Event::content.
  std::uint64_t record_end() const noexcept { return scopes_[1].end; }
  const Error& error() const noexcept { return *error_; }
  const std::optional<Trailer>& trailer() const noexcept { return trailer_; }
  const std::optional<std::string>& model_type() const noexcept { return model_type_; }
  bool top_level_unknown_fields() const noexcept { return unknown_fields_; }
  /// What failed began between the records, and not as a field of this format: garbage, or of another format.
  bool failed_in_stray_bytes() const noexcept { return error_ && !at_known_field_; }
  /// Where, behind the last record, something begins as an encrypted block does.
  std::optional<std::uint64_t> cipher_offset() const noexcept { return cipher_offset_; }
  /// For readers that take the content themselves: it was taken whole, or the input ended `left` bytes into it.
  void content_taken();
  void content_cut(std::uint64_t left);

 private:
  enum class ScopeKind : std::uint8_t { file, value, tensor, map };
  struct Scope {
    ScopeKind kind = ScopeKind::file;
    std::uint64_t start = 0;
    std::uint64_t end = ~std::uint64_t{0};
  };

  Event field();
  bool value_field();
  bool tensor_field();
  bool map_field();
  bool file_field();

  bool at_trailer();
  std::span<const std::byte> ahead(std::size_t want) {
    return ahead_size_ >= want ? std::span(ahead_, ahead_size_) : look_ahead(want);
  }
  std::span<const std::byte> look_ahead(std::size_t want);
  // `what` is for messages: "a name". Nearly every number is one byte that has been read already, and this is where an
  // index of many small tensors spends its time: what seldom happens is kept out of line, and what is returned is no
  // std::optional, which GCC would keep in memory.
  wire::Varint varint(std::string_view what, bool is_length = false) {
    if (ahead_size_ == 0 || *ahead_ >= std::byte{0x80} || position_ == scopes_[depth_].end)
      return long_varint(what, is_length);
    const auto value = std::to_integer<std::uint64_t>(*ahead_);
    take(1);
    return {value, 1};
  }
  wire::Varint long_varint(std::string_view what, bool is_length);
  bool key() {
    key_offset_ = position_;
    if (depth_ == 0) at_known_field_ = false;
    const wire::Varint number = varint("a field's key");
    if (!number) return false;
    if (!wire::field_key(number.value)) return fail_key(number.value);
    key_ = static_cast<std::uint32_t>(number.value);
    return true;
  }
  // The length of a length-delimited field, checked against the message around it.
  wire::Varint length(std::string_view what) {
    const wire::Varint size = varint(what, true);
    if (!size || size.value <= scopes_[depth_].end - position_) return size;
    fail_length(what, size.value);
    return {};
  }
  bool fits_file(std::string_view what, std::uint64_t size) {
    return !size_ || size <= *size_ - position_ || fail_truncated(what, size, *size_ - position_);
  }
  void take(std::size_t count) {
    position_ += count;
    ahead_ += count;
    ahead_size_ -= count;
  }
  bool text(std::string& out, std::uint64_t limit, std::string_view what);
  bool dims(TensorFields& tensor, std::uint64_t size);
  bool add_dim(TensorFields& tensor, std::uint64_t value);
  bool enter(ScopeKind kind);
  bool skip();
  bool skip_group(std::uint32_t number);
  bool skip_bytes(std::string_view what, std::uint64_t count);
  void unknown();
  void known_field();
  bool looks_like_cipher_block();
  [[gnu::cold]] bool fail(Errc code, std::uint64_t offset, std::string message);
  [[gnu::cold]] bool fail_truncated(std::string_view what, std::uint64_t need, std::uint64_t left);
  [[gnu::cold]] bool fail_key(std::uint64_t number);
  [[gnu::cold]] void fail_varint(std::string_view what, bool is_length);
  [[gnu::cold]] void fail_length(std::string_view what, std::uint64_t size);
  [[gnu::cold]] bool fail_limit(std::string_view what, std::uint64_t size, std::uint64_t limit);
  std::string_view content_name() const;
  const char* scope_name() const;

  ByteView& bytes_;
  std::optional<std::uint64_t> size_;
  Limits limits_;
  std::uint64_t position_ = 0;
  const std::byte* ahead_ = nullptr;  // the bytes at position_
  std::size_t ahead_size_ = 0;
  std::array<Scope, 4> scopes_ = {};
  std::size_t depth_ = 0;
  std::uint32_t key_ = 0;  // of the field being read: its number << 3 | its wire type
  std::uint64_t key_offset_ = 0;
  std::uint64_t records_ = 0;
  std::uint64_t parts_bytes_ = 0;  // what the parts of the map being read need in an index, about
  Record record_ = {};
  TensorFields* tensor_ = nullptr;   // what the innermost tensor scope fills
  TensorFields* content_ = nullptr;  // set between a content event and the next call
  bool unknown_fields_ = false;
  bool stray_fields_ = false;    // unknown ones since the last known one
  bool at_known_field_ = false;  // of the file's: it is being read, or was the last thing read
  std::optional<std::string> model_type_ = {};
  std::optional<std::uint64_t> cipher_offset_ = {};
  std::optional<Trailer> trailer_ = {};
  std::optional<Error> error_ = {};
};

}  // namespace ckpt

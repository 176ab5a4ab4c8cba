#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Checkpoint files made by hand, field by field, in any order, right or wrong:
///
///     Bytes file = record().tag("w").dims({2, 3}).type("Float32").content(values<float>({0, 1, 2, 3, 4, 5}));
///     file = with_trailer(file + record().tag("s").dims({0}).type("Float32").content(values({1.5F})));
///
/// Shares no code with the library: what the tests compare it with must not agree by construction.
namespace ckpt::test {

/// A run of bytes. std::string because it joins, compares and prints well.
using Bytes = std::string;

inline std::span<const std::byte> bytes_of(std::string_view bytes) noexcept {
  return std::as_bytes(std::span(bytes.data(), bytes.size()));
}

inline Bytes to_bytes(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// "0a 1b" or "0a1b"; whatever is no hexadecimal digit separates.
inline Bytes from_hex(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  Bytes bytes;
  bool half = false;
  for (const char c : text) {
    const auto digit = kDigits.find(c);
    if (digit == std::string_view::npos) continue;
    if (!half) bytes.push_back(static_cast<char>(digit << 4));
    if (half) bytes.back() = static_cast<char>(static_cast<unsigned char>(bytes.back()) | digit);
    half = !half;
  }
  return bytes;
}

inline std::string to_hex(const Bytes& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

/// An integer as `sizeof(T)` little-endian bytes.
template <class T>
Bytes little_endian(T value) {
  Bytes bytes;
  for (std::size_t i = 0; i < sizeof(T); ++i) bytes.push_back(static_cast<char>((value >> (8 * i)) & 0xFF));
  return bytes;
}

/// Numbers as a checkpoint stores them: values<std::int32_t>({1, 2}).
template <class T>
Bytes values(std::initializer_list<T> numbers) {
  static_assert(std::endian::native == std::endian::little);
  Bytes bytes(numbers.size() * sizeof(T), '\0');
  if (numbers.size() > 0) std::memcpy(bytes.data(), numbers.begin(), bytes.size());
  return bytes;
}

/// The content of a str entry.
inline Bytes utf32(std::u32string_view text) {
  Bytes bytes;
  for (const char32_t c : text) bytes += little_endian(static_cast<std::uint32_t>(c));
  return bytes;
}

// ---- the protobuf wire format ----

/// A varint, made longer than needed by zero groups up to `size` bytes.
inline Bytes varint(std::uint64_t value, std::size_t size = 0) {
  Bytes bytes;
  do {
    const auto low = static_cast<unsigned char>(value & 0x7F);
    value >>= 7;
    const bool more = value != 0 || bytes.size() + 1 < size;
    bytes.push_back(static_cast<char>(more ? low | 0x80 : low));
    if (!more) break;
  } while (true);
  return bytes;
}

inline Bytes key(std::uint32_t number, unsigned wire_type) { return varint((std::uint64_t{number} << 3) | wire_type); }
inline Bytes varint_field(std::uint32_t number, std::uint64_t value) { return key(number, 0) + varint(value); }
inline Bytes fixed64_field(std::uint32_t number, std::uint64_t value) { return key(number, 1) + little_endian(value); }
inline Bytes fixed32_field(std::uint32_t number, std::uint32_t value) { return key(number, 5) + little_endian(value); }
/// A length-delimited field; `claimed` is the length it says it has, if not the true one.
inline Bytes bytes_field(std::uint32_t number, std::string_view bytes, std::optional<std::uint64_t> claimed = {}) {
  return key(number, 2) + varint(claimed.value_or(bytes.size())) + Bytes(bytes);
}
inline Bytes group(std::uint32_t number, std::string_view fields) {
  return key(number, 3) + Bytes(fields) + key(number, 4);
}
/// Groups within groups, `depth` deep.
inline Bytes nested_groups(std::uint32_t number, std::size_t depth) {
  Bytes open;
  Bytes close;
  for (std::size_t i = 0; i < depth; ++i) {
    open += key(number, 3);
    close += key(number, 4);
  }
  return open + close;
}

// ---- checkpoint.proto ----

/// One Checkpoint.Value with the key in front of it. Every call adds a field where it is called, so order and
/// repetition are free. dims(), type() and content() go into the tensor being made; tag() and in_value() end it, and
/// what follows starts a further `tensor` field.
class RecordBuilder {
 public:
  RecordBuilder& tag(std::string_view name) { return in_value(bytes_field(1, name)); }
  RecordBuilder& tag_claiming(std::uint64_t claimed, std::string_view name) {
    return in_value(bytes_field(1, name, claimed));
  }

  RecordBuilder& dims(std::initializer_list<std::int64_t> dims) {
    for (const std::int64_t dim : dims) in_tensor(varint_field(1, static_cast<std::uint64_t>(dim)));
    return *this;
  }
  RecordBuilder& packed_dims(const std::vector<std::int64_t>& dims) {
    Bytes packed;
    for (const std::int64_t dim : dims) packed += varint(static_cast<std::uint64_t>(dim));
    return in_tensor(bytes_field(1, packed));
  }
  RecordBuilder& type(std::string_view name) { return in_tensor(bytes_field(2, name)); }
  RecordBuilder& type_claiming(std::uint64_t claimed, std::string_view name) {
    return in_tensor(bytes_field(2, name, claimed));
  }
  RecordBuilder& content(std::string_view bytes) { return in_tensor(bytes_field(3, bytes)); }
  RecordBuilder& content_claiming(std::uint64_t claimed, std::string_view bytes) {
    return in_tensor(bytes_field(3, bytes, claimed));
  }

  /// Ends the tensor being made, if any, and starts another one (empty if nothing follows).
  RecordBuilder& tensor() {
    flush();
    tensor_.emplace();
    return *this;
  }
  /// Starts the next TensorProto of a map. All parts up to the next tag(), in_value() or tensor() share one
  /// `maptensor`.
  RecordBuilder& part() {
    if (tensor_ && !map_) flush();
    end_part();
    if (!map_) map_.emplace();
    tensor_.emplace();
    return *this;
  }
  /// The tensor (or part) being made claims another length than it has.
  RecordBuilder& tensor_claims(std::uint64_t length) {
    if (!tensor_) tensor();
    tensor_claim_ = length;
    return *this;
  }
  /// The record claims another length than it has.
  RecordBuilder& claims(std::uint64_t length) {
    claim_ = length;
    return *this;
  }

  /// Any bytes, at this place of the record, or of the tensor being made.
  RecordBuilder& in_value(std::string_view fields) {
    flush();
    value_ += fields;
    return *this;
  }
  RecordBuilder& in_tensor(std::string_view fields) {
    if (!tensor_) tensor_.emplace();
    *tensor_ += fields;
    return *this;
  }

  operator Bytes() const {
    RecordBuilder done = *this;
    done.flush();
    return bytes_field(1, done.value_, claim_);
  }
  /// Without the key and length in front.
  Bytes value() const {
    RecordBuilder done = *this;
    done.flush();
    return done.value_;
  }

  friend Bytes operator+(const RecordBuilder& a, const RecordBuilder& b) { return Bytes(a) + Bytes(b); }
  friend Bytes operator+(const RecordBuilder& a, std::string_view b) { return Bytes(a) + Bytes(b); }
  friend Bytes operator+(std::string_view a, const RecordBuilder& b) { return Bytes(a) + Bytes(b); }

 private:
  void end_part() {
    if (map_ && tensor_) *map_ += bytes_field(1, *tensor_, std::exchange(tensor_claim_, {}));
    if (map_) tensor_.reset();
  }
  void flush() {
    end_part();
    if (map_) value_ += bytes_field(3, *map_);
    if (tensor_) value_ += bytes_field(2, *tensor_, std::exchange(tensor_claim_, {}));
    map_.reset();
    tensor_.reset();
  }

  Bytes value_ = {};
  std::optional<Bytes> tensor_ = {};
  std::optional<Bytes> map_ = {};
  std::optional<std::uint64_t> tensor_claim_ = {};
  std::optional<std::uint64_t> claim_ = {};
};

inline RecordBuilder record() { return {}; }

/// The usual entry, as MindSpore writes it.
inline RecordBuilder record(std::string_view name, std::initializer_list<std::int64_t> dims, std::string_view type,
                            std::string_view content) {
  return record().tag(name).dims(dims).type(type).content(content);
}

/// Top-level field 2 of MindSpore 0.5.
inline Bytes model_type(std::string_view name) { return bytes_field(2, name); }

// ---- the CRC trailer ----

/// zlib's CRC-32, bit by bit.
inline std::uint32_t plain_crc32(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320 : 0);
  }
  return ~crc;
}

/// `crc_num` and ten bytes, big-endian. Values above 32 bits are possible, and wrong.
inline Bytes trailer(std::uint64_t crc) {
  Bytes bytes = "crc_num";
  bytes.append(2, '\0');
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>((crc >> shift) & 0xFF));
  return bytes;
}

inline Bytes with_trailer(const Bytes& file) { return file + trailer(plain_crc32(file)); }

}  // namespace ckpt::test

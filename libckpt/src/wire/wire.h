#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

/// The protobuf wire format (https://protobuf.dev/programming-guides/encoding) over bytes in memory: pure functions,
/// no allocation, no knowledge of any message. Lengths are 64 bits wide: a file may be larger than protobuf's 2 GiB.
namespace ckpt::wire {

enum class Type : std::uint8_t { varint = 0, fixed64 = 1, length = 2, start_group = 3, end_group = 4, fixed32 = 5 };

inline constexpr std::size_t kMaxVarintBytes = 10;

struct Varint {
  std::uint64_t value = 0;
  std::size_t size = 0;  ///< bytes taken; 0: the bytes end first, or there is no end within ten

  explicit operator bool() const noexcept { return size != 0; }
};

/// Overlong forms are accepted, bits above 64 dropped, as protobuf does.
inline Varint decode_varint(std::span<const std::byte> bytes) noexcept {
  if (!bytes.empty() && bytes[0] < std::byte{0x80}) return {std::to_integer<std::uint64_t>(bytes[0]), 1};
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size() && i < kMaxVarintBytes; ++i) {
    value |= (std::to_integer<std::uint64_t>(bytes[i]) & 0x7F) << (7 * i);
    if (bytes[i] < std::byte{0x80}) return {value, i + 1};
  }
  return {};
}

/// Writes a varint to `out` (at least kMaxVarintBytes) and returns its length.
inline std::size_t encode_varint(std::uint64_t value, std::span<std::byte> out) noexcept {
  std::size_t size = 0;
  for (; value >= 0x80; value >>= 7) out[size++] = static_cast<std::byte>(value | 0x80);
  out[size++] = static_cast<std::byte>(value);
  return size;
}

inline std::size_t varint_size(std::uint64_t value) noexcept {
  std::size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

/// What precedes each field.
struct FieldKey {
  std::uint32_t number = 0;
  Type type = Type::varint;

  friend bool operator==(const FieldKey&, const FieldKey&) = default;
};

/// Empty for what protobuf refuses: field number 0, wire types 6 and 7, more than 32 bits.
inline std::optional<FieldKey> field_key(std::uint64_t varint) noexcept {
  if (varint > 0xFFFFFFFF || (varint >> 3) == 0 || (varint & 7) > 5) return std::nullopt;
  return FieldKey{static_cast<std::uint32_t>(varint >> 3), static_cast<Type>(varint & 7)};
}

inline std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace ckpt::wire

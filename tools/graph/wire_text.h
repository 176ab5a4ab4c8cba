#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "wire.h"

/// Pieces of protobuf's wire format, appended to what protobuf itself has serialised.
namespace ckpt::graph {

inline void put_varint(std::string& out, std::uint64_t value) {
  std::array<std::byte, wire::kMaxVarintBytes> bytes;
  const std::size_t size = wire::encode_varint(value, bytes);
  out.append(wire::as_text(std::span(bytes).first(size)));
}

inline void put_key(std::string& out, wire::FieldKey key) {
  put_varint(out, std::uint64_t{key.number} << 3 | static_cast<std::uint64_t>(key.type));
}

/// Key and length of a length-delimited field.
inline std::string length_field(int number, std::uint64_t length) {
  std::string out;
  put_key(out, {static_cast<std::uint32_t>(number), wire::Type::length});
  put_varint(out, length);
  return out;
}

}  // namespace ckpt::graph

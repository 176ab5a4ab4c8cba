#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wire_builder.h"

/// A checkpoint as a tree of protobuf fields, to be changed and written again. Shares no code with the library.
namespace ckpt::test {

/// What a message is, so that its fields can be looked into.
enum class MessageKind : std::uint8_t { file, value, tensor, map, unknown };

/// One field. Its payload is `bytes`, or, of a message or group that could be taken apart, `fields`.
struct WireField {
  std::uint32_t number = 1;
  unsigned wire_type = 2;
  std::uint64_t value = 0;             // of wire types 0, 1 and 5
  Bytes bytes = {};                    // of wire type 2
  std::vector<WireField> fields = {};  // of a message (wire type 2) or a group (3)
  MessageKind kind = MessageKind::unknown;
  bool is_message = false;

  // How it is written.
  std::size_t key_size = 1;     // at least
  std::size_t number_size = 1;  // of the varint behind the key: at least
  std::int64_t lie = 0;         // added to the length
};

/// The fields of a file and what is behind the last one that could be read (a CRC trailer, garbage, a cut field).
struct WireFile {
  std::vector<WireField> fields = {};
  Bytes rest = {};
};

WireFile parse_wire(std::string_view file);
Bytes serialize(const WireFile& file);
Bytes serialize(const std::vector<WireField>& fields);

/// The same fields with the shortest keys and lengths: what is left of a file without the liberties that protobuf's own
/// library does not take. Numbers that are values stay as they are.
WireFile canonical(WireFile file);

/// What a field inside a message of this kind holds, if it is a message itself.
MessageKind kind_inside(MessageKind parent, std::uint32_t number, unsigned wire_type) noexcept;

}  // namespace ckpt::test

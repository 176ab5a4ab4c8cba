#include "wire_tree.h"

#include <optional>

namespace ckpt::test {
namespace {

constexpr std::size_t kMaxDepth = 110;  // a little more than any reader allows

struct Number {
  std::uint64_t value = 0;
  std::size_t size = 0;
};

// A varint at the front of `bytes`, taken off. Empty where it has no end.
std::optional<Number> take_varint(std::string_view& bytes) {
  Number number;
  for (std::size_t i = 0; i < bytes.size() && i < 10; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    number.value |= std::uint64_t{byte & 0x7Fu} << (7 * i);
    if (byte >= 0x80) continue;
    number.size = i + 1;
    bytes.remove_prefix(number.size);
    return number;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> take_fixed(std::string_view& bytes, std::size_t size) {
  if (bytes.size() < size) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = (value << 8) | static_cast<unsigned char>(bytes[i]);
  bytes.remove_prefix(size);
  return value;
}

// All fields of `bytes`, which is taken off as far as it could be read. A group's fields end with its end.
std::vector<WireField> take_fields(std::string_view& bytes, MessageKind kind, std::uint32_t group, std::size_t depth);

std::optional<WireField> take_field(std::string_view& bytes, MessageKind parent, std::size_t depth) {
  const auto key = take_varint(bytes);
  if (!key || key->value > 0xFFFFFFFF || (key->value >> 3) == 0) return std::nullopt;
  WireField field{.number = static_cast<std::uint32_t>(key->value >> 3),
                  .wire_type = static_cast<unsigned>(key->value & 7),
                  .key_size = key->size};
  field.kind = kind_inside(parent, field.number, field.wire_type);
  switch (field.wire_type) {
    case 0: {
      const auto value = take_varint(bytes);
      if (!value) return std::nullopt;
      field.value = value->value;
      field.number_size = value->size;
      return field;
    }
    case 1:
    case 5: {
      const auto value = take_fixed(bytes, field.wire_type == 1 ? 8 : 4);
      if (!value) return std::nullopt;
      field.value = *value;
      return field;
    }
    case 2: {
      const auto size = take_varint(bytes);
      if (!size || size->value > bytes.size()) return std::nullopt;
      field.number_size = size->size;
      const std::string_view payload = bytes.substr(0, static_cast<std::size_t>(size->value));
      bytes.remove_prefix(payload.size());
      std::string_view rest = payload;
      if (field.kind != MessageKind::unknown) field.fields = take_fields(rest, field.kind, 0, depth + 1);
      field.is_message = field.kind != MessageKind::unknown && rest.empty();
      if (!field.is_message) {
        field.fields.clear();
        field.bytes = payload;
      }
      return field;
    }
    case 3: {
      if (depth > kMaxDepth) return std::nullopt;
      field.fields = take_fields(bytes, MessageKind::unknown, field.number, depth + 1);
      const auto end = take_varint(bytes);
      if (!end || end->value != ((std::uint64_t{field.number} << 3) | 4)) return std::nullopt;
      field.number_size = end->size;
      return field;
    }
    default:
      return std::nullopt;
  }
}

std::vector<WireField> take_fields(std::string_view& bytes, MessageKind kind, std::uint32_t group, std::size_t depth) {
  std::vector<WireField> fields;
  while (!bytes.empty()) {
    if (group != 0) {
      std::string_view ahead = bytes;
      const auto key = take_varint(ahead);
      if (key && key->value == ((std::uint64_t{group} << 3) | 4)) break;
    }
    std::string_view rest = bytes;
    auto field = take_field(rest, kind, depth);
    if (!field) break;
    bytes = rest;
    fields.push_back(std::move(*field));
  }
  return fields;
}

Bytes fixed(std::uint64_t value, std::size_t size) {
  Bytes bytes;
  for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
  return bytes;
}

void put(Bytes& out, const WireField& field) {
  const std::uint64_t key = std::uint64_t{field.number} << 3;
  out += varint(key | field.wire_type, field.key_size);
  switch (field.wire_type) {
    case 0:
      out += varint(field.value, field.number_size);
      return;
    case 1:
      out += fixed(field.value, 8);
      return;
    case 5:
      out += fixed(field.value, 4);
      return;
    case 3:
      out += serialize(field.fields);
      out += varint(key | 4, field.number_size);
      return;
    case 2: {
      const Bytes inside = field.is_message ? serialize(field.fields) : Bytes();
      const Bytes& payload = field.is_message ? inside : field.bytes;
      out += varint(payload.size() + static_cast<std::uint64_t>(field.lie), field.number_size);
      out += payload;
      return;
    }
    default:  // an end of group, or a wire type that does not exist: a key alone
      return;
  }
}

void shorten(std::vector<WireField>& fields) {
  for (WireField& field : fields) {
    field.key_size = 1;
    if (field.wire_type != 0) field.number_size = 1;
    shorten(field.fields);
  }
}

}  // namespace

MessageKind kind_inside(MessageKind parent, std::uint32_t number, unsigned wire_type) noexcept {
  if (wire_type != 2) return MessageKind::unknown;
  if (parent == MessageKind::file && number == 1) return MessageKind::value;
  if (parent == MessageKind::value && number == 2) return MessageKind::tensor;
  if (parent == MessageKind::value && number == 3) return MessageKind::map;
  if (parent == MessageKind::map && number == 1) return MessageKind::tensor;
  return MessageKind::unknown;
}

WireFile parse_wire(std::string_view file) {
  WireFile result;
  result.fields = take_fields(file, MessageKind::file, 0, 0);
  result.rest = file;
  return result;
}

Bytes serialize(const std::vector<WireField>& fields) {
  Bytes out;
  for (const WireField& field : fields) put(out, field);
  return out;
}

Bytes serialize(const WireFile& file) { return serialize(file.fields) + file.rest; }

WireFile canonical(WireFile file) {
  shorten(file.fields);
  return file;
}

}  // namespace ckpt::test

// What a file is that is no checkpoint, so that the error can name it.
#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <vector>

#include "cipher_blocks.h"
#include "ckpt/checkpoint.h"
#include "ckpt/text.h"
#include "wire.h"

namespace ckpt {
namespace {

using wire::FieldKey;
using wire::Type;

constexpr std::size_t kHeadBytes = 4096;
constexpr std::size_t kTailBytes = 64;

constexpr std::string_view sentence(FileFormat format) {
  switch (format) {
    case FileFormat::checkpoint:
      return "a MindSpore checkpoint";
    case FileFormat::safetensors:
      return "a safetensors file";
    case FileFormat::npy:
      return "a NumPy array (.npy)";
    case FileFormat::npz:
      return "a NumPy archive (.npz)";
    case FileFormat::onnx:
      return "an ONNX model";
    case FileFormat::other:
      break;
  }
  return {};
}

// What a file is recognised as: a format that holds parameters and can be opened (tools/containers), or something else,
// of which there is a sentence only.
struct Found {
  constexpr Found(FileFormat known) : format(known), description(sentence(known)) {}
  constexpr Found(const char* other) : description(other) {}

  FileFormat format = FileFormat::other;
  std::string_view description;
};

struct Magic {
  std::string_view bytes;
  Found found;
  std::size_t offset = 0;
};

using namespace std::string_view_literals;

constexpr std::array kMagics = {
    Magic{"\x1f\x8b"sv, "a gzip file: unpack it first"},
    Magic{"\xfd"
          "7zXZ\0"sv,
          "an xz file: unpack it first"},
    Magic{"\x28\xb5\x2f\xfd"sv, "a zstd file: unpack it first"},
    Magic{"BZh"sv, "a bzip2 file: unpack it first"},
    Magic{"ustar"sv, "a tar archive: unpack it first", 257},
    Magic{"\x89HDF\r\n\x1a\n"sv, "an HDF5 file (Keras and others)"},
    Magic{"\x93NUMPY"sv, FileFormat::npy},
    Magic{"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."sv, "a PyTorch file of the old format (a pickle)"},
    Magic{"version https://git-lfs.github.com/spec/"sv, "a Git LFS pointer, not the file itself: run `git lfs pull`"},
    Magic{"model_checkpoint_path:"sv, "a TensorFlow checkpoint's state file, which only names other files"},
    Magic{"\x7f"
          "ELF"sv,
          "a program"},
    Magic{"GGUF"sv, "a GGUF model (llama.cpp)"},
    Magic{"%PDF-"sv, "a PDF document"},
};

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), text.begin(), [](char a, char b) {
           return a == std::tolower(static_cast<unsigned char>(b));
         });
}

// One length-delimited field of a message in memory, or a skipped one of another type.
struct Field {
  FieldKey key = {};
  std::uint64_t value = 0;        // of a varint
  std::string_view payload = {};  // of a length-delimited field: as much of it as is there
  bool whole = true;
};

// Takes the next field off `bytes`. Empty where there is none that protobuf would read.
std::optional<Field> take_field(std::string_view& bytes) {
  const auto number = [&]() -> std::optional<std::uint64_t> {
    const wire::Varint v = wire::decode_varint(std::as_bytes(std::span(bytes.data(), bytes.size())));
    if (v.size == 0) return std::nullopt;
    bytes.remove_prefix(v.size);
    return v.value;
  };
  const auto tag = number();
  if (!tag) return std::nullopt;
  const auto key = wire::field_key(*tag);
  if (!key) return std::nullopt;
  Field field{.key = *key};
  std::uint64_t size = 0;
  switch (key->type) {
    case Type::varint: {
      const auto value = number();
      if (!value) return std::nullopt;
      field.value = *value;
      return field;
    }
    case Type::length: {
      const auto length = number();
      if (!length) return std::nullopt;
      size = *length;
      break;
    }
    case Type::fixed64:
      size = 8;
      break;
    case Type::fixed32:
      size = 4;
      break;
    default:
      return std::nullopt;
  }
  field.whole = size <= bytes.size();
  field.payload = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(size, bytes.size())));
  bytes.remove_prefix(field.payload.size());
  return field;
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// Whether a record of a checkpoint starts here: a Value with a tag or tensor in it, as far as the bytes go.
bool starts_like_a_record(std::string_view head) {
  const auto value = take_field(head);
  if (!value || value->key != FieldKey{1, Type::length}) return false;
  std::string_view inside = value->payload;
  if (inside.empty()) return value->whole;
  const auto first = take_field(inside);
  if (!first || first->key.type != Type::length) return false;
  if (first->key.number == 1) {  // a tag; a tensor must come next
    if (inside.empty()) return true;
    const auto next = take_field(inside);
    return next && next->key.type == Type::length && (next->key.number == 2 || next->key.number == 3);
  }
  if (first->key.number == 2 || first->key.number == 3) {
    std::string_view tensor = first->payload;
    const auto field = take_field(tensor);
    return tensor.empty() || (field && field->key.number <= 3);
  }
  return false;
}

// A message whose first field is a name.
bool is_named_message(std::string_view message) {
  const auto name = take_field(message);
  return name && name->key == FieldKey{1, Type::length} && name->whole && !name->payload.empty() &&
         is_printable(name->payload);
}

// anf_ir's NodeProto: inputs (messages that start with a name), the node's name, its operator.
bool is_graph_node(std::string_view node) {
  bool has_input = false;
  while (const auto field = take_field(node)) {
    if (field->key == FieldKey{1, Type::length} && is_named_message(field->payload)) {
      has_input = true;
    } else if (field->key == FieldKey{3, Type::length}) {
      return has_input && field->whole && is_printable(field->payload);
    } else if (field->key != FieldKey{2, Type::length}) {
      return false;
    }
  }
  return false;
}

// MindSpore's and other models in protobuf framing, told apart by the numbers and types of their first fields.
std::optional<Found> protobuf_model(std::string_view head) {
  std::string_view rest = head;
  const auto first = take_field(rest);
  if (!first) return {};
  if (first->key == FieldKey{1, Type::varint}) {
    const auto second = take_field(rest);
    if (!second) return {};
    if (second->key == FieldKey{2, Type::length}) {
      // ONNX: ir_version, producer_name. Strategy: current_stage, then items that start with a node's name.
      std::string_view item = second->payload;
      const auto name = take_field(item);
      const bool is_item = name && name->key == FieldKey{1, Type::length} && name->whole;
      if (is_item) return "a MindSpore strategy file (parallel layout), which holds no parameters";
      if (is_printable(second->payload)) return FileFormat::onnx;
      return {};
    }
    if (second->key == FieldKey{3, Type::length})
      return "a MindSpore strategy file (parallel layout), which holds no parameters";
    if (second->key == FieldKey{4, Type::length} && first->value <= 2)
      return "a MindSpore graph (-graph.meta), which holds no parameters";
    if (second->key == FieldKey{7, Type::length} || second->key == FieldKey{8, Type::length}) return FileFormat::onnx;
    return {};
  }
  if (first->key == FieldKey{7, Type::length} && is_named_message(first->payload)) return "a GEIR model (ge.proto)";
  if (first->key == FieldKey{1, Type::length} && is_graph_node(first->payload))
    return "a MindSpore graph (anf_ir), which holds no parameters";
  if (first->key == FieldKey{1, Type::length} && first->whole && is_printable(first->payload)) {
    // MindIR: ir_version "0.1.1" or "1.1.0" as text, producer_name; GEIR: a model's name, version as varint.
    const auto second = take_field(rest);
    if (!second) return {};
    if (second->key == FieldKey{2, Type::length} && is_printable(second->payload) && !first->payload.empty() &&
        std::isdigit(static_cast<unsigned char>(first->payload[0])))
      return "a MindIR model: its weights are inside the graph";
    if (second->key == FieldKey{2, Type::varint}) return "a GEIR model (ge.proto)";
  }
  return {};
}

// A zip archive's members are named in its local headers, the first of them at the start.
Found zip_archive(std::string_view head) {
  constexpr std::size_t kNameAt = 30;
  if (head.size() < kNameAt) return "a zip archive";
  const auto byte = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<unsigned char>(head[at])); };
  const std::string_view name = head.substr(kNameAt, byte(26) + (byte(27) << 8));
  if (name.ends_with(".npy")) return FileFormat::npz;
  if (name.ends_with("data.pkl") || head.find("data.pkl") != head.npos || head.find(".format_version") != head.npos)
    return "a PyTorch file (a zip archive with a pickle)";
  return "a zip archive";
}

bool is_safetensors(std::string_view head, std::uint64_t size) {
  if (head.size() < 9 || head[8] != '{') return false;
  std::uint64_t header = 0;
  for (std::size_t i = 8; i-- > 0;) header = (header << 8) | static_cast<unsigned char>(head[i]);
  return header >= 2 && header <= size - 8;
}

// The same with a wrong length in front, or cut inside its header: what reads the format says which.
bool is_damaged_safetensors(std::string_view head) {
  const bool json = head.size() >= 10 && head[8] == '{' && (head[9] == '"' || head[9] == '}' || head[9] == ' ');
  return json && !is_printable(head.substr(0, 8));
}

// UTF-8 without control characters; the last character may be cut.
bool is_plain_text(std::string_view text) {
  constexpr std::size_t kEnough = 8;
  for (int cut = 0; cut < 3 && text.size() > kEnough && !is_utf8(text); ++cut) text.remove_suffix(1);
  return text.size() >= kEnough && is_utf8(text) && std::all_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\r' || c == '\t';
         });
}

std::optional<Found> text_file(std::string_view head) {
  if (head.starts_with("\xef\xbb\xbf")) head.remove_prefix(3);
  const auto start = head.find_first_not_of(" \t\r\n");
  if (start == head.npos) return {};
  const std::string_view text = head.substr(start);
  if (starts_with_ignoring_case(text, "<!doctype html") || starts_with_ignoring_case(text, "<html") ||
      starts_with_ignoring_case(text, "<head"))
    return "an HTML page, perhaps an error message in the place of a download";
  if (text.starts_with("<?xml")) return "an XML file";
  if (!is_plain_text(text)) return {};
  if (text[0] == '{') return "a JSON file";
  // Letters and blanks between them: a run of printable bytes may be something else.
  const bool has_letter =
      std::any_of(text.begin(), text.end(), [](unsigned char c) { return std::isalpha(c) || c >= 0x80; });
  if (has_letter && text.find_first_of(" \t\r\n") != text.npos) return "a text file";
  return {};
}

std::optional<Found> foreign(std::string_view head, std::string_view tail) {
  for (const Magic& magic : kMagics)
    if (head.size() >= magic.offset && head.substr(magic.offset).starts_with(magic.bytes)) return magic.found;
  if (head.starts_with("PK\x03\x04") || head.starts_with("PK\x05\x06")) return zip_archive(head);
  if (tail.ends_with("\x57\xfb\x80\x8b\x24\x75\x47\xdb"sv)) return "a TensorFlow checkpoint's index";
  // A pickle names its protocol and ends with a full stop.
  if (head.size() > 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5 && tail.ends_with("."))
    return "a Python pickle";
  if (auto model = protobuf_model(head)) return model;
  return text_file(head);
}

Identity identity_of(const Found& found) {
  return {found.format == FileFormat::checkpoint, std::nullopt, std::string(found.description), found.format};
}

}  // namespace

Result<Identity> identify(const Source& source) {
  std::array<std::byte, kHeadBytes> head_bytes;
  std::array<std::byte, kTailBytes> tail_bytes;
  const auto head_size = static_cast<std::size_t>(std::min<std::uint64_t>(source.size(), kHeadBytes));
  const auto tail_size = static_cast<std::size_t>(std::min<std::uint64_t>(source.size(), kTailBytes));
  if (auto s = source.read_at(0, std::span(head_bytes).first(head_size)); !s) return std::move(s).error();
  if (auto s = source.read_at(source.size() - tail_size, std::span(tail_bytes).first(tail_size)); !s)
    return std::move(s).error();
  const std::string_view head = wire::as_text(std::span(head_bytes).first(head_size));
  const std::string_view tail = wire::as_text(std::span(tail_bytes).first(tail_size));

  if (head.empty()) return Identity{true, std::nullopt, "an empty file"};
  auto encryption = detect_encryption(source);
  if (!encryption) return std::move(encryption).error();
  if (*encryption) return Identity{true, *encryption, "an encrypted MindSpore file"};
  if (is_safetensors(head, source.size())) return identity_of(FileFormat::safetensors);
  if (starts_like_a_record(head)) return identity_of(FileFormat::checkpoint);
  if (is_damaged_safetensors(head)) return identity_of(FileFormat::safetensors);
  if (const auto found = foreign(head, tail)) return identity_of(*found);
  return Identity{true, std::nullopt, "perhaps a damaged checkpoint: nothing else that is known"};
}

}  // namespace ckpt

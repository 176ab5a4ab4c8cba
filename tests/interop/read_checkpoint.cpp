// Dumps checkpoints for the tests of this folder, which compare every byte with what MindSpore says.
//
//   read_checkpoint [--key HEX] [--mode MODE] FILE...
//
// For each file a line of JSON, for each entry (and part of a map) a line of JSON and its bytes.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/text.h"
#include "interop_support.h"

namespace {

using Json = nlohmann::ordered_json;

void write(std::span<const std::byte> bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size()) ckpt::test::fail("cannot write");
}

void write_line(const Json& json) {
  const std::string line = json.dump() + '\n';
  write(std::as_bytes(std::span(line)));
}

void dump(const ckpt::Checkpoint& file, const ckpt::TensorInfo& entry) {
  const bool map = entry.kind == ckpt::Kind::map;
  write_line({{"name_hex", ckpt::hexadecimal(std::as_bytes(std::span(entry.name)))},
              {"kind", name(entry.kind)},
              {"dtype", name(entry.dtype)},
              {"type_name_hex", ckpt::hexadecimal(std::as_bytes(std::span(entry.type_name)))},
              {"dims", entry.dims},
              {"slices", entry.extents.size()},
              {"parts", entry.parts.size()},
              {"bytes", map ? 0 : entry.byte_size}});
  if (map) {
    for (const ckpt::TensorInfo& part : entry.parts) dump(file, part);
    return;
  }
  std::vector<std::byte> buffer(std::size_t{1} << 20);
  for (std::uint64_t done = 0; done < entry.byte_size;) {
    const auto piece = std::span(buffer).first(std::min<std::size_t>(buffer.size(), entry.byte_size - done));
    ckpt::test::check(file.read(entry, done, piece));
    write(piece);
    done += piece.size();
  }
}

void dump(const std::string& path, const ckpt::OpenOptions& options) {
  const auto file = ckpt::Checkpoint::open(path, options);
  if (!file) return write_line({{"file", path}, {"entries", 0}, {"error", to_string(file.error())}});
  const auto& damage = file->damage();
  write_line({{"file", path},
              {"entries", file->tensors().size()},
              {"trailer", file->trailer().has_value()},
              {"error", damage ? Json(to_string(*damage)) : Json()}});
  for (const ckpt::TensorInfo& entry : file->tensors()) dump(*file, entry);
}

}  // namespace

int main(int argc, char** argv) {
  ckpt::OpenOptions options{.keep_damaged = true};
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--key" && i + 1 < argc)
      options.key = ckpt::test::key_from_hex(argv[++i]);
    else if (argument == "--mode" && i + 1 < argc)
      options.mode = ckpt::test::mode_from_name(argv[++i]);
    else
      dump(argument, options);
  }
  return 0;
}

// Writes checkpoints for the tests of this folder, which load them into MindSpore.
//
//   write_checkpoints small DIRECTORY          a file of each kind
//   write_checkpoints large DIRECTORY CASE     sliced-modern, sliced-classic, blocks-AES-GCM, blocks-AES-CBC,
//   blocks-SM4-CBC write_checkpoints extend FILE [HEX]        a tensor and a str behind those of FILE, whose key is HEX
//   write_checkpoints copy FROM TO [CRC|HEX]   every entry of FROM, with a CRC trailer or encrypted
//
// Beside each new file is a .json of what was put in, made of what was given to the writer, not of what it did.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ckpt/text.h"
#include "ckpt/writer.h"
#include "interop_support.h"

namespace {

using ckpt::DType;
using ckpt::TensorDesc;
using ckpt::test::check;
using ckpt::test::get;
using Bytes = std::vector<std::byte>;
using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::array kLoadable{DType::boolean, DType::int4,     DType::int8,    DType::int16,  DType::int32,
                               DType::int64,   DType::uint8,    DType::uint16,  DType::uint32, DType::uint64,
                               DType::float16, DType::bfloat16, DType::float32, DType::float64};

/// Bytes of no particular kind, the same at every run; only 0 and 1 for a Bool.
Bytes some_bytes(DType dtype, std::uint64_t size, unsigned seed = 1) {
  Bytes bytes(size);
  std::uint32_t state = seed;
  for (std::byte& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::byte>(dtype == DType::boolean ? state >> 31 : state >> 24);
  }
  return bytes;
}

std::string hex(std::string_view text) { return ckpt::hexadecimal(std::as_bytes(std::span(text))); }

/// A checkpoint and the .json beside it.
class Case {
 public:
  Case(const std::filesystem::path& path, const ckpt::WriteOptions& options = {})
      : path_(path), writer_(get(ckpt::Writer::create(path, options))) {
    json_["crc"] = options.crc;
    if (options.key) json_["key"] = ckpt::hexadecimal(options.key->bytes()), json_["mode"] = name(options.mode);
    json_["entries"] = Json::array();
  }

  void add(const TensorDesc& desc, std::span<const std::byte> bytes) {
    check(writer_.add(desc, bytes));
    note(desc)["hex"] = ckpt::hexadecimal(bytes);
  }

  void add(const std::string& name, DType dtype, std::initializer_list<std::int64_t> dims = {}) {
    const TensorDesc desc{.name = name, .dtype = dtype, .dims = dims};
    add(desc, some_bytes(dtype, desc.expected_size().value_or(0), static_cast<unsigned>(json_["entries"].size())));
  }

  void add_string(const std::string& name, const std::string& text) {
    check(writer_.add_string(name, text));
    note({.name = name, .dtype = DType::string})["text_hex"] = hex(text);
  }

  /// Int32 values i * 2654435761 (mod 2^32), given to the writer piece by piece.
  void add_numbers(const std::string& name, std::int64_t count) {
    constexpr std::uint64_t kPiece = 262'147;
    const TensorDesc desc{.name = name, .dtype = DType::int32, .dims = {count}};
    const auto total = static_cast<std::uint64_t>(count);
    check(writer_.begin(desc, total * 4));
    Bytes piece(kPiece * 4);
    for (std::uint64_t first = 0; first < total; first += kPiece) {
      const std::uint64_t values = std::min(kPiece, total - first);
      for (std::uint64_t i = 0; i < values * 4; ++i)
        piece[i] = static_cast<std::byte>(static_cast<std::uint32_t>((first + i / 4) * 2654435761u) >> (i % 4 * 8));
      check(writer_.append(std::span(piece).first(values * 4)));
    }
    note(desc)["numbers"] = count;
  }

  std::uint64_t bytes_written() const { return writer_.bytes_written(); }

  void finish() {
    check(writer_.finish());
    std::ofstream(path_.string() + ".json") << json_.dump(1);
  }

 private:
  Json& note(const TensorDesc& desc) {
    json_["entries"].push_back({{"name_hex", hex(desc.name)}, {"dtype", name(desc.dtype)}, {"dims", desc.dims}});
    return json_["entries"].back();
  }

  std::filesystem::path path_;
  ckpt::Writer writer_;
  Json json_ = {};
};

/// Content whose last 17 bytes look like a CRC trailer.
Bytes trap() {
  Bytes bytes = some_bytes(DType::uint8, 32);
  const std::string_view magic = "crc_num";
  std::transform(magic.begin(), magic.end(), bytes.end() - 17, [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

void write_kinds(const std::filesystem::path& directory, const std::string& suffix, const ckpt::WriteOptions& options) {
  Case dtypes(directory / ("dtypes" + suffix), options);
  for (const DType dtype : kLoadable) dtypes.add("p." + std::string(name(dtype)), dtype, {2, 3});
  dtypes.finish();

  Case scalars(directory / ("scalars" + suffix), options);
  for (const DType dtype : kLoadable) {
    scalars.add("scalar." + std::string(name(dtype)), dtype);
    scalars.add("one." + std::string(name(dtype)), dtype, {1});
  }
  scalars.finish();

  Case shapes(directory / ("shapes" + suffix), options);
  shapes.add("zero", DType::float32, {2, 0, 3});
  shapes.add("ones", DType::int8, {1, 1, 1, 1});
  shapes.add("rank.8", DType::float16, {1, 2, 1, 3, 1, 2, 1, 2});
  shapes.add({.name = "rank.40", .dtype = DType::uint8, .dims = std::vector<std::int64_t>(40, 1)},
             some_bytes(DType::uint8, 1));
  shapes.add("zero.last", DType::int64, {0, 4});
  shapes.finish();

  Case strings(directory / ("strings" + suffix), options);
  strings.add_string("empty", "");
  strings.add_string("ascii", "a note");
  strings.add_string("unicode", "h\u00e9\u4e2d\U0001F600");
  strings.add_string("nul.inside", std::string("a\0b", 3));
  strings.add_string("long", std::string(100'000, 'x'));
  strings.finish();

  Case names(directory / ("names" + suffix), options);
  for (const std::string& odd : {std::string(), std::string(" "), std::string("a\0b", 3), std::string("tab\t"),
                                 std::string("\u4e2d\u6587.weight"), std::string("\U0001F600"), std::string("e\u0301"),
                                 std::string("../up"), std::string("a[0]"), std::string("quote\"'"), std::string("%s"),
                                 std::string("UPPER"), std::string("upper"), std::string(1024, 'n')})
    names.add(odd, DType::float32, {2});
  names.finish();

  Case trapped(directory / ("trap" + suffix), options);
  trapped.add("first", DType::float32, {2});
  trapped.add({.name = "last", .dtype = DType::uint8, .dims = {32}}, trap());
  trapped.finish();
}

void write_appended(const std::filesystem::path& path) {
  const Bytes bytes = some_bytes(DType::float32, 24);
  const std::vector<ckpt::Param> params = {{{.name = "w", .dtype = DType::float32, .dims = {2, 3}}, bytes}};
  const std::vector<ckpt::AppendValue> append = {{"epoch", std::int64_t{20}},
                                                 {"least", std::int64_t{-9223372036854775807 - 1}},
                                                 {"lr", 0.01},
                                                 {"minus zero", -0.0},
                                                 {"tiny", 1e-320},
                                                 {"train", true},
                                                 {"frozen", false},
                                                 {"note", std::string("h\u00e9")}};
  check(ckpt::save_checkpoint(path, params, append));
}

void write_small(const std::filesystem::path& directory) {
  using ckpt::CipherMode;
  write_kinds(directory, "-modern.ckpt", {});
  write_kinds(directory, "-classic.ckpt", {.profile = ckpt::Profile::classic});
  write_kinds(directory, "-crc.ckpt", {.crc = true});
  for (const CipherMode mode : {CipherMode::aes_gcm, CipherMode::aes_cbc, CipherMode::sm4_cbc}) {
    for (const std::size_t size : {16U, 24U, 32U}) {
      if (mode == CipherMode::sm4_cbc && size != 16) continue;
      ckpt::WriteOptions options{.key = get(ckpt::Key::from_bytes(some_bytes(DType::uint8, size))), .mode = mode};
      write_kinds(directory, '-' + std::string(name(mode)) + '-' + std::to_string(size) + ".ckpt", options);
    }
  }
  write_appended(directory / "appended.ckpt");
}

/// A block of 64 MiB and not a byte more, and a block with a short one behind it.
void write_blocks(const std::filesystem::path& directory, const std::string& mode) {
  const ckpt::WriteOptions plain{.durable = false};
  ckpt::WriteOptions encrypted = plain;
  encrypted.key = get(ckpt::Key::from_bytes(some_bytes(DType::uint8, 16)));
  encrypted.mode = ckpt::test::mode_from_name(mode);
  const auto write = [&](const std::string& name, std::int64_t count, const ckpt::WriteOptions& options) {
    Case blocks(directory / (name + mode + ".ckpt"), options);
    blocks.add_numbers("numbers", count);
    const std::uint64_t size = blocks.bytes_written();
    blocks.finish();
    return size;
  };
  constexpr std::int64_t kAbout = 64 * kMiB / 4 - 20;
  const std::uint64_t more = 64 * kMiB - write("plain-", kAbout, plain);
  if (more % 4 != 0) ckpt::test::fail("the record's header is no multiple of 4 any more: choose another name");
  write("exact-", kAbout + static_cast<std::int64_t>(more / 4), encrypted);
  write("blocks-", kAbout + 1'000'000, encrypted);
}

void write_large(const std::filesystem::path& directory, const std::string& what) {
  if (what.starts_with("blocks-")) return write_blocks(directory, what.substr(7));
  ckpt::WriteOptions options{.durable = false};
  if (what == "sliced-classic") options.profile = ckpt::Profile::classic;
  Case sliced(directory / (what + ".ckpt"), options);
  sliced.add("before", DType::float32, {2});
  sliced.add_numbers("numbers", 512 * kMiB / 4 + 1);
  sliced.add("after", DType::float32, {2});
  sliced.finish();
}

void extend(const std::filesystem::path& path, const char* key) {
  ckpt::WriteOptions options;
  if (key != nullptr) options.key = ckpt::test::key_from_hex(key);
  auto writer = get(ckpt::Writer::extend(path, options));
  check(writer.add({.name = "added", .dtype = DType::int16, .dims = {2, 2}}, some_bytes(DType::int16, 8)));
  check(writer.add_string("note", "added"));
  check(writer.finish());
}

void copy(const std::filesystem::path& from, const std::filesystem::path& to, const char* how) {
  const auto file = get(ckpt::Checkpoint::open(from));
  ckpt::WriteOptions options;
  if (how != nullptr && std::string(how) == "CRC")
    options.crc = true;
  else if (how != nullptr)
    options.key = ckpt::test::key_from_hex(how);
  auto writer = get(ckpt::Writer::create(to, options));
  for (const ckpt::TensorInfo& entry : file.tensors()) check(writer.copy(file, entry));
  check(writer.finish());
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 2 ? argv[1] : "";
  const auto argument = [&](int i) -> const char* { return i < argc ? argv[i] : nullptr; };
  if (verb == "small")
    write_small(argv[2]);
  else if (verb == "large" && argc > 3)
    write_large(argv[2], argv[3]);
  else if (verb == "extend")
    extend(argv[2], argument(3));
  else if (verb == "copy" && argc > 3)
    copy(argv[2], argv[3], argument(4));
  else
    ckpt::test::fail("usage: see the top of write_checkpoints.cpp");
  return 0;
}

// What a Writer writes, libprotobuf and every reader here must read as it was given; what it refuses must be what
// writer.h says, and leave nothing behind. The first byte chooses options and the second which of two things is done:
// entries made up from the rest are written, or the rest is a checkpoint whose entries are copied.
#include <algorithm>
#include <optional>
#include <set>

#include "agreement.h"
#include "ckpt/edit.h"
#include "ckpt/text.h"
#include "ckpt/writer.h"
#include "expected_index.h"
#include "file_bytes.h"
#include "fuzz_target.h"
#include "seal.h"
#include "temp_dir.h"
#include "wire_hooks.h"

namespace {

using namespace ckpt;
using namespace ckpt::test;

[[maybe_unused]] constexpr std::size_t kPrefix = 2;  // bytes that are no checkpoint: only mutators ask
constexpr std::size_t kMostEntries = 12;
constexpr std::size_t kMostBytes = 4096;

// One folder for the whole run: TMPDIR should be in memory.
const TempDir& folder() {
  static const TempDir dir;
  return dir;
}

struct Entry {
  TensorDesc desc = {};
  Bytes content = {};
};

WriteOptions options_of(std::uint8_t choice) {
  WriteOptions options{.profile = (choice & 1) != 0 ? Profile::classic : Profile::modern,
                       .crc = (choice & 2) != 0,
                       .permissions = 0600,
                       .durable = false};
#if CKPT_CRYPTO
  if ((choice & 4) == 0 || options.crc) return options;
  options.mode = static_cast<CipherMode>((choice >> 3) % 3);
  const std::size_t key_size = options.mode == CipherMode::sm4_cbc ? 16 : 16 + 8 * ((choice >> 6) % std::size_t{3});
  options.key = *Key::from_bytes(bytes_of(sample_key(key_size)));
#endif
  return options;
}

// ---- what is given to the writer ----

TensorDesc desc_of(Choices& choices) {
  TensorDesc desc;
  desc.dtype = static_cast<DType>(choices.below(static_cast<std::size_t>(DType::string) + 1));
  desc.name = choices.bytes(choices.below(8));
  if (desc.dtype == DType::unknown || choices.below(8) == 0) desc.type_name = choices.bytes(choices.below(10));
  const bool large = choices.below(16) == 0;
  for (std::size_t i = choices.below(5); i > 0; --i)
    desc.dims.push_back(large ? static_cast<std::int64_t>(choices.number())
                              : static_cast<std::int64_t>(choices.below(9)));
  return desc;
}

// Mostly of the size that fits.
Bytes content_of(const TensorDesc& desc, Choices& choices) {
  const auto expected = desc.expected_size();
  const std::string_view given = choices.text();
  if (!expected || *expected > kMostBytes || choices.below(16) == 0) return Bytes(given);
  Bytes content(given);
  content.resize(static_cast<std::size_t>(*expected), static_cast<char>(choices.byte()));
  return content;
}

// What writer.h promises to take.
bool is_welcome(const Entry& entry, const std::set<std::string>& names) {
  const TensorDesc& desc = entry.desc;
  const auto out_of_range = [](std::int64_t dim) { return dim < 0 || dim > INT32_MAX; };
  if (!is_utf8(desc.name) || names.contains(desc.name)) return false;
  if (desc.dtype == DType::unknown && desc.type_name.empty()) return false;
  if (!is_utf8(desc.type_name)) return false;
  if (!desc.type_name.empty() && dtype_from_name(desc.type_name) != desc.dtype) return false;
  if (std::any_of(desc.dims.begin(), desc.dims.end(), out_of_range)) return false;
  if (desc.dtype == DType::string) return entry.content.size() >= 4 && entry.content.size() % 4 == 0;
  if (desc.dtype == DType::unknown) return true;
  return desc.expected_size() == entry.content.size();
}

Status write_entry(Writer& writer, const Entry& entry, Choices& choices) {
  if (choices.coin()) return writer.add(entry.desc, bytes_of(entry.content));
  if (auto status = writer.begin(entry.desc, entry.content.size()); !status) return status;
  for (std::string_view left = entry.content; !left.empty();) {
    const std::string_view piece = left.substr(0, 1 + choices.below(64));
    if (auto status = writer.append(bytes_of(piece)); !status) return status;
    left.remove_prefix(piece.size());
  }
  return {};
}

// A refusal is final, and of the documented kind.
void expect_refusal(Writer& writer, const Error& error) {
  expect(error.code == Errc::usage || error.code == Errc::mismatch, "a writer refuses with another code");
  const auto again = writer.finish();
  expect(!again && to_string(again.error()) == to_string(error), "a failed writer goes on");
}

// Adds entries until the choices end. Empty after a refusal.
std::optional<std::vector<Entry>> write_entries(Writer& writer, Choices& choices, std::set<std::string> names) {
  std::vector<Entry> entries;
  while (!choices.empty() && entries.size() < kMostEntries) {
    Entry entry{.desc = desc_of(choices)};
    entry.content = content_of(entry.desc, choices);
    const Status status = write_entry(writer, entry, choices);
    expect(status.has_value() == is_welcome(entry, names),
           "a writer takes what it should not, or refuses what it should take");
    if (!status) {
      expect_refusal(writer, status.error());
      return std::nullopt;
    }
    names.insert(entry.desc.name);
    entries.push_back(std::move(entry));
  }
  return entries;
}

// ---- what is read ----

// The plaintext of a file, without a trailer.
Bytes records_of(const Checkpoint& file) {
  Bytes plain(static_cast<std::size_t>(file.source().size()), '?');
  expect(file.source().read_at(0, std::as_writable_bytes(std::span(plain))).has_value(),
         "the plaintext cannot be read");
  if (file.trailer()) plain.resize(static_cast<std::size_t>(file.trailer()->offset));
  return plain;
}

void expect_entry(const ExpectedEntry& found, const Entry& given, const WriteOptions& options) {
  const TensorDesc& desc = given.desc;
  const bool text = desc.dtype == DType::string;
  expect(found.name == desc.name, "another name was written");
  expect(found.type == (desc.type_name.empty() ? name(desc.dtype) : desc.type_name), "another type was written");
  const auto dims = text ? std::vector<std::int64_t>{0} : desc.dims;
  // Bytes of no known type have no scalars: the classic spelling of no dims stays [0].
  const bool kept_zero = found.kind == Kind::opaque && dims.empty() && options.profile == Profile::classic;
  expect(found.dims == (kept_zero ? std::vector<std::int64_t>{0} : dims), "other dims were written");
  expect(found.stored_bytes() == given.content && !found.as_float32, "other bytes were written");
  if (found.kind == Kind::tensor && dims.empty())
    expect(found.scalar_as_zero == (options.profile == Profile::classic), "a scalar of the other dialect");
}

Bytes read_back(const std::filesystem::path& path, const WriteOptions& options) {
  Bytes bytes = read_file(path);
  const OpenOptions open{.limits = {.max_name_bytes = 4096}, .key = options.key};
  expect_no(disagreement(bytes, {.open = open, .seed = seed_of(bytes)}));
  return bytes;
}

Checkpoint opened(std::string_view bytes, const WriteOptions& options) {
  auto file = Checkpoint::from_bytes(bytes_of(bytes), {.key = options.key});
  if (!file) expect_no("what was written cannot be opened: " + to_string(file.error()));
  return std::move(*file);
}

void check_written(const std::filesystem::path& path, const std::vector<Entry>& entries, const WriteOptions& options) {
  const Bytes bytes = read_back(path, options);
  const Checkpoint file = opened(bytes, options);
  const Bytes plain = records_of(file);
  expect(file.trailer().has_value() == options.crc, "a trailer too many or too few");
  if (options.crc) expect(file.trailer()->crc == plain_crc32(plain), "the trailer is wrong");
  const Oracle oracle(plain);
  expect(oracle.parsed() && oracle.entries().size() == entries.size(), "libprotobuf finds other entries");
  for (std::size_t i = 0; i < entries.size(); ++i) expect_entry(oracle.entries()[i], entries[i], options);
}

// Nothing but finished files is ever left.
void expect_only(const std::vector<std::string>& names) {
  expect(names_in(folder().path()) == names, "a writer leaves something behind");
}

void write_and_extend(Choices& choices, const WriteOptions& options) {
  const auto path = folder() / "written.ckpt";
  std::filesystem::remove(path);
  std::vector<Entry> all;
  {
    auto writer = Writer::create(path, options);
    expect(writer.has_value(), "no writer");
    auto entries = write_entries(*writer, choices, {});
    if (entries) {
      const auto status = writer->finish();
      expect(status.has_value() == !entries->empty(), "finish() of nothing, or no finish() of something");
      if (status) all = std::move(*entries);
    }
  }
  expect_only(all.empty() ? std::vector<std::string>{} : std::vector<std::string>{"written.ckpt"});
  if (all.empty()) return;
  check_written(path, all, options);

  auto writer = Writer::extend(path, options);
  if (!writer) expect_no("extend() refuses what was written: " + to_string(writer.error()));
  const Entry more{.desc = {.name = "one more entry", .dtype = DType::float32}, .content = "abcd"};
  expect(writer->add(more.desc, bytes_of(more.content)).has_value() && writer->finish().has_value(), "no extension");
  all.push_back(more);
  check_written(path, all, options);
  std::filesystem::remove(path);
}

// ---- copying ----

bool same_but_place(const TensorInfo& a, const TensorInfo& b) {
  return a.dtype == b.dtype && a.type_name == b.type_name && a.dims == b.dims && a.kind == b.kind &&
         a.encoding == b.encoding && a.scalar_as_zero == b.scalar_as_zero && a.packed_dims == b.packed_dims &&
         a.unknown_fields == b.unknown_fields && a.byte_size == b.byte_size && a.extents.size() == b.extents.size() &&
         std::equal(a.parts.begin(), a.parts.end(), b.parts.begin(), b.parts.end(), same_but_place);
}

Bytes bytes_in(const Checkpoint& file, const TensorInfo& tensor) {
  Bytes all(static_cast<std::size_t>(tensor.byte_size), '?');
  if (tensor.kind == Kind::map) {
    all.clear();
    for (const TensorInfo& part : tensor.parts) all += bytes_in(file, part);
    return all;
  }
  expect(file.read(tensor, 0, std::as_writable_bytes(std::span(all))).has_value(), "a copied entry cannot be read");
  return all;
}

// Every entry that can be, and some under a new name.
void copy_entries(const Checkpoint& from, std::uint64_t seed, const WriteOptions& options) {
  const auto path = folder() / "copied.ckpt";
  Random random(seed);
  std::vector<std::pair<const TensorInfo*, std::string>> copied;
  std::set<std::string> names;
  auto writer = Writer::create(path, options);
  expect(writer.has_value(), "no writer");
  for (const TensorInfo& entry : from.tensors()) {
    const bool renamed = random.one_in(3);
    const std::string name = renamed ? "new name " + std::to_string(copied.size()) : entry.name;
    if (!names.insert(name).second) continue;
    const auto status = renamed ? writer->copy(from, entry, name) : writer->copy(from, entry);
    if (!status) expect_no("copy() fails: " + to_string(status.error()));
    copied.emplace_back(&entry, name);
  }
  if (copied.empty()) return;
  expect(writer->finish().has_value(), "a copy cannot be finished");
  const Bytes bytes = read_back(path, options);
  const Checkpoint file = opened(bytes, options);
  expect(file.tensors().size() == copied.size(), "copies come out as other entries");
  for (std::size_t i = 0; i < copied.size(); ++i) {
    const auto& [original, name] = copied[i];
    const TensorInfo& copy = file.tensors()[i];
    expect(copy.name == name && same_but_place(*original, copy), "a copy is something else");
    expect(bytes_in(from, *original) == bytes_in(file, copy), "a copy has other bytes");
  }
  std::filesystem::remove(path);
}

// Plans over any entries: what is written must be whole, and nothing else be left.
void edit(const Checkpoint& from, std::uint64_t seed, const WriteOptions& options) {
  const auto path = folder() / "edited.ckpt";
  Random random(seed);
  EditOptions edits{.rewrite = random.one_in(2), .conflict = EditOptions::Conflict::last};
  if (random.one_in(2)) edits.cast = [](const TensorInfo&) { return DType::bfloat16; };
  if (random.one_in(2)) edits.set = {{.name = "a", .value = 1.5}, {.name = "text", .value = std::string("x")}};
  edits.strip_optimizer = random.one_in(2);
  const Checkpoint* inputs[] = {&from};
  const auto plan = EditPlan::make(inputs, edits);
  if (!plan) return expect(plan.error().code == Errc::usage, "a plan is refused with another code");
  const auto casts = plan->write(path, options);
  if (!casts) return expect_only({});
  const Bytes bytes = read_back(path, options);
  expect(opened(bytes, options).tensors().size() == plan->steps().size(), "an edit writes other entries than planned");
  std::filesystem::remove(path);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = text_of(data, size);
  Choices choices(input);
  const WriteOptions options = options_of(choices.byte());
  if (choices.coin()) {
    write_and_extend(choices, options);
    return 0;
  }
  const auto from =
      Checkpoint::from_bytes(bytes_of(choices.rest()), {.limits = {.max_name_bytes = 4000}, .keep_damaged = true});
  if (!from) return 0;
  copy_entries(*from, seed_of(input), options);
  edit(*from, seed_of(input), options);
  expect_only({});
  return 0;
}

CKPT_WIRE_HOOKS(kPrefix)

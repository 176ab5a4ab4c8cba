#include "agreement.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "ckpt/group.h"
#include "ckpt/slice.h"
#include "ckpt/validate.h"
#include "expected_index.h"
#include "random.h"
#include "wire_tree.h"

namespace ckpt::test {
namespace {

// The first difference stops a comparison; it is a sentence for whoever looks into it.
struct Disagreement {
  std::string what;
};

template <class... Parts>
[[noreturn]] void disagree(const Parts&... parts) {
  std::string what;
  const auto add = [&](const auto& part) {
    if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(part)>>)
      what += std::to_string(part);
    else
      what += part;
  };
  (add(parts), ...);
  throw Disagreement{what};
}

void require(bool holds, std::string_view what) {
  if (!holds) disagree(what);
}

bool same_trailer(const std::optional<Trailer>& a, const std::optional<Trailer>& b) {
  return a.has_value() == b.has_value() &&
         (!a || (a->offset == b->offset && a->crc == b->crc && a->oversized == b->oversized));
}

bool same_dialect(const Dialect& a, const Dialect& b) {
  return a.model_type == b.model_type && a.scalars_as_zero == b.scalars_as_zero &&
         a.scalars_without_dims == b.scalars_without_dims && a.packed_dims == b.packed_dims && a.maps == b.maps &&
         a.slices == b.slices && a.old_type_names == b.old_type_names && a.unknown_fields == b.unknown_fields;
}

bool same_entry(const TensorInfo& a, const TensorInfo& b) {
  return a.name == b.name && a.dtype == b.dtype && a.type_name == b.type_name && a.dims == b.dims && a.kind == b.kind &&
         a.encoding == b.encoding && a.scalar_as_zero == b.scalar_as_zero && a.packed_dims == b.packed_dims &&
         a.unknown_fields == b.unknown_fields && a.record_offset == b.record_offset && a.record_size == b.record_size &&
         a.byte_size == b.byte_size && a.stored_size == b.stored_size && a.extents == b.extents &&
         std::equal(a.parts.begin(), a.parts.end(), b.parts.begin(), b.parts.end(), same_entry);
}

Bytes read_all(const Checkpoint& file, const TensorInfo& tensor) {
  Bytes bytes(static_cast<std::size_t>(tensor.byte_size), '?');
  if (auto status = file.read(tensor, 0, std::as_writable_bytes(std::span(bytes))); !status)
    disagree("read of ", tensor.name, " failed: ", to_string(status.error()));
  return bytes;
}

// ---- one Checkpoint, as it is by itself ----

void check_extents(const Checkpoint& file, const TensorInfo& tensor) {
  std::uint64_t stored = 0;
  for (const Extent& extent : tensor.extents) {
    const std::uint64_t size = file.source(extent.source).size();
    require(extent.offset <= size && extent.size <= size - extent.offset, "an extent lies outside its source");
    stored += extent.size;
  }
  require(stored == tensor.stored_size, "the extents do not add up to stored_size");
  const bool wide = tensor.encoding == Encoding::bf16_as_float32;
  require(tensor.byte_size == (wide ? stored / 2 : stored), "byte_size is not what is stored");
}

void check_ranges(const Checkpoint& file, const TensorInfo& tensor, const Bytes& all, Random& random) {
  for (int i = 0; i < 4; ++i) {
    const std::size_t offset = random.below(all.size() + 1);
    const std::size_t size = random.below(all.size() - offset + 1);
    Bytes part(size, '?');
    const auto status = file.read(tensor, offset, std::as_writable_bytes(std::span(part)));
    require(status.has_value() && part == std::string_view(all).substr(offset, size), "a ranged read differs");
  }
  Bytes beyond(all.size() + 1, '?');
  const auto status = file.read(tensor, 0, std::as_writable_bytes(std::span(beyond)));
  require(!status && status.error().code == Errc::mismatch, "a read beyond the end is no mismatch");
}

void check_slice(const Checkpoint& file, const TensorInfo& tensor, const Bytes& all) {
  Bytes sliced;
  const auto slice = parse_slice("...", tensor.dims);
  const bool has_negative = std::any_of(tensor.dims.begin(), tensor.dims.end(), [](auto dim) { return dim < 0; });
  require(slice.has_value() != has_negative, "parse_slice does not take what has no negative dim");
  if (!slice) return;
  const auto status = read_slice(file, tensor, *slice, [&](std::span<const std::byte> run) {
    sliced += to_bytes(run);
    return true;
  });
  require(status.has_value() == (tensor.fits() && tensor.kind != Kind::map), "read_slice takes what does not fit");
  require(!status || sliced == all, "read_slice of everything is not read");
}

void check_string(const Checkpoint& file, const TensorInfo& tensor, const Bytes& all) {
  const auto text = file.read_string(tensor);
  bool good = all.size() % 4 == 0;
  std::size_t used = 0;
  for (std::size_t i = 0; good && i < all.size(); i += 4) {
    std::uint32_t c = 0;
    for (std::size_t k = 4; k-- > 0;) c = (c << 8) | static_cast<unsigned char>(all[i + k]);
    good = c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
    if (c != 0) used = i + 4;
  }
  require(text.has_value() == good, "read_string and UTF-32 disagree about what is text");
  require(!good || (text->empty() == (used == 0)), "read_string lost characters");
}

void check_tensor(const Checkpoint& file, const TensorInfo& tensor, Random& random) {
  check_extents(file, tensor);
  const Bytes all = read_all(file, tensor);
  check_ranges(file, tensor, all, random);
  check_slice(file, tensor, all);
  if (tensor.kind == Kind::string) check_string(file, tensor, all);
}

void check_bulk_read(const Checkpoint& file) {
  std::vector<const TensorInfo*> tensors;
  for (const TensorInfo& entry : file.tensors()) {
    if (entry.kind != Kind::map) tensors.push_back(&entry);
    for (const TensorInfo& part : entry.parts) tensors.push_back(&part);
  }
  std::vector<Bytes> all;
  for (const TensorInfo* tensor : tensors) all.emplace_back(static_cast<std::size_t>(tensor->byte_size), '?');
  std::vector<ReadRequest> requests;
  for (std::size_t i = 0; i < all.size(); ++i)
    requests.push_back({.tensor = tensors[i], .out = std::as_writable_bytes(std::span(all[i]))});
  std::reverse(requests.begin(), requests.end());
  require(file.read_many(requests, {.threads = 1}).has_value(), "read_many failed");
  for (std::size_t i = 0; i < all.size(); ++i) require(all[i] == read_all(file, *tensors[i]), "read_many is not read");
}

void check_lookup(const Checkpoint& file) {
  std::map<std::string_view, const TensorInfo*> last;
  for (const TensorInfo& entry : file.tensors()) last[entry.name] = &entry;
  for (const auto& [name, entry] : last) require(file.find(name) == entry, "find() does not give the last of a name");
  require(file.find("no such name \x01") == nullptr || last.contains("no such name \x01"), "find() made something up");
  require(classify(file.tensors()).size() == file.tensors().size(), "classify() left an entry out");
}

void check_alone(const Checkpoint& file, Random& random) {
  for (const TensorInfo& entry : file.tensors()) {
    if (entry.kind == Kind::map) {
      const auto status = file.read(entry, 0, {});
      require(!status && status.error().code == Errc::usage, "a map can be read as a whole");
      for (const TensorInfo& part : entry.parts) check_tensor(file, part, random);
    } else {
      check_tensor(file, entry, random);
    }
  }
  check_bulk_read(file);
  check_lookup(file);
}

// ---- against libprotobuf ----

void compare_tensor(const Checkpoint& file, const TensorInfo& found, const ExpectedTensor& expected) {
  require(found.type_name == expected.type, "another type than libprotobuf's");
  require(found.dims == expected.dims, "other dims than libprotobuf's");
  require(found.scalar_as_zero == expected.scalar_as_zero, "scalar_as_zero is wrong");
  require((found.encoding == Encoding::bf16_as_float32) == expected.as_float32, "the encoding is wrong");
  require(found.expected_size() == expected.expected, "expected_size() is wrong");
  require(found.extents.size() == expected.content.size(), "another number of slices");
  require(read_all(file, found) == expected.canonical_bytes(), "other bytes than libprotobuf's");
}

void compare_entry(const Checkpoint& file, const TensorInfo& found, const ExpectedEntry& expected, bool complete) {
  require(found.name == expected.name, "another name than libprotobuf's");
  require(found.kind == expected.kind, "another kind of entry than expected");
  // What protobuf overwrote is not there any more to have unknown fields; otherwise they are the same.
  require(found.unknown_fields || !expected.unknown_fields, "unknown fields are overlooked");
  require(!complete || found.unknown_fields == expected.unknown_fields, "unknown fields are made up");
  require(found.parts.size() == expected.parts.size(), "another number of parts");
  for (std::size_t i = 0; i < found.parts.size(); ++i) compare_tensor(file, found.parts[i], expected.parts[i]);
  if (found.kind == Kind::map) return;
  if (found.extents.empty())
    require(found.type_name.empty() && expected.content.empty(), "a value was lost");
  else
    compare_tensor(file, found, expected);
}

// Whether a tensor or a map took the other's place in a record: packed dims, which libprotobuf would write longer, may
// make up for what is gone.
bool has_overwritten_values(std::string_view file) {
  return std::ranges::any_of(parse_wire(file).fields, [](const WireField& record) {
    const auto has = [&](MessageKind kind) {
      return std::ranges::any_of(record.fields, [&](const WireField& field) { return field.kind == kind; });
    };
    return has(MessageKind::tensor) && has(MessageKind::map);
  });
}

void compare_with_oracle(const Checkpoint& file, std::string_view whole, const Oracle& oracle) {
  const auto found = file.tensors();
  if (found.size() != oracle.entries().size())
    disagree(found.size(), " entries, but ", oracle.entries().size(), " of libprotobuf's");
  const bool complete = oracle.holds_everything() && !has_overwritten_values(whole);
  for (std::size_t i = 0; i < found.size(); ++i) compare_entry(file, found[i], oracle.entries()[i], complete);
}

// Damage behind what begins as a cipher block is told as that: what exactly could not be read is left out.
bool hides_a_cause(const Error& damage) {
  return damage.message.find("an encrypted block follows") != std::string::npos;
}

// What could not be read: that of the same fields where the first is no cipher block.
std::optional<Error> cause_of(std::string_view file, const Error& damage, const OpenOptions& options) {
  if (!hides_a_cause(damage)) return damage;
  Bytes fields(file);
  fields.at(static_cast<std::size_t>(damage.offset) + 3) ^= 1;  // D8 5E 3A 7F: a key, a length and the first byte
  const auto opened = Checkpoint::from_bytes(bytes_of(fields), options);
  require(opened && opened->damage(), "a cipher block is the only damage, which protobuf would not see");
  return opened->damage();
}

// Whether libprotobuf must read the file if we do, and must not if we do not. It must not agree
// (1) on a file with a CRC trailer, which it does not know: the trailer is cut off before;
// (2) on keys and lengths of more than five bytes, which it refuses whatever their value: a file that only differs from
//     one it takes in the lengths of those is taken here;
// (3) on keys of more than 32 bits, of which it drops the upper ones and we refuse the file;
// (4) where one of our Limits stops us.
// Required fields (the schema has none), names that are not UTF-8 (proto2 takes them), 2 GiB (no input here is as
// large) and the depth of groups (both stop at 100) make no difference.
void compare_verdicts(std::string_view plain, const std::optional<Error>& damage, const Oracle& oracle) {
  if (damage.has_value() != oracle.parsed()) return;
  if (!damage) {
    const Bytes shortened = serialize(canonical(parse_wire(plain)));
    if (shortened.size() < plain.size() && Oracle(shortened).parsed()) return;  // (2)
    disagree("libprotobuf refuses what is read here");
  }
  if (damage->code == Errc::limit) return;                                     // (4)
  if (damage->message.find("more than 32 bits") != std::string::npos) return;  // (3)
  disagree("libprotobuf reads what is refused here: ", to_string(*damage));
}

// The plaintext bytes in front of a trailer, or in front of the damage: whole records.
std::string_view whole_part(std::string_view file, const Checkpoint& opened) {
  if (opened.trailer()) return file.substr(0, static_cast<std::size_t>(opened.trailer()->offset));
  if (!opened.damage()) return file;
  const auto entries = opened.tensors();
  if (entries.empty()) return {};
  return file.substr(0, static_cast<std::size_t>(entries.back().record_offset + entries.back().record_size));
}

void check_against_oracle(std::string_view file, const Checkpoint& opened, const OpenOptions& options) {
  const std::string_view whole = whole_part(file, opened);
  Bytes canonical_file;
  std::optional<Oracle> oracle(whole);
  if (!opened.damage()) {
    compare_verdicts(whole, opened.damage(), *oracle);
  } else if (!opened.trailer()) {
    compare_verdicts(file, cause_of(file, *opened.damage(), options), Oracle(file));
  }
  if (!oracle->parsed()) {  // (2): the same file, written shorter
    canonical_file = serialize(canonical(parse_wire(whole)));
    oracle.emplace(canonical_file);
    require(oracle->parsed(), "libprotobuf cannot read the records in front of the damage");
  }
  compare_with_oracle(opened, whole, *oracle);
  if (opened.damage()) return;
  require(opened.dialect().model_type == oracle->model_type(), "another model_type than libprotobuf's");
  if (oracle->unknown_fields_between_records())
    require(opened.dialect().unknown_fields, "unknown fields between records are overlooked");
}

// ---- against a pipe ----

// What a stream gave out: the pieces of each entry and part, joined.
struct Piped {
  std::map<std::pair<std::size_t, std::size_t>, Bytes> content = {};
  std::optional<Error> error = {};
};

Piped drain(RecordStream& stream) {
  Piped piped;
  while (true) {
    const auto piece = stream.next();
    if (!piece) {
      piped.error = piece.error();
      const auto again = stream.next();
      require(!again && again.error().code == piped.error->code, "a failed stream goes on");
      return piped;
    }
    if (*piece == nullptr) {
      const auto again = stream.next();
      require(again && *again == nullptr, "an ended stream goes on");
      return piped;
    }
    const Piece& p = **piece;
    require(p.entry + 1 == stream.tensors().size(), "a piece is not of the last entry");
    const TensorInfo& entry = stream.tensors()[p.entry];
    require(entry.kind == Kind::map ? p.part < entry.parts.size() : p.part == 0, "a piece of no part");
    require(!p.bytes.empty(), "an empty piece");
    Bytes& content = piped.content[{p.entry, p.part}];
    require(p.offset == content.size(), "pieces are not in order");
    content += to_bytes(p.bytes);
  }
}

Bytes stored_bytes(const Checkpoint& file, const TensorInfo& tensor) {
  Bytes bytes;
  for (const Extent& extent : tensor.extents) {
    Bytes piece(static_cast<std::size_t>(extent.size), '?');
    const auto status = file.source(extent.source).read_at(extent.offset, std::as_writable_bytes(std::span(piece)));
    require(status.has_value(), "an extent cannot be read");
    bytes += piece;
  }
  return bytes;
}

void compare_content(const Checkpoint& file, const Piped& piped, std::size_t entries) {
  const auto content = [&](std::size_t entry, std::size_t part) {
    const auto found = piped.content.find({entry, part});
    return found == piped.content.end() ? Bytes() : found->second;
  };
  for (std::size_t i = 0; i < entries; ++i) {
    const TensorInfo& entry = file.tensors()[i];
    if (entry.kind != Kind::map) require(content(i, 0) == stored_bytes(file, entry), "a pipe gives other bytes");
    for (std::size_t part = 0; part < entry.parts.size(); ++part)
      require(content(i, part) == stored_bytes(file, entry.parts[part]), "a pipe gives other bytes of a map");
  }
}

// A refusal of something that a pipe cannot do (stream.h says what) is no disagreement if that is in the file.
bool must_refuse(const Checkpoint& file, std::size_t buffer_bytes) {
  return std::any_of(file.tensors().begin(), file.tensors().end(), [&](const TensorInfo& entry) {
    const bool wide = entry.encoding == Encoding::bf16_as_float32 || entry.dtype == DType::bfloat16;
    const bool wide_part = std::ranges::any_of(
        entry.parts, [](const TensorInfo& part) { return part.dtype == DType::bfloat16 && part.extents.size() > 1; });
    return (wide && entry.extents.size() > 1) || wide_part || entry.record_size > buffer_bytes - 64;
  });
}

// A pipe and a file name the same damage by the same code, but for what only the size of the file tells. A name above
// the limit that is longer than the file, too, is truncated there; and what is wrong inside a record that is not all
// there, for whatever reason, only a pipe gets to see.
bool same_damage(const Error& pipe, const Error& file) {
  if (pipe.code == file.code) return true;
  const bool broken_block = file.message.find("cipher block") != std::string::npos;
  if (file.code != Errc::truncated && !broken_block && !hides_a_cause(file)) return false;
  return pipe.code == Errc::limit ||
         (pipe.code == Errc::malformed && (broken_block || file.message.find("a record needs") != std::string::npos));
}

void compare_complete(const Checkpoint& file, const RecordStream& stream, const Piped& piped, std::string_view bytes) {
  require(std::equal(file.tensors().begin(), file.tensors().end(), stream.tensors().begin(), stream.tensors().end(),
                     same_entry),
          "a pipe yields another index");
  require(same_dialect(file.dialect(), stream.dialect()), "a pipe yields another dialect");
  require(same_trailer(file.trailer(), stream.trailer()), "a pipe yields another trailer");
  require(stream.bytes_read() == bytes.size(), "bytes_read() is not the file's size");
  compare_content(file, piped, file.tensors().size());
  if (!file.encryption() && stream.trailer())
    require(stream.crc() == plain_crc32(bytes.substr(0, static_cast<std::size_t>(stream.trailer()->offset))),
            "crc() is wrong");
}

// Entries that a pipe yielded before it stopped are the file's; the last one may lack slices.
void compare_beginning(const Checkpoint& file, const RecordStream& stream, const Piped& piped) {
  const auto a = file.tensors();
  const auto b = stream.tensors();
  require(b.size() <= a.size(), "a pipe yields more than the file has");
  for (std::size_t i = 0; i + 1 < b.size(); ++i) require(same_entry(a[i], b[i]), "a pipe yields another entry");
  if (b.empty()) return;
  require(a[b.size() - 1].name == b.back().name, "a pipe's last entry is another one");
  compare_content(file, piped, b.size() - 1);
}

// The smallest that a stream takes.
std::size_t small_buffer(const AgreementOptions& options) {
  return static_cast<std::size_t>(std::max<std::uint64_t>(4096, options.open.limits.max_name_bytes));
}

// Of what decrypts to not one whole record, what is wrong is a guess: the key, the blocks, or what was encrypted. A
// file knows the headers of all blocks beforehand, a pipe only those it came to.
bool is_a_guess(const std::optional<Encryption>& encryption, std::size_t entries) {
  return encryption.has_value() && entries == 0;
}

void check_pipe(std::string_view bytes, const Checkpoint& file, const AgreementOptions& options, std::uint64_t seed,
                std::size_t buffer_bytes) {
  RecordStream stream(chunked(bytes, seed), {.open = options.open, .buffer_bytes = buffer_bytes});
  const Piped piped = drain(stream);
  if (!piped.error) {
    require(!file.damage(), "a pipe does not notice damage");
    return compare_complete(file, stream, piped, bytes);
  }
  const Error& error = *piped.error;
  compare_beginning(file, stream, piped);
  if (error.code == Errc::unsupported && error.message.find("needs a file") != std::string::npos)
    return require(must_refuse(file, buffer_bytes) || file.damage(), "a pipe refuses what it could do");
  if (!file.damage()) disagree("a pipe fails: ", to_string(error));
  if (!same_damage(error, *file.damage()) && !is_a_guess(file.encryption(), file.tensors().size()))
    disagree("a pipe says \"", to_string(error), "\", a file \"", to_string(*file.damage()), '"');
  require(stream.tensors().size() == file.tensors().size(), "a pipe keeps other entries in front of the damage");
}

// ---- validate() ----

bool is_about_damage(const Finding& finding) {
  const std::string_view id = finding.rule->id;
  return id == "truncated" || id == "malformed" || id == "trailing-bytes" || id == "limit-exceeded" ||
         id == "cipher-damaged" || id == "cipher-behind-clear";
}

// Fields that nobody knows, right in front of damage, may already be part of it for a pipe.
void forget_fields_at_damage(std::vector<Finding>& findings) {
  if (std::none_of(findings.begin(), findings.end(), is_about_damage)) return;
  std::erase_if(findings,
                [](const Finding& f) { return std::string_view(f.rule->id) == "unknown-fields" && f.tensor.empty(); });
}

void compare_findings(std::vector<Finding> a, std::vector<Finding> b) {
  forget_fields_at_damage(a);
  forget_fields_at_damage(b);
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    if (i >= a.size()) disagree("only a pipe finds ", b[i].rule->id, ": ", b[i].message);
    if (i >= b.size()) disagree("only a file finds ", a[i].rule->id, ": ", a[i].message);
    // A pipe learns where it ends at another place.
    if (is_about_damage(a[i]) && is_about_damage(b[i])) continue;
    if (a[i].rule != b[i].rule || a[i].tensor != b[i].tensor || a[i].offset != b[i].offset ||
        a[i].message != b[i].message)
      disagree("a file's finding ", a[i].rule->id, ": ", a[i].message, "; a pipe's ", b[i].rule->id, ": ",
               b[i].message);
  }
}

void check_findings(std::string_view bytes, const Checkpoint& file, const AgreementOptions& options,
                    const ValidateOptions& what) {
  const auto of_file = validate(file, what);
  if (!of_file) disagree("validate() of a file fails: ", to_string(of_file.error()));
  const std::size_t buffer_bytes = small_buffer(options);
  RecordStream stream(chunked(bytes, options.seed + 7), {.open = options.open, .buffer_bytes = buffer_bytes});
  const auto of_pipe = validate(stream, what);
  if (of_pipe) return compare_findings(*of_file, *of_pipe);
  if (is_a_guess(file.encryption(), file.tensors().size())) return;
  const bool may = of_pipe.error().code == Errc::unsupported && (file.damage() || must_refuse(file, buffer_bytes));
  if (!may) disagree("validate() of a pipe fails: ", to_string(of_pipe.error()));
}

constexpr std::size_t kPipeHeadBytes = 4096;  // what a pipe is recognised by

// A file that cannot be opened at all: a pipe must not be read to a good end either.
void check_refused(std::string_view bytes, const Error& refusal, const AgreementOptions& options) {
  RecordStream stream(chunked(bytes, options.seed), {.open = options.open});
  const Piped piped = drain(stream);
  const auto begins_as = identify(*borrow_bytes(bytes_of(bytes.substr(0, kPipeHeadBytes))));
  const auto is = identify(*borrow_bytes(bytes_of(bytes)));
  // Some files are known by how they end, which a pipe learns too late.
  if (begins_as->checkpoint && !is->checkpoint) return;
  require(piped.error.has_value(), "a pipe takes what a file refuses");
  if (!same_damage(*piped.error, refusal) && !is_a_guess(is->encryption, stream.tensors().size()))
    disagree("a pipe says \"", to_string(*piped.error), "\", a file \"", to_string(refusal), '"');
  require(stream.tensors().empty(), "a pipe finds entries where a file finds none");
}

void check(std::string_view bytes, const AgreementOptions& options) {
  Random random(options.seed);
  const auto span = bytes_of(bytes);
  OpenOptions keep = options.open;
  keep.keep_damaged = false;
  const auto strict = Checkpoint::from_bytes(span, keep);
  keep.keep_damaged = true;
  const auto file = Checkpoint::from_bytes(span, keep);
  if (!file) {
    require(!strict && strict.error().code == file.error().code, "keep_damaged fails where strict opening does not");
    return check_refused(bytes, file.error(), options);
  }
  require(strict.has_value() == !file->damage(), "strict opening and keep_damaged disagree");
  if (strict) {
    require(difference(*strict, *file).empty(), "strict opening finds something else");
  } else {
    require(to_string(strict.error()) == to_string(*file->damage()), "another error than the damage");
  }
  if (options.exhaustive) check_alone(*file, random);
  if (options.oracle && !file->encryption()) check_against_oracle(bytes, *file, keep);
  check_pipe(bytes, *file, options, options.seed, small_buffer(options));
  if (options.exhaustive) check_pipe(bytes, *file, options, options.seed + 1, std::size_t{1} << 18);
  check_findings(bytes, *file, options, {.values = true, .threads = 1});
  if (options.exhaustive)
    check_findings(bytes, *file, options, {.headers_only = true, .version = MindSporeVersion{1, 5}, .threads = 1});
}

}  // namespace

std::string disagreement(std::string_view file, const AgreementOptions& options) {
  try {
    check(file, options);
    return {};
  } catch (const Disagreement& disagreement) {
    return disagreement.what;
  }
}

std::string difference(const Checkpoint& a, const Checkpoint& b) {
  if (!std::equal(a.tensors().begin(), a.tensors().end(), b.tensors().begin(), b.tensors().end(), same_entry))
    return "other entries";
  if (!same_dialect(a.dialect(), b.dialect())) return "another dialect";
  if (!same_trailer(a.trailer(), b.trailer())) return "another trailer";
  try {
    for (std::size_t i = 0; i < a.tensors().size(); ++i) {
      if (a.tensors()[i].kind == Kind::map) continue;
      if (read_all(a, a.tensors()[i]) != read_all(b, b.tensors()[i])) return "other bytes";
    }
  } catch (const Disagreement& disagreement) {
    return disagreement.what;
  }
  return {};
}

ReadFn chunked(std::string_view bytes, std::uint64_t seed) {
  // Tiny chunks find what is cut in the middle, larger ones what is not.
  const std::size_t most = seed % 4 == 0 ? 1 : seed % 4 == 1 ? 7 : seed % 4 == 2 ? 100 : 5000;
  return [bytes, most, random = Random(seed)](std::span<std::byte> out) mutable -> Result<std::size_t> {
    const std::size_t size = std::min({out.size(), bytes.size(), 1 + random.below(most)});
    std::copy_n(bytes_of(bytes).begin(), size, out.begin());
    bytes.remove_prefix(size);
    return size;
  };
}

}  // namespace ckpt::test

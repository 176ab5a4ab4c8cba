#include "ckpt/validate.h"

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <utility>

#include "census.h"
#include "checkpoint_impl.h"
#include "cipher_blocks.h"
#include "ckpt/text.h"
#include "dim_limits.h"
#include "index.h"
#include "name_length.h"
#include "rules.h"
#include "scan.h"
#include "slicing.h"
#include "trailer.h"
#include "version_rules.h"
#include "wording.h"

namespace ckpt {
namespace {

constexpr std::uint64_t kHugeAllocation = std::uint64_t{64} << 20;  // below, nobody notices
constexpr std::uint64_t kHugeRatio = 16;                            // times what is stored

// What had to be read to know, besides the index.
struct Evidence {
  const CensusTable* censuses = nullptr;
  std::optional<std::uint32_t> crc = {};  // computed, where there is a trailer
  std::optional<Error> damage = {};
  std::optional<Error> cipher_damage = {};
  bool ends_like_trailer = false;
};

// Keeps the first `most` findings, and beyond them the first error and the first warning, so that the verdict is right.
class Findings {
 public:
  explicit Findings(const ValidateOptions& options)
      : most_(options.max_findings), of_one_version_(options.version.has_value()) {}

  void add(const Rule& rule, std::string_view tensor, std::uint64_t offset, std::string message) {
    if (of_one_version_ &&
        std::find(kRulesOfVersions.begin(), kRulesOfVersions.end(), rule.id) != kRulesOfVersions.end())
      return;
    bool& seen = seen_[static_cast<std::size_t>(rule.severity)];
    if (list_.size() >= most_ && seen) {
      ++omitted_;
      return;
    }
    seen = true;
    list_.push_back({&rule, std::string(tensor), offset, std::move(message)});
  }

  std::vector<Finding> take() {
    if (omitted_ > 0)
      list_.push_back({.rule = &rule("too-many-findings"),
                       .message = std::to_string(omitted_) + (omitted_ == 1 ? " more finding" : " more findings")});
    return std::move(list_);
  }

 private:
  std::uint64_t most_;
  bool of_one_version_;
  std::uint64_t omitted_ = 0;
  std::array<bool, 3> seen_ = {};
  std::vector<Finding> list_ = {};
};

// ---- one entry ----

// Everything about one entry, in the order of the rules.
class EntryCheck {
 public:
  EntryCheck(std::span<const TensorInfo> entries, const NameTable& names, const ValidateOptions& options,
             Findings& findings)
      : entries_(entries), names_(names), options_(options), findings_(findings) {}

  void check(std::size_t i, const CensusTable& censuses) {
    entry_ = &entries_[i];
    check_name();
    check_run(i);
    const bool apart = check_apart(i);
    check_kind(!apart && !is_differing_slice(i + 1));
    check_values(i, censuses);
    check_record();
    if (options_.version)
      check_entry_for(*options_.version, *entry_, run_,
                      [&](const Rule& rule, std::string message) { report(rule, std::move(message)); });
  }

 private:
  void report(const Rule& rule, std::string message) {
    findings_.add(rule, entry_->name, entry_->record_offset, std::move(message));
  }

  void check_name() {
    const std::string_view name = entry_->name;
    if (name.empty()) return report(rule("empty-name"), "the name is empty");
    if (!is_utf8(name)) return report(rule("invalid-name"), "the name is not UTF-8; MindSpore refuses the file");
    const std::size_t length = length_of(name);
    const bool parameter = entry_->kind == Kind::tensor || (entry_->kind == Kind::opaque && !entry_->extents.empty());
    if (parameter && length > kMaxNameLength)
      report(rule("long-name"), "the name has " + std::to_string(length) + " characters; MindSpore refuses more than " +
                                    std::to_string(kMaxNameLength));
    if (const char* oddity = oddity_of(name)) report(rule("odd-name"), std::string("the name ") + oddity);
  }

  static const char* oddity_of(std::string_view name) {
    // What escape() makes longer, but for quotes and backslashes, does not show as what it is.
    const auto quotes = std::count_if(name.begin(), name.end(), [](char c) { return c == '"' || c == '\\'; });
    if (escape(name).size() != name.size() + static_cast<std::size_t>(quotes))
      return "has control or invisible characters";
    if (name.front() == ' ' || name.back() == ' ') return "begins or ends with a blank";
    const bool drive = name.size() > 2 && name[1] == ':' && (name[2] == '/' || name[2] == '\\');
    if (name.front() == '/' || name.front() == '\\' || drive) return "looks like an absolute path";
    for (std::size_t begin = 0; begin <= name.size();) {
      const auto end = std::min(name.find_first_of("/\\", begin), name.size());
      const std::string_view component = name.substr(begin, end - begin);
      if (component == "." || component == "..") return "looks like a path out of its directory";
      begin = end + 1;
    }
    return nullptr;
  }

  // Entries of one name in a row: MindSpore since 0.6 takes them for the slices of one tensor.
  bool follows_its_like(std::size_t i) const {
    return i > 0 && i < entries_.size() && entries_[i - 1].name == entries_[i].name;
  }
  bool is_differing_slice(std::size_t i) const {
    return follows_its_like(i) && entries_[i].kind == Kind::tensor && is_unfinished(entries_[i - 1]);
  }

  // Or nothing, which MindSpore takes for one.
  bool is_map(std::size_t i) const {
    return entries_[i].kind == Kind::map || (entries_[i].kind == Kind::opaque && entries_[i].extents.empty());
  }

  void check_run(std::size_t i) {
    const bool follows = follows_its_like(i);
    const bool followed = follows_its_like(i + 1);
    run_ = {.follows = follows,
            .followed = followed,
            .beside_map = (follows && (is_map(i - 1) || is_map(i))) || (followed && (is_map(i) || is_map(i + 1))),
            .bytes_before = follows ? run_.bytes_before + entries_[i - 1].stored_size : 0};
    differing_bytes_ = is_differing_slice(i) ? differing_bytes_ + entries_[i - 1].byte_size : 0;
    if (!run_.follows) return;
    if (differing_bytes_ > 0 || is_differing_slice(i))
      return report(
          rule("slices-differ"),
          "continues the entry before it with other dims or another type; MindSpore joins both and takes these");
    if (entry_->kind == Kind::string)
      return report(rule("duplicate-adjacent"),
                    "follows another str of the same name; MindSpore takes both for one and loads a part or fails");
    report(rule("duplicate-adjacent"),
           "follows a complete entry of the same name; MindSpore joins both and writes past the end of its buffer, "
           "or refuses the file before 2.3");
  }

  // Whether the rest of its slices lie elsewhere: then its size needs no complaint.
  bool check_apart(std::size_t i) {
    if (follows_its_like(i + 1)) return false;  // reported there
    const TensorInfo* last = names_.find(entries_, entry_->name);
    if (last == entry_ || last == nullptr) return false;
    const std::string place = " at byte " + std::to_string(last->record_offset);
    const bool apart =
        is_unfinished(*entry_) && is_unfinished(*last) && entry_->dims == last->dims && entry_->dtype == last->dtype;
    if (apart)
      report(rule("slices-apart"), "its slices are not together: more" + place + "; MindSpore keeps only those");
    else
      report(rule("duplicate-apart"), "is replaced by the entry of the same name" + place);
    return apart;
  }

  static bool is_unfinished(const TensorInfo& entry) {
    const auto expected = entry.expected_size();
    return entry.kind == Kind::tensor && expected && entry.stored_size < *expected;
  }

  void check_kind(bool sizes) {
    switch (entry_->kind) {
      case Kind::tensor:
        check_type();
        check_shape(*entry_, {}, sizes);
        if (entry_->encoding == Encoding::bf16_as_float32)
          report(rule("bf16-as-float32"), bytes_text(entry_->stored_size) + " are stored for " +
                                              std::to_string(entry_->byte_size) + " of BFloat16");
        return;
      case Kind::string:
        return check_string();
      case Kind::map:
        return check_map();
      case Kind::opaque:
        return check_opaque();
    }
  }

  void check_type() {
    switch (entry_->dtype) {
      case DType::complex64:
      case DType::complex128:
      case DType::float8_e4m3fn:
      case DType::float8_e5m2:
      case DType::hifloat8:
        return report(rule("unloadable-type"),
                      "no MindSpore loads " + std::string(name(entry_->dtype)) + "; it only writes it");
      default:
        break;
    }
    const std::string_view spelling = name(entry_->dtype);
    if (entry_->record_size != 0 && entry_->type_name != spelling)
      report(rule("old-type-name"), "type " + in_quotes(entry_->type_name) + ", a spelling that current MindSpore " +
                                        "refuses; it writes \"" + std::string(spelling) + '"');
  }

  void check_opaque() {
    if (entry_->extents.empty())
      return report(rule("missing-value"), "a name and no tensor; MindSpore since 2.0 loads it as an empty map");
    if (entry_->type_name == "random_op")
      return report(rule("random-op"), "the state of a random generator, " + bytes_text(entry_->byte_size) +
                                           "; MindSpore 2.3 and 2.4 alone load it");
    report(rule("unknown-type"), entry_->type_name.empty()
                                     ? "has no type"
                                     : "type " + in_quotes(entry_->type_name) + ", which no MindSpore has");
    check_dims(*entry_, {});
  }

  // `label` is in front of the messages about a map's part.
  bool check_dims(const TensorInfo& tensor, const std::string& label) {
    bool good = true;
    for (std::size_t i = 0; i < tensor.dims.size(); ++i) {
      const std::int64_t dim = tensor.dims[i];
      if (dim >= 0 && dim <= kMaxInt32) continue;
      report(dim < 0 ? rule("negative-dim") : rule("large-dim"),
             label + "dim " + std::to_string(i) + " is " + std::to_string(dim) +
                 (dim < 0 ? "" : ", above the 2^31-1 that MindSpore 2.3 and later take"));
      good = good && dim >= 0;
      break;
    }
    if (tensor.dims.size() > kMaxNumpyDims)
      report(rule("many-dims"), label + std::to_string(tensor.dims.size()) +
                                    " dims, more than the 32 that NumPy 1 and MindSpore before 2.3 take");
    return good;
  }

  void check_shape(const TensorInfo& tensor, const std::string& label, bool sizes = true) {
    if (!check_dims(tensor, label)) return;
    const auto expected = tensor.expected_size();
    const std::string type(name(tensor.dtype));
    const std::string dims =
        tensor.dims.empty() ? "a scalar of " + type : "dims " + dims_text(tensor.dims) + " of " + type;
    if (!expected || *expected > kMaxInt64)
      return report(rule("dims-overflow"), label + dims + " need more than 2^63-1 bytes");
    if (tensor.dims.size() == 1 && tensor.dims[0] == 0 && tensor.byte_size == 0 && label.empty())
      return report(rule("empty-vector"), dims + " without bytes; MindSpore 2.3 and later load the scalar 0");
    if (*expected == 0 && tensor.byte_size == 0 && label.empty())
      return report(rule("zero-elements"),
                    dims + " have no elements; MindSpore 2.3 and later drop it when they save it");
    const std::uint64_t size = tensor.byte_size + (label.empty() ? differing_bytes_ : 0);
    if (sizes && size != *expected) check_size(tensor, label, dims, size, *expected);
  }

  void check_size(const TensorInfo& tensor, const std::string& label, const std::string& dims, std::uint64_t size,
                  std::uint64_t expected) {
    const std::string need = label + dims + (tensor.dims.empty() ? " needs " : " need ") + bytes_text(expected) + ", ";
    const std::string stored = size == 0   ? "none are stored"
                               : size == 1 ? "1 is stored"
                                           : std::to_string(size) + " are stored";
    if (!label.empty()) return report(rule("size-mismatch"), need + stored + "; MindSpore refuses the file");
    if (size > expected)
      return report(rule("heap-overflow"),
                    need + stored + "; MindSpore 2.3 and later write the rest past the end of their buffer");
    if (tensor.dtype == DType::int4 && size == expected / 2 + expected % 2)
      return report(rule("int4-dims"), dims + " count values, two in each of the " + bytes_text(size) +
                                           "; MindSpore's count bytes, and the rest would be zeros");
    if (tensor.extents.size() > 1 || size == kSliceBytes)
      report(rule("incomplete-slices"), need + "the " + std::to_string(tensor.extents.size()) +
                                            (tensor.extents.size() == 1 ? " slice has " : " slices have ") +
                                            std::to_string(size));
    else
      report(rule("size-mismatch"), need + stored + "; MindSpore 2.3 and later would fill the rest with zeros");
    if (expected >= kHugeAllocation && expected / kHugeRatio > size)
      report(rule("huge-allocation"), "MindSpore 2.3 and later would allocate " + bytes_text(expected) + " for the " +
                                          std::to_string(size) + " that are stored");
  }

  void check_string() {
    if (run_.follows || run_.followed) return;  // that is said already
    const std::uint64_t size = entry_->byte_size;
    if (size == 0)
      report(rule("string-size"), "a str of 0 bytes; MindSpore needs at least 4, even for an empty one");
    else if (size % 4 != 0)
      report(rule("string-size"), "a str of " + bytes_text(size) + " is not UTF-32; MindSpore cannot load it");
  }

  void check_map() {
    if (entry_->parts.size() != 3)
      report(rule("map-parts"), "a map parameter of " + std::to_string(entry_->parts.size()) +
                                    (entry_->parts.size() == 1 ? " part" : " parts") + " instead of 3");
    check_rows();
    for (const TensorInfo& part : entry_->parts) {
      constexpr std::array<std::string_view, 4> kLoaded{"int32", "float16", "float32", "float64"};
      const std::string label = escape(part.name) + ": ";
      if (std::find(kLoaded.begin(), kLoaded.end(), part.type_name) == kLoaded.end())
        report(rule("map-part-type"),
               label + "type " + in_quotes(part.type_name) + ", which MindSpore reads as float64");
      if (size_of(part.dtype) != 0) check_shape(part, label);
    }
  }

  void check_rows() {
    std::set<std::int64_t> rows;
    std::string list;
    for (const TensorInfo& part : entry_->parts) {
      const std::int64_t count = part.dims.empty() ? 0 : part.dims[0];
      rows.insert(count);
      list += (list.empty() ? "" : ", ") + escape(part.name) + ' ' + std::to_string(count);
    }
    if (rows.size() > 1) report(rule("map-rows"), "rows differ, as after an incremental save: " + list);
  }

  // ---- values ----

  void check_values(std::size_t i, const CensusTable& censuses) {
    if (entry_->kind != Kind::map) return check_values(*entry_, censuses.find(i, 0), {});
    for (std::size_t part = 0; part < entry_->parts.size(); ++part)
      check_values(entry_->parts[part], censuses.find(i, part), escape(entry_->parts[part].name) + ": ");
  }

  void check_values(const TensorInfo& tensor, const Census* census, const std::string& label) {
    if (census == nullptr) return;
    if (tensor.kind == Kind::string) {
      if (census->bad.count > 0)
        report(rule("string-code-points"), label + count_text(tensor, census->bad, "above U+10FFFF", "above U+10FFFF"));
      if (census->odd.count > 0)
        report(rule("string-surrogates"), label + count_text(tensor, census->odd, "a surrogate", "surrogates"));
      if (census->ends_in_nul)
        report(rule("string-trailing-nul"), label + "the last character is NUL, which MindSpore drops");
      return;
    }
    if (tensor.dtype == DType::boolean) {
      if (census->bad.count > 0)
        report(rule("bool-value"), label + count_text(tensor, census->bad, "neither 0 nor 1", "neither 0 nor 1"));
      return;
    }
    if (census->bad.count > 0) report(rule("nan"), label + count_text(tensor, census->bad, "NaN", "NaN"));
    if (census->odd.count > 0)
      report(rule("infinity"), label + count_text(tensor, census->odd, "infinite", "infinite"));
  }

  // "3 of 24 values are NaN, the first at [0,2]"
  static std::string count_text(const TensorInfo& tensor, const Count& count, const std::string& one,
                                const std::string& many) {
    const bool text = tensor.kind == Kind::string;
    const std::string thing = text ? "character" : "value";
    const std::uint64_t all = tensor.byte_size / (text ? 4 : size_of(tensor.dtype));
    if (all == 1) return "the only " + thing + " is " + one;
    return std::to_string(count.count) + " of " + std::to_string(all) + ' ' + thing + "s " +
           (count.count == 1 ? "is " + one : "are " + many) + ", the first at " + index_text(tensor, count.first);
  }

  static std::string index_text(const TensorInfo& tensor, std::uint64_t flat) {
    if (!tensor.fits() || tensor.dims.empty()) return '[' + std::to_string(flat) + ']';
    std::vector<std::int64_t> index(tensor.dims.size());
    for (std::size_t i = index.size(); i-- > 0;) {
      const auto dim = static_cast<std::uint64_t>(tensor.dims[i]);
      index[i] = static_cast<std::int64_t>(flat % dim);
      flat /= dim;
    }
    return dims_text(index);
  }

  // ---- how it is written ----

  void check_record() {
    constexpr auto kMaxMessage = static_cast<std::uint64_t>(kMaxInt32);
    const std::uint64_t slices = std::max<std::size_t>(1, entry_->extents.size());
    const auto larger = [&](const TensorInfo& tensor) {
      return std::any_of(tensor.extents.begin(), tensor.extents.end(),
                         [&](const Extent& extent) { return extent.size > kMaxMessage; });
    };
    if (entry_->record_size > kMaxMessage && (slices == 1 || larger(*entry_)))
      report(rule("large-record"), "a record of " + bytes_text(entry_->record_size / slices));
    if (entry_->packed_dims) report(rule("packed-dims"), "its dims are packed, which no MindSpore writes");
    if (entry_->unknown_fields) report(rule("unknown-fields"), "it has fields that no MindSpore knows");
  }

  std::span<const TensorInfo> entries_;
  const NameTable& names_;
  const ValidateOptions& options_;
  Findings& findings_;
  const TensorInfo* entry_ = nullptr;
  EntryRun run_ = {};
  std::uint64_t differing_bytes_ = 0;  // of the entries that this one continues with other dims
};

// ---- the file ----

void check_damage(const Index& index, const Evidence& evidence, Findings& findings) {
  if (evidence.cipher_damage)
    findings.add(rule("cipher-damaged"), {}, evidence.cipher_damage->offset, evidence.cipher_damage->message);
  if (!evidence.damage || (evidence.cipher_damage && evidence.damage->code == Errc::key)) return;
  const Error& damage = *evidence.damage;
  if (!index.encryption && is_cipher_behind_clear(index, damage))
    return findings.add(rule("cipher-behind-clear"), {}, end_of_entries(index),
                        "an encrypted block follows the entries in clear");
  if (index.stray_damage && !index.tensors.empty() && damage.code != Errc::limit && damage.code != Errc::key) {
    const std::uint64_t end = end_of_entries(index);
    const std::string count = index.plain_size > end ? bytes_text(index.plain_size - end) : "what is";
    return findings.add(rule("trailing-bytes"), {}, end, count + " behind the last entry: " + damage.message);
  }
  const Finding finding = finding_of(damage).value_or(Finding{.rule = &rule("cipher-damaged")});
  findings.add(*finding.rule, damage.tensor, damage.offset, damage.message);
}

void check_trailer(const Index& index, const Evidence& evidence, Findings& findings) {
  if (evidence.ends_like_trailer)
    findings.add(rule("content-like-trailer"), index.tensors.empty() ? std::string() : index.tensors.back().name,
                 index.plain_size - kTrailerBytes,
                 "the last 17 bytes begin with \"crc_num\"; MindSpore 2.4 and later take them for a trailer and cut "
                 "them off");
  if (!index.trailer) return;
  const Trailer& trailer = *index.trailer;
  if (trailer.oversized)
    return findings.add(rule("crc-oversized"), {}, trailer.offset,
                        "the trailer's number has more than 32 bits, which no CRC-32 has");
  if (!evidence.crc || *evidence.crc == trailer.crc) return;
  const auto hex = [](std::uint32_t number) {
    std::string text = "0x";
    for (int shift = 28; shift >= 0; shift -= 4) text += "0123456789abcdef"[(number >> shift) & 15];
    return text;
  };
  findings.add(rule("crc-mismatch"), {}, trailer.offset,
               "the trailer says " + hex(trailer.crc) + ", the file's CRC-32 is " + hex(*evidence.crc) +
                   (index.dialect.maps ? "; MindSpore leaves map parameters out of the number it writes" : ""));
}

void check_encryption(const Index& index, Findings& findings) {
  if (!index.encryption) return;
  const Encryption& encryption = *index.encryption;
  const std::string mode = encryption.mode ? std::string(name(*encryption.mode)) : "AES-GCM or AES-CBC";
  const auto report = [&](const Rule& rule, std::string message) {
    findings.add(rule, {}, Error::kNoOffset, std::move(message));
  };
  const bool old = encryption.era == CipherEra::a;
  if (index.clear_trailer)
    report(rule("trailer-in-clear"), "a CRC trailer in clear follows the encrypted blocks; MindSpore cannot load that");
  report(rule("encrypted"),
         mode + (old ? ", as MindSpore 1.3 to 1.5 encrypted" : ", as MindSpore 2.0 and later encrypt"));
  if (old || encryption.mode != CipherMode::aes_gcm)
    report(rule("no-integrity"), "there is no tag: altered bytes would go unnoticed");
  if (old) report(rule("old-encryption"), "MindSpore 2.0 and later cannot decrypt it");
}

std::vector<Finding> judge(const Index& index, const Evidence& evidence, const ValidateOptions& options) {
  Findings findings(options);
  const NameTable names(index.tensors);
  EntryCheck entries(index.tensors, names, options, findings);
  for (std::size_t i = 0; i < index.tensors.size(); ++i) entries.check(i, *evidence.censuses);

  const auto report = [&](const Rule& rule, std::string message) {
    findings.add(rule, {}, Error::kNoOffset, std::move(message));
  };
  check_damage(index, evidence, findings);
  if (index.tensors.empty() && !evidence.damage) {
    if (index.trailer)
      report(rule("trailer-only"), "a CRC trailer and no entry; MindSpore refuses the file");
    else
      report(rule("empty-file"),
             (index.file_size == 0 ? "the file is empty" : "no entry in " + bytes_text(index.file_size)) +
                 "; MindSpore refuses it");
  }
  check_trailer(index, evidence, findings);
  check_encryption(index, findings);
  const auto has_unknown = [](const TensorInfo& entry) { return entry.unknown_fields; };
  if (index.dialect.unknown_fields && std::none_of(index.tensors.begin(), index.tensors.end(), has_unknown))
    report(rule("unknown-fields"), "there are fields besides the entries that no MindSpore knows");
  if (index.dialect.model_type) report(rule("model-type"), "model_type " + in_quotes(*index.dialect.model_type));
  if (options.version) check_file_for(*options.version, index, evidence.ends_like_trailer, report);
  return findings.take();
}

// ---- reading what is needed ----

Result<bool> has_at(const Source& source, std::uint64_t offset, std::string_view magic) {
  std::array<std::byte, 8> bytes;
  const auto found = std::span(bytes).first(magic.size());
  if (offset > source.size() || magic.size() > source.size() - offset) return false;
  if (auto status = source.read_at(offset, found); !status) return std::move(status).error();
  return std::equal(found.begin(), found.end(), magic.begin(),
                    [](std::byte a, char b) { return a == static_cast<std::byte>(b); });
}

// What MindSpore would take for a trailer although it belongs to an entry.
Result<bool> ends_like_trailer(const Checkpoint& file, const Index& index) {
  if (index.tensors.empty() || index.trailer || index.damage || end_of_entries(index) == 0) return false;
  const Source& source = file.source();
  if (source.size() < kTrailerBytes) return false;
  return has_at(source, source.size() - kTrailerBytes, kTrailerMagic);
}

}  // namespace

std::string_view name(Severity severity) noexcept {
  switch (severity) {
    case Severity::note:
      return "note";
    case Severity::warning:
      return "warning";
    case Severity::error:
      return "error";
  }
  return "error";
}

std::span<const Rule> rules() noexcept { return kRules; }

std::optional<Finding> finding_of(const Error& error) {
  const Rule* found = error.code == Errc::truncated   ? &rule("truncated")
                      : error.code == Errc::malformed ? &rule("malformed")
                      : error.code == Errc::mismatch  ? &rule("size-mismatch")
                      : error.code == Errc::limit     ? &rule("limit-exceeded")
                                                      : nullptr;
  if (found == nullptr) return std::nullopt;
  return Finding{found, error.tensor, error.offset, error.message};
}

Result<std::vector<Finding>> validate(const Checkpoint& file, const ValidateOptions& options) {
  const Index& index = index_of(file);
  Evidence evidence{.damage = index.damage};
  if (index.encryption && !options.headers_only) {
    if (auto status = verify_cipher(file.source(), options.progress); !status) {
      if (!is_damage(status.error())) return std::move(status).error();
      evidence.cipher_damage = std::move(status).error();
    }
  }
  PayloadOptions wanted{.values = options.values,
                        .strings = !options.headers_only,
                        .threads = options.threads,
                        .progress = options.progress};
  if (evidence.cipher_damage)
    wanted.readable = evidence.cipher_damage->offset;  // up to the first block that was altered
  else if (index.trailer && !index.trailer->oversized && !options.headers_only)
    wanted.crc_until = index.trailer->offset;
  Payload payload;
  auto read = read_payload(file, wanted);
  if (read) {
    payload = std::move(*read);
    if (wanted.crc_until) evidence.crc = payload.crc;
  } else if (read.error().code == Errc::key) {
    evidence.cipher_damage = std::move(read).error();
  } else {
    return std::move(read).error();
  }
  evidence.censuses = &payload.censuses;
  if (!index.encryption || (!options.headers_only && !evidence.cipher_damage)) {
    auto found = ends_like_trailer(file, index);
    if (!found) return std::move(found).error();
    evidence.ends_like_trailer = *found;
  }
  if (auto status = verify_unchanged(sources_of(file)); !status) return std::move(status).error();
  return judge(index, evidence, options);
}

Result<std::vector<Finding>> validate(RecordStream& stream, const ValidateOptions& options) {
  PieceCensus census(options.values, !options.headers_only);
  Evidence evidence{.censuses = &census.censuses()};
  while (true) {
    auto piece = stream.next();
    if (!piece) {
      const bool nothing_read = piece.error().code == Errc::key && stream.tensors().empty();
      if (!is_damage(piece.error()) || nothing_read) return std::move(piece).error();
      evidence.damage = std::move(piece).error();
      census.forget_damaged(stream.tensors());
      break;
    }
    if (*piece == nullptr) break;
    census.add(**piece, stream.tensors()[(*piece)->entry]);
    if (options.progress && !options.progress(stream.bytes_read(), 0))
      return Error{.code = Errc::cancelled, .message = "stopped while it was read"};
  }
  const Index& index = index_of(stream);
  if (!evidence.damage) {
    if (index.trailer && !options.headers_only) evidence.crc = stream.crc();
    evidence.ends_like_trailer = index.ends_like_trailer;
  }
  return judge(index, evidence, options);
}

}  // namespace ckpt

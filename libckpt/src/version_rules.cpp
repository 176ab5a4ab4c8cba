#include "version_rules.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "ckpt/text.h"
#include "dim_limits.h"
#include "rules.h"
#include "wording.h"

// What each MindSpore can load, as far as its loader was read (FORMAT.md, "Dialects"): 0.1 to 0.3, 0.5 to 1.5, 2.0 (its
// first alpha), 2.3, 2.4, and 2.7 to 2.10, which agree. Between two of them a change has no exact date; the answer for
// a version in such a gap is "maybe", and says which versions are sure.
namespace ckpt {
namespace {

using Version = MindSporeVersion;
constexpr Version kNever{std::numeric_limits<unsigned>::max(), 0};

enum class Answer : std::uint8_t { no, maybe, yes };

/// When loaders could do something: from `first` on, surely not up to `last_without`; where it was removed again, up to
/// `last`, surely not from `first_without` on.
struct Era {
  Version last_without = {0, 0};
  Version first = {0, 0};
  Version last = kNever;
  Version first_without = kNever;

  constexpr Answer at(Version v) const {
    if (v <= last_without || v >= first_without) return Answer::no;
    return v >= first && v <= last ? Answer::yes : Answer::maybe;
  }
};

constexpr Era kAlways{};
constexpr Era kNeverLoaded{.last_without = kNever, .first = kNever};

struct TypeEra {
  std::string_view spelling;
  Era era;
};

// By the spelling in the file, which is what a loader looks up. What is not here, no loader knows.
constexpr auto kTypes = std::to_array<TypeEra>({
    {"Int8", kAlways},
    {"Int16", kAlways},
    {"Int32", kAlways},
    {"Int64", kAlways},
    {"Float16", kAlways},
    {"Float32", kAlways},
    {"Float64", kAlways},
    {"Bool", {.last_without = {0, 3}, .first = {0, 5}}},
    // Written as UInt, looked up as Uint: these versions could not read their own files.
    {"UInt8", {.last_without = {1, 5}, .first = {2, 0}}},
    {"UInt16", {.last_without = {1, 5}, .first = {2, 0}}},
    {"UInt32", {.last_without = {1, 5}, .first = {2, 0}}},
    {"UInt64", {.last_without = {1, 5}, .first = {2, 0}}},
    {"Uint8", {.last_without = {0, 3}, .first = {0, 5}, .last = {1, 5}, .first_without = {2, 0}}},
    {"Uint16", {.last_without = {0, 3}, .first = {0, 5}, .last = {1, 5}, .first_without = {2, 0}}},
    {"Uint32", {.last_without = {0, 3}, .first = {0, 5}, .last = {1, 5}, .first_without = {2, 0}}},
    {"Uint64", {.last_without = {0, 3}, .first = {0, 5}, .last = {1, 5}, .first_without = {2, 0}}},
    {"str", {.last_without = {1, 5}, .first = {2, 0}}},
    {"BFloat16", {.last_without = {2, 0}, .first = {2, 3}}},
    {"Int4", {.last_without = {2, 3}, .first = {2, 4}}},
    {"random_op", {.last_without = {2, 0}, .first = {2, 3}, .last = {2, 4}, .first_without = {2, 7}}},
});

constexpr Era kSlices{.last_without = {0, 5}, .first = {0, 6}};
/// `.__param_key__7` at the end of a name is taken off.
constexpr Era kCacheKeys{.last_without = {2, 0}, .first = {2, 3}};
constexpr Era kMaps{.last_without = {1, 5}, .first = {2, 0}};
constexpr Era kTrailer{.last_without = {2, 3}, .first = {2, 4}};
constexpr Era kEncryptionA{.last_without = {1, 2}, .first = {1, 3}, .last = {1, 5}, .first_without = {2, 0}};
constexpr Era kEncryptionB{.last_without = {1, 5}, .first = {2, 0}};
/// Bytes are copied into a tensor of these dims without comparing sizes; before, NumPy's reshape compared them.
constexpr Era kCopiesUnchecked{.last_without = {2, 0}, .first = {2, 3}};
/// The parser that reads a message above 2 GiB became the default.
constexpr Era kPythonParser{.last_without = {1, 0}, .first = {1, 1}};

std::string text(Version v) { return std::to_string(v.major) + '.' + std::to_string(v.minor); }
std::string mindspore(Version v) { return "MindSpore " + text(v); }
/// The two outcomes with their messages' common beginning.
class Reporter {
 public:
  Reporter(Version version, const ReportVersion& report) : version_(version), report_(report) {}

  Version version() const noexcept { return version_; }
  void cannot(const std::string& why) const { report_(rule("version-cannot-load"), mindspore(version_) + ' ' + why); }
  void differs(const std::string& how) const {
    report_(rule("version-reads-differently"), mindspore(version_) + ' ' + how);
  }
  /// `what` completes "cannot ..." and "may not ...".
  void require(const Era& era, const std::string& what) const {
    switch (era.at(version_)) {
      case Answer::yes:
        return;
      case Answer::no:
        return cannot("cannot " + what);
      case Answer::maybe:
        break;
    }
    const bool removed = version_ > era.last;
    differs("may not be able to " + what + ": " + text(removed ? era.last : era.last_without) +
            (removed ? " can, " : " cannot, ") + text(removed ? era.first_without : era.first) +
            (removed ? " cannot" : " can"));
  }

 private:
  Version version_;
  const ReportVersion& report_;
};

void check_type(const TensorInfo& entry, const Reporter& report) {
  // Another container's spelling is none that a .ckpt made of it would have.
  const std::string_view spelling = entry.record_size == 0 ? name(entry.dtype) : std::string_view(entry.type_name);
  const auto row =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const TypeEra& type) { return type.spelling == spelling; });
  report.require(row == kTypes.end() ? kNeverLoaded : row->era,
                 spelling.empty() ? "load an entry without a type" : "load the type \"" + escape(spelling) + '"');
  if (spelling == "random_op" && row->era.at(report.version()) == Answer::yes)
    report.differs("gives the bytes of a random_op entry, not a tensor");
}

// Whether NumPy's reshape can: it takes one negative dim, of any value, for what the others leave.
bool can_reshape(std::uint64_t elements, std::span<const std::int64_t> dims) {
  TensorDesc known{.dims = {dims.begin(), dims.end()}};
  const auto negative = std::erase_if(known.dims, [](std::int64_t dim) { return dim < 0; });
  const auto count = known.element_count();
  if (!count || negative > 1) return false;
  return negative == 0 ? *count == elements : *count != 0 && elements % *count == 0;
}

// Whether their product, from left to right, leaves 64 bits; a 0 behind that does not help.
bool product_overflows(std::span<const std::int64_t> dims) {
  std::uint64_t product = 1;
  for (const std::int64_t dim : dims) {
    const auto factor = static_cast<std::uint64_t>(dim);
    if (factor != 0 && product > std::numeric_limits<std::uint64_t>::max() / factor) return true;
    product *= factor;
  }
  return false;
}

// Since 2.3 dims are 32-bit numbers, and -1 stands for a dim that is not known yet.
void check_dims_32(const TensorInfo& entry, const Reporter& report) {
  const auto& dims = entry.dims;
  const auto find = [&](auto property) { return std::find_if(dims.begin(), dims.end(), property); };
  const auto dim_text = [&](auto at) {
    return "dim " + std::to_string(at - dims.begin()) + " of " + std::to_string(*at);
  };
  const auto wide = find([](std::int64_t dim) { return dim > kMaxInt32 || dim < -kMaxInt32 - 1; });
  if (wide != dims.end()) return report.cannot("cannot load " + dim_text(wide) + ": it takes 32 bits");
  const auto unknown = find([](std::int64_t dim) { return dim == -1; });
  if (unknown != dims.end()) return report.cannot("cannot load " + dim_text(unknown));
  const auto negative = find([](std::int64_t dim) { return dim < 0; });
  if (negative != dims.end())
    return report.differs("loads " + dim_text(negative) + " as it is, a tensor that cannot be used");
  if (entry.element_count() && product_overflows(dims))  // else their size is judged
    report.cannot("cannot load dims " + dims_text(dims) + ": their product exceeds 64 bits");
}

void check_dims(const TensorInfo& entry, const Reporter& report) {
  const Answer unchecked = kCopiesUnchecked.at(report.version());
  const auto& dims = entry.dims;
  if (report.version() == Version{0, 1} && (entry.scalar_as_zero || (dims.size() == 1 && dims[0] == 1)))
    report.differs(dims.empty() ? "gives a number, not a tensor, for dims [0]"
                                : "gives a number, not a tensor, for dims [1]");
  if (entry.scalar_as_zero && entry.dtype == DType::boolean && report.version() >= Version{0, 2} &&
      unchecked != Answer::yes)
    report.differs(unchecked == Answer::no ? "gives a Bool with dims [0] the shape (1,)"
                                           : "may give a Bool with dims [0] the shape (1,), as 2.0 does");
  if (unchecked == Answer::yes) return check_dims_32(entry, report);
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const std::string dim = "dim " + std::to_string(i) + " of " + std::to_string(dims[i]);
    if (dims[i] > kMaxInt32 && unchecked == Answer::maybe) return report.differs("may refuse " + dim + ", as 2.3 does");
    if (dims[i] >= 0) continue;
    if (unchecked == Answer::maybe) return report.differs("refuses " + dim + " or makes of it what it likes");
    if (can_reshape(entry.byte_size / size_of(entry.dtype), dims))
      return report.differs("takes " + dim + " for whatever fits");
    return report.cannot("cannot load " + dim);
  }
  if (dims.size() <= kMaxNumpyDims) return;
  const std::string rank = std::to_string(dims.size()) + " dims: NumPy's limit is " + std::to_string(kMaxNumpyDims);
  if (unchecked == Answer::maybe) return report.differs("may not be able to load " + rank);
  report.cannot("cannot load " + rank);
}

void check_size(const TensorInfo& entry, const EntryRun& run, const Reporter& report) {
  const Answer unchecked = kCopiesUnchecked.at(report.version());
  if (std::any_of(entry.dims.begin(), entry.dims.end(), [](std::int64_t dim) { return dim < 0; })) return;
  const auto expected = entry.expected_size();
  if (!expected || *expected > kMaxInt64) return report.cannot("cannot load dims " + dims_text(entry.dims));
  const std::uint64_t size = run.bytes_before > 0 ? run.bytes_before + entry.stored_size : entry.byte_size;
  if (entry.dims.size() == 1 && entry.dims[0] == 0 && size == 0) {
    if (unchecked == Answer::no) return report.cannot("cannot load dims [0] without bytes");
    return report.differs(unchecked == Answer::yes ? "loads dims [0] without bytes as the scalar 0"
                                                   : "refuses dims [0] without bytes or loads the scalar 0");
  }
  if (size == 0 && *expected == 0 && unchecked != Answer::no)
    return report.differs(unchecked == Answer::yes
                              ? "drops a tensor without elements when it saves it"
                              : "may drop a tensor without elements when it saves it, as 2.3 does");
  const bool as_float32 = entry.dtype == DType::bfloat16 && size / 2 == *expected && size % 2 == 0;
  if (run.bytes_before > 0 && (size == *expected || (as_float32 && unchecked != Answer::no)))
    return report.differs("joins it with the entries of this name before it");
  if (size == *expected) return;
  const std::string sizes = (size == entry.byte_size ? "" : "all entries of this name together have ") +
                            bytes_text(size) + " for dims " + dims_text(entry.dims) + ", which need " +
                            std::to_string(*expected);
  if (unchecked == Answer::no) return report.cannot("cannot load it: " + sizes);
  if (size > *expected) return report.cannot("writes past the end of its buffer: " + sizes);
  if (unchecked == Answer::yes) return report.differs("fills up with zeros: " + sizes);
  report.differs("refuses or fills up with zeros: " + sizes);
}

// ".__param_key__" and a number.
bool has_cache_key(std::string_view name) {
  constexpr std::string_view kMark = ".__param_key__";
  const auto at = name.rfind(kMark);
  if (at == name.npos) return false;
  const std::string_view key = name.substr(at + kMark.size());
  return !key.empty() && key.find_first_not_of("0123456789") == key.npos;
}

// It takes the last record's length for that of the whole.
void check_string(const TensorInfo& entry, const EntryRun& run, const Reporter& report) {
  if (!run.follows || report.version() < Version{2, 0}) return;
  if (report.version() < Version{2, 7}) return report.differs("may not be able to load a str in several records");
  const std::uint64_t length = entry.byte_size / 4;
  if (length == 0 || (run.bytes_before + entry.byte_size) % (length * 4) != 0)
    return report.cannot("cannot load a str in several records");
  if (run.bytes_before == 0) return;
  report.differs("takes the first " + std::to_string(length) + " characters of several records for a str, or fails");
}

// NumPy makes the parts: of one size an element, a multiple of that, and as many as the dims say.
void check_map(const TensorInfo& entry, const Reporter& report) {
  constexpr std::size_t kParts = 3;
  if (entry.parts.size() > kParts)
    return report.cannot("cannot load a map of " + std::to_string(entry.parts.size()) + " parts");
  for (const TensorInfo& part : entry.parts) {
    const std::string_view type = part.type_name;
    const std::uint64_t size = type == "float16" ? 2 : type == "int32" || type == "float32" ? 4 : 8;
    const std::string what = "the " + part.name + " of a map";
    if (part.dims.empty()) return report.cannot("cannot load " + what + ", which have no dims");
    if (part.byte_size % size != 0 || !can_reshape(part.byte_size / size, part.dims) ||
        part.dims.size() > kMaxNumpyDims)
      return report.cannot("cannot load " + what + ": " + bytes_text(part.byte_size) + " for dims " +
                           dims_text(part.dims));
    if (size == 8 && type != "float64") report.differs("reads " + what + " as float64");
  }
}

}  // namespace

std::string dims_text(std::span<const std::int64_t> dims) {
  constexpr std::size_t kMost = 16;
  std::string text = "[";
  for (std::size_t i = 0; i < std::min(dims.size(), kMost); ++i) text += (i == 0 ? "" : ",") + std::to_string(dims[i]);
  if (dims.size() > kMost) text += ",... (" + std::to_string(dims.size()) + ')';
  return text + ']';
}

void check_entry_for(Version version, const TensorInfo& entry, EntryRun run, const ReportVersion& add) {
  const Reporter report(version, add);
  if (has_cache_key(entry.name) && kCacheKeys.at(version) != Answer::yes)
    report.differs(kCacheKeys.at(version) == Answer::no ? "leaves the key of a cache in the name"
                                                        : "may leave the key of a cache in the name, as 2.0 does");
  const bool maps = kMaps.at(version) != Answer::no;
  const bool joins = kSlices.at(version) == Answer::yes;
  if (joins && maps && run.beside_map) report.differs("mixes up entries of one name that are maps and tensors");
  if (entry.kind == Kind::map) {
    report.require(kMaps, "load a map parameter");
    if (maps && !run.beside_map) check_map(entry, report);
    return;
  }
  if (entry.kind == Kind::opaque && entry.extents.empty()) {
    if (maps) return report.differs("gives an empty list for an entry without a tensor");
    return report.cannot("cannot load an entry without a tensor");
  }
  check_type(entry, report);
  if (entry.extents.size() > 1) report.require(kSlices, "load a tensor in several slices");
  if (run.followed && !joins) report.differs("keeps only the last of the entries of this name");
  if (run.followed && joins) return;  // the last one is judged, with the bytes of all
  if (run.follows && !joins) run.bytes_before = 0;
  if (entry.kind == Kind::string) return check_string(entry, run, report);
  if (entry.kind != Kind::tensor) return;
  check_dims(entry, report);
  check_size(entry, run, report);
}

void check_file_for(Version version, const Index& index, bool ends_like_trailer, const ReportVersion& add) {
  constexpr std::uint64_t kMaxMessage = std::numeric_limits<std::int32_t>::max();
  const Reporter report(version, add);
  if (index.encryption) {
    if (index.encryption->era == CipherEra::a)
      report.require(kEncryptionA, "decrypt the layout of 1.3 to 1.5");
    else
      report.require(kEncryptionB, "decrypt the layout of 2.0 and later");
  }
  if (index.trailer) report.require(kTrailer, "parse a file with a CRC trailer");
  if (ends_like_trailer && kTrailer.at(version) == Answer::yes)
    report.cannot("cuts the last 17 bytes off as a CRC trailer, and cannot load what is left");
  if (index.plain_size > kMaxMessage && kPythonParser.at(version) == Answer::no)
    report.differs("may refuse a file of " + bytes_text(index.plain_size) +
                   ": protobuf's default parser stops at 2 GiB there");
  const auto& model_type = index.dialect.model_type;
  if (version == Version{0, 5} && model_type && !model_type->empty() && *model_type != "normal")
    report.differs("loads it only with model_type=\"" + escape(*model_type) + '"');
}

std::optional<Version> version_from_text(std::string_view text) noexcept {
  if (text.starts_with('r') || text.starts_with('v')) text.remove_prefix(1);
  const auto number = [&](unsigned& out) {
    if (text.empty() || text.front() < '0' || text.front() > '9') return false;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return error == std::errc{};
  };
  const auto dot = [&] {
    if (!text.starts_with('.')) return false;
    text.remove_prefix(1);
    return true;
  };
  Version version;
  if (!number(version.major) || !dot() || !number(version.minor)) return std::nullopt;
  unsigned patch = 0;
  if (dot() && !number(patch)) return std::nullopt;
  // "2.0.0-alpha", "2.3.0rc1".
  if (!text.empty() && text.front() != '-' && (text.front() < 'a' || text.front() > 'z')) return std::nullopt;
  if (text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") != std::string_view::npos) return std::nullopt;
  if (version < Version{0, 1}) return std::nullopt;
  return version;
}

}  // namespace ckpt

#pragma once

#include <array>
#include <string_view>

#include "ckpt/validate.h"

namespace ckpt {

/// The closed list of rules, described in docs/rules.md in the same order. An id is never changed or used again.
inline constexpr auto kRules = std::to_array<Rule>({
    // Of an entry.
    {"invalid-name", Severity::error, "A name is not UTF-8; MindSpore refuses the whole file."},
    {"long-name", Severity::error, "A name has more than 1024 characters; MindSpore refuses the whole file."},
    {"empty-name", Severity::warning, "An entry has no name, or an empty one."},
    {"odd-name", Severity::warning,
     "A name has control or invisible characters, blanks at an end, or the form of a path."},
    {"duplicate-adjacent", Severity::error,
     "Two complete entries of one name follow each other; MindSpore joins their bytes."},
    {"duplicate-apart", Severity::error, "A later entry of the same name replaces this one."},
    {"slices-differ", Severity::error,
     "Slices of one tensor give different dims or types; MindSpore joins their bytes and believes the last."},
    {"slices-apart", Severity::error,
     "The slices of a tensor do not follow each other; MindSpore keeps the last run only."},
    {"missing-value", Severity::error, "An entry has a name and no tensor."},
    {"unknown-type", Severity::error, "A type that no MindSpore has; the whole file cannot be loaded."},
    {"unloadable-type", Severity::error, "A type that MindSpore writes and no MindSpore loads."},
    {"old-type-name", Severity::error, "A spelling of a type that current MindSpore refuses."},
    {"random-op", Severity::error, "A random_op entry, which MindSpore 2.3 and 2.4 alone can load."},
    {"negative-dim", Severity::error, "A dim is negative."},
    {"large-dim", Severity::error, "A dim is above 2^31-1, which MindSpore 2.3 and later refuse."},
    {"many-dims", Severity::warning, "More than 32 dims, which NumPy 1 and MindSpore before 2.3 cannot hold."},
    {"dims-overflow", Severity::error, "The dims multiply to more bytes than 63 bits can count."},
    {"size-mismatch", Severity::error,
     "An entry has fewer bytes than its dims and type need, or a part of a map parameter has others."},
    {"incomplete-slices", Severity::error, "The slices of a tensor do not add up to what its dims need."},
    {"heap-overflow", Severity::error,
     "An entry has more bytes than its dims need; MindSpore 2.3 and later write past the end of a buffer."},
    {"huge-allocation", Severity::error, "Dims that make MindSpore allocate far more than the file holds."},
    {"empty-vector", Severity::error, "Dims [0] without bytes, which MindSpore 2.3 and later load as the scalar 0."},
    {"zero-elements", Severity::warning, "A tensor without elements, which MindSpore 2.3 and later drop when saving."},
    {"int4-dims", Severity::error, "The dims of an Int4 tensor count values; MindSpore's count bytes."},
    {"bf16-as-float32", Severity::note, "A BFloat16 tensor is stored as float32; the low halves are ignored."},
    {"string-size", Severity::error, "A str without bytes, or with a number of bytes that is no multiple of 4."},
    {"string-code-points", Severity::error, "A str has code points above U+10FFFF."},
    {"string-surrogates", Severity::warning, "A str has surrogates, which no UTF-8 text can have."},
    {"string-trailing-nul", Severity::warning, "A str ends in NUL characters, which are lost when it is loaded."},
    {"map-parts", Severity::error, "A map parameter does not have the three parts keys, values and status."},
    {"map-rows", Severity::warning, "The parts of a map parameter differ in their number of rows."},
    {"map-part-type", Severity::error,
     "A part of a map parameter has a type that MindSpore reads as float64, whatever it is."},
    {"large-record", Severity::warning, "A record above 2 GiB, which only protobuf's Python implementation reads."},
    {"packed-dims", Severity::note, "Dims in protobuf's packed form, which no MindSpore writes."},
    {"unknown-fields", Severity::note, "Fields that no version of the format has."},
    {"nan", Severity::warning, "Some values are NaN."},
    {"infinity", Severity::warning, "Some values are infinite."},
    {"bool-value", Severity::warning, "Some values of a Bool tensor are neither 0 nor 1."},
    {"version-cannot-load", Severity::error, "The MindSpore asked about cannot load the file because of this."},
    {"version-reads-differently", Severity::warning, "The MindSpore asked about loads this as something else, or may."},
    // Of the file.
    {"truncated", Severity::error, "The file ends inside a record."},
    {"malformed", Severity::error, "The bytes of a record are not a checkpoint's."},
    {"trailing-bytes", Severity::error, "What follows the last entry is no entry."},
    {"cipher-behind-clear", Severity::error,
     "Encrypted blocks follow entries in clear, as MindSpore writes map parameters; nothing can load that."},
    {"cipher-damaged", Severity::error, "Encrypted blocks were altered, or do not fit the key from some place on."},
    {"limit-exceeded", Severity::error, "A limit of this reader was exceeded; the rest was not examined."},
    {"empty-file", Severity::error, "The file has no entries; MindSpore refuses it."},
    {"trailer-only", Severity::error, "The file is a CRC trailer and nothing else; MindSpore refuses it."},
    {"crc-mismatch", Severity::error, "The CRC trailer is not the checksum of the file."},
    {"crc-oversized", Severity::error, "The CRC trailer holds a number above 32 bits, which no checksum equals."},
    {"content-like-trailer", Severity::error,
     "The last content ends like a CRC trailer; MindSpore 2.4 and later cut it off and cannot load the rest."},
    {"trailer-in-clear", Severity::error,
     "A CRC trailer in clear follows encrypted blocks; MindSpore writes that and cannot load it."},
    {"encrypted", Severity::note, "The file is encrypted."},
    {"no-integrity", Severity::note, "The encryption has no integrity: nobody can tell whether it was altered."},
    {"old-encryption", Severity::error, "Encrypted in the layout that MindSpore 1.3 to 1.5 alone can load."},
    {"model-type", Severity::note, "A model_type, which MindSpore 0.5 alone writes and looks at."},
    {"too-many-findings", Severity::warning, "There are more findings than asked for."},
});

/// Rules about what some MindSpores do. Where one version is asked about, its own answer is given instead.
inline constexpr auto kRulesOfVersions = std::to_array<std::string_view>({
    "unknown-type",
    "unloadable-type",
    "old-type-name",
    "random-op",
    "large-dim",
    "many-dims",
    "empty-vector",
    "zero-elements",
    "large-record",
    "content-like-trailer",
    "old-encryption",
});

/// A rule by its id; an id that is none does not compile.
consteval const Rule& rule(std::string_view id) {
  for (const Rule& candidate : kRules)
    if (candidate.id == id) return candidate;
  throw "no such rule";
}

}  // namespace ckpt

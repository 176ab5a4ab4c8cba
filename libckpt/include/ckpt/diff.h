#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/error.h"
#include "ckpt/progress.h"
#include "ckpt/tensor.h"

namespace ckpt {

/// How an entry of one checkpoint came to be compared with one of another.
enum class PairedBy : std::uint8_t {
  nothing,   ///< it has no partner
  name,      ///< the same name
  map,       ///< PairOptions::rename says so
  content,   ///< another name, the same bytes
  values,    ///< another name, nearly the same values
  likeness,  ///< another name that is like it, the same shape
};

/// "name", "map" ...; "" for nothing.
std::string_view name(PairedBy by) noexcept;

/// Two entries that belong together, or one that has no partner.
struct Pair {
  const TensorInfo* a = nullptr;
  const TensorInfo* b = nullptr;
  PairedBy by = PairedBy::nothing;
  bool repeated = false;  ///< the name is there more than once in a or b; MindSpore takes the last
};

struct PairOptions {
  /// The name in b of an entry of a. Where b has none of that name, or this is not set, names are the same.
  std::function<std::string(std::string_view)> rename = {};
  /// Whether entries that have no partner of their name are looked for under other names.
  bool detect_renames = true;
};

/// Pairs all entries: a's in file order, then those that b alone has. Of a name that is there more than once the last
/// ones belong together, then the ones before. Other names come into question for entries of the same shape: first the
/// same bytes, then nearly the same values, then a name that is like it (the same numbers in it count most). Takes time
/// in proportion to the number of entries, and reads samples of those without a partner only.
Result<std::vector<Pair>> pair_tensors(const Checkpoint& a, const Checkpoint& b, const PairOptions& options = {});

enum class Change : std::uint8_t {
  identical,         ///< the same bytes
  within_tolerance,  ///< other bytes, but values that differ by no more than is tolerated
  changed,
  added,          ///< in b only
  removed,        ///< in a only
  renamed,        ///< found under another name; its values may be the same or not
  reshaped,       ///< other dims
  dtype_changed,  ///< another type, or another kind of entry
};

/// "identical", "within_tolerance", "changed" ...
std::string_view name(Change change) noexcept;

/// An element is within tolerance where |a - b| <= atol + rtol |a|, or where no more than `ulp` values of the type lie
/// between a and b (integers: |a - b| <= ulp). NaN is within tolerance of NaN only, an infinity of the same one only.
struct Tolerance {
  double atol = 0;
  double rtol = 0;
  std::optional<std::uint64_t> ulp = {};  ///< of two values of the same type only

  bool none() const noexcept { return atol == 0 && rtol == 0 && !ulp; }
};

/// What two entries were compared by.
enum class Basis : std::uint8_t {
  nothing,  ///< could not be compared: no partner, other sizes, other kinds
  values,
  bytes,  ///< types whose bits nobody has specified, and contents that do not fit their dims
  text,   ///< strings, without the NULs at their ends
  parts,  ///< maps: TensorDiff::parts has the rest
};

/// "values", "bytes" ...
std::string_view name(Basis basis) noexcept;

/// How far apart two entries are, element by element. Sums and maxima are over pairs of finite values, computed in
/// double; -0 equals 0 and NaN equals NaN. Of complex numbers |a - b| is the magnitude of the difference, and the
/// product in `cosine` the real part of a times the conjugate of b. By bytes only the counts and `first_index` are set.
struct Metrics {
  std::uint64_t elements = 0;  ///< or bytes
  std::uint64_t changed_elements = 0;
  std::uint64_t outside = 0;    ///< of the tolerance
  std::uint64_t from_zero = 0;  ///< changed, and a is zero: they have no relative change
  std::uint64_t new_nan = 0;    ///< NaN in b, not in a
  std::uint64_t lost_nan = 0;   ///< NaN in a, not in b
  std::uint64_t new_inf = 0;    ///< infinite in b, and not so in a
  std::uint64_t lost_inf = 0;
  double max_abs = 0;                         ///< of |a - b|
  double max_rel = 0;                         ///< of |a - b| / |a| where a is not zero
  double mean_abs = 0;                        ///< of |a - b|
  double rms = 0;                             ///< the root of the mean of (a - b)^2
  double l2 = 0;                              ///< |a - b| of the whole as a vector
  double relative_update = 0;                 ///< that, divided by |a|; infinite where a is all zeros and b is not
  double cosine = 1;                          ///< of the angle between them; 1 for two vectors of zeros, 0 for one
  std::optional<std::uint64_t> max_ulp = {};  ///< where Tolerance::ulp is set and types are the same
  std::uint64_t first_index = kNone;          ///< the first that changed, counted in C order
  std::uint64_t worst_index = kNone;          ///< the first of max_abs
  std::uint64_t worst_rel_index = kNone;      ///< the first of max_rel
  std::uint64_t first_non_finite = kNone;     ///< the first that became, or was, NaN or infinite

  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
};

struct TensorDiff {
  Pair pair = {};
  Change change = Change::identical;
  Change values = Change::identical;  ///< identical, within_tolerance or changed, whatever `change` says of the rest
  Basis basis = Basis::nothing;
  std::optional<Metrics> metrics = {};
  std::vector<TensorDiff> parts = {};  ///< of maps

  const TensorInfo& tensor() const noexcept { return pair.b != nullptr ? *pair.b : *pair.a; }
};

/// Whether this is a difference between the checkpoints: not for a pair whose other name was expected (PairedBy::map).
bool differs(const TensorDiff& diff) noexcept;

struct CompareOptions {
  Tolerance tolerance = {};
  /// Instead of `tolerance`, where set; asked with the entry of a.
  std::function<Tolerance(const TensorInfo&)> tolerance_for = {};
  unsigned threads = 0;  ///< 0 = all cores; the results do not depend on it, to the last bit
  Progress progress = {};
};

/// One TensorDiff a pair. Both files are read once, in blocks; where two blocks are the same bytes nothing is computed,
/// and a's are read again only if the tensor changed elsewhere (its norm is needed then). Errors: io, changed,
/// cancelled.
Result<std::vector<TensorDiff>> compare(const Checkpoint& a, const Checkpoint& b, std::span<const Pair> pairs,
                                        const CompareOptions& options = {});

/// How one element compares with its partner, as Metrics counts it.
struct ElementDiff {
  Change change = Change::identical;  ///< identical by value, within_tolerance, or changed
  double difference = 0;              ///< b - a, and 0 where that is identical; of complex numbers |b - a|
};

/// One an element; a and b are canonical bytes of as many elements, perhaps of two types. Nothing of types without
/// values.
std::vector<ElementDiff> compare_elements(DType type_a, std::span<const std::byte> a, DType type_b,
                                          std::span<const std::byte> b, const Tolerance& tolerance = {});

/// The first element at `from` or behind that is changed, of two entries that are compared by their values; nothing
/// where there is none. Errors: usage (other entries), io, changed, cancelled.
Result<std::optional<std::uint64_t>> next_difference(const Checkpoint& file_a, const TensorInfo& a,
                                                     const Checkpoint& file_b, const TensorInfo& b, std::uint64_t from,
                                                     const CompareOptions& options = {});

struct DiffOptions {
  PairOptions pairing = {};
  CompareOptions comparing = {};
};

/// pair_tensors, then compare: everything about two checkpoints.
Result<std::vector<TensorDiff>> diff(const Checkpoint& a, const Checkpoint& b, const DiffOptions& options = {});

}  // namespace ckpt

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/error.h"
#include "ckpt/progress.h"
#include "ckpt/stream.h"
#include "ckpt/tensor.h"

namespace ckpt {

/// How many elements of one kind there are, and the first.
struct Count {
  std::uint64_t count = 0;
  std::uint64_t first = ~std::uint64_t{0};

  void add(std::uint64_t index) noexcept;
  void add(const Count& other) noexcept;
};

/// The elements of one tensor that are worth a finding. Sums and minima only: the order of adding does not matter.
struct Census {
  Count bad;                 ///< NaN; a Bool that is neither 0 nor 1; a str's code point that is none
  Count odd;                 ///< an infinity; a surrogate
  bool ends_in_nul = false;  ///< of a str of more than one code point

  bool empty() const noexcept { return bad.count == 0 && odd.count == 0 && !ends_in_nul; }
  void add(const Census& other) noexcept;
};

/// What to look for in stored elements.
enum class Probe : std::uint8_t {
  none,
  boolean,
  float16,
  bfloat16,
  bfloat16_as_float32,
  float32,
  float64,
  complex64,
  complex128,
  float8_e4m3fn,
  float8_e5m2,
  utf32,
};

/// The code points of a str always, numbers if `values`.
Probe probe_for(const TensorInfo& tensor, bool values) noexcept;
/// Stored bytes of one element. 1 for Probe::none.
std::size_t width(Probe probe) noexcept;
/// Adds whole elements of `tensor`; the first of them has index `first`.
void take_census(Probe probe, const TensorInfo& tensor, std::span<const std::byte> elements, std::uint64_t first,
                 Census& census) noexcept;

/// The censuses of the tensors that have anything worth a finding.
class CensusTable {
 public:
  void add(std::size_t entry, std::size_t part, const Census& census);
  void set(std::size_t entry, std::size_t part, const Census& census);
  const Census* find(std::size_t entry, std::size_t part) const;

 private:
  std::map<std::pair<std::size_t, std::size_t>, Census> table_ = {};
};

struct PayloadOptions {
  bool values = false;                          ///< look for NaN and infinities
  bool strings = true;                          ///< look at the code points of strings
  std::optional<std::uint64_t> crc_until = {};  ///< the CRC-32 of the first source's bytes before this offset
  std::uint64_t readable = UINT64_MAX;          ///< of what lies behind this offset of the first source nothing is read
  unsigned threads = 0;
  Progress progress = {};
};

struct Payload {
  CensusTable censuses = {};
  std::uint32_t crc = 0;
};

/// Reads what the options ask for, once, on several threads in bounded memory.
Result<Payload> read_payload(const Checkpoint& file, const PayloadOptions& options);

/// The same for pieces as a RecordStream gives them: elements may be cut anywhere.
class PieceCensus {
 public:
  PieceCensus(bool values, bool strings) : values_(values), strings_(strings) {}

  void add(const Piece& piece, const TensorInfo& entry);
  /// After damage: takes back what came from the record in which it lies, if the stream took that record back.
  void forget_damaged(std::span<const TensorInfo> entries);
  const CensusTable& censuses() const noexcept { return censuses_; }

 private:
  struct Cut {
    std::array<std::byte, 16> bytes = {};
    std::size_t filled = 0;
  };

  bool values_;
  bool strings_;
  std::size_t entry_ = ~std::size_t{0};
  std::size_t records_ = 0;     // that the entry had at its last piece
  Census before_ = {};          // of the entry without the last of them
  std::vector<Cut> cuts_ = {};  // of the entry's parts: the beginning of an element whose rest is still to come
  CensusTable censuses_ = {};
};

}  // namespace ckpt

#include "census.h"

#include <algorithm>
#include <cstring>
#include <mutex>

#include "chunks.h"
#include "ckpt/element.h"
#include "crc32.h"
#include "kernels.h"
#include "page_buffer.h"

namespace ckpt {
namespace {

// ---- the test of one number ----

// A float is not finite where all bits of its exponent are set, and then infinite if those are the only ones besides
// its sign (and what its encoding does not count).
template <class Bits, Bits Exponent, Bits Magnitude>
struct FloatFormat {
  using Word = Bits;
  static bool any(std::span<const std::byte> words) noexcept {
    return kernels().any_with<Bits>()(words.data(), words.size() / sizeof(Bits), Exponent);
  }
  static constexpr bool suspicious(Bits x) noexcept { return (x & Exponent) == Exponent; }
  static constexpr bool is_odd(Bits x) noexcept { return (x & Magnitude) == Exponent; }
};

using Float16 = FloatFormat<std::uint16_t, 0x7C00, 0x7FFF>;
using BFloat16 = FloatFormat<std::uint16_t, 0x7F80, 0x7FFF>;
using BFloat16AsFloat32 = FloatFormat<std::uint32_t, 0x7F800000, 0x7FFF0000>;  // the low half is cut off
using Float32 = FloatFormat<std::uint32_t, 0x7F800000, 0x7FFFFFFF>;
using Float64 = FloatFormat<std::uint64_t, 0x7FF0000000000000, 0x7FFFFFFFFFFFFFFF>;
using Float8E4M3FN = FloatFormat<std::uint8_t, 0x7F, 0>;  // all ones is NaN, and nothing is infinite
using Float8E5M2 = FloatFormat<std::uint8_t, 0x7C, 0x7F>;

// Without a branch, so that the compiler makes vector code.
template <class Format>
bool any_suspicious(std::span<const std::byte> words) noexcept {
  using Word = typename Format::Word;
  bool any = false;
  for (std::size_t i = 0; i < words.size() / sizeof(Word); ++i) any |= Format::suspicious(load<Word>(words, i));
  return any;
}

struct Boolean {
  using Word = std::uint8_t;
  static constexpr bool suspicious(std::uint8_t x) noexcept { return x > 1; }
  static constexpr bool is_odd(std::uint8_t) noexcept { return false; }
  static bool any(std::span<const std::byte> words) noexcept { return any_suspicious<Boolean>(words); }
};

struct CodePoint {
  using Word = std::uint32_t;
  static constexpr bool is_odd(std::uint32_t c) noexcept { return c >= 0xD800 && c <= 0xDFFF; }
  static constexpr bool suspicious(std::uint32_t c) noexcept { return c > 0x10FFFF || is_odd(c); }
  static bool any(std::span<const std::byte> words) noexcept { return any_suspicious<CodePoint>(words); }
};

// Block by block; a closer look only at those that have something. An element is `Words` words: two of a complex
// number.
template <class Format, std::size_t Words = 1>
void census_of(std::span<const std::byte> elements, std::uint64_t first, Census& census) noexcept {
  using Word = typename Format::Word;
  constexpr std::size_t kAtOnce = 1024;
  const std::size_t count = elements.size() / sizeof(Word);
  const auto look_closer = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i += Words) {
      bool bad = false;
      bool odd = false;
      for (std::size_t k = i; k < i + Words; ++k) {
        const Word word = load<Word>(elements, k);
        if (!Format::suspicious(word)) continue;
        (Format::is_odd(word) ? odd : bad) = true;
      }
      if (bad) census.bad.add(first + i / Words);
      if (odd && !bad) census.odd.add(first + i / Words);
    }
  };
  std::size_t done = 0;
  for (; count - done >= kAtOnce; done += kAtOnce)
    if (Format::any(elements.subspan(done * sizeof(Word), kAtOnce * sizeof(Word)))) look_closer(done, done + kAtOnce);
  look_closer(done, count);
}

// ---- what is to be read ----

constexpr std::size_t kWindowBytes = std::size_t{256} << 10;     // read at once; stays in the second-level cache
constexpr std::uint64_t kSegmentBytes = std::uint64_t{4} << 20;  // handed to a thread at once
constexpr std::uint64_t kMaxGapBytes = 4096;                     // read and dropped rather than read around

// A run of whole elements, or (Probe::none) of bytes that only the CRC needs.
struct Run {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t first = 0;  // index of its first element
  const TensorInfo* tensor = nullptr;
  std::size_t entry = 0;
  std::size_t part = 0;
  std::uint32_t source = 0;
  Probe probe = Probe::none;

  std::uint64_t end() const noexcept { return offset + size; }
};

// An element that two or more extents share.
struct Split {
  const TensorInfo* tensor = nullptr;
  std::size_t entry = 0;
  std::size_t part = 0;
  Probe probe = Probe::none;
  std::uint64_t index = 0;
  std::array<Extent, 16> bytes = {};
  std::size_t count = 0;  // of extents used
};

class RunList {
 public:
  void add(std::size_t entry, std::size_t part, const TensorInfo& tensor, Probe probe) {
    const std::uint64_t size = width(probe);
    std::uint64_t position = 0;  // in the stored bytes
    Split split{.tensor = &tensor, .entry = entry, .part = part, .probe = probe};
    for (const Extent& extent : tensor.extents) {
      std::uint64_t offset = extent.offset;
      std::uint64_t left = extent.size;
      const auto take = [&](std::uint64_t bytes) {
        split.bytes[split.count++] = {extent.source, offset, bytes};
        offset += bytes;
        left -= bytes;
        position += bytes;
      };
      if (left > 0 && position % size != 0) {
        take(std::min(left, size - position % size));
        if (position % size == 0) {
          splits_.push_back(split);
          split.count = 0;
        }
      }
      const std::uint64_t whole = left / size * size;
      for (std::uint64_t done = 0; done < whole; done += kSegmentBytes)  // a multiple of every size
        runs_.push_back({.offset = offset + done,
                         .size = std::min(whole - done, kSegmentBytes),
                         .first = (position + done) / size,
                         .tensor = &tensor,
                         .entry = entry,
                         .part = part,
                         .source = extent.source,
                         .probe = probe});
      offset += whole;
      left -= whole;
      position += whole;
      if (left > 0) {
        split.index = position / size;
        take(left);
      }
    }
  }

  // The bytes between the runs, so that [0, end) of the first source is covered without a hole.
  void cover(std::uint64_t end) {
    sort();
    std::vector<Run> all;
    std::uint64_t position = 0;
    const auto fill = [&](std::uint64_t until) {
      for (; position < until; position = all.back().end())
        all.push_back({.offset = position, .size = std::min(until - position, kSegmentBytes)});
    };
    for (const Run& run : runs_) {
      fill(run.offset);
      all.push_back(run);
      position = run.end();
    }
    fill(end);
    runs_ = std::move(all);
  }

  void sort() {
    const auto before = [](const Run& a, const Run& b) {
      return std::pair(a.source, a.offset) < std::pair(b.source, b.offset);
    };
    if (!std::is_sorted(runs_.begin(), runs_.end(), before)) std::sort(runs_.begin(), runs_.end(), before);
  }

  // Runs that are read by one thread, about kSegmentBytes together.
  std::vector<std::span<const Run>> segments() const {
    std::vector<std::span<const Run>> segments;
    const std::span<const Run> all(runs_);
    std::size_t begin = 0;
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      bytes += all[i].size;
      const bool last = i + 1 == all.size();
      if (!last && bytes + all[i + 1].size <= kSegmentBytes && all[i + 1].source == all[i].source) continue;
      segments.push_back(all.subspan(begin, i + 1 - begin));
      begin = i + 1;
      bytes = 0;
    }
    return segments;
  }

  std::span<const Split> splits() const noexcept { return splits_; }
  std::uint64_t bytes() const noexcept {
    std::uint64_t sum = 0;
    for (const Run& run : runs_) sum += run.size;
    return sum;
  }

 private:
  std::vector<Run> runs_ = {};
  std::vector<Split> splits_ = {};
};

// One segment through one window: each byte is read once and serves the CRC and the tests while it is in the cache.
class SegmentReader {
 public:
  SegmentReader(const Source& source, std::span<const Run> runs, bool crc, std::span<std::byte> window)
      : source_(source), runs_(runs), with_crc_(crc), window_(window), crc_end_(runs.front().offset) {}

  template <class Found>
  Status read(const Found& found) {
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      const Run& run = runs_[i];
      const std::size_t element = width(run.probe);
      Census census;
      for (std::uint64_t done = 0; done < run.size;) {
        auto bytes = at(i, run.offset + done, element);
        if (!bytes) return std::move(bytes).error();
        const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(run.size - done, bytes->size()));
        const std::size_t whole = take / element * element;
        if (run.probe != Probe::none)
          take_census(run.probe, *run.tensor, bytes->first(whole), run.first + done / element, census);
        done += whole;
      }
      if (!census.empty()) found(run, census);
    }
    return {};
  }

  std::uint32_t crc() const noexcept { return crc_; }

 private:
  // Bytes from `offset`, which lies in run `i`: at least `want`.
  Result<std::span<const std::byte>> at(std::size_t i, std::uint64_t offset, std::size_t want) {
    if (offset < start_ || offset + want > start_ + filled_) {
      std::uint64_t end = runs_[i].end();
      while (++i < runs_.size() && end < offset + kWindowBytes && runs_[i].offset <= end + kMaxGapBytes)
        end = std::max(end, runs_[i].end());
      start_ = offset;
      filled_ = 0;
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(kWindowBytes, end - offset));
      if (auto status = source_.read_at(offset, window_.first(size)); !status) return std::move(status).error();
      filled_ = size;
      if (with_crc_) {
        const auto known = static_cast<std::size_t>(crc_end_ - offset);  // the start of an element, read again
        crc_ = crc32(crc_, window_.first(size).subspan(known));
        crc_end_ = offset + size;
      }
    }
    return std::span<const std::byte>(window_).first(filled_).subspan(static_cast<std::size_t>(offset - start_));
  }

  const Source& source_;
  std::span<const Run> runs_;
  bool with_crc_;
  std::span<std::byte> window_;
  std::uint64_t start_ = 0;
  std::size_t filled_ = 0;
  std::uint64_t crc_end_;
  std::uint32_t crc_ = 0;
};

Status census_of(const Checkpoint& file, const Split& split, CensusTable& censuses) {
  std::array<std::byte, 16> element;
  std::size_t filled = 0;
  for (const Extent& extent : std::span(split.bytes).first(split.count)) {
    const auto size = static_cast<std::size_t>(extent.size);
    if (auto status = file.source(extent.source).read_at(extent.offset, std::span(element).subspan(filled, size));
        !status)
      return status;
    filled += size;
  }
  Census census;
  take_census(split.probe, *split.tensor, std::span(element).first(filled), split.index, census);
  censuses.add(split.entry, split.part, census);
  return {};
}

template <class Visit>
void for_each_part(const TensorInfo& entry, const Visit& visit) {
  if (entry.kind != Kind::map) return visit(std::size_t{0}, entry);
  for (std::size_t i = 0; i < entry.parts.size(); ++i) visit(i, entry.parts[i]);
}

// Of what is looked at: where it lies in the file.
RunList wanted_runs(const Checkpoint& file, const PayloadOptions& options) {
  const auto is_readable = [&](const TensorInfo& tensor) {
    return std::all_of(tensor.extents.begin(), tensor.extents.end(), [&](const Extent& extent) {
      return extent.source != 0 || extent.offset + extent.size <= options.readable;
    });
  };
  RunList runs;
  const auto entries = file.tensors();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    for_each_part(entries[i], [&](std::size_t part, const TensorInfo& tensor) {
      const Probe probe = probe_for(tensor, options.values);
      const bool wanted = probe != Probe::none && (probe != Probe::utf32 || options.strings);
      if (wanted && is_readable(tensor)) runs.add(i, part, tensor, probe);
    });
  }
  return runs;
}

}  // namespace

void Count::add(std::uint64_t index) noexcept {
  ++count;
  first = std::min(first, index);
}

void Count::add(const Count& other) noexcept {
  count += other.count;
  first = std::min(first, other.first);
}

void Census::add(const Census& other) noexcept {
  bad.add(other.bad);
  odd.add(other.odd);
  ends_in_nul |= other.ends_in_nul;
}

Probe probe_for(const TensorInfo& tensor, bool values) noexcept {
  if (tensor.kind == Kind::string) return Probe::utf32;
  if (!values) return Probe::none;
  switch (tensor.dtype) {
    case DType::boolean:
      return Probe::boolean;
    case DType::float16:
      return Probe::float16;
    case DType::bfloat16:
      return tensor.encoding == Encoding::bf16_as_float32 ? Probe::bfloat16_as_float32 : Probe::bfloat16;
    case DType::float32:
      return Probe::float32;
    case DType::float64:
      return Probe::float64;
    case DType::complex64:
      return Probe::complex64;
    case DType::complex128:
      return Probe::complex128;
    case DType::float8_e4m3fn:
      return Probe::float8_e4m3fn;
    case DType::float8_e5m2:
      return Probe::float8_e5m2;
    default:
      return Probe::none;  // integers are all good; of the rest nobody knows what the bits mean
  }
}

std::size_t width(Probe probe) noexcept {
  switch (probe) {
    case Probe::none:
    case Probe::boolean:
    case Probe::float8_e4m3fn:
    case Probe::float8_e5m2:
      return 1;
    case Probe::float16:
    case Probe::bfloat16:
      return 2;
    case Probe::bfloat16_as_float32:
    case Probe::float32:
    case Probe::utf32:
      return 4;
    case Probe::float64:
    case Probe::complex64:
      return 8;
    case Probe::complex128:
      return 16;
  }
  return 1;
}

void take_census(Probe probe, const TensorInfo& tensor, std::span<const std::byte> elements, std::uint64_t first,
                 Census& census) noexcept {
  switch (probe) {
    case Probe::none:
      return;
    case Probe::boolean:
      return census_of<Boolean>(elements, first, census);
    case Probe::float16:
      return census_of<Float16>(elements, first, census);
    case Probe::bfloat16:
      return census_of<BFloat16>(elements, first, census);
    case Probe::bfloat16_as_float32:
      return census_of<BFloat16AsFloat32>(elements, first, census);
    case Probe::float32:
      return census_of<Float32>(elements, first, census);
    case Probe::float64:
      return census_of<Float64>(elements, first, census);
    case Probe::complex64:
      return census_of<Float32, 2>(elements, first, census);
    case Probe::complex128:
      return census_of<Float64, 2>(elements, first, census);
    case Probe::float8_e4m3fn:
      return census_of<Float8E4M3FN>(elements, first, census);
    case Probe::float8_e5m2:
      return census_of<Float8E5M2>(elements, first, census);
    case Probe::utf32: {
      const std::size_t count = elements.size() / 4;
      const bool end = count > 0 && first + count > 1 && (first + count) * 4 == tensor.byte_size;
      if (end && load<std::uint32_t>(elements, count - 1) == 0) census.ends_in_nul = true;
      return census_of<CodePoint>(elements, first, census);
    }
  }
}

void CensusTable::add(std::size_t entry, std::size_t part, const Census& census) {
  if (!census.empty()) table_[{entry, part}].add(census);
}

void CensusTable::set(std::size_t entry, std::size_t part, const Census& census) {
  table_.erase({entry, part});
  add(entry, part, census);
}

const Census* CensusTable::find(std::size_t entry, std::size_t part) const {
  const auto found = table_.find({entry, part});
  return found == table_.end() ? nullptr : &found->second;
}

Result<Payload> read_payload(const Checkpoint& file, const PayloadOptions& options) {
  Payload payload;
  RunList runs = wanted_runs(file, options);
  for (const Split& split : runs.splits())
    if (auto status = census_of(file, split, payload.censuses); !status) return std::move(status).error();
  if (options.crc_until)
    runs.cover(*options.crc_until);
  else
    runs.sort();

  const auto segments = runs.segments();
  std::vector<std::uint32_t> crcs(options.crc_until ? segments.size() : 0);
  Meter meter(options.progress, runs.bytes());
  std::mutex mutex;  // of the censuses
  const auto make_window = [] { return PageBuffer(kWindowBytes); };
  const auto read_one = [&](const PageBuffer& window, std::size_t i) -> Status {
    SegmentReader reader(file.source(segments[i].front().source), segments[i], options.crc_until.has_value(),
                         window.bytes());
    auto status = reader.read([&](const Run& run, const Census& census) {
      const std::lock_guard lock(mutex);
      payload.censuses.add(run.entry, run.part, census);
    });
    if (!status) return status;
    if (options.crc_until) crcs[i] = reader.crc();
    std::uint64_t bytes = 0;
    for (const Run& run : segments[i]) bytes += run.size;
    return meter.add(bytes);
  };
  if (auto status = in_any_order(options.threads, segments.size(), make_window, read_one); !status)
    return std::move(status).error();
  for (std::size_t i = 0; i < crcs.size(); ++i) {
    const std::uint64_t size = segments[i].back().end() - segments[i].front().offset;
    payload.crc = i == 0 ? crcs[0] : crc32_combine(payload.crc, crcs[i], size);
  }
  return payload;
}

void PieceCensus::add(const Piece& piece, const TensorInfo& entry) {
  const TensorInfo& tensor = entry.kind == Kind::map ? entry.parts[piece.part] : entry;
  const Probe probe = probe_for(tensor, values_);
  if (probe == Probe::none || (probe == Probe::utf32 && !strings_)) return;
  if (piece.entry != entry_) cuts_.clear();
  if (piece.entry != entry_ || entry.extents.size() != records_) {
    const Census* found = censuses_.find(piece.entry, piece.part);
    before_ = found != nullptr ? *found : Census{};
  }
  entry_ = piece.entry;
  records_ = entry.extents.size();
  if (cuts_.size() <= piece.part) cuts_.resize(piece.part + 1);
  Cut& cut = cuts_[piece.part];

  const std::size_t element = width(probe);
  std::span<const std::byte> bytes = piece.bytes;
  std::uint64_t index = piece.offset / element;
  Census census;
  const auto keep = [&](std::size_t count) {
    std::memcpy(cut.bytes.data() + cut.filled, bytes.data(), count);
    cut.filled += count;
    bytes = bytes.subspan(count);
  };
  if (cut.filled > 0) {
    keep(std::min(bytes.size(), element - cut.filled));
    if (cut.filled == element) {
      take_census(probe, tensor, std::span(cut.bytes).first(element), index++, census);
      cut.filled = 0;
    }
  }
  if (!bytes.empty()) {
    const std::size_t whole = bytes.size() / element * element;
    take_census(probe, tensor, bytes.first(whole), index, census);
    bytes = bytes.subspan(whole);
    keep(bytes.size());
  }
  censuses_.add(piece.entry, piece.part, census);
}

void PieceCensus::forget_damaged(std::span<const TensorInfo> entries) {
  if (entry_ < entries.size() && entries[entry_].extents.size() < records_) censuses_.set(entry_, 0, before_);
}

}  // namespace ckpt

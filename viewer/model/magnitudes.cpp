#include "magnitudes.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <span>

#include "ckpt/element.h"

namespace ckpt::viewer {
namespace {

constexpr std::size_t kElementsAtOnce = 65536;
// A count for each sign, exponent and the first seven bits of the fraction of a double.
constexpr unsigned kShift = 45;
constexpr std::size_t kCells = std::size_t{1} << 18;  // of one sign
constexpr std::size_t kFinite = std::size_t{0x7FF} << 7;

double lowest_of(std::size_t cell) noexcept { return std::bit_cast<double>(std::uint64_t{cell} << kShift); }

void count(std::span<const double> values, std::vector<std::uint64_t>& cells, std::uint64_t& zeros) noexcept {
  for (const double value : values) {
    if (value == 0)
      ++zeros;
    else
      ++cells[static_cast<std::size_t>(std::bit_cast<std::uint64_t>(value) >> kShift)];
  }
}

// Neighbouring cells together, as many as make that many bins.
Magnitudes binned(std::span<const std::uint64_t> cells, std::size_t bins) {
  const auto positive = cells.first(kFinite);
  const auto negative = cells.subspan(kCells, kFinite);
  std::size_t first = kFinite;
  std::size_t last = 0;
  for (std::size_t i = 0; i < kFinite; ++i) {
    if (positive[i] == 0 && negative[i] == 0) continue;
    first = std::min(first, i);
    last = i;
  }
  Magnitudes out;
  for (const auto& beyond : {cells.subspan(kFinite, kCells - kFinite), cells.subspan(kCells + kFinite)})
    for (const std::uint64_t cell : beyond) out.non_finite += cell;
  if (first > last) return out;
  const std::size_t number = last + 1 - first;
  bins = std::min(bins, number);
  out.negative.resize(bins);
  out.positive.resize(bins);
  for (std::size_t bin = 0; bin < bins; ++bin) {
    const std::size_t from = first + bin * number / bins;
    const std::size_t to = first + (bin + 1) * number / bins;
    out.edges.push_back(lowest_of(from));
    for (std::size_t i = from; i < to; ++i) {
      out.negative[bin] += negative[i];
      out.positive[bin] += positive[i];
    }
  }
  // Of the largest cell the upper edge may be infinity.
  out.edges.front() = std::max(out.edges.front(), std::numeric_limits<double>::denorm_min());
  out.edges.push_back(std::min(lowest_of(last + 1), std::numeric_limits<double>::max()));
  return out;
}

}  // namespace

Result<Magnitudes> magnitudes(const Checkpoint& file, const TensorInfo& tensor, std::size_t bins,
                              const Progress& progress) {
  const std::size_t size = size_of(tensor.dtype);
  const std::uint64_t elements = tensor.element_count().value_or(0);
  std::vector<std::uint64_t> cells(2 * kCells);
  std::uint64_t zeros = 0;
  std::vector<std::byte> bytes(kElementsAtOnce * size);
  std::vector<double> values(kElementsAtOnce);
  for (std::uint64_t at = 0; at < elements;) {
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(kElementsAtOnce, elements - at));
    const auto block = std::span(bytes).first(take * size);
    if (auto status = file.read(tensor, at * size, block); !status) return status.error();
    const auto numbers = std::span(values).first(take);
    to_double(tensor.dtype, block, numbers);
    count(numbers, cells, zeros);
    at += take;
    if (progress && !progress(at * size, elements * size)) return Error{.code = Errc::cancelled};
  }
  Magnitudes out = binned(cells, bins);
  out.zeros = zeros;
  return out;
}

}  // namespace ckpt::viewer

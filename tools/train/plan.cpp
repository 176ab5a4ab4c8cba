#include "plan.h"

#include <algorithm>
#include <numeric>

namespace ckpt::train {
namespace {

std::uint64_t aligned(std::uint64_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

struct Placed {
  std::uint64_t begin, end;
};

/// The lowest gap of that size between what is taken.
std::uint64_t lowest_gap(std::vector<Placed>& taken, std::uint64_t size) {
  std::ranges::sort(taken, {}, &Placed::begin);
  std::uint64_t offset = 0;
  for (const Placed& other : taken) {
    if (other.begin >= offset + size) break;
    offset = std::max(offset, other.end);
  }
  return offset;
}

}  // namespace

Plan plan(std::span<const Lifetime> values) {
  Plan result{.offsets = std::vector<std::uint64_t>(values.size()), .total = 0};
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](std::size_t i) { return values[i].size; });

  for (std::size_t position = 0; position < order.size(); ++position) {
    const std::size_t i = order[position];
    std::vector<Placed> taken;
    for (std::size_t earlier = 0; earlier < position; ++earlier) {
      const std::size_t j = order[earlier];
      if (!values[i].meets(values[j])) continue;
      taken.push_back({result.offsets[j], result.offsets[j] + aligned(values[j].size)});
    }
    result.offsets[i] = lowest_gap(taken, aligned(values[i].size));
    result.total = std::max(result.total, result.offsets[i] + aligned(values[i].size));
  }
  return result;
}

}  // namespace ckpt::train

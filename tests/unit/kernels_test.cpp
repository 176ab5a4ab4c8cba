// All that this processor has give the same bits as the plain loops, for every length of the rest.
#include "kernels.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "ckpt/element.h"

namespace ckpt {
namespace {

template <class Real>
std::vector<Real> some_values(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<Real> normal(Real{0.5}, Real{3});
  std::vector<Real> values(count);
  for (Real& value : values) value = normal(random);
  constexpr Real kOdd[] = {0, Real(-0.0), std::numeric_limits<Real>::denorm_min(), std::numeric_limits<Real>::min(),
                           -std::numeric_limits<Real>::denorm_min()};
  for (std::size_t i = 0; i < count; i += 7) values[i] = kOdd[i / 7 % 5];
  return values;
}

template <class T>
const std::byte* unaligned(const std::vector<T>& values, std::vector<std::byte>& memory) {
  memory.resize(values.size() * sizeof(T) + 1);
  if (!values.empty()) std::memcpy(memory.data() + 1, values.data(), values.size() * sizeof(T));
  return memory.data() + 1;
}

template <class T>
bool same_bits(const T& a, const T& b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

void expect_same(const BlockMoments& a, const BlockMoments& b) {
  EXPECT_TRUE(same_bits(a.mean, b.mean) && same_bits(a.m2, b.m2));
  EXPECT_EQ(a.min, b.min);
  EXPECT_EQ(a.max, b.max);
  EXPECT_EQ(a.zeros, b.zeros);
  EXPECT_EQ(a.small, b.small);
}

void expect_same(const BlockMetrics& a, const BlockMetrics& b) {
  EXPECT_TRUE(same_bits(a.sum_abs, b.sum_abs) && same_bits(a.sum_squares, b.sum_squares));
  EXPECT_TRUE(same_bits(a.sum_aa, b.sum_aa) && same_bits(a.sum_bb, b.sum_bb) && same_bits(a.sum_ab, b.sum_ab));
  EXPECT_EQ(a.max_abs, b.max_abs);
  EXPECT_EQ(a.max_ulp, b.max_ulp);
  EXPECT_EQ(a.changed, b.changed);
  EXPECT_EQ(a.outside, b.outside);
  EXPECT_EQ(a.from_zero, b.from_zero);
  EXPECT_EQ(a.above_rel, b.above_rel);
}

template <class Real>
class KernelsOf : public testing::Test {};
using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(KernelsOf, Reals);

TYPED_TEST(KernelsOf, AllAgree) {
  using Real = TypeParam;
  const RealKernels<Real>& plain = all_kernels()[0]->template real<Real>();
  for (const Kernels* other : all_kernels()) {
    if (!other->supported()) continue;
    SCOPED_TRACE(other->name);
    const RealKernels<Real>& tried = other->template real<Real>();
    for (const std::size_t count : {1u, 2u, 7u, 8u, 9u, 15u, 16u, 31u, 100u, 2047u, 2048u}) {
      SCOPED_TRACE(count);
      std::vector<std::byte> left;
      std::vector<std::byte> right;
      const std::byte* a = unaligned(some_values<Real>(count, 1), left);
      const std::byte* b = unaligned(some_values<Real>(count, 2), right);
      const Real smallest = std::numeric_limits<Real>::min();
      expect_same(plain.moments(a, count, smallest, 0.25), tried.moments(a, count, smallest, 0.25));
      const Binning<Real> binning{-8, Real{16}, 256, Real{0.0009765625}};
      std::vector<std::uint32_t> bins(count);
      std::vector<std::uint32_t> expected(count);
      plain.bins(a, count, binning, expected.data());
      tried.bins(a, count, binning, bins.data());
      EXPECT_EQ(bins, expected);
      for (const Bounds::Kind kind : {Bounds::none, Bounds::values, Bounds::ulps}) {
        const Bounds bounds{.kind = kind, .atol = 0.5, .rtol = 0.125, .ulp = 1 << 20, .rel = 0.75};
        expect_same(plain.compare[kind](a, b, count, bounds), tried.compare[kind](a, b, count, bounds));
      }
    }
  }
}

TEST(Kernels, HalvesAreWidenedAsElementDoes) {
  std::vector<std::uint16_t> all(65536);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
  std::vector<std::byte> memory;
  const std::byte* bytes = unaligned(all, memory);
  for (const Kernels* tried : all_kernels()) {
    if (!tried->supported()) continue;
    SCOPED_TRACE(tried->name);
    for (std::size_t i = 0; i < all.size(); i += 13) {
      const std::size_t count = std::min<std::size_t>(13, all.size() - i);
      float wide[13];
      tried->widen_float16(bytes + 2 * i, count, wide);
      for (std::size_t k = 0; k < count; ++k)
        ASSERT_EQ(std::bit_cast<std::uint32_t>(wide[k]), std::bit_cast<std::uint32_t>(float16_to_float(all[i + k])));
      tried->widen_bfloat16(bytes + 2 * i, count, wide);
      for (std::size_t k = 0; k < count; ++k)
        ASSERT_EQ(std::bit_cast<std::uint32_t>(wide[k]), std::bit_cast<std::uint32_t>(bfloat16_to_float(all[i + k])));
    }
  }
}

template <class Word>
void expect_words_with_all_bits_of(Word mask) {
  for (const std::size_t count : {1U, 63U, 64U, 1000U}) {
    std::vector<Word> words(count, static_cast<Word>(~mask | (mask & (mask - 1))));  // all but one bit of it
    std::vector<std::byte> memory;
    for (const Kernels* tried : all_kernels()) {
      if (!tried->supported()) continue;
      SCOPED_TRACE(tried->name);
      EXPECT_FALSE(tried->any_with<Word>()(unaligned(words, memory), count, mask));
      for (std::size_t i = 0; i < count; ++i) {
        const Word before = std::exchange(words[i], static_cast<Word>(mask));
        ASSERT_TRUE(tried->any_with<Word>()(unaligned(words, memory), count, mask)) << i << " of " << count;
        words[i] = before;
      }
    }
  }
}

TEST(Kernels, WordsWithAllBitsOfAMaskAreFound) {
  expect_words_with_all_bits_of<std::uint8_t>(0x7C);
  expect_words_with_all_bits_of<std::uint16_t>(0x7F80);
  expect_words_with_all_bits_of<std::uint32_t>(0x7F800000);
  expect_words_with_all_bits_of<std::uint64_t>(0x7FF0000000000000);
}

TEST(Kernels, UpperHalvesAreFound) {
  const std::vector<float> values = some_values<float>(2047, 3);
  std::vector<std::byte> memory;
  const std::byte* bytes = unaligned(values, memory);
  std::vector<std::uint16_t> halves;
  for (std::size_t wanted = 1; wanted <= 8; ++wanted) {
    halves.push_back(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(values[wanted * 5]) >> 16));
    std::vector<std::uint32_t> expected;
    for (const float value : values) {
      const auto bits = std::bit_cast<std::uint32_t>(value);
      if (std::count(halves.begin(), halves.end(), bits >> 16) > 0) expected.push_back(bits);
    }
    for (const Kernels* tried : all_kernels()) {
      if (!tried->supported()) continue;
      std::vector<std::uint32_t> found(values.size() + 1);
      found.resize(tried->select_upper_halves(bytes, values.size(), halves, found.data()));
      EXPECT_EQ(found, expected) << tried->name << ' ' << wanted;
    }
  }
}

}  // namespace
}  // namespace ckpt

#include "ckpt/diff.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <random>
#include <regex>
#include <string>
#include <vector>

#include "ckpt/element.h"
#include "file_bytes.h"
#include "temp_dir.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;
using test::record;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

constexpr DType kNumbers[] = {
    DType::boolean, DType::int8,      DType::int16,      DType::int32,         DType::int64,      DType::uint8,
    DType::uint16,  DType::uint32,    DType::uint64,     DType::float16,       DType::bfloat16,   DType::float32,
    DType::float64, DType::complex64, DType::complex128, DType::float8_e4m3fn, DType::float8_e5m2};

template <class T>
Bytes bytes(const std::vector<T>& values) {
  Bytes out(values.size() * sizeof(T), '\0');
  if (!values.empty()) std::memcpy(out.data(), values.data(), out.size());
  return out;
}

Bytes floats(const std::string& name, const std::vector<float>& values) {
  return record(name, {static_cast<std::int64_t>(values.size())}, "Float32", bytes(values));
}

std::vector<float> normal(std::size_t count, unsigned seed, float scale = 0.05F) {
  std::mt19937 random(seed);
  std::normal_distribution<float> distribution(0, scale);
  std::vector<float> values(count);
  for (float& value : values) value = distribution(random);
  return values;
}

Bytes random_bits(DType dtype, std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  Bytes out(count * size_of(dtype), '\0');
  for (char& c : out) c = static_cast<char>(random());
  if (dtype == DType::boolean)
    for (char& c : out) c = static_cast<char>(c & 1);
  return out;
}

// Two files that live as long as what was found out about them.
struct Compared {
  Bytes bytes_a;
  Bytes bytes_b;
  std::optional<Checkpoint> a = {};
  std::optional<Checkpoint> b = {};
  std::vector<TensorDiff> diffs = {};

  const TensorDiff& of(std::string_view name) const {
    for (const TensorDiff& diff : diffs)
      if ((diff.pair.a != nullptr && diff.pair.a->name == name) ||
          (diff.pair.b != nullptr && diff.pair.b->name == name))
        return diff;
    throw std::runtime_error("no such tensor");
  }
  std::map<Change, int> counts() const {
    std::map<Change, int> counts;
    for (const TensorDiff& diff : diffs) ++counts[diff.change];
    return counts;
  }
};

std::unique_ptr<Compared> compared(const Bytes& a, const Bytes& b, const DiffOptions& options = {}) {
  auto out = std::make_unique<Compared>(Compared{a, b});
  out->a.emplace(std::move(Checkpoint::from_bytes(bytes_of(out->bytes_a)).value()));
  out->b.emplace(std::move(Checkpoint::from_bytes(bytes_of(out->bytes_b)).value()));
  auto diffs = diff(*out->a, *out->b, options);
  EXPECT_TRUE(diffs) << to_string(diffs.error());
  if (diffs) out->diffs = std::move(*diffs);
  return out;
}

DiffOptions tolerating(double atol, double rtol = 0, std::optional<std::uint64_t> ulp = {}) {
  DiffOptions options;
  options.comparing.tolerance = {atol, rtol, ulp};
  return options;
}

// ---- metrics ----

// By definition, one element after the other, in long double.
struct Expected {
  std::uint64_t changed = 0;
  std::uint64_t outside = 0;
  std::uint64_t new_nan = 0;
  std::uint64_t new_inf = 0;
  double max_abs = 0;
  double max_rel = 0;
  long double sum_abs = 0;
  long double squares = 0;
  long double aa = 0;
  long double bb = 0;
  long double ab = 0;
  std::uint64_t finite = 0;
};

Expected by_definition(const std::vector<double>& a, const std::vector<double>& b, const Tolerance& tolerance) {
  Expected e;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i];
    const double y = b[i];
    const bool same = x == y || (std::isnan(x) && std::isnan(y));
    e.changed += !same;
    if (!std::isfinite(x) || !std::isfinite(y)) {
      e.outside += !same;
      e.new_nan += std::isnan(y) && !std::isnan(x);
      e.new_inf += std::isinf(y) && !same;
      continue;
    }
    ++e.finite;
    const double d = std::fabs(x - y);
    e.max_abs = std::max(e.max_abs, d);
    if (x != 0) e.max_rel = std::max(e.max_rel, d / std::fabs(x));
    e.outside += d > tolerance.atol + tolerance.rtol * std::fabs(x);
    e.sum_abs += d;
    e.squares += static_cast<long double>(d) * d;
    e.aa += static_cast<long double>(x) * x;
    e.bb += static_cast<long double>(y) * y;
    e.ab += static_cast<long double>(x) * y;
  }
  return e;
}

void expect_near(double got, long double expected) {
  if (!std::isfinite(got)) return;  // beyond the range of double
  EXPECT_NEAR(got, static_cast<double>(expected), 1e-12 * std::fabs(static_cast<double>(expected)) + 1e-300);
}

void expect_right(const Metrics& m, const Expected& e) {
  EXPECT_EQ(m.changed_elements, e.changed);
  EXPECT_EQ(m.outside, e.outside);
  EXPECT_EQ(m.new_nan, e.new_nan);
  EXPECT_EQ(m.new_inf, e.new_inf);
  EXPECT_EQ(m.max_abs, e.max_abs);
  EXPECT_EQ(m.max_rel, e.max_rel);
  if (e.finite == 0) return;
  expect_near(m.mean_abs, e.sum_abs / static_cast<long double>(e.finite));
  expect_near(m.rms, std::sqrt(e.squares / static_cast<long double>(e.finite)));
  expect_near(m.l2, std::sqrt(e.squares));
  if (e.aa > 0) expect_near(m.relative_update, std::sqrt(e.squares / e.aa));
  if (e.aa > 0 && e.bb > 0 && e.squares > 0 && std::isfinite(m.l2)) {
    EXPECT_NEAR(m.cosine, static_cast<double>(e.ab / std::sqrt(e.aa) / std::sqrt(e.bb)), 1e-12);
  }
}

std::vector<double> as_doubles(DType dtype, const Bytes& content) {
  std::vector<double> out(content.size() / size_of(dtype));
  to_double(dtype, bytes_of(content), out);
  return out;
}

bool is_complex(DType dtype) { return dtype == DType::complex64 || dtype == DType::complex128; }

TEST(Diff, MetricsOfEveryTypeByDefinition) {
  for (const DType dtype : kNumbers) {
    if (is_complex(dtype) || dtype == DType::int64 || dtype == DType::uint64) continue;
    for (const std::size_t count : {1u, 9u, 2048u, 5000u}) {
      for (const Tolerance& tolerance : {Tolerance{}, Tolerance{0.5, 0.25, {}}}) {
        SCOPED_TRACE(std::string(name(dtype)) + " " + std::to_string(count));
        Bytes x = random_bits(dtype, count, 1);
        Bytes y = random_bits(dtype, count, 2);
        if (dtype == DType::float64) {
          const auto wide = [](const std::vector<float>& v) { return std::vector<double>(v.begin(), v.end()); };
          x = bytes(wide(normal(count, 3)));
          y = bytes(wide(normal(count, 4)));
        }
        const auto dims = static_cast<std::int64_t>(count);
        const auto result = compared(record("t", {dims}, name(dtype), x), record("t", {dims}, name(dtype), y),
                                     tolerating(tolerance.atol, tolerance.rtol));
        const auto expected = by_definition(as_doubles(dtype, x), as_doubles(dtype, y), tolerance);
        ASSERT_TRUE(result->diffs[0].metrics);
        expect_right(*result->diffs[0].metrics, expected);
        EXPECT_EQ(result->diffs[0].basis, Basis::values);
        EXPECT_EQ(result->diffs[0].change, expected.outside > 0 ? Change::changed
                                           : x == y             ? Change::identical
                                                                : Change::within_tolerance);
      }
    }
  }
}

TEST(Diff, TypesAreComparedByValue) {
  const std::vector<float> values = normal(3000, 5);
  for (const DType other : kNumbers) {
    if (other == DType::float32 || is_complex(other)) continue;
    SCOPED_TRACE(name(other));
    const Bytes y = random_bits(other, 3000, 6);
    if (other == DType::float64) continue;
    const auto result = compared(floats("t", values), record("t", {3000}, name(other), y), tolerating(0.1, 0.1));
    const auto expected =
        by_definition(std::vector<double>(values.begin(), values.end()), as_doubles(other, y), {0.1, 0.1, {}});
    EXPECT_EQ(result->diffs[0].change, Change::dtype_changed);
    expect_right(*result->diffs[0].metrics, expected);
  }
  // Widened, a BFloat16 is what it was.
  std::vector<std::uint16_t> halves(100);
  std::vector<float> wide(100);
  for (std::size_t i = 0; i < 100; ++i) {
    halves[i] = static_cast<std::uint16_t>(0x3F00 + i);
    wide[i] = bfloat16_to_float(halves[i]);
  }
  const auto same = compared(record("t", {100}, "BFloat16", bytes(halves)), floats("t", wide));
  EXPECT_EQ(same->diffs[0].change, Change::dtype_changed);
  EXPECT_EQ(same->diffs[0].values, Change::within_tolerance);
  EXPECT_EQ(same->diffs[0].metrics->changed_elements, 0u);
  EXPECT_EQ(same->diffs[0].metrics->cosine, 1);
}

TEST(Diff, SixtyFourBitsAreExact) {
  const auto result = compared(record("i", {3}, "Int64", bytes<std::int64_t>({INT64_MIN, (1LL << 60) + 1, 5})) +
                                   record("u", {2}, "UInt64", bytes<std::uint64_t>({0, 1ULL << 63})),
                               record("i", {3}, "Int64", bytes<std::int64_t>({INT64_MAX, 1LL << 60, 5})) +
                                   record("u", {2}, "UInt64", bytes<std::uint64_t>({UINT64_MAX, 1ULL << 63})),
                               tolerating(0, 0, 1));
  const Metrics& i = *result->of("i").metrics;
  EXPECT_EQ(i.changed_elements, 2u);
  EXPECT_EQ(i.outside, 1u);
  EXPECT_EQ(i.max_abs, 0x1p64);
  EXPECT_EQ(i.max_ulp, UINT64_MAX);
  EXPECT_EQ(i.worst_index, 0u);
  EXPECT_EQ(result->of("u").metrics->max_ulp, UINT64_MAX);
}

TEST(Diff, ComplexNumbersByTheMagnitudeOfTheirDifference) {
  const auto result = compared(record("z", {3}, "Complex64", bytes<float>({3, 4, 1, 1, 0, kNaN})),
                               record("z", {3}, "Complex64", bytes<float>({0, 0, 1, 2, 0, 0})));
  const Metrics& m = *result->diffs[0].metrics;
  EXPECT_EQ(m.changed_elements, 3u);
  EXPECT_EQ(m.lost_nan, 1u);
  EXPECT_EQ(m.max_abs, 5);
  EXPECT_EQ(m.max_rel, 1);
  EXPECT_DOUBLE_EQ(m.l2, std::sqrt(26.0));
  EXPECT_DOUBLE_EQ(m.cosine, 3 / (std::sqrt(27.0) * std::sqrt(5.0)));
}

TEST(Diff, ElementByElementAsInSum) {
  constexpr std::size_t kCount = 1000;
  for (const DType type_a : kNumbers) {
    for (const DType type_b : {type_a, DType::float32, DType::int64, DType::complex64}) {
      // Neighbours, some of them, so that every tolerance has something within it.
      const Bytes a = random_bits(type_a, kCount, 1);
      Bytes b = type_a == type_b ? a : random_bits(type_b, kCount, 2);
      const Bytes other = random_bits(type_b, kCount, 3);
      const std::size_t size = size_of(type_b);
      for (std::size_t i = 0; i < b.size(); ++i) {
        if (i / size % 4 == 1 && i % size == 0 && type_b != DType::boolean) b[i] = static_cast<char>(b[i] ^ 1);
        if (i / size % 4 == 2) b[i] = other[i];
      }
      for (const Tolerance& tolerance : {Tolerance{}, Tolerance{.atol = 1}, Tolerance{.rtol = 0.25},
                                         Tolerance{.ulp = 1}, Tolerance{.atol = 0.5, .ulp = 2}}) {
        SCOPED_TRACE(std::string(name(type_a)) + " " + std::string(name(type_b)));
        const auto result = compared(record("t", {kCount}, name(type_a), a), record("t", {kCount}, name(type_b), b),
                                     {.comparing = {.tolerance = tolerance}});
        const Metrics& m = *result->diffs[0].metrics;
        const auto elements = compare_elements(type_a, bytes_of(a), type_b, bytes_of(b), tolerance);
        ASSERT_EQ(elements.size(), kCount);
        std::uint64_t changed = 0;
        std::uint64_t outside = 0;
        std::uint64_t first = Metrics::kNone;
        double farthest = 0;
        for (std::size_t i = kCount; i-- > 0;) {
          const ElementDiff& element = elements[i];
          changed += element.change != Change::identical;
          outside += element.change == Change::changed;
          if (element.change == Change::changed) first = i;
          if (std::isfinite(element.difference)) farthest = std::max(farthest, std::fabs(element.difference));
        }
        EXPECT_EQ(changed, m.changed_elements);
        EXPECT_EQ(outside, m.outside);
        if (std::isfinite(m.max_abs)) {
          EXPECT_EQ(farthest, m.max_abs);
        }
        const auto next = next_difference(*result->a, *result->diffs[0].pair.a, *result->b, *result->diffs[0].pair.b, 0,
                                          {.tolerance = tolerance});
        ASSERT_TRUE(next);
        EXPECT_EQ(next->value_or(Metrics::kNone), first);
      }
    }
  }
}

TEST(Diff, ElementsHaveTheirDifference) {
  const auto longs = [](std::int64_t a, std::int64_t b) {
    return compare_elements(DType::int64, bytes_of(bytes<std::int64_t>({a})), DType::int64,
                            bytes_of(bytes<std::int64_t>({b})))[0];
  };
  EXPECT_EQ(longs((1LL << 60) + 1, 1LL << 60).difference, -1);
  EXPECT_EQ(longs(INT64_MIN, INT64_MAX).difference, 0x1p64);
  const Bytes x = bytes<float>({1, 0, kNaN, kInfinity, kNaN});
  const Bytes y = bytes<float>({0.5F, -0.0F, kNaN, kInfinity, 1});
  const auto reals = compare_elements(DType::float32, bytes_of(x), DType::float32, bytes_of(y));
  EXPECT_EQ(reals[0].difference, -0.5);
  for (const std::size_t same : {1U, 2U, 3U}) {
    EXPECT_EQ(reals[same].change, Change::identical);
    EXPECT_EQ(reals[same].difference, 0);
  }
  EXPECT_TRUE(std::isnan(reals[4].difference));
  const auto turned = compare_elements(DType::complex64, bytes_of(bytes<float>({1, 0})), DType::complex64,
                                       bytes_of(bytes<float>({0, 1})));
  EXPECT_DOUBLE_EQ(turned[0].difference, std::sqrt(2.0));
  const Bytes ones(1, '\1');
  const Bytes twos(1, '\2');
  EXPECT_EQ(compare_elements(DType::boolean, bytes_of(ones), DType::boolean, bytes_of(twos))[0].change,
            Change::identical);
  EXPECT_TRUE(compare_elements(DType::unknown, bytes_of(ones), DType::unknown, bytes_of(twos)).empty());
}

TEST(Diff, TheNextDifferenceIsFoundInAnyBlock) {
  std::vector<float> values(200'000, 1);
  auto changed = values;
  changed[70'000] = 1.25F;
  changed[199'999] = 3;
  const auto result = compared(floats("t", values), floats("t", changed));
  const Pair& pair = result->diffs[0].pair;
  const auto next = [&](std::uint64_t from, double atol) {
    const auto found = next_difference(*result->a, *pair.a, *result->b, *pair.b, from, {.tolerance = {.atol = atol}});
    return found ? found->value_or(Metrics::kNone) : 0;
  };
  EXPECT_EQ(next(0, 0), 70'000u);
  EXPECT_EQ(next(70'001, 0), 199'999u);
  EXPECT_EQ(next(0, 0.25), 199'999u);
  EXPECT_EQ(next(0, 2), Metrics::kNone);
  EXPECT_EQ(next(200'000, 0), Metrics::kNone);
  const auto stopped = next_difference(*result->a, *pair.a, *result->b, *pair.b, 0,
                                       {.progress = [](std::uint64_t, std::uint64_t) { return false; }});
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::cancelled);
}

TEST(Diff, SpecialValues) {
  const auto result = compared(floats("t", {0.0F, kNaN, kInfinity, 1, kNaN, kInfinity, 0, 2}),
                               floats("t", {-0.0F, -kNaN, kInfinity, kNaN, 3, -kInfinity, 4, kInfinity}));
  const Metrics& m = *result->diffs[0].metrics;
  EXPECT_EQ(m.changed_elements, 5u);
  EXPECT_EQ(m.new_nan, 1u);
  EXPECT_EQ(m.lost_nan, 1u);
  EXPECT_EQ(m.new_inf, 2u);
  EXPECT_EQ(m.lost_inf, 1u);
  EXPECT_EQ(m.from_zero, 1u);
  EXPECT_EQ(m.first_index, 3u);
  EXPECT_EQ(m.first_non_finite, 3u);
  EXPECT_EQ(m.worst_index, 6u);
  EXPECT_EQ(m.max_abs, 4);
  EXPECT_EQ(m.max_rel, 0);

  // Other bytes, the same values.
  const auto same = compared(floats("t", {0.0F, kNaN, 1}), floats("t", {-0.0F, -kNaN, 1}));
  EXPECT_EQ(same->diffs[0].change, Change::within_tolerance);
  EXPECT_EQ(same->diffs[0].metrics->changed_elements, 0u);

  // No tolerance makes a number of NaN, or of an infinity.
  const auto far = compared(floats("t", {1, 1}), floats("t", {kNaN, kInfinity}), tolerating(1e300, 1e300, UINT64_MAX));
  EXPECT_EQ(far->diffs[0].change, Change::changed);
  EXPECT_EQ(far->diffs[0].metrics->outside, 2u);
}

TEST(Diff, VectorsOfZeros) {
  const auto result = compared(floats("both", {0, 0}) + floats("one", {0, 0}) + floats("other", {3, 4}),
                               floats("both", {-0.0F, 0}) + floats("one", {3, 4}) + floats("other", {0, 0}));
  EXPECT_EQ(result->of("both").metrics->cosine, 1);
  EXPECT_EQ(result->of("both").metrics->relative_update, 0);
  EXPECT_EQ(result->of("one").metrics->cosine, 0);
  EXPECT_EQ(result->of("one").metrics->relative_update, std::numeric_limits<double>::infinity());
  EXPECT_EQ(result->of("one").metrics->from_zero, 2u);
  EXPECT_EQ(result->of("other").metrics->relative_update, 1);
}

TEST(Diff, UlpsAreOfTheTypeItself) {
  const auto f = [](std::uint32_t bits) { return std::bit_cast<float>(bits); };
  const auto result = compared(
      floats("f", {1, f(0x80000001), -1}) + record("h", {2}, "Float16", bytes<std::uint16_t>({0x3C00, 0x0001})) +
          record("b", {1}, "BFloat16", bytes<std::uint16_t>({0x3F80})) +
          record("d", {1}, "Float64", bytes<double>({1})) + record("e", {1}, "Float8E5M2", Bytes("\x3C")) +
          record("i", {1}, "Int32", bytes<std::int32_t>({7})),
      floats("f", {f(0x3F800003), f(0x00000001), -1}) +
          record("h", {2}, "Float16", bytes<std::uint16_t>({0x3C02, 0x8001})) +
          record("b", {1}, "BFloat16", bytes<std::uint16_t>({0x3F82})) +
          record("d", {1}, "Float64", bytes<double>({1 + 0x1p-51})) + record("e", {1}, "Float8E5M2", Bytes("\x3E")) +
          record("i", {1}, "Int32", bytes<std::int32_t>({5})),
      tolerating(0, 0, 2));
  EXPECT_EQ(result->of("f").metrics->max_ulp, 3u);
  EXPECT_EQ(result->of("f").metrics->outside, 1u);
  for (const auto* name : {"h", "b", "d", "e", "i"}) {
    SCOPED_TRACE(name);
    EXPECT_EQ(result->of(name).metrics->max_ulp, 2u);
    EXPECT_EQ(result->of(name).change, Change::within_tolerance);
  }
}

TEST(Diff, TheWorstAndTheFirst) {
  std::vector<float> a(10'000, 1);
  std::vector<float> b = a;
  b[3] = 1.5F;
  b[7000] = 3;
  b[9000] = 3;
  const auto result = compared(floats("t", a), floats("t", b));
  const Metrics& m = *result->diffs[0].metrics;
  EXPECT_EQ(m.first_index, 3u);
  EXPECT_EQ(m.worst_index, 7000u);
  EXPECT_EQ(m.worst_rel_index, 7000u);
  EXPECT_EQ(m.changed_elements, 3u);
}

TEST(Diff, ALateChangeHasTheNormOfTheWhole) {
  const std::vector<float> a = normal(5'000'000, 7);
  std::vector<float> b = a;
  b.back() += 1;
  b[2'500'000] -= 2;
  const auto result = compared(floats("t", a), floats("t", b));
  long double aa = 0;
  long double ab = 0;
  long double bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    aa += static_cast<long double>(a[i]) * a[i];
    bb += static_cast<long double>(b[i]) * b[i];
    ab += static_cast<long double>(a[i]) * b[i];
  }
  const Metrics& m = *result->diffs[0].metrics;
  EXPECT_NEAR(m.relative_update, static_cast<double>(m.l2 / std::sqrt(aa)), 1e-14);
  EXPECT_NEAR(m.cosine, static_cast<double>(ab / std::sqrt(aa) / std::sqrt(bb)), 1e-12);
  EXPECT_NEAR(m.mean_abs, 3.0 / 5e6, 1e-12);
  EXPECT_EQ(m.first_index, 2'500'000u);
}

// ---- properties ----

Bytes everything(unsigned seed) {
  Bytes file;
  for (const DType dtype : kNumbers)
    for (const std::int64_t count : {0, 1, 3000, 70'001})
      file += record(std::string(name(dtype)) + std::to_string(count), {count}, name(dtype),
                     random_bits(dtype, static_cast<std::size_t>(count), seed++));
  file += record("text", {0}, "str", test::utf32(U"abc"));
  file += record("int4", {3}, "Int4", "abc");
  file += record("odd", {3}, "Mystery", "abcdef");
  file += record("short", {3}, "Float32", "abcd");
  file += record()
              .tag("map")
              .part()
              .dims({2})
              .type("Int32")
              .content("01234567")
              .part()
              .dims({2, 1})
              .type("Float32")
              .content("01234567")
              .part()
              .dims({2})
              .type("Int32")
              .content("01234567");
  file += record("twice", {1}, "Int8", "a");
  file += record("twice", {1}, "Int8", "b");
  return file;
}

TEST(Diff, OfAFileWithItselfEverythingIsIdentical) {
  const Bytes file = everything(1);
  const auto result = compared(file, file);
  EXPECT_EQ(result->counts(), (std::map<Change, int>{{Change::identical, static_cast<int>(result->diffs.size())}}));
  for (const TensorDiff& diff : result->diffs) {
    EXPECT_FALSE(differs(diff));
    if (!diff.metrics) continue;
    EXPECT_EQ(diff.metrics->changed_elements, 0u);
    EXPECT_EQ(diff.metrics->cosine, 1);
  }
  EXPECT_TRUE(result->of("twice").pair.repeated);
}

bool same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

TEST(Diff, IsSymmetricWhereItShouldBe) {
  const Bytes a = everything(1);
  const Bytes b = everything(100);
  const auto there = compared(a, b, tolerating(0, 0, 5));
  const auto back = compared(b, a, tolerating(0, 0, 5));
  ASSERT_EQ(there->diffs.size(), back->diffs.size());
  for (std::size_t i = 0; i < there->diffs.size(); ++i) {
    SCOPED_TRACE(there->diffs[i].tensor().name);
    EXPECT_EQ(there->diffs[i].change, back->diffs[i].change);
    if (!there->diffs[i].metrics) continue;
    const Metrics& x = *there->diffs[i].metrics;
    const Metrics& y = *back->diffs[i].metrics;
    EXPECT_EQ(x.changed_elements, y.changed_elements);
    EXPECT_EQ(x.new_nan, y.lost_nan);
    EXPECT_EQ(x.new_inf, y.lost_inf);
    EXPECT_EQ(x.max_ulp, y.max_ulp);
    EXPECT_EQ(x.first_index, y.first_index);
    EXPECT_EQ(x.worst_index, y.worst_index);
    EXPECT_TRUE(same_bits(x.max_abs, y.max_abs) && same_bits(x.mean_abs, y.mean_abs) && same_bits(x.rms, y.rms) &&
                same_bits(x.l2, y.l2) && same_bits(x.cosine, y.cosine));
  }
}

TEST(Diff, ThreadsMakeNoDifference) {
  Bytes a = everything(1);
  Bytes b = everything(100);
  std::vector<float> weights = normal(3'000'000, 8);
  a += floats("weights", weights);
  for (std::size_t i = 0; i < weights.size(); i += 1000) weights[i] *= 1.001F;
  b += floats("weights", weights);
  DiffOptions options = tolerating(1e-6, 1e-3, 3);
  options.comparing.threads = 1;
  const auto one = compared(a, b, options);
  for (const unsigned threads : {2u, 7u}) {
    options.comparing.threads = threads;
    const auto several = compared(a, b, options);
    for (std::size_t i = 0; i < one->diffs.size(); ++i) {
      SCOPED_TRACE(one->diffs[i].tensor().name);
      EXPECT_EQ(one->diffs[i].change, several->diffs[i].change);
      if (!one->diffs[i].metrics) continue;
      const Metrics& x = *one->diffs[i].metrics;
      const Metrics& y = *several->diffs[i].metrics;
      EXPECT_EQ(x.changed_elements, y.changed_elements);
      EXPECT_EQ(x.outside, y.outside);
      EXPECT_EQ(x.worst_rel_index, y.worst_rel_index);
      EXPECT_TRUE(same_bits(x.max_abs, y.max_abs) && same_bits(x.max_rel, y.max_rel) &&
                  same_bits(x.mean_abs, y.mean_abs) && same_bits(x.l2, y.l2) &&
                  same_bits(x.relative_update, y.relative_update) && same_bits(x.cosine, y.cosine));
    }
  }
}

// ---- kinds of changes ----

TEST(Diff, ShapesTypesAndKinds) {
  const auto result =
      compared(record("flat", {2, 3}, "Float32", bytes<float>({1, 2, 3, 4, 5, 6})) + floats("grown", {1, 2}) +
                   floats("to text", {1}) + record("to map", {1}, "Int32", "0123") +
                   record("int4", {3}, "Int4", "abc") + record("odd", {2}, "Mystery", "abcd") +
                   record("short", {3}, "Float32", "abcdefgh") + record("shorter", {3}, "Float32", "abcdefgh"),
               record("flat", {3, 2}, "Float32", bytes<float>({1, 2, 3, 4, 5, 7})) + floats("grown", {1, 2, 3}) +
                   record("to text", {0}, "str", test::utf32(U"x")) +
                   record().tag("to map").part().dims({1}).type("Int32").content("0123") +
                   record("int4", {3}, "Int4", "abd") + record("odd", {2}, "Mystery", "abcx") +
                   record("short", {3}, "Float32", "abcdefgx") + record("shorter", {3}, "Float32", "abcd"));
  EXPECT_EQ(result->of("flat").change, Change::reshaped);
  EXPECT_EQ(result->of("flat").metrics->changed_elements, 1u);
  EXPECT_EQ(result->of("grown").change, Change::reshaped);
  EXPECT_FALSE(result->of("grown").metrics);
  EXPECT_EQ(result->of("to text").change, Change::dtype_changed);
  EXPECT_EQ(result->of("to map").change, Change::dtype_changed);
  for (const auto* name : {"int4", "odd", "short"}) {
    SCOPED_TRACE(name);
    const TensorDiff& diff = result->of(name);
    EXPECT_EQ(diff.change, Change::changed);
    EXPECT_EQ(diff.basis, Basis::bytes);
    EXPECT_EQ(diff.metrics->changed_elements, 1u);
    EXPECT_EQ(diff.metrics->first_index, diff.metrics->elements - 1);
  }
  EXPECT_EQ(result->of("shorter").change, Change::changed);
  EXPECT_EQ(result->of("shorter").basis, Basis::nothing);
}

TEST(Diff, Strings) {
  const auto text = [](const std::string& name, std::u32string_view s) {
    return record(name, {0}, "str", test::utf32(s));
  };
  using namespace std::literals;
  const std::u32string large(5000, U'x');
  const auto result = compared(
      text("same", U"abc") + text("padded", U"abc") + text("other", U"abc") + text("large", large),
      text("same", U"abc") + text("padded", U"abc\0\0"sv) + text("other", U"abd") + text("large", large + U'y'));
  EXPECT_EQ(result->of("same").change, Change::identical);
  EXPECT_EQ(result->of("padded").change, Change::within_tolerance);
  EXPECT_EQ(result->of("other").change, Change::changed);
  EXPECT_EQ(result->of("large").change, Change::changed);
  EXPECT_EQ(result->of("same").basis, Basis::text);
}

TEST(Diff, MapsByTheirParts) {
  const auto map = [](std::vector<std::int32_t> keys, std::vector<float> rows) {
    const auto count = static_cast<std::int64_t>(keys.size());
    return record()
        .tag("map")
        .part()
        .dims({count})
        .type("Int32")
        .content(bytes(keys))
        .part()
        .dims({count, 1})
        .type("Float32")
        .content(bytes(rows))
        .part()
        .dims({count})
        .type("Int32")
        .content(bytes(std::vector<std::int32_t>(keys.size())));
  };
  const auto result = compared(Bytes(map({1, 2}, {3, 4})), Bytes(map({1, 2}, {3, 5})));
  EXPECT_EQ(result->diffs[0].change, Change::changed);
  ASSERT_EQ(result->diffs[0].parts.size(), 3u);
  EXPECT_EQ(result->diffs[0].parts[0].change, Change::identical);
  EXPECT_EQ(result->diffs[0].parts[1].change, Change::changed);
  EXPECT_EQ(result->diffs[0].parts[1].metrics->max_abs, 1);
  const auto grown = compared(Bytes(map({1, 2}, {3, 4})), Bytes(map({1, 2, 3}, {3, 4, 5})));
  EXPECT_EQ(grown->diffs[0].change, Change::changed);
  EXPECT_EQ(grown->diffs[0].parts[1].change, Change::reshaped);
}

TEST(Diff, DuplicateNamesFromTheLast) {
  const auto result =
      compared(floats("t", {1}) + floats("u", {9}) + floats("t", {2}),
               floats("t", {0}) + floats("x", {8}) + floats("t", {1}) + floats("y", {8}) + floats("t", {2}));
  int paired = 0;
  for (const TensorDiff& diff : result->diffs) {
    if (diff.tensor().name != "t") continue;
    EXPECT_TRUE(diff.pair.repeated);
    if (diff.pair.a == nullptr) {
      EXPECT_EQ(diff.change, Change::added);
      continue;
    }
    ++paired;
    EXPECT_EQ(diff.change, Change::identical);
  }
  EXPECT_EQ(paired, 2);
}

TEST(Diff, TolerancesOfEachTensor) {
  DiffOptions options;
  options.comparing.tolerance_for = [](const TensorInfo& tensor) {
    return Tolerance{tensor.name == "loose" ? 1.0 : 0.0};
  };
  const auto result =
      compared(floats("loose", {1}) + floats("tight", {1}), floats("loose", {2}) + floats("tight", {2}), options);
  EXPECT_EQ(result->of("loose").change, Change::within_tolerance);
  EXPECT_EQ(result->of("tight").change, Change::changed);
  const auto wrong =
      compare(*result->a, *result->b, std::vector<Pair>{result->diffs[0].pair}, {.tolerance = {.atol = -1}});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Errc::usage);
}

// ---- renames ----

Bytes network(const std::function<std::string(const std::string&)>& rename, float noise, bool reverse = false) {
  std::vector<Bytes> records;
  for (int block = 0; block < 20; ++block)
    for (const auto* part : {"conv1.weight", "bn1.gamma", "bn1.beta", "bn1.moving_mean", "conv2.weight", "bn2.gamma",
                             "bn2.beta", "bn2.moving_mean"}) {
      const auto seed = static_cast<unsigned>(records.size() + 1);
      const std::string name = "layer" + std::to_string(block) + "." + part;
      std::vector<float> values = std::string(part).find("conv") == 0 ? normal(576, seed) : normal(64, seed);
      const auto more = normal(values.size(), seed + 1000, noise);
      for (std::size_t i = 0; noise > 0 && i < values.size(); ++i) values[i] += more[i];
      records.push_back(floats(rename(name), values));
    }
  if (reverse) std::reverse(records.begin(), records.end());
  Bytes file;
  for (const Bytes& r : records) file += r;
  return file;
}

std::string same(const std::string& name) { return name; }
std::string renamed(const std::string& name) {
  return "backbone." + std::regex_replace(std::regex_replace(name, std::regex("gamma"), "scale"),
                                          std::regex("layer(\\d+)"), "stage_$1");
}

void expect_all_renamed(const Compared& result, PairedBy by) {
  EXPECT_EQ(result.counts(), (std::map<Change, int>{{Change::renamed, 160}}));
  for (const TensorDiff& diff : result.diffs) {
    EXPECT_EQ(diff.pair.b->name, renamed(diff.pair.a->name));
    EXPECT_EQ(diff.pair.by, by);
  }
}

TEST(DiffRenames, ByContent) {
  const auto result = compared(network(same, 0), network(renamed, 0, true));
  expect_all_renamed(*result, PairedBy::content);
  for (const TensorDiff& diff : result->diffs) EXPECT_EQ(diff.values, Change::identical);
}

TEST(DiffRenames, WithNoise) {
  expect_all_renamed(*compared(network(same, 0), network(renamed, 1e-4F, true)), PairedBy::values);
}

TEST(DiffRenames, CanBeLeftOut) {
  DiffOptions options;
  options.pairing.detect_renames = false;
  EXPECT_EQ(compared(network(same, 0), network(renamed, 0), options)->counts(),
            (std::map<Change, int>{{Change::added, 160}, {Change::removed, 160}}));
}

TEST(DiffRenames, ByRule) {
  DiffOptions options;
  options.pairing.rename = [](std::string_view name) { return renamed(std::string(name)); };
  options.pairing.detect_renames = false;
  const auto result = compared(network(same, 0), network(renamed, 0), options);
  expect_all_renamed(*result, PairedBy::map);
  EXPECT_FALSE(differs(result->diffs[0]));
}

// Twelve blocks of the same shapes, of two trainings that have nothing in common but the names' meaning.
TEST(DiffRenames, BlocksOfEqualShapeByName) {
  const std::vector<std::pair<std::string, std::string>> parts = {
      {"attention.q.weight", "attn.query.weight"}, {"attention.k.weight", "attn.key.weight"},
      {"attention.v.weight", "attn.value.weight"}, {"attention.out.weight", "attn.output.weight"},
      {"layernorm1.gamma", "layernorm1.weight"},   {"layernorm1.beta", "layernorm1.bias"},
      {"layernorm2.gamma", "layernorm2.weight"},   {"layernorm2.beta", "layernorm2.bias"}};
  Bytes a;
  std::vector<Bytes> b;
  std::map<std::string, std::string> expected;
  for (int block = 0; block < 12; ++block)
    for (const auto& [old_part, new_part] : parts) {
      const std::string old_name = "encoder.layer." + std::to_string(block) + "." + old_part;
      const std::string new_name = "transformer.blocks." + std::to_string(block) + "." + new_part;
      const std::size_t count = old_part.find("layernorm") == 0 ? 32 : 1024;
      a += floats(old_name, normal(count, static_cast<unsigned>(expected.size() + 1)));
      b.push_back(floats(new_name, normal(count, static_cast<unsigned>(expected.size() + 5001))));
      expected[old_name] = new_name;
    }
  std::reverse(b.begin(), b.end());
  Bytes file_b;
  for (const Bytes& r : b) file_b += r;
  const auto result = compared(a, file_b);
  EXPECT_EQ(result->counts(), (std::map<Change, int>{{Change::renamed, 96}}));
  for (const TensorDiff& diff : result->diffs) {
    if (diff.pair.a == nullptr || diff.pair.b == nullptr) continue;
    EXPECT_EQ(diff.pair.b->name, expected[diff.pair.a->name]);
  }
}

TEST(DiffRenames, WhatHasNothingInCommonIsNotRenamed) {
  const auto result = compared(floats("fc.weight", normal(100, 1)) + floats("zeros", std::vector<float>(10)),
                               floats("head.weight", normal(100, 2)) + floats("bias", std::vector<float>(10)));
  EXPECT_EQ(result->counts(), (std::map<Change, int>{{Change::added, 2}, {Change::removed, 2}}));
}

TEST(DiffRenames, TiedContentsByName) {
  // Copies of the same weights, and of the same zeros: names decide which is which.
  const auto weights = normal(100, 3);
  const std::vector<float> zeros(100);
  const auto result =
      compared(floats("a.1.w", weights) + floats("a.2.w", weights) + floats("m.1.w", zeros) + floats("m.2.w", zeros),
               floats("net.m.2.w", zeros) + floats("net.m.1.w", zeros) + floats("net.a.2.w", weights) +
                   floats("net.a.1.w", weights));
  EXPECT_EQ(result->counts(), (std::map<Change, int>{{Change::renamed, 4}}));
  for (const TensorDiff& diff : result->diffs) EXPECT_EQ(diff.pair.b->name, "net." + diff.pair.a->name);
}

TEST(DiffRenames, ToAnotherType) {
  std::vector<float> values = normal(500, 4);
  std::vector<std::uint16_t> halves;
  for (const float value : values)
    halves.push_back(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16));
  const auto result = compared(floats("a", values) + floats("b", normal(500, 5)),
                               record("x", {500}, "BFloat16", bytes(halves)) + floats("b", normal(500, 5)));
  EXPECT_EQ(result->of("a").pair.b->name, "x");
  EXPECT_EQ(result->of("a").pair.by, PairedBy::values);
  EXPECT_EQ(result->of("a").change, Change::dtype_changed);
}

// 20,000 of one shape: would never end if each were compared with each.
TEST(DiffRenames, ManyOfOneShape) {
  Bytes a;
  Bytes b;
  std::vector<Bytes> records;
  for (unsigned i = 0; i < 20'000; ++i) {
    const auto values = normal(8, i + 1);
    auto other = values;
    for (float& value : other) value *= 1.0001F;
    a += floats("layer" + std::to_string(i / 4) + ".part" + std::to_string(i % 4), values);
    records.push_back(
        floats("net.layer" + std::to_string(i / 4) + ".piece" + std::to_string(i % 4), i % 2 == 0 ? values : other));
  }
  std::shuffle(records.begin(), records.end(), std::mt19937(1));
  for (const Bytes& r : records) b += r;
  const auto result = compared(a, b);
  EXPECT_EQ(result->counts(), (std::map<Change, int>{{Change::renamed, 20'000}}));
  int wrong = 0;
  for (const TensorDiff& diff : result->diffs)
    wrong += "net." + std::regex_replace(diff.pair.a->name, std::regex("part"), "piece") != diff.pair.b->name;
  EXPECT_EQ(wrong, 0);
}

// ---- files ----

TEST(Diff, AFileRewrittenMeanwhileIsAnError) {
  const test::TempDir dir;
  const auto path = dir / "t.ckpt";
  test::write_file(path, floats("t", normal(300'000, 1)));
  const auto file = Checkpoint::open(path);
  const Bytes other = floats("t", normal(300'000, 2));
  const auto b = Checkpoint::from_bytes(bytes_of(other));
  const auto result =
      diff(*file, *b, {.comparing = {.threads = 1, .progress = [&](std::uint64_t, std::uint64_t) {
                                       std::ofstream(path, std::ios::in | std::ios::out | std::ios::binary) << other;
                                       return true;
                                     }}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::changed);
}

class Endless final : public Source {
 public:
  explicit Endless(std::byte value) : value_(value) {}
  std::uint64_t size() const noexcept override { return ~std::uint64_t{0} / 2; }
  Status read_at(std::uint64_t, std::span<std::byte> out) const override {
    std::fill(out.begin(), out.end(), value_);
    return {};
  }

 private:
  std::byte value_;
};

TEST(Diff, SizesNearTheLimitTakeNoMemoryAndCanBeCancelled) {
  constexpr std::uint64_t kElements = std::uint64_t{1} << 60;
  TensorInfo tensor;
  tensor.name = "t";
  tensor.dtype = DType::float32;
  tensor.dims = {static_cast<std::int64_t>(kElements)};
  tensor.byte_size = tensor.stored_size = 4 * kElements;
  tensor.extents = {{0, 0, 4 * kElements}};
  const auto a = Checkpoint::from_index({std::make_shared<Endless>(std::byte{1})}, {tensor});
  const auto b = Checkpoint::from_index({std::make_shared<Endless>(std::byte{1})}, {tensor});
  int calls = 0;
  const auto result =
      diff(*a, *b, {.comparing = {.progress = [&](std::uint64_t, std::uint64_t) { return ++calls < 3; }}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::cancelled);
}

}  // namespace
}  // namespace ckpt

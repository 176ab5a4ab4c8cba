#include "ckpt/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "chunked.h"
#include "ckpt/element.h"
#include "file_bytes.h"
#include "temp_dir.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;
using test::record;
using test::RecordBuilder;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

constexpr DType kNumbers[] = {
    DType::boolean, DType::int8,      DType::int16,      DType::int32,         DType::int64,      DType::uint8,
    DType::uint16,  DType::uint32,    DType::uint64,     DType::float16,       DType::bfloat16,   DType::float32,
    DType::float64, DType::complex64, DType::complex128, DType::float8_e4m3fn, DType::float8_e5m2};

bool is_float(DType dtype) {
  return dtype == DType::float16 || dtype == DType::bfloat16 || dtype == DType::float32 || dtype == DType::float64 ||
         dtype == DType::float8_e4m3fn || dtype == DType::float8_e5m2;
}

Bytes tensor(const std::string& name, std::int64_t count, DType dtype, const Bytes& content) {
  return record(name, {count}, ckpt::name(dtype), content);
}

template <class T>
Bytes bytes(const std::vector<T>& values) {
  Bytes out(values.size() * sizeof(T), '\0');
  if (!values.empty()) std::memcpy(out.data(), values.data(), out.size());
  return out;
}

// Any bits: so of floats every kind of number, NaN and infinities among them.
Bytes random_bits(DType dtype, std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  Bytes out(count * size_of(dtype), '\0');
  for (char& c : out) c = static_cast<char>(random());
  if (dtype == DType::boolean)
    for (char& c : out) c = static_cast<char>(c & 1);
  return out;
}

std::vector<double> as_doubles(DType dtype, const Bytes& content) {
  std::vector<double> out(content.size() / size_of(dtype));
  to_double(dtype, bytes_of(content), out);
  return out;
}

std::vector<const TensorInfo*> all_of(const Checkpoint& file) {
  std::vector<const TensorInfo*> all;
  for (const TensorInfo& entry : file.tensors()) {
    if (entry.kind != Kind::map) all.push_back(&entry);
    for (const TensorInfo& part : entry.parts) all.push_back(&part);
  }
  return all;
}

std::vector<std::optional<Statistics>> statistics_of(const Bytes& file, const StatisticsOptions& options = {}) {
  const auto checkpoint = Checkpoint::from_bytes(bytes_of(file));
  EXPECT_TRUE(checkpoint) << checkpoint.error().message;
  auto results = statistics(*checkpoint, all_of(*checkpoint), options);
  EXPECT_TRUE(results) << to_string(results.error());
  return std::move(*results);
}

std::vector<std::optional<Statistics>> piped_statistics(const Bytes& file, std::size_t step,
                                                        const StatisticsOptions& options = {}) {
  RecordStream stream(test::pipe_of(file, step));
  auto results = statistics(stream, {}, options);
  EXPECT_TRUE(results) << to_string(results.error());
  return std::move(*results);
}

bool same(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

void expect_same(const Statistics& a, const Statistics& b) {
  EXPECT_TRUE(same(a.min, b.min) && same(a.max, b.max) && same(a.mean, b.mean) && same(a.std, b.std) &&
              same(a.l2, b.l2));
  EXPECT_EQ(a.count, b.count);
  EXPECT_EQ(a.finite, b.finite);
  EXPECT_EQ(a.nan, b.nan);
  EXPECT_EQ(a.zeros, b.zeros);
  EXPECT_EQ(a.denormals, b.denormals);
  EXPECT_EQ(a.min_index, b.min_index);
  EXPECT_EQ(a.max_index, b.max_index);
  EXPECT_EQ(a.first_non_finite, b.first_non_finite);
}

// By definition, in long double.
void expect_right(const Statistics& got, DType dtype, const std::vector<double>& values, double smallest) {
  std::vector<double> finite;
  std::uint64_t nan = 0;
  std::uint64_t positive = 0;
  std::uint64_t negative = 0;
  std::uint64_t zeros = 0;
  std::uint64_t denormals = 0;
  std::uint64_t first_bad = kNoIndex;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double x = values[i];
    nan += std::isnan(x);
    positive += x == kInfinity;
    negative += x == -kInfinity;
    zeros += x == 0;
    denormals += x != 0 && std::fabs(x) < smallest;
    if (std::isfinite(x))
      finite.push_back(x);
    else if (first_bad == kNoIndex)
      first_bad = i;
  }
  EXPECT_EQ(got.count, values.size());
  EXPECT_EQ(got.finite, finite.size());
  EXPECT_EQ(got.nan, nan);
  EXPECT_EQ(got.positive_inf, positive);
  EXPECT_EQ(got.negative_inf, negative);
  EXPECT_EQ(got.zeros, zeros);
  EXPECT_EQ(got.denormals, denormals);
  EXPECT_EQ(got.first_non_finite, first_bad);
  ASSERT_FALSE(finite.empty());
  const double min = *std::min_element(finite.begin(), finite.end());
  const double max = *std::max_element(finite.begin(), finite.end());
  EXPECT_EQ(got.min, min);
  EXPECT_EQ(got.max, max);
  EXPECT_EQ(got.min_index, std::find(values.begin(), values.end(), min) - values.begin());
  EXPECT_EQ(got.max_index, std::find(values.begin(), values.end(), max) - values.begin());
  long double sum = 0;
  long double squares = 0;
  for (const double x : finite) {
    sum += x;
    squares += static_cast<long double>(x) * x;
  }
  const long double mean = sum / static_cast<long double>(finite.size());
  long double m2 = 0;
  for (const double x : finite) m2 += (x - mean) * (x - mean);
  const double scale = std::max(std::fabs(min), std::fabs(max));
  EXPECT_NEAR(got.mean, static_cast<double>(mean), 1e-14 * scale);
  const auto std = static_cast<double>(std::sqrt(m2 / static_cast<long double>(finite.size())));
  // Of random doubles the squares are outside the range of double.
  if (std::isfinite(got.std) || dtype != DType::float64) {
    EXPECT_NEAR(got.std, std, 1e-13 * std + 1e-300);
  }
  const auto l2 = static_cast<double>(std::sqrt(squares));
  if ((std::isfinite(got.l2) && l2 > 1e-150) || dtype != DType::float64) {
    EXPECT_NEAR(got.l2, l2, 1e-13 * l2);
  }
}

double smallest_of(DType dtype) {
  switch (dtype) {
    case DType::float16:
    case DType::float8_e5m2:
      return 0x1p-14;
    case DType::float8_e4m3fn:
      return 0x1p-6;
    case DType::bfloat16:
    case DType::float32:
    case DType::complex64:
      return 0x1p-126;
    case DType::float64:
    case DType::complex128:
      return 0x1p-1022;
    default:
      return 0;
  }
}

TEST(Statistics, OfEveryTypeByDefinition) {
  for (const DType dtype : kNumbers) {
    for (const std::size_t count : {1u, 7u, 2048u, 5000u}) {
      SCOPED_TRACE(std::string(name(dtype)) + " " + std::to_string(count));
      Bytes content = random_bits(dtype, count, 1);
      // Random bits of doubles are huge; a complex one of them is infinite only by its magnitude.
      if (dtype == DType::complex128 || (dtype == DType::float64 && count == 5000)) {
        std::mt19937 random(7);
        std::normal_distribution<double> normal;
        std::vector<double> values(content.size() / 8);
        for (double& value : values) value = normal(random);
        content = bytes(values);
      }
      auto values = as_doubles(dtype, content);
      if (std::none_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); })) continue;
      const auto results = statistics_of(tensor("t", static_cast<std::int64_t>(count), dtype, content));
      expect_right(*results.at(0), dtype, values, smallest_of(dtype));
    }
  }
}

TEST(Statistics, SpecialValues) {
  const auto results =
      statistics_of(record("some", {6}, "Float32", test::values<float>({NAN, 2, INFINITY, -0.0F, -INFINITY, -NAN})) +
                    record("none", {2}, "Float32", test::values<float>({NAN, INFINITY})) +
                    record("empty", {0}, "Float32", "") + record("scalar", {}, "Float64", test::values<double>({-7})) +
                    record("huge", {3}, "Float64", test::values<double>({1.7e308, 1.7e308, 1.7e308})) +
                    record("zeros", {2}, "Float32", test::values<float>({-0.0F, 0.0F})));
  EXPECT_EQ(results[0]->finite, 2u);
  EXPECT_EQ(results[0]->nan, 2u);
  EXPECT_EQ(results[0]->positive_inf, 1u);
  EXPECT_EQ(results[0]->negative_inf, 1u);
  EXPECT_EQ(results[0]->first_non_finite, 0u);
  EXPECT_EQ(results[0]->mean, 1);
  EXPECT_EQ(results[0]->std, 1);
  EXPECT_EQ(results[0]->min_index, 3u);
  for (int i : {1, 2}) {
    const Statistics& none = *results[static_cast<std::size_t>(i)];
    EXPECT_EQ(none.finite, 0u);
    EXPECT_TRUE(std::isnan(none.min) && std::isnan(none.max) && std::isnan(none.mean) && std::isnan(none.std) &&
                std::isnan(none.l2));
    EXPECT_EQ(none.min_index, kNoIndex);
  }
  EXPECT_EQ(results[2]->count, 0u);
  EXPECT_EQ(results[3]->mean, -7);
  EXPECT_EQ(results[3]->l2, 7);
  EXPECT_EQ(results[3]->std, 0);
  EXPECT_EQ(results[4]->mean, 1.7e308);
  EXPECT_EQ(results[4]->l2, kInfinity);
  EXPECT_TRUE(std::signbit(results[5]->min));
  EXPECT_EQ(results[5]->zeros, 2u);
}

TEST(Statistics, NothingIsSaidOfWhatHasNoNumbers) {
  const auto results =
      statistics_of(record("text", {0}, "str", test::utf32(U"abc")) + record("int4", {2}, "Int4", "ab") +
                    record("hif", {2}, "HiFloat8", "ab") + record("odd", {2}, "Mystery", "abcd") +
                    record("short", {3}, "Float32", test::values<float>({1, 2})) +
                    record("fine", {2}, "Float32", test::values<float>({1, 2})));
  ASSERT_EQ(results.size(), 6u);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_FALSE(results[i]) << i;
  EXPECT_TRUE(results[5]);
}

// A file of large and small tensors, of all types, one of them in slices at odd places.
Bytes mixed_file() {
  Bytes file;
  unsigned seed = 0;
  for (const DType dtype : kNumbers)
    for (const std::size_t count : {3u, 2048u, 70'001u})
      file += tensor(std::string(name(dtype)) + std::to_string(count), static_cast<std::int64_t>(count), dtype,
                     random_bits(dtype, count, ++seed));
  std::mt19937 random(99);
  std::normal_distribution<float> normal(0, 0.05F);
  std::vector<float> weights(1'300'000);
  for (float& weight : weights) weight = normal(random);
  const Bytes content = bytes(weights);
  const auto count = static_cast<std::int64_t>(weights.size());
  file += tensor("weights", count, DType::float32, content);
  file += record("sliced", {count}, "Float32", content.substr(0, 1'000'001));
  file += record("sliced", {count}, "Float32", content.substr(1'000'001));
  return file;
}

TEST(Statistics, ThreadsMakeNoDifference) {
  const Bytes file = mixed_file();
  const StatisticsOptions options{.bins = 100, .quantiles = {0, 0.1, 0.5, 0.99, 1}, .exact_quantiles = true};
  StatisticsOptions one = options;
  one.threads = 1;
  const auto expected = statistics_of(file, one);
  for (const unsigned threads : {2u, 5u}) {
    StatisticsOptions several = options;
    several.threads = threads;
    const auto got = statistics_of(file, several);
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      SCOPED_TRACE(i);
      expect_same(*got[i], *expected[i]);
      if (got[i]->finite == 0) continue;
      EXPECT_EQ(got[i]->histogram->counts, expected[i]->histogram->counts);
      for (std::size_t q = 0; q < options.quantiles.size(); ++q)
        EXPECT_TRUE(same(got[i]->quantiles[q].value, expected[i]->quantiles[q].value));
    }
  }
  expect_same(*expected[expected.size() - 2], *expected[expected.size() - 1]);  // sliced or not
}

TEST(Statistics, APipeGivesTheSameNumbers) {
  const Bytes file = mixed_file() + record("bf", {3}, "BFloat16", test::values<float>({1.5F, -2, 4})) +
                     record()
                         .tag("map")
                         .part()
                         .dims({2})
                         .type("Int32")
                         .content(test::values<std::int32_t>({1, 2}))
                         .part()
                         .dims({2, 1})
                         .type("Float32")
                         .content(test::values<float>({3, 5}))
                         .part()
                         .dims({2})
                         .type("Int32")
                         .content(test::values<std::int32_t>({0, 0})) +
                     record("text", {0}, "str", test::utf32(U"abc")) + record("empty", {0}, "Float32", "");
  const auto expected = statistics_of(file);
  for (const std::size_t step : {std::size_t{1} << 20, std::size_t{10'007}}) {
    const auto got = piped_statistics(file, step);
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      SCOPED_TRACE(i);
      ASSERT_EQ(got[i].has_value(), expected[i].has_value());
      if (got[i]) expect_same(*got[i], *expected[i]);
    }
  }
}

std::vector<double> finite_sorted(std::vector<double> values) {
  std::erase_if(values, [](double x) { return !std::isfinite(x); });
  std::sort(values.begin(), values.end());
  return values;
}

double quantile_by_definition(const std::vector<double>& sorted, double fraction) {
  const double at = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const double t = at - static_cast<double>(below);
  const double a = sorted[below];
  const double b = sorted[std::min(below + 1, sorted.size() - 1)];
  return a == b ? a : t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}

TEST(Statistics, ExactQuantilesAreExact) {
  const std::vector<double> fractions = {0.5, 0, 1, 0.25, 0.75, 0.001, 0.999, 0.3333};
  const StatisticsOptions options{.quantiles = fractions, .exact_quantiles = true};
  const auto check = [&](DType dtype, const Bytes& content) {
    const std::size_t count = content.size() / size_of(dtype);
    SCOPED_TRACE(std::string(name(dtype)) + " " + std::to_string(count));
    const auto sorted = finite_sorted(as_doubles(dtype, content));
    const auto results = statistics_of(tensor("t", static_cast<std::int64_t>(count), dtype, content), options);
    ASSERT_EQ(results[0]->quantiles.size(), fractions.size());
    for (std::size_t i = 0; i < fractions.size(); ++i) {
      EXPECT_EQ(results[0]->quantiles[i].value, quantile_by_definition(sorted, fractions[i])) << fractions[i];
      EXPECT_TRUE(results[0]->quantiles[i].exact);
    }
  };
  for (const DType dtype : kNumbers)
    if (dtype != DType::complex128)
      for (const std::size_t count : {2u, 2048u, 2049u, 100'000u}) check(dtype, random_bits(dtype, count, 3));
  // So many near the wanted ones that they are counted first: few different values, and nearly the same ones.
  std::mt19937 random(5);
  std::vector<double> few(700'000);
  for (double& x : few) x = static_cast<double>(random() % 3) - 1;
  check(DType::float64, bytes(few));
  check(DType::float32, bytes(std::vector<float>(few.begin(), few.end())));
  for (double& x : few) x = 1 + static_cast<double>(random()) * 0x1p-50;
  check(DType::float64, bytes(few));
  std::vector<float> near(700'000);
  for (float& x : near) x = 1 + static_cast<float>(random() % 65536) * 0x1p-23F;
  check(DType::float32, bytes(near));
  check(DType::int64, bytes(std::vector<std::int64_t>(3000, 1875)));
}

TEST(Statistics, ApproximateQuantilesAreNear) {
  std::mt19937 random(6);
  std::lognormal_distribution<double> distribution(0, 3);
  std::vector<double> values(200'000);
  for (double& x : values) x = distribution(random) * (random() % 2 != 0 ? 1 : -1);
  const std::vector<double> fractions = {0, 0.01, 0.2, 0.5, 0.7, 0.99, 1};
  for (const DType dtype : {DType::float64, DType::float32}) {
    const Bytes content =
        dtype == DType::float64 ? bytes(values) : bytes(std::vector<float>(values.begin(), values.end()));
    const auto sorted = finite_sorted(as_doubles(dtype, content));
    const Bytes file = tensor("t", 200'000, dtype, content);
    for (const auto& results :
         {statistics_of(file, {.quantiles = fractions}), piped_statistics(file, 4096, {.quantiles = fractions})}) {
      for (std::size_t i = 0; i < fractions.size(); ++i) {
        const double exact = quantile_by_definition(sorted, fractions[i]);
        EXPECT_NEAR(results[0]->quantiles[i].value, exact, std::fabs(exact) / 128);
        EXPECT_FALSE(results[0]->quantiles[i].exact);
      }
    }
  }
}

std::vector<std::uint64_t> histogram_by_definition(const std::vector<double>& sorted, unsigned bins) {
  double low = sorted.front();
  double high = sorted.back();
  if (low == high) {
    low -= 0.5;
    high += 0.5;
  }
  std::vector<std::uint64_t> counts(bins);
  auto from = sorted.begin();
  for (unsigned i = 0; i < bins; ++i) {
    const auto to =
        i + 1 == bins ? sorted.end() : std::lower_bound(from, sorted.end(), (high - low) / bins * (i + 1) + low);
    counts[i] = static_cast<std::uint64_t>(to - from);
    from = to;
  }
  return counts;
}

TEST(Statistics, HistogramsAreExact) {
  std::mt19937 random(8);
  std::normal_distribution<double> normal;
  for (const DType dtype : kNumbers) {
    if (dtype == DType::complex128) continue;
    for (const unsigned bins : {1u, 10u, 256u, 5000u}) {
      for (const std::size_t count : {1u, 3000u, 70'000u}) {
        SCOPED_TRACE(std::string(name(dtype)) + " " + std::to_string(count) + " " + std::to_string(bins));
        Bytes content = random_bits(dtype, count, 9);
        if (is_float(dtype) && size_of(dtype) == 4) {
          std::vector<float> values(count);
          // Steps of a power of two: many lie right on an edge.
          for (float& x : values) x = std::round(static_cast<float>(normal(random)) * 64) / 64;
          content = bytes(values);
        }
        if (dtype == DType::float64) {
          std::vector<double> values(count);
          for (double& x : values) x = 1e6 + normal(random);
          content = bytes(values);
        }
        const auto sorted = finite_sorted(as_doubles(dtype, content));
        if (sorted.empty()) continue;
        const auto results =
            statistics_of(tensor("t", static_cast<std::int64_t>(count), dtype, content), {.bins = bins});
        ASSERT_TRUE(results[0]->histogram);
        EXPECT_TRUE(results[0]->histogram->exact);
        EXPECT_EQ(results[0]->histogram->counts, histogram_by_definition(sorted, bins));
      }
    }
  }
}

TEST(Statistics, AHistogramFromAPipeIsNear) {
  std::mt19937 random(10);
  std::normal_distribution<float> normal;
  std::vector<float> values(100'000);
  for (float& x : values) x = normal(random);
  const Bytes file = tensor("t", 100'000, DType::float32, bytes(values));
  const auto exact = statistics_of(file, {.bins = 20});
  const auto got = piped_statistics(file, 50'000, {.bins = 20});
  EXPECT_FALSE(got[0]->histogram->exact);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < 20; ++i) {
    sum += got[0]->histogram->counts[i];
    EXPECT_NEAR(static_cast<double>(got[0]->histogram->counts[i]), static_cast<double>(exact[0]->histogram->counts[i]),
                300);
  }
  EXPECT_EQ(sum, 100'000u);
}

TEST(Statistics, MergedIsAsOfOneTensor) {
  const Bytes a = random_bits(DType::float32, 5000, 11);
  const Bytes b = random_bits(DType::float32, 300, 12);
  const auto results = statistics_of(tensor("a", 5000, DType::float32, a) + tensor("b", 300, DType::float32, b) +
                                     tensor("ab", 5300, DType::float32, a + b) + record("none", {0}, "Float32", ""));
  const Statistics both = merged(*results[0], *results[1]);
  EXPECT_EQ(both.count, 5300u);
  EXPECT_EQ(both.nan, results[2]->nan);
  EXPECT_EQ(both.min, results[2]->min);
  EXPECT_EQ(both.max, results[2]->max);
  EXPECT_EQ(both.denormals, results[2]->denormals);
  EXPECT_NEAR(both.mean, results[2]->mean, 1e-12 * results[2]->std);
  EXPECT_NEAR(both.std, results[2]->std, 1e-12 * results[2]->std);
  EXPECT_NEAR(both.l2, results[2]->l2, 1e-12 * results[2]->l2);
  EXPECT_EQ(merged(*results[0], *results[3]).count, 5000u);
  EXPECT_NEAR(merged(*results[3], *results[0]).std, results[0]->std, 1e-12 * results[0]->std);
  EXPECT_TRUE(std::isnan(merged(*results[3], *results[3]).mean));
}

TEST(Statistics, WrongOptionsAreUsageErrors) {
  const Bytes file = record("t", {1}, "Float32", test::values<float>({1}));
  const auto checkpoint = Checkpoint::from_bytes(bytes_of(file));
  const auto all = all_of(*checkpoint);
  for (const StatisticsOptions& options :
       {StatisticsOptions{.bins = 65537}, StatisticsOptions{.quantiles = {1.5}}, StatisticsOptions{.quantiles = {kNaN}},
        StatisticsOptions{.quantiles = {-0.1}}}) {
    const auto results = statistics(*checkpoint, all, options);
    ASSERT_FALSE(results);
    EXPECT_EQ(results.error().code, Errc::usage);
  }
}

TEST(Statistics, AFileRewrittenMeanwhileIsAnError) {
  const test::TempDir dir;
  const auto path = dir / "t.ckpt";
  test::write_file(path, tensor("t", 300'000, DType::float32, random_bits(DType::float32, 300'000, 13)));
  const auto file = Checkpoint::open(path);
  ASSERT_TRUE(file);
  const auto results = statistics(*file, all_of(*file),
                                  {.bins = 64,
                                   .quantiles = {0.5},
                                   .exact_quantiles = true,
                                   .threads = 1,
                                   .progress = [&](std::uint64_t, std::uint64_t) {
                                     Bytes other =
                                         tensor("t", 300'000, DType::float32, random_bits(DType::float32, 300'000, 14));
                                     std::ofstream(path, std::ios::in | std::ios::out | std::ios::binary) << other;
                                     return true;
                                   }});
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().code, Errc::changed);
}

// A source without end, of zeros.
class Endless final : public Source {
 public:
  std::uint64_t size() const noexcept override { return ~std::uint64_t{0} / 2; }
  Status read_at(std::uint64_t, std::span<std::byte> out) const override {
    std::fill(out.begin(), out.end(), std::byte{0});
    return {};
  }
};

TEST(Statistics, SizesNearTheLimitTakeNoMemoryAndCanBeCancelled) {
  constexpr std::uint64_t kElements = std::uint64_t{1} << 60;
  TensorInfo tensor;
  tensor.name = "t";
  tensor.dtype = DType::float32;
  tensor.dims = {static_cast<std::int64_t>(kElements)};
  tensor.byte_size = tensor.stored_size = 4 * kElements;
  tensor.extents = {{0, 0, 4 * kElements}};
  TensorInfo second = tensor;
  second.name = "u";
  second.extents = {{1, 0, 4 * kElements}};
  auto file = Checkpoint::from_index({std::make_shared<Endless>(), std::make_shared<Endless>()}, {tensor, second});
  ASSERT_TRUE(file) << file.error().message;
  int calls = 0;
  const auto results = statistics(*file, all_of(*file), {.progress = [&](std::uint64_t, std::uint64_t total) {
    EXPECT_EQ(total, 8 * kElements);
    return ++calls < 3;
  }});
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().code, Errc::cancelled);
}

}  // namespace
}  // namespace ckpt

// No include guard: kernels.cpp includes this once for each instruction set, in a namespace that has kVectorBytes. What
// is used here and is not from here is types, so that no function is compiled for the wrong processor.
//
// Everything is added up in eight lanes, which are one vector or several: GCC makes poor code of vectors that are
// longer than the processor's.

inline constexpr int kDoubles = kVectorBytes / 8;  // in a vector
inline constexpr int kParts = 8 / kDoubles;        // vectors of doubles that make eight lanes

template <class T, int N>
using VectorOf = typename Vector<T, N>::Type;

using Doubles = VectorOf<double, kDoubles>;
using Longs = VectorOf<std::int64_t, kDoubles>;

// Vectors of the type that is read, as long as the processor's but no longer than eight lanes.
template <class Real>
struct Lanes {
  static constexpr int kLanes = kVectorBytes / int{sizeof(Real)} < 8 ? kVectorBytes / int{sizeof(Real)} : 8;
  static constexpr int kVectors = 8 / kLanes;
  using Integer = typename RealBits<Real>::Integer;
  using Unsigned = typename RealBits<Real>::Unsigned;
  using Reals = VectorOf<Real, kLanes>;
  using Mask = VectorOf<Integer, kLanes>;
  // As many as there are doubles in a vector: to be converted to them.
  using Narrow = VectorOf<Real, kDoubles>;
  using NarrowIntegers = VectorOf<Integer, kDoubles>;
  using NarrowUnsigned = VectorOf<Unsigned, kDoubles>;
};

template <class To>
inline To load_vector(const std::byte* bytes) noexcept {
  To vector;
  __builtin_memcpy(&vector, bytes, sizeof vector);
  return vector;
}

// The p-th vector of doubles out of eight values. Spelt out because GCC makes that one instruction, and three of
// __builtin_convertvector.
template <class Real>
inline Doubles load_doubles(const std::byte* bytes, int p) noexcept {
  using Narrow = typename Lanes<Real>::Narrow;
  const Narrow v = load_vector<Narrow>(bytes + p * int{sizeof(Narrow)});
  if constexpr (sizeof(Narrow) == sizeof(Doubles))
    return v;
  else if constexpr (kDoubles == 2)
    return Doubles{v[0], v[1]};
  else if constexpr (kDoubles == 4)
    return Doubles{v[0], v[1], v[2], v[3]};
  else
    return Doubles{v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]};
}

template <class To, class From>
inline To bit_cast_to(const From& from) noexcept {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  __builtin_memcpy(&to, &from, sizeof to);
  return to;
}

inline Doubles magnitude(const Doubles& v) noexcept {
  return bit_cast_to<Doubles>(bit_cast_to<Longs>(v) & std::int64_t{0x7FFFFFFFFFFFFFFF});
}

// Lanes of accumulators, which are arrays of vectors.
template <class T, class Accumulator>
struct EightOf {
  T lane[8];
  explicit EightOf(const Accumulator& from) noexcept {
    static_assert(sizeof lane == sizeof from);
    __builtin_memcpy(lane, &from, sizeof lane);
  }
  T sum() const noexcept {
    return ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
  }
  T max() const noexcept {
    T found = lane[0];
    for (int i = 1; i < 8; ++i) found = lane[i] > found ? lane[i] : found;
    return found;
  }
  T min() const noexcept {
    T found = lane[0];
    for (int i = 1; i < 8; ++i) found = lane[i] < found ? lane[i] : found;
    return found;
  }
};

template <class T, class Accumulator>
inline EightOf<T, Accumulator> eight(const Accumulator& from) noexcept {
  return EightOf<T, Accumulator>(from);
}

// A mask is all ones, minus one, so a sum of masks counts downwards.
template <class Integer, class Accumulator>
inline std::uint32_t count_of(const Accumulator& masks) noexcept {
  return static_cast<std::uint32_t>(-eight<Integer>(masks).sum());
}

// Squares of distances to `center`, which is any value about as far away as the others are apart: where it is not the
// mean, what that adds is taken off again.
template <class Real>
BlockMoments moments(const std::byte* values, std::size_t count, Real smallest_normal, double center) noexcept {
  using L = Lanes<Real>;
  using Reals = typename L::Reals;
  using Mask = typename L::Mask;
  const std::size_t whole = count / 8 * 8;
  Real first;
  __builtin_memcpy(&first, values, sizeof first);
  Reals low[L::kVectors];
  Reals high[L::kVectors];
  Mask zeros[L::kVectors] = {};
  Mask small[L::kVectors] = {};
  Doubles sums[kParts] = {};
  Doubles squares[kParts] = {};
  const auto smallest = bit_cast_to<typename L::Integer>(smallest_normal);
  for (int v = 0; v < L::kVectors; ++v) low[v] = high[v] = first - Reals{};  // keeps the sign of a zero
  for (std::size_t i = 0; i < whole; i += 8) {
    const std::byte* at = values + i * sizeof(Real);
    for (int v = 0; v < L::kVectors; ++v) {
      const Reals x = load_vector<Reals>(at + v * int{sizeof(Reals)});
      low[v] = x < low[v] ? x : low[v];
      high[v] = x > high[v] ? x : high[v];
      const Mask size = bit_cast_to<Mask>(x) & ~RealBits<Real>::kSign;
      zeros[v] += size == 0;
      small[v] += size < smallest;
    }
    for (int p = 0; p < kParts; ++p) {
      const Doubles d = load_doubles<Real>(at, p) - center;
      sums[p] += d;
      squares[p] += d * d;
    }
  }
  auto sum = eight<double>(sums);
  auto square = eight<double>(squares);
  Real min = eight<Real>(low).min();
  Real max = eight<Real>(high).max();
  BlockMoments out;
  out.zeros = count_of<typename L::Integer>(zeros);
  out.small = count_of<typename L::Integer>(small);
  for (std::size_t i = whole; i < count; ++i) {
    Real x;
    __builtin_memcpy(&x, values + i * sizeof(Real), sizeof x);
    const double d = static_cast<double>(x) - center;
    sum.lane[i - whole] += d;
    square.lane[i - whole] += d * d;
    min = x < min ? x : min;
    max = x > max ? x : max;
    out.zeros += x == 0 ? 1u : 0u;
    out.small += x < smallest_normal && x > -smallest_normal ? 1u : 0u;
  }
  const double off = sum.sum() / static_cast<double>(count);
  const double m2 = square.sum() - off * sum.sum();
  out.mean = center + off;
  out.m2 = m2 < 0 ? 0 : m2;
  out.min = static_cast<double>(min);
  out.max = static_cast<double>(max);
  return out;
}

template <class Real>
inline void bins_of_eight(const std::byte* values, const Binning<Real>& binning, std::uint32_t* out) noexcept {
  using L = Lanes<Real>;
  using Reals = typename L::Reals;
  using Bins = VectorOf<std::int32_t, L::kLanes>;
  const auto uncertain = static_cast<std::int32_t>(binning.bins);
  for (int v = 0; v < L::kVectors; ++v) {
    const Reals x = load_vector<Reals>(values + v * int{sizeof(Reals)});
    const Reals at = (x - binning.low) * binning.scale;
    const Bins whole = __builtin_convertvector(at, Bins);
    const Reals inside = at - __builtin_convertvector(whole, Reals);
    const auto sure = ((inside > binning.slack) | (at == Real{0})) & (inside < 1 - binning.slack) & (at >= Real{0}) &
                      (at < binning.bins);
    const Bins certain = __builtin_convertvector(sure, Bins);
    const Bins result = (certain & whole) | (~certain & uncertain);
    __builtin_memcpy(out + v * L::kLanes, &result, sizeof result);
  }
}

template <class Real>
void bins(const std::byte* values, std::size_t count, const Binning<Real>& binning, std::uint32_t* out) noexcept {
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) bins_of_eight<Real>(values + i * sizeof(Real), binning, out + i);
  if (i == count) return;
  std::byte rest[8 * sizeof(Real)] = {};
  std::uint32_t found[8];
  __builtin_memcpy(rest, values + i * sizeof(Real), (count - i) * sizeof(Real));
  bins_of_eight<Real>(rest, binning, found);
  __builtin_memcpy(out + i, found, (count - i) * sizeof found[0]);
}

template <std::size_t kHalves>
std::size_t select_some_halves(const std::byte* values, std::size_t count, std::span<const std::uint16_t> halves,
                               std::uint32_t* out) noexcept {
  using L = Lanes<float>;
  using Words = typename L::Mask;
  Words wanted[kHalves];
  for (std::size_t k = 0; k < kHalves; ++k)
    wanted[k] = Words{} + bit_cast_to<std::int32_t>(std::uint32_t{halves[k < halves.size() ? k : 0]} << 16);
  std::size_t found = 0;
  std::uint32_t rest[8] = {};
  for (std::size_t i = 0; i < count; i += 8) {
    const std::size_t take = count - i < 8 ? count - i : 8;
    const std::byte* at = values + i * 4;
    if (take < 8) {
      __builtin_memcpy(rest, at, take * 4);
      at = reinterpret_cast<const std::byte*>(rest);
    }
    Words hit[L::kVectors] = {};
    for (int v = 0; v < L::kVectors; ++v) {
      const Words upper = load_vector<Words>(at + v * int{sizeof(Words)}) & ~std::int32_t{0xFFFF};
      for (std::size_t k = 0; k < kHalves; ++k) hit[v] |= upper == wanted[k];
    }
    std::uint64_t any[4];
    __builtin_memcpy(any, hit, sizeof any);
    if ((any[0] | any[1] | any[2] | any[3]) == 0) continue;
    const auto mask = eight<std::int32_t>(hit);
    for (std::size_t k = 0; k < take; ++k) {
      __builtin_memcpy(out + found, at + k * 4, 4);
      found += mask.lane[k] != 0 ? 1u : 0u;
    }
  }
  return found;
}

inline std::size_t select_upper_halves(const std::byte* values, std::size_t count,
                                       std::span<const std::uint16_t> halves, std::uint32_t* out) noexcept {
  return (halves.size() <= 2   ? select_some_halves<2>
          : halves.size() <= 4 ? select_some_halves<4>
          : halves.size() <= 6 ? select_some_halves<6>
                               : select_some_halves<8>)(values, count, halves, out);
}

// Where values stand among all of their type: neighbours are one apart, and both zeros are zero.
template <class Real>
inline typename Lanes<Real>::NarrowIntegers positions(const std::byte* bytes) noexcept {
  using Integers = typename Lanes<Real>::NarrowIntegers;
  const Integers bits = load_vector<Integers>(bytes);
  const Integers negative = bits < 0;
  return (negative & (RealBits<Real>::kSign - bits)) | (~negative & bits);
}

// How many values two are apart: of 32 bits in doubles, which hold that exactly and are faster.
template <class Real>
inline auto ulps_between(const std::byte* a, const std::byte* b) noexcept {
  const auto m = positions<Real>(a);
  const auto n = positions<Real>(b);
  if constexpr (sizeof(Real) == 4) {
    return magnitude(__builtin_convertvector(m, Doubles) - __builtin_convertvector(n, Doubles));
  } else {
    return bit_cast_to<typename Lanes<Real>::NarrowUnsigned>(m > n ? m - n : n - m);
  }
}

template <class Real, Bounds::Kind kKind>
BlockMetrics compare(const std::byte* left, const std::byte* right, std::size_t count, const Bounds& bounds) noexcept {
  using L = Lanes<Real>;
  using Reals = typename L::Reals;
  using Mask = typename L::Mask;
  std::byte rest[2][8 * sizeof(Real)] = {};  // the last values; what is not filled is equal, and zero
  const std::size_t whole = count / 8 * 8;
  if (whole < count) {
    __builtin_memcpy(rest[0], left + whole * sizeof(Real), (count - whole) * sizeof(Real));
    __builtin_memcpy(rest[1], right + whole * sizeof(Real), (count - whole) * sizeof(Real));
  }
  const auto a_at = [&](std::size_t i) { return i < whole ? left + i * sizeof(Real) : rest[0]; };
  const auto b_at = [&](std::size_t i) { return i < whole ? right + i * sizeof(Real) : rest[1]; };
  BlockMetrics out;

  // Several loops, so that each has registers for all that it adds up.
  Doubles sum_abs[kParts] = {};
  Doubles sum_squares[kParts] = {};
  Doubles max_abs[kParts] = {};
  Longs above_rel[kParts] = {};
  Mask changed[L::kVectors] = {};
  Mask from_zero[L::kVectors] = {};
  for (std::size_t i = 0; i < count; i += 8) {
    const std::byte* const a = a_at(i);
    const std::byte* const b = b_at(i);
    for (int v = 0; v < L::kVectors; ++v) {
      const Reals x = load_vector<Reals>(a + v * int{sizeof(Reals)});
      const Mask differs = x != load_vector<Reals>(b + v * int{sizeof(Reals)});
      changed[v] += differs;
      from_zero[v] += differs & (x == Real{0});
    }
    for (int p = 0; p < kParts; ++p) {
      const Doubles x = load_doubles<Real>(a, p);
      const Doubles d = magnitude(x - load_doubles<Real>(b, p));
      const Doubles size = magnitude(x);
      sum_abs[p] += d;
      sum_squares[p] += d * d;
      max_abs[p] = d > max_abs[p] ? d : max_abs[p];
      above_rel[p] |= (d > size * bounds.rel) & (size > 0.0);
    }
  }
  out.sum_abs = eight<double>(sum_abs).sum();
  out.sum_squares = eight<double>(sum_squares).sum();
  out.max_abs = eight<double>(max_abs).max();
  out.changed = count_of<typename L::Integer>(changed);
  out.from_zero = count_of<typename L::Integer>(from_zero);
  for (const std::int64_t mask : eight<std::int64_t>(above_rel).lane) out.above_rel |= mask != 0;

  Doubles sum_aa[kParts] = {};
  Doubles sum_bb[kParts] = {};
  Doubles sum_ab[kParts] = {};
  for (std::size_t i = 0; i < count; i += 8) {
    for (int p = 0; p < kParts; ++p) {
      const Doubles x = load_doubles<Real>(a_at(i), p);
      const Doubles y = load_doubles<Real>(b_at(i), p);
      sum_aa[p] += x * x;
      sum_bb[p] += y * y;
      sum_ab[p] += x * y;
    }
  }
  out.sum_aa = eight<double>(sum_aa).sum();
  out.sum_bb = eight<double>(sum_bb).sum();
  out.sum_ab = eight<double>(sum_ab).sum();

  if constexpr (kKind != Bounds::none) {
    using Ulps = decltype(ulps_between<Real>(left, right));
    using Ulp = std::conditional_t<sizeof(Real) == 4, double, std::uint64_t>;
    const auto ulp = static_cast<Ulp>(bounds.ulp);
    constexpr int kStep = kDoubles * int{sizeof(Real)};
    Longs outside[kParts] = {};
    Ulps max_ulp[kParts] = {};
    for (std::size_t i = 0; i < count; i += 8) {
      for (int p = 0; p < kParts; ++p) {
        const Doubles x = load_doubles<Real>(a_at(i), p);
        const Doubles d = magnitude(x - load_doubles<Real>(b_at(i), p));
        Longs far = d > bounds.atol + magnitude(x) * bounds.rtol;
        if constexpr (kKind == Bounds::ulps) {
          const auto apart = ulps_between<Real>(a_at(i) + p * kStep, b_at(i) + p * kStep);
          max_ulp[p] = apart > max_ulp[p] ? apart : max_ulp[p];
          far &= apart > ulp;
        }
        outside[p] += far;
      }
    }
    out.outside = count_of<std::int64_t>(outside);
    if constexpr (kKind == Bounds::ulps) out.max_ulp = static_cast<std::uint64_t>(eight<Ulp>(max_ulp).max());
  } else {
    out.outside = out.changed;
  }
  return out;
}

// Sixteen bits each to float, by what `widen` makes of a vector of them.
template <class Widen>
inline void widen_halves(const std::byte* values, std::size_t count, float* out, Widen widen) noexcept {
  constexpr std::size_t kLanes = Lanes<float>::kLanes;
  using Halves = VectorOf<std::uint16_t, kLanes>;
  using Words = VectorOf<std::uint32_t, kLanes>;
  for (std::size_t i = 0; i < count; i += kLanes) {
    const std::size_t take = count - i < kLanes ? count - i : kLanes;
    Halves halves = {};
    if (take == kLanes)
      __builtin_memcpy(&halves, values + i * 2, sizeof halves);
    else
      __builtin_memcpy(&halves, values + i * 2, take * 2);
    const Words words = widen(__builtin_convertvector(halves, Words));
    if (take == kLanes)
      __builtin_memcpy(out + i, &words, sizeof words);
    else
      __builtin_memcpy(out + i, &words, take * 4);
  }
}

using Words = VectorOf<std::uint32_t, Lanes<float>::kLanes>;

struct WidenBFloat16 {
  Words operator()(const Words& bits) const noexcept { return bits << 16; }
};

// As float16_to_float.
struct WidenFloat16 {
  Words operator()(const Words& bits) const noexcept {
    using Integers = Lanes<float>::Mask;
    constexpr std::int32_t kRebias = (127 - 15) << 23;
    const Integers size = bit_cast_to<Integers>(bits & 0x7FFFu);
    const Integers special = (size > 0x7BFF) & kRebias;
    const Integers normal = (size << 13) + kRebias + special;
    const auto subnormal = __builtin_convertvector(size, Lanes<float>::Reals) * 0x1p-24F;
    const Integers is_small = size < 0x400;
    const Integers magnitude_bits = (is_small & bit_cast_to<Integers>(subnormal)) | (~is_small & normal);
    return ((bits & 0x8000u) << 16) | bit_cast_to<Words>(magnitude_bits);
  }
};

inline void widen_bfloat16(const std::byte* values, std::size_t count, float* out) noexcept {
  widen_halves(values, count, out, WidenBFloat16{});
}

inline void widen_float16(const std::byte* values, std::size_t count, float* out) noexcept {
  widen_halves(values, count, out, WidenFloat16{});
}

template <class Word>
inline bool any_with(const std::byte* words, std::size_t count, Word mask) noexcept {
  using Vectors = VectorOf<Word, kVectorBytes / int{sizeof(Word)}>;
  constexpr std::size_t kLanes = kVectorBytes / sizeof(Word);
  constexpr std::size_t kUnrolled = 4;  // independent of one another, so the processor does them at once
  Vectors found[kUnrolled] = {};
  std::size_t i = 0;
  for (; count - i >= kUnrolled * kLanes; i += kUnrolled * kLanes)
    for (std::size_t k = 0; k < kUnrolled; ++k) {
      const auto masked = load_vector<Vectors>(words + (i + k * kLanes) * sizeof(Word)) & mask;
      found[k] |= bit_cast_to<Vectors>(masked == mask);
    }
  const Vectors all = (found[0] | found[1]) | (found[2] | found[3]);
  bool any = false;
  for (std::size_t k = 0; k < kLanes; ++k) any |= all[k] != 0;
  for (; i < count; ++i) {
    const Word word = load_vector<Word>(words + i * sizeof(Word));
    any |= (word & mask) == mask;
  }
  return any;
}

template <class Real>
constexpr RealKernels<Real> kReal = {
    moments<Real>,
    bins<Real>,
    {compare<Real, Bounds::none>, compare<Real, Bounds::values>, compare<Real, Bounds::ulps>}};

consteval Kernels table(std::string_view name, bool (*supported)() noexcept) {
  return {.name = name,
          .supported = supported,
          .f32 = kReal<float>,
          .f64 = kReal<double>,
          .widen_float16 = widen_float16,
          .widen_bfloat16 = widen_bfloat16,
          .select_upper_halves = select_upper_halves,
          .any_with_8 = any_with<std::uint8_t>,
          .any_with_16 = any_with<std::uint16_t>,
          .any_with_32 = any_with<std::uint32_t>,
          .any_with_64 = any_with<std::uint64_t>};
}

#include "kernels.h"

#include <array>
#include <type_traits>

namespace ckpt {
namespace {

// Vectors as GCC and Clang have them for every processor.
template <class T, int N>
struct Vector {
  using Type __attribute__((vector_size(N * sizeof(T)))) = T;
};

template <class Real>
struct RealBits;
template <>
struct RealBits<float> {
  using Integer = std::int32_t;
  using Unsigned = std::uint32_t;
  static constexpr Integer kSign = INT32_MIN;
};
template <>
struct RealBits<double> {
  using Integer = std::int64_t;
  using Unsigned = std::uint64_t;
  static constexpr Integer kSign = INT64_MIN;
};

// Compiled for any processor, as whoever calls them.
bool always() noexcept { return true; }
#if defined(__x86_64__)
bool has_avx2() noexcept { return __builtin_cpu_supports("avx2") != 0; }
bool has_avx512() noexcept {
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
         __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0;
}
#endif

namespace plain {
constexpr int kVectorBytes = 16;
#include "kernel_loops.h"
constexpr Kernels kKernels = table("plain", always);
}  // namespace plain

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
namespace avx2 {
constexpr int kVectorBytes = 32;
#include "kernel_loops.h"
constexpr Kernels kKernels = table("avx2", has_avx2);
}  // namespace avx2
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512bw,avx512dq")
#endif
namespace avx512 {
constexpr int kVectorBytes = 64;
#include "kernel_loops.h"
constexpr Kernels kKernels = table("avx512", has_avx512);
}  // namespace avx512
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

constexpr std::array kAll = {&plain::kKernels, &avx2::kKernels, &avx512::kKernels};
#else
constexpr std::array kAll = {&plain::kKernels};
#endif

}  // namespace

std::span<const Kernels* const> all_kernels() noexcept { return kAll; }

const Kernels& kernels() noexcept {
  static const Kernels* const best = [] {
    const Kernels* found = kAll[0];
    for (const Kernels* candidate : kAll)
      if (candidate->supported()) found = candidate;
    return found;
  }();
  return *best;
}

}  // namespace ckpt

#include "kernels/loops.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace ckpt::train {
namespace {

// Eight floats, as GCC and Clang have them for every processor: two registers where there is no wider one.
using Eight __attribute__((vector_size(32), aligned(4), may_alias)) = float;
using EightMasks __attribute__((vector_size(32), aligned(4), may_alias)) = std::int32_t;

bool always() noexcept { return true; }

namespace any {
#include "kernels/vector_loops.h"
constexpr Loops kLoops = table("any", always);
}  // namespace any

#if defined(__x86_64__)

bool has_avx2() noexcept { return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0; }

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
namespace avx2 {
#include "kernels/vector_loops.h"
constexpr Loops kLoops = table("avx2", has_avx2);
}  // namespace avx2
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif

}  // namespace

const Loops& loops() noexcept {
#if defined(__x86_64__)
  static const Loops& best = has_avx2() ? avx2::kLoops : any::kLoops;
  return best;
#else
  return any::kLoops;
#endif
}

}  // namespace ckpt::train

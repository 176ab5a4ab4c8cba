#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

/// Repeatable random numbers: a test that fails must fail again.
namespace ckpt::test {

/// splitmix64.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  /// 0 to count - 1; 0 for count 0.
  std::size_t below(std::uint64_t count) noexcept { return count == 0 ? 0 : static_cast<std::size_t>(next() % count); }
  bool one_in(std::uint64_t n) noexcept { return next() % n == 0; }
  template <class T, std::size_t Size>
  const T& pick(const T (&values)[Size]) noexcept {
    return values[below(Size)];
  }

 private:
  std::uint64_t state_;
};

}  // namespace ckpt::test

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

/// Random numbers that are the same with every compiler and library, so that a seed means something.
namespace ckpt::train {

/// splitmix64.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  /// 0 to count - 1, for a count below 2^32.
  std::size_t below(std::size_t count) noexcept { return static_cast<std::size_t>(((next() >> 32) * count) >> 32); }
  /// From 0 to below 1.
  double fraction() noexcept { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

/// A seed for one of many things that are drawn from one seed.
inline std::uint64_t mixed(std::uint64_t seed, std::uint64_t which) noexcept {
  return Draw(Draw(seed).next() ^ Draw(~which).next()).next();
}

inline std::uint64_t mixed(std::uint64_t seed, std::string_view which) noexcept {
  std::uint64_t hash = 0xCBF29CE484222325;  // FNV-1a
  for (const char c : which) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return mixed(seed, hash);
}

}  // namespace ckpt::train

#pragma once

#include <numeric>
#include <vector>

/// How much of what could be tried is tried.
namespace ckpt::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
inline constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool kSanitized = false;
#endif

/// What a byte is set to: every value, or those that mean most to formats. Sanitizers, under which everything takes
/// many times as long, always get these: they look for other paths, not for other values.
inline std::vector<int> byte_values(bool all = true) {
  if (kSanitized || !all) {
    return {0x00, 0x01, 0x02, 0x03, 0x08, 0x0A, 0x12, 0x1A, 0x63, 0x7F, 0x80, 0x81, 0xFE, 0xFF};
  }
  std::vector<int> values(256);
  std::iota(values.begin(), values.end(), 0);
  return values;
}

}  // namespace ckpt::test

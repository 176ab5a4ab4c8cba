#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace ckpt {

/// No MindSpore makes a Parameter, so none loads a tensor, whose name has more characters.
inline constexpr std::size_t kMaxNameLength = 1024;

/// Code points of valid UTF-8.
inline std::size_t length_of(std::string_view utf8) noexcept {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
}

}  // namespace ckpt

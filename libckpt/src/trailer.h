#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "wire.h"

namespace ckpt {

/// The CRC trailer: these seven letters and a big-endian number of ten bytes (FORMAT.md, "CRC trailer").
inline constexpr std::string_view kTrailerMagic = "crc_num";
inline constexpr std::size_t kTrailerBytes = 17;

/// The last bytes of what went by.
class Tail {
 public:
  void add(std::span<const std::byte> bytes) noexcept {
    bytes = bytes.last(std::min(bytes.size(), bytes_.size()));
    std::move(bytes_.begin() + static_cast<std::ptrdiff_t>(bytes.size()), bytes_.end(), bytes_.begin());
    std::copy(bytes.begin(), bytes.end(), bytes_.end() - static_cast<std::ptrdiff_t>(bytes.size()));
  }
  bool looks_like_trailer() const noexcept { return wire::as_text(bytes_).starts_with(kTrailerMagic); }

 private:
  std::array<std::byte, kTrailerBytes> bytes_ = {};
};

}  // namespace ckpt

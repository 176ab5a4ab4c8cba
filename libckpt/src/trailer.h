#pragma once

#include <cstddef>
#include <string_view>

namespace ckpt {

/// The CRC trailer: these seven letters and a big-endian number of ten bytes (FORMAT.md, "CRC trailer").
inline constexpr std::string_view kTrailerMagic = "crc_num";
inline constexpr std::size_t kTrailerBytes = 17;

}  // namespace ckpt

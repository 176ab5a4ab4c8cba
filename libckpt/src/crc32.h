#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ckpt {

/// CRC-32 as zlib's (reflected 0xEDB88320), continued from `crc` (0 to start).
std::uint32_t crc32(std::uint32_t crc, std::span<const std::byte> bytes) noexcept;

/// The CRC of A followed by B, from crc(A), crc(B) and the length of B.
std::uint32_t crc32_combine(std::uint32_t a, std::uint32_t b, std::uint64_t b_size) noexcept;

}  // namespace ckpt

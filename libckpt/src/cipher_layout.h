#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "ckpt/cipher.h"
#include "ckpt/source.h"

namespace ckpt {

/// The header of a cipher block (FORMAT.md, "Encryption"), all numbers little-endian:
///
///     magic(4) [tag(16), only era-b GCM] L(4) = 24 + C   ivlen(4) = 16   iv(16)   C(4)   cipher text (C bytes)
struct BlockHeader {
  static constexpr std::size_t kMaxBytes = 48;

  std::array<std::byte, 16> tag = {};
  std::array<std::byte, 16> iv = {};
  std::uint32_t cipher_size = 0;  ///< C
};

/// What all blocks of a file have in common.
struct BlockLayout {
  CipherEra era = CipherEra::b;
  std::optional<CipherMode> mode = {};  ///< era a names none
  std::uint32_t magic = 0;

  bool has_tag() const noexcept { return era == CipherEra::b && mode == CipherMode::aes_gcm; }
  std::size_t header_size() const noexcept { return has_tag() ? 48 : 32; }
};

/// The layout of era-b blocks of a mode, as they are written.
BlockLayout block_layout(CipherMode mode) noexcept;

/// From a file's first bytes (kMaxBytes of them, or all there are). Empty if they are not a cipher block's.
std::optional<BlockLayout> detect_layout(std::span<const std::byte> head) noexcept;

/// Whether bytes, perhaps cut, begin as a block of this layout does.
bool starts_with_magic(const BlockLayout& layout, std::span<const std::byte> bytes) noexcept;

/// Empty if the bytes are no header of this layout (magic number, lengths).
std::optional<BlockHeader> parse_block_header(const BlockLayout& layout, std::span<const std::byte> bytes) noexcept;

/// Of header_size() bytes what does not say how long the block is; that is given.
BlockHeader block_header_of_size(const BlockLayout& layout, std::span<const std::byte> bytes,
                                 std::uint32_t cipher_size) noexcept;

/// Writes layout.header_size() bytes.
void put_block_header(const BlockLayout& layout, const BlockHeader& header, std::span<std::byte> out) noexcept;

/// Whether these 17 bytes are the trailer that MindSpore 2.4 and later leave in clear behind the blocks of a file saved
/// with both a key and crc_check: `crc_num` and a checksum of 0.
bool is_clear_trailer(std::span<const std::byte> bytes) noexcept;

}  // namespace ckpt

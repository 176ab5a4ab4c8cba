#include "cipher_layout.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "cipher_blocks.h"

namespace ckpt {
namespace {

// 0x7F3A5ED8 and the two numbers after it; era a uses the first for GCM and CBC alike.
constexpr std::uint32_t kMagicGcm = 0x7F3A5ED8;
constexpr std::uint32_t kMagicCbc = 0x7F3A5ED9;
constexpr std::uint32_t kMagicSm4 = 0x7F3A5EDA;
constexpr std::uint32_t kIvBytes = 16;
constexpr std::uint32_t kBesidesCipherText = 24;  // what L counts apart from C: ivlen, iv and C

std::uint32_t number_at(std::span<const std::byte> bytes, std::size_t at) noexcept {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = (value << 8) | std::to_integer<std::uint32_t>(bytes[at + i]);
  return value;
}

void put_number(std::span<std::byte> bytes, std::size_t at, std::uint32_t value) noexcept {
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
}

// Where L stands.
std::size_t lengths_at(const BlockLayout& layout) noexcept { return layout.has_tag() ? 20 : 4; }

}  // namespace

std::string_view name(CipherMode mode) noexcept {
  switch (mode) {
    case CipherMode::aes_gcm:
      return "AES-GCM";
    case CipherMode::aes_cbc:
      return "AES-CBC";
    case CipherMode::sm4_cbc:
      return "SM4-CBC";
  }
  return "";
}

std::optional<CipherMode> cipher_mode_from_name(std::string_view text) noexcept {
  for (const CipherMode mode : {CipherMode::aes_gcm, CipherMode::aes_cbc, CipherMode::sm4_cbc})
    if (name(mode) == text) return mode;
  return std::nullopt;
}

std::string_view name(CipherEra era) noexcept { return era == CipherEra::a ? "a" : "b"; }

Result<Key> Key::from_bytes(std::span<const std::byte> bytes) {
  if (bytes.size() != 16 && bytes.size() != 24 && bytes.size() != 32)
    return Error{.code = Errc::key,
                 .message = "a key has 16, 24 or 32 bytes, this one has " + std::to_string(bytes.size())};
  Key key;
  std::copy(bytes.begin(), bytes.end(), key.bytes_.begin());
  key.size_ = bytes.size();
  return key;
}

BlockLayout block_layout(CipherMode mode) noexcept {
  const std::uint32_t magic = mode == CipherMode::aes_gcm   ? kMagicGcm
                              : mode == CipherMode::aes_cbc ? kMagicCbc
                                                            : kMagicSm4;
  return {CipherEra::b, mode, magic};
}

std::optional<BlockLayout> detect_layout(std::span<const std::byte> head) noexcept {
  if (head.size() < 4) return std::nullopt;
  switch (number_at(head, 0)) {
    case kMagicGcm: {
      // Era a uses this number too; its lengths stand 16 bytes earlier, where era b has the tag.
      const BlockLayout era_a{CipherEra::a, std::nullopt, kMagicGcm};
      const BlockLayout era_b = block_layout(CipherMode::aes_gcm);
      return !parse_block_header(era_b, head) && parse_block_header(era_a, head) ? era_a : era_b;
    }
    case kMagicCbc:
      return block_layout(CipherMode::aes_cbc);
    case kMagicSm4:
      return block_layout(CipherMode::sm4_cbc);
    default:
      return std::nullopt;
  }
}

bool starts_with_magic(const BlockLayout& layout, std::span<const std::byte> bytes) noexcept {
  std::array<std::byte, 4> magic;
  put_number(magic, 0, layout.magic);
  const std::size_t there = std::min(bytes.size(), magic.size());
  return std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(there), magic.begin());
}

BlockHeader block_header_of_size(const BlockLayout& layout, std::span<const std::byte> bytes,
                                 std::uint32_t cipher_size) noexcept {
  BlockHeader header{.cipher_size = cipher_size};
  if (layout.has_tag()) std::copy_n(bytes.begin() + 4, header.tag.size(), header.tag.begin());
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(lengths_at(layout) + 8), kIvBytes, header.iv.begin());
  return header;
}

std::optional<BlockHeader> parse_block_header(const BlockLayout& layout, std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < layout.header_size() || number_at(bytes, 0) != layout.magic) return std::nullopt;
  const std::size_t at = lengths_at(layout);
  const std::uint32_t cipher_size = number_at(bytes, at + 24);
  const std::uint64_t length = number_at(bytes, at);
  if (length != std::uint64_t{kBesidesCipherText} + cipher_size || number_at(bytes, at + 4) != kIvBytes)
    return std::nullopt;
  return block_header_of_size(layout, bytes, cipher_size);
}

void put_block_header(const BlockLayout& layout, const BlockHeader& header, std::span<std::byte> out) noexcept {
  put_number(out, 0, layout.magic);
  if (layout.has_tag()) std::copy(header.tag.begin(), header.tag.end(), out.begin() + 4);
  const std::size_t at = lengths_at(layout);
  put_number(out, at, kBesidesCipherText + header.cipher_size);
  put_number(out, at + 4, kIvBytes);
  std::copy(header.iv.begin(), header.iv.end(), out.begin() + static_cast<std::ptrdiff_t>(at) + 8);
  put_number(out, at + 24, header.cipher_size);
}

bool is_clear_trailer(std::span<const std::byte> bytes) noexcept {
  static constexpr char kClearTrailer[17] = {'c', 'r', 'c', '_', 'n', 'u', 'm'};
  return bytes.size() == sizeof kClearTrailer && std::memcmp(bytes.data(), kClearTrailer, sizeof kClearTrailer) == 0;
}

Result<std::optional<Encryption>> detect_encryption(const Source& source) {
  std::array<std::byte, BlockHeader::kMaxBytes> bytes;
  // Most files are not encrypted: their first byte tells.
  const auto read = [&](std::uint64_t offset, std::size_t want) -> Result<std::span<const std::byte>> {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(want, source.size() - offset));
    if (auto status = source.read_at(offset, std::span(bytes).first(size)); !status) return status.error();
    return std::span<const std::byte>(bytes).first(size);
  };
  auto head = read(0, bytes.size());
  if (!head) return std::move(head).error();
  const auto layout = detect_layout(*head);
  if (!layout) return std::optional<Encryption>{};

  Encryption encryption{layout->era, layout->mode, 0};
  for (std::uint64_t offset = 0; offset < source.size() && encryption.blocks < kMaxCipherBlocks;) {
    const auto at = read(offset, layout->header_size());
    if (!at) return at.error();
    const auto header = parse_block_header(*layout, *at);
    if (!header) break;
    ++encryption.blocks;
    if (header->cipher_size % 16 != 0 && layout->era == CipherEra::a) encryption.mode = CipherMode::aes_gcm;
    offset += layout->header_size();
    if (header->cipher_size > source.size() - offset) break;
    offset += header->cipher_size;
  }
  return std::optional(encryption);
}

}  // namespace ckpt

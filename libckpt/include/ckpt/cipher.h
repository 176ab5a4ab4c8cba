#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "ckpt/error.h"

namespace ckpt {

/// MindSpore's enc_mode.
enum class CipherMode : std::uint8_t { aes_gcm, aes_cbc, sm4_cbc };

/// "AES-GCM", "AES-CBC", "SM4-CBC".
std::string_view name(CipherMode mode) noexcept;
std::optional<CipherMode> cipher_mode_from_name(std::string_view text) noexcept;

/// Which of MindSpore's two block layouts a file uses (FORMAT.md, "Encryption").
enum class CipherEra : std::uint8_t {
  a,  ///< 1.3 to 1.5: no tag, so no integrity; one magic number for GCM and CBC
  b,  ///< since 2.0: GCM with a tag, a magic number a mode
};

/// "a" or "b".
std::string_view name(CipherEra era) noexcept;

/// How a file is encrypted, as far as it tells without a key.
struct Encryption {
  CipherEra era = CipherEra::b;
  std::optional<CipherMode> mode = {};  ///< empty for an era-a file whose layout allows both GCM and CBC
  std::uint64_t blocks = 0;
};

/// A key of 16, 24 or 32 bytes. The bytes are overwritten when it goes.
class Key {
 public:
  static Result<Key> from_bytes(std::span<const std::byte> bytes);  ///< Errc::key for any other length

  Key(const Key&) = default;
  Key& operator=(const Key&) = default;
  ~Key();

  std::span<const std::byte> bytes() const noexcept { return {bytes_.data(), size_}; }

 private:
  Key() = default;

  std::array<std::byte, 32> bytes_ = {};
  std::size_t size_ = 0;
};

}  // namespace ckpt

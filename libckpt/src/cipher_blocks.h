#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ckpt/cipher.h"
#include "ckpt/error.h"
#include "ckpt/progress.h"
#include "ckpt/source.h"

namespace ckpt {

/// Plaintext bytes a cipher block holds at most, as MindSpore's era b writes them (a reader takes any size).
inline constexpr std::uint64_t kCipherBlockBytes = std::uint64_t{64} << 20;

/// A file of more blocks is refused: each holds 64 MiB as MindSpore writes them.
inline constexpr std::uint64_t kMaxCipherBlocks = std::uint64_t{1} << 20;

/// How a source is encrypted: walks the block headers. Empty if it does not start with a cipher block. Broken
/// headers behind a good first one do not matter here (open_encrypted reports them).
Result<std::optional<Encryption>> detect_encryption(const Source& source);

/// Plaintext of a block that was altered: it reads as zeros.
struct Hole {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  Error error = {};
};

/// A view of the plaintext of an encrypted file.
struct DecryptedView {
  SourcePtr source = {};  ///< thread safe; size() is the plaintext's
  Encryption encryption = {};
  bool clear_trailer = false;        ///< an all-zero CRC trailer in clear follows the blocks (MindSpore 2.4 erratum)
  std::optional<Error> damage = {};  ///< of a block behind the first: the view has what is in front of it
  std::vector<Hole> holes = {};      ///< only with OnDamage::go_on; so are:
  std::vector<std::uint64_t> mended_headers = {};  ///< where plaintext starts whose block has a damaged header
};

enum class OnDamage : std::uint8_t {
  stop,
  go_on,  ///< for salvage: all tags are verified at once, blocks that were altered become holes, and behind a damaged
          ///< header the next block is looked for where it is if all are of one size, as MindSpore makes them
};

/// Builds the block table and checks the key on the first block. Errors: key (wrong key, wrong mode, tampered
/// tag: three different messages), a truncated or malformed header of the first block, unsupported without OpenSSL.
/// Ranged reads decrypt only what they need (GCM by CTR seek, CBC with the previous cipher block); GCM bytes are
/// released only after their block's tag was verified once.
Result<DecryptedView> open_encrypted(SourcePtr cipher_text, const Key& key, std::optional<CipherMode> mode,
                                     OnDamage on_damage = OnDamage::stop, const Progress& progress = {});

/// Verifies every GCM tag (and CBC padding) of a source made by open_encrypted; success for any other source.
Status verify_cipher(const Source& source, const Progress& progress);

/// Forward-only decryption for pipes: pulls cipher text, gives out plaintext of a block after its tag was verified.
class BlockDecryptor {
 public:
  using Pull = std::function<Result<std::size_t>(std::span<std::byte>)>;

  /// `head` is what was already read to recognise the encryption (at least one block header).
  static Result<BlockDecryptor> create(Pull pull, std::span<const std::byte> head, const Key& key,
                                       std::optional<CipherMode> mode);
  BlockDecryptor(BlockDecryptor&&) noexcept;
  BlockDecryptor& operator=(BlockDecryptor&&) noexcept;
  ~BlockDecryptor();

  Result<std::size_t> read(std::span<std::byte> out);  ///< 0 at the end
  const Encryption& encryption() const noexcept;
  bool clear_trailer() const noexcept;  ///< as DecryptedView's, at the end

 private:
  struct Impl;
  explicit BlockDecryptor(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// Encrypts a plaintext stream into era-b blocks, in memory bounded by a small buffer: the header of a block is
/// written with place holders and back-filled when the block is complete. A fresh IV from the system a block.
class BlockEncryptor {
 public:
  struct Sink {
    std::function<Status(std::span<const std::byte>)> append = {};
    std::function<Status(std::uint64_t offset, std::span<const std::byte>)> overwrite = {};
    std::uint64_t position = 0;  ///< where the first block starts in the file
  };

  static Result<BlockEncryptor> create(Sink sink, const Key& key, CipherMode mode);
  BlockEncryptor(BlockEncryptor&&) noexcept;
  BlockEncryptor& operator=(BlockEncryptor&&) noexcept;
  ~BlockEncryptor();

  Status append(std::span<const std::byte> plain);
  Status finish();  ///< completes the last block

 private:
  struct Impl;
  explicit BlockEncryptor(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ckpt

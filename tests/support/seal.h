#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ckpt/cipher.h"
#include "wire_builder.h"

/// Encryption as MindSpore does it, both eras and all modes, with OpenSSL and FORMAT.md alone.
namespace ckpt::test {

struct Sealing {
  CipherEra era = CipherEra::b;
  CipherMode mode = CipherMode::aes_gcm;
  Bytes key = {};
  std::size_t block_bytes = 64;  ///< of plaintext in a block
  std::uint64_t seed = 1;        ///< of the ivs
};

/// The bytes 00 01 …, the key of all samples.
Bytes sample_key(std::size_t size);

/// Empty plaintext makes no block.
Bytes sealed(std::string_view plain, const Sealing& sealing);

}  // namespace ckpt::test

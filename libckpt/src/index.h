#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/tensor.h"

namespace ckpt {

/// What one pass over a checkpoint's record headers yields: shared by Checkpoint, RecordStream and validate.
struct Index {
  std::vector<TensorInfo> tensors = {};
  Dialect dialect = {};
  std::optional<Trailer> trailer = {};
  std::optional<Encryption> encryption = {};
  std::optional<Error> damage = {};
  std::optional<std::uint64_t> cipher_offset = {};  ///< what begins as an encrypted block, behind entries in clear
  bool stray_damage = false;       ///< the damage began between the records: garbage, or what is no checkpoint's
  bool clear_trailer = false;      ///< an encrypted file with a CRC trailer in clear behind its blocks
  bool ends_like_trailer = false;  ///< of a pipe: its last 17 bytes do, but belong to something else
  std::uint64_t file_size = 0;     ///< as on disk
  std::uint64_t plain_size = 0;    ///< after decryption; = file_size otherwise
};

/// Where the last entry ends; 0 without entries.
inline std::uint64_t end_of_entries(const Index& index) noexcept {
  return index.tensors.empty() ? 0 : index.tensors.back().record_offset + index.tensors.back().record_size;
}

/// Whether an error is about the bytes of the file: what was whole before it is worth keeping.
inline bool is_damage(const Error& error) noexcept {
  return error.code == Errc::truncated || error.code == Errc::malformed || error.code == Errc::limit ||
         error.code == Errc::key;
}

/// What opening an encrypted file without a key fails with.
Error needs_key(const Encryption& encryption);
/// What a wrong key looks like where nothing else tells: damage in front of the first whole record.
bool is_garbage(const Error& damage);
Error does_not_decrypt();

class RecordStream;
const Index& index_of(const Checkpoint& file) noexcept;
const Index& index_of(const RecordStream& stream) noexcept;

}  // namespace ckpt

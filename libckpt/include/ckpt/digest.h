#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/error.h"
#include "ckpt/progress.h"
#include "ckpt/stream.h"

namespace ckpt {

enum class DigestAlgorithm : std::uint8_t {
  sha256,  ///< against whoever might want to deceive; needs OpenSSL (the build option CKPT_CRYPTO)
  xxh3,    ///< XXH3 of 128 bits: against accidents only, several times as fast
};

/// "sha256", "xxh3".
std::string_view name(DigestAlgorithm algorithm) noexcept;
std::optional<DigestAlgorithm> digest_algorithm_from_name(std::string_view text) noexcept;

/// Fingerprints in lower-case hexadecimal. They depend on what a checkpoint says, not on how: order of the entries,
/// slices, dialect, CRC trailer, encryption and container make no difference (docs/hash.md).
struct Digests {
  DigestAlgorithm algorithm = DigestAlgorithm::sha256;
  std::string content = {};               ///< of all entries: names, types, dims and values
  std::vector<std::string> tensors = {};  ///< one an entry, in file order: of its canonical bytes
};

struct DigestOptions {
  DigestAlgorithm algorithm = DigestAlgorithm::sha256;
  unsigned threads = 0;  ///< 0 = all cores; the result does not depend on it
  Progress progress = {};
};

/// Reads every byte once, in bounded memory. Errors: io, changed, cancelled; unsupported without OpenSSL.
Result<Digests> digest(const Checkpoint& file, const DigestOptions& options = {});
/// The same for a pipe; reads it to its end, on the caller's thread.
Result<Digests> digest(RecordStream& stream, const DigestOptions& options = {});

}  // namespace ckpt

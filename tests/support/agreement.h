#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ckpt/checkpoint.h"
#include "ckpt/stream.h"

/// Whether all ways to read a file say the same: Checkpoint, RecordStream and libprotobuf; validate() and digest() of
/// both kinds; every way to get at a tensor's bytes. For files that a test or a fuzzer made up.
namespace ckpt::test {

struct AgreementOptions {
  OpenOptions open = {};   ///< limits, key and mode, of both readers
  std::uint64_t seed = 0;  ///< of the sizes of chunks, ranges and buffers
  bool oracle = true;      ///< compare with libprotobuf (of a plaintext file)
  bool exhaustive = true;  ///< every reading call; else only what finds a crash
};

/// Empty if they agree; else what differs, in a sentence.
std::string disagreement(std::string_view file, const AgreementOptions& options = {});

/// What two readers of the same records have to have in common, wherever the records come from: for an encrypted file
/// and its plaintext. Empty if they do.
std::string difference(const Checkpoint& a, const Checkpoint& b);

/// Hands out the bytes in chunks of odd sizes. The bytes must outlive it.
ReadFn chunked(std::string_view bytes, std::uint64_t seed);

}  // namespace ckpt::test

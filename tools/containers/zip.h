#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/error.h"
#include "ckpt/source.h"

namespace ckpt::containers {

struct ZipMember {
  std::string name = {};  ///< any bytes; never a path to anything here
  bool deflated = false;
  std::uint64_t offset = 0;  ///< of its data
  std::uint64_t stored_size = 0;
  std::uint64_t size = 0;  ///< unpacked
  std::uint32_t crc = 0;
};

/// The members of a zip archive by its central directory, in its order; zip64 too. Each is compared with what stands in
/// front of its data, and no two share a byte. Errors: truncated, malformed; limit; unsupported for encryption, several
/// disks and methods other than stored and deflated.
Result<std::vector<ZipMember>> read_zip_directory(const Source& file, const Limits& limits);

/// Where inflate puts what it unpacks, in order.
using ByteSink = std::function<Status(std::span<const std::byte>)>;

/// Unpacks the first `count` bytes of a deflated member. With all of them (count = size) its end and its CRC are
/// verified, too. Errc::malformed for what is no deflate stream, ends early, or goes on behind member.size.
Status inflate(const Source& file, const ZipMember& member, std::uint64_t count, const ByteSink& sink);

}  // namespace ckpt::containers

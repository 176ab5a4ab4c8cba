#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "ckpt/error.h"

namespace ckpt::train {

/// An array of bytes as MNIST's IDX files have it: a magic number that tells the type and the rank, the dims in
/// big-endian, the values in C order.
struct IdxFile {
  std::vector<std::size_t> dims = {};
  std::vector<std::uint8_t> values = {};
};

/// Of `rank` dims: 3 for images, 1 for labels; gzip or plain, whatever its name says. Memory is that of the values that
/// are there, not of those it claims. Offsets in errors are of the unpacked bytes, but for damage of the gzip file
/// itself. Errors: io; malformed for another magic number and for bytes after the last value; truncated; limit above
/// `most` values.
/// What `check` says of the dims is asked before a value is read.
Result<IdxFile> read_idx(const std::filesystem::path& path, std::size_t rank,
                         const std::function<Status(const std::vector<std::size_t>& dims)>& check = {},
                         std::uint64_t most = std::uint64_t{1} << 32);

}  // namespace ckpt::train

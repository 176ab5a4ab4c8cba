#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "ckpt/stream.h"
#include "wire_builder.h"

namespace ckpt::test {

/// `bytes`, which have to live on, as a pipe gives them: at most `chunk` of them at a time.
inline ReadFn pipe_of(const Bytes& bytes, std::size_t chunk) {
  return [&bytes, chunk, used = std::size_t{0}](std::span<std::byte> out) mutable -> Result<std::size_t> {
    const std::size_t take = std::min({chunk, out.size(), bytes.size() - used});
    std::copy_n(bytes_of(bytes).begin() + static_cast<std::ptrdiff_t>(used), take, out.begin());
    used += take;
    return take;
  };
}

}  // namespace ckpt::test

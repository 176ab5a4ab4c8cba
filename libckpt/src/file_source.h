#pragma once

#include <cstddef>
#include <span>

namespace ckpt {

/// Makes the kernel provide the memory's pages now, at once: cheaper than one page fault each while they are filled.
/// Does nothing where that is not supported, or to pages that are there.
void populate(std::span<std::byte> memory) noexcept;

}  // namespace ckpt

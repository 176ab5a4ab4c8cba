#pragma once

#include <cstddef>
#include <span>

#include "ckpt/error.h"
#include "ckpt/source.h"

namespace ckpt {

/// "cannot read: Input/output error".
Error system_error(const char* what, int number);

/// Of a st_mode that is not a regular file's: "a directory".
const char* what_it_is(unsigned mode);

/// The descriptor below a source made by open_file, so that the kernel can copy from it; -1 for any other source.
int descriptor_of(const Source& source) noexcept;

/// Makes the kernel provide the memory's pages now, at once: cheaper than one page fault each while they are filled.
/// Does nothing where that is not supported, or to pages that are there.
void populate(std::span<std::byte> memory) noexcept;

}  // namespace ckpt

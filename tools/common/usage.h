#pragma once

#include <string>
#include <utility>

#include "ckpt/error.h"

namespace ckpt::tools {

/// What is wrong is what was asked for, not the file.
inline Error usage(std::string message) { return {.code = Errc::usage, .message = std::move(message)}; }

}  // namespace ckpt::tools

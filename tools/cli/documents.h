#pragma once

#include <string>
#include <string_view>

#include "options.h"

namespace ckpt::cli {

/// What `document` can make: shell completion, a man page, a page of the manual.
inline constexpr const char* kDocuments = "bash|zsh|fish|man|markdown";

/// One of these, of a program and its tables of options.
std::string document(const Documents& documents, std::string_view what);

}  // namespace ckpt::cli

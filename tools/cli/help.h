#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "options.h"

namespace ckpt::cli {

/// "ckpt list [OPTION...] FILE [PATTERN...]"
std::string usage_of(const Documents& documents, const VerbDoc& verb);
/// The first screen: `ckpt`, `ckpt --help`.
std::string overview_text(const Documents& documents);
/// `ckpt VERB --help`; of a program without verbs that of the program.
std::string help_text(const Documents& documents, std::string_view verb);

}  // namespace ckpt::cli

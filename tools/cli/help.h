#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "options.h"

namespace ckpt::cli {

/// "ckpt list [OPTION...] FILE [PATTERN...]"
std::string usage_of(const VerbDoc& verb);
/// The first screen: `ckpt`, `ckpt --help`.
std::string overview_text(const Documents& documents);
/// `ckpt VERB --help`.
std::string help_text(const Documents& documents, std::string_view verb);

/// The same of a program without verbs: its own options, and those that all programs have.
std::string help_text(const VerbDoc& program, const std::vector<OptionDoc>& common);

}  // namespace ckpt::cli

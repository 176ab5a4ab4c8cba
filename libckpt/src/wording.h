#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "ckpt/error.h"
#include "ckpt/text.h"

// Words that many messages have in common.
namespace ckpt {

/// "1 byte", "12 bytes".
inline std::string bytes_text(std::uint64_t count) { return std::to_string(count) + (count == 1 ? " byte" : " bytes"); }

/// A name as messages show it.
inline std::string in_quotes(std::string_view name) { return '"' + escape(name) + '"'; }

/// The caller broke a rule.
inline Error usage(std::string message) { return {.code = Errc::usage, .message = std::move(message)}; }

}  // namespace ckpt

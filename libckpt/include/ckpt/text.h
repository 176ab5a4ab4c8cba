#pragma once

#include <string>
#include <string_view>

namespace ckpt {

/// A name from a file made safe to show on a terminal and in one line: control characters, bytes that are not
/// UTF-8, bidirectional overrides, zero-width characters, `"` and `\` become escapes (`\n`, `\x1b`, `\u202e`).
/// Everything else, other scripts and emoji included, stays as it is.
std::string escape(std::string_view text);

/// Whether the bytes are valid UTF-8 (no surrogates, no overlong forms, nothing above U+10FFFF).
bool is_utf8(std::string_view text) noexcept;

/// The text with each maximal invalid part replaced by U+FFFD, as Unicode recommends.
std::string to_utf8(std::string_view text);

}  // namespace ckpt

#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ckpt {

/// A name from a file made safe to show on a terminal, in one line and in XML: control characters, bytes that are not
/// UTF-8, bidirectional overrides, zero-width and non-characters, `"` and `\` become escapes (`\n`, `\x1b`, `\u202e`).
/// Everything else, other scripts and emoji included, stays as it is.
std::string escape(std::string_view text);

/// The other way. Empty where a `\` begins nothing that escape() writes.
std::optional<std::string> unescape(std::string_view text);

/// Whether the bytes are valid UTF-8 (no surrogates, no overlong forms, nothing above U+10FFFF).
bool is_utf8(std::string_view text) noexcept;

/// The text with each maximal invalid part replaced by U+FFFD, as Unicode recommends.
std::string to_utf8(std::string_view text);

/// Two lower-case digits a byte.
std::string hexadecimal(std::span<const std::byte> bytes);

/// Of `names` the one that `name` was most likely meant to be, for "did you mean"; empty if none is near. By
/// Levenshtein's distance, of bytes.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> names);

/// A str entry's bytes (UTF-32LE) as UTF-8, NULs at its end dropped as MindSpore does. Empty for a length that is no
/// multiple of 4 and for code points that are none.
std::optional<std::string> utf8_from_utf32(std::span<const std::byte> bytes);

/// The other way. Empty if `text` is not UTF-8. No text at all becomes one NUL, as numpy's shortest string.
std::optional<std::vector<std::byte>> utf32_from_utf8(std::string_view text);

}  // namespace ckpt

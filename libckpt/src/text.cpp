#include "ckpt/text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>
#include <utility>

namespace ckpt {
namespace {

struct CodePoint {
  char32_t value = 0;
  std::size_t size = 0;  // bytes taken; of an invalid sequence its maximal valid prefix, at least 1
  bool valid = false;
};

// Table 3-7 of the Unicode standard: the second byte's range depends on the first.
CodePoint decode(std::string_view text) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t size = lead >= 0xC2 && lead <= 0xDF   ? 2
                           : lead >= 0xE0 && lead <= 0xEF ? 3
                           : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                          : 0;
  if (size == 0) return {0, 1, false};
  char32_t value = lead & (0xFFu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if (i == text.size()) return {0, i, false};
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    if (i == 1) {
      if (lead == 0xE0) low = 0xA0;
      if (lead == 0xED) high = 0x9F;
      if (lead == 0xF0) low = 0x90;
      if (lead == 0xF4) high = 0x8F;
    }
    if (at(i) < low || at(i) > high) return {0, i, false};
    value = (value << 6) | (at(i) & 0x3Fu);
  }
  return {value, size, true};
}

// Controls, what reorders, joins or hides text around it, and what is no character: XML cannot have U+FFFE and U+FFFF.
bool is_unsafe(char32_t c) noexcept {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x61C || c == 0x180E ||
         (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
         (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE0FFF) || (c & 0xFFFE) == 0xFFFE;
}

bool is_code_point(std::uint32_t c) noexcept { return c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF); }

void append_utf8(std::string& out, std::uint32_t c) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6));
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3F));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

void append_hex(std::string& out, std::string_view prefix, std::uint32_t value, int digits) {
  out += prefix;
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += "0123456789abcdef"[(value >> shift) & 0xF];
}

// Levenshtein's distance, or anything above `most` if it is more than that: only the diagonal band that such a distance
// can pass through is computed.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t most) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > most) return most + 1;
  std::vector<std::size_t> row(a.size() + 1, most + 1);
  for (std::size_t i = 0; i <= std::min(a.size(), most); ++i) row[i] = i;
  for (std::size_t j = 1; j <= b.size(); ++j) {
    const std::size_t first = j > most ? j - most : 1;
    const std::size_t last = std::min(a.size(), j + most);
    std::size_t diagonal = row[first - 1];
    row[first - 1] = first == 1 ? j : most + 1;
    std::size_t least = row[first - 1];
    for (std::size_t i = first; i <= last; ++i) {
      const std::size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[i];
      row[i] = std::min({row[i] + 1, row[i - 1] + 1, replaced});
      least = std::min(least, row[i]);
    }
    if (least > most) return most + 1;
  }
  return row[a.size()];
}

}  // namespace

std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint c = decode(text);
    const std::string_view bytes = text.substr(0, c.size);
    text.remove_prefix(c.size);
    if (!c.valid) {
      for (const char byte : bytes) append_hex(out, "\\x", static_cast<unsigned char>(byte), 2);
    } else if (c.value == '"' || c.value == '\\') {
      (out += '\\') += bytes;
    } else if (c.value == '\n') {
      out += "\\n";
    } else if (c.value == '\t') {
      out += "\\t";
    } else if (c.value == '\r') {
      out += "\\r";
    } else if (!is_unsafe(c.value)) {
      out += bytes;
    } else if (c.value < 0x80) {
      append_hex(out, "\\x", c.value, 2);
    } else if (c.value <= 0xFFFF) {
      append_hex(out, "\\u", c.value, 4);
    } else {
      append_hex(out, "\\U", c.value, 8);
    }
  }
  return out;
}

std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const char c = text[0];
    if (c != '\\') {
      out += c;
      text.remove_prefix(1);
      continue;
    }
    if (text.size() < 2) return std::nullopt;
    const char kind = text[1];
    text.remove_prefix(2);
    constexpr std::string_view kShort = "\"\\ntr";
    constexpr std::string_view kMeant = "\"\\\n\t\r";
    if (const auto at = kShort.find(kind); at != kShort.npos) {
      out += kMeant[at];
      continue;
    }
    const std::size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
    std::uint32_t value = 0;
    const char* const end = text.data() + std::min(digits, text.size());
    const auto [stop, error] = std::from_chars(text.data(), end, value, 16);
    if (digits == 0 || text.size() < digits || error != std::errc() || stop != end) return std::nullopt;
    if (kind != 'x' && !is_code_point(value)) return std::nullopt;
    text.remove_prefix(digits);
    if (kind == 'x') {
      out += static_cast<char>(value);
    } else {
      append_utf8(out, value);
    }
  }
  return out;
}

bool is_utf8(std::string_view text) noexcept {
  unsigned char bits = 0;
  for (const char c : text) bits |= static_cast<unsigned char>(c);
  if (bits < 0x80) return true;  // as nearly all names are
  while (!text.empty()) {
    const CodePoint c = decode(text);
    if (!c.valid) return false;
    text.remove_prefix(c.size);
  }
  return true;
}

std::string to_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint c = decode(text);
    out += c.valid ? text.substr(0, c.size) : std::string_view("\xEF\xBF\xBD");
    text.remove_prefix(c.size);
  }
  return out;
}

std::string hexadecimal(std::span<const std::byte> bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::byte byte : bytes) {
    text += "0123456789abcdef"[std::to_integer<unsigned>(byte >> 4)];
    text += "0123456789abcdef"[std::to_integer<unsigned>(byte & std::byte{15})];
  }
  return text;
}

std::optional<std::string> utf8_from_utf32(std::span<const std::byte> bytes) {
  if (bytes.size() % 4 != 0) return std::nullopt;
  std::string out;
  std::size_t used = 0;  // up to the last character that is not NUL
  for (std::size_t i = 0; i < bytes.size(); i += 4) {
    std::uint32_t c = 0;
    for (std::size_t b = 4; b-- > 0;) c = (c << 8) | std::to_integer<std::uint32_t>(bytes[i + b]);
    if (!is_code_point(c)) return std::nullopt;
    append_utf8(out, c);
    if (c != 0) used = out.size();
  }
  out.resize(used);
  return out;
}

std::optional<std::vector<std::byte>> utf32_from_utf8(std::string_view text) {
  std::vector<std::byte> out;
  out.reserve(text.size() * 4);
  const auto put = [&](char32_t c) {
    for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<std::byte>(c >> shift));
  };
  if (text.empty()) put(0);
  while (!text.empty()) {
    const CodePoint c = decode(text);
    if (!c.valid) return std::nullopt;
    put(c.value);
    text.remove_prefix(c.size);
  }
  return out;
}

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> names) {
  constexpr std::size_t kMaxName = 256;  // beyond, a typing error is not the likely reason
  if (name.size() < 3 || name.size() > kMaxName) return {};
  std::size_t most = name.size() == 3 ? 1 : std::clamp<std::size_t>(name.size() / 3, 2, 6);  // two letters in turn
  std::string_view best;
  for (const std::string_view candidate : names) {
    const std::size_t distance = edit_distance(name, candidate, most);
    if (distance > most) continue;
    best = candidate;
    if (distance == 0) break;
    most = distance - 1;  // only a nearer one replaces it
  }
  return best;
}

}  // namespace ckpt

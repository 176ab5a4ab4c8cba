#include "render.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ckpt/text.h"

namespace ckpt::cli {
namespace {

char32_t next_code_point(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t size = std::min<std::size_t>(lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4, text.size());
  char32_t value = size == 1 ? lead : lead & (0xFFu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) value = (value << 6) | (static_cast<unsigned char>(text[i]) & 0x3Fu);
  text.remove_prefix(size);
  return value;
}

// The larger blocks of Unicode's East Asian Width "W" and "F"; enough for names.
bool is_wide(char32_t c) {
  return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
         (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD);
}

bool is_combining(char32_t c) {
  return (c >= 0x300 && c <= 0x36F) || (c >= 0x1AB0 && c <= 0x1AFF) || (c >= 0x20D0 && c <= 0x20FF) ||
         (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0xFE20 && c <= 0xFE2F);
}

void append_padded(std::string& out, std::string_view cell, std::size_t width, Table::Align align, bool last) {
  const std::size_t used = display_width(cell);
  const std::string padding(width > used ? width - used : 0, ' ');
  if (align == Table::Align::right) out += padding;
  out += cell;
  if (align == Table::Align::left && !last) out += padding;
}

}  // namespace

std::string file_text(std::string_view path) {
  return path == "-" ? "standard input" : path.empty() ? "''" : escape(path);
}

std::string fitted(std::string_view text, std::size_t columns) {
  std::size_t width = display_width(text);
  if (width <= columns) return std::string(text);
  while (!text.empty() && width + 1 > columns) {
    next_code_point(text);
    width = display_width(text);
  }
  return "…" + std::string(text);
}

std::string shortened(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  std::string_view rest = text;
  std::size_t width = 1;  // of the "…"
  std::size_t end = 0;
  while (!rest.empty()) {
    const char32_t c = next_code_point(rest);
    width += is_combining(c) ? 0 : is_wide(c) ? 2 : 1;
    if (width > columns) break;
    end = text.size() - rest.size();
  }
  return std::string(text.substr(0, end)) + "…";
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    if (text.starts_with("\x1b[")) {  // styled() put it there: names are escaped
      text.remove_prefix(std::min(text.find('m'), text.size() - 1) + 1);
      continue;
    }
    const char32_t c = next_code_point(text);
    width += is_combining(c) ? 0 : is_wide(c) ? 2 : 1;
  }
  return width;
}

std::string styled(std::string_view text, Style style, bool color) {
  constexpr std::array kCodes = {"", "1", "2", "31", "33", "32", "36"};
  if (!color || style == Style::plain) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes[static_cast<std::size_t>(style)], text);
}

std::vector<std::size_t> Table::widths() const {
  // One very long cell costs its own line the alignment, not all lines their width.
  constexpr std::size_t kVeryLong = 64;
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) widths.push_back(display_width(column.head));
  for (const auto& row : rows_)
    for (std::size_t c = 0; c < row.size(); ++c)
      if (const std::size_t width = display_width(row[c]); width <= kVeryLong) widths[c] = std::max(widths[c], width);
  return widths;
}

std::size_t Table::width() const {
  const auto all = widths();
  std::size_t longest = 0;
  for (const auto& row : rows_) {
    std::size_t width = 2 * (all.size() - 1);
    for (std::size_t c = 0; c < row.size(); ++c) width += std::max(all[c], display_width(row[c]));
    longest = std::max(longest, width);
  }
  return longest;
}

std::string Table::text(bool color, std::string_view indent) const {
  if (rows_.empty()) return {};
  const auto widths = this->widths();
  std::string out;
  const auto line = [&](const auto& cell, bool head) {
    out += indent;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (c > 0) out += "  ";
      std::string padded;
      append_padded(padded, cell(c), widths[c], columns_[c].align, c + 1 == columns_.size());
      out += styled(padded, head ? Style::dim : columns_[c].style, color);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  };
  const bool has_head = std::any_of(columns_.begin(), columns_.end(), [](const Column& c) { return !c.head.empty(); });
  if (has_head) line([&](std::size_t c) -> const std::string& { return columns_[c].head; }, true);
  for (const auto& row : rows_) line([&](std::size_t c) -> const std::string& { return row[c]; }, false);
  return out;
}

}  // namespace ckpt::cli

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "words.h"

namespace ckpt::cli {

using namespace tools;  // the words that are shared with the viewer

/// A file as messages name it: escaped, and "standard input" for `-`.
std::string file_text(std::string_view path);

/// The end of a text that fits into `columns`, with "…" in front where something was left out.
std::string fitted(std::string_view text, std::size_t columns);

/// The start of a text that fits into `columns`, with "…" behind it where something was left out.
std::string shortened(std::string_view text, std::size_t columns);

/// Columns a terminal needs for UTF-8 text: two for East Asian wide characters, none for combining ones and styles.
std::size_t display_width(std::string_view text);

enum class Style : std::uint8_t { plain, bold, dim, red, yellow, green, cyan };
/// The text in a style, where colour is on.
std::string styled(std::string_view text, Style style, bool color);

/// Aligned columns; nothing where there are no rows. Cells are shown as they are: names must have been escaped.
class Table {
 public:
  enum class Align : std::uint8_t { left, right };
  struct Column {
    std::string head = {};
    Align align = Align::left;
    Style style = Style::plain;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const noexcept { return rows_.empty(); }
  std::size_t width() const;  ///< columns of the terminal it takes, without an indent
  std::string text(bool color, std::string_view indent = {}) const;

 private:
  std::vector<std::size_t> widths() const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace ckpt::cli

#pragma once

#include <cstddef>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

/// Tables and names in the project's documents, for the tests that hold the documents to what they say.
namespace ckpt::test {

using TableRow = std::vector<std::string>;

inline std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == text.npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

/// The rows, without the heading, of the first table behind the line `heading`.
inline std::vector<TableRow> table_under(const std::string& document, const std::string& heading) {
  const auto at = ('\n' + document).find('\n' + heading + '\n');
  if (at == document.npos) return {};
  std::istringstream lines(document.substr(at));
  std::vector<TableRow> rows;
  std::size_t seen = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('|')) {
      if (seen > 0) break;
      continue;
    }
    if (++seen <= 2) continue;  // the heading and its rule
    TableRow row;
    std::istringstream cells(line.substr(1));
    for (std::string cell; std::getline(cells, cell, '|');) row.push_back(trimmed(cell));
    rows.push_back(std::move(row));
  }
  return rows;
}

/// What stands in backticks.
inline std::vector<std::string> code_in(std::string_view text) {
  std::vector<std::string> found;
  while (true) {
    const auto open = text.find('`');
    if (open == text.npos) return found;
    const auto close = text.find('`', open + 1);
    if (close == text.npos) return found;
    found.emplace_back(text.substr(open + 1, close - open - 1));
    text.remove_prefix(close + 1);
  }
}

/// Every "good/x.ckpt" and "bad/x.ckpt", in order, repetitions included.
inline std::vector<std::string> samples_in(std::string_view text) {
  std::vector<std::string> found;
  for (std::size_t end = 0; (end = text.find(".ckpt", end)) != text.npos; end += 5) {
    const auto slash = text.rfind('/', end);
    if (slash == text.npos ||
        text.substr(slash, end - slash).find_first_not_of("/abcdefghijklmnopqrstuvwxyz0123456789_") != text.npos)
      continue;
    for (const std::string_view directory : {"good", "bad"})
      if (slash >= directory.size() && text.substr(0, slash).ends_with(directory))
        found.emplace_back(text.substr(slash - directory.size(), end + 5 - (slash - directory.size())));
  }
  return found;
}

}  // namespace ckpt::test

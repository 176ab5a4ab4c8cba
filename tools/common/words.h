#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

// How sizes, numbers and shapes are said, whoever says it.
namespace ckpt::tools {

std::string human_size(std::uint64_t bytes);                 ///< "241.2 KiB"
std::string grouped(std::uint64_t number);                   ///< "61,706"
std::string shape_text(std::span<const std::int64_t> dims);  ///< "[6, 1, 5, 5]"
/// "61,706 tensors", "1 tensor".
std::string counted(std::uint64_t number, std::string_view what);

/// A cell of a CSV file: escaped, quoted where it must be, and no formula to a spreadsheet.
std::string csv_cell(std::string_view text);

}  // namespace ckpt::tools

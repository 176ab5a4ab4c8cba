#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/tensor.h"

namespace ckpt::containers {

/// Whose names parameters have.
enum class NameStyle : std::uint8_t { mindspore, pytorch };

std::optional<NameStyle> name_style_from_text(std::string_view text) noexcept;

/// The names of a file's entries as another framework has them, in the same order; docs/convert.md has the table.
/// Layers are recognised by what else is in them: `bn1.gamma` is a norm's scale only where `bn1.beta` is beside it, and
/// `norm.weight` only where it has one dim and a bias of the same dims. What is not recognised keeps its name; so do
/// shapes. State of optimizers follows its parameter. Two entries may end up with one name: that is the caller's to
/// see.
std::vector<std::string> renamed(std::span<const TensorInfo> tensors, NameStyle to);

}  // namespace ckpt::containers

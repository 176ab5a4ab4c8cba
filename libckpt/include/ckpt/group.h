#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ckpt/tensor.h"

namespace ckpt {

/// What an entry is for.
enum class Group : std::uint8_t {
  weights,    ///< the network's parameters, moving statistics included
  optimizer,  ///< slots (`moments.conv1.weight`) and the optimizer's scalars (`learning_rate`)
  other,      ///< appended values, strings, maps' bookkeeping, opaque entries
};

/// "weights", "optimizer", "other".
std::string_view name(Group group) noexcept;

/// One Group an entry. A name counts as an optimizer slot only if its weight is in the file (`moments.fc.weight` needs
/// `fc.weight`, of the same dims where the slot has any), scalars by a closed list; so a layer that is called
/// `momentum` stays a weight. Names and optimizers: FORMAT.md, "Optimizer state".
std::vector<Group> classify(std::span<const TensorInfo> tensors);

}  // namespace ckpt

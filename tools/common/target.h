#pragma once

#include <string>

#include "ckpt/checkpoint.h"
#include "ckpt/slice.h"
#include "ckpt/tensor.h"

namespace ckpt::tools {

/// What a user names on the command line: an entry or a part of a map, and which of its values.
struct Target {
  const TensorInfo* tensor = nullptr;
  std::string name = {};        ///< as in the file; of a part "map.part"
  std::string slice_text = {};  ///< what was asked for, without the brackets
  Slice slice = {};             ///< that, against the tensor's dims; of no meaning where has_elements() is false
};

/// Whether there are values to speak of: a type whose size is known, in a tensor or a map's part.
bool has_elements(const TensorInfo& tensor) noexcept;

/// The error for a tensor whose size is not what its dims ask for.
Error misfit(const TensorInfo& tensor, const std::string& name);

/// `name`, `name[0,:,3]`, `"quoted"[0]`, `map.keys[0]`. Errc::usage for a name that is not there, with the nearest one,
/// and for a slice that is none; misfit() for a slice of such a tensor.
Result<Target> find_target(const Checkpoint& file, const std::string& text);

}  // namespace ckpt::tools

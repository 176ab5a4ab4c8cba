#pragma once

#include <functional>
#include <string_view>

#include "random.h"
#include "wire_builder.h"

/// Random changes to checkpoint files at the level of fields: enclosing lengths stay right most of the time, so that
/// what is tried is not only the check of lengths.
namespace ckpt::test {

/// Changes the bytes of a name, a type or a content.
using LeafMutator = std::function<void(Bytes& leaf)>;

/// `file` with one to four changes. Any bytes will do: what is no field is kept as it is.
Bytes mutate_wire(std::string_view file, Random& random, const LeafMutator& leaf = {});

/// `file` with fields of `other` in it.
Bytes cross_wire(std::string_view file, std::string_view other, Random& random);

}  // namespace ckpt::test

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/diff.h"
#include "ckpt/progress.h"

namespace ckpt::viewer {

/// How one element compares with its partner, as Metrics counts it.
enum class Mark : std::uint8_t { same, within_tolerance, differs };

/// One an element; a and b are canonical bytes of as many elements, perhaps of two types.
std::vector<Mark> marks_of(DType type_a, std::span<const std::byte> a, DType type_b, std::span<const std::byte> b,
                           const Tolerance& tolerance);

/// The first element at `from` or behind that differs by more than the tolerance; empty where there is none. Errors:
/// io, cancelled.
Result<std::optional<std::uint64_t>> next_difference(const Checkpoint& file_a, const TensorInfo& a,
                                                     const Checkpoint& file_b, const TensorInfo& b,
                                                     const Tolerance& tolerance, std::uint64_t from,
                                                     const Progress& progress = {});

}  // namespace ckpt::viewer

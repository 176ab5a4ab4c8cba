#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/error.h"
#include "ckpt/params.h"
#include "training_graph.h"

namespace ckpt::train {

/// The parameters that the file has in the same shape, and the others, with why.
struct Fit {
  std::vector<NetParam> fitting = {};
  std::vector<NotLoaded> others = {};
};
Fit fit(std::span<const NetParam> params, const ParamDict& file);

/// A number that a file has beside the parameters: an integer, or the first one of a tensor of them.
std::optional<std::int64_t> integer_in(const ParamDict& file, std::string_view name);
/// All numbers of an entry of floating point; none where it has no such entry.
std::vector<double> floats_in(const ParamDict& file, std::string_view name);

/// By what it keeps of each weight; empty where it has no such entries.
std::optional<Optimizer::Kind> optimizer_of(const ParamDict& file);

/// Where a training stood when a file was saved.
struct Standing {
  std::uint64_t step = 0;  ///< since training began
  std::optional<std::int64_t> seed = {};
  std::vector<double> learning_rates = {};
};

/// By what ckpt-train appends, by MindSpore's global_step, or by the file's name. Errc::usage where nothing tells the
/// step; Errc::mismatch where epochs of another length are meant.
Result<Standing> standing(const ParamDict& file, const std::string& path, std::uint64_t steps_per_epoch);

}  // namespace ckpt::train

#include "ckpt/group.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "checkpoint_impl.h"

namespace ckpt {
namespace {

// What MindSpore's optimizers put in front of a parameter's name for the state they keep for it. Cells that clone their
// parameters join with a dot; some name each by hand, with an underscore.
struct SlotPrefix {
  std::string_view text;
  bool same_dims = true;  // false where the state is a reduction of the parameter, or a place holder of shape (1,)
};

constexpr std::array kSlotPrefixes{
    SlotPrefix{"accum."},         // SGD, Adagrad, Adadelta
    SlotPrefix{"accum_update."},  // Adadelta
    SlotPrefix{"adam_m."},        // AdamWeightDecay
    SlotPrefix{"adam_v."},
    SlotPrefix{"ax."},  // ASGD
    SlotPrefix{"ax_."},
    SlotPrefix{"eta_", false},
    SlotPrefix{"exp_avg."},  // AdaFactor, mint.optim.Adam and AdamW
    SlotPrefix{"exp_avg_sq."},
    SlotPrefix{"exp_avg_sq_", false},  // AdaFactor
    SlotPrefix{"exp_avg_sq_col_", false},
    SlotPrefix{"exp_avg_sq_row_", false},
    SlotPrefix{"exp_inf."},  // Adamax
    SlotPrefix{"lamb_m."},   // Lamb
    SlotPrefix{"lamb_v."},
    SlotPrefix{"linear."},          // FTRL
    SlotPrefix{"lr_", false},       // one learning rate a parameter, 0.x
    SlotPrefix{"max_exp_avg_sq."},  // AMSGrad
    SlotPrefix{"mean_grad."},       // RMSProp
    SlotPrefix{"mean_square."},
    SlotPrefix{"moment."},
    SlotPrefix{"moment1."},  // Adam, LazyAdam, Adamax
    SlotPrefix{"moment2."},
    SlotPrefix{"moments."},            // Momentum, Thor, FTRL
    SlotPrefix{"momentum_buf."},       // mint.optim.SGD
    SlotPrefix{"mu_", false},          // ASGD
    SlotPrefix{"mu_product_", false},  // NAdam
    SlotPrefix{"prev."},               // Rprop
    SlotPrefix{"stat."},               // SGD
    SlotPrefix{"step_size."},          // Rprop
    SlotPrefix{"vhat."},               // Adam with AMSGrad
};

// State of the optimizer, or of the cell that trains, as a whole: scalars, or vectors (a list of learning rates).
constexpr auto kScalars = std::to_array<std::string_view>({
    "accumulation_step", "afactor_step", "beta1_power", "beta2_power", "cov_step", "current_iterator_step", "fake_lr",
    "global_step", "graceful_exit", "graceful_init", "last_overflow_iterator_step", "learning_rate", "momentum",
    "scale_sense", "state_step", "step_t", "train_step",  //
});

// The same, one a parameter group or layer: a number follows. Thor's are matrices.
constexpr auto kNumbered =
    std::to_array<std::string_view>({"learning_rate_group_", "matrix_a_inv_", "matrix_g_inv_", "matrix_max"});

// What CheckpointConfig's append_info writes under names of its own.
constexpr auto kAppended = std::to_array<std::string_view>({"epoch_num", "step_num"});

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

bool is_optimizer_scalar(const TensorInfo& entry) {
  if (entry.dims.size() <= 1 && contains(kScalars, entry.name)) return true;
  const std::string_view name = entry.name;
  return std::any_of(kNumbered.begin(), kNumbered.end(), [&](std::string_view stem) {
    return name.size() > stem.size() && name.starts_with(stem) &&
           name.find_first_not_of("0123456789", stem.size()) == std::string_view::npos;
  });
}

bool is_slot(const TensorInfo& entry, std::span<const TensorInfo> tensors, const NameTable& names) {
  const std::string_view name = entry.name;
  return std::any_of(kSlotPrefixes.begin(), kSlotPrefixes.end(), [&](const SlotPrefix& prefix) {
    if (name.size() <= prefix.text.size() || !name.starts_with(prefix.text)) return false;
    const TensorInfo* weight = names.find(tensors, name.substr(prefix.text.size()));
    return weight != nullptr && (!prefix.same_dims || entry.dims.empty() || entry.dims == weight->dims);
  });
}

// What append_dict can put behind the parameters: a number of a Python type, a str, a random generator's state. Names
// have no dot: they are the user's, not a path of cells.
bool may_be_appended(const TensorInfo& entry) {
  if (entry.kind == Kind::string) return true;
  if (entry.kind != Kind::tensor || entry.name.find('.') != std::string::npos) return false;
  if (entry.dtype == DType::uint8) return entry.dims.size() == 1 && entry.dims[0] == 16;
  return entry.dims.empty() && (entry.dtype == DType::int64 || entry.dtype == DType::boolean ||
                                entry.dtype == DType::float32 || entry.dtype == DType::float64);
}

}  // namespace

std::string_view name(Group group) noexcept {
  switch (group) {
    case Group::weights:
      return "weights";
    case Group::optimizer:
      return "optimizer";
    case Group::other:
      return "other";
  }
  return "other";
}

std::vector<Group> classify(std::span<const TensorInfo> tensors) {
  const NameTable names(tensors);
  std::vector<Group> groups;
  groups.reserve(tensors.size());
  for (const TensorInfo& entry : tensors) {
    const bool value = entry.kind == Kind::tensor || entry.kind == Kind::map;
    groups.push_back(!value || contains(kAppended, entry.name)                      ? Group::other
                     : is_optimizer_scalar(entry) || is_slot(entry, tensors, names) ? Group::optimizer
                                                                                    : Group::weights);
  }
  // Appended values stand at the end. A network's own scalar parameter without a dot in its name would stand before
  // its cells' parameters, so a scalar at the very end is none; a file of nothing but scalars has parameters, though.
  std::size_t begin = tensors.size();
  while (begin > 0 && (groups[begin - 1] != Group::weights || may_be_appended(tensors[begin - 1]))) --begin;
  if (begin > 0)
    for (std::size_t i = begin; i < tensors.size(); ++i)
      if (groups[i] == Group::weights) groups[i] = Group::other;
  return groups;
}

}  // namespace ckpt

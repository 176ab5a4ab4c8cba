#include "table.h"

namespace ckpt::graph {

std::vector<Op> norm_ops() {
  return {
      {.name = "BatchNorm",
       .was = "FusedBatchNorm FusedBatchNormEx",
       .arguments = {tensor("x"), tensor("scale"), tensor("bias"), tensor("mean"), tensor("variance"),
                     flag("is_training", false), number("epsilon", 1e-5), number("momentum", 0.1),
                     text("format", words("NCHW"), "data_format")}},
      {.name = "BatchNormExt",
       .arguments = {tensor("input"), optional("weight"), optional("bias"), optional("running_mean"),
                     optional("running_var"), flag("training", false), number("momentum", 0.1),
                     number("epsilon", 1e-5, "eps")}},
      {.name = "GroupNorm",
       .arguments = {tensor("input"), integer("num_groups"), optional("weight"), optional("bias"),
                     number("eps", 1e-5, "epsilon")}},
      {.name = "L2Normalize", .arguments = {tensor("x"), integers("axis", Ints{0}), number("epsilon", 1e-4)}},
      {.name = "LayerNorm",
       .was = "LayerNormV3",
       .arguments = {tensor("x"), tensor("gamma"), tensor("beta"), integer("begin_norm_axis", whole(1)),
                     integer("begin_params_axis", whole(1)), number("epsilon", 1e-7)}},
      {.name = "LayerNormExt",
       .arguments = {tensor("input"), integers("normalized_shape"), optional("weight"), optional("bias"),
                     number("eps", 1e-5, "epsilon")}},
      {.name = "RmsNorm", .arguments = {tensor("x"), tensor("gamma"), number("epsilon", 1e-6)}},
  };
}

}  // namespace ckpt::graph

#include "table.h"

namespace ckpt::graph {

std::vector<Op> shape_ops() {
  return {
      {.name = "BroadcastTo", .arguments = {tensor("input"), integers("shape")}},
      {.name = "Chunk", .arguments = {tensor("input"), integer("chunks"), integer("dim", whole(0))}},
      {.name = "Concat", .arguments = {tensors("tensors"), integer("axis", whole(0))}},
      {.name = "ExpandAs", .arguments = {tensor("input"), tensor("other")}},
      {.name = "ExpandDims", .was = "ExpandDimsView", .arguments = {tensor("input"), integer("axis", {}, "dim")}},
      {.name = "Flatten", .arguments = {tensor("input")}},
      {.name = "FlattenExt",
       .arguments = {tensor("input"), integer("start_dim", whole(0)), integer("end_dim", whole(-1))}},
      {.name = "Reshape", .was = "View", .arguments = {tensor("input"), integers("shape")}},
      {.name = "Split", .arguments = {tensor("input"), integer("axis", whole(0)), integer("output_num", whole(1))}},
      {.name = "SplitTensor", .arguments = {tensor("input"), integer("split_size"), integer("dim", whole(0))}},
      {.name = "SplitWithSize", .arguments = {tensor("input"), integers("split_size"), integer("dim", whole(0))}},
      {.name = "Squeeze", .arguments = {tensor("input"), integers("axis", Ints{})}},
      {.name = "Stack", .was = "Pack StackExt", .arguments = {tensors("tensors"), integer("axis", whole(0), "dim")}},
      {.name = "TExt", .arguments = {tensor("input")}},
      {.name = "Tile", .arguments = {tensor("input"), integers("dims", {}, "multiples")}},
      {.name = "Transpose",
       .was = "TransposeView",
       .arguments = {tensor("input"), integers("dims", {}, "perm input_perm")}},
      {.name = "TransposeExtView",
       .was = "TransposeExt",
       .arguments = {tensor("input"), integer("dim0"), integer("dim1")}},
      {.name = "Unstack",
       .was = "Unpack UnstackExt UnstackExtView",
       .arguments = {tensor("input"), integer("axis", whole(0), "dim"), integer("num", None{})}},
  };
}

}  // namespace ckpt::graph

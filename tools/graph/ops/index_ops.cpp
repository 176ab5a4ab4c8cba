#include "table.h"

namespace ckpt::graph {

std::vector<Op> index_ops() {
  return {
      {.name = "Embedding",
       .arguments = {tensor("input"), tensor("weight"), integer("padding_idx", None{}), number("max_norm", None{}),
                     number("norm_type", 2.0), flag("scale_grad_by_freq", false)}},
      {.name = "Gather",
       .was = "GatherV2 SparseGatherV2",
       .arguments = {tensor("params"), tensor("indices"), integer("axis", whole(0)), integer("batch_dims", whole(0))}},
      {.name = "GatherD", .arguments = {tensor("x"), integer("dim"), tensor("index")}},
      {.name = "GatherNd", .was = "GatherNdExt", .arguments = {tensor("x"), tensor("indices")}},
      {.name = "IndexSelect", .arguments = {tensor("input"), integer("dim"), tensor("index")}},
      {.name = "Narrow", .arguments = {tensor("input"), integer("dim"), integer("start"), integer("length")}},
      {.name = "OneHot",
       .arguments = {tensor("indices"), integer("depth"), tensor("on_value"), tensor("off_value"),
                     integer("axis", whole(-1))}},
      {.name = "OneHotExt",
       .arguments = {tensor("tensor"), integer("num_classes"), tensor("on_value"), tensor("off_value"),
                     integer("axis", whole(-1))}},
      {.name = "ReverseV2", .arguments = {tensor("input"), integers("axis")}},
      {.name = "SelectExtView", .arguments = {tensor("input"), integer("dim"), integer("index")}},
      {.name = "Slice", .arguments = {tensor("input"), integers("begin"), integers("size")}},
      {.name = "SliceExt",
       .was = "SliceExtView",
       .arguments = {tensor("input"), integer("dim"), integer("start"), integer("end"), integer("step", whole(1))}},
      {.name = "StridedSlice",
       .arguments = {tensor("input"), integers("begin"), integers("end"), integers("strides"),
                     integer("begin_mask", whole(0)), integer("end_mask", whole(0)), integer("ellipsis_mask", whole(0)),
                     integer("new_axis_mask", whole(0)), integer("shrink_axis_mask", whole(0))}},
  };
}

}  // namespace ckpt::graph

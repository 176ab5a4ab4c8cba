#include "table.h"

namespace ckpt::graph {

std::vector<Op> pad_ops() {
  const auto around = [] { return std::vector<Argument>{tensor("input"), integers("padding")}; };
  return {
      {.name = "BatchToSpace", .arguments = {tensor("x"), integer("block_size"), int_lists("crops")}},
      {.name = "ConstantPadND", .arguments = {tensor("input"), integers("padding"), number("value", 0.0)}},
      {.name = "DepthToSpace",
       .arguments = {tensor("x"), integer("block_size"), text("format", words("NCHW"), "data_format")}},
      {.name = "MirrorPad", .arguments = {tensor("x"), int_lists("paddings"), text("mode", words("reflect"))}},
      {.name = "Pad", .arguments = {tensor("x"), int_lists("paddings")}},
      {.name = "PadV3",
       .arguments = {tensor("x"), integers("paddings"), optional("constant_value"), text("mode", words("constant")),
                     flag("paddings_contiguous", true)}},
      {.name = "PixelShuffle", .arguments = {tensor("input"), integer("upscale_factor")}},
      {.name = "ReflectionPad1D", .arguments = around()},
      {.name = "ReflectionPad2D", .arguments = around()},
      {.name = "ReflectionPad3D", .arguments = around()},
      {.name = "ReplicationPad1D", .arguments = around()},
      {.name = "ReplicationPad2D", .arguments = around()},
      {.name = "ReplicationPad3D", .arguments = around()},
      {.name = "SpaceToBatch", .arguments = {tensor("x"), integer("block_size"), int_lists("paddings")}},
      {.name = "SpaceToDepth",
       .arguments = {tensor("x"), integer("block_size"), text("format", words("NCHW"), "data_format")}},
  };
}

}  // namespace ckpt::graph

#include "table.h"

namespace ckpt::graph {

std::vector<Op> resize_ops() {
  const auto resize = [] {
    return std::vector<Argument>{tensor("image"), per_axis("size", 2), flag("align_corners", false),
                                 flag("half_pixel_centers", false)};
  };
  return {
      {.name = "ResizeBilinearV2", .was = "ResizeBilinear", .arguments = resize()},
      {.name = "ResizeNearestNeighborV2", .was = "ResizeNearestNeighbor", .arguments = resize()},
      {.name = "UpsampleBilinear2D",
       .arguments = {tensor("x"), integers("output_size", None{}), integers("scales", None{}),
                     flag("align_corners", false)}},
      {.name = "UpsampleNearest2D",
       .arguments = {tensor("x"), integers("output_size", None{}), integers("scales", None{})}},
  };
}

}  // namespace ckpt::graph

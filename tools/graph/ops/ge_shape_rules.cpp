#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ops/ge_steps.h"

// Shapes, indices, pads and boxes.
namespace ckpt::graph::ascend {
namespace {

// ---- shapes ----

Status reshape_node(const NodeView& node, Target& target) {
  auto shape = asks(node.integers("shape")) ? one_unknown(node.result_type().dims) : node.integers("shape");
  if (!shape) return shape.error();
  return with_operand(node, target, "Reshape", vector(target, *shape));
}

Status broadcast_to(const NodeView& node, Target& target) {
  const auto sizes = settled(node, node.integers("shape"));
  if (!sizes) return sizes.error();
  if (asks(*sizes)) return refuse("a size that the network asks for");  // -1 is the input's own
  auto shape = one_unknown(node.result_type().dims);
  if (!shape) return shape.error();
  return with_operand(node, target, "BroadcastTo", vector(target, *shape));
}

Status expand_dims(const NodeView& node, Target& target) {
  return with_operand(node, target, "ExpandDims", whole_number(target, node.integer("axis")));
}

Status squeeze_node(const NodeView& node, Target& target) {
  return emit(node, target, "Squeeze", {{"axis", node.integers("axis")}});
}

Status transpose_node(const NodeView& node, Target& target) {
  return emit(node, target, "TransposeD", {{"perm", node.integers("dims")}});
}

Status tile(const NodeView& node, Target& target) {
  if (node.integers("dims").size() != node.type(0).dims.size()) return refuse("dims are not as many as the input has");
  auto multiples = settled(node, node.integers("dims"));
  if (!multiples) return multiples.error();
  if (asks(*multiples)) return refuse("a multiple that the network asks for");
  return emit_on(node, target, "TileD", {in(node, target, 0)}, {{"multiples", *multiples}});
}

Status concat(const NodeView& node, Target& target) {
  return emit(node, target, "ConcatD",
              {{"concat_dim", node.integer("axis")}, {"N", static_cast<std::int64_t>(node.input_count())}});
}

Status stack(const NodeView& node, Target& target) {
  return emit(node, target, "Pack",
              {{"axis", node.integer("axis")}, {"N", static_cast<std::int64_t>(node.input_count())}});
}

Status split_node(const NodeView& node, Target& target) {
  return emit(node, target, "SplitD", {{"split_dim", node.integer("axis")}, {"num_split", node.integer("output_num")}});
}

Status unstack(const NodeView& node, Target& target) {
  return emit(node, target, "Unpack",
              {{"num", static_cast<std::int64_t>(node.node().outputs.size())}, {"axis", node.integer("axis")}});
}

Status slice_node(const NodeView& node, Target& target) {
  return emit(node, target, "SliceD", {{"offsets", node.integers("begin")}, {"size", node.integers("size")}});
}

Status strided_slice(const NodeView& node, Target& target) {
  std::vector<Ref> inputs{in(node, target, 0)};
  for (const char* name : {"begin", "end", "strides"}) {
    auto operand = vector(target, node.integers(name));
    if (!operand) return operand.error();
    inputs.push_back(*operand);
  }
  return emit_on(node, target, "StridedSlice", std::move(inputs),
                 {{"begin_mask", node.integer("begin_mask")},
                  {"end_mask", node.integer("end_mask")},
                  {"ellipsis_mask", node.integer("ellipsis_mask")},
                  {"new_axis_mask", node.integer("new_axis_mask")},
                  {"shrink_axis_mask", node.integer("shrink_axis_mask")}});
}

Status reverse(const NodeView& node, Target& target) {
  return emit(node, target, "ReverseV2D", {{"axis", node.integers("axis")}});
}

// ---- indices ----

Status gather(const NodeView& node, Target& target) {
  const std::int64_t batch = node.integer("batch_dims");
  if (batch == 0) return emit(node, target, "GatherV2D", {{"axis", node.integer("axis")}});
  auto axis = whole_number(target, node.integer("axis"));
  if (!axis) return axis.error();
  std::vector<Ref> inputs = inputs_of(node, target);
  inputs.push_back(*axis);
  return emit_on(node, target, "GatherV2", std::move(inputs), {{"batch_dims", batch}});
}

Status tensor_scatter_update(const NodeView& node, Target& target) {
  if (node.type(0).dtype != node.type(2).dtype) return refuse("updates of another type");
  return emit(node, target, "TensorScatterUpdate");
}

Status gather_d(const NodeView& node, Target& target) {
  return emit(node, target, "GatherElements", {{"dim", node.integer("dim")}});
}

Status one_hot(const NodeView& node, Target& target) {
  auto depth = whole_number(target, node.integer("depth"));
  if (!depth) return depth.error();
  const std::vector<Ref> inputs = inputs_of(node, target);
  return emit_on(node, target, "OneHot", {inputs[0], *depth, inputs[1], inputs[2]}, {{"axis", node.integer("axis")}});
}

// ---- pads, resizes, blocks ----

Status pad(const NodeView& node, Target& target) {
  return emit(node, target, "PadD", {{"paddings", node.int_lists("paddings")}});
}

Status mirror_pad(const NodeView& node, Target& target) {
  Ints flat;
  for (const Ints& pair : node.int_lists("paddings")) flat.insert(flat.end(), pair.begin(), pair.end());
  const auto rank = static_cast<std::int64_t>(node.int_lists("paddings").size());
  if (flat.size() != 2 * node.int_lists("paddings").size()) return refuse("paddings are not pairs");
  return with_operand(node, target, "MirrorPad", numbers(target, flat, {rank, 2}),
                      {{"mode", upper(node.text("mode"))}});
}

template <Name kType>
Status resize(const NodeView& node, Target& target) {
  return emit(node, target, kType.view(),
              {{"size", node.integers("size")},
               {"align_corners", node.flag("align_corners")},
               {"half_pixel_centers", node.flag("half_pixel_centers")}});
}

template <Name kType>
Status blocks(const NodeView& node, Target& target) {
  if (auto status = want_format(node, kNchw); !status) return status;
  return emit(node, target, kType.view(), {{"block_size", node.integer("block_size")}, {"data_format", kNchw}});
}

template <Name kType, Name kPads>
Status batch_blocks(const NodeView& node, Target& target) {
  Ints flat;
  for (const Ints& pair : node.int_lists(kPads.view())) flat.insert(flat.end(), pair.begin(), pair.end());
  return emit(node, target, kType.view(), {{"block_size", node.integer("block_size")}, {kPads.view(), flat}});
}

// ---- boxes, and rows that go where their numbers say ----

std::vector<float> as_floats(const Doubles& values) { return {values.begin(), values.end()}; }

Status encode_box(const NodeView& node, Target& target) {
  return emit(node, target, "BoundingBoxEncode",
              {{"means", as_floats(node.numbers("means"))}, {"stds", as_floats(node.numbers("stds"))}});
}

Status decode_box(const NodeView& node, Target& target) {
  return emit(node, target, "BoundingBoxDecode",
              {{"means", as_floats(node.numbers("means"))},
               {"stds", as_floats(node.numbers("stds"))},
               {"max_shape", node.integers("max_shape")},
               {"wh_ratio_clip", as_float(node, "wh_ratio_clip")}});
}

Status iou(const NodeView& node, Target& target) { return emit(node, target, "Iou", {{"mode", node.text("mode")}}); }

Status nms(const NodeView& node, Target& target) {
  return emit(node, target, "NMSWithMask", {{"iou_threshold", as_float(node, "iou_threshold")}});
}

Status roi_align(const NodeView& node, Target& target) {
  return emit(node, target, "ROIAlign",
              {{"spatial_scale", as_float(node, "spatial_scale")},
               {"pooled_height", node.integer("pooled_height")},
               {"pooled_width", node.integer("pooled_width")},
               {"sample_num", node.integer("sample_num")},
               {"roi_end_mode", node.integer("roi_end_mode")}});
}

Status scatter_nd(const NodeView& node, Target& target) {
  return emit(node, target, "ScatterNdD", {{"shape", node.integers("shape")}});
}

Status segment_sum(const NodeView& node, Target& target) {
  return emit(node, target, "UnsortedSegmentSumD", {{"num_segments", node.integer("num_segments")}});
}

Status segment_min(const NodeView& node, Target& target) {
  auto count = whole_number(target, node.integer("num_segments"));
  if (!count) return count.error();
  std::vector<Ref> inputs = inputs_of(node, target);
  inputs.push_back(*count);
  return emit_on(node, target, "UnsortedSegmentMin", std::move(inputs));
}

constexpr NamedGeRule kShapeRules[] = {
    {"BatchToSpace", batch_blocks<"BatchToSpaceD", "crops">},
    {"BoundingBoxDecode", decode_box},
    {"BoundingBoxEncode", encode_box},
    {"BroadcastTo", broadcast_to},
    {"CheckValid", same_inputs<"CheckValid">},
    {"Concat", concat},
    {"DepthToSpace", blocks<"DepthToSpace">},
    {"Diag", same_inputs<"Diag">},
    {"DiagPart", same_inputs<"DiagPart">},
    {"ExpandDims", expand_dims},
    {"Flatten", same_inputs<"Flatten">},
    {"Gather", gather},
    {"GatherD", gather_d},
    {"GatherNd", same_inputs<"GatherNd">},
    {"IOU", iou},
    {"Identity", same_inputs<"Identity">},
    {"MirrorPad", mirror_pad},
    {"NMSWithMask", nms},
    {"OneHot", one_hot},
    {"Pad", pad},
    {"ROIAlign", roi_align},
    {"Reshape", reshape_node},
    {"ResizeBilinearV2", resize<"ResizeBilinearV2D">},
    {"ResizeNearestNeighborV2", resize<"ResizeNearestNeighborV2D">},
    {"ReverseV2", reverse},
    {"ScatterNd", scatter_nd},
    {"Slice", slice_node},
    {"SpaceToBatch", batch_blocks<"SpaceToBatchD", "paddings">},
    {"SpaceToDepth", blocks<"SpaceToDepth">},
    {"Split", split_node},
    {"Squeeze", squeeze_node},
    {"Stack", stack},
    {"StridedSlice", strided_slice},
    {"TensorScatterUpdate", tensor_scatter_update},
    {"Tile", tile},
    {"Transpose", transpose_node},
    {"UnsortedSegmentMin", segment_min},
    {"UnsortedSegmentSum", segment_sum},
    {"Unstack", unstack},
};

}  // namespace

std::span<const NamedGeRule> shape_rules() { return kShapeRules; }

}  // namespace ckpt::graph::ascend

#include <cmath>

#include "rules.h"
#include "table.h"

namespace ckpt::graph {

namespace {

// Boxes are rows of (left, top, right, bottom), and a box of one pixel has both edges at the same place: its width is
// right - left + 1.

Status want_rows(const NodeView& node, std::size_t input, std::int64_t columns) {
  const Dims& dims = node.type(input).dims;
  if (dims.size() == 2 && unify(dims[1], Dim(columns))) return {};
  return refuse("its input " + std::to_string(input) + " is " + to_string(node.type(input)) + ", not rows of " +
                std::to_string(columns));
}

/// Some columns of rows.
Ref columns(Target& target, Ref rows, const Type& type, std::int64_t first, std::int64_t count) {
  return slice(target, rows, {first}, {first + count}, {1}, {1}, {type.dtype, {type.dims[0], Dim(count)}});
}

// ---- two boxes ----

Types iou_types(const NodeView& node) {
  for (const std::size_t i : {0U, 1U}) {
    if (auto status = want_rows(node, i, 4); !status) return status.error();
  }
  return std::vector<Type>{{node.type(0).dtype, {node.type(1).dims[0], node.type(0).dims[0]}}};
}

/// A row for each box of the second input, a column for each of the first.
Status iou(const NodeView& node, Target& target) {
  const std::string& mode = node.text("mode");
  if (mode != "iou" && mode != "iof") return refuse("mode " + mode);
  const Type& a = node.type(0);
  const Type& b = node.type(1);
  Chain along(target, {a.dtype, {Dim(1), a.dims[0]}}), down(target, {a.dtype, {b.dims[0], Dim(1)}});
  Chain all(target, node.result_type());
  const Ref across = transpose(target, in(node, target, 0), {1, 0}, {a.dtype, {Dim(4), a.dims[0]}});
  std::vector<Ref> first, second;
  for (std::int64_t i = 0; i < 4; ++i) {
    first.push_back(slice(target, across, {i}, {i + 1}, {0}, {1}, {a.dtype, {Dim(1), a.dims[0]}}));
    second.push_back(columns(target, in(node, target, 1), b, i, 1));
  }
  const Ref one = all.number(1), zero = all.number(0);
  const auto extent = [&](Chain& chain, Ref begin, Ref end) { return chain("Add", {chain("Sub", {end, begin}), one}); };
  const auto shared = [&](std::size_t low, std::size_t high) {
    const Ref begin = all("Max", {first[low], second[low]}), end = all("Min", {first[high], second[high]});
    return all("Max", {extent(all, begin, end), zero});
  };
  const auto area = [&](Chain& chain, const std::vector<Ref>& box) {
    return chain("Mul", {extent(chain, box[0], box[2]), extent(chain, box[1], box[3])});
  };
  const Ref both = all("Mul", {shared(0, 2), shared(1, 3)});
  Ref of = area(down, second);
  if (mode == "iou") of = all("Sub", {all("Add", {area(along, first), of}), both});
  target.result(0, target.add("Div", {both, of}));
  return {};
}

Types check_valid_types(const NodeView& node) {
  if (auto status = want_rows(node, 0, 4); !status) return status.error();
  const Dims& metas = node.type(1).dims;
  if (metas.size() != 1 || !unify(metas[0], Dim(3))) return refuse("img_metas is " + to_string(node.type(1)));
  return std::vector<Type>{{DType::boolean, {node.type(0).dims[0]}}};
}

/// Inside of an image, whose height, width and scale are given.
Status check_valid(const NodeView& node, Target& target) {
  const Type& type = node.type(0);
  Chain number(target, {type.dtype, {Dim(1)}}), edge(target, {DType::boolean, {type.dims[0], Dim(1)}});
  const Ref boxes = in(node, target, 0), metas = in_as(node, target, 1, type.dtype);
  const auto meta = [&](std::int64_t i) {
    return slice(target, metas, {i}, {i + 1}, {0}, {1}, {type.dtype, {Dim(1)}});
  };
  const auto limit = [&](std::int64_t i) {
    return number("Sub", {number("Mul", {meta(i), meta(2)}), number.number(1)});
  };
  const auto at_least = [&](std::int64_t i) {
    return edge("GreaterOrEqual", {columns(target, boxes, type, i, 1), number.number(0)});
  };
  const auto at_most = [&](std::int64_t i, Ref most) {
    return edge("LessOrEqual", {columns(target, boxes, type, i, 1), most});
  };
  const Ref low = edge("And", {at_least(0), at_least(1)});
  const Ref high = edge("And", {at_most(2, limit(1)), at_most(3, limit(0))});
  target.result(0, squeeze(target, edge("And", {low, high}), {1}));
  return {};
}

// ---- boxes as what they differ from others by ----

Types box_types(const NodeView& node) {
  for (const std::size_t i : {0U, 1U}) {
    if (auto status = want_rows(node, i, 4); !status) return status.error();
  }
  return same(node);
}

Result<Ref> four(const NodeView& node, Target& target, std::string_view name) {
  const Doubles& values = node.numbers(name);
  if (values.size() != 4) return refuse(std::string(name) + " are not four numbers");
  return vector_of(target, node.type(0).dtype, values);
}

/// Middle and size of boxes, each a pair of columns.
struct Middle {
  Ref at = 0, size = 0;
};
Middle middle_of(Chain& pair, Target& target, Ref boxes, const Type& type) {
  const Ref begin = columns(target, boxes, type, 0, 2), end = columns(target, boxes, type, 2, 2);
  return {.at = pair("Mul", {pair("Add", {begin, end}), pair.number(0.5)}),
          .size = pair("Add", {pair("Sub", {end, begin}), pair.number(1)})};
}

Status encode_box(const NodeView& node, Target& target) {
  const Type& type = node.type(0);
  auto means = four(node, target, "means"), stds = four(node, target, "stds");
  if (!means || !stds) return means ? stds.error() : means.error();
  Chain pair(target, {type.dtype, {type.dims[0], Dim(2)}}), all(target, type);
  const Middle from = middle_of(pair, target, in(node, target, 0), type);
  const Middle to = middle_of(pair, target, in(node, target, 1), node.type(1));
  const Ref moved = pair("Div", {pair("Sub", {to.at, from.at}), from.size});
  const Ref grown = pair("Log", {pair("Div", {to.size, from.size})});
  const Ref both = all("Concat", {moved, grown}, {{"axis", std::int64_t{1}}});
  target.result(0, target.add("Div", {all("Sub", {both, *means}), *stds}));
  return {};
}

Status decode_box(const NodeView& node, Target& target) {
  const Type& type = node.type(0);
  auto means = four(node, target, "means"), stds = four(node, target, "stds");
  if (!means || !stds) return means ? stds.error() : means.error();
  const Ints& most = node.integers("max_shape");
  const double clip = std::abs(std::log(node.number("wh_ratio_clip")));
  if (most.size() != 2) return refuse("max_shape is not two numbers");
  if (!std::isfinite(clip)) return refuse("wh_ratio_clip is not above zero");
  Chain pair(target, {type.dtype, {type.dims[0], Dim(2)}}), all(target, type);
  const Middle from = middle_of(pair, target, in(node, target, 0), type);
  const Ref deltas = all("Add", {all("Mul", {in(node, target, 1), *stds}), *means});
  const Ref low = pair("Max", {columns(target, deltas, type, 2, 2), pair.number(-clip)});
  const Ref size = pair("Mul", {from.size, pair("Exp", {pair("Min", {low, pair.number(clip)})})});
  const Ref at = pair("Add", {from.at, pair("Mul", {from.size, columns(target, deltas, type, 0, 2)})});
  const Ref half = pair("Mul", {pair("Sub", {size, pair.number(1)}), pair.number(0.5)});
  const Ref both = all("Concat", {pair("Sub", {at, half}), pair("Add", {at, half})}, {{"axis", std::int64_t{1}}});
  const auto height = static_cast<double>(most[0]), width = static_cast<double>(most[1]);
  const Ref edges = vector_of(target, type.dtype, {width, height, width, height});
  target.result(0, target.add("Min", {all("Max", {both, all.number(0)}), edges}));
  return {};
}

// ---- regions of an image ----

Types roi_align_types(const NodeView& node) {
  if (auto status = want_rank(node, 0, 4); !status) return status.error();
  if (auto status = want_rows(node, 1, 5); !status) return status.error();
  const std::int64_t height = node.integer("pooled_height"), width = node.integer("pooled_width");
  if (height <= 0 || width <= 0) return refuse("pooled_height or pooled_width");
  const Type& features = node.type(0);
  return std::vector<Type>{{features.dtype, {node.type(1).dims[0], features.dims[1], Dim(height), Dim(width)}}};
}

/// A region is the number of its image and a box.
Status roi_align(const NodeView& node, Target& target) {
  const std::int64_t samples = node.integer("sample_num"), mode = node.integer("roi_end_mode");
  const double scale = node.number("spatial_scale");
  if (samples <= 0) return refuse("sample_num " + std::to_string(samples) + ": ONNX counts samples otherwise");
  if ((mode != 0 && mode != 1) || !(scale > 0)) return refuse("roi_end_mode or spatial_scale");
  // With mode 1 the last pixel is inside, and a region may be smaller than a pixel: that ONNX allows only where pixels
  // are counted from their middles, which half a pixel more makes good.
  if (mode == 1 && target.opset() < 16) return refuse("roi_end_mode 1 before opset 16");
  const Type& rois = node.type(1);
  Chain box(target, {rois.dtype, {rois.dims[0], Dim(4)}});
  const Ref rows = in(node, target, 1);
  Ref boxes = columns(target, rows, rois, 1, 4);
  const double half = 0.5 / scale;
  if (mode == 1) boxes = box("Add", {boxes, vector_of(target, rois.dtype, {half, half, 1 + half, 1 + half})});
  const Ref image = squeeze(target, columns(target, rows, rois, 0, 1), {1}, {rois.dtype, {rois.dims[0]}});
  NamedAttrs attrs{{"output_height", node.integer("pooled_height")},
                   {"output_width", node.integer("pooled_width")},
                   {"sampling_ratio", samples},
                   {"spatial_scale", static_cast<float>(scale)}};
  const std::string count = mode == 1 ? "half_pixel" : "output_half_pixel";  // what it was before it had a name
  if (target.opset() >= 16) attrs.insert(attrs.begin(), {"coordinate_transformation_mode", count});
  target.result(0,
                target.add("RoiAlign", {in(node, target, 0), boxes, cast(target, image, DType::int64, {rois.dims[0]})},
                           std::move(attrs)));
  return {};
}

Types nms_types(const NodeView& node) {
  if (auto status = want_rows(node, 0, 5); !status) return status.error();
  const Dim& count = node.type(0).dims[0];
  return std::vector<Type>{node.type(0), {DType::int32, {count}}, {DType::boolean, {count}}};
}

/// Boxes with their scores, the best first; of those that overlap a better one the mask is false.
Status nms_with_mask(const NodeView& node, Target& target) {
  const Type& type = node.type(0);
  const Dim& rows = type.dims[0];
  const Ref boxes = in(node, target, 0);
  Ref count = rows.known() ? target.constant(Ints{rows.size}) : Target::kNothing;
  if (!rows.known()) {
    const Ref shape = target.add("Shape", {boxes}, {}, {DType::int64, {Dim(2)}});
    count = slice(target, shape, {0}, {1}, {0}, {1}, {DType::int64, {Dim(1)}});
  }
  const Ref scores = squeeze(target, columns(target, boxes, type, 4, 1), {1}, {type.dtype, {rows}});
  const std::vector<Ref> order = target.add_many("TopK", {scores, count}, 2, {{"axis", std::int64_t{0}}});
  const Ref sorted = target.add("Gather", {boxes, order[1]}, {{"axis", std::int64_t{0}}}, type);
  const Ref corners = unsqueeze(target, columns(target, sorted, type, 0, 4), {0}, {type.dtype, {Dim(1), rows, Dim(4)}});
  const Ref ranks = unsqueeze(target, order[0], {0, 1}, {type.dtype, {Dim(1), Dim(1), rows}});
  const Ref least = vector_of(target, DType::float32, {node.number("iou_threshold")});
  const Ref chosen =
      target.add("NonMaxSuppression", {corners, ranks, count, least}, {}, {DType::int64, {Dim(), Dim(3)}});
  const Ref places = slice(target, chosen, {2}, {3}, {1}, {1}, {DType::int64, {Dim(), Dim(1)}});
  const Ref yes = squeeze(target, target.add("Equal", {places, places}, {}, {DType::boolean, {Dim(), Dim(1)}}), {1},
                          {DType::boolean, {Dim()}});
  const Ref none = target.add("Expand", {target.scalar(0, DType::boolean), count}, {}, {DType::boolean, {rows}});
  target.result(0, sorted);
  const Ref from = target.scalar(0, DType::int64), step = target.scalar(1, DType::int64);
  const Ref numbers =
      target.add("Range", {from, squeeze(target, count, {0}, {DType::int64, {}}), step}, {}, {DType::int64, {rows}});
  target.result(1, cast(target, numbers, DType::int32, {rows}));
  target.result(2, target.add("ScatterND", {none, places, yes}));
  return {};
}

}  // namespace

std::vector<Op> detection_ops() {
  const auto four_numbers = [](double value) { return Doubles(4, value); };
  return {
      {.name = "BoundingBoxDecode",
       .arguments = {tensor("anchor_box"), tensor("deltas"), integers("max_shape"), numbers("means", four_numbers(0)),
                     numbers("stds", four_numbers(1)), number("wh_ratio_clip", 0.016)},
       .infer = box_types,
       .to_onnx = decode_box},
      {.name = "BoundingBoxEncode",
       .arguments = {tensor("anchor_box"), tensor("groundtruth_box"), numbers("means", four_numbers(0)),
                     numbers("stds", four_numbers(1))},
       .infer = box_types,
       .to_onnx = encode_box},
      {.name = "CheckValid",
       .arguments = {tensor("bboxes"), tensor("img_metas")},
       .infer = check_valid_types,
       .to_onnx = check_valid},
      {.name = "IOU",
       .arguments = {tensor("anchor_boxes"), tensor("gt_boxes"), text("mode", words("iou"))},
       .infer = iou_types,
       .to_onnx = iou},
      {.name = "NMSWithMask",
       .arguments = {tensor("bboxes"), number("iou_threshold", 0.5)},
       .infer = nms_types,
       .to_onnx = nms_with_mask},
      {.name = "ROIAlign",
       .arguments = {tensor("features"), tensor("rois"), integer("pooled_height"), integer("pooled_width"),
                     number("spatial_scale"), integer("sample_num", whole(2)), integer("roi_end_mode", whole(1))},
       .infer = roi_align_types,
       .to_onnx = roi_align},
  };
}

}  // namespace ckpt::graph

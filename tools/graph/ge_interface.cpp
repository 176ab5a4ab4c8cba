#include "ge_interface.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

namespace ckpt::graph {
namespace {

// Names of ports and attributes, separated by spaces. `?` behind an input: optional; `*`: any number. An attribute
// with `=` is written with that value unless a rule gives another; a number with a point is a Float.
struct Row {
  std::string_view type, inputs, outputs, attributes;
};

constexpr Row kRows[] = {
    {"Abs", "x", "y", ""},
    {"Acos", "x", "y", ""},
    {"Acosh", "x", "y", ""},
    {"Add", "x1 x2", "y", ""},
    {"AddN", "x*", "y", "N"},
    {"ArgMaxD", "x", "y", "dimension dtype"},
    {"ArgMaxWithValue", "x", "indice values", "dimension keep_dims"},
    {"ArgMinD", "x", "y", "dimension dtype"},
    {"ArgMinWithValue", "x", "indice values", "dimension keep_dims"},
    {"Asin", "x", "y", ""},
    {"Asinh", "x", "y", ""},
    {"Atan", "x", "y", ""},
    {"Atan2", "x1 x2", "y", ""},
    {"Atanh", "x", "y", ""},
    {"AvgPool", "x", "y", "ksize strides padding data_format"},
    {"AvgPool3D", "x", "y", "ksize strides pads ceil_mode count_include_pad divisor_override data_format"},
    {"AvgPoolV2", "x", "y", "ksize strides padding_mode pads data_format global_pooling ceil_mode exclusive"},
    {"BatchMatMul", "x1 x2", "y", "adj_x1 adj_x2"},
    {"BatchNorm", "x scale offset mean? variance?", "y batch_mean batch_variance reserve_space_1 reserve_space_2",
     "epsilon data_format is_training"},
    {"BatchToSpaceD", "x", "y", "block_size crops"},
    {"BiasAdd", "x bias", "y", "data_format"},
    {"BitwiseAnd", "x1 x2", "y", ""},
    {"BitwiseOr", "x1 x2", "y", ""},
    {"BitwiseXor", "x1 x2", "y", ""},
    {"BoundingBoxDecode", "rois deltas", "bboxes", "means stds max_shape wh_ratio_clip"},
    {"BoundingBoxEncode", "anchor_box ground_truth_box", "delats", "means stds"},
    {"BroadcastTo", "x shape", "y", ""},
    {"Cast", "x", "y", "dst_type truncate=false"},
    {"Ceil", "x", "y", ""},
    {"CheckValid", "bbox_tensor img_metas", "valid_tensor", ""},
    {"ConcatD", "x*", "y", "concat_dim N"},
    {"Const", "", "y", "value"},
    {"Conv2D", "x filter bias? offset_w?", "y", "strides pads dilations groups data_format offset_x=0"},
    {"Conv2DBackpropInputD", "filter out_backprop", "y", "input_size strides pads dilations groups data_format"},
    {"Conv3D", "x filter bias? offset_w?", "y", "strides pads dilations groups data_format offset_x=0"},
    {"Cos", "x", "y", ""},
    {"Cosh", "x", "y", ""},
    {"CumprodD", "x", "y", "axis exclusive reverse"},
    {"CumsumD", "x", "y", "axis exclusive reverse"},
    {"Data", "x", "y", "index"},
    {"DepthToSpace", "x", "y", "block_size data_format"},
    {"DepthwiseConv2D", "x filter bias? offset_w?", "y", "strides dilations pads data_format offset_x=0"},
    {"Diag", "x", "y", ""},
    {"DiagPart", "x", "y", ""},
    {"DynamicRNN", "x w b seq_length? init_h? init_c? wci? wcf? wco? mask?", "y output_h output_c i j f o tanhc",
     "cell_type direction cell_depth use_peephole keep_prob cell_clip num_proj time_major activation forget_bias "
     "is_training"},
    {"Elu", "x", "y", "alpha"},
    {"Equal", "x1 x2", "y", ""},
    {"Erf", "x", "y", ""},
    {"Exp", "x", "y", "base=-1.0 scale=1.0 shift=0.0"},
    {"ExpandDims", "x axis", "y", ""},
    {"Expm1", "x", "y", ""},
    {"Flatten", "x", "y", "axis=1"},
    {"Floor", "x", "y", ""},
    {"FloorDiv", "x1 x2", "y", ""},
    {"FloorMod", "x1 x2", "y", ""},
    {"GatherElements", "x index", "y", "dim"},
    {"GatherNd", "x indices", "y", ""},
    {"GatherV2", "x indices axis", "y", "batch_dims"},
    {"GatherV2D", "x indices", "y", "axis"},
    {"Gelu", "x", "y", ""},
    {"Greater", "x1 x2", "y", ""},
    {"GreaterEqual", "x1 x2", "y", ""},
    {"HardSigmoid", "input_x", "output_y", "alpha beta"},
    {"Identity", "x", "y", ""},
    {"Iou", "bboxes gtboxes", "overlap", "mode"},
    {"L2Loss", "x", "y", ""},
    {"L2Normalize", "x", "y", "axis eps"},
    {"LRN", "x", "y", "depth_radius bias alpha beta norm_region"},
    {"LayerNorm", "x gamma beta", "y mean variance", "begin_norm_axis begin_params_axis epsilon"},
    {"LeakyRelu", "x", "y", "negative_slope"},
    {"Less", "x1 x2", "y", ""},
    {"LessEqual", "x1 x2", "y", ""},
    {"Log", "x", "y", "base scale shift"},
    {"Log1p", "x", "y", ""},
    {"LogSoftmaxV2", "logits", "logsoftmax", "axes"},
    {"LogicalAnd", "x1 x2", "y", ""},
    {"LogicalNot", "x", "y", ""},
    {"LogicalOr", "x1 x2", "y", ""},
    {"LpNorm", "x", "y", "p axes keepdim epsilon"},
    {"MatMul", "x1 x2 bias?", "y", "transpose_x1 transpose_x2"},
    {"MaxPool", "x", "y", "ksize strides padding data_format"},
    {"MaxPool3D", "x", "y", "ksize strides padding pads dilation ceil_mode data_format"},
    {"MaxPoolV3", "x", "y", "ksize strides padding_mode pads data_format global_pooling ceil_mode"},
    {"Maximum", "x1 x2", "y", ""},
    {"Minimum", "x1 x2", "y", ""},
    {"MirrorPad", "x paddings", "y", "mode"},
    {"Mish", "x", "y", ""},
    {"Mod", "x1 x2", "y", ""},
    {"Mul", "x1 x2", "y", ""},
    {"NMSWithMask", "box_scores", "selected_boxes selected_idx selected_mask", "iou_threshold"},
    {"Neg", "x", "y", ""},
    {"NotEqual", "x1 x2", "y", ""},
    {"OneHot", "x depth on_value off_value", "y", "axis"},
    {"OnesLike", "x", "y", ""},
    {"PRelu", "x weight", "y", ""},
    {"Pack", "x*", "y", "axis N"},
    {"PadD", "x", "y", "paddings"},
    {"Pow", "x1 x2", "y", ""},
    {"ROIAlign", "features rois rois_n?", "y", "spatial_scale pooled_height pooled_width sample_num roi_end_mode"},
    {"RealDiv", "x1 x2", "y", ""},
    {"Reciprocal", "x", "y", ""},
    {"ReduceAllD", "x", "y", "axes keep_dims"},
    {"ReduceAnyD", "x", "y", "axes keep_dims"},
    {"ReduceMaxD", "x", "y", "axes keep_dims"},
    {"ReduceMeanD", "x", "y", "axes keep_dims"},
    {"ReduceMinD", "x", "y", "axes keep_dims"},
    {"ReduceProdD", "x", "y", "axes keep_dims"},
    {"ReduceSumD", "x", "y", "axes keep_dims"},
    {"Relu", "x", "y", ""},
    {"Relu6", "x", "y", ""},
    {"Reshape", "x shape", "y", "axis=0 num_axes=-1"},
    {"ResizeBilinearV2D", "x", "y", "align_corners half_pixel_centers size"},
    {"ResizeNearestNeighborV2D", "x", "y", "size align_corners half_pixel_centers"},
    {"ReverseV2D", "x", "y", "axis"},
    {"Round", "x", "y", ""},
    {"Rsqrt", "x", "y", ""},
    {"ScatterNdD", "indices x", "y", "shape"},
    {"Select", "condition x1 x2", "y", ""},
    {"Selu", "x", "y", ""},
    {"Sigmoid", "x", "y", ""},
    {"Sign", "x", "y", ""},
    {"Sin", "x", "y", ""},
    {"Sinh", "x", "y", ""},
    {"SliceD", "x", "y", "offsets size"},
    {"SoftmaxV2", "x", "y", "axes"},
    {"Softplus", "x", "y", ""},
    {"Softsign", "x", "y", ""},
    {"Sort", "x", "y1 y2", "axis descending"},
    {"SpaceToBatchD", "x", "y", "block_size paddings"},
    {"SpaceToDepth", "x", "y", "block_size data_format"},
    {"SplitD", "x", "y*", "split_dim num_split"},
    {"Sqrt", "x", "y", ""},
    {"Square", "x", "y", ""},
    {"SquareSumAll", "x1 x2", "y1 y2", ""},
    {"SquaredDifference", "x1 x2", "y", ""},
    {"Squeeze", "x", "y", "axis"},
    {"StridedSlice", "x begin end strides", "y", "begin_mask end_mask ellipsis_mask new_axis_mask shrink_axis_mask"},
    {"Sub", "x1 x2", "y", ""},
    {"Swish", "x", "y", "scale"},
    {"Tan", "x", "y", ""},
    {"Tanh", "x", "y", ""},
    {"TensorScatterUpdate", "x indices updates", "y", ""},
    {"TileD", "x", "y", "multiples"},
    {"TopK", "x k", "values indices", "sorted"},
    {"TransposeD", "x", "y", "perm"},
    {"Tril", "x", "y", "diagonal"},
    {"Triu", "x", "y", "diagonal"},
    {"TruncateDiv", "x1 x2", "y", ""},
    {"TruncateMod", "x1 x2", "y", ""},
    {"Unpack", "x", "y*", "num axis"},
    {"UnsortedSegmentMin", "x segment_ids num_segments", "y", ""},
    {"UnsortedSegmentSumD", "x segment_ids", "y", "num_segments"},
    {"Xlogy", "x1 x2", "y", ""},
    {"ZerosLike", "x", "y", ""},
};

template <class Use>
void each_word(std::string_view words, Use use) {
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    use(words.substr(0, end));
    words.remove_prefix(std::min(end + 1, words.size()));
  }
}

std::vector<GeOp::Port> ports(std::string_view words) {
  std::vector<GeOp::Port> list;
  each_word(words, [&](std::string_view word) {
    const bool marked = word.ends_with('?') || word.ends_with('*');
    list.push_back({.name = word.substr(0, word.size() - (marked ? 1 : 0)),
                    .optional = word.ends_with('?'),
                    .dynamic = word.ends_with('*')});
  });
  return list;
}

template <class Number>
Number number(std::string_view text) {
  Number value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Target::Attr value_of(std::string_view text) {
  if (text == "true" || text == "false") return text == "true";
  if (text.find('.') != std::string_view::npos) return number<float>(text);
  return number<std::int64_t>(text);
}

std::vector<GeOp::Attribute> attributes(std::string_view words) {
  std::vector<GeOp::Attribute> list;
  each_word(words, [&](std::string_view word) {
    const std::size_t equals = word.find('=');
    GeOp::Attribute attribute{.name = word.substr(0, equals)};
    if (equals != std::string_view::npos) attribute.fallback = value_of(word.substr(equals + 1));
    list.push_back(std::move(attribute));
  });
  return list;
}

}  // namespace

std::span<const GeOp> ge_ops() {
  static const std::vector<GeOp> table = [] {
    std::vector<GeOp> list;
    for (const Row& row : kRows) {
      list.push_back({row.type, ports(row.inputs), ports(row.outputs), attributes(row.attributes)});
    }
    return list;
  }();
  return table;
}

const GeOp* find_ge_op(std::string_view type) {
  const auto table = ge_ops();
  const auto at = std::ranges::lower_bound(table, type, {}, &GeOp::type);
  return at != table.end() && at->type == type ? &*at : nullptr;
}

}  // namespace ckpt::graph

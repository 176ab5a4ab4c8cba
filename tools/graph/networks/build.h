#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/checkpoint.h"
#include "graph.h"
#include "networks.h"

/// What the built-in networks are written with: cells and layers as MindSpore has them, under MindSpore's names.
namespace ckpt::graph {

/// Where in a network: what its parameters and its nodes have in front of their names.
struct Cell {
  std::string parameters = {};     ///< "layer1.0.conv1."
  std::string nodes = "Default/";  ///< "Default/layer1-SequentialCell/0-ResidualBlock/conv1-Conv2d/"

  Cell in(std::string_view name, std::string_view type) const;
  /// A cell that does not show in the names of its parameters (auto_prefix=False).
  Cell unnamed(std::string_view name, std::string_view type) const;
};

/// The convolution of nn.Conv2d: square kernels, the same stride both ways.
struct Conv {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t group = 1;
  std::string_view pad_mode = "same";
  std::int64_t pad = 0;  ///< with pad_mode "pad"
  bool bias = false;
};

/// A graph in the making, and the sizes that the checkpoint shows. The first thing that is wrong is kept in `error` and
/// makes the rest of no meaning.
class Net {
 public:
  /// `prefix` stands before the names of the checkpoint's weights, and not in the network's.
  Net(std::string_view name, const NetworkOptions& options, const Checkpoint* file, std::string prefix = {});

  const NetworkOptions& options() const noexcept { return options_; }
  /// Whether the checkpoint has it; without a checkpoint `fallback`.
  bool has(std::string_view parameter, bool fallback) const;
  /// Dimension `axis` of the parameter in the checkpoint; `fallback` where there is none.
  std::int64_t dim(std::string_view parameter, std::size_t axis, std::int64_t fallback) const;
  /// num_classes as asked for, or as many as `parameter` has rows.
  std::int64_t classes(std::string_view parameter, std::int64_t fallback) const;

  /// Channels of the images that are asked for; `usual` where nothing is.
  std::int64_t channels(std::int64_t usual) const;

  /// The network's input, Float32: options().input where it is given, which must have as many dimensions.
  ValueId input(Dims usual);
  ValueId parameter(std::string name, std::initializer_list<std::int64_t> dims);
  /// A node in a cell; the name of the primitive and a number are appended to the cell's.
  ValueId node(std::string_view op, const Cell& at, std::vector<ValueId> inputs, Attrs attrs = {});
  std::vector<ValueId> node_of_several(std::string_view op, const Cell& at, std::vector<ValueId> inputs,
                                       std::size_t results, Attrs attrs = {});

  ValueId conv2d(const Cell& at, ValueId x, const Conv& conv);
  ValueId batch_norm2d(const Cell& at, ValueId x, std::int64_t channels, double epsilon = 1e-5);
  ValueId dense(const Cell& at, ValueId x, std::int64_t in, std::int64_t out);
  ValueId max_pool2d(const Cell& at, ValueId x, std::int64_t kernel, std::int64_t stride, std::string_view pad_mode);
  ValueId relu(const Cell& at, ValueId x) { return node("ReLU", at, {x}); }
  /// `parts` equal parts along an axis.
  std::vector<ValueId> split(const Cell& at, ValueId x, std::int64_t axis, std::int64_t parts);
  /// A Float32 constant; asked for again by that name it is the same.
  ValueId scalar(std::string_view name, float value);

  void fail(std::string message);
  bool failed() const noexcept { return error_.has_value(); }
  /// The graph, with `x` as its output.
  Result<Graph> finish(ValueId x) &&;

 private:
  const NetworkOptions& options_;
  const TensorInfo* find(std::string_view parameter) const;

  const Checkpoint* file_;
  std::string prefix_;
  Graph graph_ = {};
  std::size_t next_ = 0;
  std::optional<Error> error_ = {};
};

// Each family; the name says which member.
Result<Graph> make_alexnet(Net net);
Result<Graph> make_lenet5(Net net);
Result<Graph> make_mlp(Net net);
Result<Graph> make_mobilenetv2(Net net);
Result<Graph> make_resnet18(Net net);
Result<Graph> make_resnet34(Net net);
Result<Graph> make_resnet50(Net net);
Result<Graph> make_resnet101(Net net);
Result<Graph> make_resnet152(Net net);
Result<Graph> make_transformer_encoder(Net net);
Result<Graph> make_vgg16(Net net);

}  // namespace ckpt::graph

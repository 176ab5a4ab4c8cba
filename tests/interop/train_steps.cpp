// Steps of training as tests/interop/training_graph_test.py tells them on standard input: our training graph, run by
// the naive reference in double precision. Prints the losses and the last logits; writes the parameters as a checkpoint
// and the graph as a graph.meta.
//
//   train_steps < {"network": a name or a MindIR, "input": [...], "classes", "checkpoint", "one_hot", "optimizer":
//   {...},
//                  "frozen", "images", "labels", "steps", "save", "meta"}
#include <ckpt/cast.h>
#include <ckpt/checkpoint.h>
#include <ckpt/writer.h>

#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "bind.h"
#include "input_spec.h"
#include "interop_support.h"
#include "meta_file.h"
#include "networks.h"
#include "op.h"
#include "read_graph.h"
#include "reference.h"
#include "training_graph.h"

namespace {

using nlohmann::json;
using namespace ckpt;
using graph::Graph;
using train::test::Array;
using train::test::Reference;

Graph network_from(const json& told) {
  const auto sizes = told["input"].get<graph::Ints>();
  const graph::Dims input(sizes.begin(), sizes.end());
  const auto name = told["network"].get<std::string>();
  const auto file =
      std::make_shared<const Checkpoint>(test::get(Checkpoint::open(told["checkpoint"].get<std::string>())));
  Graph network;
  if (name.ends_with(".mindir")) {
    auto read = test::get(graph::read_graph(name));
    if (!read.refusals.empty()) test::fail(read.refusals.list()[0].reason);
    network = std::move(read.graph);
    test::check(graph::apply_input_specs(network, std::vector{graph::InputSpec{.dims = input}}));
  } else {
    network =
        test::get(graph::make_network(name, {.num_classes = told["classes"].get<std::int64_t>(), .input = input}));
  }
  for (graph::Node& node : network.nodes) test::check(canonicalise(node));
  if (!infer_types(network).empty()) test::fail("types");
  if (const auto binding = graph::bind(network, file); !binding.complete()) test::fail("the checkpoint does not fit");
  return network;
}

train::TrainingOptions options_from(const json& told) {
  using Kind = train::Optimizer::Kind;
  train::TrainingOptions options;
  if (told.value("one_hot", false)) options.loss = train::Loss::softmax_cross_entropy;
  train::Optimizer& optimizer = options.optimizer;
  const json& from = told["optimizer"];
  const auto kind = from["kind"].get<std::string>();
  optimizer.kind = kind == "Momentum" ? Kind::momentum : kind == "SGD" ? Kind::sgd : Kind::adam;
  optimizer.learning_rate = from["learning_rate"].get<std::vector<double>>();
  optimizer.momentum = from.value("momentum", optimizer.momentum);
  optimizer.dampening = from.value("dampening", optimizer.dampening);
  optimizer.nesterov = from.value("nesterov", optimizer.nesterov);
  optimizer.weight_decay = from.value("weight_decay", optimizer.weight_decay);
  optimizer.loss_scale = from.value("loss_scale", optimizer.loss_scale);
  if (const std::string frozen = told.value("frozen", ""); !frozen.empty()) {
    options.frozen = [frozen](std::string_view name) { return name.starts_with(frozen); };
  }
  return options;
}

/// The file's bytes, one step behind the other.
std::vector<Array> batches(const std::string& path, const graph::Type& type, std::size_t steps) {
  std::ifstream file(path, std::ios::binary);
  graph::Ints dims;
  for (const graph::Dim& dim : type.dims) dims.push_back(dim.size);
  std::vector<Array> arrays(steps, train::test::zeros(dims));
  std::vector<std::byte> bytes(arrays.at(0).values.size() * size_of(type.dtype));
  CastCounts counts;
  for (Array& array : arrays) {
    if (!file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()))) test::fail(path);
    cast(type.dtype, bytes, DType::float64, std::as_writable_bytes(std::span(array.values)), counts);
  }
  return arrays;
}

void save(const std::string& path, const Graph& step, Reference& reference) {
  std::vector<std::vector<std::byte>> bytes;
  std::vector<Param> params;
  bytes.reserve(step.values.size());
  CastCounts counts;
  for (graph::ValueId id = 0; id < step.values.size(); ++id) {
    const graph::Value& value = step.value(id);
    if (value.kind != graph::ValueKind::parameter) continue;
    const Array& array = reference.value(id);
    bytes.emplace_back(array.values.size() * size_of(value.type.dtype));
    cast(DType::float64, std::as_bytes(std::span(array.values)), value.type.dtype, bytes.back(), counts);
    params.push_back(
        {.desc = {.name = value.name, .dtype = value.type.dtype, .dims = array.dims}, .bytes = bytes.back()});
  }
  test::check(save_checkpoint(path, params, {}, {.durable = false}));
}

}  // namespace

int main() {
  const json told = json::parse(std::cin);
  const auto text = [&](const char* name) { return told[name].get<std::string>(); };
  const Graph step = test::get(train::make_training_graph(network_from(told), options_from(told)));
  const auto steps = told["steps"].get<std::size_t>();
  Reference reference(step);
  json out{{"losses", json::array()}};
  if (steps > 0) {
    const auto images = batches(text("images"), step.value(step.inputs[0]).type, steps);
    const auto labels = batches(text("labels"), step.value(step.inputs[1]).type, steps);
    for (std::size_t i = 0; i < steps; ++i) {
      const auto outputs = reference.run({images[i], labels[i]});
      out["losses"].push_back(outputs[0].values[0]);
      out["logits"] = outputs[1].values;
    }
  }
  save(text("save"), step, reference);
  const auto meta = test::get(graph::to_meta(step));
  std::ofstream(text("meta"), std::ios::binary)
      .write(reinterpret_cast<const char*>(meta.data()), static_cast<std::streamsize>(meta.size()));
  std::cout << out << '\n';
  return 0;
}

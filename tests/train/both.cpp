#include "both.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <utility>

#include "ckpt/element.h"
#include "executor.h"
#include "parameters.h"
#include "reference.h"

namespace ckpt::train::test {
namespace {

std::vector<std::byte> bytes_of_numbers(DType dtype, const std::vector<double>& numbers) {
  std::vector<std::byte> bytes(numbers.size() * size_of(dtype));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto put = [&](auto value) { std::memcpy(bytes.data() + i * sizeof value, &value, sizeof value); };
    if (dtype == DType::float32) put(static_cast<float>(numbers[i]));
    if (dtype == DType::int32) put(static_cast<std::int32_t>(numbers[i]));
    if (dtype == DType::int64) put(static_cast<std::int64_t>(numbers[i]));
  }
  return bytes;
}

std::vector<double> numbers_of_bytes(DType dtype, std::span<const std::byte> bytes) {
  std::vector<double> numbers(bytes.size() / size_of(dtype));
  to_double(dtype, bytes, numbers);
  return numbers;
}

graph::Dims dims_of(const graph::Ints& dims) { return {dims.begin(), dims.end()}; }

/// What a run leaves: outputs in order, then parameters.
using Left = std::vector<std::vector<std::byte>>;

Result<Left> run_executor(const SmallGraph& small, const graph::Graph& graph, const ExecutorOptions& options) {
  auto parameters = Parameters::of(graph);
  if (!parameters) return parameters.error();
  auto executor = Executor::make(graph, *parameters, options);
  if (!executor) return executor.error();
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    const auto bytes = bytes_of_numbers(graph.value(graph.inputs[i]).type.dtype, small.inputs()[i]);
    EXPECT_EQ(executor->input(i).size(), bytes.size());
    std::memcpy(executor->input(i).data(), bytes.data(), bytes.size());
  }
  if (auto status = executor->run(); !status) return status.error();
  Left left;
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    const auto output = executor->output(i);
    left.emplace_back(output.begin(), output.end());
  }
  for (const NetParam& parameter : parameters->net_params()) {
    left.emplace_back(parameter.bytes.begin(), parameter.bytes.end());
  }
  return left;
}

void expect_close(const std::string& name, const std::vector<double>& is, const std::vector<double>& should,
                  double nmse) {
  ASSERT_EQ(is.size(), should.size()) << name;
  double error = 0, square = 0, worst = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < is.size(); ++i) {
    ASSERT_FALSE(std::isnan(is[i])) << name << " is no number at " << i << ", where it should be " << should[i];
    const double away = is[i] - should[i];
    if (std::abs(away) > worst) worst = std::abs(away), at = i;
    error += away * away;
    square += should[i] * should[i];
  }
  if (is.empty()) return;
  EXPECT_LE(error, nmse * square + 1e-14 * static_cast<double>(is.size()))
      << name << ": an error of " << error / square << " of the mean square; the worst at " << at << " of " << is.size()
      << ", " << is[at] << " where it should be " << should[at];
}

}  // namespace

std::vector<double> SmallGraph::numbers(const graph::Ints& dims, const Numbers& wanted) {
  if (!wanted.given.empty()) return wanted.given;
  std::vector<double> result = zeros(dims).values;
  std::uniform_real_distribution<float> draw(static_cast<float>(wanted.low), static_cast<float>(wanted.high));
  for (double& number : result) {
    number = static_cast<double>(draw(random_));
    if (wanted.dtype != DType::float32) number = std::floor(number);
  }
  return result;
}

graph::ValueId SmallGraph::input(graph::Ints dims, const Numbers& wanted) {
  inputs_.push_back(numbers(dims, wanted));
  return graph_.add_input("input" + std::to_string(inputs_.size()), {wanted.dtype, dims_of(dims)});
}

graph::ValueId SmallGraph::parameter(std::string name, const graph::Ints& dims, const Numbers& wanted) {
  const graph::ValueId id = graph_.add_parameter(std::move(name), {wanted.dtype, dims_of(dims)});
  graph_.value(id).contents = graph::in_memory(bytes_of_numbers(wanted.dtype, numbers(dims, wanted)));
  graph_.value(id).bound = true;
  return id;
}

std::vector<graph::ValueId> SmallGraph::nodes(std::string op, std::vector<graph::ValueId> inputs, graph::Attrs attrs,
                                              std::size_t results, DType dtype) {
  const std::string name = op + "-op" + std::to_string(graph_.nodes.size());
  const std::vector<graph::ValueId> outputs =
      graph_.add_node(std::move(op), name, std::move(inputs), std::move(attrs), results).outputs;
  for (const graph::ValueId id : outputs) graph_.value(id).type.dtype = dtype;
  return outputs;
}

void expect_same(SmallGraph& small, std::vector<graph::ValueId> outputs, double nmse) {
  graph::Graph& graph = small.graph();
  graph.outputs = std::move(outputs);
  Reference reference(graph);
  std::vector<Array> arrays;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    arrays.push_back({.dims = {}, .values = small.inputs()[i]});
    for (const graph::Dim& dim : graph.value(graph.inputs[i]).type.dims) arrays.back().dims.push_back(dim.size);
  }
  reference.run(arrays);
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    graph::Value& value = graph.values[id];
    const auto& dims = reference.value(static_cast<graph::ValueId>(id)).dims;
    if (value.kind == graph::ValueKind::result) value.type.dims = {dims.begin(), dims.end()};
  }
  std::vector<graph::ValueId> looked_at = graph.outputs;
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    if (graph.values[id].kind == graph::ValueKind::parameter) looked_at.push_back(static_cast<graph::ValueId>(id));
  }
  for (const int threads : {1, 2}) {
    SCOPED_TRACE(std::to_string(threads) + " threads");
    const auto left = run_executor(small, graph, {.threads = threads, .sentinels = true});
    ASSERT_TRUE(left) << to_string(left.error());
    ASSERT_EQ(left->size(), looked_at.size());
    for (std::size_t i = 0; i < left->size(); ++i) {
      const graph::Value& value = graph.value(looked_at[i]);
      const auto is = numbers_of_bytes(value.type.dtype, (*left)[i]);
      expect_close(value.name, is, reference.value(looked_at[i]).values, nmse);
    }
    if (threads == 1) continue;
    const auto again = run_executor(small, graph, {.threads = threads});
    EXPECT_TRUE(again && *again == *left) << "another run gave other bits";
  }
}

namespace {

std::vector<double> left_at(SmallGraph& small, std::size_t position) {
  const auto left = run_executor(small, small.graph(), {});
  EXPECT_TRUE(left && position < left->size());
  return left && position < left->size() ? numbers_of_bytes(DType::float32, (*left)[position]) : std::vector<double>();
}

}  // namespace

void expect_parameter(SmallGraph& small, const std::string& name, const std::vector<double>& recorded) {
  std::size_t position = small.graph().outputs.size();
  for (const graph::Value& value : small.graph().values) {
    if (value.kind != graph::ValueKind::parameter) continue;
    if (value.name == name) return expect_close(name, left_at(small, position), recorded, 1e-12);
    ++position;
  }
  FAIL() << "no parameter " << name;
}

void expect_output(SmallGraph& small, std::size_t output, const std::vector<double>& recorded) {
  std::vector<double> start = left_at(small, output);
  start.resize(std::min(start.size(), recorded.size()));
  expect_close("output", start, recorded, 1e-12);
}

std::string error_of(SmallGraph& small, graph::ValueId output, const graph::Ints& dims) {
  graph::Graph& graph = small.graph();
  graph.outputs = {output};
  for (graph::Value& value : graph.values) {
    if (value.kind == graph::ValueKind::result) value.type.dims = dims_of(dims);
  }
  const auto left = run_executor(small, graph, {});
  return left ? "" : to_string(left.error());
}

}  // namespace ckpt::train::test

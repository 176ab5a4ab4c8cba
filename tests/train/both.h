#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "graph.h"

namespace ckpt::train::test {

/// A graph made by hand, for the executor and for the reference. Numbers are random but the same in every run.
class SmallGraph {
 public:
  struct Numbers {
    double low = -1, high = 1;
    std::vector<double> given = {};  ///< instead of random ones
    DType dtype = DType::float32;
  };

  graph::ValueId input(graph::Ints dims) { return input(std::move(dims), Numbers()); }
  graph::ValueId input(graph::Ints dims, const Numbers& numbers);
  graph::ValueId parameter(std::string name, graph::Ints dims) { return parameter(std::move(name), dims, Numbers()); }
  graph::ValueId parameter(std::string name, const graph::Ints& dims, const Numbers& numbers);
  /// Its results; with sizes as the reference finds them, and of this type.
  std::vector<graph::ValueId> nodes(std::string op, std::vector<graph::ValueId> inputs, graph::Attrs attrs,
                                    std::size_t results, DType dtype = DType::float32);
  graph::ValueId node(std::string op, std::vector<graph::ValueId> inputs, graph::Attrs attrs = {},
                      DType dtype = DType::float32) {
    return nodes(std::move(op), std::move(inputs), std::move(attrs), 1, dtype)[0];
  }

  graph::Graph& graph() { return graph_; }
  const std::vector<std::vector<double>>& inputs() const { return inputs_; }

 private:
  std::vector<double> numbers(const graph::Ints& dims, const Numbers& wanted);

  graph::Graph graph_ = {};
  std::vector<std::vector<double>> inputs_ = {};
  std::mt19937 random_{7};
};

/// Runs a graph with the executor, on one thread and on two, with sentinels and without, and in double precision, and
/// expects the same outputs and the same parameters afterwards; and of two runs alike the same bits. `nmse`: how large
/// the error may be, as a part of the mean square.
void expect_same(SmallGraph& small, std::vector<graph::ValueId> outputs, double nmse = 1e-11);

/// After expect_same: that a parameter, and the start of an output, are these numbers, recorded elsewhere.
void expect_parameter(SmallGraph& small, const std::string& name, const std::vector<double>& recorded);
void expect_output(SmallGraph& small, std::size_t output, const std::vector<double>& recorded);

/// Why this output cannot be had, at making or at running; all results have these dims.
std::string error_of(SmallGraph& small, graph::ValueId output, const graph::Ints& dims);

}  // namespace ckpt::train::test

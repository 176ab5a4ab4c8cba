#include "input_spec.h"

#include <gtest/gtest.h>

namespace ckpt::graph {
namespace {

std::string read(std::string_view text) {
  const auto spec = parse_input_spec(text);
  if (!spec) return spec.error().message;
  const std::string type = to_string(Type{.dtype = spec->dtype.value_or(DType::unknown), .dims = spec->dims});
  return (spec->input.empty() ? "" : spec->input + " ") + type;
}

TEST(InputSpec, IsAShapeWithATypeAndAName) {
  EXPECT_EQ(read("32x3x224x224"), "unknown [32, 3, 224, 224]");
  EXPECT_EQ(read("32x3x224x224:float32"), "Float32 [32, 3, 224, 224]");
  EXPECT_EQ(read("Nx3x224x224:Float16"), "Float16 [N, 3, 224, 224]");
  EXPECT_EQ(read("ids=batchxlen_1:int32"), "ids Int32 [batch, len_1]");
  EXPECT_EQ(read("?x8"), "unknown [?, 8]");
  EXPECT_EQ(read("1"), "unknown [1]");
  EXPECT_EQ(read("scalar"), "unknown []");
  EXPECT_EQ(read("scale:0=scalar:bool"), "scale:0 Bool []");
  EXPECT_EQ(read("a=b=3"), "a=b unknown [3]");
  EXPECT_EQ(read("9223372036854775807"), "unknown [9223372036854775807]");
}

TEST(InputSpec, SaysWhatIsWrong) {
  EXPECT_EQ(read(""), "'': a dimension is empty");
  EXPECT_EQ(read("3xx4"), "'3xx4': a dimension is empty");
  EXPECT_EQ(read("3x4x"), "'3x4x': a dimension is empty");
  EXPECT_EQ(read("-1x3"), "'-1x3': '-1' is neither a number nor a name (x stands between them)");
  EXPECT_EQ(read("0x3"), "'0x3': '0' is no size");
  EXPECT_EQ(read("3x2N"), "'3x2N': '2N' is neither a number nor a name (x stands between them)");
  EXPECT_EQ(read("3,4"), "'3,4': '3,4' is neither a number nor a name (x stands between them)");
  EXPECT_EQ(read("9223372036854775808"), "'9223372036854775808': '9223372036854775808' is too large");
  EXPECT_EQ(read("3x4:float"), "'3x4:float': 'float' is no type of an input; float32 and int32 are");
  EXPECT_EQ(read("3x4:str"), "'3x4:str': 'str' is no type of an input; float32 and int32 are");
  EXPECT_EQ(read("=3x4"), "'=3x4': there is no name in front of '='");
  EXPECT_EQ(read("\x1bx3"), "'\\x1bx3': '\\x1b' is neither a number nor a name (x stands between them)");
}

Graph two_inputs() {
  Graph graph;
  const auto a = graph.add_input("a", {.dtype = DType::float32, .dims = {2, 3}});
  const auto b = graph.add_input("b", {.dtype = DType::int32, .dims = {2}});
  const auto sum = graph.add_node("Add", "sum", {a, b}).outputs[0];
  graph.value(sum).type = {.dtype = DType::float32, .dims = {2, 3}};
  graph.outputs = {sum};
  return graph;
}

std::string apply(Graph& graph, std::initializer_list<const char*> texts) {
  std::vector<InputSpec> specs;
  for (const char* text : texts) {
    auto spec = parse_input_spec(text);
    EXPECT_TRUE(spec) << text;
    specs.push_back(std::move(*spec));
  }
  const auto status = apply_input_specs(graph, specs);
  if (!status) return status.error().message;
  std::string out;
  for (const Value& value : graph.values) out += value.name + " " + to_string(value.type) + "; ";
  return out;
}

TEST(InputSpec, GoesToTheNamedInputOrTheNextOne) {
  Graph graph = two_inputs();
  EXPECT_EQ(apply(graph, {"Nx3"}), "a Float32 [N, 3]; b Int32 [2]; sum unknown []; ");
  graph = two_inputs();
  EXPECT_EQ(apply(graph, {"a=4x3", "4"}), "a Float32 [4, 3]; b Int32 [4]; sum unknown []; ");
  graph = two_inputs();
  EXPECT_EQ(apply(graph, {"4", "a=4x3:float16"}), "a Float16 [4, 3]; b Int32 [4]; sum unknown []; ");
}

TEST(InputSpec, WhatChangesNothingLeavesWhatTheSourceRecorded) {
  Graph graph = two_inputs();
  EXPECT_EQ(apply(graph, {"2x3"}), "a Float32 [2, 3]; b Int32 [2]; sum Float32 [2, 3]; ");
}

TEST(InputSpec, RefusesInputsThatAreNotThere) {
  Graph graph = two_inputs();
  EXPECT_EQ(apply(graph, {"c=3"}), "no input is called 'c'; there is a, b");
  EXPECT_EQ(apply(graph, {"a=3", "a=4"}), "input 'a' is given twice");
  EXPECT_EQ(apply(graph, {"3", "4", "5"}), "the network has 2 inputs, and more are described");
  Graph none;
  EXPECT_EQ(apply(none, {"c=3"}), "no input is called 'c'; there is none");
}

}  // namespace
}  // namespace ckpt::graph

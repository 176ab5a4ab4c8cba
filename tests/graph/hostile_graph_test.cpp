// Graph files come from anybody: whatever is in one, reading it ends, in memory that the file itself accounts for, with
// a graph or with a sentence.
#include <gtest/gtest.h>

#include <filesystem>

#include "effort.h"
#include "file_bytes.h"
#include "ge_ir.pb.h"
#include "graph_messages.h"
#include "graph_text.h"
#include "prepare.h"
#include "temp_dir.h"

namespace ckpt::graph {
namespace {

using test::Mindir;
using test::read_message;
using test::verdict;

#define EXPECT_SAYS(file, words) EXPECT_NE(verdict(file).find(words), std::string::npos) << verdict(file)

TEST(HostileGraph, Cycles) {
  Mindir two;
  two.input("x", {1}).node("a", "Add", {"g:x", "b"});
  two.node("b", "ReLU", {"a"});
  two.output("b");
  EXPECT_SAYS(read_message(two.model), "malformed: malformed: the graph has a cycle at \"Default/");

  Mindir one;
  one.node("a", "ReLU", {"a"});
  one.output("a");
  EXPECT_SAYS(read_message(one.model), "cycle at \"Default/a\"");
}

TEST(HostileGraph, CyclesThatNothingNeedsAreDropped) {
  Mindir model;
  model.input("x", {1}).node("a", "ReLU", {"a"});
  model.node("b", "ReLU", {"g:x"});
  model.output("b");
  const auto file = read_message(model.model);
  ASSERT_TRUE(file) << verdict(file);
  EXPECT_EQ(file->graph.nodes.size(), 1U);
}

TEST(HostileGraph, ValuesAfterTheirUse) {
  Mindir model;
  model.input("x", {1}).node("a", "ReLU", {"b"});
  model.node("b", "Sigmoid", {"g:x"});
  model.output("a");
  const auto file = read_message(model.model);
  ASSERT_TRUE(file) << verdict(file);
  EXPECT_TRUE(verify(file->graph));
  EXPECT_EQ(file->graph.nodes[0].op, "Sigmoid");
}

TEST(HostileGraph, MissingAndDoubleNames) {
  Mindir missing;
  missing.node("a", "ReLU", {"nobody"});
  missing.output("a");
  EXPECT_SAYS(read_message(missing.model), "its input \"nobody\" is not there");

  Mindir output;
  output.output("nobody");
  EXPECT_SAYS(read_message(output.model), "the output \"nobody\" is not there");

  Mindir twice;
  twice.input("x", {1}).node("a", "ReLU", {"g:x"});
  twice.node("a", "ReLU", {"g:x"});
  twice.output("a");
  EXPECT_SAYS(read_message(twice.model), "two values are called \"a\"");

  Mindir parameters;
  parameters.parameter("w", {1}).set_ref_key("w");
  parameters.graph().add_parameter()->set_name("h:w");
  parameters.output("g:w");
  EXPECT_SAYS(read_message(parameters.model), "two parameters are called \"w\"");

  Mindir inputs;
  inputs.input("x", {1}).input("x", {1}).output("g:x");
  EXPECT_SAYS(read_message(inputs.model), "two values are called \"g:x\"");
}

TEST(HostileGraph, NamesOfNodesAreMadeUnique) {
  Mindir model;
  model.input("x", {1});
  model.node("a", "ReLU", {"g:x"}).set_domain("same");
  model.node("b", "ReLU", {"a"}).set_domain("same");
  model.node("x", "ReLU", {"b"}).set_domain("x");
  model.output("x");
  const auto file = read_message(model.model);
  ASSERT_TRUE(file) << verdict(file);
  EXPECT_TRUE(verify(file->graph)) << to_string(verify(file->graph).error());
}

TEST(HostileGraph, NoOutputsAndNothingAtAll) {
  EXPECT_SAYS(read_message(Mindir().model), "no outputs");
  Mindir monad;
  monad.constant("u").set_type(mind_ir::AttributeProto::UMONAD);
  monad.output("u");
  EXPECT_SAYS(read_message(monad.model), "no outputs");
  EXPECT_FALSE(read_graph(borrow_bytes({}), {}));
}

TEST(HostileGraph, DeepNesting) {
  for (const int depth : {60, 1000, 5000}) {
    Mindir model;
    model.input("x", {1});
    auto* value = &model.constant("deep");
    for (int i = 0; i < depth; ++i) {
      value->set_type(mind_ir::AttributeProto::TUPLE);
      value = value->add_values();
    }
    Mindir::set(*value, 1);
    model.node("a", "Softmax", {"g:x", "deep"});
    model.output("a");
    const auto file = read_message(model.model);
    EXPECT_TRUE(!file || !file->refusals.empty()) << depth;
  }
}

TEST(HostileGraph, DeepNestingInTextOf1x) {
  std::string open = "scalar:";
  for (int i = 0; i < 100'000; ++i) open += "Tuple[";
  for (const std::string& text :
       {open, open + "value1,", std::string("scalar:Tuple["), std::string("scalar:Tuple[value1,"),
        std::string("scalar:Tuple[value1,value2,],"), std::string("shape:"), std::string(":"),
        std::string("tensor:value0"), std::string("type:"), std::string("what:x")}) {
    Mindir model;
    model.input("x", {1});
    auto& value = model.constant("c");
    value.set_ref_attr_name(text);
    value.add_ints(1);
    auto& node = model.node("a", "Softmax", {"g:x", "c"});
    node.mutable_attribute(0)->set_name("");
    node.mutable_attribute(0)->set_ref_attr_name(text);
    model.output("a");
    const auto file = read_message(model.model);
    if (file && file->refusals.empty()) {
      EXPECT_TRUE(verify(file->graph)) << text.substr(0, 40);
    }
  }
}

TEST(HostileGraph, ChainsOfTuplesAreFollowedWithoutRecursion) {
  Mindir model;
  model.input("x", {1}).node("t0", "MakeTuple", {"g:x"});
  for (int i = 1; i < 50'000; ++i) {
    const std::string before = "t" + std::to_string(i - 1);
    model.node("t" + std::to_string(i), "MakeTuple", {before.c_str()});
  }
  model.output("t49999");
  const auto file = read_message(model.model);
  ASSERT_TRUE(file) << verdict(file);
  EXPECT_EQ(file->graph.outputs.size(), 1U);
}

TEST(HostileGraph, TuplesThatDouble) {
  Mindir model;
  model.input("x", {1}).node("t0", "MakeTuple", {"g:x", "g:x"});
  for (int i = 1; i < 64; ++i) {
    const std::string before = "t" + std::to_string(i - 1);
    model.node("t" + std::to_string(i), "MakeTuple", {before.c_str(), before.c_str()});
  }
  model.output("t63");
  EXPECT_SAYS(read_message(model.model), "limit: ");
}

TEST(HostileGraph, OneTupleThatEveryNodeUses) {
  Mindir model;
  model.input("x", {1});
  auto& tuple = model.node("t", "MakeTuple", {});
  for (int i = 0; i < 20'000; ++i) tuple.add_input("g:x");
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = "n" + std::to_string(i);
    model.node(name, "AddN", {"t"});
    model.output(name);
  }
  EXPECT_SAYS(read_message(model.model), "tuples that are used too often");
}

TEST(HostileGraph, AMillionNodes) {
  const int count = test::kSanitized ? 100'000 : 1'000'000;
  Mindir model;
  model.input("x", {1}).node("n0", "ReLU", {"g:x"});
  const std::string op = model.graph().node(0).op_type();
  for (int i = 1; i < count; ++i) {
    auto& node = *model.graph().add_node();
    node.set_op_type(op);
    node.set_name("n" + std::to_string(i));
    node.add_output(node.name());
    node.add_input("n" + std::to_string(i - 1));
  }
  model.output(("n" + std::to_string(count - 1)).c_str());
  const auto file = read_message(model.model);
  ASSERT_TRUE(file) << verdict(file);
  EXPECT_EQ(file->graph.nodes.size(), static_cast<std::size_t>(count));
}

TEST(HostileGraph, ATextThatManyNodesShare) {
  Mindir model;
  model.input("x", {1}).node("n0", "NoSuchOperator", {"g:x"});
  auto& text = model.attribute("text");
  text.set_type(mind_ir::AttributeProto::STRING);
  text.set_s(std::string(std::size_t{1} << 20, 'a'));
  const mind_ir::NodeProto first = model.graph().node(0);
  for (int i = 1; i < 1000; ++i) {
    auto& node = *model.graph().add_node();
    node = first;
    node.set_name("n" + std::to_string(i));
    node.set_output(0, node.name());
    node.set_input(0, "n" + std::to_string(i - 1));
  }
  model.output("n999");
  EXPECT_SAYS(read_message(model.model), "too many values of attributes");
}

TEST(HostileGraph, LimitsAreKept) {
  Mindir model;
  model.input("x", {1}).node("a", "ReLU", {"g:x"});
  model.output("a");
  EXPECT_TRUE(read_message(model.model));
  EXPECT_SAYS(read_message(model.model, {}, {.max_message_bytes = 50}), "limit: ");
  EXPECT_SAYS(read_message(model.model, {}, {.max_messages = 3}), "limit: ");
}

TEST(HostileGraph, SizesThatOverflow) {
  struct Case {
    std::vector<std::int64_t> dims;
    const char* says;
  };
  const std::int64_t large = std::int64_t{1} << 62;
  for (const Case& one : {Case{{large, 4}, "Float32"}, Case{{large}, "Float32"}, Case{{-1}, "Float32"},
                          Case{{std::int64_t{1} << 31, std::int64_t{1} << 31, 4}, "Float32"}, Case{{3}, "mismatch"}}) {
    Mindir model;
    auto& parameter = model.parameter("w", {});
    for (const std::int64_t dim : one.dims) parameter.add_dims(dim);
    parameter.set_raw_data("12345678");
    model.output("g:w");
    const auto file = read_message(model.model);
    ASSERT_FALSE(file);
    EXPECT_SAYS(file, one.says);
    EXPECT_SAYS(file, "\"w\"");
  }
}

TEST(HostileGraph, CutAnywhere) {
  const std::string whole = test::read_file(std::filesystem::path(CKPT_SAMPLES) / "graphs/mlp.mindir");
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    const std::string part = whole.substr(0, size);
    const auto file = read_graph(borrow_bytes(test::bytes_of(part)), {});
    if (file && file->refusals.empty()) {
      EXPECT_TRUE(verify(file->graph)) << size;
    }
  }
}

TEST(HostileGraph, LengthsPastTheEnd) {
  using test::bytes_field;
  // A graph that claims more than the file has, and a node that claims more than its graph has.
  for (const std::string& bytes : {bytes_field(1, "1.1") + bytes_field(2, "MindSpore") + "\x3a\xff\xff\xff\xff\x07",
                                   bytes_field(1, "1.1") + bytes_field(2, "MindSpore") +
                                       bytes_field(7,
                                                   "\x0a\x7f"
                                                   "abc") +
                                       std::string(200, 'x')}) {
    const auto file = read_graph(borrow_bytes(test::bytes_of(bytes)), {});
    EXPECT_FALSE(file);
  }
}

TEST(HostileGraph, AttributesOfWrongKinds) {
  const auto kernel = [](auto set) {
    Mindir model;
    model.input("x", {1, 1, 4, 4});
    model.node("a", "MaxPool", {"g:x"}, {1, 1, 2, 2}, 1);
    set(model.attribute("kernel_size"));
    model.output("a");
    return read_message(model.model);
  };
  using mind_ir::AttributeProto;
  const auto text = kernel([](AttributeProto& value) { value.set_type(AttributeProto::STRING), value.set_s("3"); });
  EXPECT_SAYS(text, "MaxPool x1: ");
  const auto odd = kernel([](AttributeProto& value) { Mindir::set_list(value, {1, 2, 3}); });
  EXPECT_SAYS(odd, "MaxPool x1: ");
  const auto graph = kernel([](AttributeProto& value) { value.set_type(AttributeProto::GRAPH); });
  EXPECT_TRUE(graph) << verdict(graph);
  const auto unknown = kernel([](AttributeProto& value) { value.set_type(AttributeProto::SCALAR_GRAPH_HOLDER); });
  EXPECT_TRUE(unknown) << verdict(unknown);
}

TEST(HostileGraph, TooManyArguments) {
  Mindir model;
  model.input("x", {1}).node("a", "ReLU", {"g:x", "g:x", "g:x"});
  model.output("a");
  EXPECT_SAYS(read_message(model.model), "has 3 arguments, 1 are known");
}

TEST(HostileGraph, TupleElementsOutOfRange) {
  for (const std::int64_t index : {std::int64_t{2}, std::int64_t{-3}, INT64_MAX, INT64_MIN}) {
    Mindir model;
    model.input("x", {1}).node("t", "MakeTuple", {"g:x", "g:x"});
    Mindir::set(model.constant("k"), index);
    model.node("a", "TupleGetItem", {"t", "k"});
    model.output("a");
    EXPECT_SAYS(read_message(model.model), "of 2");
  }
}

TEST(HostileGraph, WhatIsRefusedIsCollected) {
  Mindir model;
  model.input("x", {1});
  model.node("a", "Switch", {"g:x"});
  model.node("b", "ReLU", {"g:x", "g:x"});
  model.node("c", "ReLU", {"g:x", "g:x"});
  model.node("t", "MakeTuple", {"a", "b", "c"});
  model.output("t");
  const auto file = read_message(model.model);
  ASSERT_TRUE(file) << verdict(file);
  EXPECT_EQ(verdict(file),
            "ReLU x2: has 2 arguments, 1 are known (Default/b)\n"
            "Switch x1: control flow that depends on values (Default/a)\n");
}

TEST(HostileGraph, ABiasThatIsOnlyAnOrder) {
  ge_ir::ModelDef model;
  auto& graph = *model.add_graph();
  auto& input = *graph.add_op();
  input.set_name("x");
  input.set_type("Data");
  auto& product = *graph.add_op();
  product.set_name("m");
  product.set_type("MatMul");
  for (const char* from : {"x:0", "x:-1", "x:0"}) product.add_input(from);
  graph.add_output("m:0");
  EXPECT_SAYS(read_message(model), "\"m\": its bias is only an order");
}

// Rules trust what inference found right: what it refuses they must not see, or they read behind the dimensions of a
// weight. Whoever prepares a network gets all that stands in the way, and no step of such a node.
TEST(HostileGraph, NothingIsConvertedThatInferenceRefused) {
  for (const char* name : {"bias_that_is_a_scalar", "depthwise_with_a_weight_of_one_dimension",
                           "group_norm_of_less_than_no_groups", "resize_of_a_scalar"}) {
    for (const int opset : {0, kMinOpset, 17, kMaxOpset}) {
      auto file = read_graph(std::filesystem::path(CKPT_DAMAGED_GRAPHS) / name);
      ASSERT_TRUE(file) << name << ": " << verdict(file);
      ASSERT_TRUE(file->refusals.empty()) << name;
      const auto prepared = prepare(file->graph, nullptr, {.opset = opset});
      ASSERT_TRUE(prepared) << name;
      EXPECT_FALSE(prepared->ready()) << name;
      ASSERT_EQ(prepared->refusals.list().size(), 1U) << name;
      ASSERT_TRUE(prepared->converted) << name;
      for (const Target::Step& step : prepared->converted->target.steps())
        EXPECT_FALSE(step.name.starts_with(prepared->refusals.list()[0].first)) << name << ": " << step.name;
    }
  }
}

// --- values in other files -------------------------------------------------------------------------------------------

class ExternalGraph : public testing::Test {
 protected:
  /// The parameter "w" of two floats, at a place that the file names.
  Result<GraphFile> read(const std::string& location, std::int64_t offset, std::int64_t length) {
    Mindir model;
    auto& place = *model.parameter("w", {2}).mutable_external_data();
    place.set_location(location);
    place.set_offset(offset);
    place.set_length(length);
    model.output("g:w");
    test::write_file(path(), model.model.SerializeAsString());
    return read_graph(path());
  }
  std::filesystem::path path() const { return model_ / "m_graph.mindir"; }

  test::TempDir folder_ = {};
  std::filesystem::path model_ = folder_ / "model";

  void SetUp() override {
    std::filesystem::create_directories(model_ / "m_variables");
    test::write_file(model_ / "m_variables/data_0", std::string(80, 'd'));
    test::write_file(folder_ / "secret", std::string(80, 's'));
    std::filesystem::create_symlink(folder_ / "secret", model_ / "link");
  }
};

TEST_F(ExternalGraph, IsFoundBesideTheModel) {
  const auto file = read("m_variables/data_0", 64, 8);
  ASSERT_TRUE(file) << verdict(file);
  ASSERT_TRUE(file->graph.values[0].bound);
  const auto bytes = bytes_of(file->graph.values[0].contents, 100);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(test::to_bytes(*bytes), "dddddddd");
}

TEST_F(ExternalGraph, NothingOutsideTheFolderIsOpened) {
  for (const char* location :
       {"../secret", "../../etc/passwd", "/etc/passwd", "m_variables/../../secret", "link", "", "."})
    EXPECT_FALSE(read(location, 0, 8)) << location;
  EXPECT_FALSE(read((folder_ / "secret").string(), 0, 8));
}

TEST_F(ExternalGraph, PlacesOutsideTheFile) {
  EXPECT_SAYS(read("m_variables/data_0", 80, 8), "truncated");
  EXPECT_SAYS(read("m_variables/data_0", -1, 8), "truncated");
  EXPECT_SAYS(read("m_variables/data_0", 0, -8), "truncated");
  EXPECT_SAYS(read("m_variables/data_0", INT64_MAX, 8), "truncated");
  EXPECT_SAYS(read("m_variables/data_0", 8, INT64_MAX), "truncated");
  EXPECT_SAYS(read("m_variables/data_0", 64, 4), "mismatch");
}

TEST_F(ExternalGraph, AFileThatIsNotThereMayComeFromACheckpoint) {
  const auto file = read("m_variables/data_1", 64, 8);
  ASSERT_TRUE(file) << verdict(file);
  EXPECT_FALSE(file->graph.values[0].bound);
}

}  // namespace
}  // namespace ckpt::graph

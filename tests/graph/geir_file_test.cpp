#include "geir_file.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "file_bytes.h"
#include "ge_interface.h"
#include "ge_ir.pb.h"
#include "made_up_checkpoint.h"
#include "networks.h"
#include "op.h"
#include "ops/ge_rules.h"
#include "prepare.h"
#include "read_graph.h"
#include "temp_dir.h"

namespace ckpt::graph {
namespace {

using test::MadeUpCheckpoint;

// A network of the given input, bound to made-up weights and written.
ge_ir::ModelDef written(const test::TempDir& folder, std::string_view name, Dims input) {
  auto graph = make_network(name, {.num_classes = 10, .input = std::move(input), .heads = 4});
  EXPECT_TRUE(graph);
  const auto prepared = prepare(*graph, MadeUpCheckpoint().add_parameters_of(*graph).make(), {.opset = 0});
  EXPECT_TRUE(prepared && prepared->ready());
  if (!prepared || !prepared->ready()) return {};
  const auto path = folder.path() / "model.pb";
  const Status status = write_geir(path, *graph, prepared->converted->target);
  EXPECT_TRUE(status) << to_string(status.error());
  ge_ir::ModelDef model;
  EXPECT_TRUE(model.ParseFromString(test::read_file(path)));
  return model;
}

const ge_ir::OpDef& op_of(const ge_ir::ModelDef& model, const std::string& name) {
  for (const ge_ir::OpDef& op : model.graph(0).op()) {
    if (op.name() == name) return op;
  }
  ADD_FAILURE() << "no op is called " << name;
  return model.graph(0).op(0);
}

// What GE's loader fails on, for every op.
void expect_loadable(const ge_ir::ModelDef& model) {
  ASSERT_EQ(model.graph_size(), 1);
  std::map<std::string, int> outputs;
  for (const ge_ir::OpDef& op : model.graph(0).op()) {
    EXPECT_TRUE(outputs.emplace(op.name(), op.output_desc_size()).second) << op.name() << " comes twice";
    EXPECT_TRUE(op.has_out_attr()) << op.name();
  }
  const auto expect_there = [&](const std::string& end) {
    const std::size_t colon = end.rfind(':');
    ASSERT_NE(colon, std::string::npos) << end;
    const auto at = outputs.find(end.substr(0, colon));
    ASSERT_NE(at, outputs.end()) << end;
    EXPECT_LT(std::stoi(end.substr(colon + 1)), at->second) << end;
  };
  for (const ge_ir::OpDef& op : model.graph(0).op()) {
    if (op.type() == "Data" || op.type() == "Const") continue;
    EXPECT_GE(op.input_desc_size(), op.input_size()) << op.name();
    for (const std::string& end : op.input()) expect_there(end);
  }
  for (const std::string& end : model.graph(0).output()) expect_there(end);
}

// Every attribute that GE registers is there, and under both spellings the ports' names.
void expect_complete(const ge_ir::ModelDef& model) {
  for (const ge_ir::OpDef& op : model.graph(0).op()) {
    const GeOp* registered = find_ge_op(op.type());
    ASSERT_NE(registered, nullptr) << op.type();
    for (const GeOp::Attribute& attribute : registered->attributes) {
      EXPECT_TRUE(op.attr().contains(std::string(attribute.name))) << op.type() << " " << attribute.name;
    }
    const bool inputs = !registered->inputs.empty();
    for (const char* key : {"_input_name_idx_key", "_input_name_idx_value", "_input_name_key", "_input_name_value"}) {
      EXPECT_EQ(op.attr().contains(key), inputs) << op.type() << " " << key;
    }
    EXPECT_TRUE(op.attr().contains("_output_name_key")) << op.type();
  }
}

// Of the large ones the graph alone: what is written of their weights, smaller networks show.
TEST(GeirFile, OfBuiltInNetworksIsLoadable) {
  constexpr std::uint64_t kMostWeights = 12'000'000;
  const test::TempDir folder;
  std::size_t files = 0;
  for (const Network& network : networks()) {
    SCOPED_TRACE(network.name);
    auto plain = make_network(network.name, {.heads = 4});
    ASSERT_TRUE(plain);
    Dims input = plain->value(plain->inputs[0]).type.dims;
    for (Dim& dim : input) {
      if (!dim.known()) dim = Dim(2);
    }
    plain->value(plain->inputs[0]).type.dims = input;
    ASSERT_TRUE(infer_types(*plain).empty());
    EXPECT_TRUE(convert_to_ge(*plain).refusals.empty());
    std::uint64_t weights = 0;
    for (const Value& value : plain->values) {
      if (value.kind == ValueKind::parameter) weights += *element_count(value.type);
    }
    if (weights > kMostWeights) continue;
    const ge_ir::ModelDef model = written(folder, network.name, input);
    expect_loadable(model);
    expect_complete(model);
    ++files;
  }
  EXPECT_GE(files, 4U);
}

TEST(GeirFile, SaysWhatMindSporesExportSays) {
  const test::TempDir folder;
  const ge_ir::ModelDef model = written(folder, "lenet5", {1, 1, 32, 32});
  EXPECT_EQ(model.graph(0).name(), "lenet5");
  ASSERT_EQ(model.graph(0).output_size(), 1);
  EXPECT_EQ(op_of(model, "x").type(), "Data");
  EXPECT_EQ(op_of(model, "x").attr().at("index").i(), 0);
  const ge_ir::OpDef& weight = op_of(model, "conv1.weight_const");
  EXPECT_EQ(weight.type(), "Const");
  const ge_ir::TensorDef& tensor = weight.attr().at("value").t();
  EXPECT_EQ(tensor.data().size(), 600U);
  EXPECT_EQ(tensor.desc().dtype(), ge_ir::DT_FLOAT);
  const ge_ir::OpDef& conv = op_of(model, "Default/conv1-Conv2d/Conv2D-op0");
  EXPECT_EQ(conv.type(), "Conv2D");
  ASSERT_EQ(conv.input_size(), 2);
  EXPECT_EQ(conv.input(0), "x:0");
  EXPECT_EQ(conv.input(1), "conv1.weight_const:0");
  EXPECT_EQ(conv.input_desc_size(), 4);
  EXPECT_EQ(conv.input_desc(2).layout(), "FORMAT_RESERVED");
  EXPECT_EQ(conv.attr().at("_opt_input").list().s(0), "bias");
  EXPECT_EQ(conv.attr().at("data_format").s(), "NCHW");
  EXPECT_EQ(conv.attr().at("offset_x").i(), 0);
  EXPECT_EQ(conv.is_input_const_size(), 2);
  EXPECT_TRUE(conv.is_input_const(1));
}

// MindSpore's order of pads is GE's: top, bottom, left, right.
TEST(GeirFile, PadsAsMindSporeDoes) {
  const test::TempDir folder;
  const ge_ir::ModelDef model = written(folder, "resnet50", {1, 3, 224, 224});
  const auto& pads = op_of(model, "Default/conv1-Conv2d/Conv2D-op0").attr().at("pads").list();
  EXPECT_EQ(std::vector<std::int64_t>(pads.i().begin(), pads.i().end()), (std::vector<std::int64_t>{2, 3, 2, 3}));
}

TEST(GeirFile, ComesOutTheSameEveryTime) {
  const test::TempDir folder;
  written(folder, "lenet5", {1, 1, 32, 32});
  const std::string once = test::read_file(folder.path() / "model.pb");
  written(folder, "lenet5", {1, 1, 32, 32});
  EXPECT_EQ(test::read_file(folder.path() / "model.pb"), once);
}

// Attributes have another numbering of types than descriptors.
TEST(GeirFile, CastsKeepTheirTypes) {
  const test::TempDir folder;
  for (const DType dtype : {DType::boolean, DType::int32, DType::float16, DType::bfloat16, DType::complex64}) {
    SCOPED_TRACE(name(dtype));
    Graph graph;
    const ValueId x = graph.add_input("x", {.dtype = DType::float32, .dims = {2}});
    graph.outputs = graph.add_node("Cast", "cast", {x}, {{"dtype", dtype}}).outputs;
    ASSERT_TRUE(infer_types(graph).empty());
    const Converted converted = convert_to_ge(graph);
    ASSERT_TRUE(converted.refusals.empty());
    const auto path = folder.path() / std::string(name(dtype));
    ASSERT_TRUE(write_geir(path, graph, converted.target));
    const auto read = read_graph(path);
    ASSERT_TRUE(read && read->graph.nodes.size() == 1);
    EXPECT_EQ(read->graph.nodes[0].attrs.at("dtype"), Attr(dtype));
  }
}

TEST(GeInterface, IsSortedAndEachOnce) {
  for (std::size_t i = 1; i < ge_ops().size(); ++i) EXPECT_LT(ge_ops()[i - 1].type, ge_ops()[i].type);
}

TEST(GeRules, AreOfOperatorsThatThereAre) {
  std::string_view before;
  for (const NamedGeRule& each : ge_rules()) {
    EXPECT_LT(before, each.op);
    const Op* op = find_op(each.op);
    ASSERT_NE(op, nullptr) << each.op;
    EXPECT_EQ(op->name, each.op);
    EXPECT_EQ(op->to_ge, each.rule);
    before = each.op;
  }
}

}  // namespace
}  // namespace ckpt::graph

// What the samples do not have: MindIR of other releases, graph.meta of other networks. Made here as their writers do.
#include <gtest/gtest.h>

#include <algorithm>

#include "anf_ir.pb.h"
#include "file_bytes.h"
#include "graph_messages.h"
#include "graph_text.h"
#include "onnx.pb.h"
#include "op.h"
#include "temp_dir.h"

namespace ckpt::graph {
namespace {

using test::read_message;
using test::verdict;

std::string text_of(const Result<GraphFile>& file) {
  if (!file || !file->refusals.empty()) return verdict(file);
  const auto text = to_text(file->graph);
  return text ? *text : to_string(text.error());
}

const std::string kFourFloats(16, '\0');

/// A convolution, BatchNorm of which one result is used, Concat of two, ReduceMean over constant axes.
constexpr const char* kExpected = R"(graph "net"
input "x": Float32[1, 1, 4, 4]
parameter "conv.weight": Float32[1, 1, 2, 2] = [0, 0, 0, 0]
parameter "bn.gamma": Float32[1] = [0]
"Default/Conv2D-op0" = Conv2D("x", "conv.weight") {dilation=[1, 1], format="NCHW", group=1, kernel_size=[2, 2], pad_list=none, pad_mode="valid", stride=[2, 2]}: Float32[1, 1, 2, 2]
"Default/BatchNorm-op1" = BatchNorm("Default/Conv2D-op0", "bn.gamma", "bn.gamma", "bn.gamma", "bn.gamma") {epsilon=0.001, format="NCHW", is_training=false, momentum=0.1}: Float32[1, 1, 2, 2], Float32[1], Float32[1], Float32[1], Float32[1]
"Default/Concat-op2" = Concat("Default/BatchNorm-op1:0", "x") {axis=1}: Float32[1, 2, 4, 4]
"Default/ReduceMean-op3" = ReduceMean("Default/Concat-op2") {axis=[2, 3], keep_dims=true}: Float32[1, 2, 1, 1]
output "Default/ReduceMean-op3"
)";

// --- MindIR of 1.1 to 1.10 -------------------------------------------------------------------------------------------

class Mindir1 {
 public:
  Mindir1() {
    model.set_ir_version("0.1.0");
    model.set_producer_name("MindSpore");
    model.set_model_version("1.5.0");
    graph().set_name("net");
    auto& input = *graph().add_input();
    input.set_name("net:x");
    dims(*input.add_tensor(), {1, 1, 4, 4});
    parameter("conv.weight", {1, 1, 2, 2}, kFourFloats);
    parameter("bn.gamma", {1}, kFourFloats.substr(0, 4));
  }

  mind_ir::GraphProto& graph() { return *model.mutable_graph(); }

  static void dims(mind_ir::TensorProto& tensor, std::initializer_list<std::int64_t> sizes) {
    tensor.set_data_type(mind_ir::TensorProto::FLOAT);
    for (const auto size : sizes) tensor.add_dims(size);
  }
  void parameter(const std::string& name, std::initializer_list<std::int64_t> sizes, const std::string& bytes) {
    auto& tensor = *graph().add_parameter();
    tensor.set_name("net:" + name);
    dims(tensor, sizes);
    tensor.set_raw_data(bytes);
  }
  mind_ir::NodeProto& node(const std::string& name, const std::string& op, std::initializer_list<const char*> inputs) {
    auto& made = *graph().add_node();
    made.set_name(name);
    made.add_output(name);
    made.set_op_type(op);
    for (const char* input : inputs) made.add_input(input);
    return made;
  }
  /// The first attribute, which has no name: the results' shapes.
  static void shapes(mind_ir::NodeProto& made, const std::string& how,
                     std::initializer_list<std::initializer_list<std::int64_t>> all) {
    auto& shape = *made.add_attribute();
    shape.set_ref_attr_name("shape:" + how);
    for (const auto& sizes : all) dims(*shape.add_tensors(), sizes);
  }
  static mind_ir::AttributeProto& attribute(mind_ir::NodeProto& made, const std::string& name, const std::string& how) {
    auto& value = *made.add_attribute();
    value.set_name(name);
    value.set_ref_attr_name(how);
    value.set_type(mind_ir::AttributeProto::INT64);
    return value;
  }
  static void ints(mind_ir::NodeProto& made, const std::string& name, std::initializer_list<std::int64_t> numbers) {
    std::string how = "scalar:Tuple[";
    for (std::size_t i = 0; i < numbers.size(); ++i) how += "value" + std::to_string(i + 1) + ",";
    auto& value = attribute(made, name, how + "],");
    for (const auto number : numbers) value.add_ints(number);
  }

  mind_ir::ModelProto model = {};
};

TEST(MindirOf1x, AttributesByReference) {
  Mindir1 made;
  auto& conv = made.node("net:1", "Conv2D", {"net:x", "net:conv.weight"});
  conv.set_domain("Default/Conv2D-op0");
  Mindir1::shapes(conv, "shape1,", {{1, 1, 2, 2}});
  Mindir1::ints(conv, "kernel_size", {2, 2});
  Mindir1::ints(conv, "stride", {1, 1, 2, 2});
  Mindir1::ints(conv, "dilation", {1, 1, 1, 1});
  Mindir1::ints(conv, "pad_list", {0, 0, 0, 0});
  Mindir1::attribute(conv, "group", "scalar:value0").set_i(1);
  auto& mode = Mindir1::attribute(conv, "pad_mode", "scalar:value0");
  mode.set_type(mind_ir::AttributeProto::STRING);
  mode.set_s("valid");
  auto& names = Mindir1::attribute(conv, "input_names", "scalar:List[value1,value2,],");
  names.set_type(mind_ir::AttributeProto::STRING);
  names.add_strings("x");
  names.add_strings("w");

  auto& bn = made.node("net:2", "BatchNorm", {"net:1", "net:bn.gamma", "net:bn.gamma", "net:bn.gamma", "net:bn.gamma"});
  bn.set_domain("Default/BatchNorm-op1");
  Mindir1::shapes(bn, "Tuple[shape1,shape2,shape3,shape4,shape5,],", {{1, 1, 2, 2}, {1}, {1}, {1}, {1}});
  auto& training = Mindir1::attribute(bn, "is_training", "scalar:value0");
  training.set_type(mind_ir::AttributeProto::BOOL);
  training.set_i(0);
  auto& epsilon = Mindir1::attribute(bn, "epsilon", "scalar:value0");
  epsilon.set_type(mind_ir::AttributeProto::DOUBLE);
  epsilon.set_d(0.001);

  Mindir1::attribute(made.node("zero", "Constant", {}), "value", "scalar:value0").set_i(0);
  made.node("net:3", "TupleGetItem", {"net:2", "zero"});
  made.node("net:4", "MakeTuple", {"net:3", "net:x"});
  auto& concat = made.node("net:5", "Concat", {"net:4"});
  concat.set_domain("Default/Concat-op2");
  Mindir1::shapes(concat, "shape1,", {{1, 2, 4, 4}});
  Mindir1::attribute(concat, "axis", "scalar:value0").set_i(1);
  Mindir1::ints(made.node("axes", "Constant", {}), "value", {2, 3});
  auto& mean = made.node("net:6", "ReduceMean", {"net:5", "axes"});
  mean.set_domain("Default/ReduceMean-op3");
  Mindir1::shapes(mean, "shape1,", {{1, 2, 1, 1}});
  auto& keep = Mindir1::attribute(mean, "keep_dims", "scalar:value0");
  keep.set_type(mind_ir::AttributeProto::BOOL);
  keep.set_i(1);
  made.graph().add_output()->set_name("net:6");

  const auto file = read_message(made.model);
  EXPECT_EQ(text_of(file), kExpected);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->producer, "MindSpore 1.5.0");
}

TEST(MindirOf1x, TypesMonadsAndNone) {
  Mindir1 made;
  auto& type = Mindir1::attribute(made.node("t", "Constant", {}), "value", "type:value0");
  type.add_tensors()->set_data_type(mind_ir::TensorProto::FLOAT16);
  Mindir1::attribute(made.node("u", "Constant", {}), "value", "Monad:UMonad");
  made.node("net:1", "Load", {"net:bn.gamma", "u"});
  made.node("net:2", "UpdateState", {"u", "net:1"});
  made.node("net:3", "Depend", {"net:1", "net:2"});
  made.node("net:4", "Cast", {"net:3", "t", "net:2"}).set_domain("Default/Cast-op0");
  made.graph().add_output()->set_name("net:4");
  const auto file = read_message(made.model);
  EXPECT_NE(text_of(file).find("\"Default/Cast-op0\" = Cast(\"bn.gamma\") {dtype=Float16}: ?[]"), std::string::npos)
      << text_of(file);
}

TEST(MindirOf1x, WithoutWeightsTheyComeFromACheckpoint) {
  Mindir1 made;
  made.graph().mutable_parameter(0)->clear_raw_data();
  made.node("net:1", "ReLU", {"net:conv.weight"});
  made.graph().add_output()->set_name("net:1");
  const auto file = read_message(made.model);
  ASSERT_TRUE(file) << verdict(file);
  const auto weight = std::ranges::find(file->graph.values, "conv.weight", &Value::name);
  ASSERT_NE(weight, file->graph.values.end());
  EXPECT_FALSE(weight->bound);
}

TEST(MindirOf1x, ValuesAsNumbersOfTheirType) {
  Mindir1 made;
  auto& weight = *made.graph().mutable_parameter(0);
  weight.clear_raw_data();
  for (const float number : {1.0F, 2.5F, -3.0F, 4.0F}) weight.add_float_data(number);
  made.node("net:1", "ReLU", {"net:conv.weight"});
  made.graph().add_output()->set_name("net:1");
  const auto file = read_message(made.model);
  ASSERT_TRUE(file) << verdict(file);
  EXPECT_NE(text_of(file).find("= [1, 2.5, -3, 4]"), std::string::npos) << text_of(file);
  weight.add_float_data(5);
  EXPECT_NE(verdict(read_message(made.model)).find("Float32 [1, 1, 2, 2] with 20 bytes of values"), std::string::npos);
}

/// 1.2 to 1.5 keep the parameters of large networks in graphs of their own.
TEST(MindirOf1x, ValuesInGraphsBeside) {
  const test::TempDir folder;
  std::filesystem::create_directory(folder / "net_variables");
  Mindir1 made;
  for (int i = 0; i < 2; ++i) {
    mind_ir::GraphProto variables;
    *variables.add_parameter() = made.graph().parameter(i);
    test::write_file(folder / "net_variables" / ("data_" + std::to_string(i)), variables.SerializeAsString());
    made.graph().mutable_parameter(i)->clear_raw_data();
  }
  made.node("net:1", "Mul", {"net:conv.weight", "net:bn.gamma"});
  made.graph().add_output()->set_name("net:1");
  const std::filesystem::path path = folder / "net_graph.mindir";
  test::write_file(path, made.model.SerializeAsString());
  const auto unbound = [](const Result<GraphFile>& file) {
    return std::ranges::count_if(file->graph.values,
                                 [](const Value& value) { return value.kind == ValueKind::parameter && !value.bound; });
  };
  auto file = read_graph(path);
  ASSERT_TRUE(file) << verdict(file);
  EXPECT_EQ(unbound(file), 0);

  test::write_file(folder / "net_variables" / "data_1", "no graph");
  EXPECT_NE(verdict(read_graph(path)).find("\"net_variables/data_1\": "), std::string::npos);
  std::filesystem::remove(folder / "net_variables" / "data_1");
  file = read_graph(path);
  ASSERT_TRUE(file) << verdict(file);
  EXPECT_EQ(unbound(file), 1);
}

// --- MindIR of 0.5 to 1.0, in ONNX's messages ------------------------------------------------------------------------

void set_dims(onnx::TensorProto& tensor, std::initializer_list<std::int64_t> sizes) {
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  for (const auto size : sizes) tensor.add_dims(size);
}

TEST(MindirBefore11, ValuesAreTensorsOfONNX) {
  onnx::ModelProto model;
  model.set_ir_version(3);
  model.set_producer_name("MindSpore");
  auto& graph = *model.mutable_graph();
  graph.set_name("net");
  for (const char* name : {"net:x", "net:conv.weight"}) graph.add_input()->set_name(name);
  auto& type = *graph.mutable_input(0)->mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  for (const int size : {1, 1, 4, 4}) type.mutable_shape()->add_dim()->set_dim_value(size);
  auto& weight = *graph.add_initializer();
  weight.set_name("net:conv.weight");
  set_dims(weight, {1, 1, 2, 2});
  weight.set_raw_data(kFourFloats);

  auto& conv = *graph.add_node();
  conv.set_op_type("Conv2D");
  conv.set_name("1");
  conv.add_output("1");
  conv.set_domain("Default/Conv2D-op0");
  conv.add_input("net:x");
  conv.add_input("net:conv.weight");
  const auto attribute = [](onnx::NodeProto & node, const std::string& name, const std::string& how) -> auto& {
    auto& value = *node.add_attribute();
    value.set_name(name);
    value.set_ref_attr_name(how);
    value.set_type(onnx::AttributeProto::TENSORS);
    return value;
  };
  auto& shape = attribute(conv, "", "shape:shape1,");
  set_dims(*shape.add_tensors(), {1, 1, 2, 2});
  auto& kernel = attribute(conv, "kernel_size", "scalar:Tuple[value1,value2,],");
  for (const char* name : {"value1", "value2"}) {
    auto& one = *kernel.add_tensors();
    one.set_name(name);
    one.set_data_type(onnx::TensorProto::INT32);
    one.add_int32_data(2);
  }
  auto& stride = attribute(conv, "stride", "scalar:Tuple[value1,value2,value3,value4,],");
  for (const int number : {1, 1, 2, 2}) stride.add_tensors()->add_int64_data(number);
  auto& mode = attribute(conv, "pad_mode", "scalar:value0");
  mode.add_tensors()->add_string_data("valid");
  auto& pads = attribute(conv, "pad_list", "scalar:Tuple[value1,value2,value3,value4,],");
  for (int i = 0; i < 4; ++i) pads.add_tensors()->add_int64_data(0);
  graph.add_output()->set_name("1");

  const auto file = read_message(model);
  ASSERT_TRUE(file) << verdict(file);
  EXPECT_EQ(file->format, GraphFormat::mindir);
  const std::string text = text_of(file);
  const std::string expected = kExpected;
  EXPECT_NE(text.find(expected.substr(expected.find("\"Default/Conv2D"), 180)), text.npos) << text;
}

// --- graph.meta ------------------------------------------------------------------------------------------------------

class Meta {
 public:
  Meta() {
    model.set_ir_version(1);
    graph().set_name("train");
    for (const char* name : {"x", "label"}) parameter(name, {2, 4});
  }

  anf_ir::GraphProto& graph() { return *model.mutable_graph(); }

  static void set(anf_ir::TypeProto& type, std::initializer_list<std::int64_t> sizes) {
    type.set_data_type(anf_ir::DT_TENSOR);
    type.mutable_tensor_type()->set_elem_type(anf_ir::DT_FLOAT32);
    for (const auto size : sizes) type.mutable_tensor_type()->mutable_shape()->add_dim()->set_size(size);
  }
  void parameter(const std::string& name, std::initializer_list<std::int64_t> sizes) {
    auto& made = *graph().add_parameters();
    made.set_name(name);
    set(*made.mutable_type(), sizes);
  }
  anf_ir::ValueProto& constant(const std::string& name) {
    auto& made = *graph().add_const_vals();
    made.set_key(name);
    return *made.mutable_value();
  }
  anf_ir::NodeProto& node(const std::string& op, std::initializer_list<const char*> inputs,
                          std::initializer_list<std::int64_t> sizes = {2, 4},
                          const std::string& scope = "Default/net") {
    auto& made = *graph().add_node();
    made.set_name(std::to_string(graph().node_size()));
    made.set_op_type(op);
    made.set_scope(scope);
    for (const char* input : inputs) made.add_input()->set_name(input);
    set(*made.mutable_output_type(), sizes);
    return made;
  }
  static void tuple(anf_ir::NodeProto& made, int count) {
    made.mutable_output_type()->Clear();
    for (int i = 0; i < count; ++i) set(*made.mutable_output_type()->mutable_sequence_type()->add_elem_types(), {});
  }
  void loss(const char* logits) {
    node("SoftmaxCrossEntropyWithLogits", {logits, "label"}, {2}, "Default/net/_loss_fn-Loss");
    graph().add_outputs()->set_name(std::to_string(graph().node_size()));
  }
  Result<GraphFile> read(const std::string& output = "") { return read_message(model, {}, {.output = output}); }

  anf_ir::ModelProto model = {};
};

TEST(GraphMeta, TrainingBecomesInference) {
  Meta meta;
  for (const char* name : {"bn.gamma", "bn.beta", "bn.moving_mean", "bn.moving_variance", "moments.bn.gamma"})
    meta.parameter(name, {4});
  meta.constant("cst1").set_dtype(anf_ir::DT_NONE);
  auto& zero = meta.constant("cst2");
  zero.set_dtype(anf_ir::DT_INT32);
  zero.set_int_val(0);
  auto& type = meta.constant("cst3");
  type.set_dtype(anf_ir::DT_TYPE);
  type.mutable_type_val()->set_data_type(anf_ir::DT_BASE_FLOAT);
  auto& training = *meta.node("BatchNorm", {"x", "bn.gamma", "bn.beta", "cst1", "cst1"}).add_attribute();  // 1
  training.set_name("is_training");
  training.mutable_value()->set_dtype(anf_ir::DT_BOOL);
  training.mutable_value()->set_bool_val(true);
  Meta::tuple(*meta.graph().mutable_node(0), 5);
  meta.node("tuple_getitem", {"1", "cst2"});                       // 2
  Meta::tuple(meta.node("Dropout", {"2"}), 2);                     // 3
  meta.node("tuple_getitem", {"3", "cst2"});                       // 4
  meta.node("DropoutGenMask", {"cst1", "cst2"});                   // 5
  meta.node("DropoutDoMask", {"4", "5", "cst2"});                  // 6
  meta.node("Cast", {"6", "cst3"});                                // 7
  meta.node("ReLU", {"7"}).set_full_name("Default/net/ReLU-op7");  // 8
  meta.loss("8");
  const auto file = meta.read();
  EXPECT_EQ(text_of(file), R"(graph "train"
input "x": Float32[2, 4]
parameter "bn.gamma": Float32[4]
parameter "bn.beta": Float32[4]
parameter "bn.moving_mean": Float32[4]
parameter "bn.moving_variance": Float32[4]
"Default/net/BatchNorm-op1" = BatchNorm("x", "bn.gamma", "bn.beta", "bn.moving_mean", "bn.moving_variance") {epsilon=1e-05, format="NCHW", is_training=false, momentum=0.1}: ?[], ?[], ?[], ?[], ?[]
"Default/net/Cast-op7" = Cast("Default/net/BatchNorm-op1:0") {dtype=Float32}: Float32[2, 4]
"Default/net/ReLU-op7" = ReLU("Default/net/Cast-op7"): Float32[2, 4]
output "Default/net/ReLU-op7"
)");
}

TEST(GraphMeta, OutputByNodeOrScope) {
  Meta meta;
  meta.node("ReLU", {"x"}, {2, 4}, "Default/net/a-ReLU");
  meta.node("Sigmoid", {"1"}, {2, 4}, "Default/net/b-Sigmoid");
  meta.loss("2");
  EXPECT_EQ(meta.read()->graph.nodes.size(), 2U);
  EXPECT_EQ(meta.read("Default/net/a-ReLU")->graph.nodes.size(), 1U);
  EXPECT_EQ(meta.read("Default/net/a-ReLU/ReLU-op1")->graph.nodes.size(), 1U);
  EXPECT_EQ(meta.read("Default/net/c").error().code, Errc::usage);
}

TEST(GraphMeta, WhatIsNotRecordedIsRefusedByName) {
  Meta tensor;
  auto& values = tensor.constant("cst1");
  values.set_dtype(anf_ir::DT_TENSOR);
  values.mutable_tensor_val()->add_dims(4);
  values.mutable_tensor_val()->set_data_type(anf_ir::DT_FLOAT32);
  tensor.node("Mul", {"x", "cst1"});
  tensor.loss("1");
  EXPECT_EQ(verdict(tensor.read()),
            "Mul x1: argument other is a tensor whose values the file does not record (Default/net/Mul-op1)\n");

  Meta function;
  function.graph().add_node();
  function.node("ReLU", {"1"});
  function.loss("2");
  EXPECT_NE(verdict(function.read()).find("call x1: calls a function, which graph.meta does not record"),
            std::string::npos);

  Meta queue;
  Meta::tuple(queue.node("GetNext", {}), 2);
  auto& zero = queue.constant("cst1");
  zero.set_dtype(anf_ir::DT_INT64);
  zero.set_int_val(0);
  queue.node("TupleGetItem", {"1", "cst1"});
  queue.node("ReLU", {"2"});
  queue.loss("3");
  EXPECT_NE(verdict(queue.read()).find("GetNext x1: takes its data from a queue"), std::string::npos);

  Meta statistics;
  statistics.parameter("scale", {4});
  statistics.constant("cst1").set_dtype(anf_ir::DT_NONE);
  statistics.node("BatchNorm", {"x", "scale", "scale", "cst1", "cst1"});
  statistics.loss("1");
  EXPECT_NE(verdict(statistics.read()).find("BatchNorm x1: its moving_variance is not recorded"), std::string::npos)
      << verdict(statistics.read());

  Meta lossless;
  lossless.node("ReLU", {"x"});
  EXPECT_NE(verdict(lossless.read()).find("say which node or scope the output is"), std::string::npos);
}

}  // namespace
}  // namespace ckpt::graph

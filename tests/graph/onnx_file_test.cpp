#include "onnx_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "ckpt/element.h"
#include "containers.h"
#include "file_bytes.h"
#include "onnx.pb.h"
#include "op.h"
#include "prepare.h"
#include "small_graphs.h"
#include "temp_dir.h"

namespace ckpt::graph {
namespace {

using test::conv_graph;
using test::read_file;
using test::TempDir;

Status write(const std::filesystem::path& path, Graph& graph, const OnnxOptions& options = {}) {
  EXPECT_TRUE(verify(graph));
  const auto prepared = prepare(graph, nullptr);
  EXPECT_TRUE(prepared && prepared->refusals.empty());
  return write_onnx(path, graph, prepared->converted->target, options);
}

std::string problem(const Status& status) { return status ? "" : to_string(status.error()); }

// What protobuf itself reads.
onnx::ModelProto parsed(const std::filesystem::path& path) {
  onnx::ModelProto model;
  EXPECT_TRUE(model.ParseFromString(read_file(path)));
  return model;
}

std::map<std::string, const onnx::TensorProto*> initializers(const onnx::ModelProto& model) {
  std::map<std::string, const onnx::TensorProto*> tensors;
  for (const auto& tensor : model.graph().initializer()) tensors.emplace(tensor.name(), &tensor);
  return tensors;
}

std::string bytes_in(const Graph& graph, const std::string& name) {
  for (const Value& value : graph.values) {
    if (value.name != name) continue;
    const auto bytes = bytes_of(value.contents, 1 << 24);
    return bytes ? std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size()) : "";
  }
  return "";
}

TEST(OnnxFile, IsWhatTheGraphSays) {
  const TempDir dir;
  Graph graph = conv_graph();
  ASSERT_EQ(
      problem(write(dir / "m.onnx", graph, {.producer_version = "1.2", .metadata = {{"k", "v"}}, .permissions = 0640})),
      "");
  EXPECT_EQ(test::mode_of(dir / "m.onnx"), 0640U);
  const onnx::ModelProto model = parsed(dir / "m.onnx");
  EXPECT_EQ(model.ir_version(), 8);
  EXPECT_EQ(model.producer_name(), "libckpt");
  EXPECT_EQ(model.producer_version(), "1.2");
  ASSERT_EQ(model.opset_import_size(), 1);
  EXPECT_EQ(model.opset_import(0).version(), 17);
  ASSERT_EQ(model.metadata_props_size(), 1);
  EXPECT_EQ(model.metadata_props(0).key() + model.metadata_props(0).value(), "kv");
  EXPECT_EQ(model.graph().name(), "conv");

  ASSERT_EQ(model.graph().input_size(), 1);
  const auto& input = model.graph().input(0);
  EXPECT_EQ(input.name(), "x");
  EXPECT_EQ(input.type().tensor_type().elem_type(), onnx::TensorProto::FLOAT);
  EXPECT_EQ(input.type().tensor_type().shape().dim(0).dim_param(), "N");
  EXPECT_EQ(input.type().tensor_type().shape().dim(3).dim_value(), 8);
  ASSERT_EQ(model.graph().output_size(), 1);
  EXPECT_EQ(model.graph().output(0).name(), "Default/conv/BiasAdd-op1");
  EXPECT_EQ(model.graph().output(0).type().tensor_type().shape().dim(1).dim_value(), 2);

  const auto tensors = initializers(model);
  ASSERT_TRUE(tensors.contains("conv.weight"));
  EXPECT_EQ(tensors.at("conv.weight")->raw_data(), bytes_in(graph, "conv.weight"));
  EXPECT_EQ(tensors.at("conv.weight")->dims_size(), 4);
}

TEST(OnnxFile, TheSameGraphGivesTheSameBytes) {
  const TempDir dir;
  for (const char* name : {"a.onnx", "b.onnx"}) {
    Graph graph = conv_graph();
    ASSERT_TRUE(write(dir / name, graph));
  }
  EXPECT_EQ(read_file(dir / "a.onnx"), read_file(dir / "b.onnx"));
}

TEST(OnnxFile, AnExistingFileStaysUnlessItMayBeReplaced) {
  const TempDir dir;
  test::write_file(dir / "m.onnx", "old");
  Graph graph = conv_graph();
  const auto status = write(dir / "m.onnx", graph, {.overwrite = false});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::usage);
  EXPECT_EQ(read_file(dir / "m.onnx"), "old");
  ASSERT_TRUE(write(dir / "m.onnx", graph));
  EXPECT_NE(read_file(dir / "m.onnx"), "old");
}

TEST(OnnxFile, ExternalDataIsDenseAndLargeTensorsAreAligned) {
  const TempDir dir;
  Graph graph = conv_graph("conv.weight", 40000);  // 1.4 MB of weights, 160 kB of bias
  ASSERT_EQ(problem(write(dir / "m.onnx", graph, {.external_data = true})), "");
  EXPECT_EQ(test::names_in(dir.path()), (std::vector<std::string>{"m.onnx", "m.onnx.data"}));
  const onnx::ModelProto model = parsed(dir / "m.onnx");
  std::map<std::string, std::string> weight;
  for (const auto& entry : initializers(model).at("conv.weight")->external_data()) weight[entry.key()] = entry.value();
  EXPECT_EQ(weight["location"], "m.onnx.data");
  EXPECT_EQ(std::stoull(weight["offset"]) % 4096, 0U);
  EXPECT_EQ(std::stoull(weight["length"]), 40000U * 9 * 4);
  const std::string stored =
      read_file(dir / "m.onnx.data").substr(std::stoull(weight["offset"]), std::stoull(weight["length"]));
  EXPECT_TRUE(stored == bytes_in(graph, "conv.weight"));
  // The reader of containers finds the same.
  const auto found = containers::open_any(dir / "m.onnx");
  ASSERT_TRUE(found) << to_string(found.error());
  ASSERT_NE(found->file.find("conv.bias"), nullptr);
  std::string bias(40000 * 4, '\0');
  ASSERT_TRUE(found->file.read(*found->file.find("conv.bias"), 0, std::as_writable_bytes(std::span(bias))));
  EXPECT_TRUE(bias == bytes_in(graph, "conv.bias"));
}

TEST(OnnxFile, WhatIsTooLargeForOneFileGoesIntoTwo) {
  const TempDir dir;
  Graph graph = conv_graph("conv.weight", 1000);
  ASSERT_EQ(problem(write(dir / "m.onnx", graph, {.max_model_bytes = 20000})), "");
  EXPECT_LT(std::filesystem::file_size(dir / "m.onnx"), 20000U);
  EXPECT_EQ(std::filesystem::file_size(dir / "m.onnx.data"), 1000U * 10 * 4);
  Graph again = conv_graph("conv.weight", 1000);
  ASSERT_FALSE(write(dir / "n.onnx", again, {.max_model_bytes = 100}));
  EXPECT_FALSE(std::filesystem::exists(dir / "n.onnx.data"));
}

TEST(OnnxFile, ALinkLeadsToWhereBothFilesGo) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "real");
  test::write_file(dir / "real/m.onnx", "old");
  std::filesystem::create_symlink("real/m.onnx", dir / "link.onnx");
  Graph graph = conv_graph("conv.weight", 1000);
  ASSERT_EQ(problem(write(dir / "link.onnx", graph, {.external_data = true})), "");
  EXPECT_EQ(test::names_in(dir / "real"), (std::vector<std::string>{"m.onnx", "m.onnx.data"}));
  EXPECT_TRUE(std::filesystem::is_symlink(dir / "link.onnx"));
}

TEST(OnnxFile, NamesAreUtf8AndGivenOnce) {
  const TempDir dir;
  Graph graph = conv_graph("w\xff");
  graph.value(graph.inputs[0]).name = "w\\xff";
  ASSERT_EQ(problem(write(dir / "m.onnx", graph)), "");
  const onnx::ModelProto model = parsed(dir / "m.onnx");
  EXPECT_EQ(model.graph().input(0).name(), "w\\xff");
  EXPECT_TRUE(initializers(model).contains("w\\xff_1"));
}

TEST(OnnxFile, HalfIsForMatricesAndIsCastWhenLoaded) {
  const TempDir dir;
  Graph graph = conv_graph();
  ASSERT_EQ(problem(write(dir / "m.onnx", graph, {.half = true})), "");
  const onnx::ModelProto model = parsed(dir / "m.onnx");
  const auto& weight = *initializers(model).at("conv.weight");
  EXPECT_EQ(weight.data_type(), onnx::TensorProto::FLOAT16);
  ASSERT_EQ(weight.raw_data().size(), 2U * 9 * 2);
  std::uint16_t first = 0;
  std::memcpy(&first, weight.raw_data().data(), sizeof first);
  EXPECT_EQ(float16_to_float(first), 0.25F);
  EXPECT_EQ(model.graph().node(0).op_type(), "Cast");
  EXPECT_EQ(model.graph().node(0).attribute(0).i(), onnx::TensorProto::FLOAT);

  for (Value& value : graph.values)
    if (value.name == "conv.weight") value.contents = test::some_floats(18, 1e6F);
  const auto status = write(dir / "n.onnx", graph, {.half = true});
  EXPECT_EQ(problem(status), "in \"conv.weight\": numbers that are too large for Float16");
  EXPECT_FALSE(std::filesystem::exists(dir / "n.onnx"));
}

TEST(OnnxFile, ContentsOfAnotherSizeAreRefused) {
  const TempDir dir;
  Graph graph = conv_graph();
  ASSERT_TRUE(infer_types(graph).empty());
  for (Value& value : graph.values)
    if (value.name == "conv.weight") value.contents = test::some_floats(17);
  const Converted converted = convert_to_onnx(graph, 17);
  EXPECT_EQ(problem(write_onnx(dir / "m.onnx", graph, converted.target)),
            "in \"conv.weight\": 68 bytes are not Float32 [2, 1, 3, 3]");
}

// Made bytes that turn out fewer when they are made: nothing is left behind.
TEST(OnnxFile, AFailureLeavesNothing) {
  const TempDir dir;
  Graph graph = conv_graph("conv.weight", 1000);
  for (Value& value : graph.values) {
    if (value.name != "conv.weight") continue;
    value.contents = {.make = []() -> Result<std::vector<std::byte>> { return std::vector<std::byte>(4); },
                      .size = value.contents.size};
  }
  EXPECT_EQ(problem(write(dir / "m.onnx", graph)), "in \"conv.weight\": its bytes are not all there");
  EXPECT_EQ(problem(write(dir / "m.onnx", graph, {.external_data = true})),
            "in \"conv.weight\": its bytes are not all there");
  const auto stop = [](std::uint64_t, std::uint64_t) { return false; };
  Graph other = conv_graph();
  const auto stopped = write(dir / "m.onnx", other, {.progress = stop});
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::cancelled);
  EXPECT_TRUE(test::names_in(dir.path()).empty());
}

}  // namespace
}  // namespace ckpt::graph

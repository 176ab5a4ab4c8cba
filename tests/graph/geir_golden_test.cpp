#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>

#include "file_bytes.h"
#include "ge_ir.pb.h"
#include "geir_file.h"
#include "prepare.h"
#include "read_graph.h"
#include "temp_dir.h"

// Files of GE's own library, read, converted to GE and written again, must say the same, field by field. What ours says
// in addition (the spellings of later versions) is not looked at here.
namespace ckpt::graph {
namespace {

using Ops = std::map<std::string, const ge_ir::OpDef*>;

ge_ir::ModelDef parsed(const std::filesystem::path& path) {
  ge_ir::ModelDef model;
  EXPECT_TRUE(model.ParseFromString(test::read_file(path))) << path;
  return model;
}

Ops ops_of(const ge_ir::ModelDef& model) {
  Ops ops;
  for (const ge_ir::OpDef& op : model.graph(0).op()) ops.emplace(op.name(), &op);
  return ops;
}

ge_ir::ModelDef written_again(const std::filesystem::path& golden, const test::TempDir& folder) {
  auto read = read_graph(golden);
  EXPECT_TRUE(read) << to_string(read.error());
  if (!read) return {};
  const auto prepared = prepare(read->graph, nullptr, {.opset = 0}, read->refusals);
  EXPECT_TRUE(prepared) << to_string(prepared.error());
  for (const Refusal& refusal : prepared->refusals.list()) ADD_FAILURE() << refusal.op << ": " << refusal.reason;
  if (!prepared->ready()) return {};
  const Status status = write_geir(folder.path() / "again.pb", read->graph, prepared->converted->target);
  EXPECT_TRUE(status) << to_string(status.error());
  return parsed(folder.path() / "again.pb");
}

// What is named by an input: constants that belong to operators have no names of their own in our graph.
const ge_ir::OpDef* source_of(const Ops& ops, const std::string& input) {
  const auto at = ops.find(input.substr(0, input.rfind(':')));
  return at == ops.end() ? nullptr : at->second;
}

bool is_constant(const ge_ir::OpDef* op) {
  return op != nullptr && (op->type() == "Const" || op->type() == "Constant");
}

void expect_same_tensor(const ge_ir::TensorDescriptor& theirs, const ge_ir::TensorDescriptor& ours) {
  EXPECT_EQ(theirs.dtype(), ours.dtype());
  EXPECT_EQ(theirs.shape().SerializeAsString(), ours.shape().SerializeAsString());
  EXPECT_EQ(theirs.has_out_attr(), ours.has_out_attr());
  EXPECT_EQ(theirs.real_dim_cnt(), ours.real_dim_cnt());
  EXPECT_EQ(theirs.device_type(), ours.device_type());
}

void expect_same_inputs(const Ops& theirs, const ge_ir::OpDef& golden, const Ops& ours, const ge_ir::OpDef& op) {
  ASSERT_EQ(golden.input_size(), op.input_size());
  for (int i = 0; i < golden.input_size(); ++i) {
    const ge_ir::OpDef* one = source_of(theirs, golden.input(i));
    const ge_ir::OpDef* other = source_of(ours, op.input(i));
    if (!is_constant(one)) {
      EXPECT_EQ(golden.input(i), op.input(i));
      continue;
    }
    ASSERT_TRUE(is_constant(other)) << op.input(i);
    EXPECT_EQ(one->attr().at("value").t().data(), other->attr().at("value").t().data());
    expect_same_tensor(one->attr().at("value").t().desc(), other->attr().at("value").t().desc());
  }
}

void expect_same_op(const Ops& theirs, const ge_ir::OpDef& golden, const Ops& ours, const ge_ir::OpDef& op) {
  EXPECT_EQ(golden.type(), op.type());
  expect_same_inputs(theirs, golden, ours, op);
  for (const auto& [name, value] : golden.attr()) {
    if (name == "is_input_const" || name == "value") continue;  // of a shape GE says that it is none
    ASSERT_TRUE(op.attr().contains(name)) << name;
    EXPECT_EQ(value.SerializeAsString(), op.attr().at(name).SerializeAsString()) << name;
  }
  ASSERT_EQ(golden.input_desc_size(), op.input_desc_size());
  for (int i = 0; i < op.input_desc_size(); ++i) expect_same_tensor(golden.input_desc(i), op.input_desc(i));
  ASSERT_EQ(golden.output_desc_size(), op.output_desc_size());
  expect_same_tensor(golden.output_desc(0), op.output_desc(0));
}

class GeirGolden : public testing::TestWithParam<const char*> {};

TEST_P(GeirGolden, ComesOutAsItWas) {
  const auto path = std::filesystem::path(CKPT_SAMPLES) / "graphs" / GetParam();
  const test::TempDir folder;
  const ge_ir::ModelDef golden = parsed(path);
  const ge_ir::ModelDef again = written_again(path, folder);
  ASSERT_EQ(again.graph_size(), 1);
  EXPECT_EQ(golden.graph(0).name(), again.graph(0).name());
  ASSERT_EQ(golden.graph(0).output_size(), again.graph(0).output_size());
  for (int i = 0; i < golden.graph(0).output_size(); ++i)
    EXPECT_EQ(golden.graph(0).output(i), again.graph(0).output(i));
  const Ops theirs = ops_of(golden);
  const Ops ours = ops_of(again);
  for (const auto& [name, op] : theirs) {
    SCOPED_TRACE(name);
    const auto same = ours.find(name);
    if (is_constant(op) && op->name().find("_const") == std::string::npos) continue;  // compared where it is used
    ASSERT_NE(same, ours.end());
    // Reading makes a Flatten of a Reshape to [batch, -1], so that the batch is no number in it.
    if (op->type() == "Reshape" && same->second->type() == "Flatten") continue;
    expect_same_op(theirs, *op, ours, *same->second);
  }
  for (const auto& [key, value] : golden.attr()) {
    ASSERT_TRUE(again.attr().contains(key)) << key;
    EXPECT_EQ(value.SerializeAsString(), again.attr().at(key).SerializeAsString()) << key;
  }
}

INSTANTIATE_TEST_SUITE_P(All, GeirGolden, testing::Values("geir_lenet.pb", "geir_misc.pb"));

}  // namespace
}  // namespace ckpt::graph

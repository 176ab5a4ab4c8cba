// The samples of graph files: each as the text that is beside the tests, and what cannot be read refused by name.
// CKPT_UPDATE_TEXTS=1 in the environment writes the texts anew, to be looked at.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "file_bytes.h"
#include "graph_text.h"
#include "op.h"
#include "read_graph.h"

namespace ckpt::graph {
namespace {

const std::filesystem::path kGraphs = std::filesystem::path(CKPT_SAMPLES) / "graphs";

std::string why(const Result<GraphFile>& file) { return file ? "" : to_string(file.error()); }

std::string refusals_of(const Refusals& refusals) {
  std::string text;
  for (const Refusal& refusal : refusals.list())
    text += refusal.op + " x" + std::to_string(refusal.nodes) + ": " + refusal.reason + " (" + refusal.first + ")\n";
  return text;
}

class GraphSample : public testing::TestWithParam<const char*> {};

TEST_P(GraphSample, IsWhatItsTextSays) {
  const std::filesystem::path file = GetParam();
  auto graph = read_graph(kGraphs / file);
  ASSERT_TRUE(graph) << why(graph);
  EXPECT_EQ(refusals_of(graph->refusals), "");
  const auto status = verify(graph->graph);
  ASSERT_TRUE(status) << to_string(status.error());
  const auto text = to_text(graph->graph);
  ASSERT_TRUE(text) << to_string(text.error());

  const auto golden = std::filesystem::path(CKPT_GRAPH_TEXTS) / (file.stem().string() + ".txt");
  if (std::getenv("CKPT_UPDATE_TEXTS") != nullptr) test::write_file(golden, *text);
  EXPECT_EQ(*text, test::read_file(golden));

  const auto back = from_text(*text);
  ASSERT_TRUE(back) << to_string(back.error());
  const auto again = to_text(*back);
  ASSERT_TRUE(again) << to_string(again.error());
  EXPECT_EQ(*again, *text);
}

TEST_P(GraphSample, IsTypedAsItsSourceRecorded) {
  auto graph = read_graph(kGraphs / GetParam());
  ASSERT_TRUE(graph) << why(graph);
  EXPECT_EQ(refusals_of(infer_types(graph->graph)), "");
}

INSTANTIATE_TEST_SUITE_P(All, GraphSample,
                         testing::Values("lenet5.mindir", "mlp.mindir", "tiny_resnet.mindir", "tiny_resnet_pad.mindir",
                                         "variants/dynamic.mindir", "variants/split/mlp_graph.mindir",
                                         "train_lenet5/lenet5-graph.meta", "train_mlp/mlp-graph.meta",
                                         "train_tiny_resnet/tiny_resnet-graph.meta", "geir_lenet.pb", "geir_misc.pb"));

TEST(GraphRefused, EncryptedByItsMagic) {
  for (const char* name : {"enc_AES-GCM.mindir", "enc_AES-CBC.mindir"}) {
    const auto graph = read_graph(kGraphs / "variants" / name);
    ASSERT_FALSE(graph) << name;
    EXPECT_EQ(graph.error().code, Errc::key) << why(graph);
  }
}

TEST(GraphRefused, ControlFlowByItsNode) {
  const auto graph = read_graph(kGraphs / "variants/refuse_control_flow.mindir");
  ASSERT_TRUE(graph) << why(graph);
  ASSERT_FALSE(graph->refusals.empty());
  const std::string all = refusals_of(graph->refusals);
  EXPECT_NE(all.find("control flow"), all.npos) << all;
  EXPECT_NE(all.find("CNode_"), all.npos) << all;
}

TEST(GraphRefused, WhatIsNoGraph) {
  for (const char* name : {"good/lenet.ckpt", "good/crc.ckpt", "README.md", "bad/empty.ckpt", "bad/other_html.ckpt"}) {
    const auto graph = read_graph(std::filesystem::path(CKPT_SAMPLES) / name);
    EXPECT_FALSE(graph) << name;
  }
}

}  // namespace
}  // namespace ckpt::graph

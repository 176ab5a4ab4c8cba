#include "names.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace ckpt::containers {
namespace {

using Named = std::vector<std::pair<std::string, std::vector<std::int64_t>>>;
using Names = std::vector<std::string>;

Names names_in(NameStyle style, const Named& tensors) {
  std::vector<TensorInfo> infos;
  for (const auto& [name, dims] : tensors) {
    TensorInfo& info = infos.emplace_back();
    info.name = name;
    info.dims = dims;
  }
  return renamed(infos, style);
}

const Named kMindspore = {{"conv1.weight", {8, 3, 3, 3}},
                          {"bn1.gamma", {8}},
                          {"bn1.beta", {8}},
                          {"bn1.moving_mean", {8}},
                          {"bn1.moving_variance", {8}},
                          {"layers.0.norm.gamma", {4, 4}},
                          {"layers.0.norm.beta", {4, 4}},
                          {"word_embedding.embedding_table", {100, 16}},
                          {"fc.weight", {10, 8}},
                          {"fc.bias", {10}},
                          {"moments.bn1.gamma", {8}},
                          {"moments.bn1.beta", {8}},
                          {"gamma", {2}},
                          {"beta", {2}}};
const Named kPytorch = {{"conv1.weight", {8, 3, 3, 3}},
                        {"bn1.weight", {8}},
                        {"bn1.bias", {8}},
                        {"bn1.running_mean", {8}},
                        {"bn1.running_var", {8}},
                        {"layers.0.norm.weight", {4, 4}},
                        {"layers.0.norm.bias", {4, 4}},
                        {"word_embedding.weight", {100, 16}},
                        {"fc.weight", {10, 8}},
                        {"fc.bias", {10}},
                        {"moments.bn1.weight", {8}},
                        {"moments.bn1.bias", {8}},
                        {"weight", {2}},
                        {"bias", {2}}};

Names only_names(const Named& tensors) {
  Names names;
  for (const auto& [name, dims] : tensors) names.push_back(name);
  return names;
}

TEST(Names, ThereAndBack) {
  EXPECT_EQ(names_in(NameStyle::pytorch, kMindspore), only_names(kPytorch));
  EXPECT_EQ(names_in(NameStyle::mindspore, kPytorch), only_names(kMindspore));
  // What has the names already keeps them.
  EXPECT_EQ(names_in(NameStyle::pytorch, kPytorch), only_names(kPytorch));
  EXPECT_EQ(names_in(NameStyle::mindspore, kMindspore), only_names(kMindspore));
}

TEST(Names, WhatIsNoNormKeepsItsName) {
  // A scale of its own; a norm whose parameters do not fit each other.
  EXPECT_EQ(names_in(NameStyle::pytorch, {{"block.gamma", {8}}}), Names({"block.gamma"}));
  EXPECT_EQ(names_in(NameStyle::pytorch, {{"x.gamma", {8}}, {"x.beta", {9}}}), Names({"x.gamma", "x.beta"}));
  EXPECT_EQ(names_in(NameStyle::pytorch, {{"x.gamma", {}}, {"x.beta", {}}}), Names({"x.gamma", "x.beta"}));
  EXPECT_EQ(names_in(NameStyle::pytorch, {{"x.gamma", {8}}, {"y.beta", {8}}}), Names({"x.gamma", "y.beta"}));
  // An activation's weight, a norm without a bias, a dense layer.
  EXPECT_EQ(names_in(NameStyle::mindspore, {{"prelu.weight", {8}}}), Names({"prelu.weight"}));
  EXPECT_EQ(names_in(NameStyle::mindspore, {{"fc.weight", {1, 8}}, {"fc.bias", {1}}}), Names({"fc.weight", "fc.bias"}));
}

TEST(Names, StatisticsWithoutAScale) {
  EXPECT_EQ(names_in(NameStyle::pytorch, {{"bn.moving_mean", {8}}, {"bn.moving_variance", {8}}}),
            Names({"bn.running_mean", "bn.running_var"}));
  EXPECT_EQ(names_in(NameStyle::mindspore,
                     {{"bn.running_mean", {8}}, {"bn.running_var", {8}}, {"bn.num_batches_tracked", {}}}),
            Names({"bn.moving_mean", "bn.moving_variance", "bn.num_batches_tracked"}));
}

TEST(Names, TablesAreToldByTheirLayersName) {
  EXPECT_EQ(names_in(NameStyle::mindspore,
                     {{"h.wte.weight", {9, 2}}, {"Embed.weight", {9, 2}}, {"embedding.proj.weight", {9, 2}}}),
            Names({"h.wte.embedding_table", "Embed.embedding_table", "embedding.proj.weight"}));
  EXPECT_EQ(names_in(NameStyle::mindspore, {{"embed.weight", {9, 2}}, {"embed.bias", {9}}}),
            Names({"embed.weight", "embed.bias"}));
}

TEST(Names, Styles) {
  EXPECT_EQ(name_style_from_text("pytorch"), NameStyle::pytorch);
  EXPECT_EQ(name_style_from_text("mindspore"), NameStyle::mindspore);
  EXPECT_FALSE(name_style_from_text("PyTorch"));
}

}  // namespace
}  // namespace ckpt::containers

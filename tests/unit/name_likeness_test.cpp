#include "name_likeness.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace ckpt {
namespace {

std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words;
  const NameWords split(name);
  for (const auto& word : split.words()) words.push_back(word.text);
  return words;
}

bool alike(std::string_view a, std::string_view b) {
  const NameWords x(a);
  const NameWords y(b);
  return are_alike(likeness(x, y), x, y);
}

TEST(NameLikeness, NamesHaveWords) {
  EXPECT_EQ(words_of("encoder.layer3.queryNorm_weight"),
            (std::vector<std::string>{"encoder", "layer", "3", "query", "norm", "weight"}));
  EXPECT_EQ(words_of("LSTMCell.W_ih"), (std::vector<std::string>{"lstmcell", "w", "ih"}));
  EXPECT_EQ(words_of("..--"), std::vector<std::string>{});
  EXPECT_EQ(NameWords("a1.b22.c").numbers(), ".1.22");
}

TEST(NameLikeness, TheSameWordsAreTheSame) {
  for (const auto* other : {"layer1_0_conv_weight", "layer1.0.conv.weight", "Layer1.0.Conv.Weight"})
    EXPECT_EQ(likeness(NameWords("layer1.0.conv.weight"), NameWords(other)), 1);
  EXPECT_EQ(likeness(NameWords(""), NameWords("")), 1);
  EXPECT_EQ(likeness(NameWords("a"), NameWords("")), 0);
}

TEST(NameLikeness, IsSymmetric) {
  const std::vector<NameWords> names = {NameWords("a.1.weight"), NameWords("backbone.a.1.gamma"), NameWords("q"),
                                        NameWords("query.2"), NameWords("encoder.layer.3.attention.q.weight")};
  for (const auto& a : names)
    for (const auto& b : names) EXPECT_EQ(likeness(a, b), likeness(b, a));
}

TEST(NameLikeness, WhatIsRenamed) {
  EXPECT_TRUE(alike("conv1.weight", "backbone.conv1.weight"));
  EXPECT_TRUE(alike("bn1.gamma", "bn1.weight"));
  EXPECT_TRUE(alike("bn1.moving_mean", "bn1.running_mean"));
  EXPECT_TRUE(alike("encoder.layer.3.attention.q.weight", "transformer.blocks.3.attn.query.weight"));
  EXPECT_TRUE(alike("module.layer1.0.conv1.weight", "layer1.0.conv1.weight"));
}

TEST(NameLikeness, WhatIsNot) {
  EXPECT_FALSE(alike("fc.weight", "head.weight"));
  EXPECT_FALSE(alike("layer1.0.conv1.weight", "layer1.1.conv1.weight"));
  EXPECT_FALSE(alike("encoder.layer.3.output.weight", "encoder.layer.13.output.weight"));
}

TEST(NameLikeness, NumbersDecide) {
  const NameWords name("encoder.layer.3.attention.q.weight");
  const double same = likeness(name, NameWords("decoder.block.3.attn.query.weight"));
  const double other = likeness(name, NameWords("encoder.layer.4.attention.q.weight"));
  EXPECT_GT(same, other);
}

}  // namespace
}  // namespace ckpt

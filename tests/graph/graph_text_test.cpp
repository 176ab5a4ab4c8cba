// The text form of graphs: nothing is lost in it, and what is wrong in one is said with its place.
#include "graph_text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace ckpt::graph {
namespace {

std::vector<std::byte> raw(auto... values) {
  std::vector<std::byte> bytes;
  const auto put = [&](auto value) {
    for (const std::byte one : std::bit_cast<std::array<std::byte, sizeof value>>(value)) bytes.push_back(one);
  };
  (put(values), ...);
  return bytes;
}

/// Everything there is, with names that need care.
Graph everything() {
  Graph graph{.name = "a \"graph\"\n"};
  const ValueId x = graph.add_input("x", {DType::float32, {Dim("N"), Dim("odd name"), Dim(), 3}});
  const ValueId scalar = graph.add_input("標量", {DType::float16, {}});
  const ValueId weight = graph.add_parameter("conv1.weight", {DType::float32, {2}});
  const ValueId bound = graph.add_parameter("bound", {DType::float32, {2}});
  graph.value(bound).contents = in_memory(raw(1.5F, -std::numeric_limits<float>::infinity()));
  graph.value(bound).bound = true;
  const ValueId nan = graph.add_constant("nan", {DType::float32, {1}}, in_memory(raw(std::nanf("1"))));
  const ValueId half =
      graph.add_constant("half", {DType::float16, {2}}, in_memory(raw(std::uint16_t{0x3C00}, std::uint16_t{1})));
  const ValueId whole = graph.add_constant("whole", {DType::int64, {2}}, in_memory(raw(INT64_MIN, INT64_MAX)));
  const ValueId flags =
      graph.add_constant("flags", {DType::boolean, {2}}, in_memory(raw(std::uint8_t{0}, std::uint8_t{1})));
  const ValueId odd = graph.add_constant("odd", {DType::boolean, {1}}, in_memory(raw(std::uint8_t{7})));
  const ValueId none = graph.add_constant("empty", {DType::int32, {0, 3}}, in_memory({}));
  const ValueId large = graph.add_constant("large", {DType::uint8, {300}}, in_memory(std::vector<std::byte>(300)));
  const Attrs attrs{{"none", None{}},
                    {"yes", true},
                    {"least", INT64_MIN},
                    {"one", 1.0},
                    {"small", 1e-7},
                    {"minus", -std::numeric_limits<double>::infinity()},
                    {"what", std::string("a\tb\"\\\xff")},
                    {"ints", Ints{1, -2}},
                    {"no_ints", Ints{}},
                    {"numbers", Doubles{0.1, 2}},
                    {"no_numbers", Doubles{}},
                    {"texts", Strings{"", "b"}},
                    {"no_texts", Strings{}},
                    {"rows", IntLists{{1, 2}, {}}},
                    {"no_rows", IntLists{}},
                    {"type", DType::bfloat16},
                    {"no_type", DType::unknown},
                    {"odd key", std::int64_t{1}}};
  const Node& node = graph.add_node("An op", "scope/op:1", {x, kAbsent, weight, bound, nan, half, whole}, attrs, 2);
  const std::vector<ValueId> results = node.outputs;
  graph.value(results[0]).type = {DType::int8, {Dim(), 0}};
  const Node& renamed = graph.add_node("Add", "sum", {results[0], results[1], flags, odd, none, large, scalar});
  const ValueId sum = renamed.outputs[0];
  graph.value(sum).name = "y";
  graph.outputs = {sum, results[0], x};
  return graph;
}

TEST(GraphText, NothingIsLost) {
  const Graph graph = everything();
  ASSERT_TRUE(verify(graph)) << to_string(verify(graph).error());
  const auto text = to_text(graph);
  ASSERT_TRUE(text) << to_string(text.error());
  const auto back = from_text(*text);
  ASSERT_TRUE(back) << to_string(back.error()) << "\n" << *text;

  ASSERT_EQ(back->values.size(), graph.values.size());
  for (const Value& value : graph.values) {
    const auto same = std::ranges::find(back->values, value.name, &Value::name);
    ASSERT_NE(same, back->values.end()) << value.name;
    EXPECT_EQ(same->kind, value.kind) << value.name;
    EXPECT_EQ(same->type, value.type) << value.name;
    EXPECT_EQ(same->bound, value.bound) << value.name;
    EXPECT_EQ(same->contents.size, value.contents.size) << value.name;
    if (value.bound && value.contents.size <= kMaxInline) {
      EXPECT_EQ(*bytes_of(same->contents, 1000), *bytes_of(value.contents, 1000)) << value.name;
    }
  }
  ASSERT_EQ(back->nodes.size(), graph.nodes.size());
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    EXPECT_EQ(back->nodes[i].op, graph.nodes[i].op);
    EXPECT_EQ(back->nodes[i].name, graph.nodes[i].name);
    EXPECT_EQ(back->nodes[i].attrs, graph.nodes[i].attrs);
    EXPECT_EQ(back->nodes[i].inputs.size(), graph.nodes[i].inputs.size());
  }
  const auto again = to_text(*back);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *text);
}

TEST(GraphText, WithoutLookingAtContents) {
  const auto text = to_text(everything(), {.digests = false});
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("constant \"large\": UInt8[300] bound\n"), text->npos) << *text;
  const auto back = from_text(*text);
  ASSERT_TRUE(back) << to_string(back.error());
  EXPECT_EQ(*to_text(*back), *text);
}

TEST(GraphText, DigestsAreThoseOfCkptHash) {
  // xxh128sum of 300 zero bytes.
  const auto text = to_text(everything());
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("constant \"large\": UInt8[300] xxh3:be8945035b2f421f56d0762b20085f91\n"), text->npos) << *text;
}

struct Wrong {
  const char* text;
  const char* says;
};

TEST(GraphText, WhatIsWrongHasAPlace) {
  const Wrong wrong[] = {
      {"what", "1:1"},
      {"graph x", "1:7"},
      {"graph \"x\ninput", "1:7"},
      {"graph \"\\q\"", "1:7"},
      {"graph \"x\" y", "1:11"},
      {"input \"x\" Float32[1]", "1:11"},
      {"input \"x\": Float31[1]", "1:19"},
      {"input \"x\": Float32[1", "1:21"},
      {"input \"x\": Float32[-1]", "1:20"},
      {"input \"x\": Float32[1]\ninput \"x\": Float32[1]", "2:7"},
      {"constant \"c\": Int64[2]", "1:23"},
      {"constant \"c\": Int64[2] = [1]", "1:29"},
      {"constant \"c\": Int64[1] = [1.5]", "1:28"},
      {"constant \"c\": Int8[1] = [128]", "1:26"},
      {"constant \"c\": Float16[1] = [1]", "1:28"},
      {"constant \"c\": Int64[N] = [1]", "1:24"},
      {"constant \"c\": Int64[1] xxh3:12", "1:31"},
      {"constant \"c\": Int64[1000000000, 1000000000, 1000000000] bound", "1:57"},
      {"\"a\" = Add(\"x\"): Float32[]", "1:11"},
      {"\"a\" = Add(x): Float32[]", "1:12"},
      {"\"a\" = Add() {a=1, a=2}: Float32[]", "1:22"},
      {"\"a\" = Add() {a=99999999999999999999}: Float32[]", "1:36"},
      {"\"a\" = Add() {a=[1, 2.0]}: Float32[]", "1:20"},
      {"\"a\" = Add() {a=[[1], 2]}: Float32[]", "1:22"},
      {"\"a\" = Add() {a=foo}: Float32[]", "1:16"},
      {"\"a\" -> \"b\", \"c\" = Add(): Float32[]", "1:35"},
      {"output \"a\"", "1:8"},
      {"# only a comment", "no outputs"},
  };
  for (const Wrong& one : wrong) {
    const auto graph = from_text(one.text);
    ASSERT_FALSE(graph) << one.text;
    EXPECT_EQ(graph.error().code, Errc::malformed);
    const std::string& says = graph.error().message;
    EXPECT_NE(says.find(one.says), says.npos) << one.text << "\n" << says;
  }
}

TEST(GraphText, BlanksAndCommentsSayNothing) {
  const auto graph = from_text("\n # a graph\n\tinput \"x\" :Float32[ N,1 ]# x\r\n  output \"x\"   \n\n");
  ASSERT_TRUE(graph) << to_string(graph.error());
  EXPECT_EQ(*to_text(*graph), "graph \"\"\ninput \"x\": Float32[N, 1]\noutput \"x\"\n");
}

}  // namespace
}  // namespace ckpt::graph

#include "parameters.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>

namespace ckpt::train {
namespace {

graph::Contents contents_of(const std::vector<float>& numbers) {
  std::vector<std::byte> bytes(numbers.size() * sizeof(float));
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return graph::in_memory(std::move(bytes));
}

graph::ValueId add_bound(graph::Graph& graph, std::string name, graph::Type type, const std::vector<float>& numbers) {
  const graph::ValueId id = graph.add_parameter(std::move(name), std::move(type));
  graph.value(id).contents = contents_of(numbers);
  graph.value(id).bound = true;
  return id;
}

TEST(Parameters, AreThoseOfTheGraphInItsOrder) {
  graph::Graph graph;
  add_bound(graph, "z", {DType::float32, {2, 2}}, {1, 2, 3, 4});
  graph.add_input("x", {DType::float32, {1}});
  graph.add_parameter("a", {DType::int32, {}});
  auto parameters = Parameters::of(graph);
  ASSERT_TRUE(parameters) << to_string(parameters.error());

  const auto z = parameters->floats("z");
  EXPECT_EQ(std::vector<float>(z.begin(), z.end()), (std::vector<float>{1, 2, 3, 4}));
  ASSERT_EQ(parameters->bytes("a").size(), 4U);
  EXPECT_EQ(parameters->bytes("a")[0], std::byte{0});
  EXPECT_TRUE(parameters->bytes("x").empty());
  EXPECT_TRUE(parameters->floats("a").empty()) << "it has whole numbers";
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(parameters->bytes("a").data()) % 64, 0U);

  const auto saved = parameters->params();
  ASSERT_EQ(saved.size(), 2U);
  EXPECT_EQ(saved[0].desc.name, "z");
  EXPECT_EQ(saved[0].desc.dims, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(saved[1].desc.name, "a");
  EXPECT_TRUE(saved[1].desc.dims.empty());
  const auto loaded = parameters->net_params();
  EXPECT_EQ(loaded[0].bytes.data(), saved[0].bytes.data());

  const Parameters moved = std::move(*parameters);
  EXPECT_EQ(moved.params()[0].bytes.data(), saved[0].bytes.data()) << "it stays where it is";
}

struct Keeper : Borrower {
  explicit Keeper(std::span<float> home) : place(home) {}
  void give_back() override {
    place[0] = newest;
    ++times;
  }

  std::span<float> place;
  float newest = 0;
  int times = 0;
};

TEST(Parameters, WhoeverAsksGetsWhatABorrowerHas) {
  graph::Graph graph;
  add_bound(graph, "w", {DType::float32, {1}}, {1});
  auto parameters = Parameters::of(graph);
  ASSERT_TRUE(parameters) << to_string(parameters.error());
  const std::span<float> w = parameters->floats("w");
  Keeper first(w), second(w);
  const Parameters& looked_at = *parameters;

  EXPECT_TRUE(parameters->borrow(first));
  first.newest = 2;
  looked_at.params();
  looked_at.params();
  EXPECT_EQ(w[0], 2);
  EXPECT_EQ(first.times, 1) << "nothing has changed since";
  EXPECT_FALSE(parameters->borrow(first)) << "looking leaves it what it has";
  first.newest = 3;
  EXPECT_TRUE(parameters->borrow(second));
  EXPECT_EQ(w[0], 3);
  second.newest = 4;
  parameters->take_back_from(first);
  EXPECT_EQ(w[0], 3);
  EXPECT_EQ(parameters->floats("w")[0], 4);
  EXPECT_TRUE(parameters->borrow(second)) << "who asks may write";
  parameters->take_back_from(second);
}

TEST(Parameters, AShapeThatIsNotKnownIsAnError) {
  graph::Graph graph;
  graph.add_parameter("w", {DType::float32, {graph::Dim("N"), 2}});
  const auto parameters = Parameters::of(graph);
  ASSERT_FALSE(parameters);
  EXPECT_EQ(to_string(parameters.error()), "in \"w\": a parameter of type Float32 [N, 2]");
}

TEST(Parameters, ContentsOfAnotherSizeAreAnError) {
  graph::Graph graph;
  add_bound(graph, "w", {DType::float32, {3}}, {1, 2});
  const auto parameters = Parameters::of(graph);
  ASSERT_FALSE(parameters);
  EXPECT_EQ(parameters.error().code, Errc::mismatch);
}

TEST(Parameters, MoreThanThereIsMemoryIsAnError) {
  graph::Graph graph;
  const graph::Dim large(std::int64_t{1} << 20);
  graph.add_parameter("w", {DType::float32, {large, large}});
  const auto parameters = Parameters::of(graph);
  ASSERT_FALSE(parameters);
  EXPECT_EQ(parameters.error().code, Errc::limit);
}

// What is kept elsewhere is looked at and saved as it is there, not as it was when it was borrowed.
TEST(Parameters, ABorrowersNaNIsSeenBeforeItIsSaved) {
  graph::Graph graph;
  add_bound(graph, "w", {DType::float32, {3}}, {1, 2, 3});
  auto parameters = Parameters::of(graph);
  ASSERT_TRUE(parameters) << to_string(parameters.error());
  const std::span<float> here = parameters->floats("w");

  struct Elsewhere : Borrower {
    explicit Elsewhere(std::span<float> theirs) : w(theirs) {}
    void give_back() override { w[1] = std::numeric_limits<float>::quiet_NaN(); }
    std::span<float> w;
  } elsewhere(here);
  EXPECT_EQ(parameters->not_finite(), "");
  EXPECT_TRUE(parameters->borrow(elsewhere));
  EXPECT_EQ(parameters->not_finite(), "w");
  parameters->take_back();
}

}  // namespace
}  // namespace ckpt::train

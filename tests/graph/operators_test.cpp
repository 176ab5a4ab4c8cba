#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>

#include "operator_cases.h"

namespace ckpt::graph {
namespace {

using test::f32;
using test::graph_of;
using test::operator_cases;
using test::OperatorCase;
using test::training_cases;

std::vector<OperatorCase> all_cases() {
  auto cases = operator_cases();
  std::ranges::copy(training_cases(), std::back_inserter(cases));
  return cases;
}

std::string text_of(const Refusals& refusals) {
  std::string text;
  for (const Refusal& refusal : refusals.list()) text += refusal.op + ": " + refusal.reason + "\n";
  return text;
}

Graph canonical(const OperatorCase& each) {
  Graph graph = graph_of(each);
  for (Node& node : graph.nodes) {
    const auto status = canonicalise(node);
    EXPECT_TRUE(status) << each.op << ": " << (status ? "" : status.error().message);
  }
  return graph;
}

TEST(Operators, SortedEachOnceUnderEachName) {
  EXPECT_TRUE(std::ranges::is_sorted(ops(), {}, &Op::name));
  std::set<std::string, std::less<>> names;
  for (const Op& op : ops()) {
    std::string all = std::string(op.name) + " " + std::string(op.was);
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t end = std::min(all.find(' ', at), all.size());
      if (end > at) {
        const std::string name = all.substr(at, end - at);
        EXPECT_TRUE(names.insert(name).second) << name;
        EXPECT_EQ(find_op(name), &op) << name;
      }
      at = end + 1;
    }
  }
  EXPECT_EQ(find_op("NoSuchOperator"), nullptr);
}

TEST(Operators, ArgumentsAreWellFormed) {
  for (const Op& op : ops()) {
    std::set<std::string_view> names;
    for (const Argument& argument : op.arguments) {
      EXPECT_TRUE(names.insert(argument.name).second) << op.name << " " << argument.name;
      EXPECT_FALSE(argument.is_tensor() && argument.fallback) << op.name << " " << argument.name;
    }
    EXPECT_FALSE(names.empty()) << op.name;
  }
}

TEST(Operators, WhatIsChangedIsATensor) {
  for (const Op& op : ops()) {
    const auto flag = [&](const Argument& argument) {
      return argument.name == op.changes_if && argument.is == Argument::Is::boolean;
    };
    EXPECT_TRUE(op.changes_if.empty() || std::ranges::any_of(op.arguments, flag)) << op.name;
    EXPECT_TRUE(std::ranges::is_sorted(op.changes)) << op.name;
    for (const std::size_t i : op.changes) {
      ASSERT_LT(i, op.arguments.size()) << op.name;
      EXPECT_EQ(op.arguments[i].is, Argument::Is::tensor) << op.name << " " << op.arguments[i].name;
    }
  }
}

TEST(Operators, MovingStatisticsChangeInTrainingOnly) {
  Node node{.op = "BatchNorm"};
  EXPECT_TRUE(changed_operands(node).empty());
  node.attrs["is_training"] = true;
  EXPECT_EQ(changed_operands(node).size(), 2U);
  node.attrs["is_training"] = false;
  EXPECT_TRUE(changed_operands(node).empty());
  EXPECT_EQ(changed_operands({.op = "ApplyMomentum"}).size(), 2U);
  EXPECT_TRUE(changed_operands({.op = "NoSuchOperator"}).empty());
}

TEST(Operators, EachHasTypesARuleAndACase) {
  std::set<std::string, std::less<>> covered, only_trains;
  for (const OperatorCase& each : operator_cases()) covered.insert(each.op);
  for (const OperatorCase& each : training_cases()) only_trains.insert(each.op);
  for (const Op& op : ops()) {
    EXPECT_TRUE(op.infer) << op.name;
    EXPECT_TRUE(op.to_onnx || only_trains.contains(op.name)) << op.name;
    EXPECT_TRUE(covered.contains(op.name) || only_trains.contains(op.name)) << op.name;
  }
}

TEST(Operators, TypesAreWhatTheCaseSays) {
  for (const OperatorCase& each : all_cases()) {
    Graph graph = canonical(each);
    const Refusals refusals = infer_types(graph);
    EXPECT_TRUE(refusals.empty()) << text_of(refusals);
    for (std::size_t i = 0; i < each.results.size(); ++i) {
      EXPECT_EQ(to_string(graph.value(graph.outputs[i]).type), to_string(each.results[i])) << each.op;
    }
    EXPECT_TRUE(verify(graph)) << each.op;
  }
}

/// Names and places of a converted graph: each step uses what was there before, and each value has a name of its own.
void expect_well_formed(const Converted& converted, const Graph& graph, const std::string& what) {
  std::vector<bool> made(converted.target.outputs().size(), false);
  std::set<std::string> values, steps;
  for (std::size_t i = 0; i < made.size(); ++i) {
    const Target::Output& output = converted.target.outputs()[i];
    EXPECT_TRUE(values.insert(output.name).second) << what << ": " << output.name;
    made[i] = output.constant;
  }
  for (const ValueId id : graph.inputs) made[converted.target.of(id)] = true;
  for (const Target::Step& step : converted.target.steps()) {
    EXPECT_TRUE(steps.insert(step.name).second) << what << ": " << step.name;
    for (const Target::Ref ref : step.inputs) {
      if (ref != Target::kNothing) {
        EXPECT_TRUE(made[ref]) << what << ": " << step.name;
      }
    }
    for (const Target::Ref ref : step.outputs) made[ref] = true;
  }
  for (const ValueId id : graph.outputs) {
    const Target::Ref ref = converted.target.of(id);
    ASSERT_NE(ref, Target::kNothing) << what;
    EXPECT_TRUE(made[ref]) << what;
    EXPECT_EQ(converted.target.outputs()[ref].name, graph.value(id).name) << what;
  }
}

TEST(Operators, EachIsConvertedForEachOpset) {
  for (const OperatorCase& each : operator_cases()) {
    Graph graph = canonical(each);
    ASSERT_TRUE(infer_types(graph).empty()) << each.op;
    for (int opset = kMinOpset; opset <= kMaxOpset; ++opset) {
      const Converted converted = convert_to_onnx(graph, opset);
      const std::string what = each.op + " for opset " + std::to_string(opset);
      if (opset < each.since) {
        EXPECT_FALSE(converted.refusals.empty()) << what;
        continue;
      }
      ASSERT_TRUE(converted.refusals.empty()) << what << ": " << text_of(converted.refusals);
      expect_well_formed(converted, graph, what);
    }
  }
}

/// That the numbers are the same, interop says: it runs each of these by way of GEIR.
TEST(Operators, EachRuleForGeConvertsACase) {
  std::set<std::string> converted;
  for (const OperatorCase& each : operator_cases()) {
    Graph graph = canonical(of_batch(each, 8));
    ASSERT_TRUE(infer_types(graph).empty()) << each.op;
    if (convert_to_ge(graph).refusals.empty()) converted.insert(graph.nodes[0].op);
  }
  for (const Op& op : ops()) EXPECT_EQ(converted.contains(std::string(op.name)), op.to_ge != nullptr) << op.name;
}

// -1 in GE's BroadcastTo is the operand's own size, and a number has none.
TEST(Operators, FillsOfAnOpenBatchAreAsLargeAsTheInput) {
  const Type x = f32({-1, 4});
  for (const OperatorCase& each :
       {OperatorCase{"Threshold", {x}, {{"threshold", 0.5}, {"value", 7.0}}, {x}},
        OperatorCase{"MaskedFillScalar", {x, test::typed(DType::boolean, {-1, 4})}, {{"value", 7.0}}, {x}}}) {
    Graph graph = canonical(each);
    ASSERT_TRUE(infer_types(graph).empty());
    const Converted converted = convert_to_ge(graph);
    EXPECT_TRUE(converted.refusals.empty());
    for (const Target::Step& step : converted.target.steps()) EXPECT_NE(step.op, "BroadcastTo") << each.op;
  }
  OperatorCase wide{"MaskedFillScalar", {f32({1, 4}), test::typed(DType::boolean, {-1, 4})}, {{"value", 7.0}}, {x}};
  Graph graph = canonical(wide);
  ASSERT_TRUE(infer_types(graph).empty());
  EXPECT_NE(text_of(convert_to_ge(graph).refusals).find("of which the number is open"), std::string::npos);
}

/// Whatever is asked of a rule, it answers: attributes of every operator with numbers that make no sense.
TEST(Operators, OddNumbersAreRefusedOrConverted) {
  for (const OperatorCase& each : all_cases()) {
    for (const std::int64_t odd : {std::int64_t{-1}, std::int64_t{0}, std::int64_t{7}, std::int64_t{1} << 62,
                                   std::numeric_limits<std::int64_t>::min()}) {
      Graph graph = canonical(each);
      for (const auto& [name, attr] : Attrs(graph.nodes[0].attrs)) {
        Graph other = graph;
        Attr& changed = other.nodes[0].attrs[name];
        if (auto* number = std::get_if<std::int64_t>(&changed)) *number = odd;
        if (auto* numbers = std::get_if<Ints>(&changed)) std::ranges::fill(*numbers, odd);
        if (auto* lists = std::get_if<IntLists>(&changed)) lists->assign(3, {odd, odd});
        infer_types(other);
        convert_to_onnx(other, 17);
        convert_to_ge(other);
      }
    }
  }
}

TEST(Operators, ListsOfEachLengthAreRefusedOrConverted) {
  for (const OperatorCase& each : all_cases()) {
    const Graph graph = canonical(each);
    for (const auto& [name, attr] : graph.nodes[0].attrs) {
      for (const std::size_t length : {0U, 1U, 2U, 5U, 12U}) {
        Graph other = graph;
        Attr& changed = other.nodes[0].attrs[name];
        if (std::holds_alternative<Ints>(changed)) changed = Ints(length, 1);
        if (std::holds_alternative<Doubles>(changed)) changed = Doubles(length, 1);
        if (std::holds_alternative<IntLists>(changed)) changed = IntLists(length, {1, 1});
        infer_types(other);
        convert_to_onnx(other, 17);
        convert_to_ge(other);
      }
    }
  }
}

// What a pad of no number is of, nobody may read.
TEST(Operators, TransposedConvolutionsWantPadsForEachAxis) {
  for (const OperatorCase& each : operator_cases()) {
    if (each.op != "Convolution") continue;
    Graph graph = canonical(each);
    graph.nodes[0].attrs["transposed"] = true;
    graph.nodes[0].attrs["padding"] = Ints{};
    EXPECT_NE(text_of(infer_types(graph)).find("padding has 0 numbers"), std::string::npos);
  }
}

TEST(Operators, InputsOfEachSizeAreRefusedOrConverted) {
  for (const OperatorCase& each : all_cases()) {
    for (std::size_t i = 0; i < each.inputs.size(); ++i) {
      for (const Ints& sizes : {Ints{}, Ints{0}, Ints{3}, Ints{2, 0}, Ints{2, 3}, Ints{1, 2, 3, 4, 5, 6}}) {
        OperatorCase other = each;
        if (other.inputs[i].dtype == DType::unknown) continue;
        other.inputs[i] = test::typed(other.inputs[i].dtype, sizes);
        Graph graph = graph_of(other);
        if (!canonicalise(graph.nodes[0])) continue;
        infer_types(graph);
        convert_to_onnx(graph, 17);
        convert_to_ge(graph);
      }
    }
  }
}

/// CKPT_UPDATE_DOCS in the environment writes the table anew.
TEST(Operators, ThePageIsWhatTheTableSays) {
  const std::string page = operators_markdown();
  std::ifstream file(CKPT_DOCS "/operators.md");
  std::string text(std::istreambuf_iterator<char>(file), {});
  file.close();
  const std::size_t table = text.find("| Operator |");
  ASSERT_NE(table, std::string::npos);
  if (std::getenv("CKPT_UPDATE_DOCS") != nullptr) {
    text = text.substr(0, table) + page;
    std::ofstream(CKPT_DOCS "/operators.md") << text;
  }
  EXPECT_EQ(text.substr(table), page);
  for (const Op& op : ops()) EXPECT_NE(page.find("| " + std::string(op.name) + " |"), std::string::npos) << op.name;
}

}  // namespace
}  // namespace ckpt::graph

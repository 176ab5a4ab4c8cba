// Prints the cases of the operator table as ONNX has them, one JSON document a line: a case for an opset, with its
// steps and values; and once more by way of GEIR, where there is a rule. What reads it makes models of them without our
// writer.

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "geir_file.h"
#include "operator_cases.h"
#include "read_graph.h"
#include "temp_dir.h"

namespace {

using namespace ckpt::graph;
using nlohmann::json;

std::string hex(const std::vector<std::byte>& bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    text += kDigits[std::to_integer<unsigned>(byte) >> 4];
    text += kDigits[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

json json_of(const Type& type) {
  json dims = json::array();
  for (const Dim& dim : type.dims) {
    if (dim.known()) {
      dims.push_back(dim.size);
    } else {
      dims.push_back(dim.symbol.empty() ? json() : json(dim.symbol));
    }
  }
  return {{"dtype", std::string(ckpt::name(type.dtype))}, {"dims", dims}};
}

json json_of(const Target::Attr& attr) {
  if (const auto* value = std::get_if<std::int64_t>(&attr)) return {{"int", *value}};
  if (const auto* value = std::get_if<float>(&attr)) return {{"float", *value}};
  if (const auto* value = std::get_if<std::string>(&attr)) return {{"string", *value}};
  if (const auto* value = std::get_if<Ints>(&attr)) return {{"ints", *value}};
  return {{"odd", attr.index()}};
}

json json_of(const Target& target, const Target::Step& step) {
  const auto names = [&](const std::vector<Target::Ref>& refs) {
    json list = json::array();
    for (const Target::Ref ref : refs) list.push_back(ref == Target::kNothing ? "" : target.outputs()[ref].name);
    return list;
  };
  json attrs = json::object();
  for (const auto& [name, value] : step.attrs) attrs[std::string(name)] = json_of(value);
  return {{"op", step.op},
          {"name", step.name},
          {"inputs", names(step.inputs)},
          {"outputs", names(step.outputs)},
          {"attrs", attrs}};
}

/// `node`: as the case has it; `graph`: what became of it.
json json_of(const Node& node, const Graph& graph, const Converted& converted, int opset, bool geir = false) {
  json values = json::array(), steps = json::array(), inputs = json::array(), outputs = json::array();
  for (const Target::Output& output : converted.target.outputs()) {
    json value = {{"name", output.name}, {"type", json_of(output.type)}};
    if (output.constant) value["bytes"] = hex(*bytes_of(output.contents, 1 << 26));
    values.push_back(std::move(value));
  }
  for (const Target::Step& step : converted.target.steps()) steps.push_back(json_of(converted.target, step));
  for (const ValueId id : graph.inputs) inputs.push_back(graph.value(id).name);
  for (const ValueId id : graph.outputs) outputs.push_back(graph.value(id).name);
  json attrs = json::object();
  for (const auto& [name, attr] : node.attrs) {
    if (const auto* value = std::get_if<std::int64_t>(&attr)) attrs[name] = *value;
    if (const auto* value = std::get_if<double>(&attr)) attrs[name] = *value;
    if (const auto* value = std::get_if<bool>(&attr)) attrs[name] = *value;
    if (const auto* value = std::get_if<std::string>(&attr)) attrs[name] = *value;
    if (const auto* value = std::get_if<Ints>(&attr)) attrs[name] = *value;
    if (const auto* value = std::get_if<Doubles>(&attr)) attrs[name] = *value;
    if (const auto* value = std::get_if<IntLists>(&attr)) attrs[name] = *value;
    if (std::holds_alternative<None>(attr)) attrs[name] = nullptr;
  }
  return {{"op", node.op},    {"opset", opset},   {"geir", geir},       {"arguments", attrs},
          {"inputs", inputs}, {"values", values}, {"outputs", outputs}, {"steps", steps}};
}

/// Whether it comes back; a use that GE has no rule for is none that fails.
bool print_by_way_of_geir(const test::OperatorCase& each, const std::filesystem::path& file) {
  constexpr int kOpset = 18;
  Graph graph = test::graph_of(test::of_batch(each, 8));
  if (!canonicalise(graph.nodes[0]) || !infer_types(graph).empty()) return false;
  const Converted there = convert_to_ge(graph);
  if (!there.refusals.empty()) return true;
  if (!write_geir(file, graph, there.target)) return false;
  auto back = read_graph(file);
  if (!back || !back->refusals.empty() || !infer_types(back->graph).empty()) return false;
  const Converted converted = convert_to_onnx(back->graph, kOpset);
  if (!converted.refusals.empty()) return false;
  std::puts(json_of(graph.nodes[0], back->graph, converted, kOpset, true).dump().c_str());
  return true;
}

}  // namespace

int main() {
  const ckpt::test::TempDir folder;
  bool good = true;
  for (const test::OperatorCase& each : test::operator_cases()) {
    Graph graph = test::graph_of(each);
    if (!canonicalise(graph.nodes[0]) || !infer_types(graph).empty()) return 1;
    for (const int opset : {kMinOpset, 17, 18, kMaxOpset}) {
      if (opset < each.since) continue;
      const Converted converted = convert_to_onnx(graph, opset);
      if (!converted.refusals.empty()) return 1;
      std::puts(json_of(graph.nodes[0], graph, converted, opset).dump().c_str());
    }
    if (print_by_way_of_geir(each, folder.path() / "model.pb")) continue;
    std::fprintf(stderr, "%s does not come back from GEIR\n", each.op.c_str());
    good = false;
  }
  return good ? 0 : 1;
}

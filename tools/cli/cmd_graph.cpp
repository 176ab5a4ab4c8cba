#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

#include "ckpt/text.h"
#include "commands.h"
#include "containers.h"
#include "graph_report.h"
#include "input.h"
#include "json.h"
#include "op.h"
#include "read_graph.h"
#include "render.h"

namespace ckpt::cli {
namespace {

using graph::Graph;
using graph::GraphFile;
using graph::GraphFormat;
using graph::Value;
using graph::ValueId;
using graph::ValueKind;

struct Parameters {
  std::size_t count = 0;
  std::size_t missing = 0;
  std::uint64_t bytes = 0;
};

Parameters parameters_of(const Graph& graph) {
  Parameters sums;
  for (const Value& value : graph.values) {
    if (value.kind != ValueKind::parameter) continue;
    ++sums.count;
    if (value.bound)
      sums.bytes += value.contents.size;
    else
      ++sums.missing;
  }
  return sums;
}

std::map<std::string, std::size_t> operators_of(const Graph& graph) {
  std::map<std::string, std::size_t> counts;
  for (const graph::Node& node : graph.nodes) ++counts[node.op];
  return counts;
}

const char* yes(bool is) { return is ? "yes" : "-"; }

// ---- text ----

std::string head_text(const std::string& path, const GraphFile& file) {
  const Graph& graph = file.graph;
  std::string text = fmt::format("{}\n  format      {}", escape(path), name(file.format));
  if (!file.producer.empty()) text += ", " + escape(file.producer);
  const auto list = [&](const char* what, const std::vector<ValueId>& ids) {
    const char* label = what;
    for (const ValueId id : ids) {
      text += fmt::format("\n  {:<10}  {}  {}", label, escape(graph.value(id).name), type_text(graph.value(id).type));
      label = "";
    }
  };
  list("inputs", graph.inputs);
  list("outputs", graph.outputs);
  const Parameters sums = parameters_of(graph);
  text += fmt::format("\n  parameters  {}", grouped(sums.count));
  if (sums.count > sums.missing) text += fmt::format(" ({})", human_size(sums.bytes));
  if (sums.missing > 0)
    text += fmt::format(", {} without values", sums.missing == sums.count ? "all" : grouped(sums.missing));
  text += fmt::format("\n  nodes       {}", grouped(graph.nodes.size()));
  std::size_t refused = 0;
  for (const graph::Refusal& refusal : file.refusals.list()) refused += refusal.nodes;
  if (refused > 0)
    text += fmt::format(", and {} that {} not understood", grouped(refused), refused == 1 ? "is" : "are");
  return text + "\n";
}

std::string operators_text(const GraphFile& file, bool color) {
  // An ONNX model's operators are not MindSpore's, so the table does not know them.
  const bool ours = file.format != GraphFormat::onnx;
  std::vector<Table::Column> columns{{"OPERATOR"}, {"NODES", Table::Align::right}};
  if (ours) columns.insert(columns.end(), {{"TO ONNX"}, {"TO GEIR"}});
  Table table(std::move(columns));
  for (const auto& [op, count] : operators_of(file.graph)) {
    std::vector<std::string> row{escape(op), grouped(count)};
    const graph::Op* const known = graph::find_op(op);
    if (ours) row.insert(row.end(), {yes(known && known->to_onnx), yes(known && known->to_ge)});
    table.add(std::move(row));
  }
  return table.text(color, "  ");
}

std::string parameters_text(const Graph& graph, bool color) {
  Table table({{"PARAMETER"}, {"TYPE"}, {"SIZE", Table::Align::right}});
  for (const Value& value : graph.values)
    if (value.kind == ValueKind::parameter)
      table.add({escape(value.name), type_text(value.type), value.bound ? human_size(value.contents.size) : "missing"});
  return table.text(color, "  ");
}

// ---- JSON ----

Json report(const std::string& path, const GraphFile& file) {
  const Graph& graph = file.graph;
  Json json;
  json["schema"] = "ckpt.graph/1";
  set_text(json, "file", path);
  json["format"] = std::string(name(file.format));
  json["producer"] = to_utf8(file.producer);
  set_text(json, "name", graph.name);
  for (const auto& [key, ids] : {std::pair("inputs", &graph.inputs), std::pair("outputs", &graph.outputs)}) {
    json[key] = Json::array();
    for (const ValueId id : *ids) json[key].push_back(json_of(graph.value(id)));
  }
  json["parameters"] = Json::array();
  for (const Value& value : graph.values) {
    if (value.kind != ValueKind::parameter) continue;
    Json row = json_of(value);
    row["bytes"] = value.bound ? Json(value.contents.size) : Json();
    json["parameters"].push_back(std::move(row));
  }
  json["operators"] = Json::array();
  for (const auto& [op, count] : operators_of(graph)) {
    Json row;
    set_text(row, "name", op);
    row["nodes"] = count;
    const graph::Op* const known = file.format == GraphFormat::onnx ? nullptr : graph::find_op(op);
    row["onnx"] = known != nullptr && known->to_onnx != nullptr;
    row["geir"] = known != nullptr && known->to_ge != nullptr;
    json["operators"].push_back(std::move(row));
  }
  json["nodes"] = graph.nodes.size();
  json["problems"] = json_of(file.refusals);
  return json;
}

// ---- Graphviz ----

// A text between quotes in the DOT language: escaped as for a terminal, then for DOT, where backslashes mean something.
std::string dot_text(std::string_view text) {
  std::string out;
  for (const char c : escape(text)) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

class Dot {
 public:
  explicit Dot(const Graph& graph) : graph_(graph) {}

  std::string text() {
    out_ = fmt::format("digraph \"{}\" {{\n  node [shape=box, fontname=\"sans-serif\"];\n", dot_text(graph_.name));
    for (const ValueId id : graph_.inputs)
      out_ += fmt::format("  v{} [shape=ellipse, label=\"{}\\n{}\"];\n", id, dot_text(graph_.value(id).name),
                          dot_text(graph::to_string(graph_.value(id).type)));
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) add(i);
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
      const Value& value = graph_.value(graph_.outputs[i]);
      out_ += fmt::format("  o{} [shape=ellipse, label=\"{}\"];\n  {} -> o{};\n", i, dot_text(value.name),
                          place_of(graph_.outputs[i]), i);
    }
    return out_ + "}\n";
  }

 private:
  void add(std::size_t index) {
    const graph::Node& node = graph_.nodes[index];
    std::string label = dot_text(node.op) + "\\n" + dot_text(node.name);
    std::string edges;
    for (const ValueId id : node.inputs) {
      if (id == graph::kAbsent) continue;
      const Value& value = graph_.value(id);
      if (value.kind == ValueKind::parameter || value.kind == ValueKind::constant)
        label += "\\n" + dot_text(value.name + " " + graph::to_string(value.type));
      else
        edges += fmt::format("  {} -> n{} [label=\"{}\"];\n", place_of(id), index,
                             value.type.dtype == DType::unknown ? "" : dot_text(graph::to_string(value.type)));
    }
    out_ += fmt::format("  n{} [label=\"{}\"];\n{}", index, label, edges);
  }

  std::string place_of(ValueId id) const {
    const Value& value = graph_.value(id);
    return value.kind == ValueKind::result ? fmt::format("n{}", value.producer) : fmt::format("v{}", id);
  }

  const Graph& graph_;
  std::string out_ = {};
};

}  // namespace

int run(Context& context, const GraphCommand& options) {
  if (auto error = needs_a_file(options.file)) return context.fail(options.file, *error);
  auto file = graph::read_graph(options.file, {.output = options.result});
  if (!file) {
    const bool parameters = file.error().message.starts_with("no graph") && containers::open_any(options.file);
    return context.fail(options.file, file.error(), parameters ? "`ckpt list` shows the parameters in it" : "");
  }
  // Types for those who look; what has none is shown without.
  if (file->format != GraphFormat::onnx && file->refusals.empty()) (void)graph::infer_types(file->graph);

  if (options.json) {
    context.write(line_of(report(options.file, *file)));
  } else if (options.dot) {
    context.write(Dot(file->graph).text());
  } else {
    context.write(head_text(options.file, *file));
    context.write(operators_text(*file, context.color()));
    if (options.details) context.write(parameters_text(file->graph, context.color()));
    for (const graph::Refusal& refusal : file->refusals.list())
      context.note(fmt::format("{}: {}: {}", escape(options.file), escape(refusal.op), text_of(refusal)));
  }
  return kDone;
}

}  // namespace ckpt::cli

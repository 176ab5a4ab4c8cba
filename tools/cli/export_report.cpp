#include "export_report.h"

#include <fmt/format.h>

#include "ckpt/text.h"
#include "graph_report.h"
#include "render.h"

namespace ckpt::cli {
namespace {

using graph::Binding;
using graph::Unbound;

constexpr std::size_t kMostLines = 10;  // of parameters

std::size_t unbound_count(const Binding& binding) { return binding.missing.size() + binding.unfit.size(); }

// Those of another shape first: there something is wrong, where others may only be missing.
void add_unbound(const Exported& what, std::vector<std::string>& lines) {
  const Binding& binding = what.prepared.binding;
  std::size_t shown = 0;
  for (const auto* const some : {&binding.unfit, &binding.missing})
    for (const Unbound& parameter : *some)
      if (shown < kMostLines) lines.push_back(text_of(parameter)), ++shown;
  const std::size_t more = unbound_count(binding) - shown;
  if (more > 0) lines.push_back(fmt::format("and {} more", grouped(more)));
}

std::string unbound_text(const Exported& what) {
  const std::size_t count = unbound_count(what.prepared.binding);
  if (!what.weights) return fmt::format("{} without values", counted(count, "parameter"));
  const std::string file = escape(what.file);
  const std::string which = what.refreshed ? fmt::format("{} of {}", counted(count, "weight"), file)
                                           : fmt::format("{} of the network", counted(count, "parameter"));
  return fmt::format("{} {} not in {}, or of another shape", which, count == 1 ? "is" : "are",
                     what.refreshed ? "it" : file);
}

std::string summary(const Exported& what) {
  std::string text;
  if (const std::size_t count = what.prepared.refusals.list().size(); count > 0)
    text = fmt::format("{} cannot be converted to {}", counted(count, "operator"), target_text(what));
  if (!what.prepared.has_weights) text += (text.empty() ? "" : ", and ") + unbound_text(what);
  return text;
}

}  // namespace

std::string target_text(const Exported& what) {
  return what.opset == 0 ? "GEIR" : fmt::format("ONNX (opset {})", what.opset);
}

std::vector<std::string> problem_lines(const Exported& what) {
  std::vector<std::string> lines;
  const std::string network = escape(what.network);
  for (const graph::Refusal& refusal : what.prepared.refusals.list())
    lines.push_back(fmt::format("{}: {}: {}", network, escape(refusal.op), text_of(refusal)));
  if (!what.prepared.has_weights) {
    std::vector<std::string> unbound;
    add_unbound(what, unbound);
    for (const std::string& line : unbound) lines.push_back(fmt::format("{}: {}", escape(what.file), line));
  }
  lines.push_back(fmt::format("{}: {}", network, summary(what)));
  return lines;
}

std::vector<std::string> notes(const Exported& what) {
  std::vector<std::string> lines;
  const Binding& binding = what.prepared.binding;
  const auto note = [&](const std::string& text) { lines.push_back(fmt::format("{}: {}", escape(what.file), text)); };
  if (const std::string& prefix = binding.prefix.wanted; !prefix.empty())
    note(fmt::format("found without \"{}\", which the names in {} begin with", escape(prefix), escape(what.network)));
  if (const std::string& prefix = binding.prefix.there; !prefix.empty())
    note(fmt::format("found behind \"{}\", which all names there begin with", escape(prefix)));
  if (const std::size_t count = binding.missing.size(); count > 0 && what.refreshed)
    note(fmt::format("{} {} not in {}, the first is \"{}\"", counted(count, "weight"), count == 1 ? "is" : "are",
                     escape(what.network), escape(binding.missing[0].parameter)));
  else if (count > 0)
    note(fmt::format("{} {} of the model, the first is \"{}\"", counted(count, "parameter"),
                     count == 1 ? "is an input" : "are inputs", escape(binding.missing[0].parameter)));
  if (const std::size_t count = binding.left_over.size(); count > 0)
    note(fmt::format("{} {} not in the network, the first is \"{}\"", counted(count, "weight"),
                     count == 1 ? "is" : "are", escape(binding.left_over[0])));
  return lines;
}

Json json_of(const Exported& what, const std::string& output) {
  const Binding& binding = what.prepared.binding;
  Json json;
  json["schema"] = "ckpt.export/1";
  set_text(json, "file", what.file);
  set_text(json, what.built_in ? "network" : "graph", what.network);
  json["format"] = what.opset == 0 ? "geir" : "onnx";
  if (what.opset > 0) json["opset"] = what.opset;
  if (!output.empty()) set_text(json, "output", output);
  json["written"] = !output.empty();
  for (const auto& [key, ids] : {std::pair("inputs", &what.graph.inputs), std::pair("outputs", &what.graph.outputs)}) {
    json[key] = Json::array();
    for (const graph::ValueId id : *ids) json[key].push_back(json_of(what.graph.value(id)));
  }
  if (!binding.prefix.wanted.empty()) set_text(json, "network_prefix", binding.prefix.wanted);
  if (!binding.prefix.there.empty()) set_text(json, "file_prefix", binding.prefix.there);
  json["missing"] = json_of(binding);
  json["unused"] = Json::array();
  for (const std::string& name : binding.left_over) {
    Json row;
    set_text(row, "name", name);
    json["unused"].push_back(std::move(row));
  }
  json["refusals"] = json_of(what.prepared.refusals);
  return json;
}

}  // namespace ckpt::cli

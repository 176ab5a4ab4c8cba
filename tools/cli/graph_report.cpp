#include "graph_report.h"

#include <fmt/format.h>

#include "ckpt/text.h"
#include "words.h"

namespace ckpt::cli {

using namespace tools;

std::string type_text(const graph::Type& type) { return escape(graph::to_string(type)); }

Json json_of(const graph::Value& value) {
  Json json;
  set_text(json, "name", value.name);
  json["dtype"] = value.type.dtype == DType::unknown ? Json() : Json(std::string(name(value.type.dtype)));
  json["dims"] = Json::array();
  for (const graph::Dim& dim : value.type.dims) {
    if (dim.known())
      json["dims"].push_back(dim.size);
    else
      json["dims"].push_back(dim.symbol.empty() ? Json() : Json(to_utf8(dim.symbol)));
  }
  return json;
}

Json json_of(const graph::Refusals& refusals) {
  Json list = Json::array();
  for (const graph::Refusal& refusal : refusals.list()) {
    Json row;
    set_text(row, "operator", refusal.op);
    row["reason"] = to_utf8(refusal.reason);
    row["nodes"] = refusal.nodes;
    set_text(row, "first", refusal.first);
    list.push_back(std::move(row));
  }
  return list;
}

Json json_of(const graph::Binding& binding) {
  Json list = Json::array();
  for (const auto* const some : {&binding.missing, &binding.unfit}) {
    for (const graph::Unbound& parameter : *some) {
      Json row;
      set_text(row, "name", parameter.parameter);
      row["reason"] = to_utf8(parameter.reason);
      if (!parameter.nearest.empty()) set_text(row, "nearest", parameter.nearest);
      list.push_back(std::move(row));
    }
  }
  return list;
}

std::string text_of(const graph::Refusal& refusal) {
  return fmt::format("{} ({}, {} \"{}\")", escape(refusal.reason), counted(refusal.nodes, "node"),
                     refusal.nodes == 1 ? "called" : "the first is", escape(refusal.first));
}

std::string text_of(const graph::Unbound& parameter) {
  std::string text = fmt::format("\"{}\": {}", escape(parameter.parameter), escape(parameter.reason));
  if (!parameter.nearest.empty()) text += fmt::format("; the nearest name there is \"{}\"", escape(parameter.nearest));
  return text;
}

}  // namespace ckpt::cli

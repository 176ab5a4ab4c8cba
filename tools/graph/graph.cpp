#include "graph.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "unique_names.h"

namespace ckpt::graph {

namespace {

class OwnedBytes final : public Source {
 public:
  explicit OwnedBytes(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}

  std::uint64_t size() const noexcept override { return bytes_.size(); }

  Status read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset) {
      return Error{.code = Errc::truncated, .offset = offset, .message = "past the end of a constant"};
    }
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }

 private:
  std::vector<std::byte> bytes_;
};

Error broken(std::string message) { return Error{.code = Errc::malformed, .message = std::move(message)}; }

Status verify_contents(const Value& value) {
  if (!value.bound && value.kind == ValueKind::parameter) return {};
  const auto count = element_count(value.type);
  const std::size_t width = size_of(value.type.dtype);
  if (!count || width == 0) return broken("'" + value.name + "' has contents but no size: " + to_string(value.type));
  if (*count > std::numeric_limits<std::uint64_t>::max() / width || *count * width != value.contents.size) {
    return broken("'" + value.name + "' is " + to_string(value.type) + " but has " +
                  std::to_string(value.contents.size) + " bytes");
  }
  if (value.contents.make) return {};
  std::uint64_t left = value.contents.size;
  for (const Contents::Run& run : value.contents.runs) {
    if (run.size > left) return broken("'" + value.name + "' has more bytes than it says");
    left -= run.size;
  }
  if (left != 0) return broken("'" + value.name + "' has fewer bytes than it says");
  return {};
}

Status verify_value(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  for (const Dim& dim : value.type.dims) {
    if (dim.size < -1) return broken("'" + value.name + "' has a dimension below zero");
  }
  if (value.kind == ValueKind::result) {
    const bool known =
        value.producer < graph.nodes.size() && std::ranges::count(graph.nodes[value.producer].outputs, id) == 1;
    if (!known) return broken("'" + value.name + "' is the result of no node");
  }
  if (value.kind == ValueKind::constant || value.kind == ValueKind::parameter) return verify_contents(value);
  return {};
}

Status verify_node(const Graph& graph, std::size_t index) {
  const Node& node = graph.nodes[index];
  for (const ValueId id : node.inputs) {
    if (id == kAbsent) continue;
    if (id >= graph.values.size()) return broken("'" + node.name + "' uses a value that is not there");
    const Value& value = graph.value(id);
    if (value.kind == ValueKind::result && value.producer >= index) {
      return broken("'" + node.name + "' comes before '" + value.name + "', which it needs");
    }
  }
  if (node.outputs.empty()) return broken("'" + node.name + "' has no results");
  for (const ValueId id : node.outputs) {
    const bool its =
        id < graph.values.size() && graph.value(id).kind == ValueKind::result && graph.value(id).producer == index;
    if (!its) return broken("'" + node.name + "' has a result that is not its own");
  }
  return {};
}

Status verify_list(const Graph& graph, const std::vector<ValueId>& list, std::string_view what) {
  for (const ValueId id : list) {
    if (id >= graph.values.size()) return broken(std::string(what) + " of the graph that is not there");
  }
  return {};
}

/// The first name that occurs twice; empty if none does.
template <class List>
std::string_view twice(const List& list) {
  UniqueNames seen;
  for (const auto& item : list) {
    if (!seen.insert(item.name)) return item.name;
  }
  return {};
}

std::vector<bool> needed_nodes(const Graph& graph) {
  std::vector<bool> needed(graph.nodes.size(), false);
  const auto need = [&](ValueId id) {
    if (id != kAbsent && graph.value(id).kind == ValueKind::result) needed[graph.value(id).producer] = true;
  };
  std::ranges::for_each(graph.outputs, need);
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    if (needed[i]) std::ranges::for_each(graph.nodes[i].inputs, need);
  }
  return needed;
}

}  // namespace

std::string to_string(const Dim& dim) {
  return dim.known() ? std::to_string(dim.size) : dim.symbol.empty() ? "?" : dim.symbol;
}

std::string to_string(const Type& type) {
  std::string text(name(type.dtype));
  text += " [";
  for (std::size_t i = 0; i < type.dims.size(); ++i) {
    if (i > 0) text += ", ";
    text += to_string(type.dims[i]);
  }
  text += ']';
  return text;
}

std::optional<std::uint64_t> element_count(const Type& type) {
  std::uint64_t count = 1;
  for (const Dim& dim : type.dims) {
    if (!dim.known()) return std::nullopt;
    const auto size = static_cast<std::uint64_t>(dim.size);
    if (size != 0 && count > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / size) {
      return std::nullopt;
    }
    count *= size;
  }
  return count;
}

Contents in_memory(std::vector<std::byte> bytes) {
  Contents contents;
  contents.size = bytes.size();
  contents.runs.push_back({.source = std::make_shared<OwnedBytes>(std::move(bytes)), .size = contents.size});
  return contents;
}

Result<std::vector<std::byte>> bytes_of(const Contents& contents, std::uint64_t limit) {
  if (contents.size > limit) {
    return Error{.code = Errc::limit,
                 .message = std::to_string(contents.size) + " bytes, more than " + std::to_string(limit)};
  }
  if (contents.make) {
    auto made = contents.make();
    if (made && made->size() != contents.size) return broken("contents were not made as large as they should be");
    return made;
  }
  std::vector<std::byte> bytes(contents.size);
  std::span<std::byte> left = bytes;
  for (const Contents::Run& run : contents.runs) {
    if (run.size > left.size()) return broken("contents have more bytes than they say");
    if (auto read = run.source->read_at(run.offset, left.first(run.size)); !read) return read.error();
    left = left.subspan(run.size);
  }
  if (!left.empty()) return broken("contents have fewer bytes than they say");
  return bytes;
}

ValueId Graph::add_input(std::string value_name, Type type) {
  const auto id = static_cast<ValueId>(values.size());
  values.push_back({.name = std::move(value_name), .kind = ValueKind::input, .type = std::move(type)});
  inputs.push_back(id);
  return id;
}

ValueId Graph::add_parameter(std::string value_name, Type type) {
  const auto id = static_cast<ValueId>(values.size());
  values.push_back({.name = std::move(value_name), .kind = ValueKind::parameter, .type = std::move(type)});
  return id;
}

ValueId Graph::add_constant(std::string value_name, Type type, Contents contents) {
  const auto id = static_cast<ValueId>(values.size());
  values.push_back({.name = std::move(value_name),
                    .kind = ValueKind::constant,
                    .type = std::move(type),
                    .contents = std::move(contents),
                    .bound = true});
  return id;
}

const Node& Graph::add_node(std::string op, std::string node_name, std::vector<ValueId> node_inputs, Attrs attrs,
                            std::size_t count) {
  Node node{
      .op = std::move(op), .name = std::move(node_name), .inputs = std::move(node_inputs), .attrs = std::move(attrs)};
  for (std::size_t i = 0; i < count; ++i) {
    node.outputs.push_back(static_cast<ValueId>(values.size()));
    values.push_back({.name = count == 1 ? node.name : node.name + ":" + std::to_string(i),
                      .producer = static_cast<std::uint32_t>(nodes.size())});
  }
  return nodes.emplace_back(std::move(node));
}

Status verify(const Graph& graph) {
  if (const auto name = twice(graph.values); !name.empty()) {
    return broken("two values are called '" + std::string(name) + "'");
  }
  if (const auto name = twice(graph.nodes); !name.empty()) {
    return broken("two nodes are called '" + std::string(name) + "'");
  }
  for (ValueId id = 0; id < graph.values.size(); ++id) {
    if (auto status = verify_value(graph, id); !status) return status;
  }
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (auto status = verify_node(graph, i); !status) return status;
  }
  if (auto status = verify_list(graph, graph.inputs, "an input"); !status) return status;
  if (auto status = verify_list(graph, graph.outputs, "an output"); !status) return status;
  for (const ValueId id : graph.inputs) {
    if (graph.value(id).kind != ValueKind::input) return broken("'" + graph.value(id).name + "' is no input");
  }
  if (graph.outputs.empty()) return broken("the graph has no outputs");
  return {};
}

void forget_results(Graph& graph, bool dtypes) {
  for (Value& value : graph.values) {
    if (value.kind != ValueKind::result) continue;
    if (dtypes || value.type.dtype != DType::unknown) value.recorded = dtypes ? DType::unknown : value.type.dtype;
    value.type = {};
  }
}

std::vector<bool> dependent(const Graph& graph) {
  std::vector<bool> out(graph.values.size());
  for (const ValueId id : graph.inputs) out[id] = true;
  for (const Node& node : graph.nodes) {
    const bool any = std::ranges::any_of(node.inputs, [&](ValueId id) { return id != kAbsent && out[id]; });
    for (const ValueId id : node.outputs) out[id] = any;
  }
  return out;
}

void drop_unused(Graph& graph) {
  const std::vector<bool> needed = needed_nodes(graph);
  std::vector<bool> kept(graph.values.size(), false);
  const auto keep = [&](ValueId id) {
    if (id != kAbsent) kept[id] = true;
  };
  std::ranges::for_each(graph.inputs, keep);
  std::ranges::for_each(graph.outputs, keep);

  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!needed[i]) continue;
    std::ranges::for_each(graph.nodes[i].inputs, keep);
    std::ranges::for_each(graph.nodes[i].outputs, keep);
  }
  if (std::ranges::find(kept, false) == kept.end() && std::ranges::find(needed, false) == needed.end()) return;

  std::vector<Node> nodes;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!needed[i]) continue;
    for (const ValueId id : graph.nodes[i].outputs) graph.value(id).producer = static_cast<std::uint32_t>(nodes.size());
    nodes.push_back(std::move(graph.nodes[i]));
  }

  std::vector<ValueId> now(graph.values.size(), kAbsent);
  std::vector<Value> values;
  for (std::size_t id = 0; id < kept.size(); ++id) {
    if (!kept[id]) continue;
    now[id] = static_cast<ValueId>(values.size());
    values.push_back(std::move(graph.values[id]));
  }
  const auto renumber = [&](std::vector<ValueId>& ids) {
    for (ValueId& id : ids) {
      if (id != kAbsent) id = now[id];
    }
  };
  for (Node& node : nodes) {
    renumber(node.inputs);
    renumber(node.outputs);
  }
  renumber(graph.inputs);
  renumber(graph.outputs);
  graph.nodes = std::move(nodes);
  graph.values = std::move(values);
}

void Refusals::add(const Node& node, std::string reason) { add(node.op, node.name, std::move(reason)); }

void Refusals::add(std::string_view op, std::string_view node, std::string reason) {
  const auto place = std::ranges::lower_bound(
      list_, std::pair<std::string_view, std::string_view>(op, reason), {},
      [](const Refusal& refusal) { return std::pair<std::string_view, std::string_view>(refusal.op, refusal.reason); });
  if (place != list_.end() && place->op == op && place->reason == reason) {
    ++place->nodes;
    return;
  }
  list_.insert(place, {.op = std::string(op), .reason = std::move(reason), .nodes = 1, .first = std::string(node)});
}

}  // namespace ckpt::graph

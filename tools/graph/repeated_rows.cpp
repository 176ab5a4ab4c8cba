#include "repeated_rows.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <utility>

#include "op.h"
#include "unique_names.h"

namespace ckpt::graph {

namespace {

constexpr std::uint64_t kMostLookedAt = std::uint64_t{1} << 26;  // bytes of a constant that is looked at

/// A tensor along one axis: so many blocks of so many rows of so many bytes.
struct Rows {
  std::size_t blocks = 0, count = 0, bytes = 0;
};

/// No rows where there are no elements, or more than can be looked at.
Rows rows_of(const Value& value, std::size_t axis) {
  const auto elements = element_count(value.type);
  if (!elements || *elements == 0 || value.contents.size > kMostLookedAt || value.contents.size % *elements != 0)
    return {};
  Rows rows{.blocks = 1, .count = static_cast<std::size_t>(value.type.dims[axis].size)};
  for (std::size_t i = 0; i < axis; ++i) rows.blocks *= static_cast<std::size_t>(value.type.dims[i].size);
  rows.bytes = static_cast<std::size_t>(value.contents.size) / rows.blocks / rows.count;
  return rows;
}

/// The first so many rows of each block.
Contents first_rows(Contents all, Rows rows, std::size_t count) {
  Contents first{.size = static_cast<std::uint64_t>(rows.blocks) * count * rows.bytes};
  first.make = [all = std::move(all), rows, count]() -> Result<std::vector<std::byte>> {
    auto bytes = bytes_of(all, kMostLookedAt);
    if (!bytes) return bytes;
    std::vector<std::byte> kept;
    for (std::size_t block = 0; block < rows.blocks; ++block) {
      const auto row = std::span(*bytes).subspan(block * rows.count * rows.bytes, count * rows.bytes);
      kept.insert(kept.end(), row.begin(), row.end());
    }
    return kept;
  };
  return first;
}

/// The value as it would be with a batch of 1.
ValueId for_one_example(Graph& graph, ValueId id, std::size_t axis, std::int64_t recorded, UniqueNames& names) {
  const Value value = graph.value(id);
  if (recorded == 1) return id;
  Type type = value.type;
  type.dims[axis].size /= recorded;
  const auto count = static_cast<std::size_t>(type.dims[axis].size);
  return graph.add_constant(names.take(value.name + "_row"), std::move(type),
                            first_rows(value.contents, rows_of(value, axis), count));
}

/// So many nodes at the end go to the front: they need nothing but constants and inputs.
void move_to_front(Graph& graph, std::size_t count) {
  std::rotate(graph.nodes.begin(), graph.nodes.end() - static_cast<std::ptrdiff_t>(count), graph.nodes.end());
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    for (const ValueId id : graph.nodes[i].outputs) graph.value(id).producer = static_cast<std::uint32_t>(i);
}

}  // namespace

bool repeats_along(const Value& constant, std::size_t axis, std::int64_t period) {
  const Rows rows = rows_of(constant, axis);
  if (rows.count == 0) return false;
  const auto bytes = bytes_of(constant.contents, kMostLookedAt);
  if (!bytes) return false;
  const std::size_t shift = static_cast<std::size_t>(period) * rows.bytes;
  for (std::size_t block = 0; block < rows.blocks; ++block) {
    const auto all = std::span(*bytes).subspan(block * rows.count * rows.bytes, rows.count * rows.bytes);
    if (std::memcmp(all.data(), all.data() + shift, all.size() - shift) != 0) return false;
  }
  return true;
}

void repeat_for_batch(Graph& graph, const std::vector<RowsUse>& uses, std::int64_t recorded) {
  if (uses.empty()) return;
  UniqueNames names;
  for (const Value& value : graph.values) names.insert(value.name);
  for (const Node& node : graph.nodes) names.insert(node.name);
  const std::size_t before = graph.nodes.size();
  std::map<std::pair<ValueId, std::size_t>, ValueId> made;
  for (const RowsUse& use : uses) {
    const ValueId id = graph.nodes[use.node].inputs[use.input];
    const auto [repeated, fresh] = made.try_emplace({id, use.axis}, kAbsent);
    if (fresh) {
      const ValueId one = for_one_example(graph, id, use.axis, recorded, names);
      Ints times(graph.value(id).type.dims.size(), 1);
      times[use.axis] = asked_size({.input = 1, .axis = 0});
      const std::string name = names.take(graph.value(id).name + "_repeated");
      repeated->second =
          graph.add_node("Tile", name, {one, graph.inputs.front()}, {{"dims", std::move(times)}}).outputs[0];
    }
    graph.nodes[use.node].inputs[use.input] = repeated->second;
  }
  move_to_front(graph, graph.nodes.size() - before);
}

}  // namespace ckpt::graph

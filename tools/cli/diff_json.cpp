#include <fmt/format.h>

#include "ckpt/element.h"
#include "diff_report.h"
#include "facts.h"
#include "json.h"

namespace ckpt::cli {
namespace {

// What one side is, where it is there.
Json side_json(const TensorInfo* entry) {
  if (entry == nullptr) return {};
  Json json;
  set_text(json, "name", entry->name);
  json["kind"] = std::string(name(entry->kind));
  set_text(json, "dtype", dtype_text(*entry));
  json["dims"] = entry->dims;
  json["bytes"] = entry->byte_size;
  return json;
}

// An element of both; null where there is none.
Result<Json> element_json(const FileDiff& file, const TensorDiff& diff, std::uint64_t index) {
  if (index == Metrics::kNone) return Json();
  auto elements = elements_at(file, diff, index);
  if (!elements) return std::move(elements).error();
  Json json;
  json["index"] = index;
  if (diff.basis == Basis::values) json["at"] = place_of(index, diff.pair.b->dims);
  json["a"] = Json::parse(elements->json_a);
  json["b"] = Json::parse(elements->json_b);
  return json;
}

Status add_metrics(const FileDiff& file, const TensorDiff& diff, Json& json) {
  const Metrics& m = *diff.metrics;
  json["elements"] = m.elements;
  json["changed_elements"] = m.changed_elements;
  json["outside_tolerance"] = m.outside;
  if (diff.basis == Basis::values) {
    json["from_zero"] = m.from_zero;
    json["new_nan"] = m.new_nan;
    json["lost_nan"] = m.lost_nan;
    json["new_inf"] = m.new_inf;
    json["lost_inf"] = m.lost_inf;
    // Where all that changed is NaN or infinite, before or after, there is no distance.
    const bool none = m.changed_elements > 0 && !has_numbers(m);
    for (const auto& [key, value] : {std::pair{"max_abs", m.max_abs},
                                     {"max_rel", m.max_rel},
                                     {"mean_abs", m.mean_abs},
                                     {"rms", m.rms},
                                     {"l2", m.l2},
                                     {"relative_update", m.relative_update},
                                     {"cosine", m.cosine}})
      json[key] = none ? Json() : number(value);
    if (m.max_ulp) json["max_ulp"] = *m.max_ulp;
  }
  for (const auto& [key, index] : {std::pair{"first", m.first_index},
                                   {"worst", m.worst_index},
                                   {"worst_rel", m.worst_rel_index},
                                   {"first_non_finite", m.first_non_finite}}) {
    auto element = element_json(file, diff, index);
    if (!element) return std::move(element).error();
    json[key] = std::move(*element);
  }
  return {};
}

Status add_text(const FileDiff& file, const TensorDiff& diff, Json& json) {
  for (const auto& [key, from, entry] : {std::tuple{"a", file.a, diff.pair.a}, std::tuple{"b", file.b, diff.pair.b}}) {
    auto text = string_of(*from, *entry);
    if (!text) return std::move(text).error();
    json["text"][key] = *text ? Json(**text) : Json();
  }
  return {};
}

Result<Json> diff_json(const FileDiff& file, const TensorDiff& diff) {
  Json json;
  set_text(json, "name", diff.tensor().name);
  json["change"] = std::string(name(diff.change));
  json["values"] = std::string(name(diff.values));
  json["compared_by"] = std::string(name(diff.basis));
  json["paired_by"] = std::string(name(diff.pair.by));
  json["a"] = side_json(diff.pair.a);
  json["b"] = side_json(diff.pair.b);
  Status status;
  if (diff.metrics) status = add_metrics(file, diff, json);
  if (status && diff.basis == Basis::text) status = add_text(file, diff, json);
  if (!status) return status.error();
  if (diff.basis != Basis::parts) return json;
  json["parts"] = Json::array();
  for (const TensorDiff& part : diff.parts) {
    auto row = diff_json(file, part);
    if (!row) return row;
    json["parts"].push_back(std::move(*row));
  }
  return json;
}

}  // namespace

// Entry by entry: a document of all of them would take more memory than the files' indexes.
Status write_diff_json(const FileDiff& file, Context& context) {
  Json head;
  head["schema"] = "ckpt.diff/1";
  for (const auto& [key, path] : {std::pair{"a", &file.path_a}, {"b", &file.path_b}}) {
    if (path->empty())
      head[key] = nullptr;
    else
      set_text(head, key, *path);
  }
  head["identical"] = file.counts[static_cast<std::size_t>(Change::identical)] == file.rows.size() && !file.alone();
  head["differs"] = file.differs;
  head["fails"] = file.fails;
  for (std::size_t i = 0; i < file.counts.size(); ++i)
    head["counts"][std::string(name(static_cast<Change>(i)))] = file.counts[i];
  head["left_out"] = file.left_out;
  std::string text = json_text(head);
  text.back() = ',';
  context.write(text + "\"tensors\":[");
  for (const DiffRow* row : file.shown) {
    auto json = diff_json(file, *row->diff);
    if (!json) return json.error();
    (*json)["group"] = std::string(name(row->group));
    (*json)["fails"] = row->fails;
    context.write((row == file.shown.front() ? "" : ",") + json_text(*json));
  }
  context.write("]}\n");
  return {};
}

}  // namespace ckpt::cli

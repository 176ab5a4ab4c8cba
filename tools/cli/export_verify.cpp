#include "export_verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "bind.h"
#include "ckpt/cast.h"
#include "ckpt/group.h"
#include "ckpt/text.h"
#include "containers.h"
#include "facts.h"
#include "input.h"
#include "json.h"
#include "render.h"

namespace ckpt::cli {
namespace {

enum class State : std::uint8_t { equal, rounded, different, missing };

std::string_view word_of(State state) {
  switch (state) {
    case State::equal:
      return "equal";
    case State::rounded:
      return "rounded";
    case State::different:
      return "different";
    case State::missing:
      return "missing";
  }
  return "missing";
}

struct Row {
  const TensorInfo* tensor = nullptr;
  State state = State::equal;
  std::string reason = {};
};

// Whether the bytes are equal; `half`: those in the model are the others as Float16.
Result<bool> same_bytes(const Checkpoint& file, const TensorInfo& tensor, const Checkpoint& model,
                        const TensorInfo& exported, bool half) {
  constexpr std::size_t kElements = std::size_t{64} << 10;
  const std::size_t width = size_of(tensor.dtype);
  const std::size_t block = kElements * std::max<std::size_t>(width, 1);
  std::vector<std::byte> a(block);
  std::vector<std::byte> b(block);
  std::vector<std::byte> rounded(half ? block / 2 : 0);
  for (std::uint64_t at = 0; at < tensor.byte_size; at += block) {
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(tensor.byte_size - at, block));
    std::span<std::byte> ours = std::span(a).first(take);
    const std::span<std::byte> theirs = std::span(b).first(half ? take / 2 : take);
    if (auto status = file.read(tensor, at, ours); !status) return status.error();
    if (auto status = model.read(exported, half ? at / 2 : at, theirs); !status) return status.error();
    if (half) {
      CastCounts counts;
      cast(DType::float32, ours, DType::float16, std::span(rounded).first(take / 2), counts);
      ours = std::span(rounded).first(take / 2);
    }
    if (std::memcmp(ours.data(), theirs.data(), theirs.size()) != 0) return false;
  }
  return true;
}

/// As export finds them: cells may stand before all names on one side.
graph::Prefix prefix_of(const std::vector<const TensorInfo*>& weights, const Checkpoint& model) {
  if (std::ranges::any_of(weights, [&](const TensorInfo* weight) { return model.find(weight->name) != nullptr; }))
    return {};
  std::vector<std::string_view> wanted;
  std::vector<std::string_view> there;
  for (const TensorInfo* weight : weights) wanted.push_back(weight->name);
  for (const TensorInfo& tensor : model.tensors()) there.push_back(tensor.name);
  return graph::prefix_between(wanted, there).value_or(graph::Prefix());
}

Result<Row> compare(const Checkpoint& file, const TensorInfo& tensor, const Checkpoint& model,
                    const graph::Prefix& prefix) {
  const TensorInfo* const exported = model.find(prefix.there + tensor.name.substr(prefix.wanted.size()));
  if (exported == nullptr) return Row{&tensor, State::missing, "not in the model"};
  const bool half = tensor.dtype == DType::float32 && exported->dtype == DType::float16;
  if ((tensor.dtype != exported->dtype && !half) || tensor.dims != exported->dims || !tensor.fits() ||
      !exported->fits())
    return Row{&tensor, State::different,
               fmt::format("{} {} in the model, {} {} in the checkpoint", type_text(*exported), shape_of(*exported),
                           type_text(tensor), shape_of(tensor))};
  const auto same = same_bytes(file, tensor, model, *exported, half);
  if (!same) return same.error();
  if (!*same) return Row{&tensor, State::different, "other values"};
  return half ? Row{&tensor, State::rounded, "rounded to Float16"} : Row{&tensor, State::equal, ""};
}

Json report(const ExportCommand& options, const std::vector<Row>& rows, bool equal) {
  Json json;
  json["schema"] = "ckpt.export-verify/1";
  set_text(json, "file", options.file);
  set_text(json, "model", options.verify);
  json["equal"] = equal;
  json["weights"] = Json::array();
  for (const Row& row : rows) {
    Json entry;
    set_text(entry, "name", row.tensor->name);
    entry["state"] = std::string(word_of(row.state));
    if (!row.reason.empty()) entry["reason"] = row.reason;
    json["weights"].push_back(std::move(entry));
  }
  return json;
}

}  // namespace

int verify_export(Context& context, const ExportCommand& options) {
  for (const std::string& path : {options.file, options.verify})
    if (auto error = needs_a_file(path)) return context.fail(path, *error);
  auto open = open_options(context, options.file, options.key);
  if (!open) return context.fail(options.file, open.error());
  open->progress = context.progress(options.file);
  const auto file = containers::open_any(options.file, *open);
  if (!file) return context.fail(options.file, file.error(), hint_for_whole(options.file, file.error(), options.key));
  const auto model = containers::open_any(options.verify);
  if (!model) return context.fail(options.verify, model.error());
  if (model->format != FileFormat::onnx)
    return context.fail(options.verify, {.code = Errc::unsupported, .message = "is no ONNX model"});

  const auto tensors = file->file.tensors();
  const auto groups = classify(tensors);
  std::vector<const TensorInfo*> weights;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (groups[i] == Group::weights && file->file.find(tensors[i].name) == &tensors[i]) weights.push_back(&tensors[i]);
  const graph::Prefix prefix = prefix_of(weights, model->file);
  std::vector<Row> rows;
  for (const TensorInfo* const weight : weights) {
    auto row = compare(file->file, *weight, model->file, prefix);
    if (!row) return context.fail(options.verify, row.error());
    rows.push_back(std::move(*row));
  }
  const auto bad = std::ranges::count_if(
      rows, [](const Row& row) { return row.state == State::different || row.state == State::missing; });
  if (options.json) {
    context.write(line_of(report(options, rows, bad == 0)));
  } else {
    for (const Row& row : rows)
      if (row.state != State::equal && row.state != State::rounded)
        context.write(fmt::format("{}: \"{}\": {}\n", escape(options.verify), escape(row.tensor->name), row.reason));
    const auto rounded = std::ranges::count(rows, State::rounded, &Row::state);
    context.write(
        fmt::format("{}: {} of {} {}{}\n", escape(options.verify), grouped(rows.size() - std::size_t(bad)),
                    counted(rows.size(), "weight"), rows.size() == 1 ? "is the checkpoint's" : "are the checkpoint's",
                    rounded == 0 ? "" : fmt::format(", {} of them rounded to Float16", grouped(std::size_t(rounded)))));
  }
  return bad == 0 ? kDone : kNo;
}

}  // namespace ckpt::cli

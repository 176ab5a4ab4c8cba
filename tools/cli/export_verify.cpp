#include "export_verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "bind.h"
#include "ckpt/cast.h"
#include "ckpt/digest.h"
#include "ckpt/group.h"
#include "ckpt/text.h"
#include "containers.h"
#include "graph_report.h"
#include "json.h"
#include "onnx_refresh.h"
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
  std::string name = {};
  State state = State::equal;
  std::string reason = {};
};

/// Contents from front to back. What has to be made is there at once, one tensor at a time.
class ContentsReader {
 public:
  static Result<ContentsReader> of(graph::Contents contents) {
    if (contents.make) {
      auto bytes = contents.make();
      if (!bytes) return bytes.error();
      contents = graph::in_memory(std::move(*bytes));
    }
    return ContentsReader(std::move(contents));
  }

  Status next(std::span<std::byte> out) {
    while (!out.empty()) {
      if (run_ == contents_.runs.size()) return Error{.code = Errc::mismatch, .message = "its bytes are not all there"};
      const graph::Contents::Run& run = contents_.runs[run_];
      const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), run.size - at_));
      if (auto status = run.source->read_at(run.offset + at_, out.first(take)); !status) return status;
      out = out.subspan(take);
      at_ += take;
      if (at_ == run.size) ++run_, at_ = 0;
    }
    return {};
  }

 private:
  explicit ContentsReader(graph::Contents contents) : contents_(std::move(contents)) {}

  graph::Contents contents_;
  std::size_t run_ = 0;
  std::uint64_t at_ = 0;
};

// Whether the bytes are equal; `half`: those in the model are the others as Float16.
Result<bool> same_bytes(const graph::Value& weight, const Checkpoint& model, const TensorInfo& exported, bool half) {
  constexpr std::size_t kElements = std::size_t{64} << 10;
  const std::size_t block = kElements * std::max<std::size_t>(size_of(weight.type.dtype), 1);
  std::vector<std::byte> a(block);
  std::vector<std::byte> b(block);
  std::vector<std::byte> rounded(half ? block / 2 : 0);
  auto reader = ContentsReader::of(weight.contents);
  if (!reader) return reader.error();
  for (std::uint64_t at = 0; at < weight.contents.size; at += block) {
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(weight.contents.size - at, block));
    std::span<std::byte> ours = std::span(a).first(take);
    const std::span<std::byte> theirs = std::span(b).first(half ? take / 2 : take);
    if (auto status = reader->next(ours); !status) return status.error();
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

graph::Type type_of(const TensorInfo& tensor) {
  return {.dtype = tensor.dtype, .dims = graph::Dims(tensor.dims.begin(), tensor.dims.end())};
}

Result<Row> compare(const graph::Value& weight, const std::string& name, const Checkpoint& model) {
  const TensorInfo* const exported = model.find(name);
  if (exported == nullptr) return Row{weight.name, State::missing, "not in the model"};
  const graph::Type there = type_of(*exported);
  const bool half = weight.type.dtype == DType::float32 && there.dtype == DType::float16;
  if ((weight.type.dtype != there.dtype && !half) || weight.type.dims != there.dims || !exported->fits())
    return Row{weight.name, State::different,
               fmt::format("{} in the model, {} in the checkpoint", type_text(there), type_text(weight.type))};
  if (!weight.bound) return Row{weight.name, State::different, "its size is not what its shape asks for"};
  const auto same = same_bytes(weight, model, *exported, half);
  if (!same) return same.error();
  if (!*same) return Row{weight.name, State::different, "other values"};
  return half ? Row{weight.name, State::rounded, "rounded to Float16"} : Row{weight.name, State::equal, ""};
}

/// As export finds them: cells may stand before all names on one side.
graph::Prefix prefix_of(const graph::Graph& weights, const Checkpoint& model) {
  std::vector<std::string_view> wanted;
  std::vector<std::string_view> there;
  for (const graph::Value& weight : weights.values) {
    if (model.find(weight.name) != nullptr) return {};
    wanted.push_back(weight.name);
  }
  for (const TensorInfo& tensor : model.tensors()) there.push_back(tensor.name);
  return graph::prefix_between(wanted, there).value_or(graph::Prefix());
}

/// The digest that a model says its weights' checkpoint has, and whether it has it.
struct Digest {
  std::string recorded = {};
  bool equal = false;
};

Result<Digest> compare_digest(Context& context, const ExportCommand& options, const Checkpoint& file) {
  auto recorded = graph::recorded_digest(options.verify);
  if (!recorded) return recorded.error();
  Digest out{.recorded = std::move(*recorded)};
  if (out.recorded.empty()) return out;
  const auto own = digest(file, {.progress = context.progress(options.file)});
  if (!own) return own.error();
  out.equal = out.recorded == own->content;
  return out;
}

Json report(const ExportCommand& options, const std::vector<Row>& rows, bool equal, const Digest& digest) {
  Json json;
  json["schema"] = "ckpt.export-verify/1";
  set_text(json, "file", options.file);
  set_text(json, "model", options.verify);
  json["equal"] = equal;
  if (!digest.recorded.empty()) {
    Json entry;
    set_text(entry, "recorded", digest.recorded);
    entry["equal"] = digest.equal;
    json["digest"] = std::move(entry);
  }
  json["weights"] = Json::array();
  for (const Row& row : rows) {
    Json entry;
    set_text(entry, "name", row.name);
    entry["state"] = std::string(word_of(row.state));
    if (!row.reason.empty()) entry["reason"] = row.reason;
    json["weights"].push_back(std::move(entry));
  }
  return json;
}

bool is_bad(const Row& row) { return row.state == State::different || row.state == State::missing; }

std::string text_of(const ExportCommand& options, const std::vector<Row>& rows, const Digest& digest) {
  const std::string model = escape(options.verify);
  std::string text;
  for (const Row& row : rows)
    if (is_bad(row)) text += fmt::format("{}: \"{}\": {}\n", model, escape(row.name), row.reason);
  if (!digest.recorded.empty() && !digest.equal)
    text += fmt::format("{}: the digest that it records is another's: {}\n", model, escape(digest.recorded));
  const auto good = rows.size() - static_cast<std::size_t>(std::ranges::count_if(rows, is_bad));
  const auto rounded = static_cast<std::size_t>(std::ranges::count(rows, State::rounded, &Row::state));
  text += fmt::format("{}: {} of {} {} the checkpoint's", model, grouped(good), counted(rows.size(), "weight"),
                      rows.size() == 1 ? "is" : "are");
  if (options.fold_batch_norm) text += " with its BatchNorms folded";
  if (rounded > 0) text += fmt::format(", {} of them rounded to Float16", grouped(rounded));
  if (digest.equal) text += ", and so is the digest that it records";
  text += "\n";
  const bool folded = std::ranges::any_of(
      rows, [](const Row& row) { return row.state == State::missing && row.name.ends_with("moving_variance"); });
  if (folded) text += "  with --fold-batch-norm it is compared with folded weights\n";
  return text;
}

/// `weights`: parameters with the values that the model should have, under names that may have a prefix.
int verify(Context& context, const ExportCommand& options, const Checkpoint& file, const graph::Graph& weights) {
  const auto model = containers::open_any(options.verify);
  if (!model) return context.fail(options.verify, model.error());
  if (model->format != FileFormat::onnx)
    return context.fail(options.verify, {.code = Errc::unsupported, .message = "is no ONNX model"});
  const graph::Prefix prefix = prefix_of(weights, model->file);
  std::vector<Row> rows;
  for (const graph::Value& weight : weights.values) {
    auto row = compare(weight, prefix.there + weight.name.substr(prefix.wanted.size()), model->file);
    if (!row) return context.fail(options.verify, row.error());
    rows.push_back(std::move(*row));
  }
  const auto digest = compare_digest(context, options, file);
  if (!digest) return context.fail(options.verify, digest.error());
  const bool equal = std::ranges::none_of(rows, is_bad);
  context.write(options.json ? line_of(report(options, rows, equal, *digest)) : text_of(options, rows, *digest));
  return equal && (digest->equal || digest->recorded.empty()) ? kDone : kNo;
}

}  // namespace

int verify_export(Context& context, const ExportCommand& options, const Checkpoint& file) {
  const auto tensors = file.tensors();
  const auto groups = classify(tensors);
  graph::Graph weights;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (groups[i] == Group::weights && file.find(tensors[i].name) == &tensors[i])
      weights.add_parameter(tensors[i].name, type_of(tensors[i]));
  const std::shared_ptr<const Checkpoint> borrowed(std::shared_ptr<const Checkpoint>(), &file);
  graph::bind(weights, borrowed, {.exact = true});
  return verify(context, options, file, weights);
}

int verify_folded(Context& context, const ExportCommand& options, const Checkpoint& file, const graph::Graph& folded) {
  graph::Graph weights;
  for (const graph::Value& value : folded.values)
    if (value.kind == graph::ValueKind::parameter) weights.values.push_back(value);
  return verify(context, options, file, weights);
}

}  // namespace ckpt::cli

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "ckpt/salvage.h"
#include "ckpt/text.h"
#include "commands.h"
#include "facts.h"
#include "input.h"
#include "json.h"
#include "output.h"
#include "render.h"
#include "usage.h"

namespace ckpt::cli {
namespace {

std::string_view name(Loss::Kind kind) {
  switch (kind) {
    case Loss::Kind::lost:
      return "lost";
    case Loss::Kind::renamed:
      return "renamed";
    case Loss::Kind::partial:
      return "partial";
    case Loss::Kind::doubt:
      return "doubt";
  }
  return "lost";
}

// FILE:OFFSET: lost: "tensor": message (N bytes); renamed: "tensor" -> "new name": message
std::string text_of(const std::string& path, const Loss& loss, bool color) {
  std::string tensor = loss.tensor.empty() ? "" : "\"" + escape(loss.tensor) + "\": ";
  if (!loss.new_name.empty()) tensor.insert(tensor.size() - 2, " -> \"" + escape(loss.new_name) + "\"");
  const Style style = loss.kind == Loss::Kind::lost ? Style::red : Style::yellow;
  const std::string size = loss.size == 0 ? "" : fmt::format(" ({})", human_size(loss.size));
  return fmt::format("{}:{}: {}: {}{}{}\n", escape(path), loss.offset, styled(name(loss.kind), style, color), tensor,
                     loss.message, size);
}

// 5 tensors (12.0 KiB) kept, 1 partial, 2 losses, 1 doubt
std::string sums_of(const Salvage& salvage) {
  std::uint64_t bytes = 0;
  for (const TensorInfo& entry : salvage.kept()) bytes += entry.byte_size;
  const std::string kept = fmt::format("{} ({})", counted(salvage.kept().size(), "tensor"), human_size(bytes));
  if (salvage.losses().empty()) return kept + ": nothing is damaged";
  const auto count = [&](Loss::Kind kind) {
    const auto losses = salvage.losses();
    return static_cast<std::uint64_t>(
        std::count_if(losses.begin(), losses.end(), [&](const Loss& loss) { return loss.kind == kind; }));
  };
  std::string text = kept + " kept";
  if (const auto renamed = count(Loss::Kind::renamed); renamed > 0) text += fmt::format(", {} renamed", renamed);
  if (const auto partial = count(Loss::Kind::partial); partial > 0) text += fmt::format(", {} partial", partial);
  if (const auto lost = count(Loss::Kind::lost); lost > 0)
    text += fmt::format(", {} {}", lost, lost == 1 ? "loss" : "losses");
  if (const auto doubts = count(Loss::Kind::doubt); doubts > 0) text += ", " + counted(doubts, "doubt");
  return text;
}

Json json_of(const Loss& loss) {
  Json json;
  json["kind"] = std::string(name(loss.kind));
  set_text(json, "tensor", loss.tensor);
  if (!loss.new_name.empty()) set_text(json, "new_name", loss.new_name);
  json["offset"] = loss.offset;
  json["bytes"] = loss.size;
  json["message"] = loss.message;
  return json;
}

Json report_of(const std::string& path, const Salvage& salvage, const std::string& output) {
  Json json;
  json["schema"] = "ckpt.salvage/1";
  set_text(json, "file", path);
  if (!output.empty()) set_text(json, "output", output);
  json["kept"] = Json::array();
  for (const TensorInfo& entry : salvage.kept()) {
    Json row;
    set_text(row, "name", entry.name);
    row["bytes"] = entry.byte_size;
    json["kept"].push_back(std::move(row));
  }
  json["losses"] = Json::array();
  for (const Loss& loss : salvage.losses()) json["losses"].push_back(json_of(loss));
  return json;
}

}  // namespace

int run(Context& context, const SalvageCommand& options) {
  for (const std::string& path : {options.file, options.output})
    if (auto error = needs_a_file(path)) return context.fail(path, *error);
  auto open = open_options(context, options.file, options.key);
  if (!open) return context.fail(options.file, open.error());
  const auto salvage = Salvage::examine(options.file, {.partial = options.partial, .open = *open});
  if (!salvage)
    return context.fail(options.file, salvage.error(), hint_for_checkpoint(options.file, salvage.error(), options.key));

  const bool nothing = salvage->kept().empty() && salvage->partial() == 0;
  if (nothing && salvage->losses().empty())
    return context.fail(options.file, {.code = Errc::mismatch, .message = "holds no entry that could be saved"});

  WriteOptions how{.crc = salvage->trailer().has_value(), .overwrite = options.force};
  if (const auto& encryption = salvage->encryption()) {
    how.key = open->key;
    how.mode = encryption->mode.value_or(open->mode.value_or(CipherMode::aes_gcm));
    how.crc = false;
  }
  if (!options.output.empty() && !nothing) {
    std::error_code none;
    if (std::filesystem::equivalent(options.output, options.file, none))
      return context.fail(options.output, usage("is the damaged file itself"),
                          "the damaged file is left as it is: name another one");
    if (auto status = salvage->write(options.output, how, context.progress(options.output)); !status)
      return context.fail(status.error().code == Errc::changed ? options.file : options.output, status.error(),
                          hint_for_output(status.error()));
  }
  if (options.json) {
    context.write(line_of(report_of(options.file, *salvage, options.output)));
  } else {
    for (const Loss& loss : salvage->losses()) context.write(text_of(options.file, loss, context.color()));
    context.write(fmt::format("{}: {}\n", escape(options.file), sums_of(*salvage)));
  }
  if (nothing) return context.fail(options.file, {.code = Errc::mismatch, .message = "nothing of it can be saved"});
  return salvage->losses().empty() ? kDone : kNo;
}

}  // namespace ckpt::cli

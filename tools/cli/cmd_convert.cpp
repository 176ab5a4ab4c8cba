#include <fmt/format.h>

#include <filesystem>

#include "ckpt/text.h"
#include "commands.h"
#include "containers.h"
#include "input.h"
#include "names.h"
#include "output.h"
#include "render.h"
#include "usage.h"

namespace ckpt::cli {
namespace {

using containers::OutputEntry;

struct Target {
  FileFormat format = FileFormat::other;
  std::string why = {};  // where it is none
  std::string hint = {};
};

Target target_of(const ConvertOptions& options) {
  std::string wanted = options.format;
  if (wanted.empty()) {
    const std::string extension = std::filesystem::path(options.output).extension().string();
    if (!extension.empty()) wanted = extension.substr(1);
  }
  if (wanted == "ckpt") return {FileFormat::checkpoint};
  if (wanted == "safetensors") return {FileFormat::safetensors};
  if (wanted == "npz") return {FileFormat::npz};
  if (wanted == "onnx")
    return {.why = "an ONNX model needs a graph, not only parameters", .hint = "`ckpt export` makes one of both"};
  if (wanted == "npy")
    return {.why = "a .npy file holds one array", .hint = "`ckpt show FILE TENSOR --npy -o OUT` writes it"};
  return {.why = "its name does not say which format", .hint = "--to ckpt, safetensors or npz does"};
}

struct Refusal {
  std::string name = {};
  std::string why = {};
};

struct Plan {
  std::vector<OutputEntry> entries = {};
  std::vector<Refusal> refused = {};
};

// What goes into the output, under which name, and what cannot.
Plan plan_for(const Checkpoint& file, FileFormat format, const ConvertOptions& options) {
  const auto tensors = file.tensors();
  std::vector<std::string> names;
  if (const auto style = containers::name_style_from_text(options.names)) names = containers::renamed(tensors, *style);
  Plan plan;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TensorInfo& tensor = tensors[i];
    OutputEntry entry{&tensor, names.empty() ? tensor.name : names[i]};
    std::string why = containers::why_not(format, entry);
    if (why.empty() && file.find(tensor.name) != &tensor)
      why = "a later entry has its name, and counts";
    else if (why.empty() && !names.empty() && file.find(entry.name) != nullptr && entry.name != tensor.name)
      why = fmt::format("--names makes it \"{}\", which is another entry's name", escape(entry.name));
    if (why.empty())
      plan.entries.push_back(std::move(entry));
    else
      plan.refused.push_back({tensor.name, std::move(why)});
  }
  return plan;
}

int refuse(Context& context, const std::string& path, const std::vector<Refusal>& refused) {
  constexpr std::size_t kMost = 10;
  for (std::size_t i = 0; i < std::min(refused.size(), kMost); ++i)
    context.note(fmt::format("{}: \"{}\": {}", escape(path), escape(refused[i].name), refused[i].why));
  return context.fail(
      fmt::format("{}: {} cannot be converted; nothing was written", escape(path), counted(refused.size(), "tensor")),
      "--drop-unsupported leaves them out");
}

Status write(const Checkpoint& file, const Target& target, std::span<const OutputEntry> entries,
             const ConvertOptions& options, const Progress& progress) {
  if (target.format == FileFormat::checkpoint)
    return containers::write_checkpoint(options.output, file, entries,
                                        {.profile = options.profile == "classic" ? Profile::classic : Profile::modern,
                                         .crc = options.crc,
                                         .overwrite = options.force},
                                        progress);
  const containers::SaveOptions how{.permissions = file.encryption() ? 0600 : default_permissions() & 0644,
                                    .overwrite = options.force,
                                    .framework = options.names == "pytorch" ? "pt" : "ms",
                                    .crc = options.crc,
                                    .progress = progress};
  return target.format == FileFormat::npz ? containers::write_npz(options.output, file, entries, how)
                                          : containers::write_safetensors(options.output, file, entries, how);
}

}  // namespace

int run(Context& context, const ConvertOptions& options) {
  const Target target = target_of(options);
  if (target.format == FileFormat::other) return context.fail(options.output, usage(target.why), target.hint);
  if (!options.profile.empty() && target.format != FileFormat::checkpoint)
    return context.fail("--profile is for checkpoints only");
  if (options.crc && target.format == FileFormat::npz)
    return context.fail("--crc is for checkpoints and safetensors: a .npz has a checksum an array always");

  auto input = Input::open(context, options.file, options.key, false);
  if (!input) return context.fail(options.file, input.error(), hint_for(input.error(), options.key));
  if (const auto& damage = input->damage())
    return context.fail(options.file, *damage, hint_for_whole(options.file, *damage, options.key));
  std::error_code none;
  if (std::filesystem::equivalent(options.file, options.output, none))
    return context.fail(options.output, usage("is the input itself"));

  const Plan plan = plan_for(input->file(), target.format, options);
  if (!plan.refused.empty() && !options.drop_unsupported) return refuse(context, options.file, plan.refused);
  for (const Refusal& refusal : plan.refused)
    context.note(fmt::format("{}: \"{}\" is left out: {}", escape(options.file), escape(refusal.name), refusal.why));
  if (plan.entries.empty() && !plan.refused.empty())
    return context.fail(options.file, usage("nothing is left to be written"));
  const auto status = write(input->file(), target, plan.entries, options, context.progress(options.output));
  if (status) return kDone;
  // What has to do with an entry is the input's fault, the rest the output's.
  const Error& error = status.error();
  const bool reading = !error.tensor.empty() || error.code == Errc::changed || error.message.starts_with("cannot read");
  return context.fail(reading ? options.file : options.output, error, hint_for_output(error));
}

}  // namespace ckpt::cli

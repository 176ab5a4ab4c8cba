#include "train_setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "ckpt/text.h"
#include "networks.h"
#include "op.h"
#include "render.h"
#include "usage.h"
#include "words.h"

namespace ckpt::train {
namespace {

using graph::Graph;
using tools::usage;

constexpr const char* kFashionMnist = "/usr/share/datasets/fashion-mnist";  // of Debian's dataset-fashion-mnist

Made<std::string> network_name(const TrainCommand& command, const std::string& path, const ParamDict* file) {
  if (!command.network.empty()) return command.network;
  if (file == nullptr) return std::string("lenet5");
  const auto name = graph::match_network(file->file());
  if (name) return std::string(*name);
  return Trouble{path, name.error(), "--network says which it is"};
}

// Where the data is; empty for synthetic images.
Made<std::string> data_folder(const TrainCommand& command) {
  if (command.synthetic) return std::string();
  if (!command.data.empty()) return command.data;
  std::error_code none;
  if (std::filesystem::exists(kFashionMnist, none)) return std::string(kFashionMnist);
  return Trouble{"", usage("there are no images to train on"),
                 "--data DIR, --synthetic N, or Debian's package dataset-fashion-mnist"};
}

// Those that --labels wants.
Made<std::optional<ImageSet>> chosen_of(const TrainCommand& command, const std::string& where, ImageSet images) {
  if (command.labels.empty()) return std::optional(std::move(images));
  ImageSet chosen = only_labels(images, command.labels);
  if (chosen.size() == 0) return Trouble{where, usage("has no image with one of these labels"), ""};
  return std::optional(std::move(chosen));
}

}  // namespace

int tell(cli::Context& context, const Trouble& trouble) {
  if (trouble.error.code == Errc::cancelled) return cli::kInterrupted;
  if (trouble.where.empty()) return context.fail(to_string(trouble.error), trouble.hint);
  return context.fail(trouble.where, trouble.error, trouble.hint);
}

void tell_others(cli::Context& context, const std::string& path, const std::vector<NotLoaded>& others) {
  constexpr std::size_t kLines = 20;
  for (std::size_t i = 0; i < std::min(kLines, others.size()); ++i)
    context.note(fmt::format("{}: \"{}\" {}", cli::file_text(path), escape(others[i].name), others[i].why));
  if (others.size() > kLines) context.note(fmt::format("and {} more", cli::grouped(others.size() - kLines)));
}

std::string text_of(const Evaluation& evaluation, const FeedOptions& images) {
  // A NaN may have a sign, which nobody wants to know.
  const std::string loss = std::isnan(evaluation.loss) ? "NaN" : fmt::format("{:.4f}", evaluation.loss);
  return fmt::format("accuracy {:.4f}, loss {}, {} images of {} x {} x {}", evaluation.accuracy, loss,
                     cli::grouped(evaluation.images), images.channels, images.height, images.width);
}

Made<GivenFile> open_given(const TrainCommand& command) {
  GivenFile given;
  for (const std::string* path : {&command.resume, &command.finetune, &command.eval})
    if (!path->empty()) given.path = *path;
  if (given.path.empty()) return given;
  auto file = load_checkpoint(given.path);
  if (!file) return Trouble{given.path, std::move(file).error(), ""};
  given.file.emplace(std::move(*file));
  return given;
}

std::uint64_t seed_of(const TrainCommand& command, const GivenFile& given) {
  if (command.seed) return *command.seed;
  if (given.file && command.finetune.empty())
    if (const auto seed = integer_in(*given.file, "seed"); seed && *seed >= 0) return static_cast<std::uint64_t>(*seed);
  return 1;
}

Made<Graph> make_trained_network(const TrainCommand& command, const std::string& path, const ParamDict* file) {
  auto name = network_name(command, path, file);
  if (!name) return std::move(name.trouble);
  const Checkpoint* const checkpoint = file != nullptr ? &file->file() : nullptr;
  graph::NetworkOptions options;
  if (command.num_classes > 0) options.num_classes = command.num_classes;
  if (command.num_classes == 0 && file == nullptr) options.num_classes = 10;
  auto usual = graph::make_network(*name, options, checkpoint);
  if (!usual) return Trouble{path, std::move(usual).error(), ""};
  options.input = usual->value(usual->inputs[0]).type.dims;
  if (options.input.size() != 4) return Trouble{path, usage("the network " + *name + " takes no images"), ""};
  const int side = command.size > 0 ? command.size : *name == "mlp" ? 28 : 32;
  options.input[0] = command.batch;
  if (command.channels > 0) options.input[1] = command.channels;
  options.input[2] = options.input[3] = side;
  auto network = graph::make_network(*name, options, checkpoint);
  if (!network) return Trouble{path, std::move(network).error(), ""};
  const graph::Refusals wrong = graph::infer_types(*network);
  if (wrong.empty()) return std::move(*network);
  const graph::Refusal& first = wrong.list().front();
  return Trouble{path,
                 usage(*name + " takes no images of " + std::to_string(options.input[1].size) + " x " +
                       std::to_string(side) + " x " + std::to_string(side) + ": " + escape(first.op) + " \"" +
                       escape(first.first) + "\": " + escape(first.reason)),
                 ""};
}

std::size_t classes_of(const Graph& network) {
  return static_cast<std::size_t>(network.value(network.outputs[0]).type.dims.back().size);
}

Made<std::optional<ImageSet>> load_images(const TrainCommand& command, Part part, std::size_t classes,
                                          std::uint64_t seed, bool needed) {
  auto folder = data_folder(command);
  if (!folder) return std::move(folder.trouble);
  const std::size_t shown = command.labels.empty() ? classes : 256;
  if (folder->empty()) {
    const auto count = static_cast<std::size_t>(*command.synthetic);
    const std::size_t made = part == Part::train ? count : std::max<std::size_t>(count / 5, 1);
    ImageSet images = synthetic_images(made, part, command.labels.empty() ? classes : 10, seed);
    return chosen_of(command, "--synthetic", std::move(images));
  }
  auto images = read_images(*folder, part, shown);
  if (!images && !needed && images.error().code == Errc::usage) return std::optional<ImageSet>();
  if (!images) return Trouble{*folder, std::move(images).error(), ""};
  return chosen_of(command, *folder, std::move(*images));
}

FeedOptions feed_options(const TrainCommand& command, const Graph& network) {
  const graph::Dims& input = network.value(network.inputs[0]).type.dims;
  return {.channels = static_cast<std::size_t>(input[1].size),
          .height = static_cast<std::size_t>(input[2].size),
          .width = static_cast<std::size_t>(input[3].size),
          .mean = command.mean,
          .std = command.std};
}

}  // namespace ckpt::train

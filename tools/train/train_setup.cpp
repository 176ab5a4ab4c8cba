#include "train_setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "ckpt/text.h"
#include "networks.h"
#include "op.h"
#include "recorded_input.h"
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
  if (chosen.size() == 0) return Trouble{where, usage("has no image with one of these labels")};
  return std::optional(std::move(chosen));
}

struct Sides {
  std::int64_t height, width;
};

// Of the images. A training is evaluated and resumed with those that it had, and resumed with as many a step.
Made<Sides> sides_of(cli::Context& context, const TrainCommand& command, const GivenFile& given,
                     const std::string& network, const graph::NetworkOptions& options) {
  const int usual = command.size > 0 ? command.size : network == "mlp" ? 28 : 32;
  const std::filesystem::path meta = graph::graph_beside(given.path);
  if (!given.file || !command.finetune.empty() || meta.empty()) return Sides{usual, usual};
  auto input = graph::recorded_input(meta, network, options, given.file->file());
  if (input && !*input) return Sides{usual, usual};
  const std::int64_t batch = input ? (*input)->at(0).size : -1;
  if (!command.resume.empty() && batch > 0 && batch != command.batch)
    return Trouble{given.path,
                   usage(fmt::format("was trained with --batch {}, as {} says", batch, cli::file_text(meta.string()))),
                   "--batch and --data must be those of that training"};
  if (command.size > 0) return Sides{usual, usual};
  if (input && std::max((*input)->at(2).size, (*input)->at(3).size) > kLargestSide) input = usage("has larger images");
  if (!input) {
    context.note(fmt::format("{}: {}; the images are {} x {}", cli::file_text(meta.string()), to_string(input.error()),
                             usual, usual));
    return Sides{usual, usual};
  }
  const Sides sides{(*input)->at(2).size, (*input)->at(3).size};
  if (sides.height != usual || sides.width != usual)
    context.note(fmt::format("{}: images of {} x {}, as in {}", cli::file_text(given.path), sides.height, sides.width,
                             cli::file_text(meta.string())));
  return sides;
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
  return fmt::format("accuracy {:.4f}, loss {}, {} of {} x {} x {}", evaluation.accuracy, loss,
                     cli::counted(evaluation.images, "image"), images.channels, images.height, images.width);
}

Made<GivenFile> open_given(const TrainCommand& command) {
  GivenFile given;
  for (const std::string* path : {&command.resume, &command.finetune, &command.eval})
    if (!path->empty()) given.path = *path;
  if (given.path.empty()) return given;
  auto file = load_checkpoint(given.path);
  if (!file) return Trouble{given.path, std::move(file).error()};
  given.file.emplace(std::move(*file));
  return given;
}

std::uint64_t seed_of(const TrainCommand& command, const GivenFile& given) {
  if (command.seed) return *command.seed;
  if (given.file && command.finetune.empty())
    if (const auto seed = integer_in(*given.file, "seed"); seed && *seed >= 0) return static_cast<std::uint64_t>(*seed);
  return 1;
}

Made<Graph> make_trained_network(cli::Context& context, const TrainCommand& command, const GivenFile& given) {
  auto name = network_name(command, given.path, given.dict());
  if (!name) return std::move(name.trouble);
  const Checkpoint* const checkpoint = given.file ? &given.file->file() : nullptr;
  graph::NetworkOptions options;
  if (command.num_classes > 0) options.num_classes = command.num_classes;
  if (command.num_classes == 0 && !given.file) options.num_classes = 10;
  auto usual = graph::make_network(*name, options, checkpoint);
  if (!usual) return Trouble{given.path, std::move(usual).error()};
  graph::Dims input = usual->value(usual->inputs[0]).type.dims;
  if (input.size() != 4) return Trouble{given.path, usage("the network " + *name + " takes no images")};
  auto sides = sides_of(context, command, given, *name, options);
  if (!sides) return std::move(sides.trouble);
  input[0] = command.batch;
  if (command.channels > 0) input[1] = command.channels;
  input[2] = sides->height;
  input[3] = sides->width;
  options.input = input;
  auto network = graph::make_network(*name, options, checkpoint);
  if (!network) return Trouble{given.path, std::move(network).error()};
  const graph::Refusals wrong = graph::infer_types(*network);
  if (wrong.empty()) return std::move(*network);
  const graph::Refusal& first = wrong.list().front();
  return Trouble{
      given.path,
      usage(fmt::format("{} takes no images of {} x {} x {}: {} \"{}\": {}", *name, input[1].size, sides->height,
                        sides->width, escape(first.op), escape(first.first), escape(first.reason))),
      "--size and --channels say what they are"};
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
  if (!images) {
    const bool other_classes = images.error().code == Errc::mismatch;
    return Trouble{*folder, std::move(images).error(),
                   other_classes ? "--labels takes only some of them, --num-classes says how many there are" : ""};
  }
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

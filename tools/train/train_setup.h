#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint_fit.h"
#include "ckpt/error.h"
#include "ckpt/params.h"
#include "context.h"
#include "data/image_feed.h"
#include "data/image_set.h"
#include "graph.h"
#include "train_options.h"
#include "trainer.h"

// What a training is made of, from what the command says.
namespace ckpt::train {

/// What was wrong, and with what: a file, a folder, an option.
struct Trouble {
  std::string where = {};
  Error error = {};
  std::string hint = {};
};

/// A value, or what was wrong.
template <class T>
struct Made {
  std::optional<T> value = {};
  Trouble trouble = {};

  Made(T made) : value(std::move(made)) {}
  Made(Trouble wrong) : trouble(std::move(wrong)) {}
  explicit operator bool() const noexcept { return value.has_value(); }
  T& operator*() { return *value; }
  T* operator->() { return &*value; }
};

/// Says it; the exit code.
int tell(cli::Context& context, const Trouble& trouble);

/// The file that is begun with: --resume, --finetune or --eval. Without one, `file` is empty.
struct GivenFile {
  std::string path = {};
  std::optional<ParamDict> file = {};

  const ParamDict* dict() const { return file ? &*file : nullptr; }
};
Made<GivenFile> open_given(const TrainCommand& command);

/// Says what does not fit a network, a line each, up to a number that can be read.
void tell_others(cli::Context& context, const std::string& path, const std::vector<NotLoaded>& others);

/// In words: "accuracy 0.8916, loss 0.2990, 10,000 images of 1 x 32 x 32".
std::string text_of(const Evaluation& evaluation, const FeedOptions& images);

/// Whether a training is validated after each epoch.
inline bool validates(const TrainCommand& command) { return !command.best.empty() || command.hold_out; }

/// --seed, or that of a file that is evaluated or resumed from, or 1.
std::uint64_t seed_of(const TrainCommand& command, const GivenFile& given);

/// The network with its types, for batches of the command's size. The classes are as many as the command says; else as
/// the given file has, but 10 without one. The size of the images is the command's; else, where a training is evaluated
/// or resumed, that of its graph beside the given file (which is said); else the usual one.
Made<graph::Graph> make_trained_network(cli::Context& context, const TrainCommand& command, const GivenFile& given);

/// The last dimension of its output.
std::size_t classes_of(const graph::Graph& network);

/// The images, of the command's data, for that network. Empty where the data has no such part and `needed` is false.
Made<std::optional<ImageSet>> load_images(const TrainCommand& command, Part part, std::size_t classes,
                                          std::uint64_t seed, bool needed);

/// How they come to the network.
FeedOptions feed_options(const TrainCommand& command, const graph::Graph& network);

}  // namespace ckpt::train

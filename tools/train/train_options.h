#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ckpt/manager.h"
#include "context.h"
#include "data/image_feed.h"
#include "data/schedule.h"
#include "training_graph.h"

namespace ckpt::train {

constexpr int kLargestSide = 4096;  ///< of an image

/// What ckpt-train is asked for.
struct TrainCommand {
  // The network and its images.
  std::string network = {};  ///< empty: that of the checkpoint that is given, or lenet5
  std::string data = {};     ///< a folder; empty: Fashion-MNIST, where the system has it
  std::optional<std::uint64_t> synthetic = {};
  std::vector<std::uint8_t> labels = {};  ///< only these; empty: all
  std::optional<std::uint64_t> hold_out = {};
  int num_classes = 0;  ///< 0: as many as the checkpoint or `labels` has, or 10
  int size = 0;         ///< of the images' sides; 0: the network's usual
  int channels = 0;     ///< 0: the network's usual
  double mean = FeedOptions{}.mean;
  double std = FeedOptions{}.std;

  // The training.
  int epochs = 5;
  int batch = 32;
  std::optional<std::uint64_t> seed = {};
  int threads = 0;
  TrainingOptions training = {};
  bool optimizer_given = false;                     ///< else --resume says which one
  std::vector<std::string> optimizer_options = {};  ///< that were given, of those that not every optimizer knows
  std::optional<double> learning_rate = {};         ///< empty: that of --resume, or the optimizer's usual
  Schedule schedule = {};
  bool schedule_given = false;
  std::vector<std::string> freeze = {};

  // The checkpoints.
  CheckpointConfig config = {.append_info = {.epoch_num = true, .step_num = true}};
  std::optional<std::string> prefix = {};  ///< empty: that of the run that continues, or CKP
  std::string directory = ".";
  std::string best = {};  ///< accuracy, loss; empty: nothing is validated between epochs
  std::string resume = {};
  std::string finetune = {};
  std::string metrics = {};
  int log_steps = 100;

  // Instead of training.
  std::string eval = {};
  std::string logits = {};
  bool json = false;
};

struct TrainCommandLine {
  std::optional<TrainCommand> command = {};  ///< empty: `text` is all there is to do
  cli::When color = cli::When::automatic;
  int exit = 0;           ///< where there is no command
  std::string text = {};  ///< help or version for stdout, or a usage error for stderr
  std::string hint = {};
};

/// What is wrong with an option that its optimizer does not know; empty where nothing is. Of a command with --resume
/// the optimizer is the file's, and is known later.
std::string misplaced_option(const TrainCommand& command);

TrainCommandLine parse_train_command(int argc, const char* const* argv);

}  // namespace ckpt::train

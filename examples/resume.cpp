// Trains y = 3x + 1, saves by policy, and goes on from where it was when it is started again:  resume DIRECTORY
#include <ckpt/manager.h>
#include <ckpt/params.h>

#include <array>
#include <iostream>
#include <span>
#include <vector>

namespace {

// Two parameters and, as Momentum keeps them, their velocities.
struct Network {
  std::array<float, 2> weight = {0, 0};
  std::array<float, 2> moment = {0, 0};

  float train(std::uint64_t step) {
    const float x = static_cast<float>(step * 7 % 11) / 11;
    const float error = weight[0] * x + weight[1] - (3 * x + 1);
    const std::array<float, 2> gradient = {error * x, error};
    for (std::size_t i = 0; i < 2; ++i) {
      moment[i] = 0.9F * moment[i] + gradient[i];
      weight[i] -= 0.01F * moment[i];
    }
    return error * error;
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto failed = [](const ckpt::Error& error) {
    std::cerr << "resume: " << to_string(error) << '\n';
    return 1;
  };
  Network net;
  const auto params = [&net] {
    return std::vector<ckpt::Param>{{.desc = {.name = "weight", .dtype = ckpt::DType::float32, .dims = {2}},
                                     .bytes = std::as_bytes(std::span(net.weight))},
                                    {.desc = {.name = "moments.weight", .dtype = ckpt::DType::float32, .dims = {2}},
                                     .bytes = std::as_bytes(std::span(net.moment))}};
  };
  const ckpt::CheckpointConfig config{.save_checkpoint_steps = 20,
                                      .keep_checkpoint_max = 3,
                                      .keep_best = 1,
                                      .metric_mode = ckpt::MetricMode::min,
                                      .resume = true};
  auto saver = ckpt::ModelCheckpoint::create("line", argv[1], config, {.params = params});
  if (!saver) return failed(saver.error());
  for (const auto& [file, why] : saver->passed_over()) std::cerr << file.string() << ": " << to_string(why) << '\n';

  std::uint64_t step = 0;
  if (const auto& latest = saver->latest()) {
    const ckpt::NetParam into[] = {{.name = "weight",
                                    .dtype = ckpt::DType::float32,
                                    .dims = {2},
                                    .bytes = std::as_writable_bytes(std::span(net.weight))},
                                   {.name = "moments.weight",
                                    .dtype = ckpt::DType::float32,
                                    .dims = {2},
                                    .bytes = std::as_writable_bytes(std::span(net.moment))}};
    const auto loaded = ckpt::load_checkpoint(latest->path, into);
    if (!loaded) return failed(loaded.error());
    for (const auto& [name, why] : loaded->param_not_load)
      return failed({.code = ckpt::Errc::mismatch, .tensor = name, .message = why});
    step = latest->step;
  }
  std::cout << "from step " << step << std::endl;

  constexpr std::uint64_t kStepsPerEpoch = 100;
  float loss = 0;
  while (step < 1000) {
    loss = net.train(++step);
    if (auto s = saver->step_end({(step - 1) / kStepsPerEpoch + 1, step, kStepsPerEpoch}); !s) return failed(s.error());
    if (step % kStepsPerEpoch != 0) continue;
    if (auto s = saver->epoch_end(loss); !s) return failed(s.error());
    std::cout << "epoch " << step / kStepsPerEpoch << std::endl;
  }
  if (auto s = saver->end(); !s) return failed(s.error());
  std::cout << "y = " << net.weight[0] << " x + " << net.weight[1] << '\n';
}

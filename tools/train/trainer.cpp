#include "trainer.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <utility>

namespace ckpt::train {
namespace {

template <class T>
std::span<T> as(std::span<std::byte> bytes) {
  return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
}

std::span<const float> floats_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
}

bool is_right(std::span<const float> logits, std::int32_t label) {
  return std::ranges::max_element(logits) - logits.begin() == label;
}

double cross_entropy(std::span<const float> logits, std::int32_t label) {
  const double largest = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float x : logits) sum += std::exp(x - largest);
  return largest + std::log(sum) - logits[static_cast<std::size_t>(label)];
}

}  // namespace

Result<Evaluator> Evaluator::make(const graph::Graph& network, Parameters& parameters, int threads) {
  auto executor = Executor::make(network, parameters, {.threads = threads});
  if (!executor) return std::move(executor).error();
  return Evaluator(std::move(*executor), static_cast<std::size_t>(network.value(network.inputs[0]).type.dims[0].size));
}

Result<Evaluation> Evaluator::run(ImageFeed& feed, const Progress& progress,
                                  const std::function<void(std::span<const float>)>& logits) {
  std::vector<std::uint32_t> which(batch_);
  std::vector<std::int32_t> labels(batch_);
  Evaluation all{.images = feed.size()};
  std::size_t right = 0;
  for (std::size_t first = 0; first < feed.size(); first += batch_) {
    const std::size_t count = std::min(batch_, feed.size() - first);
    std::iota(which.begin(), which.end(), static_cast<std::uint32_t>(first));
    std::fill(which.begin() + static_cast<std::ptrdiff_t>(count), which.end(), 0);  // they do not count
    feed.fill(which, as<float>(executor_.input(0)), labels);
    if (auto status = executor_.run(); !status) return status.error();
    const std::span<const float> out = floats_of(executor_.output(0));
    const std::size_t classes = out.size() / batch_;
    for (std::size_t i = 0; i < count; ++i) {
      const std::span<const float> image = out.subspan(i * classes, classes);
      right += is_right(image, labels[i]);
      all.loss += cross_entropy(image, labels[i]);
      if (logits) logits(image);
    }
    if (progress && !progress(first + count, feed.size())) return Error{.code = Errc::cancelled};
  }
  if (all.images > 0) {
    all.loss /= static_cast<double>(all.images);
    all.accuracy = static_cast<double>(right) / static_cast<double>(all.images);
  }
  return all;
}

Result<Trainer> Trainer::make(const graph::Graph& network, const TrainingOptions& options, int threads) {
  auto graph = make_training_graph(network, options);
  if (!graph) return std::move(graph).error();
  auto parameters = Parameters::of(*graph);
  if (!parameters) return std::move(parameters).error();
  auto kept = std::make_unique<Parameters>(std::move(*parameters));
  auto executor = Executor::make(*graph, *kept, {.threads = threads});
  if (!executor) return std::move(executor).error();
  return Trainer(std::move(*graph), std::move(kept), std::move(*executor));
}

// Of a loss that wants them as rows of zeros with a one.
void Trainer::fill_one_hot(std::span<const std::int32_t> labels) {
  const std::span<float> rows = as<float>(executor_.input(1));
  std::ranges::fill(rows, 0.0F);
  const std::size_t classes = rows.size() / labels.size();
  for (std::size_t i = 0; i < labels.size(); ++i) rows[i * classes + static_cast<std::size_t>(labels[i])] = 1;
}

Result<Trainer::Step> Trainer::step(ImageFeed& feed, std::span<const std::uint32_t> which) {
  const bool sparse = graph_.value(graph_.inputs[1]).type.dtype == DType::int32;
  labels_.resize(which.size());
  const std::span<std::int32_t> labels = sparse ? as<std::int32_t>(executor_.input(1)) : std::span(labels_);
  feed.fill(which, as<float>(executor_.input(0)), labels);
  if (!sparse) fill_one_hot(labels);
  if (auto status = executor_.run(); !status) return status.error();
  const std::span<const float> logits = floats_of(executor_.output(1));
  const std::size_t classes = logits.size() / which.size();
  Step step{.loss = floats_of(executor_.output(0))[0]};
  for (std::size_t i = 0; i < which.size(); ++i)
    step.right += is_right(logits.subspan(i * classes, classes), labels[i]);
  return step;
}

}  // namespace ckpt::train

#include "evaluate.h"

#include <fmt/format.h>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ckpt/output_file.h"
#include "ckpt/text.h"
#include "json.h"
#include "npy.h"
#include "output.h"
#include "render.h"
#include "reporter.h"
#include "trainer.h"

namespace ckpt::train {
namespace {

// Collects what the network says, and writes it as a NumPy file. Nothing that is there is replaced.
class LogitsFile {
 public:
  static Result<LogitsFile> create(const std::string& path) {
    auto file = OutputFile::create(path, {.permissions = cli::default_permissions(), .overwrite = false});
    if (!file) return std::move(file).error();
    return LogitsFile(std::move(*file));
  }
  std::function<void(std::span<const float>)> collector() {
    return [this](std::span<const float> image) {
      classes_ = image.size();
      values_.insert(values_.end(), image.begin(), image.end());
    };
  }
  Status write() {
    const std::int64_t dims[] = {static_cast<std::int64_t>(values_.size() / classes_),
                                 static_cast<std::int64_t>(classes_)};
    const std::string head = containers::npy_header(containers::npy_descr(DType::float32), dims);
    if (auto status = file_.append(std::as_bytes(std::span(head))); !status) return status;
    if (auto status = file_.append(std::as_bytes(std::span(values_))); !status) return status;
    return file_.commit();
  }

 private:
  explicit LogitsFile(OutputFile file) : file_(std::move(file)) {}

  OutputFile file_;
  std::size_t classes_ = 1;
  std::vector<float> values_ = {};
};

}  // namespace

int evaluate(cli::Context& context, const TrainCommand& command, const GivenFile& given, const graph::Graph& network) {
  auto images = load_images(command, Part::test, classes_of(network), seed_of(command, given), true);
  if (!images) return tell(context, images.trouble);
  auto parameters = Parameters::of(network);
  if (!parameters) return context.fail(given.path, parameters.error());
  const Fit fits = fit(parameters->net_params(), *given.file);
  if (!fits.others.empty()) {
    tell_others(context, given.path, fits.others);
    return context.fail(fmt::format("{}: does not fit {}", cli::file_text(given.path), network.name));
  }
  if (const auto loaded = load_param_into_net(fits.fitting, *given.file); !loaded)
    return context.fail(given.path, loaded.error());
  if (const auto bad = parameters->not_finite(); !bad.empty())
    context.note(fmt::format("{}: \"{}\" has NaN or infinite values", cli::file_text(given.path), escape(bad)));
  auto evaluator = Evaluator::make(network, *parameters, command.threads);
  if (!evaluator) return context.fail(given.path, evaluator.error());
  const FeedOptions options = feed_options(command, network);
  ImageFeed feed(std::move(**images), options);
  std::optional<LogitsFile> logits;
  if (!command.logits.empty()) {
    auto file = LogitsFile::create(command.logits);
    if (!file) return context.fail(command.logits, file.error());
    logits.emplace(std::move(*file));
  }
  const auto result = evaluator->run(feed, context.counting(given.path), logits ? logits->collector() : nullptr);
  if (!result) return context.fail(given.path, result.error());
  if (logits)
    if (auto status = logits->write(); !status) return context.fail(command.logits, status.error());
  if (command.json) {
    cli::Json json;
    json["schema"] = "ckpt.eval/1";
    cli::set_text(json, "file", given.path);
    json["network"] = network.name;
    json["accuracy"] = cli::number(result->accuracy);
    json["loss"] = cli::number(result->loss);
    json["images"] = result->images;
    json["dims"] = {options.channels, options.height, options.width};
    context.write(cli::line_of(json));
  } else {
    context.write(cli::file_text(given.path) + ": " + text_of(*result, options) + '\n');
  }
  return cli::kDone;
}

}  // namespace ckpt::train

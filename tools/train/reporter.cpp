#include "reporter.h"

#include <fmt/format.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "ckpt/text.h"
#include "render.h"
#include "words.h"

namespace ckpt::train {
namespace {

std::string rate_text(double images_per_second) {
  if (images_per_second < 10) return fmt::format("{:.1f} images/s", images_per_second);
  return cli::grouped(static_cast<std::uint64_t>(images_per_second)) + " images/s";
}

std::string time_text(double seconds) {
  const auto all = static_cast<std::uint64_t>(std::min(seconds, 1e9));
  if (all < 100) return fmt::format("{} s", all);
  if (all < 6000) return fmt::format("{} min", (all + 30) / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

}  // namespace

Reporter::Reporter(cli::Context& context, const Plan& plan, std::optional<MetricsFile> metrics)
    : context_(context),
      plan_(plan),
      metrics_(std::move(metrics)),
      step_(plan.first_step),
      last_(plan.clock()),
      shown_(last_ + std::chrono::milliseconds(900)) {}  // not in the first second

double Reporter::accuracy(const Sum& sum) const {
  return static_cast<double>(sum.right) / static_cast<double>(sum.steps * plan_.batch);
}

double Reporter::rate(const Sum& sum) const {
  return sum.seconds > 0 ? static_cast<double>(sum.steps * plan_.batch) / sum.seconds : 0;
}

void Reporter::count_time() {
  const auto now = plan_.clock();
  const double seconds = std::chrono::duration<double>(now - std::exchange(last_, now)).count();
  for (Sum* sum : {&line_, &epoch_, &shown_sum_}) sum->seconds += seconds;
}

void Reporter::step(std::uint64_t step, const Trainer::Step& result, double learning_rate) {
  count_time();
  step_ = step;
  learning_rate_ = learning_rate;
  for (Sum* sum : {&line_, &epoch_, &shown_sum_}) {
    ++sum->steps;
    sum->loss += result.loss;
    sum->right += result.right;
  }
  if (step % plan_.log_steps == 0 || step % plan_.steps_per_epoch == 0) write_metrics();
  show_step();
}

void Reporter::write_metrics() {
  const Sum sum = std::exchange(line_, Sum());
  if (!metrics_) return;
  wrote(metrics_->add({.step = step_,
                       .epoch = epoch(),
                       .loss = loss(sum),
                       .accuracy = accuracy(sum),
                       .learning_rate = static_cast<float>(learning_rate_),
                       .images_per_second = rate(sum)}));
}

void Reporter::wrote(const Status& status) {
  if (status) return;
  clear();
  context_.note("the metrics file is given up: " + to_string(status.error()));
  metrics_.reset();
}

Progress Reporter::validating() {
  return [this](std::uint64_t done, std::uint64_t total) {
    if (is_due())
      say(fmt::format("epoch {}/{}: validation, {:.0f} %", epoch(), plan_.epochs,
                      100 * static_cast<double>(done) / static_cast<double>(total)));
    return !cli::interrupted();
  };
}

void Reporter::epoch_end(const std::optional<Evaluation>& validation) {
  if (metrics_ && validation) wrote(metrics_->add_validation(step_, validation->loss, validation->accuracy));
  clear();
  std::string text;
  if (epoch_.steps > 0)  // and not what was missed when another process trained it
    text = fmt::format("loss {:.4f}, accuracy {:.4f}, {}", loss(epoch_), accuracy(epoch_), rate_text(rate(epoch_)));
  if (validation)
    text += fmt::format("{}validation loss {:.4f}, accuracy {:.4f}", text.empty() ? "" : "; ", validation->loss,
                        validation->accuracy);
  context_.write(fmt::format("epoch {} of {}: {}\n", epoch(), plan_.epochs, text));
  context_.flush();
  epoch_ = {};
  last_ = plan_.clock();
}

void Reporter::saved(const Status& status) {
  count_time();
  if (status) return;
  const std::string text = to_string(status.error());
  if (!told_.insert(text).second) return;
  clear();
  context_.note("a checkpoint could not be saved: " + text);
}

// Ten times a second on a terminal; elsewhere a line a minute, for epochs that take long.
bool Reporter::is_due() {
  const auto now = plan_.clock();
  const auto pause = context_.err_is_terminal() ? std::chrono::milliseconds(100) : std::chrono::milliseconds(60'000);
  if (now - shown_ < pause) return false;
  shown_ = now;
  return true;
}

void Reporter::show_step() {
  if (!is_due()) return;
  if (shown_sum_.seconds >= 0.5 || shown_numbers_.empty()) {
    const double left = static_cast<double>(plan_.epochs * plan_.steps_per_epoch - step_);
    const double per_second = rate(shown_sum_);
    shown_numbers_ =
        fmt::format("loss {:.3f}, accuracy {:.3f}, {}", loss(shown_sum_), accuracy(shown_sum_), rate_text(per_second));
    if (per_second > 0)
      shown_numbers_ += fmt::format(", {} left", time_text(left * static_cast<double>(plan_.batch) / per_second));
    shown_sum_ = {};
  }
  say(fmt::format("epoch {}/{} {} {}", epoch(), plan_.epochs, bar(), shown_numbers_));
}

// How far the epoch is; in a log, which nobody watches, in words.
std::string Reporter::bar() const {
  constexpr std::size_t kCells = 10;
  const std::uint64_t in_epoch = (step_ - 1) % plan_.steps_per_epoch + 1;
  const double part = static_cast<double>(in_epoch) / static_cast<double>(plan_.steps_per_epoch);
  if (!context_.err_is_terminal()) return fmt::format("{:.0f} %:", 100 * part);
  return fmt::format("[{:<{}}]", std::string(static_cast<std::size_t>(part * kCells), '='), kCells);
}

// On a terminal no wider than that: a line that is wrapped could not be erased.
void Reporter::say(const std::string& text) {
  if (!context_.err_is_terminal()) return context_.note(text);
  visible_ = true;
  winsize size{};
  const std::size_t width = ::ioctl(fileno(plan_.err), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
  std::fputs(fmt::format("\r{}\x1b[K", text.substr(0, width - 1)).c_str(), plan_.err);
  std::fflush(plan_.err);
}

void Reporter::clear() {
  if (!std::exchange(visible_, false)) return;
  std::fputs("\r\x1b[K", plan_.err);
  std::fflush(plan_.err);
}

}  // namespace ckpt::train

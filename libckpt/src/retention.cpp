#include "ckpt/retention.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

namespace ckpt {
namespace {

using Time = std::chrono::system_clock::time_point;
using Files = std::span<const CheckpointFile>;
using Decisions = std::vector<KeepDecision>;

std::string text_of(double value) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

// Times may be as far apart as no Time::duration goes.
double seconds(Time time) { return std::chrono::duration<double>(time.time_since_epoch()).count(); }

std::string counted(std::string_view what, std::uint64_t count) {
  return count == 1 ? "the " + std::string(what) : "one of the " + std::string(what) + ' ' + std::to_string(count);
}

bool counts(const CheckpointFile& file) { return file.state == FileState::whole; }

std::string why_not_counted(FileState state) {
  return state == FileState::damaged ? "damaged: it does not count, and something may be saved of it"
                                     : "cannot be read: it does not count, and may be whole";
}

void keep(Decisions& decisions, std::size_t i, std::string why) {
  KeepDecision& decision = decisions[i];
  if (decision.keep) {
    decision.why += ", " + why;
  } else {
    decision = {true, std::move(why)};
  }
}

void keep_newest(Files files, const KeepPolicy& policy, Decisions& decisions) {
  std::uint64_t kept = 0;
  for (std::size_t i = files.size(); i-- > 0;) {
    if (!counts(files[i])) continue;
    if (kept >= std::max<std::uint64_t>(policy.keep_checkpoint_max, 1)) return;
    keep(decisions, i, counted("newest", std::max<std::uint64_t>(policy.keep_checkpoint_max, 1)));
    ++kept;
  }
}

// From the first one on, so that what was kept once stays. A clock that was set back makes a distance, too.
void keep_per_minutes(Files files, const KeepPolicy& policy, Decisions& decisions) {
  if (policy.keep_checkpoint_per_n_minutes == 0) return;
  const double least = 60.0 * static_cast<double>(policy.keep_checkpoint_per_n_minutes);
  std::optional<Time> last;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!counts(files[i])) continue;
    if (last && std::abs(seconds(files[i].time) - seconds(*last)) < least) continue;
    last = files[i].time;
    keep(decisions, i, "one every " + std::to_string(policy.keep_checkpoint_per_n_minutes) + " minutes");
  }
}

void keep_best(Files files, const KeepPolicy& policy, Decisions& decisions) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < files.size(); ++i)
    if (files[i].metric && !std::isnan(*files[i].metric) && counts(files[i])) order.push_back(i);
  const auto better = [&](std::size_t a, std::size_t b) {
    const double x = *files[a].metric;
    const double y = *files[b].metric;
    return policy.metric_mode == MetricMode::max ? x > y : x < y;
  };
  std::stable_sort(order.begin(), order.end(), better);
  order.resize(static_cast<std::size_t>(std::min<std::uint64_t>(order.size(), policy.keep_best)));
  for (const std::size_t i : order)
    keep(decisions, i, counted("best", policy.keep_best) + " (" + text_of(*files[i].metric) + ")");
}

void keep_every_steps(Files files, const KeepPolicy& policy, Decisions& decisions) {
  if (policy.keep_every_steps == 0) return;
  std::vector<std::uint64_t> seen;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!files[i].total_steps || !counts(files[i])) continue;
    const std::uint64_t multiple = *files[i].total_steps / policy.keep_every_steps;
    const auto at = std::lower_bound(seen.begin(), seen.end(), multiple);
    if (multiple == 0 || (at != seen.end() && *at == multiple)) continue;
    seen.insert(at, multiple);  // at the end, but for a run that went back
    keep(decisions, i, "the first from step " + std::to_string(multiple * policy.keep_every_steps) + " on");
  }
}

// What CheckpointManager of MindSpore 2.10 does before it saves.
Decisions decide_as_mindspore(Files files, const KeepPolicy& policy, Time now) {
  Decisions decisions(files.size(), {true, "MindSpore deletes nothing else before its next save"});
  const auto by_time = [](const CheckpointFile& a, const CheckpointFile& b) { return a.time < b.time; };
  const std::uint64_t max = policy.keep_checkpoint_max;
  if (max > 0 && max <= files.size()) {
    const auto oldest = static_cast<std::size_t>(std::min_element(files.begin(), files.end(), by_time) - files.begin());
    decisions[oldest] = {
        false, "the oldest of " + std::to_string(files.size()) + ", and " + std::to_string(max) + " are kept"};
    return decisions;
  }
  const double window = 60.0 * static_cast<double>(policy.keep_checkpoint_per_n_minutes);
  const auto is_in_window = [&](Time time) { return seconds(now) - seconds(time) < window; };
  if (max > 0 || policy.keep_checkpoint_per_n_minutes == 0 || !is_in_window(policy.last_save)) return decisions;
  Time oldest_time = now;
  std::size_t oldest = files.size();
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!is_in_window(files[i].time)) continue;
    decisions[i] = {false, "of the last " + std::to_string(policy.keep_checkpoint_per_n_minutes) +
                               " minutes, and not the oldest of them"};
    if (files[i].time < oldest_time) {
      oldest_time = files[i].time;
      oldest = i;
    }
  }
  if (oldest < files.size())
    decisions[oldest] = {true,
                         "the oldest of the last " + std::to_string(policy.keep_checkpoint_per_n_minutes) + " minutes"};
  return decisions;
}

Decisions decide(Files files, const KeepPolicy& policy) {
  Decisions decisions(files.size(), {false, "no rule keeps it"});
  if (policy.keep_checkpoint_max == 0 && policy.keep_checkpoint_per_n_minutes == 0 && policy.keep_best == 0 &&
      policy.keep_every_steps == 0)
    return Decisions(files.size(), {true, "there is no rule"});
  keep_newest(files, policy, decisions);
  keep_best(files, policy, decisions);
  keep_every_steps(files, policy, decisions);
  keep_per_minutes(files, policy, decisions);
  return decisions;
}

}  // namespace

std::vector<KeepDecision> decide_retention(Files files, const KeepPolicy& policy, Time now) {
  Decisions decisions = policy.strict_mindspore ? decide_as_mindspore(files, policy, now) : decide(files, policy);
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files[i].pinned) decisions[i] = {true, "pinned"};
    if (!counts(files[i])) decisions[i] = {true, why_not_counted(files[i].state)};
  }
  return decisions;
}

}  // namespace ckpt

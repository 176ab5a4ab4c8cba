#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "ckpt/history.h"
#include "ckpt/text.h"
#include "commands.h"
#include "facts.h"
#include "input.h"
#include "json.h"
#include "render.h"
#include "run_metrics.h"
#include "select.h"
#include "usage.h"

namespace ckpt::cli {
namespace {

constexpr std::size_t kSparkColumns = 24;

// The files of one prefix.
struct Series {
  std::vector<RunFile> files = {};
  std::vector<std::optional<std::uint64_t>> steps = {};  // of training, one a file: where that tells
  History history = {};
  std::string metrics_file = {};  // empty: there is none
  RunMetrics metrics = {};

  const std::string& prefix() const { return files.front().prefix; }
};

std::string number_text(double value) { return std::isnan(value) ? "NaN" : fmt::format("{:.4g}", value); }

std::string stamp_of(const RunFile& file) {
  return fmt::format("epoch {} step {}{}", file.epoch, file.step, file.breakpoint ? " (breakpoint)" : "");
}

// Of training: by what the file says, or by its name.
std::optional<std::uint64_t> step_of(const Series& series, std::size_t file) {
  const RunFile& named = series.files[file];
  return series.steps[file] ? series.steps[file] : step_by_name(named.epoch, named.step, series.metrics);
}

// The line that says how the training stood when a file was saved; null where none does.
const MetricsRow* metrics_of(const Series& series, std::size_t file) {
  const auto step = step_of(series, file);
  return step ? series.metrics.at(*step) : nullptr;
}

// ---- sparklines ----

// A line of one character a value, from the lowest to the highest; of more values than columns the last of each column.
std::string spark_of(std::vector<std::optional<double>> values, std::size_t columns) {
  constexpr std::array kHeights = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  if (values.size() > columns) {
    std::vector<std::optional<double>> fewer;
    for (std::size_t i = 1; i <= columns; ++i) fewer.push_back(values[i * values.size() / columns - 1]);
    values = std::move(fewer);
  }
  double low = HUGE_VAL;
  double high = -HUGE_VAL;
  for (const auto& value : values) {
    if (!value || !std::isfinite(*value)) continue;
    low = std::min(low, *value);
    high = std::max(high, *value);
  }
  std::string text;
  for (const auto& value : values) {
    if (!value) {
      text += ' ';
    } else if (!std::isfinite(*value)) {
      text += *value > 0 ? "!" : "▁";
    } else {
      const double share = high > low ? (*value - low) / (high - low) : 0.5;
      text += kHeights[static_cast<std::size_t>(std::lround(share * 7))];
    }
  }
  return text;
}

std::string norms_of(const TensorHistory& tensor) {
  std::vector<std::optional<double>> values;
  for (const auto& point : tensor.points) values.push_back(point ? std::optional(point->norm) : std::nullopt);
  return spark_of(std::move(values), kSparkColumns);
}

// They differ by magnitudes: their logarithms.
std::string updates_of(const TensorHistory& tensor) {
  std::vector<std::optional<double>> values;
  for (const auto& point : tensor.points)
    values.push_back(point && point->update ? std::optional(std::log(*point->update)) : std::nullopt);
  return spark_of(std::move(values), kSparkColumns);
}

// ---- text ----

std::vector<std::string> states_of(const TensorHistory& tensor) {
  std::vector<std::string> states;
  if (tensor.condition.exploding) states.emplace_back("exploding");
  if (tensor.condition.dead) states.emplace_back("dead");
  if (tensor.condition.frozen) states.emplace_back("frozen");
  return states;
}

const HistoryPoint* first_of(const TensorHistory& tensor) {
  for (const auto& point : tensor.points)
    if (point) return &*point;
  return nullptr;
}

const HistoryPoint* last_of(const TensorHistory& tensor) {
  for (auto point = tensor.points.rbegin(); point != tensor.points.rend(); ++point)
    if (*point) return &**point;
  return nullptr;
}

std::string state_text(const TensorHistory& tensor, bool color) {
  std::string text;
  for (const std::string& state : states_of(tensor))
    text += (text.empty() ? "" : ", ") + styled(state, state == "exploding" ? Style::red : Style::yellow, color);
  const HistoryPoint& last = *last_of(tensor);
  if (last.non_finite > 0) text += fmt::format(" ({} NaN or infinite)", grouped(last.non_finite));
  if (!tensor.points.back()) text += styled("gone", Style::dim, color);
  return text;
}

Table table_of(const Series& series, bool norms, bool updates, bool color) {
  constexpr auto kRight = Table::Align::right;
  std::vector<Table::Column> heads = {{"NAME"}, {"FIRST", kRight}, {"LAST", kRight}};
  if (norms) heads.push_back({"NORM", Table::Align::left, Style::green});
  heads.push_back({"UPDATE", kRight});
  if (updates) heads.push_back({"UPDATES", Table::Align::left, Style::cyan});
  heads.push_back({"STATE"});
  Table table(std::move(heads));
  for (const TensorHistory& tensor : series.history.tensors) {
    const HistoryPoint& last = *last_of(tensor);
    std::vector<std::string> row = {name_text(tensor.name), number_text(first_of(tensor)->norm),
                                    number_text(last.norm)};
    if (norms) row.push_back(norms_of(tensor));
    row.push_back(last.update ? number_text(*last.update) : "-");
    if (updates) row.push_back(updates_of(tensor));
    row.push_back(state_text(tensor, color));
    table.add(std::move(row));
  }
  return table;
}

// Lines are for terminals, where there is room for them.
std::string table_text(const Series& series, const Context& context) {
  if (context.out_is_terminal())
    for (const bool norms : {true, false}) {
      const Table table = table_of(series, norms, true, context.color());
      if (table.width() <= context.width()) return table.text(context.color());
    }
  return table_of(series, false, false, context.color()).text(context.color());
}

std::string summary_of(const Series& series) {
  std::array<std::uint64_t, 3> counts = {};
  for (const TensorHistory& tensor : series.history.tensors) {
    counts[0] += tensor.condition.exploding;
    counts[1] += tensor.condition.dead;
    counts[2] += tensor.condition.frozen;
  }
  std::string text = counted(series.history.tensors.size(), "tensor");
  const std::array kWords = {"exploding", "dead", "frozen"};
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] > 0) text += fmt::format(", {} {}", grouped(counts[i]), kWords[i]);
  return text;
}

// The checkpoints with what was measured. How fast it went says nothing of them.
std::string metrics_text(const Series& series, bool color) {
  if (series.metrics_file.empty()) return {};
  constexpr auto kRight = Table::Align::right;
  std::vector<std::size_t> columns;
  for (std::size_t column = 0; column < series.metrics.columns.size(); ++column) {
    bool any = false;
    for (std::size_t i = 0; i < series.files.size(); ++i) {
      const MetricsRow* row = metrics_of(series, i);
      any |= row != nullptr && row->value(column);
    }
    if (any && series.metrics.columns[column] != "images_per_second") columns.push_back(column);
  }
  std::vector<Table::Column> heads = {{"CHECKPOINT"}, {"STEP", kRight}, {"MEASURED", kRight}};
  for (const std::size_t column : columns) {
    std::string head = escape(series.metrics.columns[column]);
    std::ranges::transform(head, head.begin(), [](char c) { return c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c; });
    heads.push_back({std::move(head), kRight});
  }
  Table table(std::move(heads));
  for (std::size_t i = 0; i < series.files.size(); ++i) {
    const auto step = step_of(series, i);
    const MetricsRow* row = metrics_of(series, i);
    std::vector<std::string> cells = {escape(series.files[i].path.filename().string()), step ? grouped(*step) : "-",
                                      row != nullptr ? grouped(row->step) : "-"};
    for (const std::size_t column : columns) {
      const auto value = row != nullptr ? row->value(column) : std::nullopt;
      cells.push_back(value ? number_text(*value) : "-");
    }
    table.add(std::move(cells));
  }
  return table.text(color) + "\n";
}

std::string text_of(const Series& series, const Context& context) {
  const auto& files = series.files;
  std::string head =
      fmt::format("{}: {}, {}", escape(series.prefix()), counted(files.size(), "file"), stamp_of(files.front()));
  if (files.size() > 1) head += " to " + stamp_of(files.back());
  return styled(head, Style::bold, context.color()) + "\n" + metrics_text(series, context.color()) +
         table_text(series, context) + styled(summary_of(series), Style::dim, context.color()) + "\n";
}

// ---- JSON, CSV ----

// Names are as they are: what is no UTF-8 in them is U+FFFD.
Json json_of(const RunMetrics& metrics, const MetricsRow* row) {
  if (row == nullptr) return nullptr;
  Json json;
  json["step"] = row->step;
  json["epoch"] = row->epoch ? Json(*row->epoch) : Json();
  json["values"] = Json::object();
  for (std::size_t column = 0; column < metrics.columns.size(); ++column)
    if (const auto value = row->value(column)) json["values"][metrics.columns[column]] = number(*value);
  return json;
}

Json json_of_metrics(const Series& series) {
  if (series.metrics_file.empty()) return nullptr;
  Json json;
  set_text(json, "file", series.metrics_file);
  json["lines"] = series.metrics.lines;
  json["damaged"] = series.metrics.damaged;
  return json;
}

Json json_of(const Series& series) {
  Json json;
  json["schema"] = "ckpt.history/1";
  set_text(json, "prefix", series.prefix());
  json["metrics"] = json_of_metrics(series);
  json["files"] = Json::array();
  for (std::size_t i = 0; i < series.files.size(); ++i) {
    const RunFile& file = series.files[i];
    const auto step = step_of(series, i);
    Json row;
    set_text(row, "file", file.path.string());
    row["epoch"] = file.epoch;
    row["step"] = file.step;
    row["breakpoint"] = file.breakpoint;
    row["global_step"] = step ? Json(*step) : Json();
    row["measured"] = json_of(series.metrics, metrics_of(series, i));
    json["files"].push_back(std::move(row));
  }
  json["tensors"] = Json::array();
  for (const TensorHistory& tensor : series.history.tensors) {
    Json row;
    set_text(row, "name", tensor.name);
    row["group"] = std::string(name(tensor.group));
    row["elements"] = tensor.elements;
    row["state"] = states_of(tensor);
    row["points"] = Json::array();
    for (const auto& point : tensor.points) {
      if (!point) {
        row["points"].push_back(nullptr);
        continue;
      }
      row["points"].push_back({{"norm", number(point->norm)},
                               {"mean", number(point->mean)},
                               {"std", number(point->std)},
                               {"zeros", point->zeros},
                               {"non_finite", point->non_finite},
                               {"update", point->update ? number(*point->update) : Json()}});
    }
    json["tensors"].push_back(std::move(row));
  }
  return json;
}

std::string csv_of(const Series& series) {
  std::string text;
  const auto value = [](double x) { return std::isnan(x) ? std::string() : fmt::format("{}", x); };
  for (const TensorHistory& tensor : series.history.tensors) {
    for (std::size_t i = 0; i < series.files.size(); ++i) {
      if (!tensor.points[i]) continue;
      const HistoryPoint& point = *tensor.points[i];
      const RunFile& file = series.files[i];
      text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{}\n", csv_cell(file.path.string()), file.epoch, file.step,
                          csv_cell(tensor.name), name(tensor.group), value(point.norm), value(point.mean),
                          value(point.std), point.zeros, point.non_finite,
                          point.update ? value(*point.update) : std::string(), fmt::join(states_of(tensor), " "));
    }
  }
  return text;
}

// ---- the files ----

// A run has one prefix; a folder may have several.
Result<std::vector<Series>> series_in(const HistoryCommand& options, std::vector<std::string>& prefixes) {
  auto files = find_run_files(options.folder);
  if (!files) return std::move(files).error();
  std::vector<Series> all;
  for (RunFile& file : *files) {
    if (prefixes.empty() || prefixes.back() != file.prefix) prefixes.push_back(file.prefix);
    if (options.prefix && file.prefix != *options.prefix) continue;
    if (all.empty() || all.back().prefix() != file.prefix) all.emplace_back();
    all.back().files.push_back(std::move(file));
  }
  if (all.empty()) return usage("has no PREFIX-EPOCH_STEP.ckpt in it");
  return all;
}

std::string metrics_note(const Series& series) {
  const RunMetrics& metrics = series.metrics;
  std::string text;
  if (metrics.damaged > 0)
    text = fmt::format("{}: {} left out, the first is line {}: it {}", file_text(series.metrics_file),
                       metrics.damaged == 1 ? "a line is" : grouped(metrics.damaged) + " lines are",
                       grouped(metrics.first_damaged), escape(metrics.why));
  else if (metrics.half_line)
    text = fmt::format("{}: its last line is not whole, and is left out", file_text(series.metrics_file));
  return text;
}

// The file that is named, or that lies beside the checkpoints.
Status read_metrics(Context& context, const HistoryCommand& options, const std::vector<std::string>& prefixes,
                    Series& series, std::string& at) {
  at = options.metrics;
  if (at.empty()) {
    const FoundMetrics found = find_metrics(options.folder, series.prefix(), prefixes);
    if (found.several)
      context.note(fmt::format("{}: which metrics file is of \"{}\" is not clear; --prefix and --metrics say it",
                               file_text(options.folder), escape(series.prefix())));
    at = found.path.string();
    if (at.empty()) return {};
  }
  MetricsReader reader;
  if (auto status = reader.read(at, context.progress(at)); !status) return status;
  series.metrics_file = at;
  series.metrics = reader.metrics();
  if (const std::string note = metrics_note(series); !note.empty()) context.note(note);
  return {};
}

HistoryOptions history_options(Context& context, const HistoryCommand& options, const Selection& selection) {
  HistoryOptions how;
  how.thresholds.window = static_cast<std::size_t>(options.window);
  how.thresholds.frozen = options.frozen;
  how.thresholds.exploding = options.exploding;
  how.thresholds.dead_rms = options.dead;
  how.select = [&](std::string_view entry, Group group) {
    return (options.group == "all" || options.group == name(group)) && selection.matches(entry);
  };
  how.progress = [progress = context.progress(options.folder)](std::uint64_t, std::uint64_t) {
    return progress ? progress(0, 0) : true;
  };
  return how;
}

}  // namespace

int run(Context& context, const HistoryCommand& options) {
  auto selection = Selection::create(options.select);
  if (!selection) return context.fail(selection.error().message);
  std::vector<std::string> prefixes;  // of the folder, whichever are wanted
  auto all = series_in(options, prefixes);
  if (!all) return context.fail(options.folder, all.error());
  if (!options.metrics.empty() && all->size() > 1)
    return context.fail("--metrics is of one run, and there are several", "--prefix says which");
  const HistoryOptions how = history_options(context, options, *selection);
  if (options.csv) context.write("file,epoch,step,name,group,norm,mean,std,zeros,non_finite,update,state\n");
  for (Series& series : *all) {
    std::string at;  // the file an error is about
    if (auto status = read_metrics(context, options, prefixes, series, at); !status)
      return context.fail(at, status.error());
    series.steps.resize(series.files.size());
    const auto open = [&](std::size_t i) -> Result<Checkpoint> {
      at = series.files[i].path.string();
      auto opened = open_options(context, at, options.key);
      if (!opened) return std::move(opened).error();
      auto file = Checkpoint::open(at, *opened);
      // A save that was cut off before its first byte: of this everything would seem to be gone.
      if (file && file->tensors().empty()) return Error{.code = Errc::truncated, .message = "has no entries"};
      if (file) series.steps[i] = step_in(*file);
      return file;
    };
    auto history = ckpt::history(series.files.size(), open, how);
    if (!history) return context.fail(at, history.error(), hint_for(history.error(), options.key));
    series.history = std::move(*history);
    if (options.json)
      context.write(line_of(json_of(series)));
    else if (options.csv)
      context.write(csv_of(series));
    else
      context.write((&series == all->data() ? "" : "\n") + text_of(series, context));
  }
  if (const std::string unused = selection->unused(); !unused.empty())
    return context.fail(fmt::format("{}: nothing matches '{}'", file_text(options.folder), escape(unused)));
  return kDone;
}

}  // namespace ckpt::cli

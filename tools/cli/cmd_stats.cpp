#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "ckpt/group.h"
#include "ckpt/statistics.h"
#include "ckpt/text.h"
#include "commands.h"
#include "facts.h"
#include "input.h"
#include "json.h"
#include "render.h"
#include "select.h"
#include "usage.h"

namespace ckpt::cli {
namespace {

constexpr std::size_t kSparkBins = 16;
constexpr unsigned kChartBins = 20;
constexpr std::array kEighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};

// An entry, or a part of a map.
struct Row {
  const TensorInfo* tensor = nullptr;
  const TensorInfo* map = nullptr;
  Group group = Group::weights;
  std::optional<Statistics> statistics = {};

  std::string name() const { return map != nullptr ? map->name + "." + tensor->name : tensor->name; }
};

std::vector<Row> rows_of(std::span<const TensorInfo> tensors) {
  const auto groups = classify(tensors);
  std::vector<Row> rows;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].kind != Kind::map) rows.push_back({.tensor = &tensors[i], .group = groups[i]});
    for (const TensorInfo& part : tensors[i].parts)
      rows.push_back({.tensor = &part, .map = &tensors[i], .group = groups[i]});
  }
  return rows;
}

Result<std::vector<double>> fractions_from(const std::string& list) {
  std::vector<double> fractions;
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    double value = 0;
    const auto [rest, error] = std::from_chars(list.data() + at, list.data() + end, value);
    if (error != std::errc() || rest != list.data() + end || !(value >= 0 && value <= 1))
      return usage("--quantiles: '" + escape(list.substr(at, end - at)) + "' is not a number from 0 to 1");
    fractions.push_back(value);
    at = end + 1;
  }
  return fractions;
}

// ---- numbers and pictures ----

bool is_whole(DType dtype) { return dtype >= DType::boolean && dtype <= DType::uint64; }

std::string number_text(double value, int digits = 4, DType dtype = DType::float64) {
  if (std::isnan(value)) return "-";
  if (is_whole(dtype) && std::fabs(value) < 1e15 && value == std::floor(value)) return fmt::format("{:.0f}", value);
  return fmt::format("{:.{}g}", value, digits);
}

std::string count_text(std::uint64_t count) { return count == 0 ? "-" : grouped(count); }

// A histogram in so many columns, each as high as its share of the largest.
std::string spark_of(const std::optional<Histogram>& histogram, std::size_t columns) {
  constexpr std::array kHeights = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  if (!histogram) return {};
  const std::size_t bins_a_column = histogram->counts.size() / columns;
  std::vector<std::uint64_t> counts(columns);
  for (std::size_t i = 0; i < histogram->counts.size(); ++i) counts[i / bins_a_column] += histogram->counts[i];
  const auto most = static_cast<double>(*std::max_element(counts.begin(), counts.end()));
  std::string text;
  for (const std::uint64_t count : counts)
    text += kHeights[static_cast<std::size_t>(std::ceil(8 * static_cast<double>(count) / most))];
  return text;
}

std::string bar_of(std::uint64_t count, std::uint64_t most, std::size_t columns) {
  const double exact = static_cast<double>(count) / static_cast<double>(most) * static_cast<double>(columns);
  const auto eighths = std::max<std::size_t>(count > 0 ? 1 : 0, static_cast<std::size_t>(std::lround(exact * 8)));
  std::string bar;
  for (std::size_t i = 0; i < eighths / 8; ++i) bar += "█";
  return bar + kEighths[eighths % 8];
}

// ---- the table ----

// What a table shows, which depends on the room there is.
struct Columns {
  std::size_t spark = 0;  // characters for a small histogram
  int digits = 4;
  bool type = true;
  bool denormals = true;
  bool zeros = true;
  bool nan = true;
  bool inf = true;
};

// From the richest to the narrowest.
constexpr std::array kForTerminals = {Columns{.spark = kSparkBins}, Columns{.spark = kSparkBins / 2}, Columns{},
                                      Columns{.digits = 3}, Columns{.digits = 3, .type = false, .denormals = false}};

// What is nowhere needs no column.
Columns used(Columns columns, const std::vector<Row>& rows) {
  const auto anywhere = [&](auto count) {
    return std::any_of(rows.begin(), rows.end(),
                       [&](const Row& row) { return row.statistics && count(*row.statistics) > 0; });
  };
  columns.zeros &= anywhere([](const Statistics& s) { return s.zeros; });
  columns.denormals &= anywhere([](const Statistics& s) { return s.denormals; });
  columns.nan &= anywhere([](const Statistics& s) { return s.nan; });
  columns.inf &= anywhere([](const Statistics& s) { return s.positive_inf + s.negative_inf; });
  return columns;
}

std::vector<Table::Column> heads_of(const Columns& columns, const std::vector<double>& fractions) {
  constexpr auto kRight = Table::Align::right;
  std::vector<Table::Column> heads = {{"NAME"}};
  if (columns.type) heads.push_back({"TYPE", Table::Align::left, Style::cyan});
  for (const char* head : {"COUNT", "MIN", "MAX", "MEAN", "STD", "L2"}) heads.push_back({head, kRight});
  for (const double fraction : fractions) heads.push_back({fmt::format("Q{:g}", fraction), kRight});
  if (columns.zeros) heads.push_back({"ZEROS", kRight});
  if (columns.denormals) heads.push_back({"DENORMAL", kRight});
  if (columns.nan) heads.push_back({"NAN", kRight, Style::red});
  if (columns.inf) heads.push_back({"INF", kRight, Style::red});
  if (columns.spark > 0) heads.push_back({"VALUES", Table::Align::left, Style::green});
  return heads;
}

std::vector<std::string> cells_of(const std::string& name, const std::string& type, const Statistics& s, DType dtype,
                                  const Columns& columns, const std::vector<double>& fractions) {
  std::vector<std::string> cells = {name};
  if (columns.type) cells.push_back(type);
  cells.push_back(grouped(s.count));
  for (const double value : {s.min, s.max}) cells.push_back(number_text(value, columns.digits, dtype));
  for (const double value : {s.mean, s.std, s.l2}) cells.push_back(number_text(value, columns.digits));
  for (std::size_t i = 0; i < fractions.size(); ++i) {
    const bool known = i < s.quantiles.size();
    cells.push_back(known ? (s.quantiles[i].exact ? "" : "~") + number_text(s.quantiles[i].value, columns.digits) : "");
  }
  if (columns.zeros) cells.push_back(count_text(s.zeros));
  if (columns.denormals) cells.push_back(count_text(s.denormals));
  if (columns.nan) cells.push_back(count_text(s.nan));
  if (columns.inf) cells.push_back(count_text(s.positive_inf + s.negative_inf));
  if (columns.spark > 0) cells.push_back(spark_of(s.histogram, columns.spark));
  return cells;
}

// Of each group, and of all.
std::vector<std::pair<std::string, Statistics>> sums_of(const std::vector<Row>& rows) {
  std::array<std::optional<Statistics>, 3> groups;
  std::array<std::size_t, 3> counts = {};
  std::optional<Statistics> all;
  const auto add = [](std::optional<Statistics>& to, const Statistics& more) {
    to = to ? merged(*to, more) : merged(more, {});
  };
  for (const Row& row : rows) {
    if (!row.statistics) continue;
    const auto group = static_cast<std::size_t>(row.group);
    add(groups[group], *row.statistics);
    add(all, *row.statistics);
    ++counts[group];
  }
  std::vector<std::pair<std::string, Statistics>> sums;
  for (const Group group : {Group::weights, Group::optimizer, Group::other})
    if (const auto& sum = groups[static_cast<std::size_t>(group)]) sums.emplace_back(name(group), *sum);
  if (all) sums.emplace_back("all", *all);
  return sums;
}

Table table_of(const std::vector<Row>& rows, const std::vector<double>& fractions, bool total, Columns columns) {
  columns = used(columns, rows);
  Table table(heads_of(columns, fractions));
  for (const Row& row : rows)
    if (row.statistics)
      table.add(cells_of(name_text(row.name()), type_text(*row.tensor), *row.statistics, row.tensor->dtype, columns,
                         fractions));
  if (!total) return table;
  auto sums = sums_of(rows);
  if (sums.size() == 2) sums.erase(sums.begin());  // one group is all
  for (const auto& [name, sum] : sums) table.add(cells_of("= " + name, "", sum, DType::float64, columns, fractions));
  return table;
}

// On a terminal as much as there is room for.
std::string table_text(const std::vector<Row>& rows, const std::vector<double>& fractions, bool total,
                       const Context& context) {
  if (!context.out_is_terminal()) return table_of(rows, fractions, total, {}).text(context.color());
  for (const Columns& columns : kForTerminals) {
    const Table table = table_of(rows, fractions, total, columns);
    if (table.width() <= context.width() || &columns == &kForTerminals.back()) return table.text(context.color());
  }
  return {};
}

// ---- one tensor at large ----

std::string place_text(std::uint64_t index, std::span<const std::int64_t> dims) {
  return index == kNoIndex || dims.empty() ? "" : " at " + index_text(index, dims);
}

std::string chart_of(const Row& row, std::size_t width, bool color) {
  const Statistics& s = *row.statistics;
  const TensorInfo& tensor = *row.tensor;
  std::string text = fmt::format("{}  {} {}\n", styled(name_text(row.name()), Style::bold, color), type_text(tensor),
                                 shape_of(tensor));
  std::string counts = counted(s.count, "value");
  for (const auto& [what, count] : {std::pair{"zero", s.zeros}, {"denormal", s.denormals}})
    if (count > 0) counts += fmt::format(", {}", counted(count, what));
  for (const auto& [what, count] : {std::pair{"NaN", s.nan}, {"inf", s.positive_inf}, {"-inf", s.negative_inf}})
    if (count > 0) counts += ", " + styled(fmt::format("{} {}", grouped(count), what), Style::red, color);
  text += "  " + counts + "\n";
  text +=
      fmt::format("  min {}{}, max {}{}\n", number_text(s.min, 4, tensor.dtype), place_text(s.min_index, tensor.dims),
                  number_text(s.max, 4, tensor.dtype), place_text(s.max_index, tensor.dims));
  text += fmt::format("  mean {}, std {}, l2 {}\n", number_text(s.mean), number_text(s.std), number_text(s.l2));
  if (!s.quantiles.empty()) {
    text += "  quantiles";
    for (const Quantile& q : s.quantiles)
      text += fmt::format("{} {:g}: {}{}", &q == s.quantiles.data() ? "" : ",", q.fraction, q.exact ? "" : "about ",
                          number_text(q.value));
    text += "\n";
  }
  if (!s.histogram) return text;
  const Histogram& histogram = *s.histogram;
  const std::uint64_t most = *std::max_element(histogram.counts.begin(), histogram.counts.end());
  const std::size_t room = width > 50 ? std::min<std::size_t>(width - 36, 60) : 20;
  Table table({{"", Table::Align::right}, {"", Table::Align::right}, {"", Table::Align::left, Style::green}});
  for (std::size_t i = 0; i < histogram.counts.size(); ++i)
    table.add({number_text(histogram.edge(i)), grouped(histogram.counts[i]), bar_of(histogram.counts[i], most, room)});
  table.add({number_text(histogram.high), "", ""});
  return text + table.text(color, "  ") + (histogram.exact ? "" : "  counts are approximate\n");
}

// ---- JSON, CSV ----

Json numbers_of(const Statistics& s) {
  const auto index = [](std::uint64_t i) { return i == kNoIndex ? Json() : Json(i); };
  const auto value = [&](double x) { return s.finite == 0 ? Json() : number(x); };
  Json json;
  json["count"] = s.count;
  json["finite"] = s.finite;
  json["min"] = value(s.min);
  json["max"] = value(s.max);
  json["mean"] = value(s.mean);
  json["std"] = value(s.std);
  json["l2"] = value(s.l2);
  json["zeros"] = s.zeros;
  json["denormals"] = s.denormals;
  json["nan"] = s.nan;
  json["inf"] = s.positive_inf + s.negative_inf;
  json["positive_inf"] = s.positive_inf;
  json["negative_inf"] = s.negative_inf;
  json["min_index"] = index(s.min_index);
  json["max_index"] = index(s.max_index);
  json["first_non_finite"] = index(s.first_non_finite);
  if (!s.quantiles.empty()) {
    json["quantiles"] = Json::array();
    for (const Quantile& q : s.quantiles)
      json["quantiles"].push_back({{"fraction", q.fraction}, {"value", value(q.value)}, {"exact", q.exact}});
  }
  if (s.histogram)
    json["histogram"] = {{"low", number(s.histogram->low)},
                         {"high", number(s.histogram->high)},
                         {"exact", s.histogram->exact},
                         {"counts", s.histogram->counts}};
  return json;
}

std::string why_not(const TensorInfo& tensor) {
  if (tensor.kind == Kind::string) return "text";
  if (tensor.kind == Kind::tensor && size_of(tensor.dtype) != 0 && !tensor.fits())
    return "its size does not fit its dims";
  return "its type has no numbers";
}

Json document_of(const std::string& file, const std::optional<Error>& damage, const std::vector<Row>& rows) {
  Json json;
  json["schema"] = "ckpt.stats/1";
  set_text(json, "file", file);
  json["damage"] = json_of(damage);
  json["tensors"] = Json::array();
  json["skipped"] = Json::array();
  for (const Row& row : rows) {
    Json entry;
    set_text(entry, "name", row.map != nullptr ? row.map->name : row.tensor->name);
    if (row.map != nullptr) set_text(entry, "part", row.tensor->name);
    if (!row.statistics) {
      entry["why"] = why_not(*row.tensor);
      json["skipped"].push_back(std::move(entry));
      continue;
    }
    entry["dtype"] = std::string(dtype_text(*row.tensor));
    entry["dims"] = row.tensor->dims;
    entry["group"] = std::string(name(row.group));
    entry.update(numbers_of(*row.statistics));
    json["tensors"].push_back(std::move(entry));
  }
  json["sums"] = Json::object();
  for (const auto& [name, sum] : sums_of(rows)) {
    Json& to = json["sums"][name] = numbers_of(sum);
    for (const char* key : {"min_index", "max_index", "first_non_finite"}) to.erase(key);
  }
  return json;
}

std::string csv_of(const std::vector<Row>& rows, const std::vector<double>& fractions) {
  std::string text =
      "name,dtype,dims,group,count,finite,min,max,mean,std,l2,zeros,denormals,nan,positive_inf,negative_inf,min_index,"
      "max_index";
  for (const double fraction : fractions) text += fmt::format(",q{:g}", fraction);
  text += '\n';
  const auto value = [](double x) { return std::isnan(x) ? std::string() : fmt::format("{}", x); };
  const auto index = [](std::uint64_t i) { return i == kNoIndex ? std::string() : std::to_string(i); };
  for (const Row& row : rows) {
    if (!row.statistics) continue;
    const Statistics& s = *row.statistics;
    text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}", csv_cell(row.name()),
                        name(row.tensor->dtype), fmt::join(row.tensor->dims, "x"), name(row.group), s.count, s.finite,
                        value(s.min), value(s.max), value(s.mean), value(s.std), value(s.l2), s.zeros, s.denormals,
                        s.nan, s.positive_inf, s.negative_inf, index(s.min_index), index(s.max_index));
    for (const Quantile& q : s.quantiles) text += "," + value(q.value);
    text += '\n';
  }
  return text;
}

void sort_rows(std::vector<Row>& rows, const std::string& key) {
  const auto by = [&](auto value) {
    std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
      if (!a.statistics || !b.statistics) return a.statistics.has_value() && !b.statistics;
      return value(*a.statistics) > value(*b.statistics);
    });
  };
  const auto known = [](double x) { return std::isnan(x) ? -1 : x; };
  if (key == "name")
    std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.name() < b.name(); });
  if (key == "count") by([](const Statistics& s) { return s.count; });
  if (key == "std") by([&](const Statistics& s) { return known(s.std); });
  if (key == "l2") by([&](const Statistics& s) { return known(s.l2); });
  if (key == "max") by([&](const Statistics& s) { return known(std::max(std::fabs(s.min), std::fabs(s.max))); });
  if (key == "zeros") by([](const Statistics& s) { return s.zeros; });
  if (key == "bad") by([](const Statistics& s) { return s.count - s.finite; });
}

// The rows that were asked for, with their statistics.
Result<std::vector<Row>> measure(Context& context, Input& input, const StatsOptions& options,
                                 const Selection& selection, StatisticsOptions how) {
  how.progress = context.progress(options.file);
  std::vector<Row> rows;
  const auto wanted = [&](const Row& row) {
    return (options.group.empty() || options.group == name(row.group)) &&
           selection.matches(row.map != nullptr ? row.map->name : row.tensor->name);
  };
  if (input.is_pipe()) {
    // Groups show at the end only.
    how.keep_damaged = true;
    auto results = statistics(
        input.stream(), [&](const TensorInfo& entry) { return selection.matches(entry.name); }, how);
    if (!results) return std::move(results).error();
    input.drain({});
    if (const Error* error = input.nothing_to_show()) return *error;
    rows = rows_of(input.tensors());
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i].statistics = std::move((*results)[i]);
    std::erase_if(rows, [&](const Row& row) { return !wanted(row); });
    return rows;
  }
  rows = rows_of(input.tensors());
  std::erase_if(rows, [&](const Row& row) { return !wanted(row); });
  std::vector<const TensorInfo*> tensors;
  for (const Row& row : rows) tensors.push_back(row.tensor);
  auto results = statistics(input.file(), tensors, how);
  if (!results) return std::move(results).error();
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].statistics = std::move((*results)[i]);
  return rows;
}

// Those that are left out, the first few by their names.
std::string without_numbers(const std::vector<Row>& rows, bool color) {
  constexpr std::uint64_t kNamed = 5;
  std::string text;
  std::uint64_t count = 0;
  for (const Row& row : rows)
    if (!row.statistics && ++count <= kNamed)
      text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", name_text(row.name()), why_not(*row.tensor));
  if (count == 0) return {};
  if (count > kNamed) text += fmt::format(" and {} more", grouped(count - kNamed));
  return styled("without numbers: " + text, Style::dim, color) + "\n";
}

std::string text_of(const std::vector<Row>& rows, const StatsOptions& options, const std::vector<double>& fractions,
                    Context& context) {
  std::string text;
  if (options.histogram) {
    for (const Row& row : rows)
      if (row.statistics) text += (text.empty() ? "" : "\n") + chart_of(row, context.width(), context.color());
  } else {
    text = table_text(rows, fractions, options.total || context.out_is_terminal(), context);
  }
  return text + without_numbers(rows, context.color());
}

}  // namespace

int run(Context& context, const StatsOptions& options) {
  auto selection = Selection::create(options.select);
  if (!selection) return context.fail(selection.error().message);
  auto fractions = fractions_from(options.quantiles);
  if (!fractions) return context.fail(fractions.error().message);
  StatisticsOptions how{.quantiles = *fractions, .exact_quantiles = options.exact};
  if (options.histogram)
    how.bins = options.bins > 0 ? static_cast<unsigned>(options.bins) : kChartBins;
  else if (context.out_is_terminal() && !options.json && !options.csv)
    how.bins = kSparkBins;

  auto input = Input::open(context, options.file, options.key, true);
  if (!input) return context.fail(options.file, input.error(), hint_for(input.error(), options.key));
  if (const Error* error = input->nothing_to_show())
    return context.fail(options.file, *error, hint_for(*error, options.key));
  auto rows = measure(context, *input, options, *selection, std::move(how));
  if (!rows) return context.fail(options.file, rows.error(), hint_for(rows.error(), options.key));
  sort_rows(*rows, options.sort);
  if (options.json)
    context.write(line_of(document_of(options.file, input->damage(), *rows)));
  else if (options.csv)
    context.write(csv_of(*rows, *fractions));
  else
    context.write(text_of(*rows, options, *fractions, context));
  if (const auto& damage = input->damage()) return context.fail(options.file, *damage);
  if (const std::string unused = selection->unused(); !unused.empty())
    return context.fail(fmt::format("{}: nothing matches '{}'", file_text(options.file), escape(unused)));
  return kDone;
}

}  // namespace ckpt::cli

#include "diff_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ckpt/element.h"
#include "ckpt/text.h"
#include "facts.h"
#include "json.h"
#include "render.h"

namespace ckpt::cli {
namespace {

constexpr std::array kChanges = {Change::changed, Change::dtype_changed, Change::reshaped,         Change::renamed,
                                 Change::removed, Change::added,         Change::within_tolerance, Change::identical};

// "[0, 3, 2]" of an element, "byte 17" where there are only bytes; empty in a scalar.
std::string place_text(const TensorDiff& diff, std::uint64_t index) {
  return diff.basis == Basis::bytes ? fmt::format("byte {}", index) : index_text(index, diff.tensor().dims);
}

std::string quoted(const std::optional<std::string>& text, std::size_t columns) {
  return text ? "\"" + shortened(escape(*text), columns) + "\"" : "no text";
}

// ---- in words ----

std::string number_text(double value, int digits = 3) { return fmt::format("{:.{}g}", value, digits); }

// "150 (100%)", in brief "100%"
std::string share_text(std::uint64_t count, std::uint64_t of, bool brief) {
  if (count == 0) return "0";
  const double percent = 100 * static_cast<double>(count) / static_cast<double>(of);
  const std::string text = count == of      ? "100"
                           : percent < 0.1  ? "<0.1"
                           : percent > 99.9 ? ">99.9"
                           : percent < 10   ? fmt::format("{:.1f}", percent)
                                            : fmt::format("{:.0f}", percent);
  return brief ? text + "%" : fmt::format("{} ({}%)", grouped(count), text);
}

// The name in b; of another one what it was.
std::string title_of(const TensorDiff& diff) {
  if (diff.pair.a == nullptr || diff.pair.b == nullptr || diff.pair.a->name == diff.pair.b->name)
    return name_text(diff.tensor().name);
  return name_text(diff.pair.a->name) + " -> " + name_text(diff.pair.b->name);
}

// "tensor", where that is not plain.
std::string kind_text(const TensorInfo& entry) {
  return entry.kind == Kind::tensor ? type_text(entry) : std::string(name(entry.kind));
}

// What changed but for the values.
std::vector<std::string> form_of(const TensorDiff& diff) {
  std::vector<std::string> words;
  if (diff.pair.a == nullptr || diff.pair.b == nullptr) {
    const TensorInfo& entry = diff.tensor();
    words.push_back(entry.kind == Kind::tensor ? type_text(entry) + " " + shape_of(entry) : kind_text(entry));
    return words;
  }
  const TensorInfo& a = *diff.pair.a;
  const TensorInfo& b = *diff.pair.b;
  if (diff.change == Change::dtype_changed) words.push_back(kind_text(a) + " -> " + kind_text(b));
  if (a.kind == Kind::tensor && b.kind == Kind::tensor && a.dims != b.dims)
    words.push_back(shape_text(a.dims) + " -> " + shape_text(b.dims));
  else if (a.kind == b.kind && diff.basis == Basis::nothing)
    words.push_back(fmt::format("{} -> {}", counted(a.byte_size, "byte"), counted(b.byte_size, "byte")));
  // Of two types the bytes differ anyway.
  const bool same = diff.values == Change::identical || (diff.metrics && diff.metrics->changed_elements == 0);
  if (diff.change >= Change::renamed && same) words.push_back("same values");
  if (diff.change >= Change::renamed && !same && diff.values == Change::within_tolerance)
    words.push_back("within tolerance");
  if (diff.pair.repeated) words.push_back("the name is there more than once");
  return words;
}

std::vector<std::string> transitions_of(const Metrics& m) {
  std::vector<std::string> words;
  for (const auto& [count, what] :
       {std::pair{m.new_nan, "new NaN"}, {m.new_inf, "new inf"}, {m.lost_nan, "NaN gone"}, {m.lost_inf, "inf gone"}})
    if (count > 0) words.push_back(fmt::format("{} {}", grouped(count), what));
  return words;
}

// Two values in as few digits as tell them apart.
std::string brief_text(const ElementPair& pair) {
  for (int digits = 3; digits < 9; ++digits) {
    const auto brief = [&](double number, const std::string& text) {
      std::string fewer = std::isfinite(number) ? number_text(number, digits) : text;
      return fewer.size() < text.size() ? fewer : text;
    };
    const std::string a = brief(pair.number_a, pair.a);
    const std::string b = brief(pair.number_b, pair.b);
    if (a != b) return a + " -> " + b;
  }
  return pair.a + " -> " + pair.b;
}

struct Words {
  std::string full = {};
  std::string brief = {};  // where there is little room
};

// What a row says in words: the form, values, NaN that came and went.
Result<Words> description_of(const FileDiff& file, const TensorDiff& diff) {
  std::vector<std::string> words = form_of(diff);
  std::string brief_values;
  if (diff.basis == Basis::text && diff.values == Change::changed) {
    const auto a = string_of(*file.a, *diff.pair.a);
    const auto b = string_of(*file.b, *diff.pair.b);
    if (!a || !b) return a ? b.error() : a.error();
    words.push_back(quoted(*a, 24) + " -> " + quoted(*b, 24));
  }
  if (diff.metrics && diff.metrics->changed_elements > 0) {
    const Metrics& m = *diff.metrics;
    for (std::string& word : transitions_of(m)) words.push_back(std::move(word));
    const auto index = m.worst_index != Metrics::kNone ? m.worst_index : m.first_index;
    auto spot = elements_at(file, diff, index);
    if (!spot) return spot.error();
    const std::string place = m.elements == 1 ? "" : place_text(diff, index);
    const std::string where = place.empty() ? "" : place + ": ";
    words.push_back(where + spot->a + " -> " + spot->b);
    brief_values = where + brief_text(*spot);
  }
  Words all{.full = fmt::format("{}", fmt::join(words, ", "))};
  if (!brief_values.empty()) words.back() = std::move(brief_values);
  all.brief = fmt::format("{}", fmt::join(words, ", "));
  return all;
}

// ---- the table ----

struct Columns {
  bool max_rel = true;
  bool rms = true;
  bool cosine = true;
  bool max_abs = true;
  bool brief = false;  // values in few digits, and of what changed the share alone
};

// From the richest to the narrowest. UPDATE, by which rows are sorted, stays; the two values say most of MAX ABS.
constexpr std::array kForTerminals = {
    Columns{},
    Columns{.rms = false},
    Columns{.max_rel = false, .rms = false},
    Columns{.rms = false, .cosine = false},
    Columns{.max_rel = false, .rms = false, .cosine = false},
    Columns{.max_rel = false, .rms = false, .cosine = false, .brief = true},
    Columns{.max_rel = false, .rms = false, .cosine = false, .max_abs = false, .brief = true},
};

// A row in words, made once for all the widths that are tried.
struct Line {
  const TensorDiff* diff = nullptr;
  std::string change = {};
  std::string title = {};
  Words words = {};
};

Style style_of(const TensorDiff& diff) {
  switch (diff.change) {
    case Change::removed:
      return Style::red;
    case Change::added:
      return Style::green;
    case Change::identical:
    case Change::within_tolerance:
      return Style::dim;
    case Change::renamed:
      return Style::cyan;
    default:
      return diff.metrics && diff.metrics->new_nan + diff.metrics->new_inf > 0 ? Style::red : Style::yellow;
  }
}

Status add_lines(const FileDiff& file, const TensorDiff& diff, const std::string& parent, std::vector<Line>& lines) {
  auto words = description_of(file, diff);
  if (!words) return words.error();
  const std::string title = parent.empty() ? title_of(diff) : parent + "." + escape(diff.tensor().name);
  lines.push_back({&diff, words_of(diff.change), title, std::move(*words)});
  for (const TensorDiff& part : diff.parts)
    if (part.change != Change::identical)
      if (auto status = add_lines(file, part, name_text(diff.tensor().name), lines); !status) return status;
  return {};
}

// One row's lines at a time: those of all rows take several times the memory of the files' indexes.
template <class Use>
Status for_each_line(const FileDiff& file, const Use& use) {
  for (const DiffRow* row : file.shown) {
    std::vector<Line> lines;
    if (auto status = add_lines(file, *row->diff, "", lines); !status) return status;
    for (const Line& line : lines)
      if (auto status = use(line); !status) return status;
  }
  return {};
}

std::vector<std::string> metric_cells(const TensorDiff& diff, const Columns& columns) {
  std::vector<std::string> cells;
  const bool counted_ones = diff.metrics.has_value() && diff.metrics->changed_elements > 0;
  const auto add = [&](bool wanted, auto value, int digits = 3) {
    if (!wanted) return;
    const bool by_value = counted_ones && diff.basis == Basis::values;
    cells.push_back(!by_value ? "" : has_numbers(*diff.metrics) ? number_text(value(*diff.metrics), digits) : "-");
  };
  cells.push_back(counted_ones ? share_text(diff.metrics->changed_elements, diff.metrics->elements, columns.brief)
                               : "");
  add(columns.max_abs, [](const Metrics& m) { return m.max_abs; });
  add(columns.max_rel, [](const Metrics& m) { return m.max_rel; });
  add(columns.rms, [](const Metrics& m) { return m.rms; });
  add(true, [](const Metrics& m) { return m.relative_update; });
  add(
      columns.cosine, [](const Metrics& m) { return m.cosine; }, 6);
  return cells;
}

Table table_of(const std::vector<Line>& lines, const Columns& columns, std::size_t words_columns, bool color) {
  constexpr auto kRight = Table::Align::right;
  std::vector<Table::Column> heads = {{"CHANGE"}, {"NAME"}, {"CHANGED", kRight}};
  if (columns.max_abs) heads.push_back({"MAX ABS", kRight});
  if (columns.max_rel) heads.push_back({"MAX REL", kRight});
  if (columns.rms) heads.push_back({"RMS", kRight});
  heads.push_back({"UPDATE", kRight});
  if (columns.cosine) heads.push_back({"COSINE", kRight});
  heads.push_back({"WHAT"});
  // Where nothing was compared by value there are no numbers.
  const bool numbers = std::any_of(lines.begin(), lines.end(), [](const Line& line) {
    return line.diff->metrics && line.diff->metrics->changed_elements > 0;
  });
  if (!numbers) heads.erase(heads.begin() + 2, heads.end() - 1);
  Table table(std::move(heads));
  for (const Line& line : lines) {
    std::vector<std::string> cells = {styled(line.change, style_of(*line.diff), color), line.title};
    if (numbers)
      for (std::string& cell : metric_cells(*line.diff, columns)) cells.push_back(std::move(cell));
    cells.push_back(shortened(columns.brief ? line.words.brief : line.words.full, words_columns));
    table.add(std::move(cells));
  }
  return table;
}

// On a terminal what there is room for: all words, or as many as a place and two values take, or two types, or a few.
Table fitting_table(const std::vector<Line>& lines, const Context& context) {
  constexpr std::size_t kAll = std::size_t{1} << 20;
  constexpr std::size_t kFew = 12;
  if (!context.out_is_terminal()) return table_of(lines, {}, kAll, context.color());
  for (const std::size_t words : {kAll, std::size_t{32}, std::size_t{20}, kFew}) {
    for (const Columns& columns : kForTerminals) {
      Table table = table_of(lines, columns, words, context.color());
      if (table.width() > context.width()) continue;
      // The rest of the line is for the words.
      if (words == kAll) return table;
      return table_of(lines, columns, words + context.width() - table.width(), context.color());
    }
  }
  return table_of(lines, kForTerminals.back(), kFew, context.color());
}

Status write_table(const FileDiff& diff, Context& context) {
  std::vector<Line> lines;
  const Status status = for_each_line(diff, [&](const Line& line) -> Status {
    lines.push_back(line);
    return {};
  });
  if (!status) return status;
  const Table table = fitting_table(lines, context);
  lines = {};  // the table has their words
  context.write(table.text(context.color()));
  return {};
}

// ---- closely ----

Result<std::string> details_of(const FileDiff& file, const Line& line, bool color) {
  const TensorDiff& diff = *line.diff;
  std::string text =
      fmt::format("{}  {}", styled(line.title, Style::bold, color), styled(line.change, style_of(diff), color));
  if (const auto form = form_of(diff); !form.empty()) text += fmt::format("  {}", fmt::join(form, ", "));
  text += '\n';
  if (diff.basis == Basis::text && diff.values == Change::changed) return text + "  " + line.words.full + "\n";
  if (!diff.metrics || diff.metrics->changed_elements == 0) return text;
  const Metrics& m = *diff.metrics;
  text += fmt::format("  {} of {} changed", grouped(m.changed_elements),
                      counted(m.elements, diff.basis == Basis::bytes ? "byte" : "element"));
  if (m.outside != m.changed_elements) text += fmt::format(", {} outside the tolerance", grouped(m.outside));
  if (m.from_zero > 0) text += fmt::format(", {} from zero", grouped(m.from_zero));
  for (const std::string& word : transitions_of(m)) text += ", " + styled(word, Style::red, color);
  text += '\n';
  Table table({{}, {"", Table::Align::right}, {}});
  const auto add = [&](const char* what, const std::string& value, std::uint64_t index) -> Status {
    std::string where;
    if (index != Metrics::kNone) {
      auto spot = elements_at(file, diff, index);
      if (!spot) return spot.error();
      const std::string place = m.elements == 1 ? "" : fmt::format("at {}: ", place_text(diff, index));
      where = fmt::format("{}{} -> {}", place, spot->a, spot->b);
    }
    table.add({what, value, where});
    return {};
  };
  if (auto status = add("first", "", m.first_index); !status) return status.error();
  if (m.first_non_finite != Metrics::kNone)
    if (auto status = add("first NaN or inf", "", m.first_non_finite); !status) return status.error();
  if (diff.basis == Basis::values && has_numbers(m)) {
    if (auto status = add("max abs", number_text(m.max_abs, 6), m.worst_index); !status) return status.error();
    if (auto status = add("max rel", number_text(m.max_rel, 6), m.worst_rel_index); !status) return status.error();
    table.add({"mean abs", number_text(m.mean_abs, 6), ""});
    table.add({"rms", number_text(m.rms, 6), ""});
    table.add({"l2", number_text(m.l2, 6), ""});
    table.add({"relative update", number_text(m.relative_update, 6), ""});
    table.add({"cosine", number_text(m.cosine, 9), ""});
    if (m.max_ulp) table.add({"max ulp", grouped(*m.max_ulp), ""});
  }
  return text + table.text(color, "  ");
}

Status write_details(const FileDiff& diff, Context& context) {
  return for_each_line(diff, [&](const Line& line) -> Status {
    auto block = details_of(diff, line, context.color());
    if (!block) return block.error();
    context.write(*block);
    return {};
  });
}

// ---- Markdown, XML ----

std::string only_there(const FileDiff& diff) { return escape(diff.path_a + diff.path_b) + ": only there"; }

// Text in a code span, whatever backticks it has, inside a table.
std::string code_span(std::string_view text) {
  std::size_t longest = 0;
  std::size_t run = 0;
  std::string inside;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
    if (c == '|') inside += '\\';
    inside += c;
  }
  const std::string fence(longest + 1, '`');
  const bool pad = longest > 0 || inside.empty();
  return fence + (pad ? " " : "") + inside + (pad ? " " : "") + fence;
}

std::string xml_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string junit_of_alone(const FileDiff& diff) {
  const std::string path = xml_text(escape(diff.path_a + diff.path_b));
  return fmt::format(
      "  <testsuite name=\"{0}\" tests=\"1\" failures=\"{1}\">\n"
      "    <testcase classname=\"{0}\" name=\"file\">\n"
      "      {2}\n"
      "    </testcase>\n"
      "  </testsuite>\n",
      path, diff.fails ? 1 : 0,
      !diff.fails           ? "<system-out>only there</system-out>"
      : diff.path_a.empty() ? "<failure type=\"added\" message=\"only there\"/>"
                            : "<failure type=\"removed\" message=\"only there\"/>");
}

Result<std::string> junit_of(const FileDiff& file, const DiffRow& row, const std::string& suite) {
  const TensorDiff& diff = *row.diff;
  const std::string head = fmt::format("    <testcase classname=\"{}\" name=\"{}\"", suite, xml_text(title_of(diff)));
  if (diff.change == Change::identical && !row.fails) return head + "/>\n";
  std::vector<Line> lines;
  if (auto status = add_lines(file, diff, "", lines); !status) return status.error();
  std::string body;
  for (const Line& line : lines) {
    auto block = details_of(file, line, false);
    if (!block) return block;
    body += *block;
  }
  const std::string change = words_of(diff.change);
  const std::string message = lines[0].words.full.empty() ? change : change + ": " + lines[0].words.full;
  return head + ">\n" +
         (row.fails ? fmt::format("      <failure type=\"{}\" message=\"{}\">{}</failure>\n", change, xml_text(message),
                                  xml_text(body))
                    : fmt::format("      <system-out>{}</system-out>\n", xml_text(body))) +
         "    </testcase>\n";
}

}  // namespace

Result<ElementPair> elements_at(const FileDiff& file, const TensorDiff& diff, std::uint64_t index) {
  const bool by_value = diff.basis == Basis::values;
  const auto read = [&](const Checkpoint& from, const TensorInfo& entry, std::string& text, std::string& json,
                        double& number) -> Status {
    std::array<std::byte, 16> bytes;
    const auto size = by_value ? size_of(entry.dtype) : 1;
    const auto element = std::span(bytes).first(size);
    if (auto status = from.read(entry, index * size, element); !status) return status;
    text = element_text(by_value ? entry.dtype : DType::unknown, element);
    json = by_value ? json_value(entry.dtype, element) : Json(text).dump();
    if (by_value && is_float(entry.dtype)) to_double(entry.dtype, element, {&number, 1});
    return {};
  };
  ElementPair pair;
  if (auto status = read(*file.a, *diff.pair.a, pair.a, pair.json_a, pair.number_a); !status) return status.error();
  if (auto status = read(*file.b, *diff.pair.b, pair.b, pair.json_b, pair.number_b); !status) return status.error();
  return pair;
}

std::string summary_of(const FileDiff& diff) {
  const std::string all = counted(diff.rows.size(), "tensor");
  if (diff.counts[static_cast<std::size_t>(Change::identical)] == diff.rows.size())
    return diff.rows.size() == 1 ? all + ", identical" : all + ", all identical";
  std::string text;
  for (const Change change : kChanges)
    if (const auto count = diff.counts[static_cast<std::size_t>(change)]; count > 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", grouped(count), words_of(change));
  return all + ": " + text;
}

Status write_diff_text(const FileDiff& diff, Context& context, bool details) {
  const bool color = context.color();
  if (diff.alone()) {
    context.write(styled(only_there(diff), Style::bold, color) + "\n");
    return {};
  }
  const Status status = details ? write_details(diff, context) : write_table(diff, context);
  if (!status) return status;
  if (diff.left_out > 0)
    context.write(styled(fmt::format("and {} more", grouped(diff.left_out)), Style::dim, color) + "\n");
  context.write(styled(summary_of(diff), diff.differs ? Style::bold : Style::green, color) + "\n");
  return {};
}

Status write_diff_markdown(const FileDiff& diff, Context& context) {
  if (diff.alone()) {
    context.write(fmt::format("### {}\n\nOnly there.\n", code_span(escape(diff.path_a + diff.path_b))));
    return {};
  }
  context.write(fmt::format("### {} → {}\n\n{}.\n", code_span(escape(diff.path_a)), code_span(escape(diff.path_b)),
                            summary_of(diff)));
  if (diff.shown.empty()) return {};
  context.write(
      "\n| Change | Tensor | Changed | Max abs | Max rel | RMS | Update | Cosine | What |\n"
      "|---|---|--:|--:|--:|--:|--:|--:|---|\n");
  const Status status = for_each_line(diff, [&](const Line& line) -> Status {
    std::string text = fmt::format("| {} | {} |", line.change, code_span(line.title));
    for (const std::string& cell : metric_cells(*line.diff, {})) text += cell.empty() ? " |" : " " + cell + " |";
    context.write(text + (line.words.full.empty() ? " |\n" : " " + code_span(line.words.full) + " |\n"));
    return {};
  });
  if (!status) return status;
  if (diff.left_out > 0) context.write(fmt::format("\nand {} more\n", grouped(diff.left_out)));
  return {};
}

Status write_diff_junit(const FileDiff& diff, Context& context) {
  if (diff.alone()) {
    context.write(junit_of_alone(diff));
    return {};
  }
  const auto failures = std::count_if(diff.rows.begin(), diff.rows.end(), [](const DiffRow& row) { return row.fails; });
  const std::string suite = xml_text(escape(diff.path_a) + " -> " + escape(diff.path_b));
  context.write(
      fmt::format("  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">\n", suite, diff.rows.size(), failures));
  for (const DiffRow& row : diff.rows) {
    auto text = junit_of(diff, row, suite);
    if (!text) return text.error();
    context.write(*text);
  }
  context.write("  </testsuite>\n");
  return {};
}

}  // namespace ckpt::cli

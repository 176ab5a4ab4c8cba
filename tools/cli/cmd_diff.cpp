#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <map>
#include <unordered_map>

#include "ckpt/diff.h"
#include "ckpt/statistics.h"
#include "ckpt/text.h"
#include "commands.h"
#include "diff_report.h"
#include "diff_rules.h"
#include "edit_rules.h"
#include "facts.h"
#include "input.h"
#include "output.h"
#include "render.h"
#include "select.h"

namespace ckpt::cli {
namespace {

// ---- order ----

// Where sizes are equal: NaN first, then what is missing, then the rest as in the files.
int rank_of(const TensorDiff& diff) {
  if (diff.metrics && diff.metrics->new_nan + diff.metrics->new_inf > 0) return 0;
  return diff.change == Change::removed ? 1 : diff.change == Change::added ? 2 : 9 - static_cast<int>(diff.change);
}

// Of a map the largest of its parts. A NaN or infinity that came or went is larger than any distance.
double sort_value(const TensorDiff& diff, const std::string& key) {
  if (key.empty() || key == "change") return size_of_change(diff);
  const Metrics m = diff.metrics.value_or(Metrics{});
  double value = static_cast<double>(m.changed_elements);
  if (key != "elements") {
    value = key == "max_abs" ? m.max_abs : key == "max_rel" ? m.max_rel : key == "rms" ? m.rms : m.l2;
    if (key == "cosine") value = -m.cosine;  // the smallest angle last
    if (m.new_nan + m.new_inf + m.lost_nan + m.lost_inf > 0) value = std::numeric_limits<double>::infinity();
  }
  for (const TensorDiff& part : diff.parts) value = std::max(value, sort_value(part, key));
  return value;
}

void sort_rows(std::vector<const DiffRow*>& rows, const std::string& key) {
  if (key == "file") return;
  std::stable_sort(rows.begin(), rows.end(), [&](const DiffRow* x, const DiffRow* y) {
    if (key == "name") return x->diff->tensor().name < y->diff->tensor().name;
    const double a = sort_value(*x->diff, key);
    const double b = sort_value(*y->diff, key);
    return a != b ? a > b : rank_of(*x->diff) < rank_of(*y->diff);
  });
}

// ---- which files ----

struct Paths {
  std::string a = {};  // empty: only b is there
  std::string b = {};
};

// Of two folders the files of the same name; of a file and a folder that file and the one of its name in there.
Result<std::vector<Paths>> pairs_of(const std::string& a, const std::string& b) {
  namespace fs = std::filesystem;
  std::error_code none;
  const bool a_is_folder = fs::is_directory(a, none);
  const bool b_is_folder = fs::is_directory(b, none);
  if (!a_is_folder && !b_is_folder) return std::vector<Paths>{{a, b}};
  if (!a_is_folder) return std::vector<Paths>{{a, (fs::path(b) / fs::path(a).filename()).string()}};
  if (!b_is_folder) return std::vector<Paths>{{(fs::path(a) / fs::path(b).filename()).string(), b}};
  std::map<std::string, Paths> by_name;
  for (const bool first : {true, false}) {
    auto files = expand_directories({first ? a : b});
    if (!files) return std::move(files).error();
    for (std::string& file : *files) {
      Paths& paths = by_name[fs::path(file).filename().string()];
      (first ? paths.a : paths.b) = std::move(file);
    }
  }
  std::vector<Paths> pairs;
  for (auto& [name, paths] : by_name) pairs.push_back(std::move(paths));
  return pairs;
}

// ---- the work ----

// What the options mean, once for all files.
struct Rules {
  Selection selection;
  Tolerances tolerances;
  FailOn fail_on;
  Renaming renaming;
  std::unordered_map<std::string, std::string> names = {};  // --map
  NameMap unmet = {};                                       // ... of which not both names were met so far

  static Result<Rules> create(const DiffCommand& options);
  // The expression is asked for every name, so that unused() knows: it may say what the map says, too.
  std::string renamed(std::string_view name) const {
    std::string by_expression = renaming(name);
    const auto found = names.find(std::string(name));
    return found != names.end() ? found->second : by_expression;
  }
  void meet(const Checkpoint& a, const Checkpoint& b) {
    std::erase_if(unmet, [&](NamePair& pair) {
      pair.in_a |= a.find(pair.a) != nullptr;
      pair.in_b |= b.find(pair.b) != nullptr;
      return pair.in_a && pair.in_b;
    });
  }
};

Result<Rules> Rules::create(const DiffCommand& options) {
  auto selection = Selection::create(options.select);
  if (!selection) return std::move(selection).error();
  auto tolerances = Tolerances::create(options);
  if (!tolerances) return std::move(tolerances).error();
  auto fail_on = FailOn::create(options);
  if (!fail_on) return std::move(fail_on).error();
  auto renaming = Renaming::create({}, options.rename_regex);
  if (!renaming) return std::move(renaming).error();
  return Rules{std::move(*selection), std::move(*tolerances), std::move(*fail_on), std::move(*renaming)};
}

class Diff {
 public:
  Diff(Context& context, const DiffCommand& options, Rules rules)
      : context_(context), options_(options), rules_(std::move(rules)) {}

  int run() {
    auto pairs = pairs_of(options_.a, options_.b);
    if (!pairs) return context_.fail(pairs.error().message);
    const bool several = pairs->size() > 1;
    if (const int code = make_output(); code != kDone) return code;
    if (options_.junit) context_.write("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    int code = kDone;
    for (const Paths& paths : *pairs) {
      code = std::max(code, run_one(paths, several));
      if (code == kInterrupted) return code;
    }
    if (options_.junit) context_.write("</testsuites>\n");
    return code == kFailed ? code : std::max(code, check_unused());
  }

  // A condition on a name that is not there would never fail, and nobody would know.
  int check_unused() {
    if (!rules_.unmet.empty()) {
      const NamePair& pair = rules_.unmet.front();
      return context_.fail(fmt::format("{}: line {}: there is no '{}' in {}", file_text(options_.map), pair.line,
                                       escape(pair.in_a ? pair.b : pair.a), pair.in_a ? "B" : "A"));
    }
    const std::array<std::pair<const char*, std::string>, 5> all = {{{"", rules_.selection.unused()},
                                                                     {"--tolerance: ", rules_.tolerances.unused()},
                                                                     {"--fail-on: ", rules_.fail_on.unused()},
                                                                     {"--rename-regex: ", rules_.renaming.unused()},
                                                                     {"--only: ", only_met_ ? "" : options_.only}}};
    for (const auto& [option, pattern] : all)
      if (!pattern.empty()) return context_.fail(fmt::format("{}nothing matches '{}'", option, escape(pattern)));
    return kDone;
  }

 private:
  // Before anything is compared: no file that was given is replaced, and nobody waits to hear of it.
  int make_output() {
    if (options_.write_map.empty()) return kDone;
    std::error_code none;
    for (const std::string& path : {options_.a, options_.b})
      if (std::filesystem::is_directory(path, none)) return context_.fail("--write-map needs two files, not folders");
    const std::array inputs = {options_.a, options_.b, options_.map, options_.key.file, options_.key_b.file};
    auto output = Output::create(context_, {.path = options_.write_map, .force = options_.force}, inputs);
    if (!output) return context_.fail(options_.write_map, output.error(), hint_for_output(output.error()));
    output_.emplace(std::move(*output));
    return kDone;
  }

  int run_one(const Paths& paths, bool several) {
    FileDiff file{.path_a = paths.a, .path_b = paths.b};
    if (file.alone()) {
      file.differs = true;
      file.fails = paths.a.empty() ? rules_.fail_on.added_file() : rules_.fail_on.removed_file();
      return report(file, several);
    }
    auto a = open(paths.a, options_.key);
    if (!a) return open_failed_;
    const bool other_key = !options_.key_b.file.empty() || !options_.key_b.variable.empty();
    auto b = open(paths.b, other_key ? options_.key_b : options_.key);
    if (!b) return open_failed_;
    file.a = &a->file();
    file.b = &b->file();
    if (auto status = compare_files(file); !status) return context_.fail(paths.a + " and " + paths.b, status.error());
    const int code = report(file, several);
    if (code > kNo || !output_) return code;
    return std::max(code, write_map(file));
  }

  std::optional<Input> open(const std::string& path, const KeyOptions& key) {
    auto input = Input::open(context_, path, key, false);
    if (input && !input->damage()) return std::move(*input);
    const Error& error = input ? *input->damage() : input.error();
    open_failed_ = context_.fail(path, error, hint_for_whole(path, error, key));
    return {};
  }

  // Everything is paired, for names are found by what is left over; then only what was asked for is read.
  Status compare_files(FileDiff& file) {
    PairOptions pairing{.detect_renames = !options_.no_renames};
    if (!rules_.names.empty() || !rules_.renaming.empty())
      pairing.rename = [&](std::string_view name) { return rules_.renamed(name); };
    rules_.meet(*file.a, *file.b);
    auto pairs = pair_tensors(*file.a, *file.b, pairing);
    if (!pairs) return std::move(pairs).error();
    const auto groups_a = classify(file.a->tensors());
    const auto groups_b = classify(file.b->tensors());
    const auto group_of = [&](const Pair& pair) {
      return pair.a != nullptr ? groups_a[static_cast<std::size_t>(pair.a - file.a->tensors().data())]
                               : groups_b[static_cast<std::size_t>(pair.b - file.b->tensors().data())];
    };
    std::erase_if(*pairs, [&](const Pair& pair) {
      const auto matches = [&](const TensorInfo* entry) {
        return entry != nullptr && rules_.selection.matches(entry->name);
      };
      const bool a = matches(pair.a);
      const bool b = matches(pair.b);  // both are asked: a pattern may be for either
      return !(a || b) || (!options_.only.empty() && options_.only != name(group_of(pair)));
    });
    only_met_ |= !pairs->empty();
    const CompareOptions comparing{.tolerance_for = [&](const TensorInfo& entry) { return rules_.tolerances(entry); },
                                   .progress = context_.progress(file.path_b)};
    auto diffs = compare(*file.a, *file.b, *pairs, comparing);
    if (!diffs) return std::move(diffs).error();
    const auto uncompared = look_at_uncompared(*file.b, *diffs);
    if (!uncompared) return uncompared.error();
    file.diffs = std::move(*diffs);
    file.rows.reserve(file.diffs.size());
    for (std::size_t i = 0; i < file.diffs.size(); ++i) {
      const TensorDiff& diff = file.diffs[i];
      if (diff.pair.a != nullptr) rules_.tolerances(*diff.pair.a);  // strings, too, so that unused() knows
      const Group group = group_of(diff.pair);
      const bool fails = rules_.fail_on(diff, (*uncompared)[i]);
      ++file.counts[static_cast<std::size_t>(diff.change)];
      file.differs |= differs(diff);
      file.fails |= fails;
      file.rows.push_back({&diff, group, fails});
    }
    pick(file);
    return {};
  }

  // Of b's values that nothing was compared with NaN and infinities are new, too. One for each diff.
  Result<std::vector<NonFinite>> look_at_uncompared(const Checkpoint& b, const std::vector<TensorDiff>& diffs) const {
    std::vector<NonFinite> found(diffs.size());
    if (!rules_.fail_on.counts_values()) return found;
    std::vector<const TensorInfo*> entries;
    std::vector<std::size_t> owners;
    for (std::size_t i = 0; i < diffs.size(); ++i) {
      collect_uncompared(diffs[i], entries);
      owners.resize(entries.size(), i);
    }
    const auto all = statistics(b, entries, {.progress = context_.progress(options_.b)});
    if (!all) return all.error();
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (!(*all)[i]) continue;
      found[owners[i]].nan |= (*all)[i]->nan > 0;
      found[owners[i]].inf |= (*all)[i]->positive_inf + (*all)[i]->negative_inf > 0;
    }
    return found;
  }

  static void collect_uncompared(const TensorDiff& diff, std::vector<const TensorInfo*>& entries) {
    for (const TensorDiff& part : diff.parts) collect_uncompared(part, entries);
    if (diff.basis != Basis::nothing || diff.pair.b == nullptr) return;
    entries.push_back(diff.pair.b);
    for (const TensorInfo& part : diff.pair.b->parts) entries.push_back(&part);
  }

  void pick(FileDiff& file) const {
    for (const DiffRow& row : file.rows)
      if (options_.all || row.fails || differs(*row.diff)) file.shown.push_back(&row);
    sort_rows(file.shown, options_.sort);
    const auto top = static_cast<std::size_t>(options_.top);
    if (top == 0 || file.shown.size() <= top) return;
    file.left_out = file.shown.size() - top;
    file.shown.resize(top);
  }

  int report(const FileDiff& file, bool several) {
    const int code = file.fails ? kNo : kDone;
    if (options_.quiet) return code;
    if (several && !options_.json && !options_.junit && !options_.markdown) {
      if (std::exchange(another_, true)) context_.write("\n");
      if (!file.alone())
        context_.write(styled(escape(file.path_a) + " -> " + escape(file.path_b), Style::bold, context_.color()) +
                       "\n");
    }
    if (options_.markdown && std::exchange(another_, true)) context_.write("\n");
    const Status status = options_.json       ? write_diff_json(file, context_)
                          : options_.junit    ? write_diff_junit(file, context_)
                          : options_.markdown ? write_diff_markdown(file, context_)
                                              : write_diff_text(file, context_, options_.details);
    return status ? code : context_.fail(file.path_a, status.error());
  }

  int write_map(const FileDiff& file) {
    NameMap map;
    for (const DiffRow& row : file.rows) {
      const Pair& pair = row.diff->pair;
      if (pair.a != nullptr && pair.b != nullptr && pair.a->name != pair.b->name)
        map.push_back({.a = pair.a->name, .b = pair.b->name});
    }
    Status status = output_->write(text_of(map));
    if (status) status = output_->finish();
    return status ? kDone : context_.fail(options_.write_map, status.error());
  }

  Context& context_;
  const DiffCommand& options_;
  Rules rules_;
  std::optional<Output> output_ = {};  // --write-map
  bool only_met_ = false;              // something was compared, whatever --only left out
  bool another_ = false;
  int open_failed_ = kFailed;
};

}  // namespace

int run(Context& context, const DiffCommand& options) {
  auto rules = Rules::create(options);
  if (!rules) return context.fail(rules.error().message);
  if (!options.map.empty()) {
    auto map = read_name_map(options.map);
    if (!map) return context.fail(options.map, map.error());
    for (const NamePair& pair : *map) rules->names.insert_or_assign(pair.a, pair.b);
    rules->unmet = std::move(*map);
  }
  return Diff(context, options, std::move(*rules)).run();
}

}  // namespace ckpt::cli

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <optional>

#include "ckpt/edit.h"
#include "ckpt/group.h"
#include "ckpt/text.h"
#include "commands.h"
#include "facts.h"
#include "input.h"
#include "json.h"
#include "output.h"
#include "render.h"
#include "select.h"

namespace ckpt::cli {
namespace {

Error usage(std::string message) { return {.code = Errc::usage, .message = std::move(message)}; }

// ---- --rename OLD=NEW, OLD*=NEW*; --rename-regex s/RE/NEW/ ----

// Every rule is tried in turn, on what the one before made of the name.
class Renaming {
 public:
  static Result<Renaming> create(const EditCommand& options) {
    Renaming renaming;
    for (const std::string& text : options.rename) {
      const auto at = text.find('=');
      if (at == text.npos || at == 0) return usage("--rename needs OLD=NEW, not '" + escape(text) + "'");
      Rule rule{.from = text.substr(0, at), .to = text.substr(at + 1)};
      rule.prefix = rule.from.ends_with('*') && rule.to.ends_with('*');
      if (rule.prefix) {
        rule.from.pop_back();
        rule.to.pop_back();
      }
      renaming.rules_.push_back(std::move(rule));
    }
    for (const std::string& text : options.rename_regex) {
      const auto middle = text.size() > 3 ? text.find(text[1], 2) : text.npos;
      if (text[0] != 's' || middle == text.npos || middle + 1 >= text.size() || text.back() != text[1] ||
          middle == text.size() - 1)
        return usage("--rename-regex needs s/REGEX/NEW/, not '" + escape(text) + "'");
      auto regex = std::make_shared<re2::RE2>(text.substr(2, middle - 2), re2::RE2::Quiet);
      const std::string to = text.substr(middle + 1, text.size() - middle - 2);
      std::string why;
      if (!regex->ok()) return usage("--rename-regex: " + escape(regex->error()));
      if (!regex->CheckRewriteString(to, &why)) return usage("--rename-regex: " + escape(why));
      renaming.rules_.push_back({.to = to, .regex = std::move(regex)});
    }
    return renaming;
  }

  bool empty() const noexcept { return rules_.empty(); }

  std::string operator()(std::string_view name) const {
    std::string text(name);
    for (const Rule& rule : rules_) {
      if (rule.regex) {
        re2::RE2::GlobalReplace(&text, *rule.regex, rule.to);
      } else if (rule.prefix && text.starts_with(rule.from)) {
        text.replace(0, rule.from.size(), rule.to);
      } else if (text == rule.from) {
        text = rule.to;
      }
    }
    return text;
  }

 private:
  struct Rule {
    std::string from = {};
    std::string to = {};
    bool prefix = false;
    std::shared_ptr<re2::RE2> regex = {};
  };
  std::vector<Rule> rules_ = {};
};

// ---- --cast [PATTERN=]DTYPE ----

bool is_float(DType dtype) {
  switch (dtype) {
    case DType::float16:
    case DType::bfloat16:
    case DType::float32:
    case DType::float64:
    case DType::float8_e4m3fn:
    case DType::float8_e5m2:
      return true;
    default:
      return false;
  }
}

bool is_integer(DType dtype) { return dtype >= DType::int8 && dtype <= DType::uint64; }

// A type alone goes for numbers of its own kind: `--cast Float16` leaves an Int32 step counter alone.
class Casting {
 public:
  static Result<Casting> create(const EditCommand& options) {
    Casting casting;
    for (const std::string& text : options.cast) {
      const auto at = text.rfind('=');
      const std::string word = at == text.npos ? text : text.substr(at + 1);
      Rule rule{.to = dtype_from_name(word)};
      if (rule.to == DType::unknown) return usage("--cast: no type is called '" + escape(word) + "'");
      if (at != text.npos) {
        auto selection = Selection::create({.patterns = {text.substr(0, at)}, .regex = options.regex});
        if (!selection) return std::move(selection).error();
        rule.selection = std::make_shared<Selection>(std::move(*selection));
      }
      casting.rules_.push_back(std::move(rule));
    }
    return casting;
  }

  bool empty() const noexcept { return rules_.empty(); }

  DType operator()(const TensorInfo& tensor) const {
    DType to = DType::unknown;
    for (const Rule& rule : rules_) {
      const bool same_kind = (is_float(rule.to) && is_float(tensor.dtype)) ||
                             (is_integer(rule.to) && is_integer(tensor.dtype)) || !can_be_blanket(rule.to);
      if (rule.selection ? rule.selection->matches(tensor.name) : same_kind) to = rule.to;
    }
    return to;
  }

 private:
  static bool can_be_blanket(DType dtype) { return is_float(dtype) || is_integer(dtype); }

  struct Rule {
    DType to = DType::unknown;
    std::shared_ptr<Selection> selection = {};
  };
  std::vector<Rule> rules_ = {};
};

// ---- --set NAME=VALUE ----

Result<AppendValue> value_from(const std::string& text) {
  const auto at = text.find('=');
  if (at == text.npos || at == 0) return usage("--set needs NAME=VALUE, not '" + escape(text) + "'");
  AppendValue value{.name = text.substr(0, at)};
  const std::string word = text.substr(at + 1);
  const char* const end = word.data() + word.size();
  std::int64_t integer = 0;
  double real = 0;
  if (word == "true" || word == "false") {
    value.value = word == "true";
  } else if (const auto [rest, error] = std::from_chars(word.data(), end, integer);
             error == std::errc() && rest == end) {
    value.value = integer;
  } else if (const auto [after, failed] = std::from_chars(word.data(), end, real);
             failed == std::errc() && after == end) {
    value.value = real;
  } else if (word.size() >= 2 && word.front() == '"' && word.back() == '"') {
    value.value = word.substr(1, word.size() - 2);
  } else {
    value.value = word;
  }
  return value;
}

// ---- what is about to happen, and what did ----

std::string text_of(const AppendValue& value) {
  if (const auto* text = std::get_if<std::string>(&value.value)) return "\"" + escape(*text) + "\"";
  if (const auto* integer = std::get_if<std::int64_t>(&value.value)) return std::to_string(*integer);
  if (const auto* real = std::get_if<double>(&value.value)) return fmt::format("{}", *real);
  return std::get<bool>(value.value) ? "true" : "false";
}

std::string plan_text(const EditPlan& plan, bool color) {
  Table table({{"WHAT"}, {"NAME"}, {""}});
  std::uint64_t untouched = 0;
  for (const EditStep& step : plan.steps()) {
    if (step.value != nullptr) {
      table.add({styled("set", Style::cyan, color), name_text(step.name), "= " + text_of(*step.value)});
      continue;
    }
    std::string change;
    if (step.name != step.tensor->name) change += "-> " + name_text(step.name);
    if (step.dtype != step.tensor->dtype)
      change += fmt::format("{}{} -> {}", change.empty() ? "" : ", ", name(step.tensor->dtype), name(step.dtype));
    if (change.empty())
      ++untouched;
    else
      table.add({styled("change", Style::yellow, color), name_text(step.tensor->name), change});
  }
  for (const EditDrop& drop : plan.dropped())
    table.add({styled("drop", Style::red, color), name_text(drop.tensor->name), std::string(drop.why)});
  const std::string sums = fmt::format("{} in the output, {} of them as they are; {} left out\n",
                                       counted(plan.steps().size(), "tensor"), untouched, plan.dropped().size());
  return (table.empty() ? "" : table.text(color)) + sums;
}

Json plan_json(const EditPlan& plan, const std::string& output) {
  Json json;
  json["schema"] = "ckpt.edit/1";
  set_text(json, "output", output);
  json["entries"] = Json::array();
  for (const EditStep& step : plan.steps()) {
    Json row;
    set_text(row, "name", step.name);
    row["dtype"] = std::string(name(step.dtype));
    if (step.value != nullptr) {
      row["set"] = text_of(*step.value);
    } else {
      set_text(row, "from", step.tensor->name);
      row["from_dtype"] = std::string(name(step.tensor->dtype));
    }
    json["entries"].push_back(std::move(row));
  }
  json["dropped"] = Json::array();
  for (const EditDrop& drop : plan.dropped()) {
    Json row;
    set_text(row, "name", drop.tensor->name);
    row["why"] = std::string(drop.why);
    json["dropped"].push_back(std::move(row));
  }
  return json;
}

// ---- the form of the output ----

Result<WriteOptions> write_options(const EditCommand& options, const Checkpoint& first, const OpenOptions& opened) {
  WriteOptions how{.profile = options.profile == "classic" ? Profile::classic : Profile::modern,
                   .crc = options.crc || (!options.no_crc && first.trailer().has_value()),
                   .overwrite = options.force || options.in_place};
  if (!options.new_key.file.empty() || !options.new_key.variable.empty()) {
    auto key = given_key(options.new_key);
    if (!key) return std::move(key).error();
    how.key = std::move(*key);
    how.mode = cipher_mode_from_name(options.new_key.mode).value_or(CipherMode::aes_gcm);
  } else if (first.encryption() && !options.decrypt) {
    how.key = opened.key;
    how.mode = first.encryption()->mode.value_or(CipherMode::aes_gcm);
  } else if (first.encryption()) {
    how.permissions = 0400;  // what was secret stays its owner's
  }
  if (how.key) {
    if (options.crc) return usage("--crc: an encrypted checkpoint cannot have a CRC trailer");
    how.crc = false;
  }
  return how;
}

// "out-{group}.ckpt" -> "out-weights.ckpt"
std::string path_for(std::string path, std::string_view group) {
  const std::string_view mark = "{group}";
  if (const auto at = path.find(mark); at != path.npos) path.replace(at, mark.size(), group);
  return path;
}

struct Inputs {
  std::vector<Checkpoint> files = {};
  std::vector<const Checkpoint*> pointers = {};
  OpenOptions opened = {};  // how the first one was
};

class Edit {
 public:
  Edit(Context& context, const EditCommand& options) : context_(context), options_(options) {}

  int run() {
    if (const int code = check_usage(); code != kDone) return code;
    if (const int code = open_inputs(); code != kDone) return code;
    if (!options_.split) return run_one(options_.in_place ? options_.files[0] : options_.output, std::nullopt);
    for (const Group group : {Group::weights, Group::optimizer, Group::other})
      if (const int code = run_one(path_for(options_.output, name(group)), group); code != kDone) return code;
    return kDone;
  }

 private:
  int check_usage() {
    if (options_.in_place && (!options_.output.empty() || options_.files.size() != 1 || options_.split))
      return context_.fail("--in-place takes one file, and neither -o nor --split");
    if (!options_.in_place && options_.output.empty() && !options_.dry_run)
      return context_.fail("where to? -o OUT, or --in-place", "--dry-run shows what would be done");
    if (options_.split && options_.output.find("{group}") == std::string::npos)
      return context_.fail("--split needs {group} in the output's name", "-o 'model-{group}.ckpt'");
    return kDone;
  }

  int open_inputs() {
    for (const std::string& path : options_.files) {
      auto opened = open_options(context_, path, options_.key);
      if (!opened) return context_.fail(path, opened.error());
      opened->progress = context_.progress(path);
      auto file = Checkpoint::open(path, *opened);
      if (!file) {
        const std::string salvage = file.error().code == Errc::truncated || file.error().code == Errc::malformed
                                        ? "`ckpt salvage` keeps what is whole"
                                        : hint_for(file.error(), options_.key);
        return context_.fail(path, file.error(), salvage);
      }
      if (inputs_.files.empty()) inputs_.opened = *opened;
      inputs_.files.push_back(std::move(*file));
      std::error_code none;
      if (!options_.in_place && !options_.output.empty() && std::filesystem::equivalent(path, options_.output, none))
        return context_.fail(options_.output, usage("is an input itself"), "--in-place replaces a file");
    }
    for (const Checkpoint& file : inputs_.files) inputs_.pointers.push_back(&file);
    return kDone;
  }

  int run_one(const std::string& path, std::optional<Group> only) {
    auto edit = edit_options(only);
    if (!edit) return context_.fail(edit.error().message);
    if (only && !any_of_group(*only)) return kDone;
    auto plan = EditPlan::make(inputs_.pointers, std::move(*edit));
    if (!plan) return context_.fail(to_string(plan.error()));
    if (!options_.dry_run) {
      auto how = write_options(options_, inputs_.files[0], inputs_.opened);
      if (!how) return context_.fail(how.error().message);
      const auto casts = plan->write(path, *how, context_.progress(path));
      if (!casts) return context_.fail(path, casts.error(), hint_for_output(casts.error()));
      for (const EditCast& cast : *casts)
        context_.note(fmt::format("{}: {} too large for the new type, {} NaN became 0", name_text(cast.name),
                                  counted(cast.counts.overflow, "value"), cast.counts.nan));
    }
    if (options_.json)
      context_.write(line_of(plan_json(*plan, path)));
    else if (options_.dry_run)
      context_.write(plan_text(*plan, context_.color()));
    return kDone;
  }

  Result<EditOptions> edit_options(std::optional<Group> only) {
    EditOptions edit{.strip_optimizer = options_.strip_optimizer, .rewrite = !options_.profile.empty()};
    auto keep = Selection::create({.patterns = options_.keep, .regex = options_.regex});
    if (!keep) return std::move(keep).error();
    auto drop = Selection::create({.patterns = options_.drop, .regex = options_.regex});
    if (!drop) return std::move(drop).error();
    const auto kept = std::make_shared<Selection>(std::move(*keep));
    const auto dropped = std::make_shared<Selection>(std::move(*drop));
    const bool drops = !options_.drop.empty();
    const auto groups = only ? std::make_shared<std::vector<const TensorInfo*>>(of_group(*only)) : nullptr;
    edit.keep = [=](const TensorInfo& tensor) {
      if (groups && !std::binary_search(groups->begin(), groups->end(), &tensor)) return false;
      return kept->matches(tensor.name) && !(drops && dropped->matches(tensor.name));
    };
    auto renaming = Renaming::create(options_);
    if (!renaming) return std::move(renaming).error();
    if (!renaming->empty()) edit.rename = *renaming;
    auto casting = Casting::create(options_);
    if (!casting) return std::move(casting).error();
    if (!casting->empty()) edit.cast = *casting;
    for (const std::string& text : options_.set) {
      auto value = value_from(text);
      if (!value) return std::move(value).error();
      edit.set.push_back(std::move(*value));
    }
    if (options_.conflict == "first") edit.conflict = EditOptions::Conflict::first;
    if (options_.conflict == "last") edit.conflict = EditOptions::Conflict::last;
    return edit;
  }

  std::vector<const TensorInfo*> of_group(Group wanted) const {
    std::vector<const TensorInfo*> found;
    for (const Checkpoint& file : inputs_.files) {
      const auto groups = classify(file.tensors());
      for (std::size_t i = 0; i < groups.size(); ++i)
        if (groups[i] == wanted) found.push_back(&file.tensors()[i]);
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  bool any_of_group(Group wanted) const { return !of_group(wanted).empty(); }

  Context& context_;
  const EditCommand& options_;
  Inputs inputs_ = {};
};

}  // namespace

int run(Context& context, const EditCommand& options) { return Edit(context, options).run(); }

}  // namespace ckpt::cli

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include "ckpt/edit.h"
#include "ckpt/element.h"
#include "ckpt/group.h"
#include "ckpt/text.h"
#include "commands.h"
#include "edit_rules.h"
#include "facts.h"
#include "input.h"
#include "json.h"
#include "output.h"
#include "render.h"
#include "select.h"
#include "usage.h"

namespace ckpt::cli {
namespace {

// ---- the form of the output ----

bool is_given(const KeyOptions& key) { return !key.file.empty() || !key.variable.empty(); }

// "out-{group}.ckpt" -> "out-weights.ckpt"
std::string path_for(std::string path, std::string_view group) {
  const std::string_view mark = "{group}";
  if (const auto at = path.find(mark); at != path.npos) path.replace(at, mark.size(), group);
  return path;
}

// One output: everything, or with --split one group.
struct Part {
  std::optional<Group> group = {};
  std::string path = {};
  std::vector<const TensorInfo*> entries = {};  // of the group, by address
  std::vector<AppendValue> set = {};
  std::optional<EditPlan> plan = {};

  bool has(const TensorInfo& tensor) const {
    return !group || std::binary_search(entries.begin(), entries.end(), &tensor);
  }
};

// "2 values are too large for Float16 and became infinite, 1 NaN became 0"
std::string text_of(const CastCounts& counts, DType to) {
  std::string text;
  if (counts.overflow > 0)
    text = fmt::format("{} too large for {} and became {}",
                       counts.overflow == 1 ? "1 value is" : grouped(counts.overflow) + " values are", name(to),
                       to == DType::float8_e4m3fn ? "NaN"
                       : is_integer(to)           ? "the nearest it has"
                                                  : "infinite");
  if (counts.nan > 0) text += fmt::format("{}{} NaN became 0", text.empty() ? "" : ", ", grouped(counts.nan));
  return text;
}

// Whether the output would be the input.
bool changes_nothing(const EditPlan& plan) {
  return plan.dropped().empty() && std::all_of(plan.steps().begin(), plan.steps().end(), [](const EditStep& step) {
           return step.value == nullptr && step.name == step.tensor->name && step.dtype == step.tensor->dtype;
         });
}

class Edit {
 public:
  Edit(Context& context, const EditCommand& options) : context_(context), options_(options) {}

  int run() {
    if (const int code = check_usage(); code != kDone) return code;
    if (const int code = open_inputs(); code != kDone) return code;
    if (auto status = make_rules(); !status) return context_.fail(status.error().message);
    make_parts();
    if (const int code = make_plans(); code != kDone) return code;
    auto how = write_options();
    if (!how) return context_.fail(how.error().message);
    if (options_.in_place && keep_file(*how)) return kDone;
    if (!options_.dry_run)
      if (const int code = check_outputs(*how); code != kDone) return code;
    for (const Part& part : parts_)
      if (const int code = finish(part, *how); code != kDone) return code;
    return kDone;
  }

 private:
  int check_usage() {
    if (options_.in_place && (!options_.output.empty() || options_.files.size() != 1 || options_.split))
      return context_.fail("--in-place takes one file, and neither -o nor --split");
    if (!options_.in_place && options_.output.empty() && !options_.dry_run)
      return context_.fail("where to? -o OUT, or --in-place", "--dry-run shows what would be done");
    if (!options_.new_key.mode.empty() && !is_given(options_.new_key))
      return context_.fail("--new-enc-mode needs a new key", "--new-key-file FILE, or --new-key-env NAME");
    for (const std::string& path : options_.files)
      if (auto error = needs_a_file(path)) return context_.fail(path, *error);
    if (auto error = needs_a_file(options_.output)) return context_.fail(options_.output, *error);
    if (options_.split && !options_.output.empty() && options_.output.find("{group}") == std::string::npos)
      return context_.fail("--split needs {group} in the output's name", "-o 'model-{group}.ckpt'");
    return kDone;
  }

  int open_inputs() {
    files_.reserve(options_.files.size());
    for (const std::string& path : options_.files) {
      auto opened = open_options(context_, path, options_.key);
      if (!opened) return context_.fail(path, opened.error());
      opened->progress = context_.progress(path);
      auto file = Checkpoint::open(path, *opened);
      if (!file) {
        const auto hint = file.error().code == Errc::unsupported ? hint_for_checkpoint : hint_for_whole;
        return context_.fail(path, file.error(), hint(path, file.error(), options_.key));
      }
      if (file->encryption() && !encryption_) {
        encryption_ = file->encryption();
        key_ = opened->key;
      }
      files_.push_back(std::move(*file));
    }
    for (const Checkpoint& file : files_) pointers_.push_back(&file);
    return kDone;
  }

  Status make_rules() {
    const auto selection = [&](const std::vector<std::string>& patterns) {
      return Selection::create({.patterns = patterns, .regex = options_.regex});
    };
    auto keep = selection(options_.keep);
    if (!keep) return std::move(keep).error();
    auto drop = selection(options_.drop);
    if (!drop) return std::move(drop).error();
    auto renaming = Renaming::create(options_.rename, options_.rename_regex);
    if (!renaming) return std::move(renaming).error();
    auto casting = Casting::create(options_);
    if (!casting) return std::move(casting).error();
    for (const std::string& text : options_.set) {
      auto value = value_from(text);
      if (!value) return std::move(value).error();
      set_.push_back(std::move(*value));
    }
    keep_.emplace(std::move(*keep));
    drop_.emplace(std::move(*drop));
    renaming_ = std::move(*renaming);
    casting_ = std::move(*casting);
    return {};
  }

  // A value goes where the entry is whose place it takes, else to the others.
  void make_parts() {
    if (!options_.split) {
      parts_.push_back({.path = options_.in_place ? options_.files[0] : options_.output, .set = set_});
      return;
    }
    for (const Group group : {Group::weights, Group::optimizer, Group::other}) {
      Part part{.group = group, .path = path_for(options_.output, name(group)), .entries = of_group(group)};
      for (const AppendValue& value : set_)
        if (group_of(value.name) == group) part.set.push_back(value);
      parts_.push_back(std::move(part));
    }
  }

  int make_plans() {
    for (Part& part : parts_) {
      auto plan = EditPlan::make(pointers_, edit_options(part));
      if (!plan) return context_.fail(to_string(plan.error()));
      part.plan.emplace(std::move(*plan));
    }
    for (const std::string& unused : {keep_->unused(), drop_->unused(), renaming_.unused(), casting_.unused()})
      if (!unused.empty()) return context_.fail(fmt::format("nothing matches '{}'", escape(unused)));
    // A group without entries gets no file, unless none would get one.
    const auto is_empty = [](const Part& part) { return part.plan->steps().empty(); };
    if (!std::all_of(parts_.begin(), parts_.end(), is_empty)) std::erase_if(parts_, is_empty);
    for (const Part& part : parts_)
      if (auto status = part.plan->writable(); !status)
        return context_.fail(to_string(status.error()),
                             part.plan->conflicts().empty() ? "" : "--conflict first, or last");
    return kDone;
  }

  EditOptions edit_options(const Part& part) const {
    EditOptions edit{
        .strip_optimizer = options_.strip_optimizer, .set = part.set, .rewrite = !options_.profile.empty()};
    edit.keep = [this, &part](const TensorInfo& tensor) {
      if (!part.has(tensor)) return false;
      const bool dropped = !options_.drop.empty() && drop_->matches(tensor.name);
      return keep_->matches(tensor.name) && !dropped;
    };
    if (!renaming_.empty()) edit.rename = [this](std::string_view text) { return renaming_(text); };
    if (!casting_.empty()) edit.cast = [this](const TensorInfo& tensor) { return casting_(tensor); };
    if (options_.conflict == "first") edit.conflict = EditOptions::Conflict::first;
    if (options_.conflict == "last") edit.conflict = EditOptions::Conflict::last;
    return edit;
  }

  // The permissions of the file stay. True if the rest does, too: then there is nothing to do.
  bool keep_file(WriteOptions& how) {
    struct stat status {};
    if (::stat(options_.files[0].c_str(), &status) == 0) how.permissions = status.st_mode & 07777U;
    const bool same_form = how.crc == files_[0].trailer().has_value() && !options_.decrypt &&
                           !is_given(options_.new_key) && options_.profile.empty();
    if (!same_form || !changes_nothing(*parts_[0].plan)) return false;
    context_.note(fmt::format("{}: there is nothing to change", file_text(options_.files[0])));
    return true;
  }

  // Before anything is written, so that of several outputs all are or none.
  int check_outputs(const WriteOptions& how) {
    for (const Part& part : parts_) {
      std::error_code none;
      for (const std::string& input : options_.files)
        if (!options_.in_place && std::filesystem::equivalent(input, part.path, none))
          return context_.fail(part.path, usage("is an input itself"), "--in-place replaces a file");
      for (const std::string& key : {options_.key.file, options_.new_key.file})
        if (!key.empty() && std::filesystem::equivalent(key, part.path, none))
          return context_.fail(part.path, usage("is the file with the key"));
      if (!how.overwrite && std::filesystem::exists(part.path, none))
        return context_.fail(part.path, usage("the file exists"), "--force replaces it");
    }
    return kDone;
  }

  int finish(const Part& part, const WriteOptions& how) {
    const EditPlan& plan = *part.plan;
    std::vector<EditCast> lossy;
    if (!options_.dry_run) {
      auto casts = plan.write(part.path, how, context_.progress(part.path));
      if (!casts && casts.error().code == Errc::changed && options_.files.size() == 1)
        return context_.fail(options_.files[0], casts.error());
      if (!casts) return context_.fail(part.path, casts.error(), hint_for_output(casts.error()));
      lossy = std::move(*casts);
      warn_of(lossy);
    }
    if (options_.json)
      context_.write(line_of(plan_json(part, lossy)));
    else if (options_.dry_run)
      context_.write(plan_text(part, how));
    return kDone;
  }

  // A cast does what it was asked for; what that cost is said, and the exit status stays 0.
  void warn_of(const std::vector<EditCast>& lossy) {
    CastCounts all;
    for (const EditCast& cast : lossy) {
      context_.note(fmt::format("{}: {}", name_text(cast.name), text_of(cast.counts, cast.to)));
      all.overflow += cast.counts.overflow;
      all.nan += cast.counts.nan;
    }
    if (lossy.size() > 1)
      context_.note(fmt::format("in all {} of {} had no counterpart in the new type",
                                counted(all.overflow + all.nan, "value"), counted(lossy.size(), "tensor")));
  }

  Result<WriteOptions> write_options() const;
  std::string plan_text(const Part& part, const WriteOptions& how) const;
  Json plan_json(const Part& part, const std::vector<EditCast>& lossy) const;

  std::vector<const TensorInfo*> of_group(Group wanted) const {
    std::vector<const TensorInfo*> found;
    for (const Checkpoint& file : files_) {
      const auto groups = classify(file.tensors());
      for (std::size_t i = 0; i < groups.size(); ++i)
        if (groups[i] == wanted) found.push_back(&file.tensors()[i]);
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  Group group_of(const std::string& text) const {
    for (const Group group : {Group::weights, Group::optimizer})
      for (const TensorInfo* tensor : of_group(group))
        if (renaming_(tensor->name) == text) return group;
    return Group::other;
  }

  Context& context_;
  const EditCommand& options_;
  std::vector<Checkpoint> files_ = {};
  std::vector<const Checkpoint*> pointers_ = {};
  std::optional<Encryption> encryption_ = {};  // of the first input that is encrypted
  std::optional<Key> key_ = {};                // ... and its key
  std::optional<Selection> keep_ = {};
  std::optional<Selection> drop_ = {};
  Renaming renaming_ = {};
  Casting casting_ = {};
  std::vector<AppendValue> set_ = {};
  std::vector<Part> parts_ = {};
};

// As the inputs are: with a trailer if the first has one, encrypted if any of them is.
Result<WriteOptions> Edit::write_options() const {
  WriteOptions how{.profile = options_.profile == "classic" ? Profile::classic : Profile::modern,
                   .crc = options_.crc || (!options_.no_crc && files_[0].trailer().has_value()),
                   .overwrite = options_.force || options_.in_place};
  if (is_given(options_.new_key)) {
    auto key = given_key(options_.new_key);
    if (!key) return std::move(key).error();
    how.key = std::move(*key);
    how.mode = cipher_mode_from_name(options_.new_key.mode).value_or(CipherMode::aes_gcm);
  } else if (encryption_ && !options_.decrypt) {
    how.key = key_;
    how.mode = encryption_->mode.value_or(CipherMode::aes_gcm);
  }
  if (how.key && options_.crc) return usage("--crc: an encrypted checkpoint cannot have a CRC trailer");
  if (how.key) how.crc = false;
  return how;
}

std::string form_text(const WriteOptions& how) {
  std::string text;
  if (how.crc) text += ", with a CRC trailer";
  if (how.key) text += ", encrypted with " + std::string(name(how.mode));
  return text;
}

// ---- what is about to happen ----

// As it is stored.
std::string value_text(const EditStep& step) {
  if (const auto* text = std::get_if<std::string>(&step.value->value)) return "\"" + escape(*text) + "\"";
  return element_text(step.dtype, step.element);
}

std::string Edit::plan_text(const Part& part, const WriteOptions& how) const {
  const EditPlan& plan = *part.plan;
  const bool color = context_.color();
  std::size_t left_out = 0;
  Table table({{"WHAT"}, {"NAME"}, {"CHANGE"}});
  std::uint64_t untouched = 0;
  for (const EditStep& step : plan.steps()) {
    if (step.value != nullptr) {
      table.add({styled("set", Style::cyan, color), name_text(step.name), "= " + value_text(step)});
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
  for (const EditDrop& drop : plan.dropped()) {
    if (!part.has(*drop.tensor)) continue;
    ++left_out;
    table.add({styled("drop", Style::red, color), name_text(drop.tensor->name), std::string(drop.why)});
  }
  const std::string output = !part.path.empty() ? file_text(part.path)
                             : part.group       ? std::string(name(*part.group))
                                                : "the output";
  const std::string as_they_are =
      options_.profile.empty() ? fmt::format("{} of them as they are", untouched) : "written anew, " + options_.profile;
  return (table.empty() ? "" : table.text(color)) + fmt::format("{}: {}, {}{}; {} left out\n", output,
                                                                counted(plan.steps().size(), "tensor"), as_they_are,
                                                                form_text(how), left_out);
}

Json Edit::plan_json(const Part& part, const std::vector<EditCast>& lossy) const {
  const EditPlan& plan = *part.plan;
  auto cast = lossy.begin();  // in the order of the steps
  Json json;
  json["schema"] = "ckpt.edit/1";
  set_text(json, "output", part.path);
  json["entries"] = Json::array();
  for (const EditStep& step : plan.steps()) {
    Json row;
    set_text(row, "name", step.name);
    row["dtype"] = std::string(name(step.dtype));
    if (step.value != nullptr) {
      row["set"] = value_text(step);
    } else {
      set_text(row, "from", step.tensor->name);
      row["from_dtype"] = std::string(name(step.tensor->dtype));
    }
    if (cast != lossy.end() && cast->name == step.name) {
      row["overflow"] = cast->counts.overflow;
      row["nan_to_zero"] = cast->counts.nan;
      ++cast;
    }
    json["entries"].push_back(std::move(row));
  }
  json["dropped"] = Json::array();
  for (const EditDrop& drop : plan.dropped()) {
    if (!part.has(*drop.tensor)) continue;
    Json row;
    set_text(row, "name", drop.tensor->name);
    row["why"] = std::string(drop.why);
    json["dropped"].push_back(std::move(row));
  }
  return json;
}

}  // namespace

int run(Context& context, const EditCommand& options) { return Edit(context, options).run(); }

}  // namespace ckpt::cli

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>

#include "bind.h"
#include "ckpt/digest.h"
#include "ckpt/text.h"
#include "commands.h"
#include "containers.h"
#include "export_verify.h"
#include "fold_batch_norm.h"
#include "geir_file.h"
#include "graph_report.h"
#include "graph_text.h"
#include "input.h"
#include "input_spec.h"
#include "json.h"
#include "networks.h"
#include "onnx_file.h"
#include "onnx_refresh.h"
#include "op.h"
#include "output.h"
#include "passes.h"
#include "read_graph.h"
#include "render.h"
#include "target_graph.h"
#include "version.h"

namespace ckpt::cli {
namespace {

using graph::Binding;
using graph::Graph;
using graph::GraphFormat;
using graph::Refusals;

constexpr int kUsualOpset = 17;
constexpr std::size_t kMostLines = 10;  // of parameters that do not bind; --json has them all

enum class Format : std::uint8_t { none, onnx, geir };

Format format_of(const ExportCommand& options) {
  const auto is = [](std::string_view text, std::initializer_list<std::string_view> words) {
    return std::ranges::find(words, text) != words.end();
  };
  const std::string extension = std::filesystem::path(options.output).extension().string();
  if (options.format == "onnx" || (options.format.empty() && is(extension, {".onnx"}))) return Format::onnx;
  if (options.format == "geir" || (options.format.empty() && is(extension, {".pb", ".air", ".geir"})))
    return Format::geir;
  // Nothing is written, so nothing says which.
  return options.format.empty() && options.output.empty() ? Format::onnx : Format::none;
}

/// One run of the command: from files to a network with its weights, and on to what was asked for. Steps return false
/// once they have said why.
class Export {
 public:
  Export(Context& context, const ExportCommand& options)
      : context_(context), options_(options), format_(format_of(options)) {}

  int run() {
    if (check_options() && read_source() && check_network_options() && read_inputs() && bind_weights() && fold() &&
        convert())
      finish();
    return code_;
  }

 private:
  bool fail(std::string_view file, const Error& error, std::string_view hint = {}) {
    code_ = context_.fail(file, error, hint);
    return false;
  }
  bool misusage(std::string_view file, std::string message, std::string_view hint = {}) {
    return fail(file, {.code = Errc::usage, .message = std::move(message)}, hint);
  }

  bool misuse(std::string_view message, std::string_view hint = {}) {
    code_ = context_.fail(message, hint);
    return false;
  }

  bool check_options() {
    for (const std::string& path : {options_.file, options_.graph})
      if (auto error = needs_a_file(path)) return fail(path, *error);
    if (options_.output == "-") return misuse("-o -: a model is written to a file, not to a pipe");
    if (format_ == Format::none)
      return misusage(options_.output, "its name does not say which format", "--format onnx or geir does");
    if (options_.output.empty() && !options_.check && !options_.dump)
      return misuse("OUT is missing", "-o OUT writes the model; --check only says whether it can be made");
    const bool named_onnx = std::filesystem::path(options_.output).extension() == ".onnx";
    if (format_ == Format::geir && named_onnx)
      return misusage(options_.output, "its name says ONNX, --format says GEIR");
    if (format_ == Format::geir &&
        (options_.half || options_.external_data || options_.digest || options_.opset != kUsualOpset))
      return misuse("--half, --external-data, --digest and --opset are for ONNX only");
    for (const std::string& text : options_.inputs) {
      auto spec = graph::parse_input_spec(text);
      if (!spec) return misuse("--input " + spec.error().message, "32x3x224x224:float32 is one, Nx3x224x224 another");
      inputs_.push_back(std::move(*spec));
    }
    return keeps({options_.file, options_.graph}, "is the input itself") &&
           keeps({options_.key.file}, "is the file with the key");
  }

  /// What is written: the model, and the file beside it with its values. Where there is none yet, it may become one.
  std::vector<std::filesystem::path> targets() const {
    if (options_.output.empty()) return {};
    std::vector<std::filesystem::path> paths{options_.output};
    if (format_ == Format::onnx) paths.push_back(graph::data_path_of(options_.output));
    return paths;
  }

  // No file that is read is written: --force is for what was there before.
  bool keeps(std::initializer_list<std::string> files, const char* what) {
    for (const std::filesystem::path& target : targets()) {
      for (const std::string& file : files) {
        std::error_code none;
        if (!file.empty() && std::filesystem::equivalent(target, file, none)) return misusage(target.string(), what);
      }
    }
    return true;
  }

  // Values may be in files that only a graph names.
  bool keeps_values(const Graph& of, const std::string& file) {
    for (const graph::Value& value : of.values)
      for (const graph::Contents::Run& run : value.contents.runs)
        if (run.source && !keeps_source(*run.source, file)) return false;
    return true;
  }
  bool keeps_values(const Checkpoint& of, const std::string& file) {
    for (const TensorInfo& tensor : of.tensors())
      for (const Extent& extent : tensor.extents)
        if (!keeps_source(of.source(extent.source), file)) return false;
    return true;
  }
  bool keeps_source(const Source& source, const std::string& file) {
    if (!sources_.insert(&source).second) return true;
    for (const std::filesystem::path& target : targets())
      if (replaces(target, source))
        return misusage(target.string(), fmt::format("holds values of \"{}\"", escape(file)));
    return true;
  }

  // What has no effect is refused: it was meant to have one.
  bool check_network_options() {
    const char* useless = nullptr;
    if (!options_.pad_mode.empty() && !network_.starts_with("resnet")) useless = "--pad-mode is of a built-in ResNet";
    if (options_.heads > 0 && network_ != "transformer_encoder") useless = "--heads is of the built-in Transformer";
    if (options_.num_classes > 0 && network_.empty()) useless = "--num-classes is of a built-in network";
    if (!options_.result.empty() && !source_format_) useless = "--result is of a network in a file";
    return useless == nullptr || misuse(fmt::format("{}, and \"{}\" is none", useless, escape(source_)));
  }

  // ---- the network, and the file with its weights ----

  bool read_source() {
    if (!options_.graph.empty()) return read_weights() && read_graph_file(options_.graph);
    if (!options_.network.empty()) return read_weights() && make_network(options_.network);
    return read_file();
  }

  bool read_graph_file(const std::string& path) {
    auto read = graph::read_graph(path, {.output = options_.result});
    if (!read) return fail(path, read.error());
    source_ = path;
    source_format_ = read->format;
    graph_ = std::move(read->graph);
    refusals_ = std::move(read->refusals);
    return keeps_values(graph_, path);
  }

  // A network with its weights, or weights alone?
  bool read_file() {
    const auto file = open_file(options_.file);
    if (!file) return fail(options_.file, file.error());
    const auto identity = identify(**file);
    if (!identity) return fail(options_.file, identity.error());
    const bool foreign = identity->format == FileFormat::safetensors || identity->format == FileFormat::npy ||
                         identity->format == FileFormat::npz;
    if (foreign || identity->encryption || !graph::is_graph(**file)) return read_weights() && choose_network();
    return read_graph_file(options_.file);
  }

  bool read_weights() {
    auto open = open_options(context_, options_.file, options_.key);
    if (!open) return fail(options_.file, open.error());
    open->progress = context_.progress(options_.file);
    auto file = containers::open_any(options_.file, *open);
    if (!file) return fail(options_.file, file.error(), hint_for_weights(file.error()));
    secret_ = file->file.encryption().has_value();
    weights_ = std::make_shared<const Checkpoint>(std::move(file->file));
    return keeps_values(*weights_, options_.file);
  }

  std::string hint_for_weights(const Error& error) const {
    const auto file = open_file(options_.file);
    if (file && error.code == Errc::unsupported && graph::is_graph(**file))
      return fmt::format("without {} its own network and weights are exported",
                         options_.network.empty() ? "--graph" : "--network");
    return hint_for_whole(options_.file, error, options_.key);
  }

  graph::NetworkOptions network_options() const {
    graph::NetworkOptions how{.pad_mode = options_.pad_mode};
    if (options_.num_classes > 0) how.num_classes = options_.num_classes;
    if (options_.heads > 0) how.heads = options_.heads;
    if (inputs_.size() == 1) how.input = inputs_[0].dims;
    return how;
  }

  bool choose_network() {
    const auto name = graph::match_network(*weights_, network_options());
    if (!name)
      return fail(options_.file, name.error(), "--network NAME takes a built-in one, --graph FILE one from a file");
    return make_network(std::string(*name));
  }

  bool make_network(const std::string& name) {
    auto made = graph::make_network(name, network_options(), weights_.get());
    if (!made) return fail(options_.file, made.error());
    network_ = source_ = name;
    graph_ = std::move(*made);
    return true;
  }

  // ---- what is made of them ----

  bool read_inputs() {
    const auto batch = [&] {
      const graph::Dims* const dims = graph_.inputs.empty() ? nullptr : &graph_.value(graph_.inputs[0]).type.dims;
      return dims == nullptr || dims->empty() ? graph::Dim() : dims->front();
    };
    const graph::Dim before = batch();
    if (!inputs_.empty() && source_format_) baked_ = graph::release_batch(graph_);
    if (auto status = graph::apply_input_specs(graph_, inputs_); !status) return fail(source_, status.error());
    if (batch() == before) baked_ = {};
    return true;
  }

  bool refreshes() const { return source_format_ == GraphFormat::onnx; }

  bool bind_weights() {
    if (refreshes()) return refresh();
    if (weights_) binding_ = graph::bind(graph_, weights_);
    for (const graph::Value& value : graph_.values)
      if (!weights_ && value.kind == graph::ValueKind::parameter && !value.bound)
        binding_.missing.push_back({.parameter = value.name, .reason = "has no values in the file"});
    if (options_.allow_missing) graph::unbound_to_inputs(graph_);
    return true;
  }

  bool binds() const { return binding_.unfit.empty() && (binding_.missing.empty() || options_.allow_missing); }

  // Weights that are not there cannot be folded; the report says that they are not.
  bool fold() {
    if (!options_.fold_batch_norm || !binds()) return true;
    graph::fold_batch_norms(graph_);
    graph::fold_biases(graph_);
    return true;
  }

  bool convert() {
    if (refreshes()) return true;
    // What one step refuses the next leaves out, so that all that stands in the way is said at once.
    if (!refusals_.empty() && !graph::verify(graph_)) return true;
    const Refusals untyped = graph::infer_types(graph_);
    if (untyped.empty() && refusals_.empty()) graph::fold_constants(graph_);
    converted_ =
        format_ == Format::geir ? graph::convert_to_ge(graph_) : graph::convert_to_onnx(graph_, options_.opset);
    const bool said = !refusals_.empty() || !untyped.empty();  // why some types are not known
    for (const graph::Refusal& refusal : untyped.list()) refuse_also(refusal);
    if (untyped.empty())
      for (const graph::Refusal& refusal : baked_.list()) refuse_also(refusal);
    for (const graph::Refusal& refusal : converted_->refusals.list())
      if (!said || refusal.reason != graph::kUntyped) refuse_also(refusal);
    return true;
  }

  // What two steps say is said once.
  void refuse_also(const graph::Refusal& refusal) {
    const bool again = std::ranges::any_of(refusals_.list(), [&](const graph::Refusal& earlier) {
      return earlier.op == refusal.op && earlier.reason == refusal.reason;
    });
    for (std::size_t i = 0; !again && i < refusal.nodes; ++i) refusals_.add(refusal.op, refusal.first, refusal.reason);
  }

  // An ONNX model stays as it is but for its weights.
  bool refresh() {
    if (format_ == Format::geir) return misusage(source_, "an ONNX model can get new weights, but no other format");
    if (!weights_)
      return misusage(source_, "is ONNX already", "`ckpt export X.ckpt --graph FILE` gives it new weights");
    if (!inputs_.empty() || options_.fold_batch_norm || options_.half || options_.opset != kUsualOpset ||
        !options_.result.empty())
      return misusage(source_, "of an ONNX model only the weights can be changed");
    auto refreshed = graph::OnnxRefresh::read(source_, weights_);
    if (!refreshed) return fail(source_, refreshed.error());
    refreshed_.emplace(std::move(*refreshed));
    binding_ = refreshed_->binding();
    return true;
  }

  // ---- the end ----

  void finish() {
    if (options_.dump) return dump();
    const bool can = refusals_.empty() && binds();
    if (can && !options_.check && !write()) return;
    if (options_.json) context_.write(line_of(report(can && !options_.check)));
    if (can) {
      if (options_.check && !options_.json) say_that_it_can();
      note_prefix();
      note_left_over();
    } else if (options_.check) {
      if (!options_.json) show_problems();
      code_ = kNo;
    } else {
      code_ = tell_problems();
    }
  }

  void dump() {
    const auto text = graph::to_text(graph_);
    if (!text) {
      fail(source_, text.error());
      return;
    }
    context_.write(*text);
    if (!refusals_.empty()) code_ = tell_problems();
  }

  std::string target_text() const {
    return format_ == Format::geir ? "GEIR" : fmt::format("ONNX (opset {})", options_.opset);
  }

  std::string problem_text() const {
    std::string text;
    if (!refusals_.empty())
      text = fmt::format("{} cannot be converted to {}", counted(refusals_.list().size(), "operator"), target_text());
    if (!binds()) text += (text.empty() ? "" : ", and ") + unbound_text();
    return text;
  }

  std::string unbound_text() const {
    const std::size_t count = binding_.missing.size() + binding_.unfit.size();
    if (!weights_) return fmt::format("{} without values", counted(count, "parameter"));
    const char* const are = count == 1 ? "is" : "are";
    if (refreshes())
      return fmt::format("{} of {} {} not in it, or of another shape", counted(count, "weight"), escape(options_.file),
                         are);
    return fmt::format("{} of the network {} not in {}, or of another shape", counted(count, "parameter"), are,
                       escape(options_.file));
  }

  // Those of another shape first: there something is wrong, where others may only be missing.
  std::vector<std::string> binding_lines() const {
    std::vector<std::string> lines;
    const std::size_t count = binding_.missing.size() + binding_.unfit.size();
    for (const auto* const some : {&binding_.unfit, &binding_.missing})
      for (const graph::Unbound& parameter : *some)
        if (lines.size() < kMostLines) lines.push_back(text_of(parameter));
    if (count > lines.size()) lines.push_back(fmt::format("and {} more", grouped(count - lines.size())));
    return lines;
  }

  std::string hint() const {
    const bool all_known = std::ranges::all_of(
        refusals_.list(), [](const graph::Refusal& refusal) { return graph::find_op(refusal.op) != nullptr; });
    if (!all_known) return "`ckpt export --operators` lists what can be converted";
    if (!refusals_.empty()) return usual_input();
    if (!weights_) return fmt::format("`ckpt export X.ckpt --graph {}` takes them from a checkpoint", escape(source_));
    const auto cast = [](const graph::Unbound& parameter) { return parameter.other_type; };
    if (binding_.missing.empty() && std::ranges::all_of(binding_.unfit, cast))
      return "`ckpt edit --cast` gives weights another type";
    if (network_.empty() || binding_.bound > 0) return {};
    const auto other = graph::match_network(*weights_, network_options());
    return other ? fmt::format("its weights are those of {}", *other) : other.error().message;
  }

  std::string usual_input() const {
    if (network_.empty() || inputs_.empty()) return {};
    graph::NetworkOptions how = network_options();
    how.input.clear();
    const auto usual = graph::make_network(network_, how, weights_.get());
    return usual ? fmt::format("the usual input of {} is {}", network_, type_text(usual->value(usual->inputs[0]).type))
                 : std::string();
  }

  // As results, which --check is asked for.
  void show_problems() {
    context_.write(fmt::format("{}: {}\n", escape(source_), problem_text()));
    Table table({{"  OPERATOR"}, {"NODES", Table::Align::right}, {"REASON"}, {"FIRST"}});
    for (const graph::Refusal& refusal : refusals_.list())
      table.add({"  " + escape(refusal.op), grouped(refusal.nodes), escape(refusal.reason), escape(refusal.first)});
    context_.write(table.text(context_.color()));
    std::vector<std::string> lines;
    if (!binds()) lines = binding_lines();
    if (std::string advice = hint(); !advice.empty()) lines.push_back(std::move(advice));
    for (const std::string& line : lines) context_.write("  " + line + "\n");
  }

  // As errors.
  int tell_problems() {
    for (const graph::Refusal& refusal : refusals_.list())
      context_.note(fmt::format("{}: {}: {}", escape(source_), escape(refusal.op), text_of(refusal)));
    if (!binds())
      for (const std::string& line : binding_lines()) context_.note(fmt::format("{}: {}", escape(options_.file), line));
    return context_.fail(fmt::format("{}: {}; nothing was written", escape(source_), problem_text()), hint());
  }

  void say_that_it_can() {
    const std::size_t nodes = converted_ ? converted_->target.steps().size() : graph_.nodes.size();
    context_.write(
        fmt::format("{}: can be converted to {}: {}\n", escape(source_), target_text(), counted(nodes, "node")));
  }

  void note_prefix() {
    const auto& [of_network, of_file] = binding_.prefix;
    if (!of_network.empty())
      context_.note(fmt::format("{}: found without \"{}\", which the names in {} begin with", escape(options_.file),
                                escape(of_network), escape(source_)));
    if (!of_file.empty())
      context_.note(fmt::format("{}: found behind \"{}\", which all names there begin with", escape(options_.file),
                                escape(of_file)));
  }

  void note_left_over() {
    if (binding_.left_over.empty()) return;
    context_.note(fmt::format("{}: {} not in the network, the first is \"{}\"", escape(options_.file),
                              binding_.left_over.size() == 1 ? std::string("1 weight is")
                                                             : counted(binding_.left_over.size(), "weight") + " are",
                              escape(binding_.left_over[0])));
  }

  Json report(bool written) const {
    Json json;
    json["schema"] = "ckpt.export/1";
    set_text(json, "file", options_.file);
    if (!network_.empty())
      json["network"] = network_;
    else
      set_text(json, "graph", source_);
    json["format"] = format_ == Format::geir ? "geir" : "onnx";
    if (format_ == Format::onnx) json["opset"] = options_.opset;
    if (written) set_text(json, "output", options_.output);
    json["written"] = written;
    for (const auto& [key, ids] : {std::pair("inputs", &graph_.inputs), std::pair("outputs", &graph_.outputs)}) {
      json[key] = Json::array();
      for (const graph::ValueId id : *ids) json[key].push_back(json_of(graph_.value(id)));
    }
    if (!binding_.prefix.wanted.empty()) set_text(json, "network_prefix", binding_.prefix.wanted);
    if (!binding_.prefix.there.empty()) set_text(json, "file_prefix", binding_.prefix.there);
    json["missing"] = json_of(binding_);
    json["unused"] = Json::array();
    for (const std::string& name : binding_.left_over) {
      Json row;
      set_text(row, "name", name);
      json["unused"].push_back(std::move(row));
    }
    json["refusals"] = json_of(refusals_);
    return json;
  }

  bool write() {
    const unsigned permissions = secret_ ? 0600 : default_permissions() & 0644;
    const Progress progress = context_.progress(options_.output);
    const auto before = old_values();
    Status status;
    if (format_ == Format::geir) {
      status = graph::write_geir(options_.output, graph_, converted_->target,
                                 {.permissions = permissions, .overwrite = options_.force, .progress = progress});
    } else {
      graph::OnnxOptions how{.producer_version = CKPT_VERSION,
                             .external_data = options_.external_data,
                             .half = options_.half,
                             .permissions = permissions,
                             .overwrite = options_.force,
                             .progress = progress};
      if (options_.digest && !add_digest(how)) return false;
      status = refreshed_ ? refreshed_->write(options_.output, how)
                          : graph::write_onnx(options_.output, graph_, converted_->target, how);
    }
    if (status) return note_old_values(before);
    const Error& error = status.error();
    const bool reading =
        !error.tensor.empty() || error.code == Errc::changed || error.message.starts_with("cannot read");
    return fail(reading ? (weights_ ? options_.file : source_) : options_.output, error, hint_for_output(error));
  }

  /// When the file was written that a model here has, or had, its values in.
  std::optional<std::filesystem::file_time_type> old_values() const {
    std::error_code none;
    const auto time = std::filesystem::last_write_time(graph::data_path_of(options_.output), none);
    return none || format_ != Format::onnx ? std::nullopt : std::optional(time);
  }

  // A model that was replaced by one that has its values inside leaves them behind. They may be another's, too.
  bool note_old_values(const std::optional<std::filesystem::file_time_type>& before) {
    if (before && before == old_values())
      context_.note(fmt::format("{}: the model has its values inside, so nothing in it refers to {}",
                                escape(options_.output), escape(graph::data_path_of(options_.output).string())));
    return true;
  }

  bool add_digest(graph::OnnxOptions& how) {
    if (!weights_) return misusage(source_, "--digest is of a checkpoint, and there is none");
    const auto digests = digest(*weights_, {.progress = context_.progress(options_.file)});
    if (!digests) return fail(options_.file, digests.error());
    how.metadata[graph::kDigestKey] = digests->content;
    return true;
  }

  Context& context_;
  const ExportCommand& options_;
  Format format_;
  std::vector<graph::InputSpec> inputs_ = {};
  std::string source_ = {};   // of the network: a file, or a name
  std::string network_ = {};  // a built-in one
  std::optional<GraphFormat> source_format_ = {};
  Graph graph_ = {};
  std::shared_ptr<const Checkpoint> weights_ = {};
  std::set<const Source*> sources_ = {};  // that were looked at
  bool secret_ = false;
  Binding binding_ = {};
  Refusals refusals_ = {};
  Refusals baked_ = {};  // what cannot have another batch, where one is asked for
  std::optional<graph::Converted> converted_ = {};
  std::optional<graph::OnnxRefresh> refreshed_ = {};
  int code_ = kDone;
};

int list_operators(Context& context, bool json) {
  Table table({{"OPERATOR"}, {"ALSO CALLED"}, {"ONNX"}, {"GEIR"}});
  Json rows = Json::array();
  for (const graph::Op& op : graph::ops()) {
    const bool onnx = op.to_onnx != nullptr;
    const bool geir = op.to_ge != nullptr;
    if (!onnx && !geir) continue;  // of training only
    if (json)
      rows.push_back({{"name", op.name}, {"also_called", op.was}, {"onnx", onnx}, {"geir", geir}});
    else
      table.add({std::string(op.name), std::string(op.was), onnx ? "yes" : "-", geir ? "yes" : "-"});
  }
  if (!json) {
    context.write(table.text(context.color()));
    return kDone;
  }
  Json document;
  document["schema"] = "ckpt.operators/1";
  document["operators"] = std::move(rows);
  context.write(line_of(document));
  return kDone;
}

}  // namespace

int run(Context& context, const ExportCommand& options) {
  if (options.operators) return list_operators(context, options.json);
  if (options.file.empty()) return context.fail("FILE is missing", "`ckpt export --help` tells how");
  if (!options.verify.empty()) return verify_export(context, options);
  return Export(context, options).run();
}

}  // namespace ckpt::cli

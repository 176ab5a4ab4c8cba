#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>

#include "ckpt/digest.h"
#include "ckpt/text.h"
#include "commands.h"
#include "containers.h"
#include "export_report.h"
#include "export_verify.h"
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
#include "prepare.h"
#include "read_graph.h"
#include "recorded_input.h"
#include "render.h"
#include "version.h"

namespace ckpt::cli {
namespace {

using graph::Graph;
using graph::GraphFormat;

constexpr int kUsualOpset = 17;

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
      : context_(context),
        options_(options),
        format_(format_of(options)),
        out_{.file = options.file, .opset = format_ == Format::geir ? 0 : options.opset} {}

  int run() {
    if (!check_options()) return code_;
    if (!options_.verify.empty()) return verify();
    if (read_network() && check_network_options() && prepare()) finish();
    return code_;
  }

 private:
  bool fail(std::string_view file, const Error& error, std::string_view hint = {}) {
    code_ = context_.fail(file, error, hint);
    return false;
  }
  /// What is asked for cannot be, because of a file ...
  bool cannot(std::string_view file, std::string message, std::string_view hint = {}) {
    return fail(file, {.code = Errc::usage, .message = std::move(message)}, hint);
  }
  /// ... or because of another option.
  bool misused(std::string_view message, std::string_view hint = {}) {
    code_ = context_.fail(message, hint);
    return false;
  }

  // ---- options ----

  bool check_options() {
    for (const std::string& path : {options_.file, options_.graph, options_.verify})
      if (auto error = needs_a_file(path)) return fail(path, *error);
    if (options_.output == "-") return misused("-o -: a model is written to a file, not to a pipe");
    if (format_ == Format::none)
      return cannot(options_.output, "its name does not say which format", "--format onnx or geir does");
    const bool writes = !options_.check && !options_.dump && options_.verify.empty();
    if (options_.output.empty() && writes)
      return misused("OUT is missing", "-o OUT writes the model; --check only says whether it can be made");
    const bool named_onnx = std::filesystem::path(options_.output).extension() == ".onnx";
    if (format_ == Format::geir && named_onnx) return cannot(options_.output, "its name says ONNX, --format says GEIR");
    if (format_ == Format::geir &&
        (options_.half || options_.external_data || options_.digest || options_.opset != kUsualOpset))
      return misused("--half, --external-data, --digest and --opset are for ONNX only");
    for (const std::string& text : options_.inputs) {
      auto spec = graph::parse_input_spec(text);
      if (!spec) return misused("--input " + spec.error().message, "32x3x224x224:float32 is one, Nx3x224x224 another");
      inputs_.push_back(std::move(*spec));
    }
    return keeps({options_.file, options_.graph}, "is the input itself") &&
           keeps({options_.key.file}, "is the file with the key");
  }

  // What has no effect is refused: it was meant to have one.
  bool check_network_options() {
    const char* useless = nullptr;
    const std::string_view made = out_.built_in ? std::string_view(out_.network) : std::string_view();
    if (!options_.pad_mode.empty() && !made.starts_with("resnet")) useless = "--pad-mode is of a built-in ResNet";
    if (options_.heads > 0 && made != "transformer_encoder") useless = "--heads is of the built-in Transformer";
    if (options_.num_classes > 0 && made.empty()) useless = "--num-classes is of a built-in network";
    if (!options_.result.empty() && !made.empty()) useless = "--result is of a network in a file";
    return useless == nullptr || misused(fmt::format("{}, and \"{}\" is none", useless, escape(out_.network)));
  }

  // ---- files that are read are not written ----

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
        if (!file.empty() && std::filesystem::equivalent(target, file, none)) return cannot(target.string(), what);
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
      if (replaces(target, source)) return cannot(target.string(), fmt::format("holds values of \"{}\"", escape(file)));
    return true;
  }

  // ---- the network, and the file with its weights ----

  bool read_network() {
    if (!options_.graph.empty()) return read_weights() && read_graph_file(options_.graph);
    if (!options_.network.empty()) return read_weights() && make_network(options_.network);
    return read_file();
  }

  bool read_graph_file(const std::string& path) {
    auto read = graph::read_graph(path, {.output = options_.result});
    if (!read) return fail(path, read.error());
    out_.network = path;
    out_.refreshed = read->format == GraphFormat::onnx;
    out_.graph = std::move(read->graph);
    refused_ = std::move(read->refusals);
    return keeps_values(out_.graph, path);
  }

  // A network with its weights, or weights alone?
  bool read_file() {
    const auto file = open_file(options_.file);
    if (!file) return fail(options_.file, file.error());
    const auto identity = identify(**file);
    if (!identity) return fail(options_.file, identity.error());
    const bool foreign = identity->format == FileFormat::safetensors || identity->format == FileFormat::npy ||
                         identity->format == FileFormat::npz;
    // Of what is encrypted only the name tells.
    const bool named_graph = std::filesystem::path(options_.file).extension() == ".mindir";
    if (foreign || (identity->encryption && !named_graph) || !graph::is_graph(**file))
      return read_weights() && choose_network();
    return read_graph_file(options_.file);
  }

  bool read_weights() {
    auto open = open_options(context_, options_.file, options_.key);
    if (!open) return fail(options_.file, open.error());
    open->progress = context_.progress(options_.file);
    auto file = containers::open_any(options_.file, *open);
    if (!file) return fail(options_.file, file.error(), hint_for_weights(file.error()));
    secret_ = file->file.encryption().has_value();
    out_.weights = std::make_shared<const Checkpoint>(std::move(file->file));
    return keeps_values(*out_.weights, options_.file);
  }

  std::string hint_for_weights(const Error& error) const {
    const auto file = open_file(options_.file);
    if (options_.verify.empty() && file && error.code == Errc::unsupported && graph::is_graph(**file))
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
    const auto name = graph::match_network(*out_.weights, network_options());
    if (!name)
      return fail(options_.file, name.error(), "--network NAME takes a built-in one, --graph FILE one from a file");
    return make_network(std::string(*name));
  }

  bool make_network(const std::string& name) {
    graph::NetworkOptions how = network_options();
    auto made = graph::make_network(name, how, out_.weights.get());
    if (!made) return fail(options_.file, made.error());
    if (auto input = recorded_input(name, *made)) {
      how.input = std::move(*input);
      made = graph::make_network(name, how, out_.weights.get());
      if (!made) return fail(options_.file, made.error());
    }
    out_.network = name;
    out_.built_in = true;
    out_.graph = std::move(*made);
    return true;
  }

  // What is not given is as in training, where the run's graph lies beside the checkpoint. Empty: as is usual.
  std::optional<graph::Dims> recorded_input(const std::string& name, const Graph& usual) {
    const std::filesystem::path meta = graph::graph_beside(options_.file);
    if (!inputs_.empty() || !options_.verify.empty() || meta.empty()) return std::nullopt;
    auto input = graph::recorded_input(meta, name, network_options(), *out_.weights);
    graph::Type type = usual.value(usual.inputs.at(0)).type;
    if (!input) {
      context_.note(fmt::format("{}: {}; the input is the usual one, {}", file_text(meta.string()),
                                to_string(input.error()), type_text(type)));
      return std::nullopt;
    }
    if (!*input) return std::nullopt;
    (*input)->front() = type.dims.front();  // of an inference the batch stays open
    if (**input == type.dims) return std::nullopt;
    type.dims = **input;
    context_.note(fmt::format("{}: its input is {}, as in {}", file_text(options_.file), type_text(type),
                              file_text(meta.string())));
    return std::move(*input);
  }

  // ---- what is made of them ----

  bool prepare() {
    if (out_.refreshed) return refresh();
    auto prepared = graph::prepare(out_.graph, out_.weights,
                                   {.opset = out_.opset,
                                    .inputs = inputs_,
                                    .recorded = !out_.built_in,
                                    .fold_batch_norm = options_.fold_batch_norm,
                                    .allow_missing = options_.allow_missing},
                                   std::move(refused_));
    if (!prepared) return fail(out_.network, prepared.error());
    out_.prepared = std::move(*prepared);
    return true;
  }

  // An ONNX model stays as it is but for its weights.
  bool refresh() {
    if (format_ == Format::geir) return cannot(out_.network, "an ONNX model can get new weights, but no other format");
    if (!out_.weights)
      return cannot(out_.network, "is ONNX already", "`ckpt export X.ckpt --graph FILE` gives it new weights");
    if (!inputs_.empty() || options_.fold_batch_norm || options_.half || options_.opset != kUsualOpset ||
        !options_.result.empty())
      return cannot(out_.network, "of an ONNX model only the weights can be changed");
    auto model = graph::OnnxRefresh::read(out_.network, out_.weights);
    if (!model) return fail(out_.network, model.error());
    model_.emplace(std::move(*model));
    out_.prepared.binding = model_->binding();
    out_.prepared.has_weights =
        out_.prepared.binding.unfit.empty() && (out_.prepared.binding.missing.empty() || options_.allow_missing);
    return true;
  }

  // ---- the end ----

  void finish() {
    if (options_.dump) return dump();
    const bool can = out_.prepared.ready();
    const bool writes = can && !options_.check;
    if (writes && !write()) return;
    if (options_.json) context_.write(line_of(json_of(out_, writes ? options_.output : std::string())));
    if (!can) return options_.check ? show_problems() : tell_problems();
    if (options_.check && !options_.json) say_that_it_can();
    for (const std::string& line : notes(out_)) context_.note(line);
  }

  void dump() {
    const auto text = graph::to_text(out_.graph);
    if (!text) {
      fail(out_.network, text.error());
      return;
    }
    context_.write(*text);
    if (!out_.prepared.refusals.empty()) tell_problems();
  }

  /// As results, which --check is asked for.
  void show_problems() {
    code_ = kNo;
    if (options_.json) return;
    for (const std::string& line : problem_lines(out_)) context_.write(line + "\n");
    if (const std::string advice = hint(); !advice.empty()) context_.write("  " + advice + "\n");
  }

  /// As errors.
  void tell_problems() {
    std::vector<std::string> lines = problem_lines(out_);
    const std::string last = lines.back() + (options_.output.empty() ? "" : "; nothing was written");
    lines.pop_back();
    for (const std::string& line : lines) context_.note(line);
    misused(last, hint());
  }

  void say_that_it_can() {
    const auto& converted = out_.prepared.converted;
    const std::size_t nodes = converted ? converted->target.steps().size() : out_.graph.nodes.size();
    context_.write(fmt::format("{}: can be converted to {}: {}\n", escape(out_.network), target_text(out_),
                               counted(nodes, "node")));
  }

  /// What to do about what stands in the way.
  std::string hint() const {
    const auto& [binding, has_weights, refusals, converted] = out_.prepared;
    const auto known = [](const graph::Refusal& refusal) { return graph::find_op(refusal.op) != nullptr; };
    if (!std::ranges::all_of(refusals.list(), known)) return "`ckpt export --operators` lists what can be converted";
    if (!refusals.empty()) return usual_input();
    if (!out_.weights)
      return fmt::format("`ckpt export X.ckpt --graph {}` takes them from a checkpoint", escape(out_.network));
    const auto cast = [](const graph::Unbound& parameter) { return parameter.other_type; };
    if (binding.missing.empty() && std::ranges::all_of(binding.unfit, cast))
      return "`ckpt edit --cast` gives weights another type";
    if (!out_.built_in || binding.bound > 0) return {};
    const auto other = graph::match_network(*out_.weights, network_options());
    return other ? fmt::format("its weights are those of {}", *other) : other.error().message;
  }

  std::string usual_input() const {
    if (!out_.built_in || inputs_.empty()) return {};
    graph::NetworkOptions how = network_options();
    how.input.clear();
    const auto usual = graph::make_network(out_.network, how, out_.weights.get());
    if (!usual) return {};
    return fmt::format("the usual input of {} is {}", out_.network, type_text(usual->value(usual->inputs[0]).type));
  }

  // ---- writing ----

  bool write() {
    const unsigned permissions = secret_ ? 0600 : default_permissions() & 0644;
    const Progress progress = context_.progress(options_.output);
    const auto before = old_values();
    Status status;
    if (format_ == Format::geir) {
      status = graph::write_geir(options_.output, out_.graph, out_.prepared.converted->target,
                                 {.permissions = permissions, .overwrite = options_.force, .progress = progress});
    } else {
      graph::OnnxOptions how{.producer_version = CKPT_VERSION,
                             .external_data = options_.external_data,
                             .half = options_.half,
                             .permissions = permissions,
                             .overwrite = options_.force,
                             .progress = progress};
      if (options_.digest && !add_digest(how)) return false;
      status = model_ ? model_->write(options_.output, how)
                      : graph::write_onnx(options_.output, out_.graph, out_.prepared.converted->target, how);
    }
    if (status) return note_old_values(before);
    const Error& error = status.error();
    const bool reading =
        !error.tensor.empty() || error.code == Errc::changed || error.message.starts_with("cannot read");
    const std::string& read = out_.weights ? options_.file : out_.network;
    return fail(reading ? read : options_.output, error, hint_for_output(error));
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
    if (!out_.weights) return cannot(out_.network, "--digest is of a checkpoint, and there is none");
    const auto digests = digest(*out_.weights, {.progress = context_.progress(options_.file)});
    if (!digests) return fail(options_.file, digests.error());
    how.metadata[graph::kDigestKey] = digests->content;
    return true;
  }

  // ---- comparing ----

  // Weights are compared as they are; folded ones are made again, which takes the network.
  int verify() {
    if (!options_.fold_batch_norm) {
      if (!options_.network.empty() || !options_.graph.empty() || !inputs_.empty())
        misused(
            "--verify compares weights by name; it needs a network only where --fold-batch-norm makes others of them");
      else if (read_weights())
        code_ = verify_export(context_, options_, *out_.weights);
      return code_;
    }
    if (!read_network() || !check_network_options()) return code_;
    if (!out_.weights)
      cannot(options_.file, "holds a network; --verify compares a checkpoint's weights");
    else if (out_.refreshed)
      cannot(out_.network, "of an ONNX model only the weights can be changed");
    else if (!prepare())
      return code_;
    else if (!out_.prepared.has_weights)
      tell_problems();
    else
      code_ = verify_folded(context_, options_, *out_.weights, out_.graph);
    return code_;
  }

  Context& context_;
  const ExportCommand& options_;
  Format format_;
  Exported out_;
  std::vector<graph::InputSpec> inputs_ = {};
  graph::Refusals refused_ = {};          // by the reader of the network
  std::set<const Source*> sources_ = {};  // that were looked at
  bool secret_ = false;
  std::optional<graph::OnnxRefresh> model_ = {};  // that gets new weights
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
  return Export(context, options).run();
}

}  // namespace ckpt::cli

#include "training_graph.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "gradients.h"
#include "op.h"
#include "ops/rules.h"

namespace ckpt::train {

namespace {

using graph::Attrs;
using graph::Contents;
using graph::Graph;
using graph::Ints;
using graph::kAbsent;
using graph::Node;
using graph::Type;
using graph::Value;
using graph::ValueId;
using graph::ValueKind;

constexpr std::string_view kRoot = "Default/";
constexpr std::string_view kCell = "Default/network-WithLossCell/";
constexpr std::string_view kLossScope = "Default/network-WithLossCell/_loss_fn-SoftmaxCrossEntropyWithLogits";

Error usage(std::string message) { return Error{.code = Errc::usage, .message = std::move(message)}; }

/// As many as the parameter has, made when they are wanted: moments are as large as the network.
Contents filled(const Type& type, double number) {
  const std::uint64_t count = *element_count(type);
  const std::uint64_t size = count * size_of(type.dtype);
  if (number == 0)
    return {.make = [size] { return Result<std::vector<std::byte>>(std::vector<std::byte>(size)); }, .size = size};
  return {.make =
              [type, count, number] {
                return bytes_of(graph::contents_of(type.dtype, std::vector<double>(count, number)), ~std::uint64_t{0});
              },
          .size = size};
}

Status check_rates(const std::vector<double>& rates) {
  if (rates.empty()) return usage("no learning rate is given");
  if (!std::ranges::all_of(rates, [](double rate) { return rate >= 0; })) return usage("a learning rate is at least 0");
  return {};
}

std::string_view name_of(Optimizer::Kind kind) {
  return kind == Optimizer::Kind::momentum ? "Momentum" : kind == Optimizer::Kind::sgd ? "SGD" : "Adam";
}

class Builder {
 public:
  Builder(const Graph& network, const TrainingOptions& options)
      : network_(network), options_(options), optimizer_(options.optimizer), now_(network.values.size(), kAbsent) {}

  Result<Graph> make();

 private:
  Status check_network() const;
  void add_parameters();
  void add_optimizer_parameters();
  void add_slots(std::string_view prefix, double initial, std::vector<ValueId>& slots);
  ValueId add_parameter(std::string name, Type type, Contents contents);
  void copy_network();
  void add_loss();
  void update();
  void decay_and_scale();
  ValueId learning_rate();
  void momentum_or_sgd(ValueId rate);
  void adam(ValueId rate);

  ValueId constant(std::string_view name, double number, Type type = {.dtype = DType::float32});
  ValueId add(std::string_view op, std::vector<ValueId> inputs, Attrs attrs = {}, std::size_t results = 1);

  const Graph& network_;
  const TrainingOptions& options_;
  const Optimizer& optimizer_;
  Graph graph_ = {};
  std::vector<ValueId> now_;  // of the network's values: those of graph_
  std::optional<graph::NodeNames> names_ = {};
  std::string scope_ = {};
  std::vector<ValueId> weights_ = {};  // what is trained, and for each:
  std::vector<ValueId> gradients_ = {};
  std::vector<ValueId> first_slots_ = {};   // moments, accum, moment1
  std::vector<ValueId> second_slots_ = {};  // stat, moment2
  ValueId labels_ = kAbsent, logits_ = kAbsent, loss_ = kAbsent;
  ValueId global_step_ = kAbsent, learning_rate_ = kAbsent, momentum_ = kAbsent;
  ValueId beta1_power_ = kAbsent, beta2_power_ = kAbsent;
};

Status Builder::check_network() const {
  if (network_.inputs.size() != 1 || network_.outputs.size() != 1) {
    return usage("a network that is trained has one input and one output, this one has " +
                 std::to_string(network_.inputs.size()) + " and " + std::to_string(network_.outputs.size()));
  }
  const Value& logits = network_.value(network_.outputs[0]);
  if (logits.type.dims.size() != 2 || !element_count(logits.type)) {
    return usage("the output \"" + logits.name + "\" is " + to_string(logits.type) +
                 ", not a number for each image and class");
  }
  return {};
}

ValueId Builder::constant(std::string_view name, double number, Type type) {
  const std::uint64_t count = *element_count(type);
  return graph_.add_constant(scope_ + "/" + std::string(name), type,
                             graph::contents_of(type.dtype, std::vector<double>(count, number)));
}

ValueId Builder::add(std::string_view op, std::vector<ValueId> inputs, Attrs attrs, std::size_t results) {
  return graph_.add_node(std::string(op), names_->next(scope_, op), std::move(inputs), std::move(attrs), results)
      .outputs.front();
}

ValueId Builder::add_parameter(std::string name, Type type, Contents contents) {
  const ValueId id = graph_.add_parameter(std::move(name), std::move(type));
  graph_.value(id).contents = std::move(contents);
  graph_.value(id).bound = true;
  return id;
}

/// The network's parameters as its cells have them: as they are used, but BatchNorm's statistics before its scale.
std::vector<ValueId> parameters_in_cells(const Graph& network) {
  std::vector<ValueId> order;
  std::vector<ValueId> place(network.values.size());
  for (ValueId id = 0; id < network.values.size(); ++id) {
    place[id] = id;
    if (network.value(id).kind == ValueKind::parameter) order.push_back(id);
  }
  for (const Node& node : network.nodes) {
    if (node.op != "BatchNorm") continue;
    std::array<ValueId, 4> places{node.inputs[1], node.inputs[2], node.inputs[3], node.inputs[4]};
    std::ranges::sort(places);
    for (std::size_t i = 0; i < places.size(); ++i) place[node.inputs[1 + (i + 2) % 4]] = places[i];
  }
  std::ranges::stable_sort(order, {}, [&](ValueId id) { return place[id]; });
  return order;
}

/// What is trained comes first, as in MindSpore's files.
void Builder::add_parameters() {
  std::set<ValueId> statistics;
  for (const Node& node : network_.nodes) {
    if (node.op == "BatchNorm") statistics.insert(node.inputs.begin() + 3, node.inputs.begin() + 5);
  }
  const auto trained = [&](ValueId id) {
    const Value& value = network_.value(id);
    if (statistics.contains(id) || !graph::is_floating(value.type.dtype)) return false;
    return !options_.frozen || !options_.frozen(value.name);
  };
  const std::vector<ValueId> order = parameters_in_cells(network_);
  for (const bool wanted : {true, false}) {
    for (const ValueId id : order) {
      if (trained(id) != wanted) continue;
      const Value& value = network_.value(id);
      now_[id] = graph_.add_parameter(value.name, value.type);
      graph_.value(now_[id]).contents = value.contents;
      graph_.value(now_[id]).bound = value.bound;
      if (wanted) weights_.push_back(now_[id]);
    }
  }
}

void Builder::add_slots(std::string_view prefix, double initial, std::vector<ValueId>& slots) {
  for (const ValueId weight : weights_) {
    const Type type = graph_.value(weight).type;
    slots.push_back(add_parameter(std::string(prefix) + "." + graph_.value(weight).name, type, filled(type, initial)));
  }
}

/// In the order in which the optimizer's cell has them. A list of learning rates belongs to a cell of its own, so it is
/// the last.
void Builder::add_optimizer_parameters() {
  const auto number = [](double value) { return graph::contents_of(DType::float32, {value}); };
  const Type scalar{.dtype = DType::float32};
  const std::vector<double>& rates = optimizer_.learning_rate;
  global_step_ =
      add_parameter("global_step", {.dtype = DType::int32, .dims = {1}}, graph::contents_of(DType::int32, {0}));
  if (rates.size() == 1) learning_rate_ = add_parameter("learning_rate", scalar, number(rates[0]));
  if (optimizer_.kind == Optimizer::Kind::adam) {
    beta1_power_ = add_parameter("beta1_power", scalar, number(1));
    beta2_power_ = add_parameter("beta2_power", scalar, number(1));
    add_slots("moment1", 0, first_slots_);
    add_slots("moment2", 0, second_slots_);
  } else {
    momentum_ = add_parameter("momentum", scalar, number(optimizer_.momentum));
    const bool sgd = optimizer_.kind == Optimizer::Kind::sgd;
    add_slots(sgd ? "accum" : "moments", 0, first_slots_);
    if (sgd) add_slots("stat", 1, second_slots_);
  }
  if (rates.size() > 1) {
    const Type list{.dtype = DType::float32, .dims = {static_cast<std::int64_t>(rates.size())}};
    learning_rate_ = add_parameter("learning_rate", list, graph::contents_of(DType::float32, rates));
  }
}

/// Under WithLossCell's names, with BatchNorm by the batch's statistics.
void Builder::copy_network() {
  const std::string cell = std::string(kCell) + "_backbone-" + network_.name + "/";
  const auto moved = [&](const std::string& name) {
    return cell + (name.starts_with(kRoot) ? name.substr(kRoot.size()) : name);
  };
  for (ValueId id = 0; id < network_.values.size(); ++id) {
    const Value& value = network_.value(id);
    if (value.kind == ValueKind::constant) now_[id] = graph_.add_constant(value.name, value.type, value.contents);
  }
  for (const Node& node : network_.nodes) {
    std::vector<ValueId> inputs;
    for (const ValueId id : node.inputs) inputs.push_back(id == kAbsent ? kAbsent : now_[id]);
    Attrs attrs = node.attrs;
    const bool norm = node.op == "BatchNorm";
    if (norm) attrs.insert_or_assign("is_training", true);
    const Node& copy =
        graph_.add_node(node.op, moved(node.name), std::move(inputs), std::move(attrs), norm ? 5 : node.outputs.size());
    for (std::size_t i = 0; i < node.outputs.size() && i < copy.outputs.size(); ++i)
      now_[node.outputs[i]] = copy.outputs[i];
  }
  logits_ = now_[network_.outputs[0]];
}

void Builder::add_loss() {
  scope_ = kLossScope;
  if (options_.loss == Loss::sparse_softmax_cross_entropy) {
    loss_ = add("SparseSoftmaxCrossEntropyWithLogits", {logits_, labels_}, {{"is_grad", false}, {"sens", 1.0}});
    return;
  }
  const ValueId each = add("SoftmaxCrossEntropyWithLogits", {logits_, labels_}, {}, 2);
  loss_ = add("ReduceMean", {each}, {{"axis", Ints{0}}, {"keep_dims", false}});
}

/// Weight decay is scaled as the gradients are, so that both lose the scale together.
void Builder::decay_and_scale() {
  const auto decays = [&](ValueId weight) {
    const std::string& name = graph_.value(weight).name;
    return name.find("beta") == name.npos && name.find("gamma") == name.npos;
  };
  if (optimizer_.weight_decay > 0) {
    const ValueId decay = constant("weight_decay", optimizer_.weight_decay * optimizer_.loss_scale);
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      if (decays(weights_[i])) gradients_[i] = add("AddN", {add("Mul", {weights_[i], decay}), gradients_[i]});
    }
  }
  if (optimizer_.loss_scale != 1) {
    const ValueId scale = constant("reciprocal_scale", 1 / optimizer_.loss_scale);
    for (ValueId& gradient : gradients_) gradient = add("Mul", {gradient, scale});
  }
}

/// Of this step: the one number, or that of the list.
ValueId Builder::learning_rate() {
  if (optimizer_.learning_rate.size() == 1) return learning_rate_;
  const std::string cell = scope_ + "/learning_rate-_IteratorLearningRate";
  const ValueId rate = graph_
                           .add_node("Gather", names_->next(cell, "Gather"), {learning_rate_, global_step_},
                                     {{"axis", std::int64_t{0}}, {"batch_dims", std::int64_t{0}}})
                           .outputs.front();
  return add("Reshape", {rate}, {{"shape", Ints{}}});
}

/// The last weight first, as MindSpore goes through them.
void Builder::momentum_or_sgd(ValueId rate) {
  for (std::size_t i = weights_.size(); i-- > 0;) {
    if (optimizer_.kind == Optimizer::Kind::momentum) {
      add("ApplyMomentum", {weights_[i], first_slots_[i], rate, gradients_[i], momentum_},
          {{"use_nesterov", optimizer_.nesterov}, {"use_locking", false}, {"gradient_scale", 1.0}});
    } else {
      add("SGD", {weights_[i], gradients_[i], rate, first_slots_[i], momentum_, second_slots_[i]},
          {{"dampening", optimizer_.dampening}, {"weight_decay", 0.0}, {"nesterov", optimizer_.nesterov}});
    }
  }
}

void Builder::adam(ValueId rate) {
  const ValueId beta1 = constant("beta1", optimizer_.beta1), beta2 = constant("beta2", optimizer_.beta2);
  const ValueId epsilon = constant("epsilon", optimizer_.epsilon);
  const ValueId beta1_power = add("Mul", {beta1_power_, beta1});
  add("Assign", {beta1_power_, beta1_power});
  const ValueId beta2_power = add("Mul", {beta2_power_, beta2});
  add("Assign", {beta2_power_, beta2_power});
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    const Attrs attrs{{"use_locking", false}, {"use_nesterov", optimizer_.nesterov}};
    add("Adam",
        {weights_[i], first_slots_[i], second_slots_[i], beta1_power, beta2_power, rate, beta1, beta2, epsilon,
         gradients_[i]},
        attrs, 3);
  }
}

void Builder::update() {
  scope_ = "Default/optimizer-" + std::string(name_of(optimizer_.kind));
  decay_and_scale();
  const ValueId rate = learning_rate();
  add("AssignAdd", {global_step_, constant("one", 1, {.dtype = DType::int32, .dims = {1}})});
  if (optimizer_.kind == Optimizer::Kind::adam) {
    adam(rate);
  } else {
    momentum_or_sgd(rate);
  }
}

Status typed(Graph& graph) {
  const graph::Refusals refusals = graph::infer_types(graph);
  if (refusals.empty()) return {};
  const graph::Refusal& first = refusals.list().front();
  return graph::refuse(first.op + " \"" + first.first + "\": " + first.reason);
}

Result<Graph> Builder::make() {
  if (auto status = check_rates(optimizer_.learning_rate); !status) return status.error();
  if (auto status = check_limits(optimizer_); !status) return status.error();
  if (auto status = check_network(); !status) return status.error();
  const Type& logits = network_.value(network_.outputs[0]).type;
  const bool sparse = options_.loss == Loss::sparse_softmax_cross_entropy;
  graph_.name = network_.name;
  now_[network_.inputs[0]] = graph_.add_input("inputs0", network_.value(network_.inputs[0]).type);
  labels_ = graph_.add_input("inputs1", sparse ? Type{.dtype = DType::int32, .dims = {logits.dims[0]}} : logits);
  add_parameters();
  if (weights_.empty()) return usage("every parameter is frozen");
  add_optimizer_parameters();
  copy_network();
  names_.emplace(graph_);
  add_loss();
  if (auto status = typed(graph_); !status) return status.error();
  auto gradients = graph::add_gradients(graph_, loss_, weights_, optimizer_.loss_scale);
  if (!gradients) return gradients.error();
  gradients_ = std::move(*gradients);
  update();
  if (auto status = typed(graph_); !status) return status.error();
  graph_.outputs = {loss_, logits_};
  return std::move(graph_);
}

}  // namespace

Status check_limits(const Optimizer& optimizer) {
  for (const auto& [name, number] : {std::pair{"momentum", optimizer.momentum},
                                     {"dampening", optimizer.dampening},
                                     {"weight-decay", optimizer.weight_decay}}) {
    if (!(number >= 0)) return usage(std::string(name) + ": must be at least 0");
    if (!std::isfinite(static_cast<float>(number))) return usage(std::string(name) + ": is more than a Float32 holds");
  }
  if (optimizer.kind == Optimizer::Kind::sgd && optimizer.nesterov &&
      !(optimizer.momentum > 0 && optimizer.dampening == 0))
    return usage("nesterov: SGD wants a momentum above 0 with it, and no dampening");
  const auto share = [](double number) { return number > 0 && static_cast<float>(number) < 1; };
  if (!share(optimizer.beta1)) return usage("beta1: must be between 0 and 1, as a Float32, too");
  if (!share(optimizer.beta2)) return usage("beta2: must be between 0 and 1, as a Float32, too");
  const auto holds = [](double number) { return number > 0 && std::isnormal(static_cast<float>(number)); };
  if (!holds(optimizer.epsilon))
    return usage("eps: must be above 0, and neither so large nor so small that Float32 does not have it");
  if (!holds(optimizer.loss_scale) || !holds(1 / optimizer.loss_scale))
    return usage(
        "loss-scale: must be above 0, and neither so large nor so small that Float32 does not have it and its "
        "inverse");
  return {};
}

Result<Graph> make_training_graph(const Graph& network, const TrainingOptions& options) {
  return Builder(network, options).make();
}

}  // namespace ckpt::train

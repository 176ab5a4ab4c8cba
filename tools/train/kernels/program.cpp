#include "kernels/program.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "plan.h"

namespace ckpt::train {
namespace {

constexpr std::uint64_t kBand = kAlignment;  ///< of a sentinel, behind each buffer
constexpr std::byte kBandByte{0xA5};
constexpr std::byte kNotWritten{0xFF};  ///< a NaN of every floating type

dnnl::memory::data_type element_of(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return dnnl::memory::data_type::f32;
    case DType::int32:
      return dnnl::memory::data_type::s32;
    default:
      return dnnl::memory::data_type::u8;  // oneDNN never works on these; their size is taken from the type
  }
}

Layout row_major(const LayoutDims& dims, dnnl::memory::data_type element) {
  LayoutDims strides(dims.size(), 1);
  for (std::size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return Layout(dims, element, strides);
}

std::vector<graph::ValueId> changed_values(const graph::Node& node) {
  std::vector<graph::ValueId> changed;
  for (const std::size_t i : graph::changed_operands(node))
    if (i < node.inputs.size() && node.inputs[i] != graph::kAbsent) changed.push_back(node.inputs[i]);
  return changed;
}

std::string describe(const graph::Refusals& refusals) {
  std::string text;
  for (const graph::Refusal& refusal : refusals.list()) {
    if (!text.empty()) text += "; ";
    text += refusal.op + ": " + refusal.reason + " (" + refusal.first;
    if (refusal.nodes > 1) text += " and " + std::to_string(refusal.nodes - 1) + " more";
    text += ")";
  }
  return text;
}

bool is_input_of(const graph::Node& node, graph::ValueId value) {
  return std::ranges::find(node.inputs, value) != node.inputs.end();
}

}  // namespace

LayoutDims dims_of(const graph::Type& type) {
  LayoutDims dims;
  for (const graph::Dim& dim : type.dims) dims.push_back(dim.size);
  return dims;
}

Layout plain_layout(const LayoutDims& dims) {
  return row_major(dims.empty() ? LayoutDims{1} : dims, dnnl::memory::data_type::f32);
}

Layout plain_layout(const graph::Type& type) {
  LayoutDims dims = dims_of(type);
  if (dims.empty()) dims = {1};
  return row_major(dims, element_of(type.dtype));
}

Error refusal(std::string reason) { return Error{.code = Errc::unsupported, .message = std::move(reason)}; }

Program::Program(const graph::Graph& graph, Parameters& parameters, bool sentinels)
    : graph_(graph), parameters_(parameters), sentinels_(sentinels) {}

Program::~Program() { parameters_.take_back_from(*this); }

dnnl::primitive_attr Program::attr() const {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

// ---- buffers ----

BufferId Program::buffer_of(std::uint64_t bytes) {
  buffers_.push_back({.size = bytes});
  return static_cast<BufferId>(buffers_.size() - 1);
}

BufferId Program::scratch(std::uint64_t bytes) { return buffer_of(bytes); }

std::uint64_t Program::bytes_of_value(graph::ValueId value, const Layout& layout) const {
  const graph::Type& type = graph_.value(value).type;
  const std::uint64_t plain = graph::element_count(type).value_or(0) * size_of(type.dtype);
  return std::max<std::uint64_t>(plain, layout.get_size());
}

void Program::place(graph::ValueId value, const Layout& layout, BufferId buffer) {
  State& state = values_[value];
  state.layout = layout;
  state.buffer = buffer;
  buffers_[buffer].uses_left += state.uses_left;
}

BufferId Program::read(graph::ValueId value, const Layout& wanted) {
  const State& state = values_[value];
  if (*state.layout == wanted) return state.buffer;
  for (const Copy& copy : state.copies) {
    if (copy.layout == wanted) return copy.buffer;
  }
  const BufferId to = buffer_of(wanted.get_size());
  copy(*state.layout, state.buffer, wanted, to);
  values_[value].copies.push_back({wanted, to});
  return to;
}

BufferId Program::read_plain(graph::ValueId value) { return read(value, plain_layout(graph_.value(value).type)); }

BufferId Program::read_as(graph::ValueId value, const Layout& plain, const Layout& wanted) {
  if (plain.dims() == layout(value).dims()) return read(value, wanted);
  for (const Copy& copy : values_[value].copies) {
    if (copy.layout == wanted) return copy.buffer;
  }
  const BufferId from = read_plain(value);
  if (plain == wanted) return from;
  const BufferId to = buffer_of(wanted.get_size());
  copy(plain, from, wanted, to);
  values_[value].copies.push_back({wanted, to});
  return to;
}

void Program::copy(const Layout& layout, BufferId from, const Layout& wanted, BufferId to) {
  const dnnl::reorder::primitive_desc desc(engine_, layout, engine_, wanted, attr());
  add(desc, dnnl::reorder(desc), {{DNNL_ARG_FROM, layout, from}, {DNNL_ARG_TO, wanted, to}});
}

void Program::settle(graph::ValueId parameter, const Layout& layout) {
  State& state = values_[parameter];
  const bool used = state.uses_left != state.uses;
  if (graph_.value(parameter).kind != graph::ValueKind::parameter || used || state.row_major) return;
  if (*state.layout == layout) return;
  const BufferId from = state.buffer, to = buffer_of(layout.get_size());
  buffers_[to].always = buffers_[to].given = true;
  Settled settled{.row_major = dnnl::memory(*state.layout, engine_, DNNL_MEMORY_NONE),
                  .here = dnnl::memory(layout, engine_, DNNL_MEMORY_NONE),
                  .in = {},
                  .out = {}};
  settled.in = dnnl::reorder(settled.row_major, settled.here);
  settled.out = dnnl::reorder(settled.here, settled.row_major);
  bound_.push_back({settled.row_major, from});
  bound_.push_back({settled.here, to});
  settled_.push_back(std::move(settled));
  place(parameter, layout, to);
}

BufferId Program::write(graph::ValueId result, const Layout& layout) {
  const BufferId buffer = buffer_of(bytes_of_value(result, layout));
  place(result, layout, buffer);
  return buffer;
}

BufferId Program::write_plain(graph::ValueId result) { return write(result, plain_layout(graph_.value(result).type)); }

BufferId Program::write_over(graph::ValueId result, graph::ValueId input) {
  const BufferId buffer = values_[input].buffer;
  const Layout over = layout(input);
  std::size_t used_here = 0;
  for (const graph::Node* node : group_) {
    for (const graph::ValueId id : node->inputs) {
      if (id != graph::kAbsent && values_[id].layout && values_[id].buffer == buffer) ++used_here;
    }
  }
  const Buffer& candidate = buffers_[buffer];
  const bool free = !candidate.outside && !candidate.always && candidate.uses_left == used_here;
  if (!free) return write(result, over);
  place(result, over, buffer);
  return buffer;
}

void Program::write_from(graph::ValueId result, const Layout& whole, const Layout& part, const Layout& layout,
                         BufferId buffer) {
  const BufferId to = write(result, whole);
  std::uint64_t written = size_of(graph_.value(result).type.dtype);  // get_size() counts the gaps of a part, too
  for (const dnnl::memory::dim dim : part.dims()) written *= static_cast<std::uint64_t>(dim);
  if (const std::uint64_t bytes = whole.get_size(); written != bytes) {
    add({to}, [=](const Addresses& at) -> Status {
      std::memset(at.at<std::byte>(to), 0, bytes);
      return {};
    });
  }
  copy(layout, buffer, part, to);
}

void Program::share(graph::ValueId result, graph::ValueId input) {
  const Layout layout = plain_layout(graph_.value(result).type);
  if (values_[result].uses_left == 0) {
    place(result, layout, values_[input].buffer);
    return;
  }
  const BufferId from = read_plain(input);
  if (!buffers_[from].outside) {  // what is in a parameter may be changed before the result is used
    place(result, layout, from);
    return;
  }
  const BufferId to = write(result, layout);
  const std::uint64_t size = bytes_of_value(result, layout);
  add({from, to}, [=](const Addresses& at) -> Status {
    std::memcpy(at.at<std::byte>(to), at.at<std::byte>(from), size);
    return {};
  });
}

// ---- fusing ----

bool Program::changed_before(graph::ValueId value, std::size_t node) const {
  const auto now = static_cast<std::size_t>(group_.front() - graph_.nodes.data());
  return std::ranges::any_of(changes_, [&](const auto& change) {
    return change.second == value && change.first > now && change.first < node;
  });
}

const graph::Node* Program::only_user(graph::ValueId result, std::string_view op) const {
  if (values_[result].uses_left != 1 || std::ranges::find(graph_.outputs, result) != graph_.outputs.end()) return {};
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    const graph::Node& node = graph_.nodes[i];
    if (made_[i] || !is_input_of(node, result)) continue;
    if (node.op != op) return nullptr;
    for (const graph::ValueId input : node.inputs) {
      if (input == graph::kAbsent || input == result) continue;
      if (!values_[input].layout || changed_before(input, i)) return nullptr;
    }
    return &node;
  }
  return nullptr;
}

void Program::fuse(const graph::Node& node) {
  group_.push_back(&node);
  made_[static_cast<std::size_t>(&node - graph_.nodes.data())] = true;
}

// ---- steps ----

void Program::add(std::vector<BufferId> uses, Run run) {
  std::string name = group_.empty() ? std::string("output") : group_.front()->name;
  steps_.push_back({std::move(name), std::move(uses), std::move(run)});
}

void Program::add(const dnnl::primitive_desc_base& desc, const dnnl::primitive& primitive,
                  std::vector<Operand> operands) {
  const Layout side = desc.scratchpad_desc();
  if (side.get_size() > 0) operands.push_back({DNNL_ARG_SCRATCHPAD, side, buffer_of(side.get_size())});
  std::unordered_map<int, dnnl::memory> arguments;
  std::vector<BufferId> uses;
  for (const Operand& operand : operands) {
    dnnl::memory memory(operand.layout, engine_, DNNL_MEMORY_NONE);
    arguments.emplace(operand.argument, memory);
    bound_.push_back({memory, operand.buffer});
    uses.push_back(operand.buffer);
  }
  add(std::move(uses), [this, primitive, arguments = std::move(arguments)](const Addresses&) -> Status {
    primitive.execute(stream_, arguments);
    return {};
  });
}

// ---- building ----

Status Program::place_sources() {
  values_.resize(graph_.values.size());
  for (const graph::Node& node : graph_.nodes) {
    for (const graph::ValueId id : node.inputs) {
      if (id != graph::kAbsent) ++values_[id].uses_left;
    }
  }
  for (const graph::ValueId id : graph_.outputs) ++values_[id].uses_left;
  for (State& state : values_) state.uses = state.uses_left;
  for (std::size_t i = 0; i < graph_.values.size(); ++i) {
    const graph::Value& value = graph_.values[i];
    const auto elements = graph::element_count(value.type);
    if (!elements || *elements == 0 || size_of(value.type.dtype) == 0) {
      return Error{
          .code = Errc::unsupported, .tensor = value.name, .message = "a value of type " + to_string(value.type)};
    }
    if (value.kind == graph::ValueKind::result) continue;
    const std::uint64_t size = *elements * size_of(value.type.dtype);
    const BufferId buffer = buffer_of(size);
    place(static_cast<graph::ValueId>(i), plain_layout(value.type), buffer);
    if (value.kind == graph::ValueKind::input) {
      buffers_[buffer].always = buffers_[buffer].given = true;
      continue;
    }
    std::span<std::byte> bytes;
    if (value.kind == graph::ValueKind::parameter) {
      bytes = parameters_.bytes(value.name);
    } else {
      auto contents = graph::bytes_of(value.contents, size);
      if (!contents) return contents.error();
      bytes = constants_.emplace_back(std::move(*contents));
    }
    if (bytes.size() != size) {
      return Error{.code = Errc::mismatch,
                   .tensor = value.name,
                   .message = std::to_string(bytes.size()) + " bytes where the graph wants " + std::to_string(size)};
    }
    buffers_[buffer].outside = bytes.data();
  }
  for (const graph::ValueId id : graph_.inputs) {
    inputs_.push_back(values_[id].buffer);
    input_sizes_.push_back(buffers_[values_[id].buffer].size);
  }
  return {};
}

Status Program::check_changes(const graph::Node& node) const {
  for (const std::size_t i : graph::changed_operands(node)) {
    if (i >= node.inputs.size() || node.inputs[i] == graph::kAbsent) return refusal("an input is missing");
    const graph::Value& value = graph_.value(node.inputs[i]);
    if (value.kind != graph::ValueKind::parameter) return refusal("changes " + value.name + ", which is no parameter");
  }
  return {};
}

Status Program::make_node(const Kernel* kernel, const graph::Node& node, graph::Refusals& refusals) {
  Status status;
  if (!kernel) {
    status = refusal("no kernel");
  } else if (auto changes = check_changes(node); !changes) {
    status = changes;
  } else {
    try {
      status = kernel->make(*this, graph::NodeView(graph_, node));
    } catch (const dnnl::error& error) {
      status = refusal(std::string("oneDNN: ") + error.what());
    }
  }
  if (!status && status.error().code != Errc::unsupported) return status;
  if (!status) {
    refusals.add(node, status.error().message);
    leave_out(node);
  }
  return {};
}

/// So that what comes after it is looked at too.
void Program::leave_out(const graph::Node& node) {
  for (const graph::ValueId id : node.outputs) {
    if (!values_[id].layout) write_plain(id);
  }
}

void Program::end_node() {
  for (const graph::Node* node : group_) {
    for (const graph::ValueId id : node->inputs) {
      if (id == graph::kAbsent) continue;
      --values_[id].uses_left;
      --buffers_[values_[id].buffer].uses_left;
    }
    for (const graph::ValueId id : node->outputs) {
      if (!values_[id].layout) write_plain(id);  // a result that the kernel does not make, because nobody needs it
    }
    for (const graph::ValueId id : changed_values(*node)) values_[id].copies.clear();
  }
}

Status Program::build(std::span<const Kernel> kernels) {
  if (auto status = place_sources(); !status) return status;
  made_.assign(graph_.nodes.size(), false);
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    const auto kernel = std::ranges::find(kernels, std::string_view(graph_.nodes[i].op), &Kernel::op);
    for (const graph::ValueId id : changed_values(graph_.nodes[i])) {
      changes_.emplace_back(i, id);
      if (kernel == kernels.end() || !kernel->in_any_layout) values_[id].row_major = true;
    }
  }
  graph::Refusals refusals;
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    if (made_[i]) continue;
    const graph::Node& node = graph_.nodes[i];
    made_[i] = true;
    group_ = {&node};
    const auto kernel = std::ranges::find(kernels, std::string_view(node.op), &Kernel::op);
    if (auto status = make_node(kernel == kernels.end() ? nullptr : &*kernel, node, refusals); !status) return status;
    end_node();
  }
  group_.clear();
  if (!refusals.empty()) return refusal(describe(refusals));
  return {};
}

Status Program::finish() {
  for (const graph::ValueId id : graph_.outputs) {
    const BufferId buffer = read_plain(id);
    buffers_[buffer].always = true;
    outputs_.push_back(buffer);
    const graph::Type& type = graph_.value(id).type;
    output_sizes_.push_back(graph::element_count(type).value_or(0) * size_of(type.dtype));
  }
  for (std::size_t step = 0; step < steps_.size(); ++step) {
    for (const BufferId id : steps_[step].uses) {
      buffers_[id].first = std::min(buffers_[id].first, step);
      buffers_[id].last = std::max(buffers_[id].last, step);
    }
  }
  std::vector<BufferId> placed;
  std::vector<Lifetime> lifetimes;
  for (std::size_t i = 0; i < buffers_.size(); ++i) {
    Buffer& buffer = buffers_[i];
    if (buffer.always) buffer.first = 0, buffer.last = steps_.size();
    if (buffer.outside || buffer.first > buffer.last) continue;
    placed.push_back(static_cast<BufferId>(i));
    lifetimes.push_back({buffer.size + (sentinels_ ? kBand : 0), buffer.first, buffer.last});
  }
  const Plan planned = plan(lifetimes);
  auto arena = Pages::of(planned.total);
  if (!arena) return arena.error();
  arena_ = std::move(*arena);
  addresses_.places_.resize(buffers_.size());
  for (std::size_t i = 0; i < buffers_.size(); ++i) addresses_.places_[i] = buffers_[i].outside;
  for (std::size_t i = 0; i < placed.size(); ++i) {
    addresses_.places_[placed[i]] = arena_->bytes().data() + planned.offsets[i];
  }
  for (Bound& bound : bound_) bound.memory.set_data_handle(addresses_.places_[bound.buffer]);
  return {};
}

// ---- running ----

void Program::give_back() {
  for (Settled& each : settled_) each.out.execute(stream_, each.here, each.row_major);
  stream_.wait();
}

Status Program::run() {
  if (settled_.empty()) {
    parameters_.take_back();
  } else if (parameters_.borrow(*this)) {
    for (Settled& each : settled_) each.in.execute(stream_, each.row_major, each.here);
  }
  std::size_t step = 0;
  const auto here = [&](Error error) {
    error.message = steps_[step].node + ": " + error.message;
    return error;
  };
  try {
    for (; step < steps_.size(); ++step) {
      if (sentinels_) begin_sentinels(step);
      if (auto status = steps_[step].run(addresses_); !status) return here(status.error());
      if (!sentinels_) continue;
      if (auto status = check_sentinels(step); !status) return here(status.error());
    }
    stream_.wait();
  } catch (const dnnl::error& error) {
    return here(refusal(std::string("oneDNN: ") + error.what()));
  }
  return {};
}

/// Bands around what begins to live here; and what it holds is no number, so that whoever reads too early is seen.
void Program::begin_sentinels(std::size_t step) {
  for (std::size_t i = 0; i < buffers_.size(); ++i) {
    const Buffer& buffer = buffers_[i];
    if (buffer.outside || buffer.first != step) continue;
    if (!buffer.given) std::memset(addresses_.places_[i], static_cast<int>(kNotWritten), buffer.size);
    std::memset(addresses_.places_[i] + buffer.size, static_cast<int>(kBandByte), kBand);
  }
}

Status Program::check_sentinels(std::size_t step) const {
  for (std::size_t i = 0; i < buffers_.size(); ++i) {
    const Buffer& buffer = buffers_[i];
    if (buffer.outside || buffer.first > step || buffer.last < step) continue;
    const std::byte* band = addresses_.places_[i] + buffer.size;
    if (std::all_of(band, band + kBand, [](std::byte byte) { return byte == kBandByte; })) continue;
    return Error{.code = Errc::malformed,
                 .message = "wrote past a buffer of " + std::to_string(buffer.size) + " bytes"};
  }
  return {};
}

std::span<std::byte> Program::input(std::size_t i) { return {addresses_.places_[inputs_[i]], input_sizes_[i]}; }

std::span<const std::byte> Program::output(std::size_t i) const {
  return {addresses_.places_[outputs_[i]], output_sizes_[i]};
}

}  // namespace ckpt::train

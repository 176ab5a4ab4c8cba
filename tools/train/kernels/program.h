#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ckpt/error.h"
#include "graph.h"
#include "op.h"
#include "pages.h"
#include "parameters.h"

namespace ckpt::train {

using BufferId = std::uint32_t;
using Layout = dnnl::memory::desc;  ///< how a value lies in its buffer: row-major, or in blocks of channels
using LayoutDims = dnnl::memory::dims;

/// Where the buffers are, once the arena is planned.
class Addresses {
 public:
  template <class T>
  T* at(BufferId buffer) const {
    return reinterpret_cast<T*>(places_[buffer]);
  }
  float* floats(BufferId buffer) const { return at<float>(buffer); }

 private:
  friend class Program;
  std::vector<std::byte*> places_ = {};
};

/// The steps that a graph becomes, and the buffers they work on. Kernels fill it, a node at a time; after finish() it
/// runs. Only here and in kernels is anything known of oneDNN.
class Program : private Borrower {
 public:
  /// Both must outlive this; of the graph only until finish().
  Program(const graph::Graph& graph, Parameters& parameters, bool sentinels);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // ---- what a kernel asks ----

  const dnnl::engine& engine() const noexcept { return engine_; }
  dnnl::primitive_attr attr() const;  ///< for every primitive: what it needs on the side lies in the arena
  const graph::Graph& graph() const noexcept { return graph_; }
  /// How a value lies where it was made.
  const Layout& layout(graph::ValueId value) const { return *values_[value].layout; }

  /// The buffer of a value in a layout: its own, or that of a copy, for which a step is added if there is none yet.
  BufferId read(graph::ValueId value, const Layout& wanted);
  BufferId read(graph::ValueId value) { return read(value, layout(value)); }
  BufferId read_plain(graph::ValueId value);
  /// ... of a value whose row-major bytes are also those of other dimensions: the weight of a grouped convolution.
  BufferId read_as(graph::ValueId value, const Layout& plain, const Layout& wanted);

  /// From its first use on a parameter may be kept in this layout, from run to run: it need not be reordered in each.
  /// Nothing happens where a node changes it that works row-major only.
  void settle(graph::ValueId parameter, const Layout& layout);

  /// A buffer for a result of this node.
  BufferId write(graph::ValueId result, const Layout& layout);
  BufferId write_plain(graph::ValueId result);
  /// ... in the place of an input if nobody needs that any more, and in its layout in any case.
  BufferId write_over(graph::ValueId result, graph::ValueId input);
  /// A result made in another layout than the `whole` shall have: the copy is a step after the one that uses the
  /// buffer, so call it after add(). `part` is where it lies in the whole; the rest is zero.
  void write_from(graph::ValueId result, const Layout& whole, const Layout& part, const Layout& layout,
                  BufferId buffer);
  /// A step that copies the same numbers to another layout.
  void copy(const Layout& layout, BufferId from, const Layout& wanted, BufferId to);
  /// A result that is its input's bytes under other dimensions.
  void share(graph::ValueId result, graph::ValueId input);
  BufferId scratch(std::uint64_t bytes);

  /// The node that alone uses a result, if it is of that operator and can run as part of this one: what else it needs
  /// is there, and is not changed in between.
  const graph::Node* only_user(graph::ValueId result, std::string_view op) const;
  /// That node runs as part of this one.
  void fuse(const graph::Node& node);

  // ---- what a kernel adds ----

  using Run = std::function<Status(const Addresses&)>;
  /// `uses`: every buffer that it reads or writes.
  void add(std::vector<BufferId> uses, Run run);

  struct Operand {
    int argument;  ///< DNNL_ARG_SRC …
    Layout layout;
    BufferId buffer;
  };
  void add(const dnnl::primitive_desc_base& desc, const dnnl::primitive& primitive, std::vector<Operand> operands);

  // ---- what the executor does ----

  struct Kernel {
    std::string_view op;
    Status (*make)(Program&, const graph::NodeView&);
    bool in_any_layout = false;  ///< it changes parameters as they lie; else row-major ones
  };
  /// Every node in turn. Errc::unsupported names all that there is no kernel for.
  Status build(std::span<const Kernel> kernels);
  /// Plans the arena.
  Status finish();
  Status run();

  std::span<std::byte> input(std::size_t i);
  std::span<const std::byte> output(std::size_t i) const;
  std::uint64_t arena_bytes() const noexcept { return arena_ ? arena_->bytes().size() : 0; }

 private:
  struct Copy {
    Layout layout;
    BufferId buffer;
  };
  struct State {
    std::optional<Layout> layout = {};
    BufferId buffer = 0;
    std::vector<Copy> copies = {};
    std::size_t uses = 0;       ///< by nodes, and as an output
    std::size_t uses_left = 0;  ///< by nodes that are not made yet, and as an output
    bool row_major = false;     ///< as a node needs it that changes it
  };
  struct Buffer {
    std::uint64_t size = 0;
    bool always = false;           ///< inputs and outputs of the graph, parameters: lives all the time
    bool given = false;            ///< ... and a run begins with what is in it
    std::byte* outside = nullptr;  ///< a parameter or constant: not in the arena
    std::size_t uses_left = 0;     ///< of all the values that lie in it
    std::size_t first = ~std::size_t{0}, last = 0;
  };
  struct Step {
    std::string node;
    std::vector<BufferId> uses;
    Run run;
  };
  struct Bound {
    dnnl::memory memory;
    BufferId buffer;
  };
  struct Settled {
    dnnl::memory row_major, here;
    dnnl::reorder in, out;
  };

  void give_back() override;
  Status place_sources();
  Status make_node(const Kernel* kernel, const graph::Node& node, graph::Refusals& refusals);
  Status check_changes(const graph::Node& node) const;
  void leave_out(const graph::Node& node);
  void end_node();
  bool changed_before(graph::ValueId value, std::size_t node) const;
  void place(graph::ValueId value, const Layout& layout, BufferId buffer);
  BufferId buffer_of(std::uint64_t bytes);
  std::uint64_t bytes_of_value(graph::ValueId value, const Layout& layout) const;
  Status check_sentinels(std::size_t step) const;
  void begin_sentinels(std::size_t step);

  const graph::Graph& graph_;
  Parameters& parameters_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::vector<State> values_ = {};
  std::vector<Buffer> buffers_ = {};
  std::vector<Step> steps_ = {};
  std::vector<Bound> bound_ = {};
  std::vector<Settled> settled_ = {};
  std::vector<std::vector<std::byte>> constants_ = {};
  std::vector<bool> made_ = {};                 ///< by node
  std::vector<const graph::Node*> group_ = {};  ///< the node that is being made, and those fused with it
  std::vector<std::pair<std::size_t, graph::ValueId>> changes_ = {};  ///< which nodes change which parameters
  std::vector<BufferId> inputs_ = {}, outputs_ = {};
  std::vector<std::uint64_t> input_sizes_ = {}, output_sizes_ = {};
  Addresses addresses_ = {};
  std::optional<Pages> arena_ = {};
  bool sentinels_;
};

/// Row-major, of these dimensions; a scalar has one.
Layout plain_layout(const LayoutDims& dims);
Layout plain_layout(const graph::Type& type);
LayoutDims dims_of(const graph::Type& type);

Error refusal(std::string reason);

}  // namespace ckpt::train

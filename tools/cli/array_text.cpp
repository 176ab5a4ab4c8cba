#include "array_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "ckpt/element.h"
#include "context.h"
#include "facts.h"

namespace ckpt::cli {
namespace {

constexpr std::uint64_t kSummarizeAbove = 1000;  // as NumPy
constexpr std::int64_t kEdge = 3;
constexpr std::uint64_t kAlignBelow = 10'000;  // values that are kept to learn the widest

using Sink = std::function<bool(std::string_view)>;
using TextSink = std::function<void(std::string_view)>;
using ValueSink = std::function<bool(std::string&&)>;  // false: enough

// The text around values that come in C order: brackets, commas, line breaks, and "..." where `edges` leaves out.
class Brackets {
 public:
  Brackets(std::vector<std::int64_t> dims, bool edges, std::size_t cell, std::size_t line, const TextSink& sink)
      : dims_(std::move(dims)), index_(dims_.size()), edges_(edges), cell_(cell), line_(line), sink_(sink) {
    open(dims_.size());
  }

  void put(std::string_view value) {
    item(std::string(cell_ > value.size() ? cell_ - value.size() : 0, ' ').append(value));
    next();
  }

 private:
  // On to the next value; what lies between it and the last one.
  void next() {
    std::size_t axis = dims_.size();
    for (; axis > 0; --axis) {
      std::int64_t& i = index_[axis - 1];
      if (++i < dims_[axis - 1]) {
        const bool skip = edges_ && i == kEdge && dims_[axis - 1] > 2 * kEdge;
        if (skip) i = dims_[axis - 1] - kEdge;
        separate(axis, skip);
        return;
      }
      i = 0;
      sink_("]");
    }
  }

  // Between two items of an axis.
  void separate(std::size_t axis, bool skip) {
    if (axis == dims_.size()) {
      if (skip) item("...");
      return;
    }
    const std::string gap = std::string(dims_.size() - axis, '\n') + std::string(axis, ' ');
    if (skip) sink_(gap + "...");
    sink_(gap);
    used_ = axis;
    open(dims_.size() - axis);
  }

  void open(std::size_t count) {
    sink_(std::string(count, '['));
    used_ += count;
    is_first_ = true;
  }

  void item(std::string_view text) {
    if (!is_first_) {
      const bool fits = used_ + 2 + text.size() + 1 <= line_;
      sink_(fits ? ", " : ",\n" + std::string(dims_.size(), ' '));
      used_ = fits ? used_ + 2 : dims_.size();
    }
    is_first_ = false;
    sink_(text);
    used_ += text.size();
  }

  std::vector<std::int64_t> dims_;
  std::vector<std::int64_t> index_;
  bool edges_;
  std::size_t cell_;
  std::size_t line_;
  const TextSink& sink_;
  std::size_t used_ = 0;
  bool is_first_ = true;
};

class Values {
 public:
  Values(const Checkpoint& file, const TensorInfo& tensor, int precision)
      : file_(file), tensor_(tensor), precision_(precision) {}

  Status all(const Slice& slice, const ValueSink& sink) const {
    const std::size_t size = size_of(tensor_.dtype);
    bool going = true;
    auto status = read_slice(file_, tensor_, slice, [&](std::span<const std::byte> run) {
      for (; going && run.size() >= size; run = run.subspan(size)) going = sink(text_of(run.first(size)));
      return going;
    });
    return status && !going ? Status(Error{.code = Errc::cancelled}) : status;
  }

  // The first and last few along each axis from `axis` on.
  Status edges(const Slice& slice, std::size_t axis, const ValueSink& sink) const {
    if (axis == slice.axes.size()) return all(slice, sink);
    const AxisSlice range = slice.axes[axis];
    const bool cut = range.count > 2 * kEdge;
    const bool last = axis + 1 == slice.axes.size();
    const std::int64_t step = last && !range.index ? kEdge : 1;  // indices at a time
    Slice part = slice;
    for (std::int64_t i = 0; i < range.count; i += step) {
      if (cut && i == kEdge) i = range.count - kEdge;
      const std::int64_t count = std::min(step, range.count - i);
      part.axes[axis] = {.start = range.start + range.step * i, .count = count, .step = range.step};
      if (auto status = edges(part, axis + 1, sink); !status) return status;
    }
    return {};
  }

 private:
  std::string text_of(std::span<const std::byte> element) const {
    if (precision_ == 0 || !is_float(tensor_.dtype)) return element_text(tensor_.dtype, element);
    double value = 0;
    to_double(tensor_.dtype, element, {&value, 1});
    return fmt::format("{:.{}g}", value, precision_);
  }

  const Checkpoint& file_;
  const TensorInfo& tensor_;
  int precision_;
};

std::uint64_t count_of_edges(const Slice& slice) {
  std::uint64_t count = 1;
  for (const AxisSlice& axis : slice.axes)
    count =
        std::min<std::uint64_t>(kAlignBelow + 1, count * static_cast<std::uint64_t>(std::min(axis.count, 2 * kEdge)));
  return count;
}

}  // namespace

Status print_array(const Checkpoint& file, const TensorInfo& tensor, const Slice& slice, const ArrayStyle& style,
                   const Sink& sink) {
  const std::uint64_t count = slice.element_count();
  if (count == 0) {
    sink("[]\n");
    return {};
  }
  const bool edges = !style.full && count > kSummarizeAbove;
  const Values values(file, tensor, style.precision);
  const auto each = [&](const ValueSink& value) {
    return edges ? values.edges(slice, 0, value) : values.all(slice, value);
  };
  std::vector<std::string> kept;
  std::size_t cell = 0;
  const bool align = (edges ? count_of_edges(slice) : count) <= kAlignBelow;
  if (align) {
    const auto keep = [&](std::string&& value) {
      cell = std::max(cell, value.size());
      kept.push_back(std::move(value));
      return !interrupted();
    };
    if (auto status = each(keep); !status) return status;
  }
  // Gathered, so that the sink is not called for every bracket.
  std::string text;
  bool going = true;
  const TextSink gather = [&](std::string_view part) {
    text += part;
    if (text.size() < 65536) return;
    going = sink(text) && !interrupted();
    text.clear();
  };
  Brackets brackets(slice.dims(), edges, cell, style.width, gather);
  const auto put = [&](std::string_view value) {
    brackets.put(value);
    return going;
  };
  for (const std::string& value : kept) put(value);
  if (!align)
    if (auto status = each(put); !status) return status;
  sink(text + "\n");
  return {};
}

}  // namespace ckpt::cli

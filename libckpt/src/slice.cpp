#include "ckpt/slice.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

#include "ckpt/text.h"
#include "wording.h"

namespace ckpt {
namespace {

constexpr std::int64_t kMaxInt = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMinInt = std::numeric_limits<std::int64_t>::min();
constexpr std::size_t kRunBytes = std::size_t{256} << 10;
constexpr std::uint64_t kMaxGapBytes = 16 << 10;  // read and dropped rather than read around

std::string_view trim(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// ---- reading the text ----

// An integer as Python writes it; one too large to hold becomes the nearest, which clips the same way.
std::optional<std::int64_t> parse_int(std::string_view text) noexcept {
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc::result_out_of_range) return text[0] == '-' ? kMinInt : kMaxInt;
  return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto at = text.find(separator);
    parts.push_back(trim(text.substr(0, at)));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

Result<AxisSlice> parse_index(std::string_view text, std::size_t axis, std::int64_t dim) {
  const auto index = parse_int(text);
  if (!index) return usage("not an index or slice: " + in_quotes(text));
  if (*index >= dim || *index < -dim)
    return usage("index " + std::string(text) + " is out of range for axis " + std::to_string(axis) + " of " +
                 std::to_string(dim));
  return AxisSlice{.start = *index < 0 ? *index + dim : *index, .count = 1, .step = 1, .index = true};
}

// `a:b:c` as Python's slice.indices resolves it.
Result<AxisSlice> parse_range(std::string_view text, std::int64_t dim) {
  const auto parts = split(text, ':');
  if (parts.size() > 3) return usage("a slice has at most two colons: " + in_quotes(text));
  std::optional<std::int64_t> bounds[3];
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].empty()) continue;
    bounds[i] = parse_int(parts[i]);
    if (!bounds[i]) return usage("not an index or slice: " + in_quotes(text));
  }
  const std::int64_t step = std::max(bounds[2].value_or(1), -kMaxInt);
  if (step == 0) return usage("a slice cannot have step 0: " + in_quotes(text));
  const bool down = step < 0;
  const auto clip = [&](std::int64_t bound) {
    if (bound < 0) bound += dim;
    return std::clamp<std::int64_t>(bound, down ? -1 : 0, down ? dim - 1 : dim);
  };
  const std::int64_t start = bounds[0] ? clip(*bounds[0]) : down ? dim - 1 : 0;
  const std::int64_t stop = bounds[1] ? clip(*bounds[1]) : down ? -1 : dim;
  if (down ? stop >= start : stop <= start) return AxisSlice{.step = step};
  const std::int64_t count = down ? (start - stop - 1) / -step + 1 : (stop - start - 1) / step + 1;
  return AxisSlice{.start = start, .count = count, .step = step};
}

AxisSlice all_of(std::int64_t dim) { return {.count = dim}; }

// ---- reading the elements ----

Status check(const TensorInfo& tensor, const Slice& slice) {
  const auto mismatch = [&](std::string message) {
    return Error{.code = Errc::mismatch, .tensor = tensor.name, .message = std::move(message)};
  };
  if (tensor.kind == Kind::map) return mismatch("is a map parameter: its parts are read one by one");
  if (!tensor.fits()) return mismatch("its size is not what its dims and type ask for, so nothing can be sliced");
  if (slice.axes.size() != tensor.dims.size()) return usage("the slice was made for another rank");
  for (std::size_t i = 0; i < slice.axes.size(); ++i) {
    const AxisSlice& axis = slice.axes[i];
    const std::int64_t dim = tensor.dims[i];
    if (axis.count == 0) continue;
    const std::int64_t steps = axis.count - 1;
    const std::int64_t room = axis.step < 0 ? axis.start : dim - 1 - axis.start;
    if (axis.count < 0 || axis.start < 0 || axis.start >= dim || axis.step == 0 || axis.step < -kMaxInt ||
        (steps > 0 && (axis.step < 0 ? -axis.step : axis.step) > room / steps))
      return usage("the slice was made for other dims");
  }
  return {};
}

// An axis that is stepped along: `count` places, `stride` bytes apart.
struct Walk {
  std::uint64_t count = 1;
  std::int64_t stride = 0;
};

// The slice as a walk over equal runs of contiguous bytes, the outermost axis first.
struct Plan {
  std::uint64_t start = 0;
  std::uint64_t run = 0;
  std::vector<Walk> walks = {};
};

Plan plan_of(const TensorInfo& tensor, const Slice& slice) {
  Plan plan{.run = size_of(tensor.dtype)};
  auto pitch = static_cast<std::int64_t>(plan.run);  // bytes from one index of this axis to the next
  for (std::size_t i = slice.axes.size(); i-- > 0;) {
    const AxisSlice& axis = slice.axes[i];
    plan.start += static_cast<std::uint64_t>(axis.start * pitch);
    const auto count = static_cast<std::uint64_t>(axis.count);
    if (count > 1) {
      const std::int64_t stride = axis.step * pitch;  // of a single index the step can be anything
      if (plan.walks.empty() && stride == static_cast<std::int64_t>(plan.run)) {
        plan.run *= count;
      } else if (!plan.walks.empty() &&
                 stride == plan.walks.back().stride * static_cast<std::int64_t>(plan.walks.back().count)) {
        plan.walks.back().count *= count;  // goes on where the axis inside ends
      } else {
        plan.walks.push_back({count, stride});
      }
    }
    pitch *= tensor.dims[i];
  }
  std::reverse(plan.walks.begin(), plan.walks.end());
  return plan;
}

// Calls at(offset) at every place of the walks, in order. False if `at` returned false.
template <class At>
bool walk_all(std::span<const Walk> walks, std::int64_t offset, const At& at) {
  std::vector<std::uint64_t> index(walks.size());
  while (true) {
    if (!at(offset)) return false;
    std::size_t axis = walks.size();
    while (axis > 0 && index[axis - 1] + 1 == walks[axis - 1].count) {
      --axis;
      offset -= walks[axis].stride * static_cast<std::int64_t>(index[axis]);
      index[axis] = 0;
    }
    if (axis == 0) return true;
    ++index[axis - 1];
    offset += walks[axis - 1].stride;
  }
}

template <std::size_t Size>
void copy_strided(std::byte* to, const std::byte* from, std::uint64_t count, std::int64_t stride) noexcept {
  for (std::uint64_t i = 0; i < count; ++i)
    std::memcpy(to + i * Size, from + static_cast<std::int64_t>(i) * stride, Size);
}

void copy_strided(std::byte* to, const std::byte* from, std::size_t size, std::uint64_t count, std::int64_t stride) {
  switch (size) {
    case 1:
      return copy_strided<1>(to, from, count, stride);
    case 2:
      return copy_strided<2>(to, from, count, stride);
    case 4:
      return copy_strided<4>(to, from, count, stride);
    case 8:
      return copy_strided<8>(to, from, count, stride);
    case 16:
      return copy_strided<16>(to, from, count, stride);
    default:
      for (std::uint64_t i = 0; i < count; ++i)
        std::memcpy(to + i * size, from + static_cast<std::int64_t>(i) * stride, size);
  }
}

using Sink = std::function<bool(std::span<const std::byte>)>;

// Long runs: straight into the buffer and out.
Status read_runs(const Checkpoint& file, const TensorInfo& tensor, const Plan& plan, const Sink& sink) {
  const std::size_t element = size_of(tensor.dtype);
  std::vector<std::byte> buffer(
      static_cast<std::size_t>(std::min<std::uint64_t>(plan.run, kRunBytes / element * element)));
  Status status;
  walk_all(plan.walks, static_cast<std::int64_t>(plan.start), [&](std::int64_t offset) {
    for (std::uint64_t done = 0; done < plan.run;) {
      const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(plan.run - done, buffer.size()));
      const auto piece = std::span(buffer).first(take);
      status = file.read(tensor, static_cast<std::uint64_t>(offset) + done, piece);
      if (!status || !sink(piece)) return false;
      done += take;
    }
    return true;
  });
  return status;
}

// Short runs: the innermost walks that span little memory are a block, read as a whole and picked from. Blocks that lie
// close together are read ahead, in the direction of the walk around them.
class Gatherer {
 public:
  Gatherer(const Checkpoint& file, const TensorInfo& tensor, const Plan& plan, const Sink& sink)
      : file_(file), tensor_(tensor), plan_(plan), sink_(sink) {
    std::size_t inner = plan.walks.size();
    block_ = plan.run;
    while (inner > 0) {
      const Walk& walk = plan.walks[inner - 1];
      const std::uint64_t step = distance(walk);
      if (step > block_ + kMaxGapBytes || walk.count - 1 > (kRunBytes / 2 - block_) / step) break;
      block_ += (walk.count - 1) * step;
      if (walk.stride < 0) below_ += (walk.count - 1) * step;
      --inner;
    }
    outer_ = std::span(plan.walks).first(inner);
    inner_ = std::span(plan.walks).subspan(inner);
    if (inner > 0 && distance(outer_.back()) <= block_ + kMaxGapBytes) ahead_ = outer_.back().stride < 0 ? -1 : 1;
    out_.reserve(kRunBytes);
  }

  Status run() {
    const bool all = walk_all(outer_, static_cast<std::int64_t>(plan_.start), [&](std::int64_t offset) {
      const std::uint64_t block = static_cast<std::uint64_t>(offset) - below_;
      status_ = fetch(block);
      return status_.has_value() && pick(window_.data() + (block - window_start_) + below_);
    });
    if (all && !out_.empty()) sink_(out_);
    return status_;
  }

 private:
  static std::uint64_t distance(const Walk& walk) {
    return static_cast<std::uint64_t>(walk.stride < 0 ? -walk.stride : walk.stride);
  }

  // Makes the bytes [block, block + block_) available.
  Status fetch(std::uint64_t block) {
    if (block >= window_start_ && block - window_start_ <= window_.size() &&
        window_.size() - (block - window_start_) >= block_)
      return {};
    std::uint64_t begin = block;
    std::uint64_t end = block + block_;
    if (ahead_ > 0) end = begin + std::min<std::uint64_t>(kRunBytes, tensor_.byte_size - begin);
    if (ahead_ < 0) begin = end - std::min<std::uint64_t>(kRunBytes, end);
    window_.resize(static_cast<std::size_t>(end - begin));
    window_start_ = begin;
    return file_.read(tensor_, begin, window_);
  }

  // The elements of one block, in order.
  bool pick(const std::byte* first) {
    const auto run = static_cast<std::size_t>(plan_.run);
    if (inner_.empty()) return emit(first, run, 1, 0);
    const Walk& last = inner_.back();
    return walk_all(inner_.first(inner_.size() - 1), 0,
                    [&](std::int64_t offset) { return emit(first + offset, run, last.count, last.stride); });
  }

  bool emit(const std::byte* from, std::size_t run, std::uint64_t count, std::int64_t stride) {
    const std::size_t room = kRunBytes / run * run;  // whole runs
    while (count > 0) {
      const std::uint64_t take = std::min<std::uint64_t>(count, (room - out_.size()) / run);
      const std::size_t used = out_.size();
      out_.resize(used + static_cast<std::size_t>(take) * run);
      copy_strided(out_.data() + used, from, run, take, stride);
      from += static_cast<std::int64_t>(take) * stride;
      count -= take;
      if (out_.size() == room) {
        if (!sink_(out_)) return false;
        out_.clear();
      }
    }
    return true;
  }

  const Checkpoint& file_;
  const TensorInfo& tensor_;
  const Plan& plan_;
  const Sink& sink_;
  std::span<const Walk> outer_ = {};
  std::span<const Walk> inner_ = {};
  std::uint64_t block_ = 0;  // bytes from the lowest to the end of the highest run of the inner walks
  std::uint64_t below_ = 0;  // of them below the place the inner walks start from
  int ahead_ = 0;
  std::vector<std::byte> window_ = {};
  std::uint64_t window_start_ = 0;
  std::vector<std::byte> out_ = {};
  Status status_ = {};
};

// ---- names ----

Error no_such(std::string_view name, const Checkpoint& file) {
  std::string message = "no tensor is called " + in_quotes(name);
  std::vector<std::string_view> names;
  for (const TensorInfo& tensor : file.tensors()) names.push_back(tensor.name);
  if (const auto near = nearest_name(name, names); !near.empty()) message += "; did you mean " + in_quotes(near) + '?';
  return usage(std::move(message));
}

// What a leading quoted name stands for and what follows it. Empty if the quote does not end, or has wrong escapes.
std::optional<std::pair<std::string, std::string_view>> unquote(std::string_view text) {
  std::size_t end = 1;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  if (end >= text.size()) return std::nullopt;
  auto name = unescape(text.substr(1, end - 1));
  if (!name) return std::nullopt;
  return std::pair(std::move(*name), text.substr(end + 1));
}

}  // namespace

std::vector<std::int64_t> Slice::dims() const {
  std::vector<std::int64_t> result;
  for (const AxisSlice& axis : axes)
    if (!axis.index) result.push_back(axis.count);
  return result;
}

std::uint64_t Slice::element_count() const noexcept {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t count = 1;
  for (const AxisSlice& axis : axes)
    if (axis.count <= 0) return 0;
  for (const AxisSlice& axis : axes) {
    const auto factor = static_cast<std::uint64_t>(axis.count);
    if (count > kMost / factor) return kMost;
    count *= factor;
  }
  return count;
}

Slice whole(std::span<const std::int64_t> dims) {
  Slice slice;
  for (const std::int64_t dim : dims) slice.axes.push_back(all_of(dim));
  return slice;
}

Result<Slice> parse_slice(std::string_view text, std::span<const std::int64_t> dims) {
  for (const std::int64_t dim : dims)
    if (dim < 0)
      return Error{.code = Errc::mismatch, .message = "a dim of " + std::to_string(dim) + " cannot be sliced"};
  if (trim(text).empty()) return whole(dims);
  std::vector<std::string_view> terms = split(text, ',');
  if (terms.size() > 1 && terms.back().empty()) terms.pop_back();  // "0," is one index, as in Python
  const auto ellipses = static_cast<std::size_t>(std::count(terms.begin(), terms.end(), "..."));
  if (ellipses > 1) return usage("only one ellipsis is possible: " + in_quotes(text));
  if (terms.size() - ellipses > dims.size())
    return usage("too many indices: " + std::to_string(terms.size() - ellipses) + " for " +
                 std::to_string(dims.size()) + (dims.size() == 1 ? " axis" : " axes"));
  Slice slice;
  for (const std::string_view term : terms) {
    const std::size_t axis = slice.axes.size();
    if (term == "...") {
      for (std::size_t i = terms.size() - 1; i < dims.size(); ++i)
        slice.axes.push_back(all_of(dims[slice.axes.size()]));
      continue;
    }
    if (term == "None" || term == "newaxis" || term == "np.newaxis")
      return usage("new axes cannot be made here: " + in_quotes(text));
    auto parsed =
        term.find(':') == std::string_view::npos ? parse_index(term, axis, dims[axis]) : parse_range(term, dims[axis]);
    if (!parsed) return std::move(parsed).error();
    slice.axes.push_back(*parsed);
  }
  while (slice.axes.size() < dims.size()) slice.axes.push_back(all_of(dims[slice.axes.size()]));
  return slice;
}

Status read_slice(const Checkpoint& file, const TensorInfo& tensor, const Slice& slice, const Sink& sink) {
  if (auto status = check(tensor, slice); !status) return status;
  if (slice.element_count() == 0) return {};
  const Plan plan = plan_of(tensor, slice);
  if (plan.walks.empty() || plan.run > kRunBytes / 2) return read_runs(file, tensor, plan, sink);
  return Gatherer(file, tensor, plan, sink).run();
}

Result<TensorAddress> parse_tensor(std::string_view text, const Checkpoint& file) {
  if (file.find(text) != nullptr) return TensorAddress{.name = std::string(text)};
  if (text.starts_with('"')) {
    const auto parts = unquote(text);
    if (!parts) return usage("not a quoted name: " + in_quotes(text));
    const auto& [name, rest] = *parts;
    if (!rest.empty() && !(rest.size() >= 2 && rest.front() == '[' && rest.back() == ']'))
      return usage("behind a quoted name only a slice in brackets can follow: " + in_quotes(text));
    if (file.find(name) == nullptr) return no_such(name, file);
    return TensorAddress{.name = name, .slice = std::string(rest.empty() ? rest : rest.substr(1, rest.size() - 2))};
  }
  const auto bracket = text.rfind('[');
  if (bracket == std::string_view::npos || !text.ends_with(']')) return no_such(text, file);
  const std::string_view name = text.substr(0, bracket);
  if (file.find(name) == nullptr) return no_such(name, file);
  return TensorAddress{.name = std::string(name),
                       .slice = std::string(text.substr(bracket + 1, text.size() - bracket - 2))};
}

std::optional<TensorUri> split_uri(std::string_view text) {
  for (auto hash = text.find('#'); hash != std::string_view::npos; hash = text.find('#', hash + 1)) {
    const std::string_view path = text.substr(0, hash);
    std::error_code error;
    const auto status = std::filesystem::status(std::filesystem::path(path), error);
    if (std::filesystem::exists(status) && !std::filesystem::is_directory(status))
      return TensorUri{.file = std::string(path), .tensor = std::string(text.substr(hash + 1))};
  }
  return std::nullopt;
}

}  // namespace ckpt

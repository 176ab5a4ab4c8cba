#include "ckpt/edit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <unordered_map>
#include <utility>
#include <variant>

#include "ckpt/group.h"
#include "ckpt/text.h"

namespace ckpt {
namespace {

constexpr std::size_t kCastBytes = std::size_t{256} << 10;

constexpr std::string_view kNotKept = "not kept";
constexpr std::string_view kOptimizer = "optimizer state";
constexpr std::string_view kLaterEntry = "a later entry has the same name";
constexpr std::string_view kOtherInput = "another input has the same name";
constexpr std::string_view kSet = "replaced by a value that is set";

Error usage(std::string_view tensor, std::string message) {
  return {.code = Errc::usage, .tensor = std::string(tensor), .message = std::move(message)};
}

/// As Writer::add(AppendValue) stores it.
DType dtype_of(const AppendValue& value) {
  constexpr DType kTypes[] = {DType::int64, DType::float32, DType::boolean, DType::string};
  return kTypes[value.value.index()];
}

/// A value that takes the place of a tensor of one element has that one's type and dims: the network expects them.
bool takes_form_of(const AppendValue& value, const TensorInfo& tensor) {
  return tensor.kind == Kind::tensor && tensor.element_count() == 1 && can_cast(dtype_of(value), tensor.dtype);
}

std::string what_is(const TensorInfo& tensor) {
  if (tensor.kind == Kind::string) return "a string";
  if (tensor.kind == Kind::map) return "a map parameter";
  const auto count = tensor.element_count();
  std::string text = "a " + tensor.type_name;
  if (count && *count != 1) text += " of " + std::to_string(*count) + " elements";
  return text;
}

// A value as an element of a type; no bytes for a string.
Result<std::vector<std::byte>> element_of(const AppendValue& value, DType to) {
  if (std::holds_alternative<std::string>(value.value)) return std::vector<std::byte>();
  std::array<std::byte, 8> element;
  std::vector<std::byte> out(size_of(to));
  CastCounts counts;
  const auto convert = [&](DType from, auto number) {
    std::memcpy(element.data(), &number, sizeof(number));
    cast(from, std::span(element).first(sizeof(number)), to, out, counts);
  };
  if (const auto* integer = std::get_if<std::int64_t>(&value.value)) convert(DType::int64, *integer);
  if (const auto* truth = std::get_if<bool>(&value.value)) convert(DType::boolean, std::uint8_t{*truth});
  const auto* real = std::get_if<double>(&value.value);
  if (real != nullptr) convert(DType::float64, *real);
  const bool whole = to == DType::boolean || (to >= DType::int8 && to <= DType::uint64);
  const bool fraction = real != nullptr && whole && std::trunc(*real) != *real;
  if (fraction || counts != CastCounts{})
    return usage(value.name, "its type " + std::string(name(to)) + " has no such value");
  return out;
}

Status write_value(Writer& writer, const EditStep& step) {
  if (step.element.empty()) return writer.add(*step.value);
  TensorDesc desc{.name = step.name, .dtype = step.dtype};
  if (step.tensor != nullptr) desc.dims = step.tensor->dims;
  return writer.add(desc, step.element);
}

DType target_of(const TensorInfo& tensor, const EditOptions& options) {
  if (tensor.kind != Kind::tensor || !options.cast) return tensor.dtype;
  const DType wanted = options.cast(tensor);
  return can_cast(tensor.dtype, wanted) ? wanted : tensor.dtype;
}

// An entry as another type, block by block.
Status write_cast(Writer& writer, const EditStep& step, CastCounts& counts) {
  const TensorInfo& tensor = *step.tensor;
  TensorDesc desc{.name = step.name, .dtype = step.dtype, .dims = tensor.dims};
  const auto size = desc.expected_size();
  if (!size || !tensor.fits())
    return Error{.code = Errc::mismatch, .tensor = tensor.name, .message = "its bytes are not what its dims ask for"};
  if (auto status = writer.begin(desc, *size); !status) return status;
  const std::size_t from = size_of(tensor.dtype);
  const std::size_t elements = kCastBytes / 16;  // the widest type has 16 bytes
  std::vector<std::byte> in(elements * from);
  std::vector<std::byte> out(elements * size_of(step.dtype));
  for (std::uint64_t done = 0; done < tensor.byte_size;) {
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(in.size(), tensor.byte_size - done));
    const auto input = std::span(in).first(take);
    const auto output = std::span(out).first(take / from * size_of(step.dtype));
    if (auto status = step.from->read(tensor, done, input); !status) return status;
    cast(tensor.dtype, input, step.dtype, output, counts);
    if (auto status = writer.append(output); !status) return status;
    done += take;
  }
  return {};
}

// The same values, in the writer's own form.
Status write_anew(Writer& writer, const EditStep& step) {
  const TensorInfo& tensor = *step.tensor;
  const TensorDesc desc{.name = step.name, .dtype = tensor.dtype, .dims = tensor.dims};
  if (auto status = writer.begin(desc, tensor.byte_size); !status) return status;
  std::vector<std::byte> block(kCastBytes);
  for (std::uint64_t done = 0; done < tensor.byte_size;) {
    const auto bytes = std::span(block).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), tensor.byte_size - done)));
    if (auto status = step.from->read(tensor, done, bytes); !status) return status;
    if (auto status = writer.append(bytes); !status) return status;
    done += bytes.size();
  }
  return {};
}

/// The steps of a plan, entry by entry, and then value by value.
class StepList {
 public:
  explicit StepList(const EditOptions& options) : options_(options) {}

  Status add(const Checkpoint& input) {
    const auto tensors = input.tensors();
    const auto groups = options_.strip_optimizer ? classify(tensors) : std::vector<Group>();
    const std::size_t first_of_input = steps.size();
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const TensorInfo& tensor = tensors[i];
      const auto why = why_dropped(input, tensor, !groups.empty() && groups[i] == Group::optimizer);
      if (!why.empty()) {
        drops.push_back({&input, &tensor, why});
        continue;
      }
      auto step = step_for(input, tensor);
      if (!step) return std::move(step).error();
      if (auto status = place(std::move(*step), first_of_input); !status) return status;
    }
    return {};
  }

  // `value` is pointed to.
  Status set(const AppendValue& value) {
    if (!is_utf8(value.name)) return usage(value.name, "its name is not UTF-8");
    EditStep step{.value = &value, .name = value.name, .dtype = dtype_of(value)};
    const auto [at, is_new] = places_.try_emplace(step.name, steps.size());
    if (!is_new)
      if (auto status = take_form(step, steps[at->second]); !status) return status;
    auto element = element_of(value, step.dtype);
    if (!element) return std::move(element).error();
    step.element = std::move(*element);
    if (is_new)
      steps.push_back(std::move(step));
    else
      steps[at->second] = std::move(step);
    return {};
  }

  std::vector<EditStep> steps = {};
  std::vector<EditDrop> drops = {};
  std::vector<std::string> conflicts = {};

 private:
  std::string_view why_dropped(const Checkpoint& input, const TensorInfo& tensor, bool is_optimizer) const {
    if (options_.keep && !options_.keep(tensor)) return kNotKept;
    if (is_optimizer) return kOptimizer;
    return input.find(tensor.name) == &tensor ? std::string_view() : kLaterEntry;
  }

  Result<EditStep> step_for(const Checkpoint& input, const TensorInfo& tensor) const {
    EditStep step{.from = &input, .tensor = &tensor, .name = tensor.name, .dtype = target_of(tensor, options_)};
    if (options_.rename) step.name = options_.rename(tensor.name);
    if (is_utf8(step.name)) return step;
    return usage(tensor.name, step.name == tensor.name ? "its name is not UTF-8: only a new one can be written"
                                                       : "its new name is not UTF-8");
  }

  Status place(EditStep step, std::size_t first_of_input) {
    const auto [at, is_new] = places_.try_emplace(step.name, steps.size());
    if (is_new) return steps.push_back(std::move(step)), Status();
    EditStep& other = steps[at->second];
    if (at->second >= first_of_input)
      return usage(step.tensor->name,
                   "it and \"" + escape(other.tensor->name) + "\" would both be \"" + escape(step.name) + '"');
    if (options_.conflict == EditOptions::Conflict::refuse) conflicts.push_back(step.name);
    if (options_.conflict == EditOptions::Conflict::last) std::swap(step, other);
    drops.push_back({step.from, step.tensor, kOtherInput});
    return {};
  }

  // A value takes the place of an entry, and as far as it can its type and dims.
  Status take_form(EditStep& step, const EditStep& other) {
    const AppendValue& value = *step.value;
    if (other.value != nullptr) return usage(value.name, "it is set twice");
    const bool is_text = std::holds_alternative<std::string>(value.value);
    if (takes_form_of(value, *other.tensor)) {
      step.tensor = other.tensor;
      step.dtype = other.tensor->dtype;
    } else if (!is_text || other.tensor->kind != Kind::string) {
      return usage(value.name, "cannot be set: it is " + what_is(*other.tensor) + ", not a single " +
                                   (is_text ? "string" : "number"));
    }
    drops.push_back({other.from, other.tensor, kSet});
    return {};
  }

  const EditOptions& options_;
  std::unordered_map<std::string, std::size_t> places_ = {};  // of names among the steps
};

}  // namespace

Result<EditPlan> EditPlan::make(std::span<const Checkpoint* const> inputs, EditOptions options) {
  EditPlan plan;
  plan.rewrite_ = options.rewrite;
  plan.values_ = std::move(options.set);
  StepList list(options);
  for (const Checkpoint* input : inputs)
    if (auto status = list.add(*input); !status) return std::move(status).error();
  for (const AppendValue& value : plan.values_)
    if (auto status = list.set(value); !status) return std::move(status).error();
  plan.steps_ = std::move(list.steps);
  plan.drops_ = std::move(list.drops);
  plan.conflicts_ = std::move(list.conflicts);
  return plan;
}

Status EditPlan::writable() const {
  if (!conflicts_.empty()) return usage(conflicts_.front(), "more than one input has it");
  if (steps_.empty()) return usage({}, "nothing would be left, and MindSpore cannot load an empty checkpoint");
  return {};
}

Result<std::vector<EditCast>> EditPlan::write(const std::filesystem::path& path, const WriteOptions& options,
                                              const Progress& progress) const {
  if (auto status = writable(); !status) return std::move(status).error();
  auto writer = Writer::create(path, options);
  if (!writer) return std::move(writer).error();
  std::uint64_t total = 0;
  for (const EditStep& step : steps_) total += step.from != nullptr ? step.tensor->byte_size : 0;
  std::uint64_t done = 0;
  std::vector<EditCast> casts;
  for (const EditStep& step : steps_) {
    Status status;
    if (step.value != nullptr) {
      status = write_value(*writer, step);
    } else if (step.dtype != step.tensor->dtype) {
      EditCast cast{.name = step.name, .to = step.dtype};
      status = write_cast(*writer, step, cast.counts);
      if (cast.counts != CastCounts{}) casts.push_back(std::move(cast));
    } else if (rewrite_ && (step.tensor->kind == Kind::tensor || step.tensor->kind == Kind::string)) {
      status = write_anew(*writer, step);
    } else {
      status = writer->copy(*step.from, *step.tensor, step.name);
    }
    if (!status) return status.error();
    done += step.from != nullptr ? step.tensor->byte_size : 0;
    if (progress && !progress(done, total))
      return Error{.code = Errc::cancelled, .message = "stopped while it was written"};
  }
  if (auto status = writer->finish(); !status) return status.error();
  return casts;
}

}  // namespace ckpt

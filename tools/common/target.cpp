#include "target.h"

#include <fmt/format.h>

#include <utility>

#include "ckpt/text.h"
#include "facts.h"
#include "usage.h"
#include "words.h"

namespace ckpt::tools {
namespace {

// `emb.keys`: the parts of a map are named like children.
const TensorInfo* find_part(const Checkpoint& file, std::string_view name) {
  const auto dot = name.rfind('.');
  if (dot == name.npos) return nullptr;
  const TensorInfo* map = file.find(name.substr(0, dot));
  if (map == nullptr) return nullptr;
  for (const TensorInfo& part : map->parts)
    if (part.name == name.substr(dot + 1)) return &part;
  return nullptr;
}

Result<Target> find_named(const Checkpoint& file, const std::string& text) {
  auto address = parse_tensor(text, file);
  if (address)
    return Target{
        .tensor = file.find(address->name), .name = std::move(address->name), .slice_text = std::move(address->slice)};
  const bool sliced = text.ends_with(']');
  const auto bracket = sliced ? text.rfind('[') : text.npos;
  Target target{.name = text.substr(0, bracket)};
  target.tensor = find_part(file, target.name);
  if (target.tensor == nullptr) return std::move(address).error();
  if (bracket != text.npos) target.slice_text = text.substr(bracket + 1, text.size() - bracket - 2);
  return target;
}

}  // namespace

bool has_elements(const TensorInfo& tensor) noexcept {
  return tensor.kind == Kind::tensor && size_of(tensor.dtype) != 0;
}

Error misfit(const TensorInfo& tensor, const std::string& name) {
  return {.code = Errc::mismatch,
          .offset = tensor.record_offset,
          .tensor = name,
          .message = fmt::format("dims {} of {} do not fit the {} bytes stored", shape_text(tensor.dims),
                                 type_text(tensor), tensor.byte_size)};
}

Result<Target> find_target(const Checkpoint& file, const std::string& text) {
  auto target = find_named(file, text);
  if (!target) {
    // As `list` shows a name: with its escapes.
    const auto bytes = unescape(text);
    if (!bytes || *bytes == text) return target;
    auto named = find_named(file, *bytes);
    if (!named) return target;
    target = std::move(named);
  }
  const TensorInfo& tensor = *target->tensor;
  if (!has_elements(tensor)) {
    if (!target->slice_text.empty()) return usage("\"" + escape(target->name) + "\" has no values to slice");
    return target;
  }
  if (!tensor.fits()) {
    if (target->slice_text.empty()) return target;
    return misfit(tensor, target->name);
  }
  auto slice = parse_slice(target->slice_text, tensor.dims);
  if (!slice) {
    Error error = std::move(slice).error();
    error.tensor = target->name;
    return error;
  }
  target->slice = std::move(*slice);
  return target;
}

}  // namespace ckpt::tools

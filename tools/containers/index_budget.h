#pragma once

#include <cstdint>
#include <string>

#include "ckpt/checkpoint.h"
#include "ckpt/error.h"
#include "ckpt/tensor.h"

namespace ckpt::containers {

/// Keeps an index within its Limits while it grows.
class IndexBudget {
 public:
  explicit IndexBudget(const Limits& limits) : limits_(limits) {}

  Status add(const TensorInfo& tensor) {
    const auto exceeded = [](std::string what, std::uint64_t limit) {
      return Error{.code = Errc::limit, .message = std::move(what) + "; the limit is " + std::to_string(limit)};
    };
    if (tensor.name.size() > limits_.max_name_bytes)
      return exceeded("a name of " + std::to_string(tensor.name.size()) + " bytes", limits_.max_name_bytes);
    if (tensor.dims.size() > limits_.max_dims)
      return exceeded(std::to_string(tensor.dims.size()) + " dims", limits_.max_dims);
    if (++records_ > limits_.max_records) return exceeded("too many tensors", limits_.max_records);
    bytes_ += sizeof(TensorInfo) + tensor.name.size() + tensor.type_name.size() + tensor.dims.size() * 8 +
              tensor.extents.size() * sizeof(Extent);
    if (bytes_ > limits_.max_index_bytes) return exceeded("an index too large for memory", limits_.max_index_bytes);
    return {};
  }

 private:
  const Limits& limits_;
  std::uint64_t records_ = 0;
  std::uint64_t bytes_ = 0;
};

/// The bytes of one entry that lie in one piece, as they are.
inline void place(TensorInfo& tensor, const Extent& extent) {
  tensor.extents = {extent};
  tensor.byte_size = tensor.stored_size = extent.size;
  tensor.record_offset = extent.offset;
}
/// The same where they are not in the file itself; `met` is the place there that speaks of them.
inline void place_elsewhere(TensorInfo& tensor, const Extent& extent, std::uint64_t met) {
  place(tensor, extent);
  tensor.record_offset = met;
}

/// Makes the Checkpoint; Errc::malformed for a name that comes twice: none of these formats means anything by it.
Result<Checkpoint> make_checkpoint(std::vector<SourcePtr> sources, std::vector<TensorInfo> tensors);

}  // namespace ckpt::containers

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ckpt/checkpoint.h"
#include "index.h"

namespace ckpt {

/// Names to entries in constant time: open addressing over positions, so that no name is stored twice. Part of each
/// hash is kept, so that hardly any name is looked at in vain: they lie all over the memory.
class NameTable {
 public:
  NameTable() : NameTable(std::span<const TensorInfo>{}) {}
  explicit NameTable(std::span<const TensorInfo> tensors);
  /// `tensors` is what the table was made from.
  const TensorInfo* find(std::span<const TensorInfo> tensors, std::string_view name) const noexcept;

 private:
  static constexpr std::uint32_t kEmpty = ~std::uint32_t{0};
  struct Slot {
    std::uint32_t entry = kEmpty;
    std::uint32_t hash = 0;
  };

  std::size_t slot_of(std::span<const TensorInfo> tensors, std::string_view name, std::uint64_t hash) const noexcept;

  std::uint64_t seed_ = 0;
  std::vector<Slot> slots_ = {};
};

struct Checkpoint::Impl {
  std::vector<SourcePtr> sources = {};
  Index index = {};
  NameTable names = {};
};

/// Checkpoint::read without the look at whether the file changed, for callers that look once at their end.
Status read_canonical(std::span<const SourcePtr> sources, const TensorInfo& tensor, std::uint64_t offset,
                      std::span<std::byte> out);
Status verify_unchanged(std::span<const SourcePtr> sources);
std::span<const SourcePtr> sources_of(const Checkpoint& file) noexcept;

}  // namespace ckpt

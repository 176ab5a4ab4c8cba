#include "chunks.h"

#include "checkpoint_impl.h"

namespace ckpt {
namespace {

constexpr std::uint64_t kSmallBytes = std::uint64_t{256} << 10;  // below, several items share a unit
constexpr std::uint64_t kUnitBytes = std::uint64_t{1} << 20;
constexpr std::size_t kUnitItems = 256;
constexpr std::uint64_t kMaxGap = 4096;  // read and dropped to save a system call

std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) noexcept { return a > ~b ? ~std::uint64_t{0} : a + b; }

std::uint64_t bytes_of(const ChunkPlan::Item& item) noexcept {
  if (item.elements != 0 && item.element_bytes > ~std::uint64_t{0} / item.elements) return ~std::uint64_t{0};
  return item.elements * item.element_bytes;
}

// Where canonical bytes lie as they are and in one piece; size 0 if they do not.
Extent place_of(const TensorInfo& tensor, std::uint64_t offset, std::uint64_t size) noexcept {
  if (tensor.encoding != Encoding::raw || tensor.kind == Kind::map) return {};
  for (const Extent& extent : tensor.extents) {
    if (offset < extent.size)
      return size <= extent.size - offset ? Extent{extent.source, extent.offset + offset, size} : Extent{};
    offset -= extent.size;
  }
  return {};
}

}  // namespace

ChunkPlan::ChunkPlan(std::span<const Item> items) : items_(items.begin(), items.end()) {
  std::uint64_t shared = 0;  // bytes of the run that is open for more small items; 0 if there is none
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const std::uint64_t bytes = bytes_of(items_[i]);
    bytes_ = saturating_add(bytes_, bytes);
    const bool small = bytes <= kSmallBytes && items_[i].elements <= kChunkElements;
    if (small && shared > 0 && shared + bytes <= kUnitBytes && i - runs_.back().begin < kUnitItems) {
      runs_.back().end = i + 1;
      shared += bytes;
      continue;
    }
    runs_.push_back({units_, i, i + 1});
    shared = small ? bytes + 1 : 0;
    units_ += small ? 1 : (items_[i].elements - 1) / kChunkElements + 1;
  }
}

std::vector<Chunk> ChunkPlan::chunks(std::uint64_t unit) const {
  const Run& run = *std::prev(std::upper_bound(runs_.begin(), runs_.end(), unit,
                                               [](std::uint64_t u, const Run& r) { return u < r.first_unit; }));
  if (run.end - run.begin == 1) {
    const std::uint64_t first = (unit - run.first_unit) * kChunkElements;
    return {{run.begin, first, std::min(items_[run.begin].elements - first, kChunkElements)}};
  }
  std::vector<Chunk> chunks;
  chunks.reserve(run.end - run.begin);
  for (std::size_t i = run.begin; i < run.end; ++i) chunks.push_back({i, 0, items_[i].elements});
  return chunks;
}

std::uint64_t ChunkPlan::bytes(std::span<const Chunk> chunks) const noexcept {
  std::uint64_t sum = 0;
  for (const Chunk& chunk : chunks) sum += chunk.count * items_[chunk.item].element_bytes;
  return sum;
}

void ChunkReader::expect(std::span<const TensorInfo* const> tensors) {
  wanted_ = {};
  for (const TensorInfo* tensor : tensors) {
    if (tensor->byte_size == 0) continue;
    const Extent place = place_of(*tensor, 0, tensor->byte_size);
    const std::uint64_t end = wanted_.offset + wanted_.size;
    if (place.size == 0) return;
    if (wanted_.size == 0)
      wanted_ = place;
    else if (place.source == wanted_.source && place.offset >= end && place.offset - end <= kMaxGap)
      wanted_.size = place.offset + place.size - wanted_.offset;
    else
      return;
  }
}

Result<std::span<const std::byte>> ChunkReader::read(const TensorInfo& tensor, std::uint64_t offset, std::size_t size) {
  const auto buffer = std::span(buffer_);
  const Extent place = place_of(tensor, offset, size);
  if (place.size == 0) {
    filled_ = {};
    if (auto status = read_canonical(sources_, tensor, offset, buffer.first(size)); !status)
      return std::move(status).error();
    return std::span<const std::byte>(buffer.first(size));
  }
  const auto lies_in = [&](const Extent& outer) {
    return place.source == outer.source && place.offset >= outer.offset && place.offset - outer.offset <= outer.size &&
           place.size <= outer.size - (place.offset - outer.offset);
  };
  if (!lies_in(filled_)) {
    std::uint64_t take = size;
    if (lies_in(wanted_))
      take = std::max(take, std::min<std::uint64_t>(buffer.size(), wanted_.offset + wanted_.size - place.offset));
    filled_ = {};
    if (auto status = sources_[place.source]->read_at(place.offset, buffer.first(static_cast<std::size_t>(take)));
        !status)
      return std::move(status).error();
    filled_ = {place.source, place.offset, take};
  }
  return std::span<const std::byte>(buffer.subspan(static_cast<std::size_t>(place.offset - filled_.offset), size));
}

}  // namespace ckpt

#include "ckpt/checkpoint.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <utility>

#include "checkpoint_impl.h"
#include "cipher_blocks.h"
#include "ckpt/text.h"
#include "scan.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace ckpt {
namespace {

// Seeded, so that no file can be made whose names all collide.
std::uint64_t hash(std::string_view name, std::uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(name.data(), name.size(), seed);
}

// The first bytes of another source.
class Front final : public Source {
 public:
  Front(SourcePtr whole, std::uint64_t size) : whole_(std::move(whole)), size_(size) {}
  std::uint64_t size() const noexcept override { return size_; }
  Status read_at(std::uint64_t offset, std::span<std::byte> out) const override { return whole_->read_at(offset, out); }
  Status verify_unchanged() const override { return whole_->verify_unchanged(); }

 private:
  SourcePtr whole_;
  std::uint64_t size_;
};

// A tensor's stored bytes from an offset on, one extent after the other.
class StoredBytes {
 public:
  StoredBytes(std::span<const SourcePtr> sources, const TensorInfo& tensor, std::uint64_t offset)
      : sources_(sources), left_(tensor.extents), within_(offset) {
    while (!left_.empty() && within_ >= left_[0].size) next();
  }

  Status take(std::span<std::byte> out) {
    while (!out.empty() && !left_.empty()) {
      const Extent& extent = left_[0];
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(extent.size - within_, out.size()));
      if (auto status = sources_[extent.source]->read_at(extent.offset + within_, out.first(size)); !status)
        return status;
      out = out.subspan(size);
      within_ += size;
      if (within_ == extent.size) next();
    }
    return {};
  }

 private:
  void next() {
    within_ -= left_[0].size;
    left_ = left_.subspan(1);
  }

  std::span<const SourcePtr> sources_;
  std::span<const Extent> left_;
  std::uint64_t within_;  // of the first of them
};

// Scans what is in front of a damaged cipher block, be it known already or met by the scan. A record that is cut there
// follows from that, so the block is the damage; one that is malformed is damage of its own, and comes before.
Index scan_readable(const SourcePtr& source, const OpenOptions& options, std::optional<Error> damage) {
  Index index = scan(*source, options.limits, options.progress);
  if (index.damage && index.damage->code == Errc::key && index.damage->offset < source->size()) {
    damage = std::move(*index.damage);
    const std::uint64_t size = index.plain_size;
    index = scan(Front(source, damage->offset), options.limits, options.progress);
    index.plain_size = size;
  }
  if (damage && (!index.damage || index.damage->code == Errc::truncated || index.damage->code == Errc::key)) {
    index.damage = std::move(damage);
    index.stray_damage = false;
  }
  return index;
}

}  // namespace

NameTable::NameTable(std::span<const TensorInfo> tensors)
    : seed_(reinterpret_cast<std::uintptr_t>(this) ^
            static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count())) {
  std::size_t slots = 16;
  while (slots < tensors.size() * 2) slots *= 2;
  slots_.resize(slots);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::uint64_t h = hash(tensors[i].name, seed_);
    // Of two of one name the last.
    slots_[slot_of(tensors, tensors[i].name, h)] = {static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(h >> 32)};
  }
}

// Where the name is, or would be.
std::size_t NameTable::slot_of(std::span<const TensorInfo> tensors, std::string_view name,
                               std::uint64_t hash) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  const auto upper = static_cast<std::uint32_t>(hash >> 32);
  std::size_t slot = hash & mask;
  while (slots_[slot].entry != kEmpty && (slots_[slot].hash != upper || tensors[slots_[slot].entry].name != name))
    slot = (slot + 1) & mask;
  return slot;
}

const TensorInfo* NameTable::find(std::span<const TensorInfo> tensors, std::string_view name) const noexcept {
  const std::uint32_t entry = slots_[slot_of(tensors, name, hash(name, seed_))].entry;
  return entry == kEmpty ? nullptr : &tensors[entry];
}

Error needs_key(const Encryption& encryption) {
  const std::string with = encryption.mode ? " with " + std::string(name(*encryption.mode)) : std::string();
  return {.code = Errc::key, .message = "encrypted" + with + ": it needs its key"};
}

bool is_garbage(const Error& damage) {
  return damage.code == Errc::truncated || damage.code == Errc::malformed || damage.code == Errc::limit;
}

Error does_not_decrypt() {
  return {.code = Errc::key, .message = "does not decrypt to a checkpoint: wrong key or mode, or the file was altered"};
}

Checkpoint::Checkpoint(std::unique_ptr<const Impl> impl) noexcept : impl_(std::move(impl)) {}
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;
Checkpoint& Checkpoint::operator=(Checkpoint&&) noexcept = default;
Checkpoint::~Checkpoint() = default;

Result<Checkpoint> Checkpoint::open(const std::filesystem::path& path, const OpenOptions& options) {
  auto source = open_file(path);
  if (!source) return std::move(source).error();
  return from_source(std::move(*source), options);
}

Result<Checkpoint> Checkpoint::from_bytes(std::span<const std::byte> bytes, const OpenOptions& options) {
  return from_source(borrow_bytes(bytes), options);
}

Result<Checkpoint> Checkpoint::from_source(SourcePtr source, const OpenOptions& options) {
  auto encryption = detect_encryption(*source);
  if (!encryption) return std::move(encryption).error();
  const SourcePtr file = source;
  DecryptedView view;
  if (*encryption) {
    if (!options.key) return needs_key(**encryption);
    auto opened = open_encrypted(std::move(source), *options.key, options.mode);
    if (!opened) return std::move(opened).error();
    view = std::move(*opened);
    source = std::move(view.source);
    *encryption = view.encryption;
  }

  Index index = scan_readable(source, options, view.damage);
  index.file_size = file->size();
  index.encryption = *encryption;
  index.clear_trailer = view.clear_trailer;
  if (auto unchanged = file->verify_unchanged(); !unchanged) return unchanged.error();
  if (index.tensors.empty() && index.plain_size != 0 && !index.trailer) {
    // Nothing in it: something else, or damaged from the start.
    if (*encryption && !view.damage && index.damage && is_garbage(*index.damage)) return does_not_decrypt();
    const auto identity = identify(*source);
    if (!identity) return identity.error();
    if (!identity->checkpoint) return Error{.code = Errc::unsupported, .message = "is " + identity->description};
  }
  if (index.damage) {
    if (!options.keep_damaged || !is_damage(*index.damage)) return std::move(*index.damage);
  }
  auto impl = std::make_unique<Impl>();
  impl->sources.push_back(std::move(source));
  impl->index = std::move(index);
  impl->names = NameTable(impl->index.tensors);
  return Checkpoint(std::move(impl));
}

Result<Checkpoint> Checkpoint::from_index(std::vector<SourcePtr> sources, std::vector<TensorInfo> tensors) {
  const auto misplaced = [&](const TensorInfo& tensor) -> Status {
    std::uint64_t stored = 0;
    for (const Extent& extent : tensor.extents) {
      if (extent.source >= sources.size() || extent.offset > sources[extent.source]->size() ||
          extent.size > sources[extent.source]->size() - extent.offset)
        return Error{.code = Errc::mismatch,
                     .offset = extent.offset,
                     .tensor = tensor.name,
                     .message = std::to_string(extent.size) + " bytes lie outside the file"};
      stored += extent.size;
    }
    const std::uint64_t canonical = tensor.encoding == Encoding::bf16_as_float32 ? stored / 2 : stored;
    if (tensor.kind != Kind::map && (stored != tensor.stored_size || canonical != tensor.byte_size))
      return Error{.code = Errc::usage, .tensor = tensor.name, .message = "its extents do not add up to its size"};
    return {};
  };
  Index index;
  for (const SourcePtr& source : sources) index.file_size += source->size();
  index.plain_size = index.file_size;
  for (const TensorInfo& tensor : tensors) {
    if (auto status = misplaced(tensor); !status) return status.error();
    for (const TensorInfo& part : tensor.parts)
      if (auto status = misplaced(part); !status) return status.error();
  }
  index.tensors = std::move(tensors);
  auto impl = std::make_unique<Impl>();
  impl->sources = std::move(sources);
  impl->index = std::move(index);
  impl->names = NameTable(impl->index.tensors);
  return Checkpoint(std::move(impl));
}

std::span<const TensorInfo> Checkpoint::tensors() const noexcept { return impl_->index.tensors; }
const TensorInfo* Checkpoint::find(std::string_view name) const noexcept {
  return impl_->names.find(impl_->index.tensors, name);
}
std::uint64_t Checkpoint::file_size() const noexcept { return impl_->index.file_size; }
const Dialect& Checkpoint::dialect() const noexcept { return impl_->index.dialect; }
const std::optional<Trailer>& Checkpoint::trailer() const noexcept { return impl_->index.trailer; }
const std::optional<Encryption>& Checkpoint::encryption() const noexcept { return impl_->index.encryption; }
const std::optional<Error>& Checkpoint::damage() const noexcept { return impl_->index.damage; }
const Source& Checkpoint::source(std::uint32_t index) const noexcept { return *impl_->sources[index]; }
const Index& index_of(const Checkpoint& file) noexcept { return file.impl_->index; }
std::span<const SourcePtr> sources_of(const Checkpoint& file) noexcept { return file.impl_->sources; }

Status read_canonical(std::span<const SourcePtr> sources, const TensorInfo& tensor, std::uint64_t offset,
                      std::span<std::byte> out) {
  if (tensor.kind == Kind::map)
    return Error{.code = Errc::usage, .tensor = tensor.name, .message = "is a map parameter: read its parts"};
  if (offset > tensor.byte_size || out.size() > tensor.byte_size - offset)
    return Error{.code = Errc::mismatch,
                 .tensor = tensor.name,
                 .message = "bytes " + std::to_string(offset) + " to " + std::to_string(offset + out.size()) +
                            " were asked for, " + std::to_string(tensor.byte_size) + " are stored"};
  if (tensor.encoding == Encoding::raw) return StoredBytes(sources, tensor, offset).take(out);
  // The high half of each little-endian float32: stored bytes 2 and 3 of 4.
  StoredBytes from(sources, tensor, offset / 2 * 4);
  std::array<std::byte, 16384> stored;
  while (!out.empty()) {
    const auto elements = static_cast<std::size_t>(
        std::min<std::uint64_t>(stored.size() / 4, (offset + out.size() + 1) / 2 - offset / 2));
    if (auto status = from.take(std::span(stored).first(elements * 4)); !status) return status;
    std::size_t done = 0;
    for (std::size_t i = offset % 2; i < elements * 2 && done < out.size(); ++i, ++done)
      out[done] = stored[i / 2 * 4 + 2 + i % 2];
    offset += done;
    out = out.subspan(done);
  }
  return {};
}

Status Checkpoint::read(const TensorInfo& tensor, std::uint64_t offset, std::span<std::byte> out) const {
  if (auto status = read_canonical(impl_->sources, tensor, offset, out); !status) return status;
  return verify_unchanged(impl_->sources);
}

Status verify_unchanged(std::span<const SourcePtr> sources) {
  for (const SourcePtr& source : sources)
    if (auto status = source->verify_unchanged(); !status) return status;
  return {};
}

Result<std::string> Checkpoint::read_string(const TensorInfo& tensor) const {
  constexpr std::uint64_t kMaxStringBytes = std::uint64_t{16} << 20;
  const auto mismatch = [&](std::string message) {
    return Error{.code = Errc::mismatch, .tensor = tensor.name, .message = std::move(message)};
  };
  if (tensor.byte_size % 4 != 0)
    return mismatch("a str of " + std::to_string(tensor.byte_size) + " bytes is not UTF-32");
  if (tensor.byte_size > kMaxStringBytes) return mismatch("a str above 16 MiB");
  std::vector<std::byte> bytes(static_cast<std::size_t>(tensor.byte_size));
  if (auto status = read(tensor, 0, bytes); !status) return status.error();
  auto text = utf8_from_utf32(bytes);
  if (!text)
    return Error{.code = Errc::malformed, .tensor = tensor.name, .message = "a str with a code point that is none"};
  return std::move(*text);
}

}  // namespace ckpt

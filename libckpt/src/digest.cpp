#include "ckpt/digest.h"

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

#include "checkpoint_impl.h"
#include "chunks.h"
#include "ckpt/text.h"
#include "hasher.h"
#include "page_buffer.h"
#include "read_ahead.h"
#include "xxh3_avx2.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace ckpt {
namespace {

constexpr std::size_t kHashBytes = std::size_t{256} << 10;
constexpr std::uint64_t kReadAheadFrom = std::uint64_t{32} << 20;  // below that a thread for it does not pay

void update_xxh3(XXH3_state_t& state, std::span<const std::byte> bytes) noexcept {
#if defined(__x86_64__)
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (has_avx2) return xxh3_update_avx2(&state, bytes.data(), bytes.size());
#endif
  XXH3_128bits_update(&state, bytes.data(), bytes.size());
}

class Xxh3 final : public Hasher {
 public:
  Xxh3() { XXH3_128bits_reset(&state_); }

  void add(std::span<const std::byte> bytes) override { update_xxh3(state_, bytes); }

  std::string finish() override {
    XXH128_canonical_t canonical;  // big-endian: what xxh128sum prints
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state_));
    XXH3_128bits_reset(&state_);
    return hexadecimal(std::as_bytes(std::span(canonical.digest)));
  }

 private:
  XXH3_state_t state_;
};

void add_number(Hasher& hasher, std::uint64_t number) {
  std::array<std::byte, 8> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(number >> (8 * i));
  hasher.add(bytes);
}

void add_text(Hasher& hasher, std::string_view text) {
  add_number(hasher, text.size());
  hasher.add(std::as_bytes(std::span(text.data(), text.size())));
}

// What a file says of an entry, without what only this file does: a str has dims in some dialects and none in others.
void add_description(Hasher& hasher, const TensorInfo& entry) {
  add_text(hasher, entry.name);
  add_text(hasher, entry.dtype == DType::unknown ? std::string_view(entry.type_name) : name(entry.dtype));
  if (entry.kind == Kind::string) return add_number(hasher, 0);
  add_number(hasher, entry.dims.size());
  for (const std::int64_t dim : entry.dims) add_number(hasher, static_cast<std::uint64_t>(dim));
}

// A map has no bytes of its own: what counts is its parts.
std::string digest_of_parts(Hasher& hasher, const TensorInfo& map, std::span<const std::string> parts) {
  for (std::size_t i = 0; i < map.parts.size(); ++i) {
    add_description(hasher, map.parts[i]);
    add_text(hasher, parts[i]);
  }
  return hasher.finish();
}

// Of entries sorted by name, so that their order in the file does not matter; two of one name by what they are.
std::string content_digest(Hasher& hasher, std::span<const TensorInfo> entries, std::span<const std::string> digests) {
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (const int c = entries[a].name.compare(entries[b].name); c != 0) return c < 0;
    if (digests[a] != digests[b]) return digests[a] < digests[b];
    return std::tie(entries[a].type_name, entries[a].dims) < std::tie(entries[b].type_name, entries[b].dims);
  });
  for (const std::size_t i : order) {
    add_description(hasher, entries[i]);
    add_text(hasher, digests[i]);
  }
  return hasher.finish();
}

// One thing to read: an entry, or a part of a map.
struct Item {
  std::size_t entry = 0;
  std::size_t part = 0;
  const TensorInfo* tensor = nullptr;
};

// The largest first, so that no thread is left alone with one at the end.
std::vector<Item> items_of(std::span<const TensorInfo> entries) {
  std::vector<Item> items;
  items.reserve(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].kind != Kind::map) items.push_back({i, 0, &entries[i]});
    for (std::size_t part = 0; part < entries[i].parts.size(); ++part)
      items.push_back({i, part, &entries[i].parts[part]});
  }
  std::stable_sort(items.begin(), items.end(),
                   [](const Item& a, const Item& b) { return a.tensor->byte_size > b.tensor->byte_size; });
  return items;
}

std::vector<std::vector<std::string>> room_for_parts(std::span<const TensorInfo> entries) {
  std::vector<std::vector<std::string>> parts(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i)
    parts[i].resize(entries[i].kind == Kind::map ? entries[i].parts.size() : 1);
  return parts;
}

Digests put_together(DigestAlgorithm algorithm, Hasher& hasher, std::span<const TensorInfo> entries,
                     std::vector<std::vector<std::string>> parts) {
  Digests digests{.algorithm = algorithm};
  digests.tensors.reserve(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i)
    digests.tensors.push_back(entries[i].kind == Kind::map ? digest_of_parts(hasher, entries[i], parts[i])
                                                           : std::move(parts[i][0]));
  digests.content = content_digest(hasher, entries, digests.tensors);
  return digests;
}

// What takes time with a large one is its hash, one byte after the other: at least the reading is done beside it.
Status add_reading_ahead(Hasher& hasher, const ReadAhead::Read& read, std::uint64_t size, Meter& meter) {
  ReadAhead blocks(read, size);
  while (true) {
    auto block = blocks.next();
    if (!block) return std::move(block).error();
    if (block->empty()) return {};
    hasher.add(*block);
    if (auto status = meter.add(block->size()); !status) return status;
  }
}

Status add_reading(Hasher& hasher, const ReadAhead::Read& read, std::uint64_t size, std::span<std::byte> buffer,
                   Meter& meter) {
  for (std::uint64_t offset = 0; offset < size;) {
    const auto block = buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size - offset)));
    if (auto status = read(offset, block); !status) return status;
    hasher.add(block);
    if (auto status = meter.add(block.size()); !status) return status;
    offset += block.size();
  }
  return {};
}

/// Of what comes in pieces. Of a map the parts take turns when it has slices, so each has a hasher of its own until the
/// next entry starts.
class PieceDigests {
 public:
  explicit PieceDigests(DigestAlgorithm algorithm) : algorithm_(algorithm) {}

  Status add(const Piece& piece, const TensorInfo& entry) {
    if (piece.entry != entry_) {
      close();
      entry_ = piece.entry;
    }
    if (open_.size() <= piece.part) open_.resize(piece.part + 1);
    auto& hasher = open_[piece.part];
    if (!hasher) {
      auto made = make_hasher(algorithm_);
      if (!made) return std::move(made).error();
      hasher = std::move(*made);
    }
    hasher->add(entry.encoding == Encoding::raw ? piece.bytes : high_halves(piece));
    return {};
  }

  // Entries without bytes gave no piece: theirs are of `none`.
  std::vector<std::vector<std::string>> finish(std::span<const TensorInfo> entries, Hasher& none) {
    close();
    parts_.resize(entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
      parts_[i].resize(entries[i].kind == Kind::map ? entries[i].parts.size() : 1);
      for (std::string& digest : parts_[i])
        if (digest.empty()) digest = none.finish();
    }
    return std::move(parts_);
  }

 private:
  void close() {
    if (parts_.size() <= entry_) parts_.resize(entry_ + 1);
    if (parts_[entry_].size() < open_.size()) parts_[entry_].resize(open_.size());
    for (std::size_t i = 0; i < open_.size(); ++i)
      if (open_[i]) parts_[entry_][i] = open_[i]->finish();
    open_.clear();
  }

  // bf16 stored as float32: the high half of each.
  std::span<const std::byte> high_halves(const Piece& piece) {
    converted_.clear();
    for (std::size_t i = 0; i < piece.bytes.size(); ++i)
      if ((piece.offset + i) % 4 >= 2) converted_.push_back(piece.bytes[i]);
    return converted_;
  }

  DigestAlgorithm algorithm_;
  std::size_t entry_ = 0;
  std::vector<std::unique_ptr<Hasher>> open_ = {};
  std::vector<std::vector<std::string>> parts_ = {};
  std::vector<std::byte> converted_ = {};
};

}  // namespace

std::string_view name(DigestAlgorithm algorithm) noexcept {
  return algorithm == DigestAlgorithm::sha256 ? "sha256" : "xxh3";
}

std::optional<DigestAlgorithm> digest_algorithm_from_name(std::string_view text) noexcept {
  for (const DigestAlgorithm algorithm : {DigestAlgorithm::sha256, DigestAlgorithm::xxh3})
    if (text == name(algorithm)) return algorithm;
  return std::nullopt;
}

Result<std::unique_ptr<Hasher>> make_hasher(DigestAlgorithm algorithm) {
  if (algorithm == DigestAlgorithm::sha256) return make_sha256();
  return std::unique_ptr<Hasher>(std::make_unique<Xxh3>());
}

Result<Digests> digest(const Checkpoint& file, const DigestOptions& options) {
  const auto entries = file.tensors();
  const std::vector<Item> items = items_of(entries);
  auto parts = room_for_parts(entries);
  std::uint64_t total = 0;
  for (const Item& item : items) total += item.tensor->byte_size;
  Meter meter(options.progress, total);
  const bool may_read_ahead = thread_count(options.threads) > 1;
  // One hasher and one buffer a thread: a file can have far more tensors than threads.
  struct Worker {
    std::unique_ptr<Hasher> hasher = {};
    PageBuffer buffer{kHashBytes};
  };
  const auto digest_one = [&](Worker& worker, std::size_t i) -> Status {
    if (!worker.hasher) {
      auto hasher = make_hasher(options.algorithm);
      if (!hasher) return std::move(hasher).error();
      worker.hasher = std::move(*hasher);
    }
    const TensorInfo& tensor = *items[i].tensor;
    const ReadAhead::Read read = [&](std::uint64_t offset, std::span<std::byte> out) {
      return read_canonical(sources_of(file), tensor, offset, out);
    };
    auto status = may_read_ahead && tensor.byte_size >= kReadAheadFrom
                      ? add_reading_ahead(*worker.hasher, read, tensor.byte_size, meter)
                      : add_reading(*worker.hasher, read, tensor.byte_size, worker.buffer.bytes(), meter);
    if (status) parts[items[i].entry][items[i].part] = worker.hasher->finish();
    return status;
  };
  const auto make_worker = [] { return Worker(); };
  if (auto status = in_any_order(options.threads, items.size(), make_worker, digest_one); !status)
    return std::move(status).error();
  if (auto status = verify_unchanged(sources_of(file)); !status) return status.error();
  auto hasher = make_hasher(options.algorithm);
  if (!hasher) return std::move(hasher).error();
  return put_together(options.algorithm, **hasher, entries, std::move(parts));
}

Result<Digests> digest(RecordStream& stream, const DigestOptions& options) {
  auto hasher = make_hasher(options.algorithm);
  if (!hasher) return std::move(hasher).error();
  PieceDigests pieces(options.algorithm);
  while (true) {
    auto piece = stream.next();
    if (!piece) return std::move(piece).error();
    if (*piece == nullptr) break;
    if (auto status = pieces.add(**piece, stream.tensors()[(*piece)->entry]); !status) return std::move(status).error();
    if (options.progress && !options.progress(stream.bytes_read(), 0))
      return Error{.code = Errc::cancelled, .message = "stopped while it was read"};
  }
  return put_together(options.algorithm, **hasher, stream.tensors(), pieces.finish(stream.tensors(), **hasher));
}

}  // namespace ckpt

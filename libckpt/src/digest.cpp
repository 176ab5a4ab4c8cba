#include "ckpt/digest.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <numeric>
#include <optional>
#include <thread>
#include <tuple>
#include <utility>

#include "checkpoint_impl.h"
#include "ckpt/text.h"
#include "hasher.h"
#include "page_buffer.h"
#include "parallel.h"
#include "read_ahead.h"
#include "xxh3_avx2.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace ckpt {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{256} << 10;
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

  const std::thread::id caller = std::this_thread::get_id();
  std::atomic<std::uint64_t> done{0};
  std::mutex mutex;
  std::optional<Error> failure;
  const auto fail = [&](Error error) {
    const std::lock_guard lock(mutex);
    if (!failure) failure = std::move(error);
    return false;
  };
  // One hasher and one buffer a thread, taken and given back: a file can have far more tensors than threads.
  struct Worker {
    std::unique_ptr<Hasher> hasher;
    PageBuffer buffer;
  };
  std::vector<Worker> idle;
  const auto take = [&]() -> Result<Worker> {
    {
      const std::lock_guard lock(mutex);
      if (!idle.empty()) {
        Worker worker = std::move(idle.back());
        idle.pop_back();
        return worker;
      }
    }
    auto hasher = make_hasher(options.algorithm);
    if (!hasher) return std::move(hasher).error();
    return Worker{std::move(*hasher), PageBuffer(kBlockBytes)};
  };
  const auto add = [&](Worker& worker, std::span<const std::byte> block) -> Status {
    worker.hasher->add(block);
    const std::uint64_t now = done.fetch_add(block.size()) + block.size();
    if (options.progress && std::this_thread::get_id() == caller && !options.progress(now, total))
      return Error{.code = Errc::cancelled, .message = "stopped while it was read"};
    return {};
  };
  // What a large one takes is its hash, one byte after the other: at least the reading is done beside it.
  const auto add_reading_ahead = [&](Worker& worker, const ReadAhead::Read& read, std::uint64_t size) -> Status {
    ReadAhead blocks(read, size);
    while (true) {
      auto block = blocks.next();
      if (!block) return std::move(block).error();
      if (block->empty()) return {};
      if (auto status = add(worker, *block); !status) return status;
    }
  };
  const auto add_reading = [&](Worker& worker, const ReadAhead::Read& read, std::uint64_t size) -> Status {
    for (std::uint64_t offset = 0; offset < size;) {
      const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(kBlockBytes, size - offset));
      const auto block = worker.buffer.bytes().first(piece);
      if (auto status = read(offset, block); !status) return status;
      if (auto status = add(worker, block); !status) return status;
      offset += piece;
    }
    return {};
  };
  const bool may_read_ahead = thread_count(options.threads) > 1;
  const auto digest_one = [&](const Item& item, Worker& worker) -> Status {
    const TensorInfo& tensor = *item.tensor;
    const ReadAhead::Read read = [&](std::uint64_t offset, std::span<std::byte> out) {
      return read_canonical(sources_of(file), tensor, offset, out);
    };
    const bool ahead = may_read_ahead && tensor.byte_size >= kReadAheadFrom;
    auto status =
        ahead ? add_reading_ahead(worker, read, tensor.byte_size) : add_reading(worker, read, tensor.byte_size);
    if (status) parts[item.entry][item.part] = worker.hasher->finish();
    return status;
  };
  parallel_for(options.threads, items.size(), [&](std::size_t i) {
    auto worker = take();
    if (!worker) return fail(std::move(worker).error());
    if (auto status = digest_one(items[i], *worker); !status) return fail(status.error());
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(*worker));
    return true;
  });
  if (failure) return std::move(*failure);
  if (auto status = verify_unchanged(sources_of(file)); !status) return status.error();
  auto hasher = make_hasher(options.algorithm);
  if (!hasher) return std::move(hasher).error();
  return put_together(options.algorithm, **hasher, entries, std::move(parts));
}

Result<Digests> digest(RecordStream& stream, const DigestOptions& options) {
  auto hasher = make_hasher(options.algorithm);
  if (!hasher) return std::move(hasher).error();
  // Of a map the parts take turns when it has slices, so each has a hasher of its own until the next entry starts.
  std::vector<std::unique_ptr<Hasher>> open;
  std::size_t entry = 0;
  std::vector<std::vector<std::string>> parts;
  std::vector<std::byte> converted;
  const auto close = [&] {
    if (parts.size() <= entry) parts.resize(entry + 1);
    if (parts[entry].size() < open.size()) parts[entry].resize(open.size());
    for (std::size_t i = 0; i < open.size(); ++i)
      if (open[i]) parts[entry][i] = open[i]->finish();
    open.clear();
  };
  while (true) {
    auto piece = stream.next();
    if (!piece) return std::move(piece).error();
    if (*piece == nullptr) break;
    const Piece& p = **piece;
    if (p.entry != entry) {
      close();
      entry = p.entry;
    }
    if (open.size() <= p.part) open.resize(p.part + 1);
    if (!open[p.part]) {
      auto made = make_hasher(options.algorithm);
      if (!made) return std::move(made).error();
      open[p.part] = std::move(*made);
    }
    const TensorInfo& info = stream.tensors()[p.entry];
    if (info.encoding == Encoding::raw) {
      open[p.part]->add(p.bytes);
    } else {  // the high half of each float32
      converted.clear();
      for (std::size_t i = 0; i < p.bytes.size(); ++i)
        if ((p.offset + i) % 4 >= 2) converted.push_back(p.bytes[i]);
      open[p.part]->add(converted);
    }
    if (options.progress && !options.progress(stream.bytes_read(), 0))
      return Error{.code = Errc::cancelled, .message = "stopped while it was read"};
  }
  close();

  // Entries without bytes gave no piece.
  const auto entries = stream.tensors();
  parts.resize(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    parts[i].resize(entries[i].kind == Kind::map ? entries[i].parts.size() : 1);
    for (std::string& digest : parts[i])
      if (digest.empty()) digest = (*hasher)->finish();
  }
  return put_together(options.algorithm, **hasher, entries, std::move(parts));
}

}  // namespace ckpt

#include "aside.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

namespace ckpt::containers {
namespace {

constexpr std::uint64_t kInMemory = std::uint64_t{1} << 20;

}  // namespace

Result<std::uint64_t> Aside::add(std::uint64_t size, Decode decode) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (size > kMost - size_) return Error{.code = Errc::limit, .message = "more than 2^63 bytes to decode"};
  Part& part = parts_.emplace_back();
  part.begin = size_;
  part.size = size;
  part.decode = std::move(decode);
  size_ += size;
  return part.begin;
}

Status Aside::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  if (offset > size_ || out.size() > size_ - offset)
    return Error{.code = Errc::truncated, .offset = offset, .message = "a read past the end of what was decoded"};
  if (out.empty()) return {};
  auto part = std::upper_bound(parts_.begin(), parts_.end(), offset,
                               [](std::uint64_t at, const Part& p) { return at < p.begin; });
  for (--part; part != parts_.end() && part->begin < offset + out.size(); ++part)
    if (auto status = ensure(*part); !status) return status;
  return read_store(offset, out);
}

Status Aside::ensure(Part& part) const {
  std::call_once(part.once, [&] {
    {
      const std::lock_guard lock(mutex_);
      if (part.size > max_bytes_ - decoded_) {
        part.status =
            Error{.code = Errc::limit,
                  .message = "needs " + std::to_string(part.size) + " bytes decoded, where " +
                             std::to_string(max_bytes_ - decoded_) + " of " + std::to_string(max_bytes_) + " are left"};
        return;
      }
      part.status = make_store();
      if (!part.status) return;
      decoded_ += part.size;
    }
    part.status = part.decode(Region(*this, part.begin, part.size));
    part.decode = {};
  });
  return part.status;
}

Status Aside::make_store() const {
  if (store_ || !memory_.empty()) return {};
  if (size_ <= kInMemory) {
    memory_.resize(static_cast<std::size_t>(size_));
    return {};
  }
  auto store = TempStore::create();
  if (!store) return store.error();
  store_ = std::make_unique<TempStore>(std::move(*store));
  return {};
}

Status Aside::read_store(std::uint64_t offset, std::span<std::byte> out) const {
  if (store_) return store_->read_at(offset, out);
  std::memcpy(out.data(), memory_.data() + offset, out.size());
  return {};
}

Status Aside::write_store(std::uint64_t offset, std::span<const std::byte> bytes) const {
  if (store_) return store_->write_at(offset, bytes);
  std::memcpy(memory_.data() + offset, bytes.data(), bytes.size());
  return {};
}

Status Aside::Region::write(std::uint64_t offset, std::span<const std::byte> bytes) const {
  if (offset > size_ || bytes.size() > size_ - offset)
    return Error{.code = Errc::mismatch, .message = "more bytes than its dims and type ask for"};
  return bytes.empty() ? Status() : aside_.write_store(begin_ + offset, bytes);
}

Status Aside::Region::read(std::uint64_t offset, std::span<std::byte> out) const {
  if (offset > size_ || out.size() > size_ - offset)
    return Error{.code = Errc::truncated, .message = "a read past the end of what was decoded"};
  return out.empty() ? Status() : aside_.read_store(begin_ + offset, out);
}

}  // namespace ckpt::containers

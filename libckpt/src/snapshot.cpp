#include "snapshot.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "file_source.h"
#include "parallel.h"

namespace ckpt {
namespace {

struct Copy {
  std::span<const std::byte> from = {};
  std::byte* to = nullptr;
};

constexpr std::size_t kCopyBytes = std::size_t{4} << 20;
constexpr std::size_t kWorthThreads = 2 * kCopyBytes;

std::size_t padded(std::size_t size) noexcept { return (size + 63) / 64 * 64; }

}  // namespace

Status Snapshot::take(std::span<const Param> params) {
  try {
    copy(params);
    return {};
  } catch (const std::bad_alloc&) {
    params_.clear();
    return system_error("cannot copy the parameters for an asynchronous save", ENOMEM);
  }
}

void Snapshot::copy(std::span<const Param> params) {
  std::size_t size = 0;
  for (const Param& param : params) size += padded(param.bytes.size());
  const bool fresh = size > capacity_;
  if (fresh) {
    capacity_ = 0;
    memory_.reset();  // not both at once
    memory_ = std::make_unique_for_overwrite<std::byte[]>(size);
    capacity_ = size;
  }
  params_.assign(params.begin(), params.end());
  std::vector<Copy> copies;
  std::byte* at = memory_.get();
  for (Param& param : params_) {
    const std::span<const std::byte> from = std::exchange(param.bytes, {at, param.bytes.size()});
    for (std::size_t done = 0; done < from.size(); done += kCopyBytes)
      copies.push_back({from.subspan(done, std::min(kCopyBytes, from.size() - done)), at + done});
    at += padded(from.size());
  }
  parallel_for(size < kWorthThreads ? 1 : 0, copies.size(), [&](std::size_t i) {
    const auto& [from, to] = copies[i];
    if (fresh && from.size() == kCopyBytes) populate({to, kCopyBytes});
    std::memcpy(to, from.data(), from.size());
    return true;
  });
}

}  // namespace ckpt

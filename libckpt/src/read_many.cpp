#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "checkpoint_impl.h"
#include "chunks.h"
#include "file_source.h"

namespace ckpt {
namespace {

// A run of bytes of one source and where it goes.
struct Transfer {
  std::uint32_t source = 0;
  std::uint64_t offset = 0;
  std::span<std::byte> out = {};
};

constexpr std::size_t kUnitBytes = std::size_t{4} << 20;      // of work handed to a thread at once
constexpr std::size_t kDirectBytes = std::size_t{32} << 10;   // from here on a read of its own is cheaper than a copy
constexpr std::size_t kWindowBytes = std::size_t{256} << 10;  // stays in the second-level cache
constexpr std::size_t kMaxGap = 4096;                         // read and dropped to save a system call

// The bytes of one request, cut at 4 MiB. Encoded tensors are not transfers: they are converted on the way.
void add_transfers(const ReadRequest& request, std::vector<Transfer>& transfers) {
  std::uint64_t skip = request.offset;
  std::span<std::byte> out = request.out;
  for (const Extent& extent : request.tensor->extents) {
    if (skip >= extent.size) {
      skip -= extent.size;
      continue;
    }
    std::uint64_t offset = extent.offset + skip;
    auto left = static_cast<std::size_t>(std::min<std::uint64_t>(extent.size - skip, out.size()));
    skip = 0;
    while (left > 0) {
      const std::size_t take = std::min(left, kUnitBytes);
      transfers.push_back({extent.source, offset, out.first(take)});
      out = out.subspan(take);
      offset += take;
      left -= take;
    }
    if (out.empty()) return;
  }
}

// Consecutive transfers of about 4 MiB together.
std::vector<std::span<const Transfer>> cut_into_units(std::span<const Transfer> transfers) {
  std::vector<std::span<const Transfer>> units;
  std::size_t begin = 0;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < transfers.size(); ++i) {
    bytes += transfers[i].out.size();
    if (bytes < kUnitBytes && i + 1 < transfers.size()) continue;
    units.push_back(transfers.subspan(begin, i + 1 - begin));
    begin = i + 1;
    bytes = 0;
  }
  return units;
}

// Destinations that lie one behind the other are made ready together.
void populate_all(std::span<const Transfer> unit) {
  constexpr std::size_t kWorthACall = std::size_t{64} << 10;
  constexpr std::ptrdiff_t kPadding = 256;
  for (std::size_t i = 0; i < unit.size();) {
    std::byte* const begin = unit[i].out.data();
    std::byte* end = begin + unit[i].out.size();
    for (++i; i < unit.size() && unit[i].out.data() >= end && unit[i].out.data() - end <= kPadding; ++i)
      end = unit[i].out.data() + unit[i].out.size();
    const std::span<std::byte> memory(begin, end);
    if (memory.size() >= kWorthACall) populate(memory);
  }
}

Status transfer_all(std::span<const SourcePtr> sources, std::span<const Transfer> unit,
                    std::vector<std::byte>& window) {
  populate_all(unit);
  for (std::size_t i = 0; i < unit.size();) {
    const Transfer& first = unit[i];
    std::uint64_t end = first.offset + first.out.size();
    std::size_t last = i + 1;
    if (first.out.size() < kDirectBytes) {
      while (last < unit.size() && unit[last].source == first.source && unit[last].out.size() < kDirectBytes &&
             unit[last].offset >= end && unit[last].offset - end <= kMaxGap &&
             unit[last].offset + unit[last].out.size() - first.offset <= kWindowBytes) {
        end = unit[last].offset + unit[last].out.size();
        ++last;
      }
    }
    const Source& source = *sources[first.source];
    if (last == i + 1) {
      if (auto status = source.read_at(first.offset, first.out); !status) return status;
    } else {
      window.resize(kWindowBytes);
      if (auto status =
              source.read_at(first.offset, std::span(window).first(static_cast<std::size_t>(end - first.offset)));
          !status)
        return status;
      for (std::size_t t = i; t < last; ++t)
        std::memcpy(unit[t].out.data(), window.data() + (unit[t].offset - first.offset), unit[t].out.size());
    }
    i = last;
  }
  return {};
}

}  // namespace

Status Checkpoint::read_many(std::span<const ReadRequest> requests, const ReadOptions& options) const {
  std::vector<Transfer> transfers;
  transfers.reserve(requests.size());
  std::uint64_t total = 0;
  std::uint64_t converted = 0;
  for (const ReadRequest& request : requests) {
    const TensorInfo& tensor = *request.tensor;
    if (tensor.kind == Kind::map || tensor.encoding != Encoding::raw || request.offset > tensor.byte_size ||
        request.out.size() > tensor.byte_size - request.offset) {
      // Conversions and refusals are read()'s business.
      if (auto status = read_canonical(impl_->sources, tensor, request.offset, request.out); !status) return status;
      converted += request.out.size();
    } else {
      add_transfers(request, transfers);
    }
    total += request.out.size();
  }
  const auto place = [](const Transfer& t) { return std::pair(t.source, t.offset); };
  const auto before = [&](const Transfer& a, const Transfer& b) { return place(a) < place(b); };
  if (!std::is_sorted(transfers.begin(), transfers.end(), before))
    std::sort(transfers.begin(), transfers.end(), before);

  const auto units = cut_into_units(transfers);
  Meter meter(options.progress, total);
  if (converted > 0)
    if (auto status = meter.add(converted); !status) return status;
  const auto make_window = [] { return std::vector<std::byte>(); };
  auto status = in_any_order(options.threads, units.size(), make_window, [&](auto& window, std::size_t i) -> Status {
    if (auto done = transfer_all(impl_->sources, units[i], window); !done) return done;
    std::uint64_t bytes = 0;
    for (const Transfer& transfer : units[i]) bytes += transfer.out.size();
    return meter.add(bytes);
  });
  return status ? verify_unchanged(impl_->sources) : status;
}

}  // namespace ckpt

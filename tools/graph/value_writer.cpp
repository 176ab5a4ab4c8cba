#include "value_writer.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "ckpt/cast.h"

namespace ckpt::graph {
namespace {

constexpr std::uint64_t kBlock = std::uint64_t{256} << 10;
constexpr std::uint64_t kStep = std::uint64_t{32} << 20;  // between two looks at whether to stop

}  // namespace

Status append_text(OutputFile& file, const std::string& text) {
  return file.append(std::as_bytes(std::span(text.data(), text.size())));
}

template <class TakeBytes, class TakeRange>
Status ValueWriter::visit(const Contents& contents, TakeBytes take_bytes, TakeRange take_range) {
  if (contents.make) {
    const auto bytes = contents.make();
    if (!bytes) return bytes.error();
    if (bytes->size() != contents.size) return Error{.code = Errc::mismatch, .message = "its bytes are not all there"};
    return take_bytes(std::span<const std::byte>(*bytes));
  }
  for (const Contents::Run& run : contents.runs) {
    sources_.insert(run.source.get());
    if (auto status = take_range(*run.source, run.offset, run.size); !status) return status;
  }
  return {};
}

Status ValueWriter::append(OutputFile& file, const Contents& contents) {
  return visit(
      contents,
      [&](std::span<const std::byte> bytes) {
        if (auto status = file.append(bytes); !status) return status;
        return advance(bytes.size());
      },
      [&](const Source& from, std::uint64_t offset, std::uint64_t size) {
        while (size > 0) {
          const std::uint64_t step = std::min(size, kStep);
          if (auto status = file.append_source(from, offset, step); !status) return status;
          if (auto status = advance(step); !status) return status;
          offset += step;
          size -= step;
        }
        return Status();
      });
}

// Elements may lie across runs and blocks, so what is left of one is kept.
Status ValueWriter::append_half(OutputFile& file, const Contents& contents) {
  std::vector<std::byte> kept;
  const auto take = [&](std::span<const std::byte> bytes) {
    kept.insert(kept.end(), bytes.begin(), bytes.end());
    const std::size_t elements = kept.size() / 4;
    std::vector<std::byte> out(elements * 2);
    CastCounts counts;
    cast(DType::float32, std::span(kept).first(elements * 4), DType::float16, out, counts);
    if (counts.overflow > 0)
      return Status(Error{.code = Errc::mismatch, .message = "numbers that are too large for Float16"});
    kept.erase(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(elements * 4));
    if (auto status = file.append(out); !status) return status;
    return advance(bytes.size());
  };
  return visit(
      contents,
      [&](std::span<const std::byte> bytes) {
        for (; !bytes.empty(); bytes = bytes.subspan(std::min<std::size_t>(bytes.size(), kBlock)))
          if (auto status = take(bytes.first(std::min<std::size_t>(bytes.size(), kBlock))); !status) return status;
        return Status();
      },
      [&](const Source& from, std::uint64_t offset, std::uint64_t size) {
        std::vector<std::byte> block;
        while (size > 0) {
          block.resize(static_cast<std::size_t>(std::min(size, kBlock)));
          if (auto status = from.read_at(offset, block); !status) return status;
          if (auto status = take(block); !status) return status;
          offset += block.size();
          size -= block.size();
        }
        return Status();
      });
}

Status ValueWriter::advance(std::uint64_t bytes) {
  done_ += bytes;
  if (progress_ && !progress_(done_, total_))
    return Error{.code = Errc::cancelled, .message = "stopped while it was written"};
  return {};
}

Status ValueWriter::finish() const {
  for (const Source* source : sources_)
    if (auto status = source->verify_unchanged(); !status) return status;
  return {};
}

}  // namespace ckpt::graph

#include "saving.h"

#include <zlib.h>

#include <algorithm>
#include <unordered_set>

#include "ckpt/text.h"

namespace ckpt::containers {
namespace {

constexpr std::uint64_t kSavingBytes = std::uint64_t{256} << 10;
constexpr std::uint64_t kStep = std::uint64_t{32} << 20;  // between two looks at whether to stop

}  // namespace

std::uint32_t crc_of(std::uint32_t crc, std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(::crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::uint32_t joined_crc(std::uint32_t first, std::uint32_t second, std::uint64_t second_size) {
  return static_cast<std::uint32_t>(::crc32_combine(first, second, static_cast<z_off_t>(second_size)));
}

std::string type_of(const TensorInfo& tensor) {
  return tensor.dtype == DType::unknown ? '"' + escape(tensor.type_name) + '"' : std::string(name(tensor.dtype));
}

std::string why_not(FileFormat format, const OutputEntry& entry) {
  const TensorInfo& tensor = *entry.tensor;
  if (!is_utf8(entry.name)) return "its name is not UTF-8";
  if (tensor.kind == Kind::tensor && !tensor.fits()) return "its bytes are not what its dims and type ask for";
  switch (format) {
    case FileFormat::checkpoint:
      return why_not_checkpoint(entry);
    case FileFormat::safetensors:
      return why_not_safetensors(entry);
    case FileFormat::npz:
      return why_not_npz(entry);
    default:
      return "this format is only read";
  }
}

Status check_entries(FileFormat format, std::span<const OutputEntry> entries) {
  std::unordered_set<std::string_view> names;
  for (const OutputEntry& entry : entries) {
    if (auto why = why_not(format, entry); !why.empty())
      return Error{.code = Errc::usage, .tensor = entry.name, .message = std::move(why)};
    if (!names.insert(entry.name).second)
      return Error{.code = Errc::usage, .tensor = entry.name, .message = "an earlier entry has this name"};
  }
  return {};
}

Status EntryCopier::copy(const OutputEntry& entry) {
  const TensorInfo& tensor = *entry.tensor;
  for (const Extent& extent : tensor.extents) sources_.insert(extent.source);
  last_crc_ = 0;
  const bool as_they_are = tensor.encoding == Encoding::raw && !crc_;
  auto status = as_they_are ? copy_extents(tensor) : copy_values(tensor);
  if (status || !status.error().tensor.empty()) return status;
  // A disk that is full, or an interruption, has nothing to do with the entry.
  if (status.error().code != Errc::io && status.error().code != Errc::cancelled) {
    Error named = status.error();
    named.tensor = tensor.name;
    return named;
  }
  return status;
}

Status EntryCopier::copy_extents(const TensorInfo& tensor) {
  for (const Extent& extent : tensor.extents) {
    for (std::uint64_t at = 0; at < extent.size;) {
      const std::uint64_t step = std::min(extent.size - at, kStep);
      if (auto status = sink_.source(from_.source(extent.source), extent.offset + at, step); !status) return status;
      if (auto status = advance(step); !status) return status;
      at += step;
    }
  }
  return {};
}

Status EntryCopier::copy_values(const TensorInfo& tensor) {
  buffer_.resize(kSavingBytes);
  for (std::uint64_t at = 0; at < tensor.byte_size;) {
    const auto piece =
        std::span(buffer_).first(static_cast<std::size_t>(std::min(tensor.byte_size - at, kSavingBytes)));
    if (auto status = from_.read(tensor, at, piece); !status) return status;
    if (crc_) last_crc_ = crc_of(last_crc_, piece);
    if (auto status = sink_.bytes(piece); !status) return status;
    if (auto status = advance(piece.size()); !status) return status;
    at += piece.size();
  }
  return {};
}

Status EntryCopier::advance(std::uint64_t bytes) {
  done_ += bytes;
  if (progress_ && !progress_(done_, total_))
    return Error{.code = Errc::cancelled, .message = "stopped while it was written"};
  return {};
}

Status EntryCopier::finish() const {
  for (const std::uint32_t source : sources_)
    if (auto status = from_.source(source).verify_unchanged(); !status) return status;
  return {};
}

}  // namespace ckpt::containers

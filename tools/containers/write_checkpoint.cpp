// What a checkpoint can hold of other formats' entries, and the loop that puts them into one.
#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "containers.h"
#include "saving.h"

namespace ckpt::containers {
namespace {

constexpr std::uint64_t kBlock = std::uint64_t{256} << 10;
constexpr std::uint64_t kMaxWhole = std::uint64_t{512} << 20;  // what is no tensor cannot be sliced

bool is_verbatim(const TensorInfo& tensor) { return tensor.kind == Kind::map || tensor.kind == Kind::opaque; }

}  // namespace

std::string why_not_checkpoint(const OutputEntry& entry) {
  const TensorInfo& tensor = *entry.tensor;
  if (entry.name.size() > Limits{}.max_name_bytes) return "its name is too long";
  if (is_verbatim(tensor)) {
    if (tensor.record_size == 0) return "MindSpore has no type " + type_of(tensor);
    return entry.name == tensor.name ? "" : "what is no tensor can only be copied under its own name";
  }
  if (tensor.kind == Kind::string && (tensor.byte_size == 0 || tensor.byte_size % 4 != 0))
    return "a str of " + std::to_string(tensor.byte_size) + " bytes is none that MindSpore reads";
  if (tensor.kind == Kind::string && tensor.byte_size > kMaxWhole) return "a str above 512 MiB";
  for (const std::int64_t dim : tensor.dims)
    if (dim > std::numeric_limits<std::int32_t>::max())
      return "a dim of " + std::to_string(dim) + "; MindSpore reads up to 2147483647";
  return {};
}

Status write_checkpoint(const std::filesystem::path& path, const Checkpoint& from, std::span<const OutputEntry> entries,
                        const WriteOptions& options, const Progress& progress) {
  if (auto status = check_entries(FileFormat::checkpoint, entries); !status) return status;
  auto writer = Writer::create(path, options);
  if (!writer) return std::move(writer).error();
  std::uint64_t total = 0;
  for (const OutputEntry& entry : entries) total += entry.tensor->byte_size;
  std::uint64_t done = 0;
  std::vector<std::byte> buffer(kBlock);
  for (const OutputEntry& entry : entries) {
    const TensorInfo& tensor = *entry.tensor;
    if (is_verbatim(tensor)) {
      if (auto status = writer->copy(from, tensor); !status) return status;
      continue;
    }
    const TensorDesc desc{.name = entry.name, .dtype = tensor.dtype, .dims = tensor.dims};
    if (auto status = writer->begin(desc, tensor.byte_size); !status) return status;
    for (std::uint64_t at = 0; at < tensor.byte_size;) {
      const auto piece = std::span(buffer).first(static_cast<std::size_t>(std::min(tensor.byte_size - at, kBlock)));
      if (auto status = from.read(tensor, at, piece); !status) return status;
      if (auto status = writer->append(piece); !status) return status;
      at += piece.size();
      done += piece.size();
      if (progress && !progress(done, total))
        return Error{.code = Errc::cancelled, .message = "stopped while it was written"};
    }
  }
  return writer->finish();
}

}  // namespace ckpt::containers

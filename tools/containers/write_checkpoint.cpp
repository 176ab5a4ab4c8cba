// What a checkpoint can hold of other formats' entries, and the loop that puts them into one.
#include <limits>
#include <string>
#include <utility>

#include "containers.h"
#include "saving.h"

namespace ckpt::containers {
namespace {

constexpr std::uint64_t kMaxWhole = std::uint64_t{512} << 20;  // what is no tensor cannot be sliced

bool is_verbatim(const TensorInfo& tensor) { return tensor.kind == Kind::map || tensor.kind == Kind::opaque; }

}  // namespace

std::string why_not_checkpoint(const OutputEntry& entry) {
  const TensorInfo& tensor = *entry.tensor;
  if (entry.name.size() > Limits{}.max_name_bytes) return "its name is too long";
  if (is_verbatim(tensor)) return tensor.record_size != 0 ? "" : "MindSpore has no type " + type_of(tensor);
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
  const EntrySink sink{.source = [&](const Source& source, std::uint64_t at,
                                     std::uint64_t size) { return writer->append(source, at, size); },
                       .bytes = [&](std::span<const std::byte> bytes) { return writer->append(bytes); }};
  EntryCopier copier(sink, from, total, false, progress);
  for (const OutputEntry& entry : entries) {
    const TensorInfo& tensor = *entry.tensor;
    if (is_verbatim(tensor)) {
      if (auto status = writer->copy(from, tensor, entry.name); !status) return status;
      continue;
    }
    const TensorDesc desc{.name = entry.name, .dtype = tensor.dtype, .dims = tensor.dims};
    if (auto status = writer->begin(desc, tensor.byte_size); !status) return status;
    if (auto status = copier.copy(entry); !status) return status;
  }
  if (auto status = copier.finish(); !status) return status;
  return writer->finish();
}

}  // namespace ckpt::containers

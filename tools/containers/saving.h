#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ckpt/output_file.h"
#include "containers.h"

namespace ckpt::containers {

/// Errc::usage for a name that comes twice or an entry that why_not refuses.
Status check_entries(FileFormat format, std::span<const OutputEntry> entries);

inline OutputFile::Options output_options(const SaveOptions& options) {
  return {.permissions = options.permissions, .overwrite = options.overwrite, .durable = options.durable};
}

/// What each format says for why_not.
std::string why_not_safetensors(const OutputEntry& entry);
std::string why_not_npz(const OutputEntry& entry);
std::string why_not_checkpoint(const OutputEntry& entry);
/// "Complex128"; what the file says where that is no known type.
std::string type_of(const TensorInfo& tensor);

/// CRC-32 as zip's: of `bytes` behind those that gave `crc`, and of two runs of bytes one behind the other.
std::uint32_t crc_of(std::uint32_t crc, std::span<const std::byte> bytes);
std::uint32_t joined_crc(std::uint32_t first, std::uint32_t second, std::uint64_t second_size);

/// Where an entry's bytes go, in order.
struct EntrySink {
  std::function<Status(const Source&, std::uint64_t offset, std::uint64_t size)> source = {};
  std::function<Status(std::span<const std::byte>)> bytes = {};
};

inline EntrySink end_of(OutputFile& file) {
  return {.source = [&file](const Source& from, std::uint64_t offset,
                            std::uint64_t size) { return file.append_source(from, offset, size); },
          .bytes = [&file](std::span<const std::byte> bytes) { return file.append(bytes); }};
}

/// Streams the bytes of entries: inside the kernel where nobody has to look at them.
class EntryCopier {
 public:
  /// `total`: bytes in all, for the progress. With `crc` every byte is looked at.
  EntryCopier(EntrySink sink, const Checkpoint& from, std::uint64_t total, bool crc, const Progress& progress)
      : sink_(std::move(sink)), from_(from), progress_(progress), total_(total), crc_(crc) {}

  Status copy(const OutputEntry& entry);
  /// Errc::changed if a file was rewritten while its bytes were copied.
  Status finish() const;

  /// CRC-32 of the entry copied last. Only with `crc`.
  std::uint32_t last_crc() const noexcept { return last_crc_; }

 private:
  Status copy_extents(const TensorInfo& tensor);
  Status copy_values(const TensorInfo& tensor);
  Status advance(std::uint64_t bytes);

  EntrySink sink_;
  const Checkpoint& from_;
  const Progress& progress_;
  std::uint64_t total_;
  bool crc_;
  std::uint64_t done_ = 0;
  std::uint32_t last_crc_ = 0;
  std::set<std::uint32_t> sources_ = {0};  // the file itself, from which others may be decoded, and all that were read
  std::vector<std::byte> buffer_ = {};
};

}  // namespace ckpt::containers

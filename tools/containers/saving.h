#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
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

/// Streams the bytes of entries to a file's end: inside the kernel where nobody has to look at them.
class EntryCopier {
 public:
  /// `total`: bytes in all, for the progress. With `crc` every byte is looked at.
  EntryCopier(OutputFile& file, const Checkpoint& from, std::uint64_t total, bool crc, const Progress& progress)
      : file_(file), from_(from), progress_(progress), total_(total), crc_(crc) {}

  Status copy(const OutputEntry& entry);
  /// Errc::changed if a file was rewritten while its bytes were copied.
  Status finish() const;

  /// CRC-32 of the entry copied last. Only with `crc`.
  std::uint32_t last_crc() const noexcept { return last_crc_; }
  /// MindSpore's checksum of a safetensors file: over name and bytes of each tensor, sorted by name.
  std::uint32_t crc_by_name() const;

 private:
  struct Part {
    std::uint32_t crc = 0;
    std::uint64_t size = 0;
  };

  Status copy_extents(const TensorInfo& tensor);
  Status copy_values(const TensorInfo& tensor);
  Status advance(std::uint64_t bytes);

  OutputFile& file_;
  const Checkpoint& from_;
  const Progress& progress_;
  std::uint64_t total_;
  bool crc_;
  std::uint64_t done_ = 0;
  std::uint32_t last_crc_ = 0;
  std::map<std::string, Part> crcs_ = {};
  std::set<std::uint32_t> sources_ = {};
  std::vector<std::byte> buffer_ = {};
};

}  // namespace ckpt::containers

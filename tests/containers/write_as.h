#pragma once

#include <filesystem>
#include <vector>

#include "ckpt/checkpoint.h"
#include "containers.h"

namespace ckpt::test {

inline std::vector<containers::OutputEntry> all_of(const Checkpoint& file) {
  std::vector<containers::OutputEntry> entries;
  for (const TensorInfo& tensor : file.tensors()) entries.push_back({&tensor, tensor.name});
  return entries;
}

/// All entries of a file, under their names, as a file of that format.
inline Status write_as(FileFormat format, const std::filesystem::path& path, const Checkpoint& file) {
  const auto entries = all_of(file);
  if (format == FileFormat::checkpoint) return containers::write_checkpoint(path, file, entries, {.durable = false});
  if (format == FileFormat::npz) return containers::write_npz(path, file, entries, {.durable = false});
  return containers::write_safetensors(path, file, entries, {.durable = false});
}

}  // namespace ckpt::test

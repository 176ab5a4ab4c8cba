#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "containers.h"
#include "temp_dir.h"

/// What opens can be converted: what why_not() does not refuse is written, and comes back as it was.
namespace ckpt::test {

inline Status write_as(FileFormat target, const std::filesystem::path& path, const Checkpoint& file,
                       std::span<const containers::OutputEntry> entries) {
  if (target == FileFormat::checkpoint) return containers::write_checkpoint(path, file, entries, {.durable = false});
  const containers::SaveOptions how{.durable = false};
  return target == FileFormat::npz ? containers::write_npz(path, file, entries, how)
                                   : containers::write_safetensors(path, file, entries, how);
}

/// An entry's bytes; of a str its text, which is all that safetensors keeps. An error where they cannot be had.
inline Result<std::string> content_of(const Checkpoint& file, const TensorInfo& tensor, bool as_text) {
  if (as_text) return file.read_string(tensor);
  std::string bytes(static_cast<std::size_t>(tensor.byte_size), '\0');
  if (auto status = file.read(tensor, 0, std::as_writable_bytes(std::span(bytes))); !status) return status.error();
  return bytes;
}

/// Returns what does not hold.
inline std::string converted(const Checkpoint& file, FileFormat target) {
  static const TempDir folder;
  constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 20;
  const auto path = folder / "out";
  std::vector<containers::OutputEntry> entries;
  std::vector<std::string> contents;
  for (const TensorInfo& tensor : file.tensors()) {
    const containers::OutputEntry entry{&tensor, tensor.name};
    if (tensor.byte_size > kMostBytes || !containers::why_not(target, entry).empty()) continue;
    auto content = content_of(file, tensor, target == FileFormat::safetensors && tensor.kind == Kind::string);
    if (!content) continue;  // found when it is decoded
    entries.push_back(entry);
    contents.push_back(std::move(*content));
  }
  if (entries.empty()) return "";
  const auto status = write_as(target, path, file, entries);
  // The one thing that no entry alone can tell: two that would be one key of safetensors' metadata.
  if (!status && status.error().code == Errc::usage && target == FileFormat::safetensors) return "";
  if (!status) return "what can be written was not: " + to_string(status.error());
  auto back = containers::open_any(path);
  if (!back) return "what was written does not open: " + to_string(back.error());
  if (back->format != target) return "what was written is of another format";
  if (back->file.tensors().size() != entries.size()) return "another number of entries came back";
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const TensorInfo& before = *entries[i].tensor;
    const TensorInfo* after = back->file.find(before.name);
    if (after == nullptr) return "an entry did not come back";
    if (after->kind != before.kind || after->dtype != before.dtype || after->dims != before.dims)
      return "an entry came back as another";
    const bool as_text = target == FileFormat::safetensors && before.kind == Kind::string;
    const auto content = content_of(back->file, *after, as_text);
    if (!content) return "an entry came back unreadable: " + to_string(content.error());
    if (*content != contents[i]) return "an entry came back with other bytes";
  }
  return "";
}

/// To the three formats, if the input opens.
inline std::string converted(const Result<Checkpoint>& file) {
  for (const FileFormat target : {FileFormat::checkpoint, FileFormat::safetensors, FileFormat::npz})
    if (file)
      if (auto problem = converted(*file, target); !problem.empty()) return problem;
  return "";
}

}  // namespace ckpt::test

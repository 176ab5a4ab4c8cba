#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "ckpt/checkpoint.h"
#include "ckpt/error.h"
#include "ckpt/progress.h"
#include "ckpt/source.h"
#include "ckpt/writer.h"

/// Files of other frameworks as Checkpoints, and back: one file a format, and nothing above the index that knows which.
namespace ckpt::containers {

/// A file of any format that holds named tensors.
struct AnyFile {
  FileFormat format = FileFormat::checkpoint;
  Checkpoint file;
};

/// Opens a checkpoint, or a safetensors, npy, npz or ONNX file as if it were one: its bytes decide, not its name.
/// `options.key`, `mode` and `keep_damaged` matter for checkpoints only: of another format, damage is an error.
Result<AnyFile> open_any(const std::filesystem::path& path, const OpenOptions& options = {});

struct ForeignOptions {
  Limits limits = {};
  /// What has no plain extents (deflated members, Fortran order, other byte orders, numbers as varints) is decoded into
  /// an unlinked temporary file when it is first read; all of it together may not exceed this.
  std::uint64_t max_decoded_bytes = std::uint64_t{16} << 30;
};

/// The index makers (docs/convert.md says what each accepts). Errors: truncated, malformed, mismatch, limit, and
/// unsupported for what is understood but cannot be a tensor here; the tensor is named.
Result<Checkpoint> read_safetensors(SourcePtr file, const ForeignOptions& options = {});
/// One array; `name` is what the file itself does not say.
Result<Checkpoint> read_npy(SourcePtr file, std::string name, const ForeignOptions& options = {});
Result<Checkpoint> read_npz(SourcePtr file, const ForeignOptions& options = {});
/// The initialisers of the main graph. External data is looked for beside `model`, and nowhere else; where that is
/// empty, it is refused.
Result<Checkpoint> read_onnx(SourcePtr file, const std::filesystem::path& model, const ForeignOptions& options = {});

/// An entry to write: whose bytes, under which name.
struct OutputEntry {
  const TensorInfo* tensor = nullptr;
  std::string name = {};
};

/// Why a format cannot hold an entry, as a clause ("safetensors has no Complex128"); empty if it can.
/// Formats that are only read: the same sentence for every entry.
std::string why_not(FileFormat format, const OutputEntry& entry);

struct SaveOptions {
  unsigned permissions = 0644;  ///< of the finished file, whatever the umask
  bool overwrite = true;        ///< false: Errc::usage if the target exists
  bool durable = true;
  std::string framework = "ms";  ///< safetensors' metadata "format": "ms", or "pt" for names as PyTorch's
  bool crc = false;              ///< safetensors: MindSpore's `crc_num`, which costs a look at every byte
  Progress progress = {};
};

/// Stream the entries into a new file, which appears complete or not at all (OutputFile). All of them must pass
/// why_not, and no name may come twice (Errc::usage).
Status write_safetensors(const std::filesystem::path& path, const Checkpoint& from,
                         std::span<const OutputEntry> entries, const SaveOptions& options = {});
Status write_npz(const std::filesystem::path& path, const Checkpoint& from, std::span<const OutputEntry> entries,
                 const SaveOptions& options = {});
Status write_checkpoint(const std::filesystem::path& path, const Checkpoint& from, std::span<const OutputEntry> entries,
                        const WriteOptions& options = {}, const Progress& progress = {});

}  // namespace ckpt::containers

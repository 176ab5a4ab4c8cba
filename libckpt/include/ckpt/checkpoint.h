#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/cipher.h"
#include "ckpt/error.h"
#include "ckpt/progress.h"
#include "ckpt/source.h"
#include "ckpt/tensor.h"

namespace ckpt {

/// Ceilings that keep a hostile file from costing more than its size. Exceeding one is Errc::limit.
struct Limits {
  std::uint64_t max_records = std::uint64_t{1} << 20;      ///< records, maps' parts included
  std::uint64_t max_index_bytes = std::uint64_t{1} << 28;  ///< memory of the index, about; nor above 16 MiB and 16
                                                           ///< times the bytes passed
  std::uint64_t max_name_bytes = std::uint64_t{1} << 16;
  std::uint64_t max_dims = 1024;
};

struct OpenOptions {
  Limits limits = {};
  bool keep_damaged = false;            ///< keep what is whole; damage() says where and why the scan stopped
  std::optional<Key> key = {};          ///< for encrypted files; ignored for others
  std::optional<CipherMode> mode = {};  ///< only needed where the file does not tell (era a)
  Progress progress = {};               ///< of the scan: bytes of the file passed
};

/// What the writer's version left in the file (FORMAT.md, "Dialects").
struct Dialect {
  std::optional<std::string> model_type = {};  ///< top-level field 2: written by 0.5 only
  bool scalars_as_zero = false;                ///< scalars with dims [0]: before 2.3
  bool scalars_without_dims = false;           ///< scalars with no dims: 2.3 and later
  bool packed_dims = false;
  bool maps = false;            ///< a maptensor: 2.x
  bool slices = false;          ///< an entry in several records: 0.6 and later
  bool old_type_names = false;  ///< Uint8, Bool_ …
  bool unknown_fields = false;  ///< fields that no version of the format has
};

/// The 17 bytes `crc_num` + checksum at the end of a file (FORMAT.md, "CRC trailer").
struct Trailer {
  std::uint64_t offset = 0;  ///< where it starts = how many bytes the CRC covers
  std::uint32_t crc = 0;     ///< CRC-32 as zlib's
  bool oversized = false;    ///< one of the six high bytes is set: no CRC-32 can match
};

/// One destination of read_many: `out.size()` canonical bytes of `tensor` from `offset`.
struct ReadRequest {
  const TensorInfo* tensor = nullptr;
  std::span<std::byte> out = {};
  std::uint64_t offset = 0;
};

struct ReadOptions {
  unsigned threads = 0;  ///< 0 = all cores
  Progress progress = {};
};

struct Index;

/// An immutable index over one checkpoint: names, types, shapes, and where the bytes are.
///
///     auto file = ckpt::Checkpoint::open("lenet.ckpt");
///     if (!file) return report(file.error());
///     for (const ckpt::TensorInfo& tensor : file->tensors()) use(tensor);
///
/// Opening reads the record headers only; no payload is kept in memory, whatever the file's size. All const
/// members may be called from any thread at once. The TensorInfos live as long as the Checkpoint (moving it keeps
/// them in place). open is lenient about meaning (wrong sizes, unknown types, duplicate names are in the index,
/// and validate()'s business) and strict about framing.
class Checkpoint {
 public:
  /// Errors: io; truncated, malformed, limit (unless keep_damaged); key for an encrypted file without the right
  /// key; unsupported for what is not a checkpoint, with its real format named ("a PyTorch file …").
  static Result<Checkpoint> open(const std::filesystem::path& path, const OpenOptions& options = {});
  /// As open. Borrows: the bytes must outlive the Checkpoint.
  static Result<Checkpoint> from_bytes(std::span<const std::byte> bytes, const OpenOptions& options = {});
  /// As open, over any source.
  static Result<Checkpoint> from_source(SourcePtr source, const OpenOptions& options = {});
  /// An index made elsewhere (other containers). Errc::mismatch if an extent lies outside its source.
  static Result<Checkpoint> from_index(std::vector<SourcePtr> sources, std::vector<TensorInfo> tensors);

  Checkpoint(Checkpoint&&) noexcept;
  Checkpoint& operator=(Checkpoint&&) noexcept;
  ~Checkpoint();

  /// In file order. A name can occur twice.
  std::span<const TensorInfo> tensors() const noexcept;
  /// By name, in constant time; null if absent; of two of one name the last, as MindSpore does.
  const TensorInfo* find(std::string_view name) const noexcept;

  /// Copies canonical bytes [offset, offset + out.size()) of a tensor: extents joined, encodings converted,
  /// little-endian. Errc::mismatch beyond byte_size; Errc::usage for a map (read its parts);
  /// Errc::changed if the file was rewritten in place since it was opened.
  Status read(const TensorInfo& tensor, std::uint64_t offset, std::span<std::byte> out) const;
  /// Many at once, in file order, small ones together, on several threads: loading everything. The same errors;
  /// after one, the contents of all destinations are unspecified.
  Status read_many(std::span<const ReadRequest> requests, const ReadOptions& options = {}) const;
  /// A str entry as UTF-8, trailing NULs dropped as MindSpore does. Errc::mismatch for a length that is no
  /// multiple of 4 or above 16 MiB; Errc::malformed for code points that are none.
  Result<std::string> read_string(const TensorInfo& tensor) const;

  std::uint64_t file_size() const noexcept;  ///< as on disk: with the trailer, and encrypted where it is
  const Dialect& dialect() const noexcept;
  const std::optional<Trailer>& trailer() const noexcept;
  const std::optional<Encryption>& encryption() const noexcept;
  const std::optional<Error>& damage() const noexcept;  ///< set only with keep_damaged
  /// Where the bytes come from (plaintext if the file is encrypted); `index` is an Extent's source.
  const Source& source(std::uint32_t index = 0) const noexcept;

 private:
  friend const Index& index_of(const Checkpoint& file) noexcept;
  friend std::span<const SourcePtr> sources_of(const Checkpoint& file) noexcept;
  struct Impl;
  explicit Checkpoint(std::unique_ptr<const Impl> impl) noexcept;
  std::unique_ptr<const Impl> impl_;
};

/// Files that hold named tensors, as far as their bytes tell. Only checkpoints are read here; tools/containers has the
/// others.
enum class FileFormat : std::uint8_t { checkpoint, safetensors, npy, npz, onnx, other };

/// What a file is, from its first and last bytes.
struct Identity {
  bool checkpoint = false;                    ///< plain, encrypted or empty: open() is worth trying
  std::optional<Encryption> encryption = {};  ///< set for an encrypted checkpoint; no key needed
  std::string description = {};  ///< "a PyTorch file (zip archive with a pickle)"; for a checkpoint what kind
  FileFormat format = FileFormat::checkpoint;
};

/// Never fails on content: what is not recognised has `checkpoint` set, because damage may have hit the start.
Result<Identity> identify(const Source& source);

}  // namespace ckpt

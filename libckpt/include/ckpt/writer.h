#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "ckpt/checkpoint.h"
#include "ckpt/cipher.h"
#include "ckpt/error.h"
#include "ckpt/source.h"
#include "ckpt/tensor.h"

namespace ckpt {

/// Which MindSpore's habits a file follows (FORMAT.md, "Dialects"). Every reader here takes both.
enum class Profile : std::uint8_t {
  modern,   ///< as 2.3 and later: scalars without dims, slices of 512 MiB and a rest
  classic,  ///< as 0.6 to 2.0, read by every MindSpore since 0.6: scalars with dims [0], slices of equal size
};

struct WriteOptions {
  Profile profile = Profile::modern;
  bool crc = false;             ///< append the CRC trailer (read by 2.4 and later only)
  std::optional<Key> key = {};  ///< encrypt, as current MindSpore reads it (era b); not together with crc
  CipherMode mode = CipherMode::aes_gcm;
  unsigned permissions = 0400;  ///< of the finished file, whatever the umask; MindSpore's is 0400
  bool overwrite = true;        ///< false: Errc::usage if the target exists, at create() and at finish()
  bool durable = true;          ///< fsync the file and its directory: the result survives a power cut
};

/// An entry of MindSpore's append_dict: int -> Int64, float -> Float32, bool -> Bool, str -> str.
struct AppendValue {
  std::string name = {};
  std::variant<std::int64_t, double, bool, std::string> value = {};
};

/// Writes a checkpoint front to back in bounded memory. The bytes go to a temporary file beside the target;
/// finish() makes it durable and renames it into place in one step. Until then the target is untouched, and a
/// Writer destroyed before leaves nothing behind. A symbolic link is followed: its target is replaced.
///
///     auto writer = ckpt::Writer::create("out.ckpt");
///     if (!writer) return report(writer.error());
///     if (auto s = writer->add({.name = "w", .dtype = ckpt::DType::float32, .dims = {2, 3}}, bytes); !s) return ...;
///     return writer->finish();
///
/// After the first failure every call returns it again. One thread at a time.
class Writer {
 public:
  static Result<Writer> create(const std::filesystem::path& path, const WriteOptions& options = {});
  /// Starts from the records of an existing checkpoint (copied, by reflink where the file system can), to be
  /// followed by new ones; finish() replaces the file. Damaged files are refused. A CRC trailer is verified
  /// (Errc::mismatch) and recomputed; an encrypted file needs its key in `options` and gets further blocks in its own
  /// mode (Errc::unsupported for era a). The file's permissions stay. Errc::usage without options.overwrite.
  static Result<Writer> extend(const std::filesystem::path& path, const WriteOptions& options = {});

  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) noexcept;
  ~Writer();

  /// Starts an entry of `byte_size` bytes, to be given by append() in any pieces. Above 512 MiB it is sliced.
  /// Errc::mismatch where byte_size is not what dims and dtype ask for; Errc::usage for what no MindSpore could
  /// read: a name that is not UTF-8, that an earlier entry has, or above 1024 characters (but of a str), a dim above
  /// 2^31-1 or negative, a str of 0 bytes or above 512 MiB, an unknown dtype without a type_name. So for names and
  /// dims beyond a reader's default Limits.
  Status begin(const TensorDesc& desc, std::uint64_t byte_size);
  /// More bytes of the entry begun. Errc::usage beyond its size.
  Status append(std::span<const std::byte> bytes);
  /// The same from a source: inside the kernel where nobody has to look at the bytes.
  Status append(const Source& from, std::uint64_t offset, std::uint64_t size);
  /// begin and append in one.
  Status add(const TensorDesc& desc, std::span<const std::byte> bytes);
  /// A str entry; `text` is UTF-8, stored as UTF-32LE.
  Status add_string(std::string_view name, std::string_view text);
  Status add(const AppendValue& value);
  /// One entry of another checkpoint, perhaps under a new name (empty: its own). From a .ckpt its records are copied
  /// verbatim but for the name (maps, opaque entries and unknown fields survive); from another container it is written
  /// anew.
  Status copy(const Checkpoint& from, const TensorInfo& tensor, std::optional<std::string_view> new_name = {});

  /// Completes the file and puts it in place. Errc::usage if an entry lacks bytes or nothing was written (MindSpore
  /// cannot load an empty file). Errors leave the target as it was, but for one: where only the directory cannot be
  /// synced, the message says that the file is in place and that a power cut may undo it.
  Status finish();

  /// Bytes written so far (of the file, cipher blocks included).
  std::uint64_t bytes_written() const noexcept;

 private:
  struct Impl;
  explicit Writer(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// One parameter to save: its bytes are borrowed for the call, little-endian, in C order.
struct Param {
  TensorDesc desc = {};
  std::span<const std::byte> bytes = {};
};

/// MindSpore's save_checkpoint: parameters in order, then the appended values. Replaces `path` in one durable step.
/// Errc::usage if an appended name is a parameter's (MindSpore silently replaces the parameter).
Status save_checkpoint(const std::filesystem::path& path, std::span<const Param> params,
                       std::span<const AppendValue> append = {}, const WriteOptions& options = {});

}  // namespace ckpt

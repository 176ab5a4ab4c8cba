#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/error.h"
#include "ckpt/progress.h"
#include "ckpt/writer.h"

namespace ckpt {

struct SalvageOptions {
  bool partial = false;  ///< keep tensors of which a hundredth or more is left, the rest filled: NaN, or 0 for integers
  OpenOptions open = {};
};

/// One thing that is lost or in doubt.
struct Loss {
  enum class Kind : std::uint8_t {
    lost,     ///< not in the output
    renamed,  ///< in the output, with the bytes it had, under new_name
    partial,  ///< in the output with made-up values
    doubt,    ///< in the output, but it cannot be proved to be what was saved
  };

  Kind kind = Kind::lost;
  std::string tensor = {};   ///< as far as it is known; may be empty
  std::uint64_t offset = 0;  ///< where in the file (in the plaintext of an encrypted one)
  std::uint64_t size = 0;    ///< bytes given up there
  std::string message = {};  ///< a sentence fragment, safe to print
  /// What `tensor` is called in the output: its name escaped, as escape() does, where that is not UTF-8; else empty.
  std::string new_name = {};
};

/// What can be saved of a damaged checkpoint: the plan first, then the file.
///
/// A tensor is intact if its record has the form that MindSpore writes and its bytes are those its dims and type ask
/// for; whether single bits of its values have changed only a CRC trailer could tell, and then not of which tensor.
/// Behind damage the next record is looked for: where the damaged one says that it ends, else byte by byte, accepting
/// only what is a whole record by all its lengths.
class Salvage {
 public:
  /// Reads the headers, and the bytes around damage. Errors: io; key; unsupported for what is no checkpoint;
  /// limit where the file exceeds a Limits value.
  static Result<Salvage> examine(const std::filesystem::path& path, const SalvageOptions& options = {});
  static Result<Salvage> examine(SourcePtr source, const SalvageOptions& options = {});

  Salvage(Salvage&&) noexcept;
  Salvage& operator=(Salvage&&) noexcept;
  ~Salvage();

  std::span<const TensorInfo> kept() const noexcept;  ///< whole entries, in file order, under their new names
  std::size_t partial() const noexcept;               ///< how many more are kept with made-up values; losses() has them
  std::span<const Loss> losses() const noexcept;      ///< in file order; empty: there is nothing to repair
  const std::optional<Trailer>& trailer() const noexcept;
  const std::optional<Encryption>& encryption() const noexcept;

  /// Writes what is kept, byte for byte as it was; an undamaged file as a whole. options.profile is not used.
  /// Errc::mismatch if nothing can be saved.
  Status write(const std::filesystem::path& path, const WriteOptions& options, const Progress& progress = {}) const;

 private:
  struct Impl;
  explicit Salvage(std::unique_ptr<const Impl> impl) noexcept;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace ckpt

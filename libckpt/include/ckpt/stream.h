#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/error.h"
#include "ckpt/tensor.h"

namespace ckpt {

/// Reads up to out.size() bytes into `out` and returns how many; 0 only at the end. Used on the caller's thread.
using ReadFn = std::function<Result<std::size_t>(std::span<std::byte> out)>;

/// A pipe, FIFO, socket or file descriptor as a ReadFn. Does not own the descriptor; retries after EINTR.
ReadFn read_descriptor(int descriptor);

/// A run of content bytes of one record, in file order.
struct Piece {
  std::size_t entry = 0;     ///< index into RecordStream::tensors()
  std::size_t part = 0;      ///< of a map: which of its TensorProtos; else 0
  std::uint64_t offset = 0;  ///< stored offset within the entry (its slices are counted on), or within the part
  std::span<const std::byte> bytes = {};  ///< stored bytes, as in the file; valid until the next call
};

/// Reads a checkpoint forward only, in one bounded buffer: for pipes. It builds the same index as Checkpoint (same
/// rules, same limits) and hands out the payload on the way, so nothing needs to be kept.
///
///     ckpt::RecordStream stream(ckpt::read_descriptor(0));
///     while (true) {
///       auto piece = stream.next();
///       if (!piece) return report(piece.error());
///       if (!*piece) break;                         // a clean end
///       use(stream.tensors()[(*piece)->entry], (*piece)->bytes);
///     }
///
/// Content above the buffer's size that comes before its name, type or dims is Errc::unsupported ("needs a file");
/// so are later fields that change what was already handed out. Encrypted input is decrypted block by block, GCM
/// bytes only after their tag was verified. The end of the input is where a CRC trailer is recognised.
/// After an error every call returns it again; what was indexed before stays readable.
class RecordStream {
 public:
  struct Options {
    OpenOptions open = {};                            ///< keep_damaged and progress are not used
    std::size_t buffer_bytes = std::size_t{1} << 18;  ///< at least 4 KiB; encrypted input adds one block (64 MiB)
  };

  explicit RecordStream(ReadFn read);
  RecordStream(ReadFn read, Options options);
  RecordStream(RecordStream&&) noexcept;
  RecordStream& operator=(RecordStream&&) noexcept;
  ~RecordStream();

  /// The next run of bytes; null at a clean end. Entries without content yield no piece.
  Result<const Piece*> next();

  /// What has been seen so far; complete after the clean end. An entry's extents grow as its slices arrive.
  std::span<const TensorInfo> tensors() const noexcept;
  const Dialect& dialect() const noexcept;
  const std::optional<Trailer>& trailer() const noexcept;
  const std::optional<Encryption>& encryption() const noexcept;
  std::uint64_t bytes_read() const noexcept;  ///< from the ReadFn
  std::uint32_t crc() const noexcept;         ///< CRC-32 of the plaintext before the trailer, after the clean end

 private:
  friend const Index& index_of(const RecordStream& stream) noexcept;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ckpt

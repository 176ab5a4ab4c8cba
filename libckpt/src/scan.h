#pragma once

#include <cstddef>
#include <cstdint>

#include "ckpt/checkpoint.h"
#include "ckpt/error.h"
#include "ckpt/source.h"
#include "index.h"
#include "record.h"

namespace ckpt {

/// Turns records into index entries; holds the joining rule (FORMAT.md, "Slices"), for files and pipes alike.
class Indexer {
 public:
  /// `file_size` may be 0 where it is not known.
  explicit Indexer(const Limits& limits, std::uint64_t file_size = 0) : limits_(limits), file_size_(file_size) {}

  struct Placement {
    std::size_t entry = 0;
    bool joined = false;              ///< it is a further slice of the entry before
    std::uint64_t stored_before = 0;  ///< what that entry held already
  };
  /// Whether add() would take the record for a further slice of the last entry.
  bool continues_last(const Record& record) const;
  /// A record; or, of a tensor, as much of it as a forward-only reader knows when its payload starts. Then one of
  /// complete() and take_back() follows. A failure leaves the index as it was.
  Result<Placement> add(const Record& record);
  void complete(const Record& record);  ///< the rest of what add() could not know
  void take_back();                     ///< undoes the last add(), of a tensor

  /// The facts about the whole file, when the scanner has come to its end.
  void finish(const Scanner& scanner);

  Index& index() noexcept { return index_; }

 private:
  struct Undo {
    bool joined = false;
    std::uint64_t record_size = 0;
    bool unknown_fields = false;
    bool packed_dims = false;
  };

  void join(const Record& record);
  void reserve_ahead(const Record& record);

  Limits limits_;
  std::uint64_t file_size_ = 0;
  Index index_ = {};
  std::uint64_t index_bytes_ = 0;
  Undo undo_ = {};
};

/// Whether damage comes from cipher blocks behind entries in clear, as after encrypting only what was appended. A limit
/// is none: what parses up to there may as well be fields that nobody knows.
bool is_cipher_behind_clear(const Index& index, const Error& damage);
/// Damage, by its cause where that is known, and in its place.
Error with_cause(const Index& index, Error damage);

/// One pass over the record headers of a plaintext source. Never fails: what stopped it is Index::damage.
Index scan(const Source& source, const Limits& limits, const Progress& progress);

}  // namespace ckpt

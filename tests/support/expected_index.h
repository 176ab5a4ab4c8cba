#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/tensor.h"
#include "wire_builder.h"

/// What a file holds as libprotobuf reads it and FORMAT.md explains it. Of the library only its vocabulary is used.
namespace ckpt::test {

struct ExpectedTensor {
  std::string type = {};
  std::vector<std::int64_t> dims = {};         // a scalar has none
  std::vector<std::string_view> content = {};  // one a record, empty ones too
  std::optional<std::uint64_t> expected = {};  // bytes that dims and type ask for
  std::uint64_t stored = 0;
  bool scalar_as_zero = false;
  bool as_float32 = false;

  Bytes stored_bytes() const;
  Bytes canonical_bytes() const;
};

struct ExpectedEntry : ExpectedTensor {
  std::string name = {};
  Kind kind = Kind::tensor;
  std::vector<ExpectedTensor> parts = {};  // of a map
  bool unknown_fields = false;
};

/// Parses the bytes of a file without its trailer, which must outlive this.
class Oracle {
 public:
  explicit Oracle(std::string_view file);
  Oracle(Oracle&&) noexcept;
  ~Oracle();

  bool parsed() const noexcept { return parsed_; }
  const std::vector<ExpectedEntry>& entries() const noexcept { return entries_; }
  std::optional<std::string> model_type() const;
  bool unknown_fields_between_records() const;
  /// Whether the message is as long as the file: nothing was given twice and overwritten, or written in an unusual way,
  /// unless the one makes up for the other.
  bool holds_everything() const;

 private:
  struct Message;
  std::unique_ptr<Message> message_;
  bool parsed_ = false;
  std::vector<ExpectedEntry> entries_ = {};
};

}  // namespace ckpt::test

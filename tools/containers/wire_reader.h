#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ckpt/error.h"
#include "ckpt/source.h"
#include "wire.h"

namespace ckpt::containers {

/// Walks the fields of protobuf messages in a Source through a small window: payloads are passed over, not read. The
/// caller nests by keeping the ends of the messages it is in.
class WireReader {
 public:
  WireReader(const Source& file, std::uint64_t begin, std::uint64_t end) : file_(file), at_(begin), end_(end) {}

  std::uint64_t position() const noexcept { return at_; }
  std::uint64_t end() const noexcept { return end_; }
  bool at_end() const noexcept { return at_ == end_; }

  Result<wire::FieldKey> key() {
    const std::uint64_t start = at_;
    const auto number = varint();
    if (!number) return number.error();
    const auto key = wire::field_key(*number);
    if (!key || key->type == wire::Type::start_group || key->type == wire::Type::end_group)
      return Error{.code = Errc::malformed, .offset = start, .message = "there is no field of protobuf here"};
    return *key;
  }

  Result<std::uint64_t> varint() {
    auto bytes = ahead(wire::kMaxVarintBytes);
    if (!bytes) return bytes.error();
    const wire::Varint varint = wire::decode_varint(*bytes);
    if (varint.size == 0) {
      const bool cut = end_ - at_ < wire::kMaxVarintBytes;
      return Error{
          .code = cut ? Errc::truncated : Errc::malformed, .offset = at_, .message = "a number without an end"};
    }
    at_ += varint.size;
    return varint.value;
  }

  /// Of a length-delimited field; what follows is inside the message being read.
  Result<std::uint64_t> length() {
    const std::uint64_t start = at_;
    const auto size = varint();
    if (!size) return size;
    if (*size > end_ - at_)
      return Error{.code = Errc::truncated,
                   .offset = start,
                   .message = "needs " + std::to_string(*size) + " bytes, " + std::to_string(end_ - at_) + " are left"};
    return size;
  }

  /// The numbers of a repeated field, of which this is one or a packed run; other wire types are passed over.
  template <class Take>
  Status numbers(wire::Type type, Take take) {
    if (type == wire::Type::varint) {
      const auto value = varint();
      return value ? take(*value) : Status(value.error());
    }
    if (type != wire::Type::length) return skip(type);
    const auto size = length();
    if (!size) return size.error();
    const std::uint64_t run_end = at_ + *size;
    while (at_ < run_end) {
      const std::uint64_t start = at_;
      const auto value = varint();
      if (!value) return value.error();
      if (at_ > run_end) return Error{.code = Errc::malformed, .offset = start, .message = "a number without an end"};
      if (auto status = take(*value); !status) return status;
    }
    return {};
  }

  Status skip(wire::Type type) {
    std::uint64_t size = type == wire::Type::fixed64 ? 8 : 4;
    if (type == wire::Type::varint) {
      const auto number = varint();
      return number ? Status() : Status(number.error());
    }
    if (type == wire::Type::length) {
      const auto found = length();
      if (!found) return found.error();
      size = *found;
    }
    return skip_bytes(size);
  }

  Status skip_bytes(std::uint64_t size) {
    if (size > end_ - at_)
      return Error{.code = Errc::truncated,
                   .offset = at_,
                   .message = "needs " + std::to_string(size) + " bytes, " + std::to_string(end_ - at_) + " are left"};
    at_ += size;
    return {};
  }

  /// Copies bytes as they are.
  Status append(std::uint64_t size, std::string& out) {
    if (size > end_ - at_) return skip_bytes(size);
    while (size > 0) {
      const auto bytes = ahead(static_cast<std::size_t>(std::min<std::uint64_t>(size, kMinWindow)));
      if (!bytes) return bytes.error();
      const auto taken = bytes->first(static_cast<std::size_t>(std::min<std::uint64_t>(size, bytes->size())));
      out.append(wire::as_text(taken));
      at_ += taken.size();
      size -= taken.size();
    }
    return {};
  }

  /// A text of at most `limit` bytes.
  Result<std::string> text(std::uint64_t limit) {
    const std::uint64_t start = at_;
    const auto size = length();
    if (!size) return size.error();
    if (*size > limit)
      return Error{.code = Errc::limit,
                   .offset = start,
                   .message = "a text of " + std::to_string(*size) + " bytes; the limit is " + std::to_string(limit)};
    std::string out(static_cast<std::size_t>(*size), '\0');
    if (auto status = file_.read_at(at_, std::as_writable_bytes(std::span(out))); !status) return status.error();
    at_ += *size;
    return out;
  }

 private:
  /// Bytes from here, as many as asked for unless the message ends first.
  Result<std::span<const std::byte>> ahead(std::size_t want) {
    const auto need = static_cast<std::size_t>(std::min<std::uint64_t>(want, end_ - at_));
    if (at_ < window_at_ || at_ - window_at_ > window_.size() || need > window_.size() - (at_ - window_at_)) {
      // Near the last look there is probably more to see; far from it only a few bytes.
      const bool near = at_ >= window_at_ && at_ - window_at_ <= 2 * window_.size();
      size_ = near ? std::min<std::size_t>(size_ * 2, kMaxWindow) : kMinWindow;
      window_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(size_, end_ - at_)));
      window_at_ = at_;
      if (auto status = file_.read_at(at_, window_); !status) return status.error();
    }
    return std::span<const std::byte>(window_).subspan(static_cast<std::size_t>(at_ - window_at_));
  }

  static constexpr std::size_t kMinWindow = 512;
  static constexpr std::size_t kMaxWindow = std::size_t{64} << 10;

  const Source& file_;
  std::uint64_t at_;
  std::uint64_t end_;
  std::vector<std::byte> window_ = {};
  std::uint64_t window_at_ = 0;
  std::size_t size_ = kMinWindow;
};

}  // namespace ckpt::containers

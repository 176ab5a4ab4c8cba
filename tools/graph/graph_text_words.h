#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "ckpt/element.h"
#include "ckpt/source.h"

// What the two ways of a graph's text have in common.
namespace ckpt::graph {

/// What a text says of contents that it does not have.
class OnlyDigest final : public Source {
 public:
  OnlyDigest(std::string digest, std::uint64_t size) : digest_(std::move(digest)), size_(size) {}

  const std::string& digest() const noexcept { return digest_; }
  std::uint64_t size() const noexcept override { return size_; }
  Status read_at(std::uint64_t, std::span<std::byte>) const override {
    return Error{.code = Errc::unsupported, .message = "contents of which only the digest is known"};
  }

 private:
  std::string digest_;
  std::uint64_t size_;
};

inline constexpr std::string_view kDigest = "xxh3:";

/// Types whose values are written as numbers, by the text that reads back to the same bits.
inline bool has_numbers(DType dtype) {
  switch (dtype) {
    case DType::boolean:
    case DType::int8:
    case DType::int16:
    case DType::int32:
    case DType::int64:
    case DType::uint8:
    case DType::uint16:
    case DType::uint32:
    case DType::uint64:
    case DType::float32:
    case DType::float64:
      return true;
    default:
      return false;
  }
}

/// A word needs no quotes.
inline bool of_word(char c, bool inside) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (inside && c >= '0' && c <= '9');
}
inline bool is_word(std::string_view text) {
  return !text.empty() && of_word(text[0], false) && std::ranges::all_of(text, [](char c) { return of_word(c, true); });
}

}  // namespace ckpt::graph

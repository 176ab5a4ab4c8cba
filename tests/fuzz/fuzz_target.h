#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "wire_builder.h"

/// What libFuzzer, or replay_main.cpp, calls for each input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace ckpt::test {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Anything but an empty sentence is a bug found: it is said, and the process stops, so that the input is kept.
inline void expect_no(const std::string& problem) {
  if (problem.empty()) return;
  std::fprintf(stderr, "found: %s\n", problem.c_str());
  std::abort();
}

inline void expect(bool holds, const char* what) {
  if (!holds) expect_no(what);
}

/// Depends on every byte: choices that are not part of the input, so that any file is one. FNV-1a.
inline std::uint64_t seed_of(std::string_view input) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char c : input) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return hash;
}

/// An input taken apart from the front into choices. Beyond its end all is zero and empty.
class Choices {
 public:
  explicit Choices(std::string_view input) : left_(input) {}

  bool empty() const noexcept { return left_.empty(); }
  std::uint8_t byte() {
    if (left_.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(left_[0]);
    left_.remove_prefix(1);
    return byte;
  }
  std::size_t below(std::size_t count) { return byte() % count; }
  bool coin() { return (byte() & 1) != 0; }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = (value << 8) | byte();
    return value;
  }
  std::string_view bytes(std::size_t most) {
    const std::string_view taken = left_.substr(0, most);
    left_.remove_prefix(taken.size());
    return taken;
  }
  /// A length byte and as many bytes.
  std::string_view text() { return bytes(byte()); }
  std::string_view rest() { return bytes(left_.size()); }

 private:
  std::string_view left_;
};

}  // namespace ckpt::test

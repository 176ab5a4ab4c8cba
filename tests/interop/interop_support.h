#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "ckpt/cipher.h"
#include "ckpt/error.h"

/// What the two programs share: they end at the first thing that goes wrong.
namespace ckpt::test {

[[noreturn]] inline void fail(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  std::exit(1);
}

template <class T>
T get(Result<T> result) {
  if (!result) fail(to_string(result.error()));
  return std::move(*result);
}

inline void check(const Status& status) {
  if (!status) fail(to_string(status.error()));
}

inline Key key_from_hex(const std::string& text) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(std::stoi(text.substr(i, 2), nullptr, 16)));
  return get(Key::from_bytes(bytes));
}

inline CipherMode mode_from_name(const std::string& text) {
  const auto mode = cipher_mode_from_name(text);
  if (!mode) fail("no such cipher: " + text);
  return *mode;
}

}  // namespace ckpt::test

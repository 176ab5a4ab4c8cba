#include "keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <system_error>
#include <vector>

#include "ckpt/text.h"

namespace ckpt::tools {
namespace {

Error key_error(std::string message) { return {.code = Errc::key, .message = std::move(message)}; }

// In hexadecimal, where a name belongs: it must not end up in a message.
bool looks_like_a_key(const std::string& text) {
  return text.size() >= 32 && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isxdigit(c); });
}

}  // namespace

Result<Key> key_from_hex(std::string_view hex, std::string_view where) {
  std::vector<std::byte> bytes;
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
  };
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    const int high = digit(hex[i]);
    const int low = digit(hex[i + 1]);
    if (high < 0 || low < 0) return key_error(fmt::format("{} is not hexadecimal", where));
    bytes.push_back(static_cast<std::byte>(high * 16 + low));
  }
  if (hex.size() % 2 != 0) return key_error(fmt::format("{} has an odd number of hexadecimal digits", where));
  auto key = Key::from_bytes(bytes);
  std::fill(bytes.begin(), bytes.end(), std::byte{0});
  return key;
}

Result<Key> key_from_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::array<char, 4096> bytes = {};  // far more than a key
  if (in) in.read(bytes.data(), bytes.size());
  if (!in && !in.eof())
    return key_error(
        fmt::format("cannot read the key file {}: {}", escape(path), std::generic_category().message(errno)));
  auto key = Key::from_bytes(std::as_bytes(std::span(bytes.data(), static_cast<std::size_t>(in.gcount()))));
  bytes.fill('\0');
  return key;
}

Result<std::optional<Key>> given_key(const KeyOptions& options) {
  if (looks_like_a_key(options.file) && !std::filesystem::exists(options.file))
    return key_error("what is given is not the name of a file, but looks like a key itself");
  const auto wrap = [](Result<Key> key) -> Result<std::optional<Key>> {
    if (!key) return std::move(key).error();
    return std::optional<Key>(*key);
  };
  if (!options.file.empty()) return wrap(key_from_file(options.file));
  if (options.variable.empty()) return std::optional<Key>{};
  const char* value = std::getenv(options.variable.c_str());
  if (value == nullptr && looks_like_a_key(options.variable))
    return key_error("what is given is not the name of an environment variable, but looks like a key itself");
  if (value == nullptr)
    return key_error(fmt::format("the environment variable {} is not set", escape(options.variable)));
  return wrap(key_from_hex(value, "the environment variable " + escape(options.variable)));
}

}  // namespace ckpt::tools

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ckpt/cipher.h"
#include "ckpt/error.h"

namespace ckpt::tools {

/// How an encrypted file's key is found. Never on the command line, where everybody can read it.
struct KeyOptions {
  std::string file = {};      ///< raw bytes
  std::string variable = {};  ///< an environment variable that holds it in hexadecimal
  std::string mode = {};      ///< where the file does not tell
};

/// Of 32, 48 or 64 hexadecimal digits. `where` begins the sentence that says what is wrong: "what was typed".
Result<Key> key_from_hex(std::string_view hex, std::string_view where);

/// All bytes of a file.
Result<Key> key_from_file(const std::string& path);

/// The key that was given; empty if none was.
Result<std::optional<Key>> given_key(const KeyOptions& options);

}  // namespace ckpt::tools

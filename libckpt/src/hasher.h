#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "ckpt/digest.h"
#include "ckpt/error.h"

namespace ckpt {

/// One digest in the making; reusable: finish() starts the next.
class Hasher {
 public:
  virtual ~Hasher() = default;
  virtual void add(std::span<const std::byte> bytes) = 0;
  virtual std::string finish() = 0;  ///< lower-case hexadecimal
};

Result<std::unique_ptr<Hasher>> make_hasher(DigestAlgorithm algorithm);

/// SHA-256 by OpenSSL; Errc::unsupported in a build without it.
Result<std::unique_ptr<Hasher>> make_sha256();

}  // namespace ckpt

#include "hasher.h"

// In the place of sha256.cpp in a build without OpenSSL.
namespace ckpt {

Result<std::unique_ptr<Hasher>> make_sha256() {
  return Error{.code = Errc::unsupported, .message = "SHA-256 needs OpenSSL, which this build is without"};
}

}  // namespace ckpt

// The library built without OpenSSL: it says what is encrypted, and that it cannot read it.
#include "cipher_blocks.h"

namespace ckpt {
namespace {

Error without_openssl() {
  return {.code = Errc::unsupported, .message = "encrypted, and this library was built without OpenSSL"};
}

}  // namespace

Key::~Key() {
  // volatile: the compiler must not drop stores to what is going away
  for (volatile std::byte& byte : bytes_) byte = std::byte{0};
}

Result<DecryptedView> open_encrypted(SourcePtr, const Key&, std::optional<CipherMode>, OnDamage, const Progress&) {
  return without_openssl();
}
Status verify_cipher(const Source&, const Progress&) { return {}; }

struct BlockDecryptor::Impl {
  Encryption encryption = {};
};
Result<BlockDecryptor> BlockDecryptor::create(Pull, std::span<const std::byte>, const Key&, std::optional<CipherMode>) {
  return without_openssl();
}
BlockDecryptor::BlockDecryptor(BlockDecryptor&&) noexcept = default;
BlockDecryptor& BlockDecryptor::operator=(BlockDecryptor&&) noexcept = default;
BlockDecryptor::~BlockDecryptor() = default;
Result<std::size_t> BlockDecryptor::read(std::span<std::byte>) { return without_openssl(); }
const Encryption& BlockDecryptor::encryption() const noexcept { return impl_->encryption; }
bool BlockDecryptor::clear_trailer() const noexcept { return false; }

struct BlockEncryptor::Impl {};
Result<BlockEncryptor> BlockEncryptor::create(Sink, const Key&, CipherMode) { return without_openssl(); }
BlockEncryptor::BlockEncryptor(BlockEncryptor&&) noexcept = default;
BlockEncryptor& BlockEncryptor::operator=(BlockEncryptor&&) noexcept = default;
BlockEncryptor::~BlockEncryptor() = default;
Status BlockEncryptor::append(std::span<const std::byte>) { return without_openssl(); }
Status BlockEncryptor::finish() { return without_openssl(); }

}  // namespace ckpt

#include "seal.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "random.h"

namespace ckpt::test {
namespace {

constexpr std::uint32_t kMagic = 0x7F3A5ED8;  // AES-GCM, and all of era a; AES-CBC and SM4-CBC are the next two

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};

const EVP_CIPHER* cipher_for(const Sealing& sealing) {
  const bool gcm = sealing.mode == CipherMode::aes_gcm;
  if (sealing.mode == CipherMode::sm4_cbc) return EVP_sm4_cbc();
  switch (sealing.key.size()) {
    case 16:
      return gcm ? EVP_aes_128_gcm() : EVP_aes_128_cbc();
    case 24:
      return gcm ? EVP_aes_192_gcm() : EVP_aes_192_cbc();
    default:
      return gcm ? EVP_aes_256_gcm() : EVP_aes_256_cbc();
  }
}

const unsigned char* raw(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }
unsigned char* raw(Bytes& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

void must(int result) {
  if (result != 1) throw std::runtime_error("OpenSSL refused");
}

Bytes block(std::string_view plain, const Bytes& iv, const Sealing& sealing) {
  const bool gcm = sealing.mode == CipherMode::aes_gcm;
  const std::unique_ptr<EVP_CIPHER_CTX, FreeContext> context(EVP_CIPHER_CTX_new());
  must(EVP_EncryptInit_ex(context.get(), cipher_for(sealing), nullptr, raw(sealing.key), raw(iv)));
  Bytes cipher(plain.size() + 32, '\0');
  int size = 0;
  int last = 0;
  must(EVP_EncryptUpdate(context.get(), raw(cipher), &size, raw(plain), static_cast<int>(plain.size())));
  must(EVP_EncryptFinal_ex(context.get(), raw(cipher) + size, &last));
  cipher.resize(static_cast<std::size_t>(size + last));
  Bytes tag;
  if (gcm && sealing.era == CipherEra::b) {
    tag.resize(16);
    must(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, 16, tag.data()));
  }
  const bool names_mode = sealing.era == CipherEra::b;
  const auto magic = kMagic + (names_mode ? static_cast<std::uint32_t>(sealing.mode) : 0);
  const auto length = static_cast<std::uint32_t>(cipher.size());
  return little_endian(magic) + tag + little_endian(24 + length) + little_endian(std::uint32_t{16}) + iv +
         little_endian(length) + cipher;
}

}  // namespace

Bytes sample_key(std::size_t size) {
  Bytes key;
  for (std::size_t i = 0; i < size; ++i) key.push_back(static_cast<char>(i));
  return key;
}

Bytes sealed(std::string_view plain, const Sealing& sealing) {
  Random random(sealing.seed);
  Bytes file;
  while (!plain.empty()) {
    const std::size_t size = std::min(plain.size(), sealing.block_bytes);
    const Bytes iv = little_endian(random.next()) + little_endian(random.next());
    file += block(plain.substr(0, size), iv, sealing);
    plain.remove_prefix(size);
  }
  return file;
}

}  // namespace ckpt::test

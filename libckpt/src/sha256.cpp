#include <openssl/evp.h>

#include <array>
#include <new>

#include "ckpt/text.h"
#include "hasher.h"

namespace ckpt {
namespace {

struct Free {
  void operator()(EVP_MD* digest) const noexcept { EVP_MD_free(digest); }
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

class Sha256 final : public Hasher {
 public:
  // Fetching is the expensive part of a small digest: done once.
  static Result<std::unique_ptr<Hasher>> create() {
    std::unique_ptr<EVP_MD, Free> digest(EVP_MD_fetch(nullptr, "SHA256", nullptr));
    std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
    if (!digest || !context || EVP_DigestInit_ex2(context.get(), digest.get(), nullptr) != 1)
      return Error{.code = Errc::unsupported, .message = "OpenSSL has no SHA-256"};
    return std::unique_ptr<Hasher>(new Sha256(std::move(digest), std::move(context)));
  }

  void add(std::span<const std::byte> bytes) override { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }

  std::string finish() override {
    std::array<unsigned char, 32> out = {};
    EVP_DigestFinal_ex(context_.get(), out.data(), nullptr);
    EVP_DigestInit_ex2(context_.get(), digest_.get(), nullptr);
    return hexadecimal(std::as_bytes(std::span(out)));
  }

 private:
  Sha256(std::unique_ptr<EVP_MD, Free> digest, std::unique_ptr<EVP_MD_CTX, Free> context)
      : digest_(std::move(digest)), context_(std::move(context)) {}

  std::unique_ptr<EVP_MD, Free> digest_;
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace

Result<std::unique_ptr<Hasher>> make_sha256() { return Sha256::create(); }

}  // namespace ckpt

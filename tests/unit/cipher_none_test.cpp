// The library without OpenSSL, in the place of cipher_test.cpp: whatever needs a cipher says so, and nothing is
// written.
#include <gtest/gtest.h>

#include <algorithm>

#include "ckpt/checkpoint.h"
#include "ckpt/digest.h"
#include "ckpt/stream.h"
#include "ckpt/writer.h"
#include "temp_dir.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;

// good/enc_b_gcm.ckpt
const Bytes kFile = test::from_hex(
    "d85e3a7f9a47bc0f92514760d300c4ee9cc186c7"
    "2e00000010000000101112131415161718191a1b1c1d1e1f16000000"
    "ce3a09ae7c5db9fd109b319aa653d80c20b87487f6cb");

Key key() { return *Key::from_bytes(bytes_of(Bytes("0123456789abcdef"))); }

TEST(CipherNone, AnEncryptedFileIsNamedAndNotRead) {
  const auto identity = identify(*borrow_bytes(bytes_of(kFile)));
  ASSERT_TRUE(identity && identity->encryption);
  EXPECT_EQ(identity->encryption->mode, CipherMode::aes_gcm);
  EXPECT_EQ(Checkpoint::from_bytes(bytes_of(kFile)).error().code, Errc::key);
  EXPECT_EQ(Checkpoint::from_bytes(bytes_of(kFile), {.key = key()}).error().code, Errc::unsupported);

  const auto read = [used = std::size_t{0}](std::span<std::byte> out) mutable -> Result<std::size_t> {
    const std::size_t take = std::min(out.size(), kFile.size() - used);
    std::copy_n(bytes_of(kFile).begin() + static_cast<std::ptrdiff_t>(used), take, out.begin());
    used += take;
    return take;
  };
  EXPECT_EQ(RecordStream(read, {.open = {.key = key()}}).next().error().code, Errc::unsupported);
}

TEST(CipherNone, NothingIsWrittenInTheClearInstead) {
  const test::TempDir dir;
  EXPECT_EQ(Writer::create(dir / "out", {.key = key()}).error().code, Errc::unsupported);
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(CipherNone, Sha256IsRefused) {
  const Bytes plain = test::record("a", {1}, "Float32", test::values<float>({1}));
  const auto file = Checkpoint::from_bytes(bytes_of(plain));
  ASSERT_TRUE(file);
  EXPECT_EQ(digest(*file).error().code, Errc::unsupported);
}

}  // namespace
}  // namespace ckpt

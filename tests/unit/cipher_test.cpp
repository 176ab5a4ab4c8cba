#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "chunked.h"
#include "cipher_blocks.h"
#include "ckpt/checkpoint.h"
#include "ckpt/stream.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;
using test::from_hex;
using test::pipe_of;

// Computed with an independent library from the layout: key 00 .. 0f, iv 10 .. 1f, one scalar of 22 bytes.
const Bytes kPlain = from_hex("0a140a0173120f1207466c6f617433321a040000c03f");
const Bytes kAGcm = from_hex(
    "d85e3a7f2e00000010000000101112131415161718191a1b1c1d1e1f16000000ce3a09ae7c5db9fd109b319aa653d80c20b87487f6cb");
const Bytes kACbc = from_hex(
    "d85e3a7f3800000010000000101112131415161718191a1b1c1d1e1f200000005f5769bab7bf4fdae64096ca0e73686ceb63c2fbb2e0b6370a"
    "0a"
    "fc04ef1304da");
const Bytes kBGcm = from_hex(
    "d85e3a7f9a47bc0f92514760d300c4ee9cc186c72e00000010000000101112131415161718191a1b1c1d1e1f16000000ce3a09ae7c5db9fd10"
    "9b"
    "319aa653d80c20b87487f6cb");
const Bytes kBCbc = from_hex("d95e3a7f") + kACbc.substr(4);
const Bytes kBSm4 = from_hex(
    "da5e3a7f3800000010000000101112131415161718191a1b1c1d1e1f200000000102d041d8aec139ed07482141e1a724a85aa4e26df74a3cd9"
    "9f"
    "c1bfb8c8fd30");

Key key_of(std::size_t size, unsigned char first = 0) {
  Bytes bytes;
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(first + i);
  return *Key::from_bytes(bytes_of(bytes));
}

Result<Bytes> plain_of(const Bytes& file, const Key& key, std::optional<CipherMode> mode = {}) {
  auto view = open_encrypted(borrow_bytes(bytes_of(file)), key, mode);
  if (!view) return view.error();
  if (view->damage) return *view->damage;
  Bytes plain(view->source->size(), '?');
  if (auto s = view->source->read_at(0, std::as_writable_bytes(std::span(plain))); !s) return s.error();
  return plain;
}

Result<Bytes> piped(const Bytes& file, std::size_t chunk, const Key& key, std::optional<CipherMode> mode = {}) {
  const std::size_t head = std::min<std::size_t>(64, file.size());
  const Bytes rest = file.substr(head);
  auto decryptor = BlockDecryptor::create(pipe_of(rest, chunk), bytes_of(file).first(head), key, mode);
  if (!decryptor) return decryptor.error();
  Bytes plain;
  while (true) {
    std::byte buffer[37];
    auto got = decryptor->read(buffer);
    if (!got) return got.error();
    if (*got == 0) return plain;
    plain += test::to_bytes(std::span(buffer).first(*got));
  }
}

Bytes encrypted(const Bytes& plain, const Key& key, CipherMode mode) {
  Bytes file;
  auto encryptor = BlockEncryptor::create(
      {.append = [&](auto bytes) { return file += test::to_bytes(bytes), Status{}; },
       .overwrite = [&](auto at,
                        auto bytes) { return file.replace(at, bytes.size(), test::to_bytes(bytes)), Status{}; }},
      key, mode);
  EXPECT_TRUE(encryptor);
  for (std::size_t at = 0; at < plain.size(); at += 100'003)
    EXPECT_TRUE(encryptor->append(bytes_of(plain).subspan(at, std::min<std::size_t>(100'003, plain.size() - at))));
  EXPECT_TRUE(encryptor->finish());
  return file;
}

struct Vector {
  const char* what;
  const Bytes& file;
  CipherEra era;
  CipherMode mode;
};
const Vector kVectors[] = {{"A-GCM", kAGcm, CipherEra::a, CipherMode::aes_gcm},
                           {"A-CBC", kACbc, CipherEra::a, CipherMode::aes_cbc},
                           {"B-GCM", kBGcm, CipherEra::b, CipherMode::aes_gcm},
                           {"B-CBC", kBCbc, CipherEra::b, CipherMode::aes_cbc},
                           {"B-SM4", kBSm4, CipherEra::b, CipherMode::sm4_cbc}};

TEST(Cipher, GoldenVectorsOfBothEras) {
  for (const Vector& v : kVectors) {
    SCOPED_TRACE(v.what);
    for (const std::optional<CipherMode> asked : {std::optional<CipherMode>{}, std::optional(v.mode)}) {
      const auto plain = plain_of(v.file, key_of(16), asked);
      ASSERT_TRUE(plain) << to_string(plain.error());
      EXPECT_EQ(*plain, kPlain);
    }
    for (const std::size_t chunk : {1U, 16U, 1000U}) {
      const auto through = piped(v.file, chunk, key_of(16), v.mode);
      ASSERT_TRUE(through) << to_string(through.error());
      EXPECT_EQ(*through, kPlain);
    }
    const auto detected = detect_encryption(*borrow_bytes(bytes_of(v.file)));
    ASSERT_TRUE(detected && *detected);
    EXPECT_EQ((*detected)->era, v.era);
    EXPECT_EQ((*detected)->blocks, 1U);
    EXPECT_TRUE(v.era == CipherEra::a || (*detected)->mode == v.mode);

    auto file = Checkpoint::from_bytes(bytes_of(v.file), {.key = key_of(16)});
    ASSERT_TRUE(file) << to_string(file.error());
    EXPECT_EQ(file->tensors()[0].name, "s");
    EXPECT_EQ(file->encryption()->mode, v.mode);
    EXPECT_EQ(file->file_size(), v.file.size());
  }
}

TEST(Cipher, EraACbcInAPipeMustBeNamed) {
  EXPECT_EQ(piped(kACbc, 10, key_of(16)).error().code, Errc::key);
  EXPECT_EQ(*piped(kAGcm, 10, key_of(16)), kPlain);
}

TEST(Cipher, BlocksInARowAndTheClearTrailerBehindThem) {
  for (const Bytes& one : {kBGcm, kBCbc, kBSm4}) {
    EXPECT_EQ(*plain_of(one + one, key_of(16)), kPlain + kPlain);
    EXPECT_EQ(*piped(one + one, 7, key_of(16)), kPlain + kPlain);
    const Bytes with_trailer = one + test::trailer(0);
    EXPECT_EQ(*plain_of(with_trailer, key_of(16)), kPlain);
    EXPECT_EQ(*piped(with_trailer, 7, key_of(16)), kPlain);
    EXPECT_FALSE(plain_of(one + test::trailer(1), key_of(16)));
  }
}

TEST(Cipher, AnyRangeOfSeveralBlocks) {
  Bytes plain;
  for (int i = 0; i < 5000; ++i) plain += static_cast<char>(i * 13);
  for (const CipherMode mode : {CipherMode::aes_gcm, CipherMode::aes_cbc, CipherMode::sm4_cbc}) {
    const Bytes file = encrypted(plain.substr(0, 1), key_of(16), mode) +
                       encrypted(plain.substr(1, 1999), key_of(16), mode) +
                       encrypted(plain.substr(2000), key_of(16), mode);
    auto view = open_encrypted(borrow_bytes(bytes_of(file)), key_of(16), {});
    ASSERT_TRUE(view) << to_string(view.error());
    ASSERT_EQ(view->source->size(), plain.size());
    EXPECT_EQ(view->encryption.blocks, 3U);
    for (std::size_t offset = 0; offset <= plain.size(); offset += 61)
      for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 333U, 2500U}) {
        if (offset + size > plain.size()) continue;
        Bytes out(size, '?');
        ASSERT_TRUE(view->source->read_at(offset, std::as_writable_bytes(std::span(out))));
        EXPECT_EQ(out, plain.substr(offset, size)) << name(mode) << " at " << offset;
      }
    std::byte one;
    EXPECT_EQ(view->source->read_at(plain.size(), {&one, 1}).error().code, Errc::truncated);
    EXPECT_TRUE(verify_cipher(*view->source, {}));
  }
}

TEST(Cipher, WrongKeysModesAndLengthsAreEachTheirOwnError) {
  const auto message = [](const Result<Bytes>& result) { return result ? "" : to_string(result.error()); };
  EXPECT_EQ(message(plain_of(kBGcm, key_of(16, 1))),
            "the tag of cipher block 1 does not match: wrong key, or the file was altered");
  EXPECT_EQ(message(plain_of(kBCbc, key_of(16, 1))),
            "the padding of cipher block 1 is wrong: wrong key or mode, or the file was altered");
  EXPECT_EQ(message(plain_of(kBCbc, key_of(16), CipherMode::aes_gcm)), "the file says AES-CBC, AES-GCM was asked for");
  EXPECT_EQ(message(plain_of(kAGcm, key_of(16), CipherMode::sm4_cbc)),
            "the file says AES (MindSpore 1.3 to 1.5), SM4-CBC was asked for");
  EXPECT_EQ(message(plain_of(kBSm4, key_of(32))), "SM4-CBC needs a key of 16 bytes, this one has 32");
  EXPECT_EQ(Key::from_bytes(bytes_of("short")).error().message, "a key has 16, 24 or 32 bytes, this one has 5");
  auto keyless = Checkpoint::from_bytes(bytes_of(kBGcm));
  EXPECT_EQ(to_string(keyless.error()), "encrypted with AES-GCM: it needs its key");
  // No tag, no padding: what comes out is no checkpoint.
  EXPECT_EQ(Checkpoint::from_bytes(bytes_of(kAGcm), {.key = key_of(16, 1)}).error().code, Errc::key);
}

TEST(Cipher, ATamperedByteOfATaggedBlockIsAlwaysFound) {
  const Bytes file = kBGcm + kBGcm;
  for (std::size_t at = 0; at < file.size(); ++at) {
    Bytes changed = file;
    changed[at] = static_cast<char>(changed[at] ^ 0x20);
    const std::size_t in_block = at % kBGcm.size();
    if (in_block >= 40 && in_block < 44) continue;  // the last four bytes of the IV have no meaning
    const auto plain = plain_of(changed, key_of(16));
    ASSERT_FALSE(plain) << at;
    EXPECT_FALSE(piped(changed, 5, key_of(16))) << at;
    if (in_block >= 48 && at > kBGcm.size()) {
      EXPECT_EQ(plain.error().message, "cipher block 2 was altered: its tag does not match");
    }
  }
}

TEST(Cipher, WhatIsInFrontOfADamagedBlockStays) {
  for (const Vector& v : kVectors) {
    const Bytes file = v.file + v.file;
    Bytes altered = file;
    altered.back() = static_cast<char>(altered.back() ^ 1);
    for (const Bytes& bad :
         {file.substr(0, file.size() - 1), file.substr(0, v.file.size() + 5), altered, v.file + "garbage"}) {
      if (bad == altered && v.file == kAGcm) continue;  // it has neither tag nor padding
      const OpenOptions options{.keep_damaged = true, .key = key_of(16), .mode = v.mode};
      const auto kept = Checkpoint::from_bytes(bytes_of(bad), options);
      ASSERT_TRUE(kept) << v.what << ": " << to_string(kept.error());
      EXPECT_EQ(kept->tensors().size(), 1U) << v.what;
      ASSERT_TRUE(kept->damage()) << v.what;
      EXPECT_NE(kept->damage()->message.find("cipher block"), Bytes::npos) << kept->damage()->message;
      EXPECT_FALSE(Checkpoint::from_bytes(bytes_of(bad), {.key = key_of(16), .mode = v.mode}));
    }
    EXPECT_EQ(plain_of(v.file + "garbage", key_of(16), v.mode).error().message,
              "what follows cipher block 1 is no cipher block");
  }
}

TEST(Cipher, EveryPrefixIsNoticed) {
  for (const Vector& v : kVectors) {
    const Bytes file = v.file + v.file;
    for (std::size_t size = 4; size < file.size(); ++size) {
      const Bytes prefix = file.substr(0, size);
      if (size == v.file.size()) continue;
      EXPECT_FALSE(plain_of(prefix, key_of(16), v.mode)) << v.what << size;
      EXPECT_FALSE(piped(prefix, 9, key_of(16), v.mode)) << v.what << size;
    }
  }
}

TEST(Cipher, LengthsThatLieAllocateNothing) {
  Bytes file = kBCbc;
  for (const std::size_t at : {4U, 28U})
    file.replace(at, 4, test::little_endian(std::uint32_t{at == 4 ? 0xFFFFFFF8U : 0xFFFFFFE0U}));
  EXPECT_EQ(plain_of(file, key_of(16)).error().code, Errc::truncated);
  EXPECT_EQ(piped(file, 9, key_of(16)).error().code, Errc::truncated);
  Bytes gcm = kBGcm;
  gcm.replace(20, 4, test::little_endian(std::uint32_t{0xF0000018}));
  gcm.replace(44, 4, test::little_endian(std::uint32_t{0xF0000000}));
  EXPECT_EQ(piped(gcm, 9, key_of(16)).error().code, Errc::limit);
}

TEST(Encryptor, WritesWhatIsReadBackInEveryModeAndKeyLength) {
  const Bytes plain(300'000, 'p');
  for (const std::size_t size : {16U, 24U, 32U})
    for (const CipherMode mode : {CipherMode::aes_gcm, CipherMode::aes_cbc})
      EXPECT_EQ(*plain_of(encrypted(plain, key_of(size), mode), key_of(size)), plain);
  EXPECT_EQ(*plain_of(encrypted(plain, key_of(16), CipherMode::sm4_cbc), key_of(16)), plain);
  EXPECT_EQ(encrypted("", key_of(16), CipherMode::aes_gcm), "");
  EXPECT_NE(encrypted(plain, key_of(16), CipherMode::aes_gcm), encrypted(plain, key_of(16), CipherMode::aes_gcm));
}

TEST(Encryptor, StartsANewBlockEvery64MiB) {
  const Bytes plain(kCipherBlockBytes + 100, 'p');
  const Bytes file = encrypted(plain, key_of(16), CipherMode::aes_gcm);
  EXPECT_EQ(file.size(), plain.size() + 2 * 48);
  auto view = open_encrypted(borrow_bytes(bytes_of(file)), key_of(16), {});
  ASSERT_TRUE(view);
  EXPECT_EQ(view->encryption.blocks, 2U);
  Bytes seam(200, '?');
  ASSERT_TRUE(view->source->read_at(kCipherBlockBytes - 100, std::as_writable_bytes(std::span(seam))));
  EXPECT_EQ(seam, Bytes(200, 'p'));
  EXPECT_EQ(encrypted(plain.substr(100), key_of(16), CipherMode::aes_cbc).size(), kCipherBlockBytes + 32 + 16);
}

TEST(EncryptedStream, PiecesComeThroughAPipe) {
  const Bytes plain =
      test::record("a", {100'000}, "Int8", Bytes(100'000, 'x')) + test::record("b", {4}, "Int8", "abcd");
  const Bytes file = encrypted(plain, key_of(32), CipherMode::aes_gcm);
  RecordStream stream(pipe_of(file, 1000), {.open = {.key = key_of(32)}});
  std::size_t bytes = 0;
  while (true) {
    auto piece = stream.next();
    ASSERT_TRUE(piece) << to_string(piece.error());
    if (*piece == nullptr) break;
    bytes += (*piece)->bytes.size();
  }
  EXPECT_EQ(bytes, 100'004U);
  EXPECT_EQ(stream.tensors().size(), 2U);
  EXPECT_EQ(stream.bytes_read(), file.size());
  EXPECT_EQ(stream.encryption()->mode, CipherMode::aes_gcm);
}

}  // namespace
}  // namespace ckpt

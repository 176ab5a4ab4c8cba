// Salvage of encrypted files: an altered block costs what has bytes in it and no more.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "ckpt/salvage.h"
#include "file_bytes.h"
#include "seal.h"
#include "temp_dir.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;

constexpr std::size_t kBlock = 100;
constexpr std::size_t kHeader = 48;
constexpr std::size_t kTensors = 12;

SalvageOptions with_key() { return {.open = {.key = *Key::from_bytes(bytes_of(test::sample_key(16)))}}; }

std::string name_of(std::size_t i) { return "layer" + std::to_string(10 + i) + ".weight"; }

Bytes plain_record(std::size_t i) {
  return test::record(name_of(i), {2, 2}, "Float32", test::values<float>({static_cast<float>(i), 1, 2, 3}));
}

Bytes plain_file() {
  Bytes plain;
  for (std::size_t i = 0; i < kTensors; ++i) plain += plain_record(i);
  return plain;
}

Bytes sealed_file() { return test::sealed(plain_file(), {.key = test::sample_key(16), .block_bytes = kBlock}); }

// The tensors that have no byte in this block of plaintext.
std::set<std::string> names_outside(std::size_t block) {
  std::set<std::string> names;
  std::size_t at = 0;
  for (std::size_t i = 0; i < kTensors; ++i) {
    const std::size_t end = at + plain_record(i).size();
    if (end <= block * kBlock || at >= (block + 1) * kBlock) names.insert(name_of(i));
    at = end;
  }
  return names;
}

void expect_only_lost_in(std::size_t block, const Bytes& damaged, const std::string& what) {
  const auto salvage = Salvage::examine(borrow_bytes(bytes_of(damaged)), with_key());
  ASSERT_TRUE(salvage) << to_string(salvage.error()) << what;
  std::set<std::string> kept;
  for (const TensorInfo& entry : salvage->kept()) kept.insert(entry.name);
  EXPECT_EQ(kept, names_outside(block)) << what;
  ASSERT_FALSE(salvage->losses().empty()) << what;
  for (const Loss& loss : salvage->losses()) {
    EXPECT_EQ(loss.kind, Loss::Kind::lost) << what;
    EXPECT_NE(loss.message.find("cipher block " + std::to_string(block + 1) + " was altered"), Bytes::npos)
        << loss.message << what;
  }
  const test::TempDir dir;
  ASSERT_TRUE(salvage->write(dir / "out.ckpt", {.durable = false})) << what;
  Bytes expected;
  for (std::size_t i = 0; i < kTensors; ++i)
    if (kept.contains(name_of(i))) expected += plain_record(i);
  EXPECT_EQ(test::read_file(dir / "out.ckpt"), expected) << what;
}

TEST(SalvageEncrypted, AnAlteredBlockCostsWhatIsInIt) {
  const Bytes file = sealed_file();
  const std::size_t blocks = (plain_file().size() + kBlock - 1) / kBlock;
  ASSERT_GE(blocks, 5u);
  for (std::size_t block = 0; block < blocks; ++block) {
    Bytes damaged = file;
    damaged[block * (kHeader + kBlock) + kHeader + 7] ^= 0x10;
    expect_only_lost_in(block, damaged, "; block " + std::to_string(block));
  }
}

// Lengths and magic numbers are known from the other blocks; then the tag tells that nothing else was altered.
TEST(SalvageEncrypted, ADamagedLengthCostsNothing) {
  const Bytes file = sealed_file();
  const std::size_t blocks = (plain_file().size() + kBlock - 1) / kBlock;
  for (std::size_t block = 1; block < blocks; ++block) {
    for (const std::size_t at : {std::size_t{0}, std::size_t{20}, std::size_t{24}, std::size_t{44}}) {
      Bytes damaged = file;
      damaged[block * (kHeader + kBlock) + at] ^= 0x10;
      const auto salvage = Salvage::examine(borrow_bytes(bytes_of(damaged)), with_key());
      ASSERT_TRUE(salvage) << to_string(salvage.error());
      EXPECT_EQ(salvage->kept().size(), kTensors) << block << " " << at;
      ASSERT_EQ(salvage->losses().size(), 1u) << "the file is not what it was";
      EXPECT_EQ(salvage->losses()[0].kind, Loss::Kind::doubt);
    }
  }
}

TEST(SalvageEncrypted, ADamagedTagOrIvCostsItsBlock) {
  Bytes damaged = sealed_file();
  damaged[2 * (kHeader + kBlock) + 5] ^= 1;
  expect_only_lost_in(2, damaged, "; tag");
}

TEST(SalvageEncrypted, AWrongKeyIsNoDamage) {
  const Bytes file = sealed_file();
  const auto salvage = Salvage::examine(borrow_bytes(bytes_of(file)),
                                        {.open = {.key = *Key::from_bytes(bytes_of(test::sample_key(32)))}});
  ASSERT_FALSE(salvage);
  EXPECT_EQ(salvage.error().code, Errc::key);
}

TEST(SalvageEncrypted, ACutKeepsTheWholeBlocks) {
  const Bytes file = sealed_file();
  const auto salvage =
      Salvage::examine(borrow_bytes(bytes_of(file).first(3 * (kHeader + kBlock) + kHeader + 10)), with_key());
  ASSERT_TRUE(salvage) << to_string(salvage.error());
  EXPECT_EQ(salvage->kept().size(), 3 * kBlock / plain_record(0).size());
}

}  // namespace
}  // namespace ckpt

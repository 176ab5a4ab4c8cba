#include "data/idx_file.h"

#include <gtest/gtest.h>

#include <numeric>

#include "file_bytes.h"
#include "idx_bytes.h"
#include "temp_dir.h"

namespace ckpt::train {
namespace {

using test::gzipped;
using test::idx_bytes;

class IdxFileTest : public testing::Test {
 protected:
  Result<IdxFile> read(const std::string& bytes, std::size_t rank = 3, std::uint64_t most = 1000000) {
    test::write_file(dir_ / "file", bytes);
    return read_idx(dir_ / "file", rank, {}, most);
  }
  std::string error(const std::string& bytes, std::size_t rank = 3, std::uint64_t most = 1000000) {
    const auto idx = read(bytes, rank, most);
    return idx ? "none" : to_string(idx.error());
  }

  test::TempDir dir_;
};

std::string some_values(std::size_t count) {
  std::string values(count, '\0');
  std::iota(values.begin(), values.end(), '\0');
  return values;
}

TEST_F(IdxFileTest, ReadsPlainAndPackedFiles) {
  const std::string bytes = idx_bytes({2, 3, 4}, some_values(24));
  for (const std::string& file : {bytes, gzipped(bytes)}) {
    const auto idx = read(file);
    ASSERT_TRUE(idx) << to_string(idx.error());
    EXPECT_EQ(idx->dims, (std::vector<std::size_t>{2, 3, 4}));
    EXPECT_EQ(std::string(idx->values.begin(), idx->values.end()), some_values(24));
  }
}

TEST_F(IdxFileTest, ReadsMoreThanABlock) {
  std::string values(1'000'003, '\0');
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<char>(i * i >> 7);
  const std::string bytes = idx_bytes({1'000'003}, values);
  for (const std::string& file : {bytes, gzipped(bytes)}) {
    const auto idx = read(file, 1, 2'000'000);
    ASSERT_TRUE(idx) << to_string(idx.error());
    EXPECT_EQ(std::string(idx->values.begin(), idx->values.end()), values);
  }
}

TEST_F(IdxFileTest, ReadsAnEmptyArray) {
  const auto idx = read(idx_bytes({0}, ""), 1);
  ASSERT_TRUE(idx) << to_string(idx.error());
  EXPECT_TRUE(idx->values.empty());
}

TEST_F(IdxFileTest, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(error(""), "truncated at byte 0: needs 4 bytes, 0 are left");
  EXPECT_EQ(error(idx_bytes({2}, "ab")), "malformed at byte 0: the magic number is 0x00000801, and not 0x00000803");
  EXPECT_EQ(error(idx_bytes({2, 3, 4}, "").substr(0, 14)), "truncated at byte 12: needs 4 bytes, 2 are left");
  EXPECT_EQ(error(idx_bytes({2, 3, 4}, some_values(23))),
            "truncated at byte 16: claims 24 values, more than the file can have");
  EXPECT_EQ(error(idx_bytes({2, 3, 4}, some_values(25))), "malformed at byte 40: there are bytes after the last value");
  EXPECT_EQ(error(idx_bytes({1000, 1000, 2}, "")), "at byte 4: claims more than 1000000 values");
  EXPECT_EQ(error(idx_bytes({0xffffffff, 0xffffffff, 0xffffffff}, "")), "at byte 4: claims more than 1000000 values");
}

TEST_F(IdxFileTest, SaysWhatIsWrongInPackedFiles) {
  EXPECT_EQ(error(gzipped(idx_bytes({2, 3, 4}, some_values(20)))), "truncated at byte 36: needs 24 values, has 20");
  EXPECT_EQ(error(gzipped(idx_bytes({900, 1000, 1}, ""))),
            "truncated at byte 16: claims 900000 values, more than the file can have");
  EXPECT_EQ(error(gzipped(idx_bytes({2, 3, 4}, some_values(25)))),
            "malformed at byte 40: there are bytes after the last value");
  const std::string packed = gzipped(idx_bytes({2, 3, 4}, some_values(24)));
  EXPECT_EQ(error(packed + "xy"),
            "malformed at byte " + std::to_string(packed.size() + 2) + ": damaged gzip data: incorrect header check");
  std::string damaged = packed;
  damaged[packed.size() - 8] ^= 1;  // of the checksum
  EXPECT_EQ(error(damaged),
            "malformed at byte " + std::to_string(packed.size() - 4) + ": damaged gzip data: incorrect data check");
}

TEST_F(IdxFileTest, ReadsPackedFilesOfSeveralMembers) {
  const std::string bytes = idx_bytes({2, 3, 4}, some_values(24));
  const auto whole = read(bytes);
  const auto parts = read(gzipped(bytes.substr(0, 5)) + gzipped("") + gzipped(bytes.substr(5)));
  ASSERT_TRUE(whole && parts) << to_string(parts.error());
  EXPECT_EQ(parts->values, whole->values);
}

TEST_F(IdxFileTest, NoFileNoDirectory) {
  EXPECT_EQ(read_idx(dir_ / "none", 1).error().code, Errc::io);
  EXPECT_EQ(read_idx(dir_.path(), 1).error().code, Errc::unsupported);
}

// Never more than the file has, and never a crash: an error, or what it says.
TEST_F(IdxFileTest, EveryPrefixIsAnError) {
  const std::string bytes = idx_bytes({2, 3, 4}, some_values(24));
  for (const std::string& file : {bytes, gzipped(bytes)})
    for (std::size_t size = 0; size < file.size(); ++size) {
      const auto idx = read(file.substr(0, size));
      ASSERT_FALSE(idx) << size;
      EXPECT_NE(idx.error().offset, Error::kNoOffset) << size;
    }
}

TEST_F(IdxFileTest, EveryByteMayBeAnything) {
  const std::string bytes = idx_bytes({2, 2, 2}, some_values(8));
  for (const std::string& file : {bytes, gzipped(bytes)})
    for (std::size_t i = 0; i < file.size(); ++i)
      for (int value = 0; value < 256; value += 7) {
        std::string changed = file;
        changed[i] = static_cast<char>(value);
        const auto idx = read(changed);
        if (!idx) continue;
        ASSERT_EQ(idx->values.size(), idx->dims[0] * idx->dims[1] * idx->dims[2]);
        ASSERT_TRUE(file == bytes || idx->values.size() == 8) << i;  // or a checksum was right
      }
}

}  // namespace
}  // namespace ckpt::train

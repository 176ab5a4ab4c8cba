#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ckpt/writer.h"
#include "file_bytes.h"
#include "temp_dir.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;
using test::record;
using test::TempDir;
using test::values;

const Bytes kTwo = values<float>({1, 2});

Param weight(std::string name) {
  return {.desc = {.name = std::move(name), .dtype = DType::float32, .dims = {2}}, .bytes = bytes_of(kTwo)};
}

TEST(SaveCheckpoint, ParametersThenAppendedValues) {
  const TempDir dir;
  const std::vector<Param> params = {weight("b"), weight("a")};
  const std::vector<AppendValue> append = {
      {"epoch", std::int64_t{20}}, {"lr", 0.01}, {"train", true}, {"note", std::string("hi")}};
  const Status status = save_checkpoint(dir / "f", params, append);
  ASSERT_TRUE(status) << to_string(status.error());
  EXPECT_EQ(test::read_file(dir / "f"), record("b", {2}, "Float32", kTwo) + record("a", {2}, "Float32", kTwo) +
                                            record("epoch", {}, "Int64", values<std::int64_t>({20})) +
                                            record("lr", {}, "Float32", test::from_hex("0ad7233c")) +
                                            record("train", {}, "Bool", Bytes(1, '\1')) +
                                            record("note", {0}, "str", test::utf32(U"hi")));
  EXPECT_EQ(test::mode_of(dir / "f"), 0400U);
}

TEST(SaveCheckpoint, OptionsApply) {
  const TempDir dir;
  const std::vector<AppendValue> append = {{"train", false}};
  const Status status = save_checkpoint(dir / "f", {}, append, {.profile = Profile::classic, .crc = true});
  ASSERT_TRUE(status) << to_string(status.error());
  EXPECT_EQ(test::read_file(dir / "f"), test::with_trailer(record("train", {0}, "Bool", Bytes(1, '\0'))));
}

TEST(SaveCheckpoint, AnAppendedNameThatIsAParametersIsAnError) {
  const TempDir dir;
  test::write_file(dir / "f", "old");
  const std::vector<Param> params = {weight("lr")};
  const std::vector<AppendValue> append = {{"lr", 0.1}};
  const Status status = save_checkpoint(dir / "f", params, append);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::usage);
  EXPECT_EQ(to_string(status.error()), "in \"lr\": an appended value has a parameter's name");
  EXPECT_EQ(test::read_file(dir / "f"), "old");
}

TEST(SaveCheckpoint, NothingIsLeftAfterAnError) {
  const TempDir dir;
  const std::vector<Param> twice = {weight("a"), weight("a")};
  const std::vector<AppendValue> same = {{"x", true}, {"x", false}};
  for (const Status& status :
       {save_checkpoint(dir / "f", twice), save_checkpoint(dir / "f", {}, same), save_checkpoint(dir / "f", {})}) {
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Errc::usage);
  }
  EXPECT_TRUE(test::names_in(dir.path()).empty());
}

}  // namespace
}  // namespace ckpt

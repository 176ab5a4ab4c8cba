#include "ckpt/slice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/element.h"
#include "temp_dir.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;
using test::record;
using test::RecordBuilder;
using test::values;
using Dims = std::vector<std::int64_t>;

// UInt32 0, 1, 2 ... of these dims, in a file of its own.
class Counting {
 public:
  explicit Counting(const Dims& dims) {
    std::int64_t count = 1;
    RecordBuilder builder = record().tag("t");
    for (const std::int64_t dim : dims) {
      builder.dims({dim});
      count *= dim;
    }
    Bytes content;
    for (std::int64_t i = 0; i < count; ++i) content += test::little_endian(static_cast<std::uint32_t>(i));
    file_ = builder.type("UInt32").content(content);
    auto checkpoint = Checkpoint::from_bytes(bytes_of(file_));
    EXPECT_TRUE(checkpoint) << checkpoint.error().message;
    checkpoint_.emplace(std::move(*checkpoint));
  }

  const Checkpoint& file() const { return *checkpoint_; }
  const TensorInfo& tensor() const { return checkpoint_->tensors()[0]; }

  std::vector<std::uint32_t> read(const Slice& slice) const {
    std::vector<std::uint32_t> numbers;
    const auto status = read_slice(file(), tensor(), slice, [&](std::span<const std::byte> run) {
      EXPECT_LE(run.size(), std::size_t{256} << 10);
      EXPECT_FALSE(run.empty());
      EXPECT_EQ(run.size() % 4, 0u);
      for (std::size_t i = 0; i < run.size() / 4; ++i) numbers.push_back(load<std::uint32_t>(run, i));
      return true;
    });
    EXPECT_TRUE(status) << status.error().message;
    return numbers;
  }

 private:
  Bytes file_;
  std::optional<Checkpoint> checkpoint_;
};

// What the slice means, element by element.
std::vector<std::uint32_t> by_definition(const Slice& slice, const Dims& dims) {
  std::vector<std::uint64_t> offsets{0};
  for (std::size_t i = 0; i < dims.size(); ++i) {
    std::vector<std::uint64_t> next;
    for (const std::uint64_t offset : offsets)
      for (std::int64_t k = 0; k < slice.axes[i].count; ++k)
        next.push_back(offset * static_cast<std::uint64_t>(dims[i]) +
                       static_cast<std::uint64_t>(slice.axes[i].start + k * slice.axes[i].step));
    offsets = std::move(next);
  }
  return {offsets.begin(), offsets.end()};
}

std::uint64_t checksum(const std::vector<std::uint32_t>& numbers) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) sum += (i + 1) * std::uint64_t{numbers[i]};
  return sum;
}

// Made by NumPy from np.arange(...).reshape(dims): the shape of a[text], and the sum of k times its k-th element.
struct NumpyCase {
  Dims dims;
  const char* text;
  Dims result;
  std::uint64_t checksum;
};

const NumpyCase kNumpyCases[] = {
    {{4, 3, 2, 5}, "-3", {3, 2, 5}, 22940u},
    {{7}, "...", {7}, 112u},
    {{1}, "...", {1}, 0u},
    {{3, 4}, "-99999999999999999999::-2", {0, 4}, 0u},
    {{2, 0}, "2:99999999999999999999", {0, 0}, 0u},
    {{2, 3, 4}, ":3:-3, 0, -99999999999999999999:2:-3", {0, 0}, 0u},
    {{0, 3}, "-3:-99999999999999999999:1", {0, 3}, 0u},
    {{2, 3, 4}, ":-99999999999999999999:2", {0, 3, 4}, 0u},
    {{2, 0}, "::-2", {1, 0}, 0u},
    {{0, 3}, "0:1, ..., 99999999999999999999::-100", {0, 1}, 0u},
    {{7}, "...", {7}, 112u},
    {{3, 4}, "-99999999999999999999:99999999999999999999:-3,...,:0:3", {0, 0}, 0u},
    {{3, 4}, ":6, 4::-2, ...", {3, 2}, 155u},
    {{5, 1, 6}, "-99999999999999999999:99999999999999999999:1", {5, 1, 6}, 8990u},
    {{0, 3}, "2::-2, ...", {0, 3}, 0u},
    {{5, 1, 6}, "99999999999999999999:99999999999999999999:,:,5:", {0, 1, 1}, 0u},
    {{3, 4}, "-99999999999999999999:1:-100,-4", {0}, 0u},
    {{2, 0}, ":-1:-3, :-3", {0, 0}, 0u},
    {{2, 0}, "", {2, 0}, 0u},
    {{3, 4}, "...,0,:-99999999999999999999:100", {0}, 0u},
    {{2, 0}, "...", {2, 0}, 0u},
    {{1}, "-3::100", {1}, 0u},
    {{2, 0}, "", {2, 0}, 0u},
    {{5, 1, 6}, "..., 99999999999999999999::3, :-2:-1, 99999999999999999999:99999999999999999999:-100", {0, 1, 0}, 0u},
    {{4, 3, 2, 5}, "1,1,...,-8:-99999999999999999999", {2, 0}, 0u},
    {{5, 1, 6}, "...", {5, 1, 6}, 8990u},
    {{3, 4}, "-2:-99999999999999999999:-3", {1, 4}, 60u},
    {{1}, "-99999999999999999999:-1", {0}, 0u},
    {{7}, ":99999999999999999999:-1", {0}, 0u},
    {{2, 3, 4}, "...", {2, 3, 4}, 4600u},
    {{2, 0}, "...", {2, 0}, 0u},
    {{2, 0}, ":5:-100, 0::2", {0, 0}, 0u},
    {{2, 3, 4}, "...,99999999999999999999::1,-2:-6,:-7:2", {0, 0, 0}, 0u},
    {{4, 3, 2, 5}, "-99999999999999999999::-1, 1, ..., -5", {0, 2}, 0u},
    {{2, 3, 4}, "..., -99999999999999999999:-1", {2, 3, 3}, 2523u},
    {{3, 4}, "-99999999999999999999:99999999999999999999", {3, 4}, 572u},
    {{2, 0}, "-99999999999999999999::1,-3:-99999999999999999999:1", {2, 0}, 0u},
    {{0, 3}, "..., :", {0, 3}, 0u},
    {{5, 1, 6}, "::-2", {3, 1, 6}, 1668u},
    {{3, 4}, "-6:-6,...", {0, 4}, 0u},
    {{5, 1, 6}, "-99999999999999999999:, 0, ..., 2", {5}, 270u},
    {{2, 3, 4}, "-2,...,1,1", {}, 5u},
    {{2, 0}, "2::100", {0, 0}, 0u},
    {{4, 3, 2, 5}, "7::-1,...,:,-3", {4, 3, 2}, 12800u},
    {{2, 3, 4}, "0, 99999999999999999999:-99999999999999999999:-1, 2", {3}, 28u},
    {{3, 4}, ":1:3,-3:3:", {1, 2}, 5u},
    {{3, 4}, "..., -99999999999999999999:-3, ::-1", {0, 4}, 0u},
    {{5, 1, 6}, "-5, 2:-1:1, ...", {0, 6}, 0u},
    {{2, 3, 4}, "-2:1:, :5, ...", {1, 3, 4}, 572u},
    {{7}, "", {7}, 112u},
    {{5, 1, 6}, "...", {5, 1, 6}, 8990u},
    {{2, 3, 4}, ":-99999999999999999999", {0, 3, 4}, 0u},
    {{}, "...", {}, 0u},
    {{2, 0}, "0", {0}, 0u},
    {{0, 3}, "..., 99999999999999999999::, -2", {0}, 0u},
    {{4, 3, 2, 5}, "4::3", {0, 3, 2, 5}, 0u},
    {{5, 1, 6}, "-1:-1:100,3:-2:1,:-4:-3", {0, 0, 1}, 0u},
    {{2, 0}, "1::3, -99999999999999999999:-2:3", {1, 0}, 0u},
    {{7}, "...,4", {}, 4u},
    {{4, 3, 2, 5}, "1,99999999999999999999:99999999999999999999,...", {0, 2, 5}, 0u},
    {{7}, "...", {7}, 112u},
    {{2, 3, 4}, "1, 2, :2", {2}, 62u},
    {{4, 3, 2, 5}, "-4::-100,...,::,:1:-2,-5:0:3", {1, 3, 0, 0}, 0u},
    {{0, 3}, "...", {0, 3}, 0u},
    {{2, 3, 4}, "-99999999999999999999::1", {2, 3, 4}, 4600u},
    {{7}, "0", {}, 0u},
    {{7}, "...,6", {}, 6u},
    {{1}, "0", {}, 0u},
    {{1}, "-4:, ...", {1}, 0u},
    {{4, 3, 2, 5}, "-4", {3, 2, 5}, 8990u},
    {{2, 0}, "..., ::", {2, 0}, 0u},
    {{}, "", {}, 0u},
    {{2, 3, 4}, "0, 5:-6", {0, 4}, 0u},
    {{3, 4}, "...", {3, 4}, 572u},
    {{1}, "0", {}, 0u},
    {{3, 4}, "..., 0, :", {4}, 20u},
    {{3, 4}, "0,6::-100", {1}, 3u},
    {{}, "...", {}, 0u},
    {{0, 3}, "2:-2:-3, :3:100", {0, 1}, 0u},
    {{3, 4}, "-1", {4}, 100u},
    {{2, 0}, "...", {2, 0}, 0u},
    {{0, 3}, "99999999999999999999:-2:3", {0, 3}, 0u},
    {{4, 3, 2, 5}, "3, -1, -2::3, ..., 4::-3", {1, 2}, 336u},
    {{2, 0}, "-99999999999999999999:99999999999999999999,::2", {2, 0}, 0u},
    {{2, 3, 4}, "4::,:-99999999999999999999:1", {0, 0, 4}, 0u},
    {{7}, "-3:-99999999999999999999:-3", {2}, 6u},
    {{3, 4}, "...", {3, 4}, 572u},
    {{0, 3}, "...", {0, 3}, 0u},
    {{2, 0}, "99999999999999999999:", {0, 0}, 0u},
    {{5, 1, 6}, "-1,-1,:99999999999999999999", {6}, 574u},
    {{0, 3}, "...", {0, 3}, 0u},
    {{5, 1, 6}, "...", {5, 1, 6}, 8990u},
    {{2, 3, 4},
     "99999999999999999999:-99999999999999999999:3, :, 99999999999999999999:99999999999999999999",
     {0, 3, 0},
     0u},
    {{0, 3}, "::-1, ::2", {0, 2}, 0u},
    {{3, 4}, "...,2,99999999999999999999:-99999999999999999999", {0}, 0u},
    {{2, 0}, "::-1, 2::-2, ...", {2, 0}, 0u},
    {{4, 3, 2, 5}, "0,-6:-99999999999999999999:3", {0, 2, 5}, 0u},
    {{2, 3, 4}, "::2", {1, 3, 4}, 572u},
    {{4, 3, 2, 5}, "-1,...,::-100,5:1,5:-2:-100", {1, 0, 1}, 0u},
    {{7}, "99999999999999999999:-5:3", {0}, 0u},
    {{3, 4}, ":99999999999999999999", {3, 4}, 572u},
    {{4, 3, 2, 5}, "...,-4", {4, 3, 2}, 23300u},
    {{}, "...", {}, 0u},
    {{5, 1, 6}, "1, 0:-4:, -3", {0}, 0u},
    {{1}, "-1", {}, 0u},
    {{5, 1, 6}, "5:-99999999999999999999,::-100,5", {0, 1}, 0u},
    {{2, 0}, ":-99999999999999999999:100,...", {0, 0}, 0u},
    {{3, 4}, "5:4:", {0, 4}, 0u},
    {{4, 3, 2, 5},
     ":-1:2, ..., 99999999999999999999:99999999999999999999:-2, 99999999999999999999:1, -4:99999999999999999999:3",
     {2, 0, 0, 2},
     0u},
    {{3, 4}, "4:1:-1, ...", {1, 4}, 100u},
};

TEST(ParseSlice, as_numpy_does) {
  for (const NumpyCase& c : kNumpyCases) {
    SCOPED_TRACE(testing::PrintToString(c.dims) + " [" + c.text + "]");
    const auto slice = parse_slice(c.text, c.dims);
    ASSERT_TRUE(slice) << slice.error().message;
    EXPECT_EQ(slice->dims(), c.result);
    const auto numbers = Counting(c.dims).read(*slice);
    EXPECT_EQ(numbers.size(), slice->element_count());
    EXPECT_EQ(checksum(numbers), c.checksum);
  }
}

std::string message_of(std::string_view text, const Dims& dims) {
  const auto slice = parse_slice(text, dims);
  if (slice) return "";
  EXPECT_EQ(slice.error().code, Errc::usage);
  return slice.error().message;
}

TEST(ParseSlice, everything) {
  const Dims dims{2, 3};
  for (const char* text : {"", " ", ":", ":,:", "...", "...,:", "0:2, 0:3", ":,"}) {
    const auto slice = parse_slice(text, dims);
    ASSERT_TRUE(slice) << text;
    EXPECT_EQ(slice->dims(), dims) << text;
    EXPECT_EQ(slice->element_count(), 6u) << text;
  }
  EXPECT_EQ(parse_slice("", {})->element_count(), 1u);
}

TEST(ParseSlice, what_numpy_refuses_is_refused) {
  EXPECT_EQ(message_of("2", {2, 3}), "index 2 is out of range for axis 0 of 2");
  EXPECT_EQ(message_of("0,-4", {2, 3}), "index -4 is out of range for axis 1 of 3");
  EXPECT_EQ(message_of("0", {0}), "index 0 is out of range for axis 0 of 0");
  EXPECT_EQ(message_of("99999999999999999999", {2}), "index 99999999999999999999 is out of range for axis 0 of 2");
  EXPECT_EQ(message_of("0,0,0", {2, 3}), "too many indices: 3 for 2 axes");
  EXPECT_EQ(message_of("0", {}), "too many indices: 1 for 0 axes");
  EXPECT_EQ(message_of("...,...", {2, 3}), "only one ellipsis is possible: \"...,...\"");
  EXPECT_EQ(message_of("::0", {2}), "a slice cannot have step 0: \"::0\"");
  EXPECT_EQ(message_of("1:2:3:4", {2}), "a slice has at most two colons: \"1:2:3:4\"");
  EXPECT_EQ(message_of("None", {2}), "new axes cannot be made here: \"None\"");
  for (const char* text : {"a", "1.0", "0x1", "1 2", ",", "0,,0", "--1", "+", "-", "1:b", "[0]"})
    EXPECT_NE(message_of(text, {2, 3}), "") << text;
}

TEST(ParseSlice, the_largest_dims_do_not_overflow) {
  constexpr std::int64_t kMost = 9223372036854775807;
  const Dims dims{kMost};
  const auto backwards = parse_slice("::-1", dims);
  ASSERT_TRUE(backwards);
  EXPECT_EQ(backwards->axes[0].start, kMost - 1);
  EXPECT_EQ(backwards->axes[0].count, kMost);
  EXPECT_EQ(parse_slice("::-9223372036854775808", dims)->axes[0].count, 1);
  EXPECT_EQ(parse_slice("::9223372036854775807", dims)->axes[0].count, 1);
  EXPECT_EQ(parse_slice("-9223372036854775808:", dims)->axes[0].count, kMost);
  EXPECT_EQ(parse_slice("-1", dims)->axes[0].start, kMost - 1);
  EXPECT_EQ(whole(Dims{kMost, kMost}).element_count(), ~std::uint64_t{0});
  EXPECT_EQ(whole(Dims{kMost, kMost, 0}).element_count(), 0u);
  EXPECT_EQ(parse_slice("0", Dims{-1}).error().code, Errc::mismatch);
}

// Large enough for every way of reading: long runs, blocks, windows ahead and back.
TEST(ReadSlice, is_what_it_means) {
  const Dims shapes[] = {{300000}, {1000, 400}, {70, 80, 90}, {3, 70000, 2}, {400, 2, 3, 200}, {2, 100, 2000}};
  std::mt19937 random(1);
  for (const Dims& dims : shapes) {
    const Counting counting(dims);
    for (int round = 0; round < 40; ++round) {
      std::string text;
      for (std::size_t i = 0; i < dims.size(); ++i) {
        const auto number = [&](std::int64_t below) { return std::to_string(random() % static_cast<unsigned>(below)); };
        const std::string terms[] = {":",
                                     number(dims[i]),
                                     number(dims[i]) + ":",
                                     "::-1",
                                     "::-" + number(9) + "1",
                                     number(dims[i]) + "::" + number(dims[i]) + "1",
                                     ":" + number(dims[i]),
                                     "::" + std::to_string(1 + random() % 4)};
        text += (i == 0 ? "" : ",") + terms[random() % 8];
      }
      SCOPED_TRACE(testing::PrintToString(dims) + " [" + text + "]");
      const auto slice = parse_slice(text, dims);
      ASSERT_TRUE(slice) << slice.error().message;
      ASSERT_TRUE(counting.read(*slice) == by_definition(*slice, dims));
    }
  }
}

TEST(ReadSlice, stops_when_told) {
  const Counting counting({300000});
  for (const char* text : {":", "::2"}) {
    int runs = 0;
    EXPECT_TRUE(read_slice(counting.file(), counting.tensor(), *parse_slice(text, counting.tensor().dims),
                           [&](std::span<const std::byte>) { return ++runs < 2; }));
    EXPECT_EQ(runs, 2) << text;
  }
}

TEST(ReadSlice, joins_slices_and_converts) {
  const Bytes file = record("b", {2, 2}, "BFloat16", values<float>({1, 2, 3, 4})) +
                     record("s", {3}, "Float32", values<float>({1, 2}).substr(0, 6)) +
                     record("s", {3}, "Float32", values<float>({1, 2, 3}).substr(6));
  const auto checkpoint = Checkpoint::from_bytes(bytes_of(file));
  ASSERT_TRUE(checkpoint);
  const auto read = [&](const char* name, const char* text) {
    const TensorInfo* tensor = checkpoint->find(name);
    Bytes bytes;
    const auto status = read_slice(*checkpoint, *tensor, *parse_slice(text, tensor->dims), [&](auto run) {
      bytes += test::to_bytes(run);
      return true;
    });
    EXPECT_TRUE(status) << status.error().message;
    return bytes;
  };
  EXPECT_EQ(read("b", ":,1"), test::from_hex("0040 8040"));
  EXPECT_EQ(read("s", "::-1"), values<float>({3, 2, 1}));
  EXPECT_EQ(read("s", "1"), values<float>({2}));
}

TEST(ReadSlice, refuses_what_it_cannot_mean) {
  const Bytes file = record("short", {4}, "Float32", values<float>({1, 2})) +
                     record("good", {4}, "Float32", values<float>({1, 2, 3, 4})) +
                     record("str", {0}, "str", test::utf32(U"abc"));
  const auto checkpoint = Checkpoint::from_bytes(bytes_of(file));
  ASSERT_TRUE(checkpoint);
  const auto code = [&](const char* name, const Slice& slice) {
    const auto status = read_slice(*checkpoint, *checkpoint->find(name), slice, [](auto) { return true; });
    return status ? "read" : std::string(ckpt::name(status.error().code));
  };
  EXPECT_EQ(code("short", whole(Dims{4})), "mismatch");
  EXPECT_EQ(code("str", whole(Dims{0})), "mismatch");
  EXPECT_EQ(code("good", whole(Dims{4})), "read");
  EXPECT_EQ(code("good", whole(Dims{5})), "usage");
  EXPECT_EQ(code("good", whole(Dims{2, 2})), "usage");
  EXPECT_EQ(code("good", {{{.start = -1, .count = 2}}}), "usage");
  EXPECT_EQ(code("good", {{{.start = 1, .count = 3, .step = -1}}}), "usage");
  EXPECT_EQ(code("good", {{{.start = 2, .count = 3, .step = -1}}}), "read");
  EXPECT_EQ(code("good", {{{.start = 0, .count = 2, .step = INT64_MIN}}}), "usage");
  EXPECT_EQ(code("good", {{{.start = 0, .count = INT64_MAX, .step = INT64_MAX}}}), "usage");
}

class ParseTensor : public testing::Test {
 protected:
  ParseTensor() {
    for (const char* name : {"conv1.weight", "a[0]", "a", "we\"ird[1]", "back\\slash", "fc.bias", "tab\there", "\xff"})
      file_ += Bytes(record(name, {1}, "Int8", "x"));
    auto checkpoint = Checkpoint::from_bytes(bytes_of(file_));
    EXPECT_TRUE(checkpoint);
    checkpoint_.emplace(std::move(*checkpoint));
  }

  // "name|slice", or the message.
  std::string parse(std::string_view text) const {
    const auto address = parse_tensor(text, *checkpoint_);
    if (address) return address->name + '|' + address->slice;
    EXPECT_EQ(address.error().code, Errc::usage);
    return address.error().message;
  }

 private:
  Bytes file_;
  std::optional<Checkpoint> checkpoint_;
};

TEST_F(ParseTensor, name_and_slice) {
  EXPECT_EQ(parse("conv1.weight"), "conv1.weight|");
  EXPECT_EQ(parse("conv1.weight[0,:,3]"), "conv1.weight|0,:,3");
  EXPECT_EQ(parse("conv1.weight[]"), "conv1.weight|");
}

TEST_F(ParseTensor, an_exact_name_wins_then_the_last_bracket) {
  EXPECT_EQ(parse("a[0]"), "a[0]|");
  EXPECT_EQ(parse("a[1]"), "a|1");
  EXPECT_EQ(parse("a[0][1]"), "a[0]|1");
}

TEST_F(ParseTensor, quoted_names_are_what_is_shown) {
  EXPECT_EQ(parse("\"a\"[0]"), "a|0");
  EXPECT_EQ(parse("\"a[0]\""), "a[0]|");
  EXPECT_EQ(parse("\"we\\\"ird[1]\"[:2]"), "we\"ird[1]|:2");
  EXPECT_EQ(parse("\"back\\\\slash\""), "back\\slash|");
  EXPECT_EQ(parse("\"tab\\there\""), "tab\there|");
  EXPECT_EQ(parse("\"\\xff\"[1:]"), "\xff|1:");
  EXPECT_EQ(parse("\"\\q\""), "not a quoted name: \"\\\"\\\\q\\\"\"");
  EXPECT_EQ(parse("\"a\\\""), "not a quoted name: \"\\\"a\\\\\\\"\"");
  EXPECT_EQ(parse("\"a"), "not a quoted name: \"\\\"a\"");
  EXPECT_EQ(parse("\"a\"0"), "behind a quoted name only a slice in brackets can follow: \"\\\"a\\\"0\"");
  EXPECT_EQ(parse("\"a\"["), "behind a quoted name only a slice in brackets can follow: \"\\\"a\\\"[\"");
}

TEST_F(ParseTensor, suggests_the_nearest) {
  EXPECT_EQ(parse("conv.weight"), "no tensor is called \"conv.weight\"; did you mean \"conv1.weight\"?");
  EXPECT_EQ(parse("conv1.wieght[0]"), "no tensor is called \"conv1.wieght\"; did you mean \"conv1.weight\"?");
  EXPECT_EQ(parse("fc.bais"), "no tensor is called \"fc.bais\"; did you mean \"fc.bias\"?");
  EXPECT_EQ(parse("\"fc.bia\"[0]"), "no tensor is called \"fc.bia\"; did you mean \"fc.bias\"?");
  EXPECT_EQ(parse("something.else"), "no tensor is called \"something.else\"");
  EXPECT_EQ(parse(std::string(5000, 'x')).size(), std::string("no tensor is called \"\"").size() + 5000);
}

TEST(SplitUri, at_the_first_hash_behind_an_existing_file) {
  const test::TempDir directory;
  std::filesystem::create_directory(directory / "b");
  const std::string plain = directory / "a.ckpt";
  const std::string hashed = directory / "b#c.ckpt";
  std::ofstream(plain) << "x";
  std::ofstream(hashed) << "x";
  const auto split = [](const std::string& text) {
    const auto uri = split_uri(text);
    return uri ? uri->file + '|' + uri->tensor : "none";
  };
  EXPECT_EQ(split(plain + "#w[0]"), plain + "|w[0]");
  EXPECT_EQ(split(plain + "#w#x"), plain + "|w#x");
  EXPECT_EQ(split(hashed + "#w"), hashed + "|w");
  EXPECT_EQ(split(plain), "none");
  EXPECT_EQ(split(plain + ".missing#w"), "none");
  EXPECT_EQ(split(std::string(directory / "b") + "#w"), "none");
  EXPECT_EQ(split("#"), "none");
}

}  // namespace
}  // namespace ckpt

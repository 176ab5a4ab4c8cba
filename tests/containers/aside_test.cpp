#include "aside.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "file_bytes.h"
#include "foreign_files.h"
#include "temp_dir.h"

namespace ckpt::containers {
namespace {

Aside::Decode filling(char c, std::atomic<int>& calls) {
  return [c, &calls](const Aside::Region& region) -> Status {
    ++calls;
    const std::vector<std::byte> bytes(region.size(), static_cast<std::byte>(c));
    return region.write(0, bytes);
  };
}

std::string text_at(const Aside& aside, std::uint64_t offset, std::size_t size) {
  std::string text(size, '?');
  const auto status = aside.read_at(offset, std::as_writable_bytes(std::span(text)));
  return status ? text : test::sentence(status.error());
}

// Small ones in memory, large ones in a file: the same to whoever reads.
TEST(Aside, EachRegionIsMadeOnceWhenItIsRead) {
  for (const std::uint64_t size : {4U, 1U << 20}) {
    Aside aside(std::uint64_t{1} << 30);
    std::atomic<int> a = 0;
    std::atomic<int> none = 0;
    std::atomic<int> b = 0;
    ASSERT_EQ(aside.add(size, filling('a', a)).value(), 0U);
    ASSERT_EQ(aside.add(0, filling('n', none)).value(), size);
    ASSERT_EQ(aside.add(size, filling('b', b)).value(), size);
    EXPECT_EQ(aside.size(), 2 * size);
    EXPECT_EQ(text_at(aside, size, 2), "bb");
    EXPECT_EQ(a, 0);
    EXPECT_EQ(text_at(aside, size - 1, 2), "ab");
    EXPECT_EQ(text_at(aside, 0, 2), "aa");
    EXPECT_EQ(a, 1);
    EXPECT_EQ(b, 1);
    EXPECT_EQ(text_at(aside, 2 * size, 0), "");
    EXPECT_EQ(text_at(aside, 2 * size, 1).substr(0, 9), "truncated");
  }
}

TEST(Aside, FromManyThreads) {
  Aside aside(std::uint64_t{1} << 30);
  std::atomic<int> calls = 0;
  constexpr std::size_t kRegions = 64;
  constexpr std::size_t kSize = 100'000;
  for (std::size_t i = 0; i < kRegions; ++i) ASSERT_TRUE(aside.add(kSize, filling(static_cast<char>('0' + i), calls)));
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < kRegions; ++i) {
        const std::size_t region = (i * (2 * t + 1)) % kRegions;
        if (text_at(aside, region * kSize + 7, 3) != std::string(3, static_cast<char>('0' + region))) ++wrong;
      }
    });
  threads.clear();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(calls, static_cast<int>(kRegions));
}

TEST(Aside, FailuresStay) {
  Aside aside(100);
  std::atomic<int> calls = 0;
  ASSERT_TRUE(aside.add(10, [&](const Aside::Region& region) -> Status {
    ++calls;
    return region.write(8, std::array<std::byte, 3>{});
  }));
  ASSERT_TRUE(aside.add(91, filling('x', calls)));
  EXPECT_EQ(text_at(aside, 0, 1), "mismatch: more bytes than its dims and type ask for");
  EXPECT_EQ(text_at(aside, 0, 1), "mismatch: more bytes than its dims and type ask for");
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(text_at(aside, 50, 1), "limit: needs 91 bytes decoded, where 90 of 100 are left");
  EXPECT_EQ(calls, 1);
}

TEST(Aside, OffsetsStayWithin63Bits) {
  Aside aside(100);
  ASSERT_TRUE(aside.add((std::uint64_t{1} << 63) - 1, {}));
  EXPECT_FALSE(aside.add(1, {}));
}

TEST(TempStore, LeavesNoNameAndReadsHolesAsZeros) {
  const test::TempDir folder;
  ASSERT_EQ(::setenv("TMPDIR", folder.path().c_str(), 1), 0);
  auto store = TempStore::create();
  ::unsetenv("TMPDIR");
  ASSERT_TRUE(store);
  EXPECT_TRUE(test::names_in(folder.path()).empty());
  const std::array<std::byte, 2> bytes{std::byte{7}, std::byte{8}};
  ASSERT_TRUE(store->write_at(5'000'000'000, bytes));
  std::array<std::byte, 3> out{};
  ASSERT_TRUE(store->read_at(4'999'999'999, out));
  EXPECT_EQ(out, (std::array<std::byte, 3>{std::byte{0}, std::byte{7}, std::byte{8}}));
  out.fill(std::byte{9});
  ASSERT_TRUE(store->read_at(6'000'000'000, out));
  EXPECT_EQ(out, (std::array<std::byte, 3>{}));
}

TEST(TempStore, SaysThatThereIsNoFolder) {
  ASSERT_EQ(::setenv("TMPDIR", "/nonexistent", 1), 0);
  const auto store = TempStore::create();
  ::unsetenv("TMPDIR");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Errc::io);
}

TEST(AdoptFile, ClosesWhatIsNoFile) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const auto source = adopt_file(ends[0]);
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().message, "is a pipe; this needs a file");
  EXPECT_EQ(::fcntl(ends[0], F_GETFD), -1);
  EXPECT_EQ(errno, EBADF);
  ::close(ends[1]);
}

}  // namespace
}  // namespace ckpt::containers

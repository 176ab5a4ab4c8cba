// One Checkpoint, many threads: what the documentation promises, for ThreadSanitizer to watch.
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "ckpt/checkpoint.h"
#include "temp_dir.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::record;

TEST(Threads, ManyReadersOfOneCheckpoint) {
  const test::TempDir dir;
  const auto path = dir / "many.ckpt";
  std::vector<std::string> contents;
  {
    std::ofstream out(path, std::ios::binary);
    for (int i = 0; i < 200; ++i) {
      contents.emplace_back(static_cast<std::size_t>(i * 997 % 60'000 + 1), static_cast<char>('a' + i % 26));
      const auto size = static_cast<std::int64_t>(contents.back().size());
      out << Bytes(record("t" + std::to_string(i), {size}, "Int8", contents.back()));
    }
  }
  const auto file = Checkpoint::open(path);
  ASSERT_TRUE(file);

  std::atomic<int> wrong{0};
  const auto reader = [&](std::size_t seed) {
    for (std::size_t round = 0; round < 100; ++round) {
      const std::size_t i = (seed * 31 + round * 7) % contents.size();
      const TensorInfo* tensor = file->find("t" + std::to_string(i));
      std::string out(contents[i].size(), '?');
      if (tensor == nullptr || !file->read(*tensor, 0, std::as_writable_bytes(std::span(out))) || out != contents[i])
        ++wrong;
    }
    std::vector<std::string> all;
    std::vector<ReadRequest> requests;
    all.reserve(contents.size());
    for (const TensorInfo& tensor : file->tensors()) {
      all.emplace_back(static_cast<std::size_t>(tensor.byte_size), '?');
      requests.push_back({&tensor, std::as_writable_bytes(std::span(all.back()))});
    }
    if (!file->read_many(requests, {.threads = 3}) || all != contents) ++wrong;
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t seed = 0; seed < 8; ++seed) threads.emplace_back(reader, seed);
  }
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace ckpt

#include "threads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace ckpt::train {
namespace {

// Inside a loop of threads OpenMP gives a second one a single thread, whatever is asked for.
TEST(ThreadsTest, AllSharesAreDoneByFewerThreadsThanAskedFor) {
  const Threads threads(2);
  std::vector<std::vector<int>> done(2, std::vector<int>(1000));
  parallel(2, 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i)
      parallel(1000, 1, [&](std::size_t from, std::size_t to) {
        for (std::size_t k = from; k < to; ++k) ++done[i][k];
      });
  });
  for (const auto& row : done) EXPECT_EQ(std::count(row.begin(), row.end(), 1), 1000);
}

}  // namespace
}  // namespace ckpt::train

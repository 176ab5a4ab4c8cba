#include "parallel.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace ckpt {

unsigned thread_count(unsigned asked) noexcept {
  return asked != 0 ? asked : std::max(1u, std::thread::hardware_concurrency());
}

void parallel_for(unsigned threads, std::size_t count, const std::function<bool(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> stop{false};
  const auto run = [&] {
    while (!stop.load(std::memory_order_relaxed)) {
      const std::size_t i = next.fetch_add(1, std::memory_order_relaxed);
      if (i >= count) return;
      if (!work(i)) stop.store(true, std::memory_order_relaxed);
    }
  };
  const std::size_t helpers = std::min<std::size_t>(thread_count(threads), count) - (count != 0);
  std::vector<std::jthread> pool;
  pool.reserve(helpers);
  for (std::size_t i = 0; i < helpers; ++i) {
    try {
      pool.emplace_back(run);
    } catch (const std::system_error&) {
      break;  // no more threads to be had: those there are do the work
    }
  }
  run();
}

}  // namespace ckpt

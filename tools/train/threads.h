#pragma once

#include <cstddef>
#include <type_traits>

/// Loops over the cores, by the threads that oneDNN runs on (libgomp), so that there is one pool and no core has two.
namespace ckpt::train {

/// How many threads loops and primitives have from here to the end of the scope, on the thread that made it. In all of
/// them denormal numbers count as zero: training makes them by the thousand, and they are slow.
class Threads {
 public:
  explicit Threads(int count);  ///< 0: one a core; no more than OMP_THREAD_LIMIT
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int count_before_;
  unsigned control_before_;
};

int thread_count() noexcept;

/// For the start of main(): threads that have nothing to do spin for some microseconds only and sleep then, unless
/// OMP_WAIT_POLICY or GOMP_SPINCOUNT says otherwise. libgomp's own count is a hundred times that, and where other
/// programs want the cores, too, it takes away the time of the thread that is waited for. libgomp asks its environment
/// before main() begins, so the program starts itself again; it goes on as it is where that cannot be.
void let_threads_sleep(char** argv) noexcept;

namespace detail {
/// Calls body(context, i) for each thread i of `count`.
void on_each_thread(int count, void (*body)(void* context, int thread), void* context);
}  // namespace detail

/// Calls f(begin, end) on each thread, for its share of 0 … count. Shares are cut the same way every time. Below
/// `least` items a thread fewer threads take part: waking one costs about as much as a thousand additions.
template <class F>
void parallel(std::size_t count, std::size_t least, F&& f) {
  const std::size_t most = static_cast<std::size_t>(thread_count());
  const std::size_t wanted = least == 0 ? most : count / least;
  const std::size_t threads = wanted < most ? wanted : most;
  if (threads <= 1) {
    f(std::size_t{0}, count);
    return;
  }
  struct Job {
    std::remove_reference_t<F>& f;
    std::size_t count, threads;
  } job{f, count, threads};
  detail::on_each_thread(
      static_cast<int>(threads),
      [](void* context, int thread) {
        const Job& mine = *static_cast<Job*>(context);
        const std::size_t i = static_cast<std::size_t>(thread);
        mine.f(mine.count * i / mine.threads, mine.count * (i + 1) / mine.threads);
      },
      &job);
}

}  // namespace ckpt::train

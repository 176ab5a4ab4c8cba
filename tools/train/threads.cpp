#include "threads.h"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

// libgomp's own interface, stable since GCC 4.9: what `#pragma omp parallel` compiles to. Named here because Clang's
// pragma would bring a second OpenMP library, with threads of its own.
extern "C" {
void GOMP_parallel(void (*body)(void*), void* context, unsigned threads, unsigned flags);
int omp_get_thread_num(void);
int omp_get_num_threads(void);
int omp_get_max_threads(void);
int omp_get_thread_limit(void);
int omp_get_num_procs(void);
void omp_set_dynamic(int);
void omp_set_num_threads(int);
}

namespace ckpt::train {
namespace {

constexpr const char* kSpins = "3000";  // as fast as more of them on cores of its own, and twice as fast on others

unsigned swap_control(unsigned value) noexcept {
#if defined(__SSE__)
  const unsigned before = _mm_getcsr();
  _mm_setcsr(value);
  return before;
#else
  return value;
#endif
}

unsigned flushing(unsigned control) noexcept {
  constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x40;
  return control | kFlushToZero | kDenormalsAreZero;
}

unsigned control() noexcept {
#if defined(__SSE__)
  return _mm_getcsr();
#else
  return 0;
#endif
}

}  // namespace

Threads::Threads(int count) : count_before_(omp_get_max_threads()), control_before_(control()) {
  omp_set_dynamic(0);  // oneDNN's kernels count on the threads that they were made for
  omp_set_num_threads(std::min(count > 0 ? count : omp_get_num_procs(), omp_get_thread_limit()));
  detail::on_each_thread(
      thread_count(), [](void*, int) { swap_control(flushing(control())); }, nullptr);
}

Threads::~Threads() {
  omp_set_num_threads(count_before_);
  swap_control(control_before_);
}

int thread_count() noexcept { return omp_get_max_threads(); }

void let_threads_sleep(char** argv) noexcept {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  char path[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path - 1);
  if (size <= 0 || ::setenv("GOMP_SPINCOUNT", kSpins, 1) != 0) return;
  path[size] = 0;
  ::execv(path, argv);
}

void detail::on_each_thread(int count, void (*body)(void*, int), void* context) {
  struct Call {
    void (*body)(void*, int);
    void* context;
    int count;
  } call{body, context, count};
  GOMP_parallel(
      [](void* pointer) {
        const Call& mine = *static_cast<Call*>(pointer);
        // OpenMP may give fewer threads than it was asked for.
        for (int i = omp_get_thread_num(); i < mine.count; i += omp_get_num_threads()) mine.body(mine.context, i);
      },
      &call, static_cast<unsigned>(count), 0);
}

}  // namespace ckpt::train

#pragma once

#include <cstddef>

/// How much memory operator new has given out. Linking heap_meter.cpp replaces operator new and delete.
namespace ckpt::test {

/// Since its construction: the largest number of bytes in use at once, above what was in use at that moment. One at a
/// time; all threads count.
class HeapMeter {
 public:
  HeapMeter() noexcept;
  std::size_t peak() const noexcept;

 private:
  std::size_t start_;
};

/// While it is there the n-th allocation from its construction on fails, once. One at a time; all threads count.
class FailingHeap {
 public:
  explicit FailingHeap(std::size_t n) noexcept;
  FailingHeap(const FailingHeap&) = delete;
  FailingHeap& operator=(const FailingHeap&) = delete;
  ~FailingHeap();
  bool has_failed() const noexcept;
};

}  // namespace ckpt::test

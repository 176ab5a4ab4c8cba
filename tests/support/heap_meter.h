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

}  // namespace ckpt::test

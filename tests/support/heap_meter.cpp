#include "heap_meter.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> in_use{0};
std::atomic<std::size_t> most{0};

std::atomic<std::size_t> until_failure{0};  // 0: none is to come
std::atomic<bool> failed{false};

bool is_to_fail() noexcept {
  std::size_t left = until_failure.load(std::memory_order_relaxed);
  while (left != 0 && !until_failure.compare_exchange_weak(left, left - 1, std::memory_order_relaxed)) {
  }
  if (left == 1) failed = true;
  return left == 1;
}

void* allocate(std::size_t size) noexcept { return is_to_fail() ? nullptr : std::malloc(size); }

void* count(void* memory) noexcept {
  if (memory == nullptr) return nullptr;
  const std::size_t size = malloc_usable_size(memory);
  const std::size_t now = in_use.fetch_add(size, std::memory_order_relaxed) + size;
  std::size_t peak = most.load(std::memory_order_relaxed);
  while (peak < now && !most.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
  return memory;
}

void give_back(void* memory) noexcept {
  if (memory == nullptr) return;
  in_use.fetch_sub(malloc_usable_size(memory), std::memory_order_relaxed);
  std::free(memory);
}

void* need(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void* aligned(std::size_t size, std::align_val_t alignment) noexcept {
  const auto unit = static_cast<std::size_t>(alignment);
  return is_to_fail() ? nullptr : count(std::aligned_alloc(unit, (size + unit - 1) / unit * unit));
}

}  // namespace

void* operator new(std::size_t size) { return need(count(allocate(size))); }
void* operator new[](std::size_t size) { return need(count(allocate(size))); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return count(allocate(size)); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return count(allocate(size)); }
void* operator new(std::size_t size, std::align_val_t alignment) { return need(aligned(size, alignment)); }
void* operator new[](std::size_t size, std::align_val_t alignment) { return need(aligned(size, alignment)); }
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete[](void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete[](void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { give_back(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { give_back(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { give_back(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { give_back(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { give_back(memory); }

namespace ckpt::test {

HeapMeter::HeapMeter() noexcept : start_(in_use.load()) { most.store(start_); }

FailingHeap::FailingHeap(std::size_t n) noexcept {
  failed = false;
  until_failure = n;
}

FailingHeap::~FailingHeap() { until_failure = 0; }

bool FailingHeap::has_failed() const noexcept { return failed; }

std::size_t HeapMeter::peak() const noexcept { return most.load() - start_; }

}  // namespace ckpt::test

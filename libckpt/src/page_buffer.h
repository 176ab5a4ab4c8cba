#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>

namespace ckpt {

/// Uninitialised memory that starts at a page: reads of a file at a multiple of the page size are fastest there
/// (file_source.cpp says why).
class PageBuffer {
 public:
  explicit PageBuffer(std::size_t size) : memory_(static_cast<std::byte*>(::operator new(size, kPage))), size_(size) {}

  std::span<std::byte> bytes() const noexcept { return {memory_.get(), size_}; }

 private:
  static constexpr std::align_val_t kPage{4096};
  struct Free {
    void operator()(std::byte* memory) const noexcept { ::operator delete(memory, kPage); }
  };

  std::unique_ptr<std::byte, Free> memory_;
  std::size_t size_;
};

}  // namespace ckpt

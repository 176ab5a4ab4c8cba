#include "pages.h"

#include <sys/mman.h>

#include <cerrno>
#include <string>

namespace ckpt::train {

Result<Pages> Pages::of(std::uint64_t size) {
  constexpr std::size_t kHuge = std::size_t{2} << 20;
  constexpr std::uint64_t kMost = std::uint64_t{1} << 46;
  const Error error{.code = Errc::limit, .message = "no memory for " + std::to_string(size) + " bytes"};
  if (size > kMost) return error;
  const std::size_t wanted = size == 0 ? 1 : static_cast<std::size_t>(size);
  const std::size_t mapped = wanted + kHuge;
  void* address = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) return error;
  auto* first = static_cast<std::byte*>(address);
  const std::size_t past = reinterpret_cast<std::uintptr_t>(first) % kHuge;
  std::byte* begin = first + (past == 0 ? 0 : kHuge - past);
  ::madvise(begin, wanted, MADV_HUGEPAGE);  // a wish: without it everything works, slower
  return Pages({first, mapped}, {begin, static_cast<std::size_t>(size)});
}

Pages::~Pages() {
  if (!mapped_.empty()) ::munmap(mapped_.data(), mapped_.size());
}

}  // namespace ckpt::train

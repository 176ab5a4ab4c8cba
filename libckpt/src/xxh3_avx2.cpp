// Compiled with -mavx2, so nothing may be included here that has functions for more than this file.
#include "xxh3_avx2.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace ckpt {

void xxh3_update_avx2(void* state, const void* bytes, std::size_t size) noexcept {
  XXH3_128bits_update(static_cast<XXH3_state_t*>(state), bytes, size);
}

}  // namespace ckpt

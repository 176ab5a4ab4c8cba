#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "fuzz_target.h"
#include "wire_mutator.h"

// What libFuzzer calls to change inputs that are a checkpoint behind `prefix` bytes of choices. Half of the time it is
// what it does by itself: it knows what the code compares bytes with.
#ifdef CKPT_FUZZ
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace ckpt::test {

inline void mutate_leaf(Bytes& leaf) {
  const std::size_t size = leaf.size();
  const std::size_t most = size + 32;
  leaf.resize(most);
  leaf.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(leaf.data()), size, most));
}

inline std::size_t mutate_input(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed,
                                std::size_t prefix) {
  Random random(seed);
  if (size < prefix || random.one_in(2)) return LLVMFuzzerMutate(data, size, max_size);
  const Bytes mutated = mutate_wire(text_of(data, size).substr(prefix), random, mutate_leaf);
  if (mutated.size() > max_size - prefix) return LLVMFuzzerMutate(data, size, max_size);
  std::copy(mutated.begin(), mutated.end(), reinterpret_cast<char*>(data) + prefix);
  return prefix + mutated.size();
}

inline std::size_t cross_inputs(std::string_view a, std::string_view b, std::uint8_t* out, std::size_t max_size,
                                unsigned seed, std::size_t prefix) {
  Random random(seed);
  if (a.size() < prefix || b.size() < prefix) return 0;
  const Bytes crossed = Bytes(a.substr(0, prefix)) + cross_wire(a.substr(prefix), b.substr(prefix), random);
  if (crossed.size() > max_size) return 0;
  std::copy(crossed.begin(), crossed.end(), reinterpret_cast<char*>(out));
  return crossed.size();
}

}  // namespace ckpt::test

#define CKPT_WIRE_HOOKS(prefix)                                                                                      \
  extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,         \
                                                 unsigned seed) {                                                    \
    return ckpt::test::mutate_input(data, size, max_size, seed, prefix);                                             \
  }                                                                                                                  \
  extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* a, std::size_t a_size, const std::uint8_t* b, \
                                                   std::size_t b_size, std::uint8_t* out, std::size_t max_size,      \
                                                   unsigned seed) {                                                  \
    return ckpt::test::cross_inputs(ckpt::test::text_of(a, a_size), ckpt::test::text_of(b, b_size), out, max_size,   \
                                    seed, prefix);                                                                   \
  }
#else
#define CKPT_WIRE_HOOKS(prefix)
#endif

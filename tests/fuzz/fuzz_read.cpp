// Any bytes as a plaintext checkpoint: file, pipe and libprotobuf must agree on what is in it.
#include "agreement.h"
#include "fuzz_target.h"
#include "wire_mutator.h"

namespace {

using namespace ckpt::test;

// The smallest limits that a stream's buffer can follow, and for some inputs much smaller ones.
ckpt::Limits limits_for(std::uint64_t seed) {
  if (seed % 8 == 0) return {.max_records = 6, .max_index_bytes = 2500, .max_name_bytes = 64, .max_dims = 4};
  return {.max_name_bytes = 4096};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view file = text_of(data, size);
  AgreementOptions options{.seed = seed_of(file)};
  options.open.limits = limits_for(options.seed / 64);
  expect_no(disagreement(file, options));
  return 0;
}

#ifdef CKPT_FUZZ
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

std::size_t give_back(const Bytes& mutated, std::uint8_t* data, std::size_t size, std::size_t max_size) {
  if (mutated.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::copy(mutated.begin(), mutated.end(), reinterpret_cast<char*>(data));
  return mutated.size();
}

void mutate_leaf(Bytes& leaf) {
  const std::size_t size = leaf.size();
  const std::size_t most = size + 32;
  leaf.resize(most);
  leaf.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(leaf.data()), size, most));
}

}  // namespace

// Half of the time what libFuzzer does by itself: it knows what the code compares bytes with.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  Random random(seed);
  if (random.one_in(2)) return LLVMFuzzerMutate(data, size, max_size);
  return give_back(mutate_wire(text_of(data, size), random, mutate_leaf), data, size, max_size);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* a, std::size_t a_size, const std::uint8_t* b,
                                                 std::size_t b_size, std::uint8_t* out, std::size_t max_size,
                                                 unsigned seed) {
  Random random(seed);
  const Bytes crossed = cross_wire(text_of(a, a_size), text_of(b, b_size), random);
  if (crossed.size() > max_size) return 0;
  std::copy(crossed.begin(), crossed.end(), reinterpret_cast<char*>(out));
  return crossed.size();
}
#endif

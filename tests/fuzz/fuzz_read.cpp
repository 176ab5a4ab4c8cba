// Any bytes as a plaintext checkpoint: file, pipe and libprotobuf must agree on what is in it.
#include "agreement.h"
#include "fuzz_target.h"
#include "wire_hooks.h"

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

CKPT_WIRE_HOOKS(0)

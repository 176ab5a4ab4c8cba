// Any bytes as a safetensors file: read to the end, and converted; or refused with a sentence.
#include "converted.h"
#include "exercise.h"
#include "fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = ckpt::test::text_of(data, size);
  ckpt::test::expect_no(ckpt::test::exercise(ckpt::FileFormat::safetensors, bytes));
  constexpr std::uint64_t kOneIn = 8;  // files take time
  if (ckpt::test::seed_of(bytes) % kOneIn != 0) return 0;
  ckpt::test::expect_no(ckpt::test::converted(ckpt::test::read_as(ckpt::FileFormat::safetensors, bytes)));
  return 0;
}

// Any bytes as NumPy's archive and NumPy's array: read to the end, or refused with a sentence.
#include "exercise.h"
#include "fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = ckpt::test::text_of(data, size);
  ckpt::test::expect_no(ckpt::test::exercise(ckpt::FileFormat::npz, bytes));
  ckpt::test::expect_no(ckpt::test::exercise(ckpt::FileFormat::npy, bytes));
  return 0;
}

// Finds a tensor by its name and reads it into an aligned buffer:  read_one FILE TENSOR
#include <ckpt/checkpoint.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

static int fail(const char* what, const char* why) {
  std::fprintf(stderr, "%s: %s\n", what, why);
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 3) return fail("usage", "read_one FILE TENSOR");

  const auto file = ckpt::Checkpoint::open(argv[1]);  // reads headers only
  if (!file) return fail(argv[1], to_string(file.error()).c_str());

  const ckpt::TensorInfo* tensor = file->find(argv[2]);
  if (!tensor) return fail(argv[2], "no tensor of that name");
  if (tensor->dtype != ckpt::DType::float32 || !tensor->fits()) return fail(argv[2], "not float32, or not of its size");

  // 64 bytes suit every vector unit; aligned_alloc takes multiples of them only.
  const std::size_t count = tensor->byte_size / sizeof(float);
  void* const memory = std::aligned_alloc(64, (tensor->byte_size + 63) / 64 * 64);
  if (!memory) return fail(argv[2], "no memory for it");
  const std::unique_ptr<float, decltype(&std::free)> values(static_cast<float*>(memory), &std::free);

  const auto read = file->read(*tensor, 0, std::as_writable_bytes(std::span(values.get(), count)));
  if (!read) return fail(argv[1], to_string(read.error()).c_str());

  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += values.get()[i];
  std::printf("%s: %zu values, their sum is %g\n", argv[2], count, sum);
}

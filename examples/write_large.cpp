// Writes a checkpoint with a tensor of 128 MiB, holding one row of it in memory:  write_large FILE
#include <ckpt/writer.h>

#include <array>
#include <cstdio>

namespace {

constexpr std::int64_t kRows = 131'072;
constexpr std::size_t kColumns = 256;

ckpt::Status write(const char* path) {
  auto writer = ckpt::Writer::create(path);
  if (!writer) return writer.error();

  std::array<float, kColumns> row;
  const ckpt::TensorDesc table = {
      .name = "embedding.embedding_table", .dtype = ckpt::DType::float32, .dims = {kRows, kColumns}};
  if (auto begun = writer->begin(table, kRows * sizeof(row)); !begun) return begun;
  for (std::int64_t r = 0; r < kRows; ++r) {
    for (std::size_t c = 0; c < kColumns; ++c) row[c] = static_cast<float>(r % 64) + static_cast<float>(c) / kColumns;
    if (auto appended = writer->append(std::as_bytes(std::span(row))); !appended) return appended;
  }

  row.fill(0.5F);
  const ckpt::TensorDesc bias = {.name = "head.bias", .dtype = ckpt::DType::float32, .dims = {kColumns}};
  if (auto added = writer->add(bias, std::as_bytes(std::span(row))); !added) return added;
  return writer->finish();  // only now the file appears, complete
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: write_large FILE\n", stderr), 2;
  if (const ckpt::Status written = write(argv[1]); !written)
    return std::fprintf(stderr, "%s: %s\n", argv[1], ckpt::to_string(written.error()).c_str()), 1;
}

#pragma once

#include <ckpt/checkpoint.h>
#include <ckpt/writer.h>

#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "temp_dir.h"

/// Checkpoints for the benchmarks: made when first asked for, gone at the end.
namespace ckpt::bench {

template <class T>
T need(Result<T> result) {
  if (!result) throw std::runtime_error(to_string(result.error()));
  return std::move(*result);
}

inline void need(const Status& status) {
  if (!status) throw std::runtime_error(to_string(status.error()));
}

/// `count` float32 tensors of `elements` finite values each, "layer7.weight".
inline void write_checkpoint(const std::filesystem::path& path, int count, std::size_t elements, WriteOptions options) {
  options.permissions = 0600;
  options.durable = false;
  std::vector<float> values(elements);
  for (std::size_t i = 0; i < elements; ++i) values[i] = static_cast<float>(i % 1999) / 1999 - 0.5F;
  Writer writer = need(Writer::create(path, options));
  for (int i = 0; i < count; ++i)
    need(writer.add({.name = "layer" + std::to_string(i) + ".weight",
                     .dtype = DType::float32,
                     .dims = {static_cast<std::int64_t>(elements)}},
                    std::as_bytes(std::span(values))));
  need(writer.finish());
}

class Files {
 public:
  std::filesystem::path large = {};  ///< 40 tensors of 3.2 MB, with a CRC trailer
  std::filesystem::path many = {};   ///< 20,000 tensors of 1 KiB

  Files() : large(directory_ / "large.ckpt"), many(directory_ / "many.ckpt") {
    write_checkpoint(large, 40, 800'000, {.crc = true});
    write_checkpoint(many, 20'000, 256, {});
  }
  const std::filesystem::path& directory() const noexcept { return directory_.path(); }

 private:
  test::TempDir directory_ = {};
};

/// The first argument of a benchmark says which: 0 = large, 1 = many.
inline const Files& files() {
  static const Files files;
  return files;
}
inline const std::filesystem::path& file(std::int64_t which) { return which == 0 ? files().large : files().many; }

}  // namespace ckpt::bench

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "ckpt/checkpoint.h"
#include "containers.h"
#include "wire_builder.h"

/// Reads bytes as a format from end to end, whatever they are: for damaged and random files. Decoding is kept small.
namespace ckpt::test {

inline Result<Checkpoint> read_as(FileFormat format, std::string_view bytes) {
  const containers::ForeignOptions options{.limits = {.max_records = 10'000, .max_index_bytes = std::uint64_t{4} << 20},
                                           .max_decoded_bytes = std::uint64_t{4} << 20};
  auto source = borrow_bytes(bytes_of(bytes));
  switch (format) {
    case FileFormat::safetensors:
      return containers::read_safetensors(std::move(source), options);
    case FileFormat::npy:
      return containers::read_npy(std::move(source), "array", options);
    case FileFormat::npz:
      return containers::read_npz(std::move(source), options);
    default:
      return containers::read_onnx(std::move(source), {}, options);
  }
}

/// What holds of every file that opens: each entry is found, its bytes are there (or an error says why not), and it is
/// the size that its dims and type ask for where it is a tensor of safetensors or NumPy. Returns what does not hold.
inline std::string exercise(FileFormat format, std::string_view bytes) {
  auto file = read_as(format, bytes);
  if (!file) return file.error().message.empty() ? "an error without a message" : "";
  std::array<std::byte, 4096> buffer;
  for (const TensorInfo& tensor : file->tensors()) {
    if (file->find(tensor.name) != &tensor) return "an entry that is not found";
    if (format != FileFormat::onnx && tensor.kind == Kind::tensor && !tensor.fits())
      return "an entry that does not fit";
    for (std::uint64_t at = 0; at < tensor.byte_size; at += buffer.size()) {
      const auto piece = std::span(buffer).first(
          static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), tensor.byte_size - at)));
      const auto status = file->read(tensor, at, piece);
      if (!status && status.error().message.empty()) return "an error without a message";
      if (!status) break;
    }
    for (const FileFormat to : {FileFormat::checkpoint, FileFormat::safetensors, FileFormat::npz})
      (void)containers::why_not(to, {&tensor, tensor.name});
  }
  return "";
}

}  // namespace ckpt::test

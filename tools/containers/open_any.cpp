#include <array>
#include <string>
#include <utility>

#include "containers.h"
#include "index_budget.h"

namespace ckpt::containers {

Result<Checkpoint> make_checkpoint(std::vector<SourcePtr> sources, std::vector<TensorInfo> tensors) {
  auto file = Checkpoint::from_index(std::move(sources), std::move(tensors));
  if (!file) return file;
  for (const TensorInfo& tensor : file->tensors())
    if (file->find(tensor.name) != &tensor)
      return Error{.code = Errc::malformed, .tensor = tensor.name, .message = "comes twice"};
  return file;
}

namespace {

/// What is taken for a damaged checkpoint only because nothing else is known. Of that the name decides, so that a wrong
/// length in front of a header is what is said.
bool could_be_anything(const Source& file, const Identity& identity) {
  constexpr std::byte kRecord{0x0A};
  std::array<std::byte, 1> first = {kRecord};
  return identity.format == FileFormat::checkpoint && !identity.encryption && file.size() > 0 &&
         file.read_at(0, first) && first[0] != kRecord;
}

}  // namespace

Result<AnyFile> open_any(const std::filesystem::path& path, const OpenOptions& options) {
  auto source = open_file(path);
  if (!source) return std::move(source).error();
  const auto identity = identify(**source);
  if (!identity) return identity.error();
  const ForeignOptions foreign{.limits = options.limits};
  const bool by_name = path.extension() == ".safetensors" && could_be_anything(**source, *identity);
  const FileFormat format = by_name ? FileFormat::safetensors : identity->format;
  auto file = [&]() -> Result<Checkpoint> {
    switch (format) {
      case FileFormat::safetensors:
        return read_safetensors(std::move(*source), foreign);
      case FileFormat::npy:
        return read_npy(std::move(*source), path.stem().string(), foreign);
      case FileFormat::npz:
        return read_npz(std::move(*source), foreign);
      case FileFormat::onnx:
        return read_onnx(std::move(*source), path, foreign);
      case FileFormat::checkpoint:
      case FileFormat::other:
        break;  // says what it is
    }
    return Checkpoint::from_source(std::move(*source), options);
  }();
  if (!file) return std::move(file).error();
  return AnyFile{format, std::move(*file)};
}

}  // namespace ckpt::containers

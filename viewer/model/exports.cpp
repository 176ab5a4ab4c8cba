#include "exports.h"

#include <QBuffer>
#include <QImage>
#include <algorithm>
#include <string>

#include "ckpt/element.h"
#include "ckpt/output_file.h"
#include "npy.h"

namespace ckpt::viewer {
namespace {

constexpr OutputFile::Options kReadable{.permissions = 0644};
constexpr std::int64_t kCellsAtOnce = 1 << 16;  // as text a megabyte

std::span<const std::byte> bytes_of_text(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

Status export_npy(const Checkpoint& file, const TensorInfo& tensor, const std::filesystem::path& path,
                  const Progress& progress) {
  const std::string_view descr = containers::npy_descr(tensor.dtype);
  if (descr.empty())
    return Error{.code = Errc::unsupported, .message = "NumPy has no " + std::string(name(tensor.dtype))};
  auto out = OutputFile::create(path, kReadable);
  if (!out) return std::move(out).error();
  if (auto status = out->append(bytes_of_text(containers::npy_header(descr, tensor.dims))); !status) return status;
  Status written;
  std::uint64_t done = 0;
  const auto read = read_slice(file, tensor, whole(tensor.dims), [&](std::span<const std::byte> run) {
    done += run.size();
    written = out->append(run);
    if (written && progress && !progress(done, tensor.byte_size)) written = Error{.code = Errc::cancelled};
    return written.has_value();
  });
  if (!read) return read;
  return written ? out->commit() : written;
}

Status export_csv(const Checkpoint& file, const TensorInfo& tensor, const Plane& plane,
                  const std::filesystem::path& path, const Progress& progress) {
  auto out = OutputFile::create(path, kReadable);
  if (!out) return std::move(out).error();
  const std::size_t size = size_of(tensor.dtype);
  // Some rows at a time or, of long ones, some columns.
  const std::int64_t across = std::min(plane.columns(), kCellsAtOnce);
  const std::int64_t down = std::max<std::int64_t>(1, kCellsAtOnce / std::max<std::int64_t>(1, across));
  const auto total = static_cast<std::uint64_t>(plane.rows()) * static_cast<std::uint64_t>(plane.columns());
  std::uint64_t done = 0;
  for (std::int64_t row = 0; row < plane.rows(); row += down)
    for (std::int64_t column = 0; column < plane.columns(); column += across) {
      const Window window{.row = row,
                          .column = column,
                          .rows = std::min(down, plane.rows() - row),
                          .columns = std::min(across, plane.columns() - column)};
      const auto bytes = read_window(file, tensor, plane, window);
      if (!bytes) return bytes.error();
      const std::size_t count = bytes->size() / size;
      std::string text;
      for (std::size_t i = 0; i < count; ++i) {
        text += element_text(tensor.dtype, std::span(*bytes).subspan(i * size, size));
        const auto next = column + static_cast<std::int64_t>(i) % window.columns + 1;
        text += next == plane.columns() ? '\n' : ',';
      }
      if (auto status = out->append(bytes_of_text(text)); !status) return status;
      done += count;
      if (progress && !progress(done, total)) return Error{.code = Errc::cancelled};
    }
  return out->commit();
}

Status export_png(const QImage& picture, const std::filesystem::path& path) {
  QByteArray bytes;
  QBuffer buffer(&bytes);
  buffer.open(QIODevice::WriteOnly);
  if (!picture.save(&buffer, "PNG")) return Error{.code = Errc::usage, .message = "there is no picture"};
  auto out = OutputFile::create(path, kReadable);
  if (!out) return std::move(out).error();
  const auto data = std::as_bytes(std::span(bytes.constData(), static_cast<std::size_t>(bytes.size())));
  if (auto status = out->append(data); !status) return status;
  return out->commit();
}

}  // namespace ckpt::viewer

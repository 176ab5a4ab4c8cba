#include "snippets.h"

#include <algorithm>

#include "ckpt/text.h"
#include "npy.h"
#include "shown.h"
#include "words.h"

namespace ckpt::viewer {
namespace {

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// In quotes; what is not printable ASCII as `escape` followed by digits.
std::string literal(std::string_view text, const char* digits, int base, int width) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += std::string("\\") + c;
    } else if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      const QString number =
          QString::number(static_cast<unsigned char>(c), base).rightJustified(width, QLatin1Char('0'));
      out += digits + number.toStdString();
    }
  }
  return out + "\"";
}

// Python: a str where that is the same, else bytes, which everything that takes a path or an argument takes, too.
std::string python_literal(std::string_view text) { return (is_plain(text) ? "" : "b") + literal(text, "\\x", 16, 2); }

// C++: octal escapes end after three digits, whatever follows.
std::string cpp_literal(std::string_view text) { return literal(text, "\\", 8, 3); }

std::string cpp_type(DType dtype) {
  switch (dtype) {
    case DType::int8:
      return "std::int8_t";
    case DType::int16:
      return "std::int16_t";
    case DType::int32:
      return "std::int32_t";
    case DType::int64:
      return "std::int64_t";
    case DType::uint8:
      return "std::uint8_t";
    case DType::uint16:
      return "std::uint16_t";
    case DType::uint32:
      return "std::uint32_t";
    case DType::uint64:
      return "std::uint64_t";
    case DType::float32:
      return "float";
    case DType::float64:
      return "double";
    case DType::complex64:
      return "std::complex<float>";
    case DType::complex128:
      return "std::complex<double>";
    default:
      return "std::byte";
  }
}

std::string shape_of_python(const TensorInfo& tensor) {
  std::string text;
  for (const std::int64_t dim : tensor.dims) text += (text.empty() ? "" : ", ") + std::to_string(dim);
  return text;
}

}  // namespace

QString uri_of(const std::filesystem::path& path, std::string_view name, const QString& slice) {
  const std::string shown = escape(name);
  const bool quote = shown != name || name.empty() || name.find('[') != name.npos;
  const QString tensor = quote ? QStringLiteral("\"%1\"").arg(to_q(shown)) : to_q(shown);
  const QString file = QString::fromStdString(to_utf8(path.native()));
  return file + QLatin1Char('#') + tensor + (slice.isEmpty() ? QString() : QLatin1Char('[') + slice + QLatin1Char(']'));
}

QString numpy_snippet(const std::filesystem::path& path, const Checkpoint& file, const TensorInfo& tensor) {
  const std::string_view descr = containers::npy_descr(tensor.dtype);
  const bool as_it_lies = !descr.empty() && tensor.extents.size() == 1 && tensor.extents[0].source == 0 &&
                          tensor.record_size > 0 && tensor.encoding == Encoding::raw && !file.encryption() &&
                          tensor.fits();
  if (as_it_lies)
    return to_q("np.fromfile(" + python_literal(path.native()) + ", \"" + std::string(descr) + "\", " +
                std::to_string(*tensor.element_count()) + ", offset=" + std::to_string(tensor.extents[0].offset) +
                ").reshape(" + (tensor.dims.empty() ? "()" : shape_of_python(tensor)) + ")");
  return to_q("np.load(io.BytesIO(subprocess.check_output([\"ckpt\", \"show\", \"--npy\", " +
              python_literal(path.native()) + ", " + python_literal("\"" + escape(tensor.name) + "\"") + "])))");
}

QString cpp_snippet(const std::filesystem::path& path, const TensorInfo& tensor) {
  const std::string type = cpp_type(tensor.dtype);
  const bool bytes = type == "std::byte";
  const std::uint64_t count = bytes ? tensor.byte_size : tensor.byte_size / size_of(tensor.dtype);
  const std::string out = bytes ? "values" : "std::as_writable_bytes(std::span(values))";
  return to_q("auto file = ckpt::Checkpoint::open(" + cpp_literal(path.native()) +
              ");\nif (!file) return file.error();\nconst ckpt::TensorInfo* tensor = file->find(" +
              cpp_literal(tensor.name) + ");\nstd::vector<" + type + "> values(" + std::to_string(count) + ");  // " +
              std::string(name(tensor.dtype)) + " " + tools::shape_text(tensor.dims) +
              "\nif (auto status = file->read(*tensor, 0, " + out + "); !status) return status.error();\n");
}

}  // namespace ckpt::viewer

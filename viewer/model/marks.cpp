#include "marks.h"

#include <algorithm>
#include <cmath>

#include "ckpt/element.h"
#include "facts.h"

namespace ckpt::viewer {
namespace {

constexpr std::size_t kComparedAtOnce = 65536;  // elements

Mark mark_of(double a, double b, const Tolerance& tolerance) noexcept {
  if (a == b || (std::isnan(a) && std::isnan(b))) return Mark::same;
  if (!std::isfinite(a) || !std::isfinite(b)) return Mark::differs;
  return std::abs(a - b) <= tolerance.atol + tolerance.rtol * std::abs(a) ? Mark::within_tolerance : Mark::differs;
}

}  // namespace

std::vector<Mark> marks_of(DType type_a, std::span<const std::byte> a, DType type_b, std::span<const std::byte> b,
                           const Tolerance& tolerance) {
  const std::size_t size_a = size_of(type_a);
  const std::size_t size_b = size_of(type_b);
  const std::size_t count = std::min(a.size() / size_a, b.size() / size_b);
  std::vector<Mark> marks(count);
  if (type_a == type_b && std::equal(a.begin(), a.end(), b.begin(), b.end())) return marks;
  std::vector<double> x(count);
  std::vector<double> y(count);
  to_double(type_a, a.first(count * size_a), x);
  to_double(type_b, b.first(count * size_b), y);
  // Long integers may differ by less than a double tells, complex numbers by more than their magnitudes do.
  const bool by_bytes = type_a == type_b && !tools::is_float(type_a);
  const bool is_complex = type_a == DType::complex64 || type_a == DType::complex128;
  for (std::size_t i = 0; i < count; ++i) {
    marks[i] = mark_of(x[i], y[i], tolerance);
    const auto here = a.subspan(i * size_a, size_a);
    if (by_bytes && (marks[i] == Mark::same || is_complex) &&
        !std::equal(here.begin(), here.end(), b.data() + i * size_b))
      marks[i] = Mark::differs;
  }
  return marks;
}

Result<std::optional<std::uint64_t>> next_difference(const Checkpoint& file_a, const TensorInfo& a,
                                                     const Checkpoint& file_b, const TensorInfo& b,
                                                     const Tolerance& tolerance, std::uint64_t from,
                                                     const Progress& progress) {
  const std::size_t size_a = size_of(a.dtype);
  const std::size_t size_b = size_of(b.dtype);
  const std::uint64_t elements = a.element_count().value_or(0);
  std::vector<std::byte> block_a(kComparedAtOnce * size_a);
  std::vector<std::byte> block_b(kComparedAtOnce * size_b);
  for (std::uint64_t at = from; at < elements;) {
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(kComparedAtOnce, elements - at));
    const auto bytes_a = std::span(block_a).first(take * size_a);
    const auto bytes_b = std::span(block_b).first(take * size_b);
    if (auto status = file_a.read(a, at * size_a, bytes_a); !status) return status.error();
    if (auto status = file_b.read(b, at * size_b, bytes_b); !status) return status.error();
    const auto marks = marks_of(a.dtype, bytes_a, b.dtype, bytes_b, tolerance);
    const auto found = std::find(marks.begin(), marks.end(), Mark::differs);
    if (found != marks.end()) return std::optional(at + static_cast<std::uint64_t>(found - marks.begin()));
    at += take;
    if (progress && !progress(at - from, elements - from)) return Error{.code = Errc::cancelled};
  }
  return std::optional<std::uint64_t>();
}

}  // namespace ckpt::viewer

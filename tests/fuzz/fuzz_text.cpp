// Everything that takes text from users or files: slices, names, versions, UTF-8, and the text of elements.
#include <google/protobuf/stubs/common.h>

#include <array>
#include <cmath>
#include <vector>

#include "ckpt/cast.h"
#include "ckpt/element.h"
#include "ckpt/slice.h"
#include "ckpt/text.h"
#include "ckpt/validate.h"
#include "fuzz_target.h"

namespace {

using namespace ckpt;
using namespace ckpt::test;

void utf8(std::string_view text) {
  const bool valid = google::protobuf::internal::IsStructurallyValidUTF8(text.data(), static_cast<int>(text.size()));
  expect(is_utf8(text) == valid, "is_utf8() and libprotobuf disagree");
  const std::string repaired = to_utf8(text);
  expect(is_utf8(repaired) && (!valid || repaired == text), "to_utf8() changes what is valid, or leaves what is not");
  const auto wide = utf32_from_utf8(text);
  expect(wide.has_value() == valid, "utf32_from_utf8() takes other text than is_utf8()");
  if (!wide) return;
  const auto back = utf8_from_utf32(*wide);
  const auto end = text.find_last_not_of('\0');
  expect(back && *back == text.substr(0, end == text.npos ? 0 : end + 1), "UTF-8 -> UTF-32 -> UTF-8 is not the text");
}

void escapes(std::string_view text) {
  const std::string shown = escape(text);
  expect(is_utf8(shown) && escape(shown).size() >= shown.size(), "escape() leaves what is not UTF-8");
  for (const char c : shown) expect(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F, "escape() leaves a control");
  const auto back = unescape(shown);
  expect(back && *back == text, "unescape() is not the way back");
  if (const auto bytes = unescape(text)) expect(unescape(escape(*bytes)) == *bytes, "unescape() of escape() differs");
}

void words(std::string_view text) {
  if (const auto version = version_from_text(text)) {
    const auto again = version_from_text(std::to_string(version->major) + '.' + std::to_string(version->minor));
    expect(again == version, "a version's text is not that version");
  }
  const DType dtype = dtype_from_name(text);
  if (dtype != DType::unknown) expect(dtype_from_name(name(dtype)) == dtype, "a type's name is not that type");
  if (const auto mode = cipher_mode_from_name(text)) expect(name(*mode) == text, "a mode's name is another");
}

// ---- slices, compared with one index after the other ----

constexpr std::size_t kRank = 3;

// The flat indices that a slice picks, in order.
std::vector<std::uint16_t> picked(const Slice& slice, const std::array<std::int64_t, kRank>& dims) {
  std::vector<std::uint16_t> result;
  const auto& [a, b, c] = std::tie(slice.axes[0], slice.axes[1], slice.axes[2]);
  for (std::int64_t i = 0; i < a.count; ++i)
    for (std::int64_t j = 0; j < b.count; ++j)
      for (std::int64_t k = 0; k < c.count; ++k)
        result.push_back(static_cast<std::uint16_t>(
            ((a.start + i * a.step) * dims[1] + b.start + j * b.step) * dims[2] + c.start + k * c.step));
  return result;
}

void slices(std::string_view input) {
  Choices choices(input);
  std::array<std::int64_t, kRank> dims;
  for (std::int64_t& dim : dims) dim = static_cast<std::int64_t>(choices.below(7));
  const auto slice = parse_slice(choices.rest(), dims);
  if (!slice) return expect(slice.error().code == Errc::usage, "a slice is refused with another code");
  expect(slice->axes.size() == kRank, "a slice of another rank");
  std::uint64_t count = 1;
  for (const AxisSlice& axis : slice->axes) count *= static_cast<std::uint64_t>(axis.count);
  expect(slice->element_count() == count, "element_count() is not the product");

  std::vector<std::uint16_t> elements(static_cast<std::size_t>(dims[0] * dims[1] * dims[2]));
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = static_cast<std::uint16_t>(i);
  TensorInfo tensor;
  tensor.name = "t";
  tensor.dtype = DType::uint16;
  tensor.dims.assign(dims.begin(), dims.end());
  tensor.byte_size = tensor.stored_size = elements.size() * 2;
  tensor.extents = {{0, 0, tensor.byte_size}};
  const auto file = Checkpoint::from_index({borrow_bytes(std::as_bytes(std::span(elements)))}, {tensor});
  expect(file.has_value(), "from_index() refuses a tensor");
  std::vector<std::uint16_t> found;
  const auto status = read_slice(*file, file->tensors()[0], *slice, [&](std::span<const std::byte> run) {
    for (std::size_t i = 0; i < run.size() / 2; ++i) found.push_back(load<std::uint16_t>(run, i));
    return true;
  });
  expect(status.has_value() && found == picked(*slice, dims), "read_slice() gives other elements");
}

// Dims of any size: only that nothing overflows.
void large_slices(std::string_view input) {
  Choices choices(input);
  std::vector<std::int64_t> dims;
  for (std::size_t i = choices.below(4); i > 0; --i) dims.push_back(static_cast<std::int64_t>(choices.number()));
  const auto slice = parse_slice(choices.rest(), dims);
  if (!slice) return;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const AxisSlice& axis = slice->axes[i];
    if (axis.count == 0) continue;
    const auto last = static_cast<long double>(axis.start) +
                      static_cast<long double>(axis.count - 1) * static_cast<long double>(axis.step);
    expect(axis.start >= 0 && axis.start < dims[i] && last >= 0 && last < static_cast<long double>(dims[i]),
           "a slice reaches outside of its axis");
  }
  (void)slice->element_count();
}

// ---- names on a command line ----

const Checkpoint& names_file() {
  static const Bytes bytes = record("a", {2}, "Int8", "ab") + record("a[0]", {2}, "Int8", "ab") +
                             record("conv1.weight", {2}, "Int8", "ab") + record("", {2}, "Int8", "ab") +
                             record("\"q\\\"", {2}, "Int8", "ab") + record("\n\xff", {2}, "Int8", "ab");
  static const Checkpoint file = *Checkpoint::from_bytes(bytes_of(bytes));
  return file;
}

void addresses(std::string_view text) {
  if (const auto address = parse_tensor(text, names_file()))
    expect(names_file().find(address->name) != nullptr, "parse_tensor() gives a name that is not in the file");
  if (const auto uri = split_uri(text)) expect(uri->file + '#' + uri->tensor == text, "split_uri() loses something");
}

// ---- elements ----

void elements(std::string_view input) {
  Choices choices(input);
  const auto dtype = static_cast<DType>(choices.below(static_cast<std::size_t>(DType::string) + 1));
  const std::size_t size = size_of(dtype);
  if (size == 0) return;
  const std::string_view bytes = choices.rest();
  const std::size_t count = bytes.size() / size;
  const auto all = bytes_of(bytes).first(count * size);
  std::vector<double> numbers(count);
  to_double(dtype, all, numbers);
  for (std::size_t i = 0; i < count; ++i)
    expect(!element_text(dtype, all.subspan(i * size, size)).empty(), "an element without text");
  if (!can_cast(dtype, DType::float64)) return;
  std::vector<double> cast_numbers(count);
  CastCounts counts;
  cast(dtype, all, DType::float64, std::as_writable_bytes(std::span(cast_numbers)), counts);
  for (std::size_t i = 0; i < count; ++i)
    expect(cast_numbers[i] == numbers[i] || (std::isnan(cast_numbers[i]) && std::isnan(numbers[i])),
           "cast() to Float64 is not to_double()");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  utf8(text);
  escapes(text);
  words(text);
  slices(text);
  large_slices(text);
  addresses(text);
  elements(text);
  return 0;
}

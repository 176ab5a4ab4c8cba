#include "literal.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>

#include "ckpt/element.h"

namespace ckpt::graph {
namespace {

bool is_number(const Literal& literal) {
  using Is = Literal::Is;
  return literal.is == Is::boolean || literal.is == Is::integer || literal.is == Is::number;
}

double number_of(const Literal& literal) {
  return literal.is == Literal::Is::number ? literal.number : static_cast<double>(literal.integer);
}

bool all_are(const std::vector<Literal>& items, auto test) { return std::ranges::all_of(items, test); }

bool is_whole(const Literal& literal) {
  return literal.is == Literal::Is::integer || literal.is == Literal::Is::boolean;
}

Ints whole_numbers(const std::vector<Literal>& items) {
  Ints out;
  for (const Literal& item : items) out.push_back(item.integer);
  return out;
}

std::optional<Attr> list_attr(const std::vector<Literal>& items) {
  using Is = Literal::Is;
  if (all_are(items, is_whole)) return whole_numbers(items);
  if (all_are(items, is_number)) {
    Doubles out;
    for (const Literal& item : items) out.push_back(number_of(item));
    return out;
  }
  if (all_are(items, [](const Literal& item) { return item.is == Is::text; })) {
    Strings out;
    for (const Literal& item : items) out.push_back(item.text);
    return out;
  }
  const auto row = [](const Literal& item) { return item.is == Is::list && all_are(item.items, is_whole); };
  if (!all_are(items, row)) return std::nullopt;
  IntLists out;
  for (const Literal& item : items) out.push_back(whole_numbers(item.items));
  return out;
}

/// The numbers of a small tensor of at most one dim, or rows of integers.
std::optional<Attr> tensor_attr(const Literal& tensor) {
  constexpr std::uint64_t kMost = 4096;
  const auto count = element_count(tensor.type);
  const std::size_t width = size_of(tensor.type.dtype);
  if (!tensor.recorded || !count || *count > kMost || width == 0 || tensor.type.dims.size() > 2) return std::nullopt;
  const auto bytes = bytes_of(tensor.contents, kMost * 16);
  if (!bytes || bytes->size() != *count * width) return std::nullopt;
  const DType dtype = tensor.type.dtype;
  const bool whole = dtype == DType::int64 || dtype == DType::int32 || dtype == DType::boolean;
  if (!whole && tensor.type.dims.size() == 2) return std::nullopt;
  if (!whole) {
    Doubles numbers(static_cast<std::size_t>(*count));
    to_double(dtype, *bytes, numbers);
    return tensor.type.dims.empty() ? Attr(numbers[0]) : Attr(numbers);
  }
  Ints numbers;
  for (std::size_t i = 0; i < *count; ++i)
    numbers.push_back(dtype == DType::int64   ? load<std::int64_t>(*bytes, i)
                      : dtype == DType::int32 ? load<std::int32_t>(*bytes, i)
                                              : load<std::uint8_t>(*bytes, i));
  if (tensor.type.dims.size() == 2) {
    IntLists rows;
    const auto width_of_row = static_cast<std::ptrdiff_t>(tensor.type.dims[1].size);
    for (auto at = numbers.begin(); at != numbers.end(); at += width_of_row) rows.emplace_back(at, at + width_of_row);
    return rows;
  }
  if (!tensor.type.dims.empty()) return numbers;
  return dtype == DType::boolean ? Attr(numbers[0] != 0) : Attr(numbers[0]);
}

template <class T>
void put(std::vector<std::byte>& out, T value) {
  const auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

std::optional<Literal> as_tensor(const Literal& literal) {
  if (literal.is == Literal::Is::tensor) return literal;
  const bool list = literal.is == Literal::Is::list;
  const std::vector<Literal> alone = list ? std::vector<Literal>{} : std::vector<Literal>{literal};
  const std::vector<Literal>& items = list ? literal.items : alone;
  if (!all_are(items, is_number)) return std::nullopt;
  const auto boolean = [](const Literal& item) { return item.is == Literal::Is::boolean; };
  const DType dtype = !items.empty() && all_are(items, boolean) ? DType::boolean
                      : all_are(items, is_whole)                ? DType::int64
                                                                : DType::float32;
  std::vector<std::byte> bytes;
  for (const Literal& item : items) {
    if (dtype == DType::boolean) put(bytes, static_cast<std::uint8_t>(item.integer != 0));
    if (dtype == DType::int64) put(bytes, item.integer);
    if (dtype == DType::float32) put(bytes, static_cast<float>(number_of(item)));
  }
  Type type{.dtype = dtype};
  if (list) type.dims.push_back(static_cast<std::int64_t>(items.size()));
  return Literal{.is = Literal::Is::tensor, .type = std::move(type), .contents = in_memory(std::move(bytes))};
}

std::string_view kind_of(const Literal& literal) {
  using Is = Literal::Is;
  switch (literal.is) {
    case Is::none:
      return "None";
    case Is::monad:
      return "a monad";
    case Is::boolean:
      return "a boolean";
    case Is::integer:
      return "an integer";
    case Is::number:
      return "a number";
    case Is::text:
      return "a text";
    case Is::dtype:
      return "a type";
    case Is::tensor:
      return literal.recorded ? "a tensor" : "a tensor whose values the file does not record";
    case Is::list:
      return "a tuple";
    default:
      return literal.text;
  }
}

std::optional<Attr> attr_of(const Literal& literal) {
  switch (literal.is) {
    case Literal::Is::none:
      return None{};
    case Literal::Is::boolean:
      return literal.integer != 0;
    case Literal::Is::integer:
      return literal.integer;
    case Literal::Is::number:
      return literal.number;
    case Literal::Is::text:
      return literal.text;
    case Literal::Is::dtype:
      return literal.type.dtype;
    case Literal::Is::tensor:
      return tensor_attr(literal);
    case Literal::Is::list:
      return list_attr(literal.items);
    default:
      return std::nullopt;
  }
}

}  // namespace ckpt::graph

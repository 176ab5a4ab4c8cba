#include "npy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "ckpt/text.h"

namespace ckpt::containers {
namespace {

struct TypeDescr {
  DType dtype;
  std::string_view descr;  // its first character is the byte order
};

constexpr std::array kDescrs = {
    TypeDescr{DType::boolean, "|b1"},   TypeDescr{DType::int8, "|i1"},        TypeDescr{DType::uint8, "|u1"},
    TypeDescr{DType::int16, "<i2"},     TypeDescr{DType::int32, "<i4"},       TypeDescr{DType::int64, "<i8"},
    TypeDescr{DType::uint16, "<u2"},    TypeDescr{DType::uint32, "<u4"},      TypeDescr{DType::uint64, "<u8"},
    TypeDescr{DType::float16, "<f2"},   TypeDescr{DType::float32, "<f4"},     TypeDescr{DType::float64, "<f8"},
    TypeDescr{DType::complex64, "<c8"}, TypeDescr{DType::complex128, "<c16"},
};

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMagicAndVersion = 8;

Error malformed(std::string message) { return {.code = Errc::malformed, .message = std::move(message)}; }

/// The part of Python's literals that headers use: a dict of texts to a text, True or False, and a tuple of integers.
class Literal {
 public:
  explicit Literal(std::string_view text) : text_(text) {}

  bool take(char c) {
    skip_space();
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }

  bool next_is(char c) {
    skip_space();
    return !text_.empty() && text_[0] == c;
  }

  bool at_end() {
    skip_space();
    return text_.empty();
  }

  std::optional<std::string> text() {
    const char quote = next_is('"') ? '"' : '\'';
    if (!take(quote)) return std::nullopt;
    const auto end = text_.find(quote);
    // No type or key needs an escape, so a backslash is nothing that NumPy wrote.
    if (end == text_.npos || text_.substr(0, end).find('\\') != text_.npos) return std::nullopt;
    std::string out(text_.substr(0, end));
    text_.remove_prefix(end + 1);
    return out;
  }

  std::optional<bool> boolean() {
    skip_space();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (!text_.starts_with(word)) continue;
      text_.remove_prefix(word.size());
      return value;
    }
    return std::nullopt;
  }

  std::optional<std::int64_t> integer() {
    skip_space();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (error != std::errc()) return std::nullopt;
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    if (text_.starts_with('L')) text_.remove_prefix(1);  // Python 2
    return value;
  }

  /// `(2, 3)`, `(2,)`, `()`.
  std::optional<std::vector<std::int64_t>> tuple() {
    std::vector<std::int64_t> numbers;
    if (!take('(')) return std::nullopt;
    while (!take(')')) {
      const auto number = integer();
      if (!number) return std::nullopt;
      numbers.push_back(*number);
      if (take(',')) continue;
      if (!next_is(')')) return std::nullopt;
    }
    return numbers;
  }

 private:
  void skip_space() {
    const auto start = text_.find_first_not_of(" \t\r\n\f");
    text_.remove_prefix(start == text_.npos ? text_.size() : start);
  }

  std::string_view text_;
};

Result<NpyHeader> parse_dict(std::string_view text) {
  const Error wrong = malformed("its header is not the dict of descr, fortran_order and shape that NumPy writes");
  Literal literal(text);
  NpyHeader header;
  bool has_descr = false;
  bool has_order = false;
  bool has_shape = false;
  if (!literal.take('{')) return wrong;
  while (!literal.take('}')) {
    const auto key = literal.text();
    if (!key || !literal.take(':')) return wrong;
    if (*key == "descr" && !has_descr) {
      if (literal.next_is('['))
        return Error{.code = Errc::unsupported, .message = "is an array of records with fields, not of numbers"};
      auto descr = literal.text();
      if (!descr) return wrong;
      header.descr = std::move(*descr);
      has_descr = true;
    } else if (*key == "fortran_order" && !has_order) {
      const auto value = literal.boolean();
      if (!value) return wrong;
      header.fortran_order = *value;
      has_order = true;
    } else if (*key == "shape" && !has_shape) {
      auto dims = literal.tuple();
      if (!dims) return wrong;
      header.dims = std::move(*dims);
      has_shape = true;
    } else {
      return wrong;
    }
    if (!literal.take(',') && !literal.next_is('}')) return wrong;
  }
  if (!has_descr || !has_order || !has_shape || !literal.at_end()) return wrong;
  for (const std::int64_t dim : header.dims)
    if (dim < 0) return malformed("a dim of " + std::to_string(dim));
  return header;
}

std::uint64_t byte_at(std::span<const std::byte> bytes, std::size_t at) {
  return std::to_integer<std::uint64_t>(bytes[at]);
}

}  // namespace

std::string_view npy_descr(DType dtype) noexcept {
  for (const TypeDescr& type : kDescrs)
    if (type.dtype == dtype) return type.descr;
  return {};
}

std::string npy_header(std::string_view descr, std::span<const std::int64_t> dims) {
  std::string dict = "{'descr': '" + std::string(descr) + "', 'fortran_order': False, 'shape': (";
  for (std::size_t i = 0; i < dims.size(); ++i) dict += (i == 0 ? "" : ", ") + std::to_string(dims[i]);
  dict += dims.size() == 1 ? ",), }" : "), }";
  constexpr std::size_t kPreamble = 10;  // of version 1.0
  constexpr std::size_t kAlignment = 64;
  dict.append(kAlignment - 1 - (kPreamble + dict.size()) % kAlignment, ' ');
  dict += '\n';
  std::string header(kMagic);
  header += {'\x01', '\0', static_cast<char>(dict.size() & 0xFF), static_cast<char>(dict.size() >> 8)};
  return header + dict;
}

Result<std::uint64_t> npy_header_size(std::span<const std::byte> start) {
  const Error cut{.code = Errc::truncated, .message = "ends inside the header of a NumPy array"};
  if (start.size() < kMagicAndVersion) return cut;
  for (std::size_t i = 0; i < kMagic.size(); ++i)
    if (start[i] != static_cast<std::byte>(kMagic[i]))
      return malformed("is no NumPy array: its first bytes are others");
  const std::uint64_t version = byte_at(start, 6);
  if (version < 1 || version > 3)
    return Error{.code = Errc::unsupported,
                 .message = "a NumPy array of version " + std::to_string(version) + "." +
                            std::to_string(byte_at(start, 7)) + "; 1 to 3 are known"};
  const std::size_t width = version == 1 ? 2 : 4;
  if (start.size() < kMagicAndVersion + width) return cut;
  std::uint64_t length = 0;
  for (std::size_t i = width; i-- > 0;) length = (length << 8) | byte_at(start, kMagicAndVersion + i);
  if (length > kMaxNpyHeader)
    return Error{
        .code = Errc::limit,
        .message = "a header of " + std::to_string(length) + " bytes; the limit is " + std::to_string(kMaxNpyHeader)};
  return kMagicAndVersion + width + length;
}

Result<NpyHeader> parse_npy_header(std::span<const std::byte> header) {
  const std::size_t text_at = kMagicAndVersion + (byte_at(header, 6) == 1 ? 2 : 4);
  const auto text = header.subspan(text_at);
  return parse_dict({reinterpret_cast<const char*>(text.data()), text.size()});
}

Result<NpyType> npy_type(const NpyHeader& header) {
  const std::string_view descr = header.descr;
  const Error unknown{.code = Errc::unsupported,
                      .message = "has NumPy's type '" + escape(descr) + "', which has no bytes of a known size"};
  if (descr.empty()) return unknown;
  const char order = descr[0];
  const std::string_view rest = descr.substr(order == '<' || order == '>' || order == '|' || order == '=' ? 1 : 0);
  if (rest.empty()) return unknown;
  const char code = rest[0];
  if (code == 'O')
    return Error{.code = Errc::unsupported,
                 .message = "is an array of Python objects (a pickle), which is never loaded"};
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), number);
  const bool plain = error == std::errc() && end == rest.data() + rest.size();
  NpyType type;
  for (const TypeDescr& known : kDescrs) {
    if (!plain || rest != known.descr.substr(1)) continue;
    type.dtype = known.dtype;
    type.item_size = number;
    const bool is_complex = code == 'c';
    if (order == '>') type.swap = static_cast<std::size_t>(is_complex ? number / 2 : number);
    return type;
  }
  if (error != std::errc() || number > std::numeric_limits<std::uint32_t>::max()) return unknown;
  if (code == 'U') {
    type.item_size = number * 4;
    if (order == '>') type.swap = 4;
    type.kind = header.dims.empty() ? Kind::string : Kind::opaque;
    if (header.dims.empty()) type.dtype = DType::string;
    return type;
  }
  // Texts of bytes, times, long doubles, raw memory: bytes that can be copied and compared, but not understood.
  type.kind = Kind::opaque;
  type.item_size = number;
  return type;
}

}  // namespace ckpt::containers

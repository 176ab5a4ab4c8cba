#include "json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ckpt/element.h"
#include "ckpt/text.h"
#include "facts.h"

namespace ckpt::cli {

using namespace tools;

namespace {

// "\u202e", a pair of them above U+FFFF.
std::string ascii_escape(std::string_view character) {
  if (character == "\x7F") return "\\u007f";
  const std::string quoted = Json(character).dump(-1, ' ', true);
  return quoted.substr(1, quoted.size() - 2);
}

// Their shortest digits are of another float64: 65500 for the largest Float16, which is 65504.
bool is_narrow_float(DType dtype) { return is_float(dtype) && size_of(dtype) < 4; }

}  // namespace

std::string json_text(const Json& document) {
  const std::string text = document.dump();
  const auto plain = [](char c) { return static_cast<unsigned char>(c) < 0x7F; };
  if (std::all_of(text.begin(), text.end(), plain)) return text;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    while (end < text.size() && (text[end] & 0xC0) == 0x80) ++end;
    const std::string_view character = std::string_view(text).substr(at, end - at);
    // JSON's own escapes are ASCII and stay.
    if (plain(character[0]) || escape(character) == character)
      out += character;
    else
      out += ascii_escape(character);
    at = end;
  }
  return out;
}

std::string line_of(const Json& document) { return json_text(document) + "\n"; }

void set_text(Json& object, const std::string& key, std::string_view text) {
  object[key] = to_utf8(text);
  if (is_utf8(text)) return;
  object[key + "_hex"] = hexadecimal(std::as_bytes(std::span(text.data(), text.size())));
}

Json number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

std::string json_value(DType dtype, std::span<const std::byte> element) {
  const std::string text = element_text(dtype, element);
  if (dtype == DType::boolean) return text == "False" ? "false" : "true";
  if (dtype == DType::complex64 || dtype == DType::complex128) return Json(text).dump();
  double value = 0;
  to_double(dtype, element, {&value, 1});
  if (value == 0 && text == "-0") return "-0.0";  // "-0" is an integer for some parsers
  if (std::isfinite(value)) return is_narrow_float(dtype) ? fmt::format("{}", value) : text;
  const bool has_number = text == "nan" || text == "inf" || text == "-inf";
  return has_number ? number(value).dump() : Json(text).dump();
}

Json json_of(const Error& error) {
  Json json;
  json["code"] = std::string(name(error.code));
  json["offset"] = error.offset == Error::kNoOffset ? Json() : Json(error.offset);
  set_text(json, "tensor", error.tensor);
  json["message"] = to_string(error);
  return json;
}

Json json_of(const std::optional<Error>& damage) { return damage ? json_of(*damage) : Json(); }

Json json_of(const Dialect& dialect) {
  Json json;
  json["written_by"] = likely_writer(dialect);
  json["model_type"] = dialect.model_type ? Json(to_utf8(*dialect.model_type)) : Json();
  json["scalars_as_zero"] = dialect.scalars_as_zero;
  json["scalars_without_dims"] = dialect.scalars_without_dims;
  json["slices"] = dialect.slices;
  json["maps"] = dialect.maps;
  json["packed_dims"] = dialect.packed_dims;
  json["old_type_names"] = dialect.old_type_names;
  json["unknown_fields"] = dialect.unknown_fields;
  return json;
}

Json json_of(const Finding& finding) {
  Json json;
  json["rule"] = std::string(finding.rule->id);
  json["severity"] = std::string(name(finding.rule->severity));
  set_text(json, "tensor", finding.tensor);
  json["offset"] = finding.offset == Error::kNoOffset ? Json() : Json(finding.offset);
  json["message"] = finding.message;
  return json;
}

Json json_of(const TensorInfo& tensor, const Group* group) {
  Json json;
  set_text(json, "name", tensor.name);
  json["kind"] = std::string(name(tensor.kind));
  set_text(json, "dtype", dtype_text(tensor));
  json["dims"] = tensor.dims;
  json["bytes"] = tensor.byte_size;
  if (group != nullptr) json["offset"] = tensor.record_offset;
  json["extents"] = Json::array();
  for (const Extent& extent : tensor.extents)
    if (extent.source == 0) json["extents"].push_back({extent.offset, extent.size});
  if (group != nullptr) json["group"] = std::string(name(*group));
  Json& stored = json["stored"];
  set_text(stored, "type", tensor.type_name);
  stored["dims"] = tensor.scalar_as_zero ? Json::array({0}) : Json(tensor.dims);
  stored["packed_dims"] = tensor.packed_dims;
  stored["bytes"] = tensor.stored_size;
  stored["encoding"] = tensor.encoding == Encoding::raw ? "raw" : "bf16_as_float32";
  if (group != nullptr) stored["record_bytes"] = tensor.record_size;
  if (group != nullptr) stored["unknown_fields"] = tensor.unknown_fields;
  if (tensor.kind == Kind::map) {
    json["parts"] = Json::array();
    for (const TensorInfo& part : tensor.parts) json["parts"].push_back(json_of(part, nullptr));
  }
  return json;
}

}  // namespace ckpt::cli

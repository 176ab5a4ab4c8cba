#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "ckpt/checkpoint.h"
#include "ckpt/group.h"
#include "ckpt/tensor.h"
#include "ckpt/validate.h"

// What the schemas in schemas/ describe; keys are added, never renamed.
namespace ckpt::cli {

using Json = nlohmann::ordered_json;

/// JSON in which nothing is left that a terminal obeys or that hides text: names may have it.
std::string json_text(const Json& document);
/// One line of that with its newline.
std::string line_of(const Json& document);

/// Text that may not be UTF-8: under `key` with U+FFFD where it is not, and then exactly under `key`_hex.
void set_text(Json& object, const std::string& key, std::string_view text);

/// Numbers; NaN and infinities as "NaN", "Infinity", "-Infinity".
Json number(double value);

/// An element as JSON has it: exact for a reader that takes numbers for float64; what is no number there is text.
std::string json_value(DType dtype, std::span<const std::byte> element);

Json json_of(const Error& error);
Json json_of(const std::optional<Error>& damage);
Json json_of(const Dialect& dialect);
Json json_of(const Finding& finding);
/// `group` is null for a map's part, which is no record of its own.
Json json_of(const TensorInfo& tensor, const Group* group);

}  // namespace ckpt::cli

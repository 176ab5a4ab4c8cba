#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_set>
#include <variant>

#include "ckpt/writer.h"

namespace ckpt {
namespace {

/// A scalar as MindSpore makes it of a Python number.
template <class T>
Status add_scalar(Writer& writer, const std::string& name, DType dtype, T value) {
  std::array<std::byte, sizeof(T)> bytes;
  std::memcpy(bytes.data(), &value, sizeof(T));
  return writer.add({.name = name, .dtype = dtype}, bytes);
}

Status add_value(Writer& writer, const AppendValue& entry) {
  if (const auto* text = std::get_if<std::string>(&entry.value)) return writer.add_string(entry.name, *text);
  if (const auto* integer = std::get_if<std::int64_t>(&entry.value))
    return add_scalar(writer, entry.name, DType::int64, *integer);
  if (const auto* real = std::get_if<double>(&entry.value))
    return add_scalar(writer, entry.name, DType::float32, static_cast<float>(*real));
  return add_scalar(writer, entry.name, DType::boolean, std::uint8_t{std::get<bool>(entry.value)});
}

}  // namespace

Status save_checkpoint(const std::filesystem::path& path, std::span<const Param> params,
                       std::span<const AppendValue> append, const WriteOptions& options) {
  // Before anything is written, and in words that say which of the two lists to look at.
  std::unordered_set<std::string_view> names;
  for (const Param& param : params) names.insert(param.desc.name);
  for (const AppendValue& entry : append)
    if (names.contains(entry.name))
      return Error{.code = Errc::usage, .tensor = entry.name, .message = "an appended value has a parameter's name"};

  auto writer = Writer::create(path, options);
  if (!writer) return std::move(writer).error();
  for (const Param& param : params)
    if (auto status = writer->add(param.desc, param.bytes); !status) return status;
  for (const AppendValue& entry : append)
    if (auto status = add_value(*writer, entry); !status) return status;
  return writer->finish();
}

}  // namespace ckpt

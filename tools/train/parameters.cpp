#include "parameters.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

#include "pages.h"
#include "plan.h"

namespace ckpt::train {
namespace {

struct Parameter {
  std::string name = {};
  DType dtype = DType::unknown;
  std::vector<std::int64_t> dims = {};
  std::span<std::byte> bytes = {};
};

constexpr std::uint64_t kMost = std::uint64_t{1} << 46;  ///< bytes; a sum of a few does not wrap

Error about(const graph::Value& value, Errc code, std::string why) {
  return Error{.code = code, .tensor = value.name, .message = std::move(why)};
}

Result<std::uint64_t> size_in_bytes(const graph::Value& value) {
  const auto elements = graph::element_count(value.type);
  const std::size_t each = size_of(value.type.dtype);
  if (!elements || each == 0 || *elements > kMost / each) {
    return about(value, Errc::unsupported, "a parameter of type " + to_string(value.type));
  }
  return *elements * each;
}

Status fill(const graph::Value& value, std::span<std::byte> bytes) {
  if (!value.bound) return {};
  auto contents = graph::bytes_of(value.contents, bytes.size());
  if (!contents) return contents.error();
  if (contents->size() != bytes.size()) {
    return about(value, Errc::mismatch,
                 std::to_string(contents->size()) + " bytes where its shape asks for " + std::to_string(bytes.size()));
  }
  if (!bytes.empty()) std::memcpy(bytes.data(), contents->data(), bytes.size());
  return {};
}

/// By the bits of the exponent, block by block, without a branch in between: it is asked before each save.
bool is_finite(std::span<const std::byte> floats) {
  constexpr std::size_t kBlock = 1024;
  constexpr std::uint32_t kExponent = 0x7F800000;
  const std::size_t count = floats.size() / sizeof(float);
  for (std::size_t begin = 0; begin < count; begin += kBlock) {
    std::array<std::uint32_t, kBlock> bits = {};
    const std::size_t size = std::min(kBlock, count - begin);
    std::memcpy(bits.data(), floats.data() + begin * sizeof(float), size * sizeof(float));
    std::uint32_t bad = 0;
    for (const std::uint32_t one : bits) bad |= static_cast<std::uint32_t>((one & kExponent) == kExponent);
    if (bad != 0) return false;
  }
  return true;
}

}  // namespace

struct Parameters::Impl {
  explicit Impl(Pages memory) noexcept : pages(std::move(memory)) {}

  Pages pages;
  std::vector<Parameter> list = {};
  std::map<std::string_view, std::size_t> by_name = {};
  Borrower* borrower = nullptr;  ///< has a copy of some
  bool newer_there = false;

  void bring_up_to_date() {
    if (std::exchange(newer_there, false)) borrower->give_back();
  }
};

Parameters::Parameters(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Parameters::Parameters(Parameters&&) noexcept = default;
Parameters& Parameters::operator=(Parameters&&) noexcept = default;
Parameters::~Parameters() = default;

Result<Parameters> Parameters::of(const graph::Graph& graph) {
  struct Place {
    const graph::Value* value;
    std::uint64_t offset, size;
  };
  std::vector<Place> places;
  std::uint64_t total = 0;
  for (const graph::Value& value : graph.values) {
    if (value.kind != graph::ValueKind::parameter) continue;
    auto size = size_in_bytes(value);
    if (!size) return size.error();
    if (*size > kMost - total) return about(value, Errc::limit, "too large");
    places.push_back({&value, total, *size});
    total += (*size + kAlignment - 1) / kAlignment * kAlignment;
  }
  auto pages = Pages::of(total);
  if (!pages) return pages.error();

  auto impl = std::make_unique<Impl>(std::move(*pages));
  for (const Place& place : places) {
    Parameter parameter{.name = place.value->name, .dtype = place.value->type.dtype};
    for (const graph::Dim& dim : place.value->type.dims) parameter.dims.push_back(dim.size);
    parameter.bytes = impl->pages.bytes().subspan(place.offset, place.size);
    if (auto status = fill(*place.value, parameter.bytes); !status) return status.error();
    impl->list.push_back(std::move(parameter));
  }
  for (std::size_t i = 0; i < impl->list.size(); ++i) impl->by_name.emplace(impl->list[i].name, i);
  return Parameters(std::move(impl));
}

bool Parameters::borrow(Borrower& by) {
  const bool new_to_it = impl_->borrower != &by;
  if (new_to_it) take_back();
  impl_->borrower = &by;
  impl_->newer_there = true;
  return new_to_it;
}

void Parameters::take_back() {
  impl_->bring_up_to_date();
  impl_->borrower = nullptr;
}

void Parameters::take_back_from(const Borrower& by) {
  if (impl_->borrower == &by) take_back();
}

std::span<std::byte> Parameters::bytes(std::string_view name) {
  take_back();
  const auto found = impl_->by_name.find(name);
  return found == impl_->by_name.end() ? std::span<std::byte>() : impl_->list[found->second].bytes;
}

std::span<float> Parameters::floats(std::string_view name) {
  take_back();
  const auto found = impl_->by_name.find(name);
  if (found == impl_->by_name.end()) return {};
  const Parameter& parameter = impl_->list[found->second];
  if (parameter.dtype != DType::float32) return {};
  return {reinterpret_cast<float*>(parameter.bytes.data()), parameter.bytes.size() / sizeof(float)};
}

std::string_view Parameters::not_finite() const {
  impl_->bring_up_to_date();
  for (const Parameter& parameter : impl_->list)
    if (parameter.dtype == DType::float32 && !is_finite(parameter.bytes)) return parameter.name;
  return {};
}

std::vector<Param> Parameters::params() const {
  impl_->bring_up_to_date();
  std::vector<Param> result;
  for (const Parameter& parameter : impl_->list) {
    result.push_back(
        {.desc = {.name = parameter.name, .dtype = parameter.dtype, .dims = parameter.dims}, .bytes = parameter.bytes});
  }
  return result;
}

std::vector<NetParam> Parameters::net_params() {
  take_back();
  std::vector<NetParam> result;
  for (const Parameter& parameter : impl_->list) {
    result.push_back(
        {.name = parameter.name, .dtype = parameter.dtype, .dims = parameter.dims, .bytes = parameter.bytes});
  }
  return result;
}

}  // namespace ckpt::train

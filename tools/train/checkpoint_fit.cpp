#include "checkpoint_fit.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "ckpt/element.h"
#include "ckpt/run_files.h"
#include "usage.h"
#include "words.h"

namespace ckpt::train {
namespace {

std::vector<std::byte> bytes_of(const ParamDict& file, const TensorInfo& entry) {
  constexpr std::uint64_t kMost = std::uint64_t{64} << 20;  // of a schedule
  std::vector<std::byte> bytes(entry.byte_size <= kMost ? static_cast<std::size_t>(entry.byte_size) : 0);
  if (!file.file().read(entry, 0, bytes)) bytes.clear();
  return bytes;
}

template <class T>
std::vector<T> values_in(const ParamDict& file, std::string_view name, DType dtype) {
  const TensorInfo* entry = file.find(name);
  if (entry == nullptr || entry->kind != Kind::tensor || entry->dtype != dtype) return {};
  const std::vector<std::byte> bytes = bytes_of(file, *entry);
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

}  // namespace

Fit fit(std::span<const NetParam> params, const ParamDict& file) {
  Fit fit;
  for (const NetParam& param : params) {
    const TensorInfo* entry = file.find(param.name);
    if (entry == nullptr) {
      fit.others.push_back({param.name, "is not there"});
    } else if (entry->kind != Kind::tensor) {
      fit.others.push_back({param.name, "is no tensor there, but of the kind " + std::string(name(entry->kind))});
    } else if (entry->dims != param.dims) {
      fit.others.push_back(
          {param.name, "is " + tools::shape_text(entry->dims) + " there, " + tools::shape_text(param.dims) + " here"});
    } else {
      fit.fitting.push_back(param);
    }
  }
  return fit;
}

std::optional<std::int64_t> integer_in(const ParamDict& file, std::string_view name) {
  if (const auto values = values_in<std::int64_t>(file, name, DType::int64); !values.empty()) return values[0];
  if (const auto values = values_in<std::int32_t>(file, name, DType::int32); !values.empty()) return values[0];
  return std::nullopt;
}

std::vector<double> floats_in(const ParamDict& file, std::string_view name) {
  constexpr DType kFloats[] = {DType::float16, DType::bfloat16, DType::float32, DType::float64};
  const TensorInfo* entry = file.find(name);
  if (entry == nullptr || entry->kind != Kind::tensor || std::ranges::count(kFloats, entry->dtype) == 0) return {};
  const std::vector<std::byte> bytes = bytes_of(file, *entry);
  std::vector<double> values(bytes.size() / size_of(entry->dtype));
  to_double(entry->dtype, std::span(bytes).first(values.size() * size_of(entry->dtype)), values);
  return values;
}

std::optional<Optimizer::Kind> optimizer_of(const ParamDict& file) {
  for (const TensorInfo& entry : file.file().tensors()) {
    if (entry.name.starts_with("moments.")) return Optimizer::Kind::momentum;
    if (entry.name.starts_with("accum.")) return Optimizer::Kind::sgd;
    if (entry.name.starts_with("moment1.")) return Optimizer::Kind::adam;
  }
  return std::nullopt;
}

Result<Standing> standing(const ParamDict& file, const std::string& path, std::uint64_t steps_per_epoch) {
  auto name = checkpoint_name_from(std::filesystem::path(path).filename().string());
  if (name && (name->epoch == 0 || name->epoch > 1'000'000'000)) name.reset();
  auto step = integer_in(file, "step_num");
  if (!step) step = integer_in(file, "global_step");
  if (!step && name) step = static_cast<std::int64_t>((name->epoch - 1) * steps_per_epoch + name->step);
  if (!step || *step < 0) return tools::usage("does not tell at which step it was saved");
  const auto total = static_cast<std::uint64_t>(*step);
  auto epoch = integer_in(file, "epoch_num");
  if (!epoch && name && !integer_in(file, "step_num")) epoch = static_cast<std::int64_t>(name->epoch);
  const std::uint64_t here = total == 0 ? 1 : (total - 1) / steps_per_epoch + 1;
  if (epoch && total > 0 && static_cast<std::uint64_t>(*epoch) != here)
    return Error{.code = Errc::mismatch,
                 .message = "was saved in step " + tools::grouped(total) + ", in epoch " + std::to_string(*epoch) +
                            ", and epochs of " + tools::grouped(steps_per_epoch) + " steps make that epoch " +
                            std::to_string(here)};
  const std::uint64_t in_epoch = total - (here - 1) * steps_per_epoch;
  if (epoch && total > 0 && name && name->epoch == here && name->step != in_epoch)
    return Error{.code = Errc::mismatch,
                 .message = "was saved in step " + tools::grouped(total) + ", by its name " +
                            tools::grouped(name->step) + " of epoch " + std::to_string(here) + ", and epochs of " +
                            tools::grouped(steps_per_epoch) + " steps make that " + tools::grouped(in_epoch)};
  return Standing{.step = total, .seed = integer_in(file, "seed"), .learning_rates = floats_in(file, "learning_rate")};
}

}  // namespace ckpt::train

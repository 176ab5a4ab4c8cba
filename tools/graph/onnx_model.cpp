#include "onnx_model.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "ckpt/output_file.h"
#include "ckpt/text.h"
#include "value_writer.h"
#include "wire_text.h"

namespace ckpt::graph {
namespace {

// Values below that stay in the model: shapes are among them, which readers want to see without opening another file.
constexpr std::uint64_t kExternalFrom = 1024;
// Large ones begin where they can be mapped, and where file systems can share blocks.
constexpr std::uint64_t kAlignFrom = std::uint64_t{1} << 20;
constexpr std::uint64_t kAlignment = 4096;

std::size_t length_field_size(int number, std::uint64_t length) {
  return wire::varint_size(static_cast<std::uint64_t>(number) << 3) + wire::varint_size(length);
}

std::uint64_t tensor_size(const OnnxTensor& tensor) {
  const std::uint64_t head = tensor.head.ByteSizeLong();
  if (tensor.external) return head;
  return head + length_field_size(onnx::TensorProto::kRawDataFieldNumber, tensor.size) + tensor.size;
}

std::uint64_t graph_size(const OnnxModel& model) {
  std::uint64_t size = model.graph.ByteSizeLong();
  for (const OnnxTensor& tensor : model.initializers) {
    const std::uint64_t own = tensor_size(tensor);
    size += length_field_size(onnx::GraphProto::kInitializerFieldNumber, own) + own;
  }
  return size;
}

std::uint64_t model_size(const OnnxModel& model) {
  const std::uint64_t graph = graph_size(model);
  return model.model.ByteSizeLong() + length_field_size(onnx::ModelProto::kGraphFieldNumber, graph) + graph;
}

/// Moves values out of the model: one behind the other, large ones aligned. Returns their size.
std::uint64_t make_external(OnnxModel& model, const std::string& location) {
  std::uint64_t at = 0;
  for (OnnxTensor& tensor : model.initializers) {
    if (tensor.size < kExternalFrom) continue;
    tensor.external = true;
    if (tensor.size >= kAlignFrom) at = (at + kAlignment - 1) / kAlignment * kAlignment;
    tensor.head.set_data_location(onnx::TensorProto::EXTERNAL);
    const auto say = [&](const char* key, std::string value) {
      auto& entry = *tensor.head.add_external_data();
      entry.set_key(key);
      entry.set_value(std::move(value));
    };
    say("location", location);
    say("offset", std::to_string(at));
    say("length", std::to_string(tensor.size));
    at += tensor.size;
  }
  return at;
}

Status append_values(OutputFile& file, const OnnxTensor& tensor, ValueWriter& values) {
  auto status = tensor.half ? values.append_half(file, tensor.contents) : values.append(file, tensor.contents);
  if (status || !status.error().tensor.empty()) return status;
  // A disk that is full, or an interruption, has nothing to do with the tensor.
  if (status.error().code == Errc::io || status.error().code == Errc::cancelled) return status;
  Error error = status.error();
  error.tensor = tensor.head.name();
  return error;
}

ValueWriter writer_of(const OnnxModel& model, const Progress& progress) {
  std::uint64_t total = 0;
  for (const OnnxTensor& tensor : model.initializers) total += tensor.contents.size;
  return ValueWriter(total, progress);
}

// Fields of a message may come in any order; what is largest comes last.
Status append_model(OutputFile& file, const OnnxModel& model, ValueWriter& values) {
  if (auto status = append_text(file, model.model.SerializeAsString()); !status) return status;
  const std::string key = length_field(onnx::ModelProto::kGraphFieldNumber, graph_size(model));
  if (auto status = append_text(file, key + model.graph.SerializeAsString()); !status) return status;
  for (const OnnxTensor& tensor : model.initializers) {
    std::string head = length_field(onnx::GraphProto::kInitializerFieldNumber, tensor_size(tensor));
    head += tensor.head.SerializeAsString();
    if (!tensor.external) head += length_field(onnx::TensorProto::kRawDataFieldNumber, tensor.size);
    if (auto status = append_text(file, head); !status) return status;
    if (tensor.external) continue;
    if (auto status = append_values(file, tensor, values); !status) return status;
  }
  return {};
}

Status append_data(OutputFile& file, const OnnxModel& model, ValueWriter& values) {
  const std::vector<std::byte> zeros(kAlignment);
  for (const OnnxTensor& tensor : model.initializers) {
    if (!tensor.external) continue;
    if (const std::uint64_t past = file.size() % kAlignment; tensor.size >= kAlignFrom && past != 0)
      if (auto status = file.append(std::span(zeros).first(static_cast<std::size_t>(kAlignment - past))); !status)
        return status;
    if (auto status = append_values(file, tensor, values); !status) return status;
  }
  return {};
}

/// Where a model's data lies: beside the file that a link leads to.
std::filesystem::path behind_links(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_symlink(path, error)) return path;
  auto target = std::filesystem::weakly_canonical(path, error);
  return error ? path : target;
}

Status write_in_two(const std::filesystem::path& model_path, const OnnxModel& model, const OutputFile::Options& how,
                    const Progress& progress, const std::filesystem::path& data_path) {
  auto file = OutputFile::create(model_path, how);
  if (!file) return file.error();
  auto data = OutputFile::create(data_path, how);
  if (!data) {
    Error error = data.error();
    error.message = escape(data_path.filename().string()) + ": " + error.message;
    return error;
  }
  ValueWriter values = writer_of(model, progress);
  if (auto status = append_data(*data, model, values); !status) return status;
  if (auto status = append_model(*file, model, values); !status) return status;
  if (auto status = values.finish(); !status) return status;
  for (OutputFile* const each : {&*data, &*file})
    if (auto status = each->finish(); !status) return status;
  // Between the two steps there must be no old model with new values.
  std::error_code error;
  if (std::filesystem::exists(data_path, error) && std::filesystem::remove(model_path, error); error)
    return Error{.code = Errc::io, .os_error = error.value(), .message = "cannot replace the model"};
  if (auto status = data->commit(); !status) return status;
  return file->commit();
}

}  // namespace

std::filesystem::path data_path_of(const std::filesystem::path& model) {
  return behind_links(model).string() + ".data";
}

Status write_model(const std::filesystem::path& path, OnnxModel model, const OnnxOptions& options) {
  const OutputFile::Options how{
      .permissions = options.permissions, .overwrite = options.overwrite, .durable = options.durable};
  if (options.external_data || model_size(model) > options.max_model_bytes) {
    const std::filesystem::path model_path = behind_links(path);
    const std::filesystem::path data_path = data_path_of(path);
    if (!is_utf8(data_path.filename().string()))
      return Error{.code = Errc::usage, .message = "the model's name must be UTF-8, because that of its data is in it"};
    const std::uint64_t external = make_external(model, data_path.filename().string());
    if (model_size(model) > options.max_model_bytes)
      return Error{.code = Errc::limit, .message = "the graph alone is larger than 2 GiB"};
    // Without its model it is another's: of one that was renamed, or no model's at all.
    std::error_code none;
    if (std::filesystem::exists(data_path, none) && !std::filesystem::exists(model_path, none))
      return Error{.code = Errc::usage,
                   .message = "\"" + escape(data_path.filename().string()) +
                              "\" is there and its model is not: another one may refer to it; remove it first"};
    if (external > 0) return write_in_two(model_path, model, how, options.progress, data_path);
  }
  auto file = OutputFile::create(path, how);
  if (!file) return file.error();
  ValueWriter values = writer_of(model, options.progress);
  if (auto status = append_model(*file, model, values); !status) return status;
  if (auto status = values.finish(); !status) return status;
  return file->commit();
}

}  // namespace ckpt::graph

#pragma once

#include <QString>
#include <filesystem>
#include <string_view>

#include "ckpt/checkpoint.h"
#include "ckpt/tensor.h"

// What a user copies of a tensor to go on with it elsewhere. Names and paths are quoted as each language needs it.
namespace ckpt::viewer {

/// `file.ckpt#name[0,:,3]`, as every command takes it; `slice` is without its brackets and may be empty.
QString uri_of(const std::filesystem::path& path, std::string_view name, const QString& slice);

/// An expression whose value is the array: out of the file itself where the bytes lie there as they are, else by way of
/// `ckpt show --npy`.
QString numpy_snippet(const std::filesystem::path& path, const Checkpoint& file, const TensorInfo& tensor);

/// Statements that read all values with libckpt.
QString cpp_snippet(const std::filesystem::path& path, const TensorInfo& tensor);

}  // namespace ckpt::viewer

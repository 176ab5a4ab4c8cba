#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "bind.h"
#include "ckpt/checkpoint.h"
#include "ckpt/error.h"
#include "onnx_file.h"

namespace ckpt::graph {

/// An ONNX model with the weights of a checkpoint in place of its own: those of the same name. Everything else stays as
/// it is, operators that nobody here knows included.
class OnnxRefresh {
 public:
  /// Errors: those of reading the model; Errc::mismatch if it has none of the checkpoint's weights.
  static Result<OnnxRefresh> read(const std::filesystem::path& model, const std::shared_ptr<const Checkpoint>& weights);
  OnnxRefresh(OnnxRefresh&&) noexcept;
  OnnxRefresh& operator=(OnnxRefresh&&) noexcept;
  ~OnnxRefresh();

  /// How the checkpoint's weights fit. A weight that the model has not is missing: a model with old and new weights is
  /// nobody's.
  const Binding& binding() const noexcept { return binding_; }

  /// As write_onnx; options.half does not count.
  Status write(const std::filesystem::path& path, const OnnxOptions& options) const;

 private:
  struct Impl;
  OnnxRefresh(std::unique_ptr<Impl> impl, Binding binding);
  std::unique_ptr<Impl> impl_;
  Binding binding_;
};

/// The entry kDigestKey of a model's metadata; empty where it has none.
Result<std::string> recorded_digest(const std::filesystem::path& model);

}  // namespace ckpt::graph

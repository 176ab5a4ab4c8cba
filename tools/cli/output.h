#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "ckpt/error.h"
#include "context.h"

namespace ckpt::cli {

/// Where a command's bytes go: standard output, or a file that appears complete or not at all.
class Output {
 public:
  /// Standard output for an empty path. Errc::usage if the file exists and must not be replaced.
  static Result<Output> create(Context& context, const std::string& path, bool force);
  Output(Output&& other) noexcept;
  Output& operator=(Output&&) = delete;
  ~Output();

  Status write(std::span<const std::byte> bytes);
  Status write(std::string_view text) { return write(std::as_bytes(std::span(text.data(), text.size()))); }
  Status finish();

 private:
  explicit Output(Context& context) : context_(&context) {}

  Context* context_;
  std::FILE* file_ = nullptr;  // null: standard output
  std::string path_ = {};
  std::string temporary_ = {};
};

}  // namespace ckpt::cli

#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ckpt/error.h"
#include "ckpt/output_file.h"
#include "context.h"

namespace ckpt::cli {

/// What -o and --force mean for every command that writes a file.
struct OutputOptions {
  std::string path = {};  ///< empty or -: standard output
  bool force = false;     ///< an existing file may be replaced
  bool secret = false;    ///< from an encrypted input: nobody else may read the file
};

/// Where a command's bytes go: standard output, or a file that appears complete or not at all.
class Output {
 public:
  /// Errc::usage if the file exists and must not be replaced, or is one of the `inputs`, through a link too. Of those,
  /// empty ones are not there.
  static Result<Output> create(Context& context, const OutputOptions& options, std::span<const std::string> inputs);

  Status write(std::span<const std::byte> bytes);
  Status write(std::string_view text) { return write(std::as_bytes(std::span(text.data(), text.size()))); }
  Status finish();

 private:
  explicit Output(Context& context) : context_(&context) {}

  Context* context_;
  std::optional<OutputFile> file_ = {};  // empty: standard output
};

/// What a new file that anybody may read gets: 0666 less the umask.
unsigned default_permissions();

/// What to try after an error of Output::create.
std::string hint_for_output(const Error& error);

}  // namespace ckpt::cli

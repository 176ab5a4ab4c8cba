#include "output.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "usage.h"

namespace ckpt::cli {
unsigned default_permissions() {
  const mode_t mask = ::umask(0);  // there is no other way to ask
  ::umask(mask);
  return 0666 & ~mask;
}

Result<Output> Output::create(Context& context, const OutputOptions& options, std::span<const std::string> inputs) {
  Output output(context);
  if (options.path.empty() || options.path == "-") return output;
  std::error_code none;
  for (const std::string& input : inputs)
    if (!input.empty() && std::filesystem::equivalent(options.path, input, none)) return usage("is an input itself");
  auto file = OutputFile::create(
      options.path, {.permissions = options.secret ? 0600 : default_permissions(), .overwrite = options.force});
  if (!file) return std::move(file).error();
  output.file_.emplace(std::move(*file));
  return output;
}

Status Output::write(std::span<const std::byte> bytes) {
  if (file_) return file_->append(bytes);
  context_->write_bytes(bytes.data(), bytes.size());
  if (context_->output_failed()) return Error{.code = Errc::cancelled};  // finish() of the Context says why
  return {};
}

Status Output::finish() { return file_ ? file_->commit() : Status(); }

std::string hint_for_output(const Error& error) { return error.os_error == EEXIST ? "--force replaces it" : ""; }

}  // namespace ckpt::cli

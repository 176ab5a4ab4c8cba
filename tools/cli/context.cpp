#include "context.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "ckpt/text.h"
#include "progress_line.h"
#include "render.h"

namespace ckpt::cli {

Context::Context(std::FILE* out, std::FILE* err, When color)
    : out_(out), err_(err), out_is_terminal_(::isatty(fileno(out)) == 1), err_is_terminal_(::isatty(fileno(err)) == 1) {
  const char* no_color = std::getenv("NO_COLOR");
  color_ = color == When::always ||
           (color == When::automatic && out_is_terminal_ && (no_color == nullptr || *no_color == '\0'));
  winsize size{};
  if (out_is_terminal_ && ::ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) width_ = size.ws_col;
}

void Context::write(std::string_view text) { write_bytes(text.data(), text.size()); }

void Context::write_bytes(const void* data, std::size_t size) {
  if (output_error_ == 0 && std::fwrite(data, 1, size, out_) < size) output_error_ = errno;
}

int Context::fail(std::string_view file, const Error& error, std::string_view hint) {
  if (error.code == Errc::cancelled) return kInterrupted;
  return fail(fmt::format("{}: {}", file_text(file), to_string(error)), hint);
}

int Context::fail(std::string_view message, std::string_view hint) {
  note(message);
  if (!hint.empty()) say("      ", hint);
  return interrupted() ? kInterrupted : kFailed;
}

void Context::note(std::string_view message) {
  std::fflush(out_);
  say("ckpt: ", message);
}

// Where standard error cannot be written to, there is nobody to tell.
void Context::say(std::string_view prefix, std::string_view text) {
  const std::string line = fmt::format("{}{}\n", prefix, text);
  std::fwrite(line.data(), 1, line.size(), err_);
}

Progress Context::progress(std::string_view label) {
  auto line = std::make_shared<ProgressLine>(err_is_terminal_ ? err_ : nullptr, std::string(label));
  return [line](std::uint64_t done, std::uint64_t total) {
    line->update(done, total);
    return !interrupted();
  };
}

int Context::finish(int code) {
  if (std::fflush(out_) != 0 && output_error_ == 0) output_error_ = errno;
  if (interrupted()) return kInterrupted;
  if (output_error_ == EPIPE) return code == kFailed ? kFailed : kDone;  // whoever read has enough
  if (output_error_ != 0) {
    note(fmt::format("cannot write to standard output: {}", std::strerror(output_error_)));
    return kFailed;
  }
  return code;
}

}  // namespace ckpt::cli

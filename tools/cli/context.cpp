#include "context.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "ckpt/text.h"
#include "render.h"

namespace ckpt::cli {
namespace {

volatile sig_atomic_t stop_asked = 0;

void on_interrupt(int) { stop_asked = 1; }

}  // namespace

void keep_standard_streams() {
  for (const auto& [number, mode] :
       {std::pair{STDIN_FILENO, O_WRONLY}, {STDOUT_FILENO, O_RDONLY}, {STDERR_FILENO, O_RDONLY}})
    if (::fcntl(number, F_GETFD) < 0) (void)::open("/dev/null", mode);  // the wrong way round: still no use
}

void handle_signals() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // and no SA_RESTART: a waiting read ends
  for (const int stops : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};  // ignored by nohup, and by scripts' work in the background
    if (::sigaction(stops, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) ::sigaction(stops, &action, nullptr);
  }
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
}

bool interrupted() noexcept { return stop_asked != 0; }

Context::Context(std::FILE* out, std::FILE* err, When color, std::string_view program)
    : program_(program),
      out_(out),
      err_(err),
      out_is_terminal_(::isatty(fileno(out)) == 1),
      err_is_terminal_(::isatty(fileno(err)) == 1) {
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

void Context::flush() {
  if (std::fflush(out_) != 0 && output_error_ == 0) output_error_ = errno;
}

int Context::fail(std::string_view file, const Error& error, std::string_view hint) {
  if (error.code == Errc::cancelled) return kInterrupted;
  return fail(fmt::format("{}: {}", file_text(file), to_string(error)), hint);
}

int Context::fail(std::string_view message, std::string_view hint) {
  note(message);
  if (!hint.empty()) say(std::string(program_.size() + 2, ' '), hint);
  return interrupted() ? kInterrupted : kFailed;
}

void Context::note(std::string_view message) {
  std::fflush(out_);
  say(std::string(program_) + ": ", message);
}

// Where standard error cannot be written to, there is nobody to tell.
void Context::say(std::string_view prefix, std::string_view text) {
  const std::string line = fmt::format("{}{}\n", prefix, text);
  std::fwrite(line.data(), 1, line.size(), err_);
}

Progress Context::progress(std::string_view label) { return progress_in(ProgressLine::Unit::bytes, label); }

Progress Context::counting(std::string_view label) { return progress_in(ProgressLine::Unit::items, label); }

Progress Context::progress_in(ProgressLine::Unit unit, std::string_view label) {
  auto line = std::make_shared<ProgressLine>(err_is_terminal_ ? err_ : nullptr, std::string(label), unit);
  return [line](std::uint64_t done, std::uint64_t total) {
    line->update(done, total);
    return !interrupted();
  };
}

int Context::finish(int code) {
  flush();
  if (interrupted()) return kInterrupted;
  if (output_error_ == EPIPE) return code == kFailed ? kFailed : kDone;  // whoever read has enough
  if (output_error_ != 0) {
    note(fmt::format("cannot write to standard output: {}", std::strerror(output_error_)));
    return kFailed;
  }
  return code;
}

}  // namespace ckpt::cli

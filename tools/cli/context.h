#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "ckpt/error.h"
#include "ckpt/progress.h"
#include "options.h"
#include "progress_line.h"

namespace ckpt::cli {

/// The exit codes: the whole contract with scripts.
enum Exit : int { kDone = 0, kNo = 1, kFailed = 2, kInterrupted = 130 };

/// What a command writes to and how.
class Context {
 public:
  /// `program` is in front of each message.
  Context(std::FILE* out, std::FILE* err, When color, std::string_view program = "ckpt");

  bool color() const noexcept { return color_; }
  bool out_is_terminal() const noexcept { return out_is_terminal_; }
  bool err_is_terminal() const noexcept { return err_is_terminal_; }
  std::size_t width() const noexcept { return width_; }  ///< of the terminal; 80 elsewhere

  /// To standard output. A failure is remembered: finish() tells.
  void write(std::string_view text);
  void write_bytes(const void* data, std::size_t size);
  void flush();  ///< what was written is to be seen now
  /// `ckpt: FILE: ...` on standard error, a second line if there is something to try. Returns the exit code: 2, or 130
  /// after Ctrl-C.
  int fail(std::string_view file, const Error& error, std::string_view hint = {});
  int fail(std::string_view message, std::string_view hint = {});
  void note(std::string_view message);

  /// A Progress for work on one file: a bar on standard error if that is a terminal, after a second; stops after
  /// Ctrl-C.
  Progress progress(std::string_view label);
  /// The same for work that is counted in other things than bytes.
  Progress counting(std::string_view label);

  bool output_failed() const noexcept { return output_error_ != 0; }

  /// Flushes; turns an exit code into the one that standard output's state asks for.
  int finish(int code);

 private:
  Progress progress_in(ProgressLine::Unit unit, std::string_view label);
  void say(std::string_view prefix, std::string_view text);

  std::string_view program_;
  std::FILE* out_;
  std::FILE* err_;
  bool color_ = false;
  bool out_is_terminal_ = false;
  bool err_is_terminal_ = false;
  std::size_t width_ = 80;
  int output_error_ = 0;
};

/// Where one of them is closed its number is taken, or the next file that is opened would get it, and the text.
void keep_standard_streams();
/// From here on the first Ctrl-C (or SIGTERM, SIGHUP) asks for a clean stop, a second one does what it always does;
/// pipes and limits on files that break are errors of writing.
void handle_signals();
/// Set by Ctrl-C.
bool interrupted() noexcept;

}  // namespace ckpt::cli

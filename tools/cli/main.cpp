#include <signal.h>

#include <cstdio>
#include <new>
#include <variant>

#include "commands.h"

namespace {

volatile sig_atomic_t stop_asked = 0;

// The first Ctrl-C asks for a clean stop, a second one does what it always does.
void on_interrupt(int) { stop_asked = 1; }

void handle_signals() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // and no SA_RESTART: a waiting read ends
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  struct sigaction before {};
  if (::sigaction(SIGHUP, nullptr, &before) == 0 && before.sa_handler != SIG_IGN)  // else nohup
    ::sigaction(SIGHUP, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace

namespace ckpt::cli {

bool interrupted() noexcept { return stop_asked != 0; }

}  // namespace ckpt::cli

int main(int argc, char** argv) try {
  using namespace ckpt::cli;
  handle_signals();
  const CommandLine line = parse_command_line(argc, argv);
  Context context(stdout, stderr, line.color);
  if (line.command)
    return context.finish(std::visit([&](const auto& options) { return run(context, options); }, *line.command));
  if (line.exit != 0) return context.finish(context.fail(line.text, line.hint));
  context.write(line.text);
  return context.finish(kDone);
} catch (const std::bad_alloc&) {
  std::fputs("ckpt: there is not enough memory\n", stderr);
  return ckpt::cli::kFailed;
}

#include <cstdio>
#include <exception>
#include <new>
#include <variant>

#include "commands.h"

int main(int argc, char** argv) try {
  using namespace ckpt::cli;
  keep_standard_streams();
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
} catch (const std::exception& error) {  // no damaged file may end in an abort
  std::fprintf(stderr, "ckpt: an error of this program's own: %s\n", error.what());
  return ckpt::cli::kFailed;
}

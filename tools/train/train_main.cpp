#include <cstdio>
#include <new>

#include "context.h"
#include "threads.h"
#include "train_options.h"
#include "train_run.h"

int main(int argc, char** argv) try {
  using namespace ckpt;
  train::let_threads_sleep(argv);
  cli::keep_standard_streams();
  cli::handle_signals();
  const train::TrainCommandLine line = train::parse_train_command(argc, argv);
  cli::Context context(stdout, stderr, line.color, "ckpt-train");
  if (line.command) return context.finish(train::run(context, *line.command));
  if (line.exit != 0) return context.finish(context.fail(line.text, line.hint));
  context.write(line.text);
  return context.finish(cli::kDone);
} catch (const std::bad_alloc&) {
  std::fputs("ckpt-train: there is not enough memory\n", stderr);
  return ckpt::cli::kFailed;
}

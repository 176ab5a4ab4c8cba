#include "commands.h"
#include "documents.h"

namespace ckpt::cli {

int run(Context& context, const DocumentOptions& options) {
  context.write(document(describe_commands(), options.what));
  return kDone;
}

}  // namespace ckpt::cli

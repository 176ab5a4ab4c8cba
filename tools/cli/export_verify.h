#pragma once

#include "context.h"
#include "options.h"

namespace ckpt::cli {

/// `ckpt export FILE --verify MODEL`: whether the model's weights are the checkpoint's.
int verify_export(Context& context, const ExportCommand& options);

}  // namespace ckpt::cli

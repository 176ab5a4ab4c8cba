#pragma once

#include "context.h"
#include "options.h"

namespace ckpt::cli {

/// The verbs: each does what its options say and returns an exit code (context.h).
int run(Context& context, const InfoOptions& options);
int run(Context& context, const ListOptions& options);
int run(Context& context, const ShowOptions& options);
int run(Context& context, const StatsOptions& options);
int run(Context& context, const CheckOptions& options);
int run(Context& context, const DiffCommand& options);
int run(Context& context, const HashOptions& options);
int run(Context& context, const HistoryCommand& options);
int run(Context& context, const SalvageCommand& options);
int run(Context& context, const EditCommand& options);
int run(Context& context, const ConvertOptions& options);
int run(Context& context, const ExportCommand& options);
int run(Context& context, const GraphCommand& options);
int run(Context& context, const TextconvOptions& options);
int run(Context& context, const PruneCommand& options);
int run(Context& context, const RulesOptions& options);
int run(Context& context, const DocumentOptions& options);

}  // namespace ckpt::cli

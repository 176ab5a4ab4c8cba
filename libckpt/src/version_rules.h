#pragma once

#include <functional>
#include <string>

#include "ckpt/tensor.h"
#include "ckpt/validate.h"
#include "index.h"

namespace ckpt {

/// Takes a rule (version-cannot-load or version-reads-differently) and a message.
using ReportVersion = std::function<void(const Rule& rule, std::string message)>;

/// What that MindSpore makes of one entry. `joined`: the entry before it has the same name, and MindSpore since 0.6
/// takes both as one.
void check_entry_for(MindSporeVersion version, const TensorInfo& entry, bool joined, const ReportVersion& report);

/// What it makes of the file as a whole.
void check_file_for(MindSporeVersion version, const Index& index, const ReportVersion& report);

/// "[2,3]", cut where there are very many. Also used for indices.
std::string dims_text(std::span<const std::int64_t> dims);

}  // namespace ckpt

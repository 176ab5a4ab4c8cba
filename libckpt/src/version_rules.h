#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "ckpt/tensor.h"
#include "ckpt/validate.h"
#include "index.h"

namespace ckpt {

/// Takes a rule (version-cannot-load or version-reads-differently) and a message.
using ReportVersion = std::function<void(const Rule& rule, std::string message)>;

/// Where an entry stands among those of the same name right before and behind it, which MindSpore since 0.6 takes for
/// one tensor.
struct EntryRun {
  bool follows = false;
  bool followed = false;
  bool beside_map = false;         // it, or the one before or behind it, is a map parameter
  std::uint64_t bytes_before = 0;  // as stored
};

/// What that MindSpore makes of one entry.
void check_entry_for(MindSporeVersion version, const TensorInfo& entry, EntryRun run, const ReportVersion& report);

/// What it makes of the file as a whole. `ends_like_trailer`: its last content does, as a CRC trailer would.
void check_file_for(MindSporeVersion version, const Index& index, bool ends_like_trailer, const ReportVersion& report);

/// "[2,3]", cut where there are very many. Also used for indices.
std::string dims_text(std::span<const std::int64_t> dims);

}  // namespace ckpt

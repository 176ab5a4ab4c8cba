#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/error.h"
#include "ckpt/stream.h"

namespace ckpt {

enum class Severity : std::uint8_t {
  note,     ///< worth knowing
  warning,  ///< some MindSpore reads it differently, or the values look wrong
  error,    ///< cannot be loaded, or data is lost
};

/// "note", "warning", "error".
std::string_view name(Severity severity) noexcept;

/// One kind of finding. The id is permanent: "size-mismatch".
struct Rule {
  std::string_view id;
  Severity severity;
  std::string_view summary;  ///< one sentence
};

/// All rules, in the order of docs/rules.md.
std::span<const Rule> rules() noexcept;

struct Finding {
  const Rule* rule = nullptr;  ///< points into rules()
  std::string tensor = {};     ///< the entry concerned, as in the file; empty for the file
  std::uint64_t offset = Error::kNoOffset;
  std::string message = {};  ///< a sentence fragment, safe to print
};

/// A MindSpore release, as far as loading behaviour depends on it: {1, 5} or {2, 10}.
struct MindSporeVersion {
  unsigned major = 2;
  unsigned minor = 10;

  friend auto operator<=>(const MindSporeVersion&, const MindSporeVersion&) = default;
};

/// The latest that was looked at; later ones are judged as this.
inline constexpr MindSporeVersion kLatestKnown{2, 10};

/// "1.5", "r0.3", "2.10.0". Empty if it is no version from 0.1 on.
std::optional<MindSporeVersion> version_from_text(std::string_view text) noexcept;

struct ValidateOptions {
  bool headers_only = false;                     ///< do not verify the CRC trailer or cipher tags
  bool values = false;                           ///< read every value: NaN and infinities
  std::optional<MindSporeVersion> version = {};  ///< add: would that MindSpore load it, what would it get wrong
  std::uint64_t max_findings = 10'000;           ///< then one last finding says how many more there are
  unsigned threads = 0;                          ///< 0 = all cores
  Progress progress = {};
};

/// Everything that is wrong with a checkpoint, in file order, file-wide findings last. Open it with keep_damaged to
/// have damage reported as a finding. Failing (Result) means that it could not be examined: io, changed, cancelled.
Result<std::vector<Finding>> validate(const Checkpoint& file, const ValidateOptions& options = {});

/// The same for a pipe; reads it to its end. Damage is a finding here too.
Result<std::vector<Finding>> validate(RecordStream& stream, const ValidateOptions& options = {});

/// What kept a file from being opened or read (of other formats, damage does), as a finding. Empty where that is not
/// the fault of its bytes, or cannot be known to be: io, unsupported, key, changed, cancelled …
std::optional<Finding> finding_of(const Error& error);

}  // namespace ckpt

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/error.h"
#include "ckpt/source.h"
#include "graph.h"

namespace ckpt::graph {

/// What becomes of a length-delimited field when a message is copied without its payloads; what no rule names is copied
/// as it is.
struct FieldRule {
  std::uint32_t number = 0;
  enum class Is : std::uint8_t { message, payload, left_out } is = Is::message;
  const struct MessageRule* message = nullptr;  ///< of a message: its own rules
};

struct MessageRule {
  std::span<const FieldRule> fields = {};
};

/// A message whose payloads are replaced by tickets: all of them, whatever their size, so that no file can write one of
/// its own.
struct Stripped {
  std::string message = {};
  std::vector<Contents::Run> payloads = {};

  /// The payload that a field's value stands for; nothing where it is empty, as a field is that is not there.
  Result<Contents::Run> payload(std::string_view ticket) const;
};

struct StripLimits {
  std::uint64_t max_bytes = 0;     ///< of the copy
  std::uint64_t max_messages = 0;  ///< nested ones, which take more memory parsed than they do here
  int max_depth = 64;
};

/// Reads the file once, from front to end, passing over payloads.
Result<Stripped> strip_payloads(const SourcePtr& file, const MessageRule& rule, const StripLimits& limits);

}  // namespace ckpt::graph

#pragma once

#include <google/protobuf/stubs/logging.h>

#include <filesystem>
#include <string>

#include "ckpt/error.h"
#include "ckpt/source.h"
#include "read_graph.h"
#include "strip_payloads.h"

/// What read_graph() chooses between, and what they share.
namespace ckpt::graph {

Result<GraphFile> read_mindir(const SourcePtr& file, const std::filesystem::path& path,
                              const ReadGraphOptions& options);
/// Of MindSpore 0.5 to 1.0.
Result<GraphFile> read_onnx_like_mindir(const SourcePtr& file, const ReadGraphOptions& options);
Result<GraphFile> read_graph_meta(const SourcePtr& file, const ReadGraphOptions& options);
Result<GraphFile> read_geir(const SourcePtr& file, const ReadGraphOptions& options);
Result<GraphFile> read_onnx_model(const SourcePtr& file, const std::filesystem::path& path,
                                  const ReadGraphOptions& options);

/// The bytes of a payload as contents; Errc::mismatch where they are not what the type asks for.
Result<Contents> contents_of(const Contents::Run& run, const Type& type);

inline Error malformed(std::string message) { return Error{.code = Errc::malformed, .message = std::move(message)}; }
inline Error unsupported(std::string message) {
  return Error{.code = Errc::unsupported, .message = std::move(message)};
}

/// Parses a message without its payloads into one of protobuf's.
template <class Message>
Status parse_stripped(const Stripped& from, Message& message) {
  const google::protobuf::LogSilencer quiet;  // what is wrong is said here, not on stderr
  if (message.ParseFromArray(from.message.data(), static_cast<int>(from.message.size()))) return {};
  return malformed("not a graph of the format that it begins as");
}

inline StripLimits limits_of(const ReadGraphOptions& options) {
  return {.max_bytes = options.max_message_bytes, .max_messages = options.max_messages};
}

}  // namespace ckpt::graph

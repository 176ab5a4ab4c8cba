#include "read_graph.h"

#include <array>
#include <limits>
#include <span>
#include <utility>

#include "graph_text.h"
#include "readers.h"
#include "wire_reader.h"

namespace ckpt::graph {
namespace {

using containers::WireReader;
using WireType = wire::Type;

/// What the first level of a file, and where that does not tell the second, shows: which fields there are, and of which
/// wire types.
struct Fields {
  std::array<bool, 64> varint = {};
  std::array<bool, 64> length = {};
  std::uint64_t graph_begin = 0;
  std::uint64_t graph_end = 0;  // of the first field that may be the graph
  bool readable = false;
};

Fields fields_of(const Source& file, std::uint64_t begin, std::uint64_t end, std::uint32_t graph_field,
                 std::size_t most = 4096) {
  Fields out;
  WireReader reader(file, begin, end);
  for (std::size_t count = 0; !reader.at_end() && count < most; ++count) {
    const auto key = reader.key();
    if (!key) return out;
    if (key->type == WireType::length) {
      const auto size = reader.length();
      if (!size) return out;
      if (key->number == graph_field && out.graph_end == 0) {
        out.graph_begin = reader.position();
        out.graph_end = reader.position() + *size;
      }
      if (!reader.skip_bytes(*size)) return out;
    } else if (!reader.skip(key->type)) {
      return out;
    }
    if (key->number < out.varint.size()) {
      out.varint[key->number] = out.varint[key->number] || key->type == WireType::varint;
      out.length[key->number] = out.length[key->number] || key->type == WireType::length;
    }
  }
  out.readable = true;
  return out;
}

enum class Looks : std::uint8_t {
  mindir,
  onnx_like_mindir,
  graph_meta,
  geir,
  onnx,
  kernel_graph,
  encrypted,
  text,
  nothing
};

/// A reference from an attribute to how its value is put together: what MindSpore 0.5 to 1.0 adds to ONNX.
bool has_references(const Source& file, std::uint64_t begin, std::uint64_t end) {
  constexpr std::uint32_t kNode = 1, kAttribute = 5, kRefAttrName = 21;
  WireReader graph(file, begin, end);
  for (int nodes = 0; !graph.at_end() && nodes < 64;) {
    const auto key = graph.key();
    if (!key) return false;
    if (key->type != WireType::length) {
      if (!graph.skip(key->type)) return false;
      continue;
    }
    const auto size = graph.length();
    if (!size) return false;
    if (key->number == kNode) {
      ++nodes;
      const auto node = fields_of(file, graph.position(), graph.position() + *size, kAttribute);
      if (node.graph_end != 0 && fields_of(file, node.graph_begin, node.graph_end, 0).length[kRefAttrName]) return true;
    }
    if (!graph.skip_bytes(*size)) return false;
  }
  return false;
}

/// Encrypted files of MindSpore begin with the magic number of their cipher; what it is of, only the key shows.
bool is_encrypted(const Source& file) {
  std::array<std::byte, 4> magic;
  if (file.size() < magic.size() || !file.read_at(0, magic)) return false;
  return (magic[0] == std::byte{0xD8} || magic[0] == std::byte{0xD9} || magic[0] == std::byte{0xDA}) &&
         magic[1] == std::byte{0x5E} && magic[2] == std::byte{0x3A} && magic[3] == std::byte{0x7F};
}

bool is_text(const Source& file) {
  constexpr std::string_view kBegin = "graph \"";
  std::array<char, kBegin.size()> begin;
  return file.size() >= begin.size() && file.read_at(0, std::as_writable_bytes(std::span(begin))) &&
         std::string_view(begin.data(), begin.size()) == kBegin;
}

Result<GraphFile> read_text(const Source& file, const ReadGraphOptions& options) {
  if (!options.output.empty()) return unsupported("a text of a network, whose outputs are those that it says");
  if (file.size() > options.max_message_bytes) return Error{.code = Errc::limit, .message = "a text that is too large"};
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  if (auto status = file.read_at(0, std::as_writable_bytes(std::span(text))); !status) return status.error();
  auto graph = from_text(text);
  if (!graph) return graph.error();
  if (auto status = verify(*graph); !status) return status.error();
  return GraphFile{.format = GraphFormat::text, .graph = std::move(*graph)};
}

Looks look(const Source& file) {
  if (is_text(file)) return Looks::text;
  if (is_encrypted(file)) return Looks::encrypted;
  const Fields top = fields_of(file, 0, file.size(), 7);
  if (top.varint[1]) {
    // ir_version as a number: a graph is field 4 of a graph.meta, 7 of ONNX.
    if (top.graph_end != 0)
      return has_references(file, top.graph_begin, top.graph_end) ? Looks::onnx_like_mindir : Looks::onnx;
    return top.length[4] ? Looks::graph_meta : Looks::nothing;
  }
  if (top.graph_end == 0) {
    // A bare graph of the graph.meta family: nodes, a name, parameters, outputs.
    return top.readable && top.length[1] && top.length[2] && top.length[3] && top.length[4] ? Looks::kernel_graph
                                                                                            : Looks::nothing;
  }
  // Both have the graph as field 7; operators are field 6 of GE's, and nodes field 1 of MindIR's, where GE has a name.
  const Fields graph = fields_of(file, top.graph_begin, top.graph_end, 1);
  const bool of_mindir = top.length[2] || top.length[12] || top.varint[10] || top.varint[13];
  if (of_mindir) return Looks::mindir;
  return graph.length[6] && !graph.length[3] ? Looks::geir : Looks::mindir;
}

}  // namespace

std::string_view name(GraphFormat format) noexcept {
  switch (format) {
    case GraphFormat::mindir:
      return "MindIR";
    case GraphFormat::graph_meta:
      return "graph.meta";
    case GraphFormat::geir:
      return "GEIR";
    case GraphFormat::text:
      return "text";
    default:
      return "ONNX";
  }
}

Result<Contents> contents_of(const Contents::Run& run, const Type& type) {
  const auto count = element_count(type);
  const std::size_t width = size_of(type.dtype);
  if (!count || width == 0)
    return Error{.code = Errc::unsupported,
                 .message = "values of type " + to_string(type) + (width == 0 ? "" : ", whose size is not known")};
  if (*count > std::numeric_limits<std::uint64_t>::max() / width || *count * width != run.size)
    return Error{.code = Errc::mismatch,
                 .message = to_string(type) + " with " + std::to_string(run.size) + " bytes of values"};
  Contents contents{.size = run.size};
  if (run.size > 0) contents.runs.push_back(run);
  return contents;
}

bool is_graph(const Source& file) { return look(file) != Looks::nothing; }

Result<GraphFile> read_graph(const SourcePtr& file, const std::filesystem::path& path,
                             const ReadGraphOptions& options) {
  switch (look(*file)) {
    case Looks::mindir:
      return read_mindir(file, path, options);
    case Looks::onnx_like_mindir:
      return read_onnx_like_mindir(file, options);
    case Looks::graph_meta:
      return read_graph_meta(file, options);
    case Looks::geir:
      return read_geir(file, options);
    case Looks::onnx:
      return read_onnx_model(file, path, options);
    case Looks::kernel_graph:
      return unsupported(
          "a graph of kernels, as MindInsight and the debugger keep them: its operators are those of a "
          "device, not the network's; export the network as MindIR instead");
    case Looks::text:
      return read_text(*file, options);
    case Looks::encrypted:
      return Error{.code = Errc::key, .message = "an encrypted file; only files that are not encrypted can be read"};
    default:
      return unsupported("no graph: neither MindIR, graph.meta, GEIR nor ONNX");
  }
}

Result<GraphFile> read_graph(const std::filesystem::path& path, const ReadGraphOptions& options) {
  auto file = open_file(path);
  if (!file) return file.error();
  return read_graph(*file, path, options);
}

}  // namespace ckpt::graph

#include "graph_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>
#include <variant>
#include <vector>

#include "ckpt/element.h"
#include "ckpt/text.h"
#include "graph_text_words.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace ckpt::graph {
namespace {

std::string in_quotes(std::string_view text) { return '"' + escape(text) + '"'; }
std::string word(std::string_view text) { return is_word(text) ? std::string(text) : in_quotes(text); }

std::string number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  std::string text(buffer.data(), end);
  // Not to be taken for an integer.
  if (text.find_first_of(".e") == text.npos) text += ".0";
  return text;
}

std::string type_word(DType dtype) { return dtype == DType::unknown ? "?" : std::string(name(dtype)); }

class Printer {
 public:
  Printer(const Graph& graph, const TextOptions& options) : graph_(graph), options_(options) {}

  Result<std::string> print() {
    out_ = "graph " + in_quotes(graph_.name) + "\n";
    for (const ValueId id : graph_.inputs) out_ += "input " + declared(graph_.value(id)) + "\n";
    for (const Value& value : graph_.values) {
      if (value.kind != ValueKind::parameter && value.kind != ValueKind::constant) continue;
      out_ += value.kind == ValueKind::parameter ? "parameter " : "constant ";
      out_ += declared(value);
      if (auto status = contents(value); !status) return status.error();
      out_ += '\n';
    }
    for (const Node& node : graph_.nodes) print_node(node);
    for (const ValueId id : graph_.outputs) out_ += "output " + in_quotes(graph_.value(id).name) + "\n";
    return std::move(out_);
  }

 private:
  static std::string declared(const Value& value) { return in_quotes(value.name) + ": " + type(value.type); }

  static std::string type(const Type& type) {
    std::string text = type_word(type.dtype) + "[";
    for (const Dim& dim : type.dims) {
      if (text.back() != '[') text += ", ";
      text += dim.known() ? std::to_string(dim.size) : dim.symbol.empty() ? "?" : word(dim.symbol);
    }
    return text + "]";
  }

  template <class List, class Item>
  static std::string list(const List& items, std::string_view of_nothing, Item item) {
    if (items.empty()) return std::string(of_nothing) + "[]";
    std::string text = "[";
    for (const auto& one : items) {
      if (text.size() > 1) text += ", ";
      text += item(one);
    }
    return text + "]";
  }

  static std::string attr(const Attr& value) {
    const auto whole = [](std::int64_t one) { return std::to_string(one); };
    const auto row = [&](const Ints& one) { return list(one, "", whole); };
    struct Visit {
      decltype(whole) integer;
      decltype(row) ints;
      std::string operator()(const None&) const { return "none"; }
      std::string operator()(bool one) const { return one ? "true" : "false"; }
      std::string operator()(std::int64_t one) const { return integer(one); }
      std::string operator()(double one) const { return number(one); }
      std::string operator()(const std::string& one) const { return in_quotes(one); }
      std::string operator()(const Ints& many) const { return ints(many); }
      std::string operator()(const Doubles& many) const { return list(many, "numbers", number); }
      std::string operator()(const Strings& many) const {
        return list(many, "texts", [](const std::string& one) { return in_quotes(one); });
      }
      std::string operator()(const IntLists& many) const { return list(many, "lists", ints); }
      std::string operator()(DType one) const { return type_word(one); }
    };
    return std::visit(Visit{whole, row}, value);
  }

  void print_node(const Node& node) {
    out_ += in_quotes(node.name);
    if (!plain_names(node)) {
      out_ += " ->";
      for (std::size_t i = 0; i < node.outputs.size(); ++i)
        out_ += (i == 0 ? " " : ", ") + in_quotes(graph_.value(node.outputs[i]).name);
    }
    out_ += " = " + word(node.op) + "(";
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (i > 0) out_ += ", ";
      out_ += node.inputs[i] == kAbsent ? "none" : in_quotes(graph_.value(node.inputs[i]).name);
    }
    out_ += ')';
    for (auto at = node.attrs.begin(); at != node.attrs.end(); ++at)
      out_ += (at == node.attrs.begin() ? " {" : ", ") + word(at->first) + "=" + attr(at->second);
    out_ += node.attrs.empty() ? ": " : "}: ";
    for (std::size_t i = 0; i < node.outputs.size(); ++i)
      out_ += (i == 0 ? "" : ", ") + type(graph_.value(node.outputs[i]).type);
    out_ += '\n';
  }

  bool plain_names(const Node& node) const {
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      const std::string plain = node.outputs.size() == 1 ? node.name : node.name + ":" + std::to_string(i);
      if (graph_.value(node.outputs[i]).name != plain) return false;
    }
    return true;
  }

  Status contents(const Value& value) {
    if (!value.bound) return {};
    const Contents& from = value.contents;
    if (from.runs.size() == 1) {
      if (const auto* only = dynamic_cast<const OnlyDigest*>(from.runs[0].source.get())) {
        out_ += only->digest().empty() ? std::string(" bound") : " " + only->digest();
        return {};
      }
    }
    if (from.size <= kMaxInline) return in_line(value);
    if (!options_.digests) {
      out_ += " bound";
      return {};
    }
    auto digest = digest_of(from);
    if (!digest) return digest.error();
    out_ += " " + *digest;
    return {};
  }

  Status in_line(const Value& value) {
    const auto bytes = bytes_of(value.contents, kMaxInline);
    if (!bytes) return bytes.error();
    const DType dtype = value.type.dtype;
    const std::size_t width = size_of(dtype);
    const bool numbers = has_numbers(dtype) && bytes->size() % width == 0 && !ambiguous(dtype, *bytes);
    if (!numbers) {
      out_ += " = hex:" + hexadecimal(*bytes);
      return {};
    }
    out_ += " = [";
    for (std::size_t at = 0; at < bytes->size(); at += width) {
      if (at > 0) out_ += ", ";
      const auto element = std::span(*bytes).subspan(at, width);
      out_ += dtype == DType::boolean ? (element[0] == std::byte{1} ? "1" : "0") : element_text(dtype, element);
    }
    out_ += ']';
    return {};
  }

  /// One NaN is not like another, but all are written alike; true is any byte but 0.
  static bool ambiguous(DType dtype, std::span<const std::byte> bytes) {
    if (dtype == DType::boolean) return std::ranges::any_of(bytes, [](std::byte one) { return one > std::byte{1}; });
    if (dtype != DType::float32 && dtype != DType::float64) return false;
    std::vector<double> values(bytes.size() / size_of(dtype));
    to_double(dtype, bytes, values);
    return std::ranges::any_of(values, [](double one) { return std::isnan(one); });
  }

  static Result<std::string> digest_of(const Contents& contents) {
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    if (contents.make) {
      const auto bytes = contents.make();
      if (!bytes) return bytes.error();
      XXH3_128bits_update(&state, bytes->data(), bytes->size());
    }
    std::vector<std::byte> block;
    for (const Contents::Run& run : contents.runs) {
      for (std::uint64_t at = 0; at < run.size; at += block.size()) {
        block.resize(static_cast<std::size_t>(std::min<std::uint64_t>(run.size - at, std::uint64_t{1} << 20)));
        if (auto status = run.source->read_at(run.offset + at, block); !status) return status.error();
        XXH3_128bits_update(&state, block.data(), block.size());
      }
    }
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
    return std::string(kDigest) + hexadecimal(std::as_bytes(std::span(canonical.digest)));
  }

  const Graph& graph_;
  const TextOptions& options_;
  std::string out_ = {};
};

}  // namespace

Result<std::string> to_text(const Graph& graph, const TextOptions& options) { return Printer(graph, options).print(); }

}  // namespace ckpt::graph

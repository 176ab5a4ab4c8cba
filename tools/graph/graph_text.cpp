#include "graph_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "ckpt/element.h"
#include "ckpt/text.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace ckpt::graph {
namespace {

/// What a text says of contents that it does not have.
class OnlyDigest final : public Source {
 public:
  OnlyDigest(std::string digest, std::uint64_t size) : digest_(std::move(digest)), size_(size) {}

  const std::string& digest() const noexcept { return digest_; }
  std::uint64_t size() const noexcept override { return size_; }
  Status read_at(std::uint64_t, std::span<std::byte>) const override {
    return Error{.code = Errc::unsupported, .message = "contents of which only the digest is known"};
  }

 private:
  std::string digest_;
  std::uint64_t size_;
};

constexpr std::string_view kDigest = "xxh3:";

// Types whose values are written as numbers, by the text that reads back to the same bits.
bool has_numbers(DType dtype) {
  switch (dtype) {
    case DType::boolean:
    case DType::int8:
    case DType::int16:
    case DType::int32:
    case DType::int64:
    case DType::uint8:
    case DType::uint16:
    case DType::uint32:
    case DType::uint64:
    case DType::float32:
    case DType::float64:
      return true;
    default:
      return false;
  }
}

bool of_word(char c, bool inside) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (inside && c >= '0' && c <= '9');
}
bool is_word(std::string_view text) {
  return !text.empty() && of_word(text[0], false) && std::ranges::all_of(text, [](char c) { return of_word(c, true); });
}

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

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Graph> parse() {
    while (next_line()) {
      statement();
      if (failed_) return std::move(*failed_);
    }
    if (auto status = verify(graph_); !status) return status.error();
    return std::move(graph_);
  }

 private:
  /// Goes to the first line that says something.
  bool next_line() {
    for (;;) {
      blanks();
      if (at_ < text_.size() && text_[at_] == '#') at_ = std::min(text_.find('\n', at_), text_.size());
      if (at_ == text_.size()) return false;
      if (text_[at_] != '\n') return true;
      ++at_;
      ++line_;
      line_begin_ = at_;
    }
  }

  void statement() {
    if (peek() == '"') {
      node();
    } else {
      const std::size_t start = at_;
      const std::string_view what = bare_word();
      if (what == "graph") {
        graph_.name = name();
      } else if (what == "input") {
        add(ValueKind::input);
      } else if (what == "parameter") {
        add(ValueKind::parameter);
      } else if (what == "constant") {
        add(ValueKind::constant);
      } else if (what == "output") {
        graph_.outputs.push_back(value());
      } else {
        at_ = start;
        fail("a statement starts with graph, input, parameter, constant, output, or a node's name in quotes");
      }
    }
    blanks();
    if (!failed_ && at_ < text_.size() && peek() != '\n' && peek() != '#') fail("the statement should end here");
  }

  void add(ValueKind kind) {
    blanks();
    const std::size_t start = at_;
    std::string own = name();
    expect(':');
    Type own_type = type();
    if (failed_) return;
    const ValueId id = kind == ValueKind::input       ? graph_.add_input(own, own_type)
                       : kind == ValueKind::parameter ? graph_.add_parameter(own, own_type)
                                                      : graph_.add_constant(own, own_type, {});
    define(std::move(own), id, start);
    if (kind == ValueKind::input) return;
    Value& made = graph_.value(id);
    blanks();
    made.bound = contents(made);
    if (!failed_ && !made.bound && kind == ValueKind::constant) fail("a constant has contents");
  }

  bool contents(Value& made) {
    if (failed_ || at_ == text_.size() || peek() == '\n' || peek() == '#') return false;
    const auto count = element_count(made.type);
    const std::size_t width = size_of(made.type.dtype);
    if (!count || width == 0 || *count > std::uint64_t{1} << 48) return fail("contents of an unknown size"), false;
    if (accept('=')) return values(made, static_cast<std::size_t>(*count), width);
    const std::string_view what = bare_word();
    std::string digest;
    if (what == "xxh3") {
      expect(':');
      const std::size_t start = at_;
      while (at_ < text_.size() && std::isxdigit(static_cast<unsigned char>(text_[at_]))) ++at_;
      if (at_ - start != 32) return fail("a digest of 32 digits"), false;
      digest = std::string(kDigest) + std::string(text_.substr(start, 32));
    } else if (what != "bound") {
      return fail("contents are = and values, a digest, or the word bound"), false;
    }
    made.contents.size = *count * width;
    made.contents.runs = {{.source = std::make_shared<OnlyDigest>(std::move(digest), made.contents.size),
                           .offset = 0,
                           .size = made.contents.size}};
    return true;
  }

  bool values(Value& made, std::size_t count, std::size_t width) {
    std::vector<std::byte> bytes;
    blanks();
    if (text_.substr(at_).starts_with("hex:")) {
      at_ += 4;
      while (at_ + 1 < text_.size() && digit(text_[at_]) >= 0 && digit(text_[at_ + 1]) >= 0) {
        bytes.push_back(static_cast<std::byte>(digit(text_[at_]) * 16 + digit(text_[at_ + 1])));
        at_ += 2;
      }
    } else {
      if (!has_numbers(made.type.dtype)) return fail("values of this type are written as hex:"), false;
      expect('[');
      while (!failed_ && !accept(']')) {
        if (!bytes.empty()) expect(',');
        element(made.type.dtype, bytes);
      }
    }
    if (failed_) return false;
    if (bytes.size() != count * width)
      return fail("the type asks for " + std::to_string(count) + " values, " + std::to_string(bytes.size() / width) +
                  " are there"),
             false;
    made.contents = in_memory(std::move(bytes));
    return true;
  }

  static int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  }

  void element(DType dtype, std::vector<std::byte>& bytes) {
    switch (dtype) {
      case DType::boolean:
      case DType::uint8:
        return put<std::uint8_t>(bytes);
      case DType::int8:
        return put<std::int8_t>(bytes);
      case DType::int16:
        return put<std::int16_t>(bytes);
      case DType::int32:
        return put<std::int32_t>(bytes);
      case DType::int64:
        return put<std::int64_t>(bytes);
      case DType::uint16:
        return put<std::uint16_t>(bytes);
      case DType::uint32:
        return put<std::uint32_t>(bytes);
      case DType::uint64:
        return put<std::uint64_t>(bytes);
      case DType::float32:
        return put<float>(bytes);
      default:
        return put<double>(bytes);
    }
  }

  template <class T>
  void put(std::vector<std::byte>& bytes) {
    blanks();
    T value{};
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc()) return fail("a number of the type");
    at_ = static_cast<std::size_t>(end - text_.data());
    const auto raw = std::as_bytes(std::span(&value, 1));
    bytes.insert(bytes.end(), raw.begin(), raw.end());
  }

  void node() {
    const std::size_t start = at_;
    Node out{.name = name()};
    std::vector<std::string> results;
    if (accept('-')) {
      expect('>');
      do {
        blanks();
        results.push_back(name());
      } while (!failed_ && accept(','));
    }
    expect('=');
    out.op = word_or_name();
    expect('(');
    while (!failed_ && !accept(')')) {
      if (!out.inputs.empty()) expect(',');
      blanks();
      if (peek() == '"') {
        out.inputs.push_back(value());
      } else {
        if (bare_word() != "none") fail("a value's name in quotes, or none");
        out.inputs.push_back(kAbsent);
      }
    }
    if (accept('{')) attributes(out.attrs);
    expect(':');
    std::vector<Type> types;
    do types.push_back(type());
    while (!failed_ && accept(','));
    if (!results.empty() && results.size() != types.size()) fail("as many types as results");
    if (!failed_) add_node(std::move(out), results, types, start);
  }

  void add_node(Node made, const std::vector<std::string>& results, const std::vector<Type>& types, std::size_t start) {
    const Node& added = graph_.add_node(std::move(made.op), std::move(made.name), std::move(made.inputs),
                                        std::move(made.attrs), types.size());
    for (std::size_t i = 0; i < types.size(); ++i) {
      Value& result = graph_.value(added.outputs[i]);
      result.type = types[i];
      if (!results.empty()) result.name = results[i];
      define(result.name, added.outputs[i], start);
    }
  }

  void attributes(Attrs& attrs) {
    bool first = true;
    while (!failed_ && !accept('}')) {
      if (!first) expect(',');
      first = false;
      std::string key = word_or_name();
      expect('=');
      blanks();
      Attr value = attribute();
      if (!failed_ && !attrs.emplace(std::move(key), std::move(value)).second)
        fail("an attribute that is there already");
    }
  }

  Attr attribute() {
    if (peek() == '"') return name();
    if (peek() == '[') return list();
    if (peek() == '?') return ++at_, Attr(DType::unknown);
    if (peek() == '-' || std::isdigit(static_cast<unsigned char>(peek()))) return number_attr();
    const std::size_t start = at_;
    const std::string_view what = bare_word();
    if (what == "none") return None{};
    if (what == "true" || what == "false") return what == "true";
    if (what == "inf" || what == "nan") return what == "inf" ? HUGE_VAL : std::nan("");
    if (what == "numbers" || what == "texts" || what == "lists") {
      expect('[');
      expect(']');
      return what == "numbers" ? Attr(Doubles{}) : what == "texts" ? Attr(Strings{}) : Attr(IntLists{});
    }
    const DType dtype = dtype_from_name(what);
    if (dtype == DType::unknown || ckpt::name(dtype) != what) {
      at_ = start;
      fail("a value");
    }
    return dtype;
  }

  Attr number_attr() {
    const char* const begin = text_.data() + at_;
    const char* const end = text_.data() + text_.size();
    std::int64_t whole = 0;
    double real = 0;
    const auto as_whole = std::from_chars(begin, end, whole);
    const auto as_real = std::from_chars(begin, end, real);
    if (as_real.ec != std::errc()) return fail("a number"), Attr(None{});
    at_ += static_cast<std::size_t>(as_real.ptr - begin);
    if (as_whole.ptr == as_real.ptr && as_whole.ec == std::errc()) return whole;
    if (as_whole.ptr == as_real.ptr) return fail("an integer of 64 bits"), Attr(None{});
    return real;
  }

  /// Of one kind, which the first element says.
  Attr list() {
    expect('[');
    blanks();
    if (accept(']')) return Ints{};
    if (peek() == '[') return rows();
    if (peek() == '"') {
      Strings texts;
      do {
        blanks();
        texts.push_back(name());
      } while (!failed_ && accept(','));
      expect(']');
      return texts;
    }
    Ints whole;
    Doubles real;
    do {
      blanks();
      const std::size_t start = at_;
      const Attr one = attribute();
      if (const auto* integer = std::get_if<std::int64_t>(&one)) {
        whole.push_back(*integer);
      } else if (const auto* value = std::get_if<double>(&one)) {
        real.push_back(*value);
      } else {
        fail("a number");
      }
      if (!whole.empty() && !real.empty()) {
        at_ = start;
        fail("numbers of one kind");
      }
    } while (!failed_ && accept(','));
    expect(']');
    return real.empty() ? Attr(std::move(whole)) : Attr(std::move(real));
  }

  Attr rows() {
    IntLists out;
    do {
      blanks();
      if (peek() != '[') {
        fail("a list");
        break;
      }
      expect('[');
      Ints row;
      while (!failed_ && !accept(']')) {
        if (!row.empty()) expect(',');
        blanks();
        const Attr one = number_attr();
        const auto* integer = std::get_if<std::int64_t>(&one);
        if (integer == nullptr) {
          fail("an integer");
          break;
        }
        row.push_back(*integer);
      }
      out.push_back(std::move(row));
    } while (!failed_ && accept(','));
    expect(']');
    return out;
  }

  Type type() {
    blanks();
    Type out;
    if (!accept('?')) {
      const std::string_view what = bare_word();
      out.dtype = dtype_from_name(what);
      if (out.dtype == DType::unknown || ckpt::name(out.dtype) != what) return fail("a type"), out;
    }
    expect('[');
    while (!failed_ && !accept(']')) {
      if (!out.dims.empty()) expect(',');
      blanks();
      if (accept('?')) {
        out.dims.emplace_back();
      } else if (std::isdigit(static_cast<unsigned char>(peek()))) {
        const Attr size = number_attr();
        const auto* integer = std::get_if<std::int64_t>(&size);
        if (integer == nullptr) return fail("a size"), out;
        out.dims.emplace_back(*integer);
      } else {
        out.dims.emplace_back(word_or_name());
      }
    }
    return out;
  }

  void define(std::string own, ValueId id, std::size_t start) {
    if (failed_ || values_.emplace(std::move(own), id).second) return;
    at_ = start;
    fail("a value of this name is there already");
  }

  ValueId value() {
    blanks();
    const std::size_t start = at_;
    const auto found = values_.find(name());
    if (failed_) return kAbsent;
    if (found != values_.end()) return found->second;
    at_ = start;
    fail("no value of this name comes before");
    return kAbsent;
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void blanks() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\r') ++at_;
  }
  bool accept(char c) {
    blanks();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!failed_ && !accept(c)) fail(std::string("'") + c + "'");
  }
  std::string_view bare_word() {
    blanks();
    const std::size_t start = at_;
    while (at_ < text_.size() && of_word(text_[at_], at_ > start)) ++at_;
    return text_.substr(start, at_ - start);
  }
  std::string word_or_name() {
    blanks();
    if (peek() == '"') return name();
    const std::string_view found = bare_word();
    if (found.empty()) fail("a word, or a name in quotes");
    return std::string(found);
  }
  std::string name() {
    blanks();
    if (failed_ || peek() != '"') return fail("a name in quotes"), std::string();
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != '"' && text_[end] != '\n') end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size() || text_[end] != '"') return fail("a name whose quotes end in the line"), std::string();
    auto out = unescape(text_.substr(at_ + 1, end - at_ - 1));
    if (!out) return fail("a name whose escapes are known"), std::string();
    at_ = end + 1;
    return std::move(*out);
  }

  void fail(std::string wanted) {
    if (failed_) return;
    failed_ = Error{.code = Errc::malformed,
                    .message = std::to_string(line_) + ":" + std::to_string(at_ - line_begin_ + 1) +
                               ": expected: " + std::move(wanted)};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t line_begin_ = 0;
  std::optional<Error> failed_ = {};
  Graph graph_ = {};
  std::unordered_map<std::string, ValueId> values_ = {};
};

}  // namespace

Result<std::string> to_text(const Graph& graph, const TextOptions& options) { return Printer(graph, options).print(); }

Result<Graph> from_text(std::string_view text) { return Parser(text).parse(); }

}  // namespace ckpt::graph

#include <cctype>
#include <charconv>
#include <cmath>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "ckpt/text.h"
#include "graph_text.h"
#include "graph_text_words.h"

namespace ckpt::graph {
namespace {

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

Result<Graph> from_text(std::string_view text) { return Parser(text).parse(); }

}  // namespace ckpt::graph

#include "name_likeness.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ckpt {
namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return (c >= 'a' && c <= 'z') || is_upper(c) || static_cast<unsigned char>(c) >= 0x80; }

// What MindSpore calls its parameters, and PyTorch.
constexpr auto kSynonyms = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"gamma", "weight"},
    {"beta", "bias"},
    {"moving", "running"},
    {"variance", "var"},
    {"table", "weight"},
    {"dense", "linear"},
    {"attn", "attention"},
});

double likeness_of_words(const NameWords::Word& a, const NameWords::Word& b) {
  if (a.text == b.text) return 1;
  if (a.number || b.number) return 0;
  for (const auto& [x, y] : kSynonyms)
    if ((a.text == x && b.text == y) || (a.text == y && b.text == x)) return 0.9;
  const std::size_t shorter = std::min(a.text.size(), b.text.size());
  std::size_t same = 0;
  while (same < shorter && a.text[same] == b.text[same]) ++same;
  if (same == 0) return 0;
  const double share = static_cast<double>(same) / static_cast<double>(std::max(a.text.size(), b.text.size()));
  return same == shorter ? 0.4 + 0.5 * share : 0.8 * share;  // q, query
}

// The last word is weight, bias ... in most names: it says less than the others.
double weight_of(const NameWords& name, std::size_t i) { return i + 1 == name.words().size() ? 0.6 : 1; }

double weight_of(const NameWords& name) {
  double sum = 0;
  for (std::size_t i = 0; i < name.words().size(); ++i) sum += weight_of(name, i);
  return sum;
}

}  // namespace

NameWords::NameWords(std::string_view name) {
  constexpr std::size_t kMaxWords = 64;  // the alignment is quadratic in them
  for (std::size_t i = 0; i < name.size() && words_.size() < kMaxWords;) {
    const bool number = is_digit(name[i]);
    if (!number && !is_word(name[i])) {
      ++i;
      continue;
    }
    std::size_t end = i + 1;
    if (number) {
      while (end < name.size() && is_digit(name[end])) ++end;
    } else {
      // A capital letter starts a word, unless the ones before are capitals too.
      while (end < name.size() && is_word(name[end]) && !(is_upper(name[end]) && !is_upper(name[end - 1]))) ++end;
    }
    std::string text(name.substr(i, end - i));
    for (char& c : text)
      if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
    words_.push_back({std::move(text), number});
    i = end;
  }
}

std::string NameWords::numbers() const {
  std::string joined;
  for (const Word& word : words_)
    if (word.number) joined += '.' + word.text;
  return joined;
}

std::string NameWords::reversed() const {
  std::string joined;
  for (std::size_t i = words_.size(); i-- > 0;) joined += words_[i].text + '.';
  return joined;
}

double likeness(const NameWords& a, const NameWords& b) {
  const std::size_t n = a.words().size();
  const std::size_t m = b.words().size();
  if (n == 0 || m == 0) return n == m ? 1 : 0;
  // The best alignment of the words up to the i-th and the j-th.
  std::vector<double> row(m + 1);
  for (std::size_t i = 0; i < n; ++i) {
    double diagonal = 0;
    for (std::size_t j = 0; j < m; ++j) {
      const double pair = likeness_of_words(a.words()[i], b.words()[j]) * (weight_of(a, i) + weight_of(b, j));
      const double best = std::max({row[j + 1], row[j], diagonal + pair});
      diagonal = std::exchange(row[j + 1], best);
    }
  }
  const double alike = row[m] / (weight_of(a) + weight_of(b));
  const std::string x = a.numbers();
  const std::string y = b.numbers();
  if (x == y) return alike;
  // Layers that are wrapped get a number more in front; another one within is another layer.
  return alike * (x.ends_with(y) || y.ends_with(x) ? 0.8 : 0.3);
}

bool are_alike(double likeness, const NameWords& a, const NameWords& b) {
  if (likeness >= kAlike) return true;
  const std::string numbers = a.numbers();
  return likeness >= kAlikeWithNumbers && !numbers.empty() && numbers == b.numbers();
}

}  // namespace ckpt

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ckpt {

/// A parameter's name in its words: `encoder.layer3.queryNorm_weight` is encoder, layer, 3, query, norm, weight.
class NameWords {
 public:
  explicit NameWords(std::string_view name);

  struct Word {
    std::string text = {};  // lower case
    bool number = false;
  };

  const std::vector<Word>& words() const noexcept { return words_; }
  /// The numbers in it, joined, and what of the end matters for it: a key that few share.
  std::string numbers() const;
  std::string last() const { return words_.empty() ? std::string() : words_.back().text; }
  /// Words joined, last word first.
  std::string reversed() const;

 private:
  std::vector<Word> words_ = {};
};

/// How alike two names are, from 0 to 1 (the same words). Their words are aligned, in order; numbers that differ weigh
/// heavily, and what one framework calls `gamma` and the other `weight` is nearly the same.
double likeness(const NameWords& a, const NameWords& b);

/// From here on two names of tensors of the same shape are taken for one that was renamed; less is enough where they
/// have the same numbers.
inline constexpr double kAlike = 0.5;
inline constexpr double kAlikeWithNumbers = 0.35;
bool are_alike(double likeness, const NameWords& a, const NameWords& b);

}  // namespace ckpt

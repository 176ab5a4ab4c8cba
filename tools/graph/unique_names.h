#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ckpt::graph {

/// Names that are given out once each. They lie one behind the other in one text: with a map of the standard library a
/// file of a million nodes takes half as long again to read.
class UniqueNames {
 public:
  /// The wanted name, or NAME_1, NAME_2 … where it is taken.
  std::string take(std::string wanted);

  /// Takes that name and no other; false where it is taken.
  bool insert(std::string_view name) { return add(name).second; }

 private:
  struct Name {
    std::size_t begin = 0;  // in the text
    std::uint32_t size = 0;
    std::uint32_t next = 1;  // number behind it
  };
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t name = 0;  // counted from 1; 0: free
  };

  std::pair<std::size_t, bool> add(std::string_view name);
  void grow();

  std::string text_ = {};
  std::vector<Name> names_ = {};
  std::vector<Slot> slots_ = {};  // a power of two, at most half of them in use
};

}  // namespace ckpt::graph

#include "unique_names.h"

#include <functional>

namespace ckpt::graph {

void UniqueNames::grow() {
  const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots_.empty() ? 64 : slots_.size() * 2));
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.name == 0) continue;
    std::size_t at = slot.hash & mask;
    while (slots_[at].name != 0) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

/// Where the name is among all of them, and whether it was not there before.
std::pair<std::size_t, bool> UniqueNames::add(std::string_view name) {
  if (2 * names_.size() >= slots_.size()) grow();
  const auto hash = static_cast<std::uint32_t>(std::hash<std::string_view>{}(name));
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  for (; slots_[at].name != 0; at = (at + 1) & mask) {
    if (slots_[at].hash != hash) continue;
    const Name& there = names_[slots_[at].name - 1];
    if (std::string_view(text_).substr(there.begin, there.size) == name) return {slots_[at].name - 1, false};
  }
  names_.push_back({.begin = text_.size(), .size = static_cast<std::uint32_t>(name.size())});
  text_ += name;
  slots_[at] = {.hash = hash, .name = static_cast<std::uint32_t>(names_.size())};
  return {names_.size() - 1, true};
}

std::string UniqueNames::take(std::string wanted) {
  const auto [index, fresh] = add(wanted);
  if (fresh) return wanted;
  for (;;) {
    std::string numbered = wanted + "_" + std::to_string(names_[index].next++);
    if (add(numbered).second) return numbered;
  }
}

}  // namespace ckpt::graph

#include <algorithm>
#include <array>
#include <cmath>
#include <compare>
#include <cstring>
#include <map>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "checkpoint_impl.h"
#include "chunks.h"
#include "ckpt/diff.h"
#include "ckpt/element.h"
#include "name_likeness.h"
#include "numbers.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

// Which entries of two checkpoints belong together.
namespace ckpt {
namespace {

// ---- by name ----

using Indices = std::vector<std::size_t>;

constexpr std::size_t kNone = ~std::size_t{0};

// Entries by name: the last of each, and for every entry the one before it of the same name.
struct Names {
  explicit Names(std::span<const TensorInfo> entries) : previous(entries.size(), kNone), repeated(entries.size()) {
    last.reserve(entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const auto [place, is_new] = last.try_emplace(entries[i].name, i);
      if (is_new) continue;
      previous[i] = std::exchange(place->second, i);
      repeated[i] = repeated[previous[i]] = true;
    }
  }

  std::unordered_map<std::string_view, std::size_t> last = {};
  Indices previous;
  std::vector<bool> repeated;
};

class NamePairing {
 public:
  NamePairing(std::span<const TensorInfo> a, std::span<const TensorInfo> b)
      : a_(a),
        b_(b),
        names_a_(a),
        names_b_(b),
        partner_(a.size(), kNone),
        by_(a.size(), PairedBy::nothing),
        taken_(b.size()) {}

  void run(const std::function<std::string(std::string_view)>& rename) {
    // A name once, at its first entry.
    for (std::size_t i = 0; rename && i < a_.size(); ++i) {
      if (names_a_.previous[i] != kNone) continue;
      const std::string other = rename(a_[i].name);
      if (other != a_[i].name) join(a_[i].name, other, PairedBy::map);
    }
    for (std::size_t i = 0; i < a_.size(); ++i)
      if (names_a_.previous[i] == kNone) join(a_[i].name, a_[i].name, PairedBy::name);
  }

  std::size_t partner(std::size_t a) const noexcept { return partner_[a]; }
  PairedBy by(std::size_t a) const noexcept { return by_[a]; }
  bool taken(std::size_t b) const noexcept { return taken_[b]; }
  bool repeated_in_a(std::size_t a) const noexcept { return names_a_.repeated[a]; }
  bool repeated_in_b(std::size_t b) const noexcept { return names_b_.repeated[b]; }
  void set(std::size_t a, std::size_t b, PairedBy by) {
    partner_[a] = b;
    by_[a] = by;
    taken_[b] = true;
  }

 private:
  // The last of a's with the last of b's, then the ones before.
  void join(std::string_view a, std::string_view b, PairedBy by) {
    const auto found = names_b_.last.find(b);
    if (found == names_b_.last.end()) return;
    std::size_t& left = found->second;  // the last that is not taken so far
    for (std::size_t i = names_a_.last.at(a); i != kNone && left != kNone; i = names_a_.previous[i]) {
      if (partner_[i] != kNone) continue;
      set(i, left, by);
      left = names_b_.previous[left];
    }
  }

  std::span<const TensorInfo> a_;
  std::span<const TensorInfo> b_;
  Names names_a_;
  Names names_b_;
  Indices partner_;
  std::vector<PairedBy> by_;
  std::vector<bool> taken_;
};

// ---- a look into the contents ----

constexpr std::size_t kRuns = 16;
constexpr std::size_t kRunElements = 16;
constexpr std::size_t kSamples = 64;
constexpr std::uint64_t kReadWhole = std::uint64_t{64} << 10;
constexpr std::size_t kSampleBytes = std::size_t{128} << 10;

using Hash = std::array<std::uint64_t, 2>;

Hash to_hash(XXH128_hash_t hash) noexcept { return {hash.low64, hash.high64}; }

// Bytes from some places of an entry: the same ones for all of a shape.
struct Sample {
  Hash hash = {};
  bool plain = true;                        // all the same: says little
  std::array<float, kSamples> values = {};  // less their mean; zeros where there are none
  double mean = 0;
  double norm = 0;  // of the values
};

// The tensor that stands for an entry: of a map its values, the second part.
const TensorInfo& face_of(const TensorInfo& entry) noexcept {
  if (entry.kind != Kind::map || entry.parts.empty()) return entry;
  return entry.parts[entry.parts.size() > 1 ? 1 : 0];
}

class Sampler {
 public:
  explicit Sampler(std::span<const SourcePtr> sources) : reader_(sources, kSampleBytes) {}

  Result<Sample> take(const TensorInfo& entry) {
    const TensorInfo& tensor = face_of(entry);
    const std::uint64_t width = has_values(tensor) ? size_of(tensor.dtype) : 1;
    const std::uint64_t count = tensor.byte_size / width;
    std::vector<std::byte> bytes;
    if (auto status = gather(tensor, width, count, bytes); !status) return status.error();
    Sample sample;
    sample.hash = to_hash(XXH3_128bits(bytes.data(), bytes.size()));
    const std::span<const std::byte> all(bytes);
    for (std::size_t i = static_cast<std::size_t>(width); i + width <= bytes.size();
         i += static_cast<std::size_t>(width))
      if (std::memcmp(&bytes[i], bytes.data(), static_cast<std::size_t>(width)) != 0) sample.plain = false;
    if (has_values(tensor)) set_values(tensor.dtype, all, sample);
    return sample;
  }

  // Of all bytes.
  Result<Hash> hash(const TensorInfo& entry) {
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    const auto add = [&](const TensorInfo& tensor) -> Status {
      for (std::uint64_t at = 0; at < tensor.byte_size; at += kSampleBytes) {
        auto block = reader_.read(
            tensor, at, static_cast<std::size_t>(std::min<std::uint64_t>(kSampleBytes, tensor.byte_size - at)));
        if (!block) return std::move(block).error();
        XXH3_128bits_update(&state, block->data(), block->size());
      }
      return {};
    };
    if (entry.kind != Kind::map) {
      if (auto status = add(entry); !status) return status.error();
    }
    for (const TensorInfo& part : entry.parts)
      if (auto status = add(part); !status) return status.error();
    return to_hash(XXH3_128bits_digest(&state));
  }

 private:
  // Sixteen runs of sixteen elements, from the start to the end.
  Status gather(const TensorInfo& tensor, std::uint64_t width, std::uint64_t count, std::vector<std::byte>& bytes) {
    if (count <= kRuns * kRunElements || tensor.byte_size <= kReadWhole) {
      auto block = reader_.read(tensor, 0, static_cast<std::size_t>(std::min(tensor.byte_size, kReadWhole)));
      if (!block) return std::move(block).error();
      if (count <= kRuns * kRunElements) {
        bytes.assign(block->begin(), block->end());
        return {};
      }
      for (std::size_t run = 0; run < kRuns; ++run) {
        const auto part = block->subspan(static_cast<std::size_t>(start_of(run, count) * width),
                                         static_cast<std::size_t>(kRunElements * width));
        bytes.insert(bytes.end(), part.begin(), part.end());
      }
      return {};
    }
    for (std::size_t run = 0; run < kRuns; ++run) {
      auto part = reader_.read(tensor, start_of(run, count) * width, static_cast<std::size_t>(kRunElements * width));
      if (!part) return std::move(part).error();
      bytes.insert(bytes.end(), part->begin(), part->end());
    }
    return {};
  }

  static std::uint64_t start_of(std::size_t run, std::uint64_t count) noexcept {
    const std::uint64_t last = count - kRunElements;
    return last / (kRuns - 1) * run + last % (kRuns - 1) * run / (kRuns - 1);
  }

  static void set_values(DType dtype, std::span<const std::byte> bytes, Sample& sample) {
    const std::size_t width = size_of(dtype);
    const std::size_t count = bytes.size() / width;
    const std::size_t take = std::min(count, kSamples);
    double sum = 0;
    for (std::size_t i = 0; i < take; ++i) {
      double value = 0;
      to_double(dtype, bytes.subspan(i * count / take * width, width), {&value, 1});
      sample.values[i] = std::isfinite(value) ? static_cast<float>(value) : 0.0F;
      sum += static_cast<double>(sample.values[i]);
    }
    if (take == 0) return;
    sample.mean = sum / static_cast<double>(take);
    double squares = 0;
    for (std::size_t i = 0; i < take; ++i) {
      const double centered = static_cast<double>(sample.values[i]) - sample.mean;
      sample.values[i] = static_cast<float>(centered);
      squares += centered * centered;
    }
    sample.norm = std::sqrt(squares);
  }

  ChunkReader reader_;
};

// How far apart two samples are, as a part of their size: 0 for the same, about 1.4 for any two.
double distance(const Sample& a, const Sample& b) noexcept {
  const double size = std::max(a.norm, b.norm);
  if (size == 0) return 2;
  double squares = (a.mean - b.mean) * (a.mean - b.mean) * static_cast<double>(kSamples);
  for (std::size_t i = 0; i < kSamples; ++i) {
    const double d = static_cast<double>(a.values[i]) - static_cast<double>(b.values[i]);
    squares += d * d;
  }
  return std::sqrt(squares) / size;
}

// ---- by other means than the name ----

// An entry without a partner.
struct Lone {
  std::size_t index = 0;
  const TensorInfo* entry = nullptr;
  NameWords words;
  Sample sample = {};
  bool paired = false;
};

// Two entries that may belong together.
struct Candidate {
  double score = 0;
  std::size_t a = 0;
  std::size_t b = 0;
};

class Detective {
 public:
  Detective(const Checkpoint& a, const Checkpoint& b, NamePairing& pairing)
      : a_(a), b_(b), sampler_a_(sources_of(a)), sampler_b_(sources_of(b)), pairing_(pairing) {}

  Status run() {
    // Entries of one shape, and only where both sides have some.
    std::map<std::string, std::array<std::vector<Lone>, 2>> shapes;
    for (std::size_t i = 0; i < a_.tensors().size(); ++i)
      if (pairing_.partner(i) == kNone) add(shapes, 0, i, a_.tensors()[i]);
    for (std::size_t i = 0; i < b_.tensors().size(); ++i)
      if (!pairing_.taken(i)) add(shapes, 1, i, b_.tensors()[i]);
    for (auto& [shape, sides] : shapes)
      if (!sides[0].empty() && !sides[1].empty())
        if (auto status = pair(sides[0], sides[1]); !status) return status;
    return {};
  }

 private:
  using Lones = std::vector<Lone>;

  static std::string shape_of(const TensorInfo& entry) {
    std::string shape = std::string(name(entry.kind));
    if (entry.kind == Kind::opaque) shape += entry.type_name + ' ' + std::to_string(entry.byte_size);
    if (entry.kind == Kind::string) return shape;
    for (const std::int64_t dim : entry.dims) shape += ' ' + std::to_string(dim);
    for (const TensorInfo& part : entry.parts) shape += ',' + shape_of(part);
    return shape;
  }

  static void add(std::map<std::string, std::array<Lones, 2>>& shapes, std::size_t side, std::size_t index,
                  const TensorInfo& entry) {
    shapes[shape_of(entry)][side].push_back({index, &entry, NameWords(entry.name)});
  }

  Status pair(Lones& a, Lones& b) {
    for (Lone& lone : a)
      if (auto status = look(sampler_a_, lone); !status) return status;
    for (Lone& lone : b)
      if (auto status = look(sampler_b_, lone); !status) return status;
    if (auto status = by_content(a, b); !status) return status;
    by_values(a, b);
    by_likeness(a, b);
    return {};
  }

  static Status look(Sampler& sampler, Lone& lone) {
    auto sample = sampler.take(*lone.entry);
    if (!sample) return std::move(sample).error();
    lone.sample = *sample;
    return {};
  }

  // The best first; of equally good ones those that stand at about the same place.
  void choose(Lones& a, Lones& b, std::vector<Candidate> matches, PairedBy by) {
    const auto apart = [](const Candidate& m) { return m.a > m.b ? m.a - m.b : m.b - m.a; };
    std::sort(matches.begin(), matches.end(), [&](const Candidate& x, const Candidate& y) {
      if (x.score != y.score) return x.score > y.score;
      if (apart(x) != apart(y)) return apart(x) < apart(y);
      return std::pair(x.a, x.b) < std::pair(y.a, y.b);
    });
    for (const Candidate& match : matches) {
      if (a[match.a].paired || b[match.b].paired) continue;
      a[match.a].paired = b[match.b].paired = true;
      pairing_.set(a[match.a].index, b[match.b].index, by);
    }
  }

  // ---- content ----

  Status by_content(Lones& a, Lones& b) {
    using Key = std::pair<DType, Hash>;
    std::map<Key, std::array<Indices, 2>> groups;
    const auto sort_in = [&](const Lones& lones, std::size_t side) {
      for (std::size_t i = 0; i < lones.size(); ++i)
        if (!lones[i].sample.plain || lones[i].entry->kind == Kind::string)
          groups[{lones[i].entry->dtype, lones[i].sample.hash}][side].push_back(i);
    };
    sort_in(a, 0);
    sort_in(b, 1);
    for (const auto& [key, sides] : groups) {
      if (sides[0].empty() || sides[1].empty()) continue;
      if (sides[0].size() == 1 && sides[1].size() == 1)
        choose(a, b, {{1, sides[0][0], sides[1][0]}}, PairedBy::content);
      else if (auto status = by_all_bytes(a, b, sides); !status)
        return status;
    }
    return {};
  }

  // Several look the same: all their bytes decide, and then their names.
  Status by_all_bytes(Lones& a, Lones& b, const std::array<Indices, 2>& sides) {
    std::map<Hash, std::array<Indices, 2>> groups;
    for (const std::size_t i : sides[0]) {
      auto hash = sampler_a_.hash(*a[i].entry);
      if (!hash) return std::move(hash).error();
      groups[*hash][0].push_back(i);
    }
    for (const std::size_t i : sides[1]) {
      auto hash = sampler_b_.hash(*b[i].entry);
      if (!hash) return std::move(hash).error();
      groups[*hash][1].push_back(i);
    }
    for (const auto& [hash, same] : groups) choose(a, b, candidates(a, b, same[0], same[1], 0), PairedBy::content);
    return {};
  }

  // ---- values ----

  // Neighbours in the order of some number that is nearly the same for nearly the same values, and different for
  // others.
  void by_values(Lones& a, Lones& b) {
    constexpr double kNear = 0.25;
    constexpr std::size_t kWindow = 8;
    struct Place {
      double at = 0;
      std::size_t index = 0;
    };
    std::vector<Candidate> matches;
    for (std::size_t projection = 0; projection < 4; ++projection) {
      const auto places_of = [&](const Lones& lones) {
        std::vector<Place> places;
        for (std::size_t i = 0; i < lones.size(); ++i)
          if (!lones[i].paired && lones[i].sample.norm > 0) places.push_back({project(lones[i].sample, projection), i});
        std::sort(places.begin(), places.end(),
                  [](const Place& x, const Place& y) { return std::pair(x.at, x.index) < std::pair(y.at, y.index); });
        return places;
      };
      const auto left = places_of(a);
      const auto right = places_of(b);
      for (const Place& place : left) {
        const auto middle =
            static_cast<std::size_t>(std::lower_bound(right.begin(), right.end(), place.at,
                                                      [](const Place& p, double at) { return p.at < at; }) -
                                     right.begin());
        for (std::size_t k = middle > kWindow ? middle - kWindow : 0; k < std::min(right.size(), middle + kWindow);
             ++k) {
          const double d = distance(a[place.index].sample, b[right[k].index].sample);
          if (d <= kNear) matches.push_back({-d, place.index, right[k].index});
        }
      }
    }
    choose(a, b, std::move(matches), PairedBy::values);
  }

  // A sum with signs that look random.
  static double project(const Sample& sample, std::size_t projection) noexcept {
    double sum = 0;
    for (std::size_t i = 0; i < kSamples; ++i) {
      const std::uint64_t bits = (i + 1) * 0x9E3779B97F4A7C15u >> (32 + projection);
      sum += (bits & 1) != 0 ? static_cast<double>(sample.values[i]) : -static_cast<double>(sample.values[i]);
    }
    return sum;
  }

  // ---- names ----

  void by_likeness(Lones& a, Lones& b) {
    const auto rest = [](const Lones& lones) {
      Indices indices;
      for (std::size_t i = 0; i < lones.size(); ++i)
        if (!lones[i].paired) indices.push_back(i);
      return indices;
    };
    choose(a, b, candidates(a, b, rest(a), rest(b), kAlikeWithNumbers), PairedBy::likeness);
  }

  // Pairs of names that are alike. Of few names all are looked at; of many those that share a key.
  static std::vector<Candidate> candidates(const Lones& a, const Lones& b, const Indices& left, const Indices& right,
                                           double threshold) {
    constexpr std::size_t kAll = 16384;
    std::vector<Candidate> matches;
    const auto consider = [&](std::size_t i, std::size_t j) {
      const double score = likeness(a[i].words, b[j].words);
      if (threshold == 0 || are_alike(score, a[i].words, b[j].words)) matches.push_back({score, i, j});
    };
    if (left.size() * right.size() <= kAll) {
      for (const std::size_t i : left)
        for (const std::size_t j : right) consider(i, j);
      return matches;
    }
    for (const auto& key : {numbers_and_last, numbers_only, last_words})
      for_each_shared(a, b, left, right, key, consider);
    // And, where neither says anything, by their order: so that none of the same content is left.
    if (threshold == 0)
      for (std::size_t k = 0; k < std::min(left.size(), right.size()); ++k) matches.push_back({0, left[k], right[k]});
    return matches;
  }

  static std::string numbers_and_last(const NameWords& words) { return words.numbers() + ' ' + words.last(); }
  static std::string numbers_only(const NameWords& words) { return words.numbers(); }
  static std::string last_words(const NameWords& words) {
    const std::string reversed = words.reversed();
    std::size_t end = 0;
    for (int dots = 0; end < reversed.size() && dots < 4; ++end) dots += reversed[end] == '.';
    return reversed.substr(0, end);
  }

  template <class Consider>
  static void for_each_shared(const Lones& a, const Lones& b, const Indices& left, const Indices& right,
                              std::string (*key)(const NameWords&), const Consider& consider) {
    constexpr std::size_t kMost = 24;  // of those that share a key the nearest by place
    std::unordered_map<std::string, Indices> keys;
    for (const std::size_t j : right) keys[key(b[j].words)].push_back(j);
    for (const std::size_t i : left) {
      const auto found = keys.find(key(a[i].words));
      if (found == keys.end()) continue;
      const Indices& same = found->second;
      const auto middle = static_cast<std::size_t>(std::lower_bound(same.begin(), same.end(), i) - same.begin());
      const std::size_t begin = middle > kMost / 2 ? middle - kMost / 2 : 0;
      for (std::size_t k = begin; k < std::min(same.size(), begin + kMost); ++k) consider(i, same[k]);
    }
  }

  const Checkpoint& a_;
  const Checkpoint& b_;
  Sampler sampler_a_;
  Sampler sampler_b_;
  NamePairing& pairing_;
};

}  // namespace

Result<std::vector<Pair>> pair_tensors(const Checkpoint& a, const Checkpoint& b, const PairOptions& options) {
  const auto left = a.tensors();
  const auto right = b.tensors();
  NamePairing pairing(left, right);
  pairing.run(options.rename);
  if (options.detect_renames) {
    if (auto status = Detective(a, b, pairing).run(); !status) return status.error();
  }
  std::vector<Pair> pairs;
  pairs.reserve(std::max(left.size(), right.size()));
  for (std::size_t i = 0; i < left.size(); ++i) {
    Pair pair{.a = &left[i], .by = pairing.by(i), .repeated = pairing.repeated_in_a(i)};
    if (const std::size_t partner = pairing.partner(i); partner != kNone) {
      pair.b = &right[partner];
      pair.repeated |= pairing.repeated_in_b(partner);
    }
    pairs.push_back(pair);
  }
  for (std::size_t i = 0; i < right.size(); ++i)
    if (!pairing.taken(i)) pairs.push_back({.b = &right[i], .repeated = pairing.repeated_in_b(i)});
  return pairs;
}

}  // namespace ckpt

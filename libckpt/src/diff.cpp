#include "ckpt/diff.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <utility>

#include "checkpoint_impl.h"
#include "chunks.h"
#include "numbers.h"
#include "pair_metrics.h"

namespace ckpt {
namespace {

constexpr std::size_t kCompareBytes = std::size_t{128}
                                      << 10;  // of each file: together they stay in the second-level cache

// Two entries whose payloads are read.
struct Work {
  TensorDiff* diff = nullptr;
  Tolerance tolerance = {};
  std::uint64_t elements = 0;
  std::uint64_t width_a = 1;
  std::uint64_t width_b = 1;
  std::unique_ptr<MetricSums> sums = {};  // where something differs: of most tensors nothing does
  bool same_bytes = true;
  // Chunks without a difference, of which a later pass adds the norms if there is one elsewhere.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> same_chunks = {};  // [first, end) in elements

  const TensorInfo& a() const noexcept { return *diff->pair.a; }
  const TensorInfo& b() const noexcept { return *diff->pair.b; }
  bool by_value() const noexcept { return diff->basis == Basis::values; }
};

// What a chunk yields.
struct Part {
  MetricSums sums = {};
  bool same_bytes = true;
};

bool same_type(const TensorInfo& a, const TensorInfo& b) noexcept {
  return a.dtype == b.dtype && (a.dtype != DType::unknown || a.type_name == b.type_name);
}

Basis basis_of(const TensorInfo& a, const TensorInfo& b) noexcept {
  if (a.kind != b.kind) return Basis::nothing;
  if (a.kind == Kind::map) return Basis::parts;
  if (a.kind == Kind::string) return Basis::text;
  if (has_values(a) && has_values(b) && a.element_count() == b.element_count()) return Basis::values;
  return same_type(a, b) && a.byte_size == b.byte_size ? Basis::bytes : Basis::nothing;
}

class Comparison {
 public:
  Comparison(const Checkpoint& a, const Checkpoint& b, const CompareOptions& options)
      : sources_a_(sources_of(a)), sources_b_(sources_of(b)), options_(options) {}

  Result<std::vector<TensorDiff>> run(std::span<const Pair> pairs) {
    std::vector<TensorDiff> diffs;
    diffs.reserve(pairs.size());
    for (const Pair& pair : pairs) diffs.push_back(start(pair));
    works_.reserve(diffs.size());
    for (TensorDiff& diff : diffs)
      if (auto status = collect(diff, diff.pair.a); !status) return status.error();
    if (auto status = compare_all(); !status) return status.error();
    for (Work& work : works_) finish(work);
    for (TensorDiff& diff : diffs) conclude(diff);
    for (const auto sources : {sources_a_, sources_b_})
      if (auto status = verify_unchanged(sources); !status) return status.error();
    return diffs;
  }

 private:
  struct Worker {
    ChunkReader a;
    ChunkReader b;
  };

  static TensorDiff start(const Pair& pair) {
    TensorDiff diff{.pair = pair};
    if (pair.a == nullptr || pair.b == nullptr) return diff;
    diff.basis = basis_of(*pair.a, *pair.b);
    if (diff.basis != Basis::parts) return diff;
    // Keys, values and status: by their names, which they have from their order.
    const auto& a = pair.a->parts;
    const auto& b = pair.b->parts;
    for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
      const Pair part{i < a.size() ? &a[i] : nullptr, i < b.size() ? &b[i] : nullptr,
                      i < std::min(a.size(), b.size()) ? PairedBy::name : PairedBy::nothing};
      diff.parts.push_back(start(part));
    }
    return diff;
  }

  // What is to be read. Strings are compared at once: they are few and short.
  Status collect(TensorDiff& diff, const TensorInfo* entry) {
    for (TensorDiff& part : diff.parts)
      if (auto status = collect(part, entry); !status) return status;
    if (diff.basis == Basis::text) return compare_text(diff);
    if (diff.basis != Basis::values && diff.basis != Basis::bytes) return {};
    Work work{.diff = &diff};
    work.tolerance = options_.tolerance_for ? options_.tolerance_for(*entry) : options_.tolerance;
    if (!(work.tolerance.atol >= 0) || !(work.tolerance.rtol >= 0))
      return Error{.code = Errc::usage, .tensor = entry->name, .message = "a tolerance is not below zero"};
    if (work.by_value()) {
      work.width_a = size_of(work.a().dtype);
      work.width_b = size_of(work.b().dtype);
    }
    work.elements = work.a().byte_size / work.width_a;
    works_.push_back(std::move(work));
    return {};
  }

  Status compare_text(TensorDiff& diff) const {
    const TensorInfo& a = *diff.pair.a;
    const TensorInfo& b = *diff.pair.b;
    ChunkReader reader_a(sources_a_, 4096);
    ChunkReader reader_b(sources_b_, 4096);
    // Beyond an end there are NULs, which do not count.
    const auto block_of = [](ChunkReader& reader, const TensorInfo& text, std::uint64_t at,
                             std::array<std::byte, 4096>& block) -> Status {
      block.fill(std::byte{0});
      if (at >= text.byte_size) return {};
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), text.byte_size - at));
      auto bytes = reader.read(text, at, size);
      if (!bytes) return std::move(bytes).error();
      std::memcpy(block.data(), bytes->data(), size);
      return {};
    };
    diff.values = a.byte_size == b.byte_size ? Change::identical : Change::within_tolerance;
    for (std::uint64_t at = 0; at < std::max(a.byte_size, b.byte_size); at += 4096) {
      std::array<std::byte, 4096> x;
      std::array<std::byte, 4096> y;
      if (auto status = block_of(reader_a, a, at, x); !status) return status;
      if (auto status = block_of(reader_b, b, at, y); !status) return status;
      if (x == y) continue;
      diff.values = Change::changed;
      return {};
    }
    return {};
  }

  ChunkPlan plan_of(std::span<Work* const> works) const {
    std::vector<ChunkPlan::Item> items;
    for (const Work* work : works) items.push_back({work->elements, work->width_a + work->width_b});
    return ChunkPlan(items);
  }

  Worker make_worker() const {
    return {ChunkReader(sources_a_, kCompareBytes), ChunkReader(sources_b_, kCompareBytes)};
  }

  static void expect(Worker& worker, std::span<Work* const> works, std::span<const Chunk> chunks) {
    std::vector<const TensorInfo*> a;
    std::vector<const TensorInfo*> b;
    if (chunks.size() > 1) {
      for (const Chunk& chunk : chunks) {
        a.push_back(&works[chunk.item]->a());
        b.push_back(&works[chunk.item]->b());
      }
    }
    worker.a.expect(a);
    worker.b.expect(b);
  }

  Status compare_all() {
    std::vector<Work*> all;
    for (Work& work : works_) all.push_back(&work);
    const ChunkPlan plan = plan_of(all);
    Meter meter(options_.progress, plan.bytes());
    const auto work_on = [&](Worker& worker, std::uint64_t unit) -> Result<std::vector<Part>> {
      const auto chunks = plan.chunks(unit);
      expect(worker, all, chunks);
      std::vector<Part> parts;
      parts.reserve(chunks.size());
      for (const Chunk& chunk : chunks) {
        auto part = compare_chunk(worker, *all[chunk.item], chunk);
        if (!part) return std::move(part).error();
        parts.push_back(std::move(*part));
      }
      if (auto status = meter.add(plan.bytes(chunks)); !status) return status.error();
      return parts;
    };
    const auto merge = [&](std::uint64_t unit, std::vector<Part>&& parts) {
      const auto chunks = plan.chunks(unit);
      for (std::size_t i = 0; i < chunks.size(); ++i) {
        Work& work = *all[chunks[i].item];
        if (!parts[i].same_bytes) {
          work.same_bytes = false;
          if (!work.sums) work.sums = std::make_unique<MetricSums>();
          work.sums->add(parts[i].sums);
          continue;
        }
        if (chunks[i].count == work.elements) continue;  // there is no elsewhere
        auto& same = work.same_chunks;
        if (!same.empty() && same.back().second == chunks[i].first)
          same.back().second += chunks[i].count;
        else
          same.emplace_back(chunks[i].first, chunks[i].first + chunks[i].count);
      }
    };
    auto status = in_order(
        options_.threads, plan.units(), [&] { return make_worker(); }, work_on, merge);
    return status ? add_norms(meter) : status;
  }

  // Calls visit(a, b, first) for blocks of both; a false result stops.
  template <class Visit>
  Status read(Worker& worker, const Work& work, const Chunk& chunk, const Visit& visit) const {
    const std::uint64_t at_once = kCompareBytes / std::max(work.width_a, work.width_b);
    for (std::uint64_t done = 0; done < chunk.count;) {
      const std::uint64_t take = std::min(at_once, chunk.count - done);
      const std::uint64_t first = chunk.first + done;
      auto a = worker.a.read(work.a(), first * work.width_a, static_cast<std::size_t>(take * work.width_a));
      if (!a) return std::move(a).error();
      auto b = worker.b.read(work.b(), first * work.width_b, static_cast<std::size_t>(take * work.width_b));
      if (!b) return std::move(b).error();
      if (!visit(*a, *b, first)) return {};
      done += take;
    }
    return {};
  }

  // Nothing is computed of a chunk until a difference shows, then everything from its start.
  Result<Part> compare_chunk(Worker& worker, const Work& work, const Chunk& chunk) const {
    Part part;
    const bool same_type_of = same_type(work.a(), work.b());
    part.same_bytes = same_type_of;
    if (same_type_of) {
      auto status = read(worker, work, chunk, [&](auto a, auto b, std::uint64_t) {
        part.same_bytes = std::memcmp(a.data(), b.data(), a.size()) == 0;
        return part.same_bytes;
      });
      if (!status) return status.error();
      if (part.same_bytes) return part;
    }
    const auto metrics = work.by_value() ? metrics_by_value(work.a().dtype, work.b().dtype, work.tolerance) : nullptr;
    auto status = read(worker, work, chunk, [&](auto a, auto b, std::uint64_t first) {
      if (metrics)
        metrics->add(a, b, first, part.sums);
      else
        add_bytes(a, b, first, part.sums);
      return true;
    });
    if (!status) return status.error();
    return part;
  }

  // The norms of what did not change, of tensors that changed elsewhere.
  Status add_norms(Meter& meter) {
    struct Stretch {
      Work* work = nullptr;
      std::uint64_t first = 0;
    };
    std::vector<Stretch> runs;
    std::vector<ChunkPlan::Item> items;
    for (Work& work : works_) {
      if (work.same_bytes || !work.by_value() || work.sums->changed == 0) continue;
      for (const auto& [first, end] : work.same_chunks) {
        runs.push_back({&work, first});
        items.push_back({end - first, work.width_a});
      }
    }
    const ChunkPlan plan(items);
    const auto work_on = [&](ChunkReader& reader, std::uint64_t unit) -> Result<std::vector<MetricSums>> {
      const auto chunks = plan.chunks(unit);
      std::vector<MetricSums> parts;
      for (const Chunk& chunk : chunks) {
        const Stretch& run = runs[chunk.item];
        auto sums = norms_of(reader, *run.work, run.first + chunk.first, chunk.count);
        if (!sums) return std::move(sums).error();
        parts.push_back(*sums);
      }
      if (auto status = meter.add(plan.bytes(chunks)); !status) return status.error();
      return parts;
    };
    const auto merge = [&](std::uint64_t unit, std::vector<MetricSums>&& parts) {
      const auto chunks = plan.chunks(unit);
      for (std::size_t i = 0; i < chunks.size(); ++i) runs[chunks[i].item].work->sums->add_unchanged(parts[i]);
    };
    return in_order(
        options_.threads, plan.units(), [&] { return ChunkReader(sources_a_, kCompareBytes); }, work_on, merge);
  }

  static Result<MetricSums> norms_of(ChunkReader& reader, const Work& work, std::uint64_t first, std::uint64_t count) {
    MetricSums sums;
    const auto metrics = metrics_by_value(work.a().dtype, work.a().dtype, {});
    const std::uint64_t at_once = kCompareBytes / work.width_a;
    for (std::uint64_t done = 0; done < count;) {
      const std::uint64_t take = std::min(at_once, count - done);
      auto bytes = reader.read(work.a(), (first + done) * work.width_a, static_cast<std::size_t>(take * work.width_a));
      if (!bytes) return std::move(bytes).error();
      metrics->add(*bytes, *bytes, first + done, sums);
      done += take;
    }
    return sums;
  }

  static void finish(Work& work) {
    TensorDiff& diff = *work.diff;
    diff.metrics = work.sums ? work.sums->metrics(work.elements) : MetricSums{}.metrics(work.elements);
    if (!work.same_bytes && work.by_value() && work.tolerance.ulp && work.a().dtype == work.b().dtype)
      diff.metrics->max_ulp = work.sums->max_ulp;
    diff.values = work.same_bytes           ? Change::identical
                  : work.sums->outside == 0 ? Change::within_tolerance
                                            : Change::changed;
  }

  static void conclude(TensorDiff& diff) {
    const TensorInfo* a = diff.pair.a;
    const TensorInfo* b = diff.pair.b;
    if (a == nullptr || b == nullptr) {
      diff.change = diff.values = a == nullptr ? Change::added : Change::removed;
      return;
    }
    for (TensorDiff& part : diff.parts) conclude(part);
    if (diff.basis == Basis::nothing) diff.values = Change::changed;
    if (diff.basis == Basis::parts) {
      diff.values = Change::identical;
      for (const TensorDiff& part : diff.parts)
        diff.values = std::max(diff.values, part.change > Change::changed ? Change::changed : part.change);
    }
    const bool other_name = diff.pair.by != PairedBy::name && a->name != b->name;
    diff.change = a->kind != b->kind || !same_type(*a, *b)        ? Change::dtype_changed
                  : a->kind != Kind::string && a->dims != b->dims ? Change::reshaped
                  : other_name                                    ? Change::renamed
                                                                  : diff.values;
  }

  std::span<const SourcePtr> sources_a_;
  std::span<const SourcePtr> sources_b_;
  const CompareOptions& options_;
  std::vector<Work> works_ = {};
};

}  // namespace

std::string_view name(PairedBy by) noexcept {
  switch (by) {
    case PairedBy::nothing:
      return "";
    case PairedBy::name:
      return "name";
    case PairedBy::map:
      return "map";
    case PairedBy::content:
      return "content";
    case PairedBy::values:
      return "values";
    case PairedBy::likeness:
      return "likeness";
  }
  return "";
}

std::string_view name(Change change) noexcept {
  switch (change) {
    case Change::identical:
      return "identical";
    case Change::within_tolerance:
      return "within_tolerance";
    case Change::changed:
      return "changed";
    case Change::added:
      return "added";
    case Change::removed:
      return "removed";
    case Change::renamed:
      return "renamed";
    case Change::reshaped:
      return "reshaped";
    case Change::dtype_changed:
      return "dtype_changed";
  }
  return "";
}

std::string_view name(Basis basis) noexcept {
  switch (basis) {
    case Basis::nothing:
      return "nothing";
    case Basis::values:
      return "values";
    case Basis::bytes:
      return "bytes";
    case Basis::text:
      return "text";
    case Basis::parts:
      return "parts";
  }
  return "";
}

bool differs(const TensorDiff& diff) noexcept {
  if (diff.change == Change::renamed && diff.pair.by == PairedBy::map) return diff.values == Change::changed;
  return diff.change != Change::identical && diff.change != Change::within_tolerance;
}

Result<std::vector<TensorDiff>> compare(const Checkpoint& a, const Checkpoint& b, std::span<const Pair> pairs,
                                        const CompareOptions& options) {
  return Comparison(a, b, options).run(pairs);
}

Result<std::optional<std::uint64_t>> next_difference(const Checkpoint& file_a, const TensorInfo& a,
                                                     const Checkpoint& file_b, const TensorInfo& b, std::uint64_t from,
                                                     const CompareOptions& options) {
  if (basis_of(a, b) != Basis::values)
    return Error{.code = Errc::usage, .tensor = a.name, .message = "these are not compared by their values"};
  const Tolerance tolerance = options.tolerance_for ? options.tolerance_for(a) : options.tolerance;
  const std::size_t width_a = size_of(a.dtype);
  const std::size_t width_b = size_of(b.dtype);
  const std::uint64_t at_once = kCompareBytes / std::max(width_a, width_b);
  const std::uint64_t elements = a.byte_size / width_a;
  const auto metrics = metrics_by_value(a.dtype, b.dtype, tolerance);
  std::vector<std::byte> block_a(at_once * width_a);
  std::vector<std::byte> block_b(at_once * width_b);
  for (std::uint64_t at = from; at < elements;) {
    const auto take = static_cast<std::size_t>(std::min(at_once, elements - at));
    const auto x = std::span(block_a).first(take * width_a);
    const auto y = std::span(block_b).first(take * width_b);
    if (auto status = file_a.read(a, at * width_a, x); !status) return status.error();
    if (auto status = file_b.read(b, at * width_b, y); !status) return status.error();
    MetricSums sums;
    if (!same_type(a, b) || !std::ranges::equal(x, y)) metrics->add(x, y, at, sums);
    if (sums.outside > 0) {
      const auto compared = compare_elements(a.dtype, x, b.dtype, y, tolerance);
      const auto found = std::ranges::find(compared, Change::changed, &ElementDiff::change);
      return std::optional(at + static_cast<std::uint64_t>(found - compared.begin()));
    }
    at += take;
    if (options.progress && !options.progress(at - from, elements - from)) return Error{.code = Errc::cancelled};
  }
  return std::optional<std::uint64_t>();
}

Result<std::vector<TensorDiff>> diff(const Checkpoint& a, const Checkpoint& b, const DiffOptions& options) {
  auto pairs = pair_tensors(a, b, options.pairing);
  if (!pairs) return std::move(pairs).error();
  return compare(a, b, *pairs, options.comparing);
}

}  // namespace ckpt

#include "ckpt/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <utility>

#include "checkpoint_impl.h"
#include "chunks.h"
#include "distribution.h"
#include "moments.h"
#include "numbers.h"

namespace ckpt {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{256} << 10;
constexpr std::uint64_t kSortElements = 4096;             // up to here sorting is cheaper than counting
constexpr std::size_t kPassBytes = std::size_t{8} << 20;  // for what a pass collects
constexpr unsigned kMaxBins = 65536;
constexpr std::size_t kMaxQuantiles = 10'000;

// ---- quantiles of values at hand ----

template <class Real>
std::vector<Quantile> quantiles_of(std::vector<Real>& values, std::span<const double> fractions) {
  std::sort(values.begin(), values.end());
  std::vector<Quantile> out;
  for (const double fraction : fractions) {
    if (values.empty()) {
      out.push_back({fraction, std::numeric_limits<double>::quiet_NaN(), true});
      continue;
    }
    const QuantilePlace place = quantile_place(fraction, values.size());
    out.push_back({fraction,
                   place.between(static_cast<double>(values[static_cast<std::size_t>(place.below)]),
                                 static_cast<double>(values[static_cast<std::size_t>(place.above)])),
                   true});
  }
  return out;
}

// The ranks that make the quantiles, ascending.
std::vector<std::uint64_t> ranks_of(std::span<const double> fractions, std::uint64_t finite) {
  std::vector<std::uint64_t> ranks;
  for (const double fraction : fractions) {
    const QuantilePlace place = quantile_place(fraction, finite);
    ranks.push_back(place.below);
    ranks.push_back(place.above);
  }
  std::sort(ranks.begin(), ranks.end());
  ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  return ranks;
}

template <class ValueOf>
std::vector<Quantile> quantiles_from(std::span<const double> fractions, std::uint64_t finite, bool exact,
                                     const ValueOf& value_of) {
  std::vector<Quantile> out;
  for (const double fraction : fractions) {
    if (finite == 0) {
      out.push_back({fraction, std::numeric_limits<double>::quiet_NaN(), true});
      continue;
    }
    const QuantilePlace place = quantile_place(fraction, finite);
    out.push_back({fraction, place.between(value_of(place.below), value_of(place.above)), exact});
  }
  return out;
}

std::vector<Quantile> approximate_quantiles(const Sketch& sketch, const Statistics& of, DType dtype,
                                            std::span<const double> fractions) {
  if (of.finite == 0) return quantiles_from(fractions, 0, true, [](std::uint64_t) { return 0.0; });
  const auto ranks = ranks_of(fractions, of.finite);
  const bool exact = fits_upper_half(dtype) || of.min == of.max;
  const auto values = approximate_values(sketch, ranks, of.min, of.max, fits_upper_half(dtype));
  return quantiles_from(fractions, of.finite, exact, [&](std::uint64_t rank) {
    return values[static_cast<std::size_t>(std::lower_bound(ranks.begin(), ranks.end(), rank) - ranks.begin())];
  });
}

// ---- a run of elements ----

// What a chunk yields. Only small tensors, which are one chunk, have their histogram and quantiles at once.
struct Part {
  Moments moments = {};
  std::vector<std::uint32_t> sketch = {};
  std::optional<Histogram> histogram = {};
  std::vector<Quantile> quantiles = {};
};

// What a later pass over a chunk yields.
struct SecondPart {
  HistogramCounter::Counts histogram = {};
  RankFinder::Hits hits = {};
};

// Calls visit(values, count, first) for blocks of a run of elements, in the type they are computed with.
template <class Real, class Visit>
void for_each_block(Widener<Real>& widen, DType dtype, std::span<const std::byte> elements, std::uint64_t first,
                    const Visit& visit) {
  const std::size_t width = size_of(dtype);
  const std::size_t count = elements.size() / width;
  for (std::size_t i = 0; i < count; i += kBlockValues) {
    const std::size_t take = std::min(kBlockValues, count - i);
    visit(widen(elements.subspan(i * width, take * width), take), take, first + i);
  }
}

template <class Real>
void append_finite(const std::byte* values, std::size_t count, std::vector<Real>& out) {
  for (std::size_t i = 0; i < count; ++i) {
    Real value;
    std::memcpy(&value, values + i * sizeof(Real), sizeof value);
    if (std::isfinite(value)) out.push_back(value);
  }
}

// Adds up elements that come in blocks.
template <class Real>
class Adder {
 public:
  Adder(DType dtype, bool sketch, bool keep)
      : dtype_(dtype), smallest_(smallest_normal(dtype)), widen_(dtype), keep_(keep) {
    if (sketch) part_.sketch.resize(Sketch::kBins);
  }

  void add(std::span<const std::byte> elements, std::uint64_t first) {
    for_each_block(widen_, dtype_, elements, first,
                   [&](const std::byte* values, std::size_t count, std::uint64_t index) {
                     part_.moments.template add_block<Real>(values, count, index, smallest_);
                     if (!part_.sketch.empty()) count_upper_halves<Real>(values, count, part_.sketch);
                     if (keep_) append_finite(values, count, kept_);
                   });
  }

  Part& part() noexcept { return part_; }
  Widener<Real>& widen() noexcept { return widen_; }
  std::vector<Real>& kept() noexcept { return kept_; }

 private:
  DType dtype_;
  double smallest_;
  Widener<Real> widen_;
  bool keep_;
  Part part_ = {};
  std::vector<Real> kept_ = {};
};

template <class Real>
Histogram histogram_of(Widener<Real>& widen, DType dtype, std::span<const std::byte> elements, const Moments& moments,
                       unsigned bins) {
  HistogramCounter counter(moments.min, moments.max, bins);
  auto counts = counter.empty();
  for_each_block(widen, dtype, elements, 0, [&](const std::byte* values, std::size_t count, std::uint64_t) {
    counter.count<Real>(values, count, counts);
  });
  counter.add(counts);
  return counter.take();
}

// ---- files ----

// A tensor that is being worked on.
struct Work {
  const TensorInfo* tensor = nullptr;
  std::size_t result = 0;  // its place among the results
  std::uint64_t elements = 0;
  Moments moments = {};
  HistogramCounter histogram = {};
  RankFinder ranks = {};
  bool counts_histogram = false;
  bool finds_ranks = false;

  bool is_f32() const noexcept { return precision_of(tensor->dtype) == Precision::f32; }
  bool unfinished() const noexcept { return counts_histogram || finds_ranks; }
  std::size_t pass_bytes() const noexcept {
    return (finds_ranks ? ranks.pass_bytes() : 0) + (counts_histogram ? histogram.bins() * sizeof(double) * 2 : 0);
  }
};

class FileStatistics {
 public:
  FileStatistics(const Checkpoint& file, const StatisticsOptions& options, Meter& meter)
      : sources_(sources_of(file)), options_(options), meter_(meter) {}

  Status run(std::vector<Work>& works, std::vector<std::optional<Statistics>>& results) {
    if (auto status = first_pass(works, results); !status) return status;
    // As many at once as fit into the memory for it.
    std::vector<Work*> batch;
    std::size_t bytes = 0;
    const auto finish_batch = [&]() -> Status {
      while (!batch.empty()) {
        if (auto status = later_pass(batch, results); !status) return status;
        std::erase_if(batch, [](const Work* work) { return !work->unfinished(); });
      }
      bytes = 0;
      return {};
    };
    for (Work& work : works) {
      if (!work.unfinished()) continue;
      if (bytes + work.pass_bytes() > kPassBytes)
        if (auto status = finish_batch(); !status) return status;
      bytes += work.pass_bytes();
      batch.push_back(&work);
    }
    return finish_batch();
  }

  static ChunkPlan plan_of(std::span<Work* const> works) {
    std::vector<ChunkPlan::Item> items;
    for (const Work* work : works) items.push_back({work->elements, size_of(work->tensor->dtype)});
    return ChunkPlan(items);
  }

 private:
  // What each thread has.
  struct Worker {
    ChunkReader reader;
    RankFinder::Slots slots = {};
  };

  bool needs_sketch(const TensorInfo& tensor, std::uint64_t elements) const {
    return !options_.quantiles.empty() && elements > kSortElements && precision_of(tensor.dtype) != Precision::none;
  }

  // Whether the values are in the buffer still when the first pass over them ends.
  bool is_small(const Work& work) const { return work.tensor->byte_size <= kBlockBytes; }

  // Calls visit(elements, first) for what one read yields at a time.
  template <class Visit>
  Status read(ChunkReader& reader, const TensorInfo& tensor, const Chunk& chunk, const Visit& visit) const {
    const std::uint64_t width = size_of(tensor.dtype);
    const std::uint64_t at_once = kBlockBytes / width;
    for (std::uint64_t done = 0; done < chunk.count;) {
      const std::uint64_t take = std::min(at_once, chunk.count - done);
      auto bytes = reader.read(tensor, (chunk.first + done) * width, static_cast<std::size_t>(take * width));
      if (!bytes) return std::move(bytes).error();
      visit(*bytes, chunk.first + done);
      done += take;
    }
    return {};
  }

  template <class Real>
  Result<Part> first_look(Worker& worker, const Work& work, const Chunk& chunk) const {
    const TensorInfo& tensor = *work.tensor;
    const bool keep = !options_.quantiles.empty() && work.elements <= kSortElements;
    Adder<Real> adder(tensor.dtype, needs_sketch(tensor, work.elements), keep);
    std::span<const std::byte> last;
    auto status = read(worker.reader, tensor, chunk, [&](std::span<const std::byte> elements, std::uint64_t first) {
      adder.add(elements, first);
      last = elements;
    });
    if (!status) return status.error();
    Part& part = adder.part();
    if (options_.bins > 0 && is_small(work) && part.moments.finite > 0)
      part.histogram = histogram_of(adder.widen(), tensor.dtype, last, part.moments, options_.bins);
    if (keep) part.quantiles = quantiles_of(adder.kept(), options_.quantiles);
    return std::move(part);
  }

  Status first_pass(std::vector<Work>& works, std::vector<std::optional<Statistics>>& results) {
    std::vector<Work*> all;
    for (Work& work : works) all.push_back(&work);
    const ChunkPlan plan = plan_of(all);
    Sketch sketch;  // of the tensor whose chunks are being merged, of which there is one at a time
    const auto work_on = [&](Worker& worker, std::uint64_t unit) -> Result<std::vector<Part>> {
      const auto chunks = plan.chunks(unit);
      expect(worker.reader, all, chunks);
      std::vector<Part> parts;
      parts.reserve(chunks.size());
      for (const Chunk& chunk : chunks) {
        const Work& work = *all[chunk.item];
        auto part = work.is_f32() ? first_look<float>(worker, work, chunk) : first_look<double>(worker, work, chunk);
        if (!part) return std::move(part).error();
        parts.push_back(std::move(*part));
      }
      if (auto status = meter_.add(plan.bytes(chunks)); !status) return status.error();
      return parts;
    };
    const auto merge = [&](std::uint64_t unit, std::vector<Part>&& parts) {
      const auto chunks = plan.chunks(unit);
      for (std::size_t i = 0; i < chunks.size(); ++i) {
        Work& work = *all[chunks[i].item];
        work.moments.add(parts[i].moments);
        if (!parts[i].sketch.empty()) sketch.add(parts[i].sketch);
        if (chunks[i].first + chunks[i].count == work.elements) finish_first(work, parts[i], sketch, results);
      }
    };
    return in_order(
        options_.threads, plan.units(), [&] { return Worker{ChunkReader(sources_, kBlockBytes)}; }, work_on, merge);
  }

  void finish_first(Work& work, Part& last, Sketch& sketch, std::vector<std::optional<Statistics>>& results) const {
    Statistics& out = results[work.result].emplace(work.moments.statistics());
    if (options_.bins > 0 && out.finite > 0) {
      if (is_small(work)) {
        out.histogram = std::move(last.histogram);
      } else {
        work.histogram = HistogramCounter(out.min, out.max, options_.bins);
        work.counts_histogram = true;
      }
    }
    if (options_.quantiles.empty()) return;
    if (!needs_sketch(*work.tensor, work.elements)) {
      out.quantiles = std::move(last.quantiles);
      return;
    }
    out.quantiles = approximate_quantiles(sketch, out, work.tensor->dtype, options_.quantiles);
    if (options_.exact_quantiles && !out.quantiles[0].exact) {
      const auto ranks = ranks_of(options_.quantiles, out.finite);
      work.ranks = work.is_f32() ? RankFinder::create<float>(sketch, ranks) : RankFinder::create<double>(sketch, ranks);
      work.finds_ranks = true;
    }
    sketch.clear();
  }

  template <class Real>
  Result<SecondPart> look_again(Worker& worker, const Work& work, const Chunk& chunk) const {
    SecondPart part;
    if (work.counts_histogram) part.histogram = work.histogram.empty();
    if (work.finds_ranks) work.ranks.enter(worker.slots);
    Widener<Real> widen(work.tensor->dtype);
    auto status =
        read(worker.reader, *work.tensor, chunk, [&](std::span<const std::byte> elements, std::uint64_t first) {
          for_each_block(widen, work.tensor->dtype, elements, first,
                         [&](const std::byte* values, std::size_t count, std::uint64_t) {
                           if (work.counts_histogram) work.histogram.count<Real>(values, count, part.histogram);
                           if (work.finds_ranks) work.ranks.look<Real>(values, count, worker.slots, part.hits);
                         });
        });
    if (work.finds_ranks) work.ranks.leave(worker.slots);
    if (!status) return status.error();
    return part;
  }

  Status later_pass(std::span<Work* const> works, std::vector<std::optional<Statistics>>& results) {
    const ChunkPlan plan = plan_of(works);
    for (Work* work : works)
      if (work->finds_ranks) work->ranks.begin_pass();
    const auto work_on = [&](Worker& worker, std::uint64_t unit) -> Result<std::vector<SecondPart>> {
      const auto chunks = plan.chunks(unit);
      expect(worker.reader, works, chunks);
      std::vector<SecondPart> parts;
      for (const Chunk& chunk : chunks) {
        const Work& work = *works[chunk.item];
        auto part = work.is_f32() ? look_again<float>(worker, work, chunk) : look_again<double>(worker, work, chunk);
        if (!part) return std::move(part).error();
        parts.push_back(std::move(*part));
      }
      if (auto status = meter_.add(plan.bytes(chunks)); !status) return status.error();
      return parts;
    };
    const auto merge = [&](std::uint64_t unit, std::vector<SecondPart>&& parts) {
      const auto chunks = plan.chunks(unit);
      for (std::size_t i = 0; i < chunks.size(); ++i) {
        Work& work = *works[chunks[i].item];
        if (work.counts_histogram) work.histogram.add(parts[i].histogram);
        if (work.finds_ranks) work.ranks.add(std::move(parts[i].hits));
        if (chunks[i].first + chunks[i].count == work.elements) finish_later(work, *results[work.result]);
      }
    };
    return in_order(
        options_.threads, plan.units(), [&] { return Worker{ChunkReader(sources_, kBlockBytes)}; }, work_on, merge);
  }

  void finish_later(Work& work, Statistics& out) const {
    if (work.counts_histogram) {
      out.histogram = work.histogram.take();
      work.counts_histogram = false;
    }
    if (!work.finds_ranks) return;
    if (work.is_f32())
      work.ranks.end_pass<float>();
    else
      work.ranks.end_pass<double>();
    if (!work.ranks.done()) return;
    out.quantiles = quantiles_from(options_.quantiles, out.finite, true,
                                   [&](std::uint64_t rank) { return work.ranks.value(rank); });
    work.finds_ranks = false;
    work.ranks = {};
  }

  void expect(ChunkReader& reader, std::span<Work* const> works, std::span<const Chunk> chunks) const {
    if (chunks.size() == 1) return reader.expect({});
    std::vector<const TensorInfo*> tensors;
    for (const Chunk& chunk : chunks) tensors.push_back(works[chunk.item]->tensor);
    reader.expect(tensors);
  }

  std::span<const SourcePtr> sources_;
  const StatisticsOptions& options_;
  Meter& meter_;
};

Status check_options(const StatisticsOptions& options) {
  if (options.bins > kMaxBins) return Error{.code = Errc::usage, .message = "a histogram has at most 65,536 bins"};
  if (options.quantiles.size() > kMaxQuantiles) return Error{.code = Errc::usage, .message = "too many quantiles"};
  for (const double fraction : options.quantiles)
    if (!(fraction >= 0 && fraction <= 1))
      return Error{.code = Errc::usage, .message = "a quantile is between 0 and 1"};
  return {};
}

// ---- pipes ----

// A part of an entry of a stream, in one of the ways its bytes may be meant: blocks are cut and merged where those of a
// file are, so that the numbers are the same ones.
class PipedElements {
 public:
  virtual ~PipedElements() = default;
  virtual void add(std::span<const std::byte> bytes) = 0;
  virtual Statistics finish() = 0;
};

template <class Real>
class PipedReals final : public PipedElements {
 public:
  PipedReals(DType dtype, std::uint64_t elements, const StatisticsOptions& options)
      : dtype_(dtype),
        width_(size_of(dtype)),
        options_(options),
        left_(elements > ~std::uint64_t{0} / width_ ? ~std::uint64_t{0} : elements * width_) {
    wants_sketch_ = elements > kSortElements && (options.bins > 0 || !options.quantiles.empty());
    block_.reserve(kBlockValues * width_);
    start_chunk();
    if (wants_sketch_) sketch_.emplace();
  }

  void add(std::span<const std::byte> bytes) override {
    // What is more than the dims say is of no use, and must not be kept.
    bytes = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), left_)));
    left_ -= bytes.size();
    while (!bytes.empty()) {
      const std::size_t take = std::min(bytes.size(), kBlockValues * width_ - block_.size());
      block_.insert(block_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(take));
      bytes = bytes.subspan(take);
      if (block_.size() == kBlockValues * width_) flush();
    }
  }

  Statistics finish() override {
    flush();
    end_chunk();
    Statistics out = moments_.statistics();
    if (!wants_sketch_) {
      std::vector<Real>& kept = kept_;
      if (options_.bins > 0 && out.finite > 0) {
        HistogramCounter counter(out.min, out.max, options_.bins);
        auto counts = counter.empty();
        for (std::size_t i = 0; i < kept.size(); i += kBlockValues)
          counter.count<Real>(reinterpret_cast<const std::byte*>(kept.data() + i),
                              std::min(kBlockValues, kept.size() - i), counts);
        counter.add(counts);
        out.histogram = counter.take();
      }
      if (!options_.quantiles.empty()) out.quantiles = quantiles_of(kept, options_.quantiles);
      return out;
    }
    if (options_.bins > 0 && out.finite > 0) {
      HistogramCounter counter(out.min, out.max, options_.bins);
      counter.approximate(*sketch_, out.finite);
      out.histogram = counter.take();
    }
    if (!options_.quantiles.empty()) out.quantiles = approximate_quantiles(*sketch_, out, dtype_, options_.quantiles);
    return out;
  }

 private:
  void start_chunk() {
    adder_ = std::make_unique<Adder<Real>>(dtype_, wants_sketch_,
                                           !wants_sketch_ && (options_.bins > 0 || !options_.quantiles.empty()));
    in_chunk_ = 0;
  }

  void end_chunk() {
    moments_.add(adder_->part().moments);
    if (wants_sketch_) sketch_->add(adder_->part().sketch);
    kept_.insert(kept_.end(), adder_->kept().begin(), adder_->kept().end());
  }

  void flush() {
    const std::size_t count = block_.size() / width_;
    adder_->add(std::span<const std::byte>(block_).first(count * width_), first_);
    block_.clear();
    first_ += count;
    in_chunk_ += count;
    if (in_chunk_ < kChunkElements) return;
    end_chunk();
    start_chunk();
  }

  DType dtype_;
  std::size_t width_;
  const StatisticsOptions& options_;
  std::uint64_t left_;  // bytes to come
  bool wants_sketch_ = false;
  std::vector<std::byte> block_ = {};
  std::uint64_t first_ = 0;
  std::uint64_t in_chunk_ = 0;
  std::unique_ptr<Adder<Real>> adder_ = {};
  Moments moments_ = {};
  std::optional<Sketch> sketch_ = {};
  std::vector<Real> kept_ = {};
};

std::unique_ptr<PipedElements> piped(const TensorInfo& tensor, const StatisticsOptions& options) {
  const std::uint64_t elements = tensor.element_count().value_or(0);
  if (precision_of(tensor.dtype) == Precision::f32)
    return std::make_unique<PipedReals<float>>(tensor.dtype, elements, options);
  return std::make_unique<PipedReals<double>>(tensor.dtype, elements, options);
}

// The entry that is passing by.
class PipedEntry {
 public:
  PipedEntry(const StatisticsOptions& options, bool selected) : options_(options), selected_(selected) {}

  void add(const TensorInfo& tensor, std::size_t part, std::span<const std::byte> bytes, std::uint64_t offset) {
    if (!selected_ || precision_of(tensor.dtype) == Precision::none) return;
    if (parts_.size() <= part) parts_.resize(part + 1);
    Ways& to = parts_[part];
    if (!to.stored) to.stored = piped(tensor, options_);
    to.stored->add(bytes);
    if (tensor.dtype != DType::bfloat16) return;
    // It shows at the end only whether a BFloat16 is stored as float32.
    if (!to.high_halves) to.high_halves = piped(tensor, options_);
    halves_.clear();
    for (std::size_t i = 0; i < bytes.size(); ++i)
      if ((offset + i) % 4 >= 2) halves_.push_back(bytes[i]);
    to.high_halves->add(halves_);
  }

  std::optional<Statistics> finish(const TensorInfo& tensor, std::size_t part) {
    if (!selected_ || !has_statistics(tensor)) return std::nullopt;
    if (part >= parts_.size() || !parts_[part].stored) return piped(tensor, options_)->finish();
    return (tensor.encoding == Encoding::bf16_as_float32 ? parts_[part].high_halves : parts_[part].stored)->finish();
  }

 private:
  struct Ways {
    std::unique_ptr<PipedElements> stored = {};
    std::unique_ptr<PipedElements> high_halves = {};
  };

  const StatisticsOptions& options_;
  bool selected_;
  std::vector<Ways> parts_ = {};
  std::vector<std::byte> halves_ = {};
};

void finish_entry(const TensorInfo& entry, PipedEntry& passing, std::vector<std::optional<Statistics>>& results) {
  if (entry.kind != Kind::map) return results.push_back(passing.finish(entry, 0));
  for (std::size_t i = 0; i < entry.parts.size(); ++i) results.push_back(passing.finish(entry.parts[i], i));
}

}  // namespace

double Histogram::edge(std::size_t i) const noexcept {
  const auto bins = static_cast<double>(counts.size());
  const auto at = static_cast<double>(i);
  if (i >= counts.size()) return high;
  const double width = (high - low) / bins;
  return std::isfinite(width) ? at * width + low : low * (1 - at / bins) + high * (at / bins);
}

bool has_statistics(const TensorInfo& tensor) noexcept {
  return tensor.kind == Kind::tensor && precision_of(tensor.dtype) != Precision::none && tensor.fits();
}

Result<std::vector<std::optional<Statistics>>> statistics(const Checkpoint& file,
                                                          std::span<const TensorInfo* const> tensors,
                                                          const StatisticsOptions& options) {
  if (auto status = check_options(options); !status) return status.error();
  std::vector<std::optional<Statistics>> results(tensors.size());
  std::vector<Work> works;
  std::vector<Work*> pointers;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (has_statistics(*tensors[i]))
      works.push_back({.tensor = tensors[i], .result = i, .elements = *tensors[i]->element_count()});
  for (Work& work : works) pointers.push_back(&work);
  Meter meter(options.progress, FileStatistics::plan_of(pointers).bytes());
  if (auto status = FileStatistics(file, options, meter).run(works, results); !status) return status.error();
  if (auto status = verify_unchanged(sources_of(file)); !status) return status.error();
  return results;
}

Result<std::vector<std::optional<Statistics>>> statistics(RecordStream& stream,
                                                          const std::function<bool(const TensorInfo&)>& select,
                                                          const StatisticsOptions& options) {
  if (auto status = check_options(options); !status) return status.error();
  std::vector<std::optional<Statistics>> results;
  std::optional<PipedEntry> passing;
  std::size_t next = 0;  // the entry that is passing, or would be
  const auto pass = [&](std::size_t until) {
    for (; next < until; ++next) {
      const TensorInfo& entry = stream.tensors()[next];
      if (!passing) passing.emplace(options, !select || select(entry));
      finish_entry(entry, *passing, results);
      passing.reset();
    }
  };
  while (true) {
    auto piece = stream.next();
    if (!piece && !options.keep_damaged) return std::move(piece).error();
    if (!piece || *piece == nullptr) break;
    const Piece& p = **piece;
    pass(p.entry);
    const TensorInfo& entry = stream.tensors()[p.entry];
    if (!passing) passing.emplace(options, !select || select(entry));
    passing->add(entry.kind == Kind::map ? entry.parts[p.part] : entry, p.part, p.bytes, p.offset);
    if (options.progress && !options.progress(stream.bytes_read(), 0))
      return Error{.code = Errc::cancelled, .message = "stopped while it was read"};
  }
  pass(stream.tensors().size());
  return results;
}

Statistics merged(const Statistics& a, const Statistics& b) noexcept {
  const auto moments = [](const Statistics& s) {
    Moments m;
    m.finite = s.finite;
    m.nan = s.nan;
    m.positive_inf = s.positive_inf;
    m.negative_inf = s.negative_inf;
    m.zeros = s.zeros;
    m.denormals = s.denormals;
    m.min = s.min;
    m.max = s.max;
    m.mean = s.mean;
    m.m2 = s.std * s.std * static_cast<double>(s.finite);
    return m;
  };
  Moments both = moments(a);
  both.add(moments(b));
  both.min_index = both.max_index = both.first_non_finite = kNoIndex;
  return both.statistics();
}

}  // namespace ckpt

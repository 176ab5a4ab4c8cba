#include "ckpt/salvage.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "cipher_blocks.h"
#include "ckpt/output_file.h"
#include "ckpt/source.h"
#include "ckpt/text.h"
#include "crc32.h"
#include "file_window.h"
#include "name_length.h"
#include "scan.h"
#include "trailer.h"
#include "wire.h"
#include "wording.h"
#include "writable.h"

namespace ckpt {
namespace {

constexpr std::size_t kScanBytes = std::size_t{256} << 10;
constexpr std::byte kRecordKey{0x0a};
constexpr std::uint64_t kMostMadeUp = 100;  // a partial tensor is at most so many times what is left of it

// A tensor of which several runs of bytes are left, with their place in its content.
struct Fragment {
  Extent extent = {};
  std::uint64_t offset = 0;
};
struct PartialTensor {
  TensorDesc desc = {};
  std::uint64_t byte_size = 0;
  std::vector<Fragment> fragments = {};
};

// ---- what an intact record looks like ----

bool is_consistent(const TensorFields& fields) {
  if (!fields.has_type || !fields.has_content) return false;
  const DType dtype = dtype_from_name(fields.type);
  if (dtype == DType::string) return fields.content_size >= 4 && fields.content_size % 4 == 0;
  const TensorDesc desc{.dtype = dtype, .dims = fields.dims};
  const auto expected = desc.expected_size();
  if (!expected) return false;
  const std::uint64_t element = size_of(dtype);
  const bool old_scalar = fields.dims.size() == 1 && fields.dims[0] == 0;
  const std::uint64_t most = std::max(*expected, old_scalar ? element : 0) * (dtype == DType::bfloat16 ? 2 : 1);
  return fields.content_size <= most && (fields.content_size > 0 || *expected == 0);
}

// As MindSpore writes them: each field once, nothing unknown, and the bytes are those of a tensor or of a slice of it.
bool is_regular(const Record& record) {
  if (!record.has_tag || record.repeated_fields || record.unknown_fields || !is_utf8(record.tag)) return false;
  if (record.value == Record::Value::tensor) return is_consistent(record.tensor);
  return record.value == Record::Value::map && record.parts.size() == 3 &&
         std::all_of(record.parts.begin(), record.parts.end(), is_consistent);
}

// ---- finding the next record ----

/// A whole, regular record at `offset`?
bool record_at(const Source& source, std::uint64_t offset, const Limits& limits) {
  FileWindow window(source);
  Scanner scanner(window, source.size(), limits, offset);
  while (true) {
    switch (scanner.next()) {
      case Scanner::Event::content:
        continue;
      case Scanner::Event::record:
        return scanner.record().offset == offset && is_regular(scanner.record());
      case Scanner::Event::end:
      case Scanner::Event::failed:
        return false;
    }
  }
}

/// Whether the file could go on here: a record, the CRC trailer, or its end.
bool goes_on_at(const Source& source, std::uint64_t offset, const Limits& limits) {
  if (offset == source.size() || record_at(source, offset, limits)) return true;
  std::array<std::byte, kTrailerBytes> trailer;
  return source.size() - offset == trailer.size() && source.read_at(offset, trailer) &&
         wire::as_text(trailer).starts_with(kTrailerMagic);
}

// Cheap enough for every byte of a file: the lengths in front of a record's name and tensor.
bool may_start_record(std::span<const std::byte> bytes, std::uint64_t room) {
  if (bytes.size() < 2 || bytes[0] != kRecordKey) return false;
  const wire::Varint length = wire::decode_varint(bytes.subspan(1));
  if (length.size == 0 || length.value > room - 1 - length.size) return length.size == 0 && bytes.size() < 11;
  bytes = bytes.subspan(1 + length.size);
  return bytes.empty() || bytes[0] == std::byte{0x0a} || bytes[0] == std::byte{0x12} || bytes[0] == std::byte{0x1a};
}

/// The first place in [begin, end) where a whole, regular record starts; `end` if there is none.
Result<std::uint64_t> find_record(const Source& source, std::uint64_t begin, std::uint64_t end, const Limits& limits) {
  std::vector<std::byte> block(kScanBytes + wire::kMaxVarintBytes + 2);  // a header is seen as a whole
  for (std::uint64_t at = begin; at < end; at += kScanBytes) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), source.size() - at));
    const auto bytes = std::span(block).first(size);
    if (auto status = source.read_at(at, bytes); !status) return status.error();
    const auto starts = static_cast<std::size_t>(std::min<std::uint64_t>(kScanBytes, end - at));
    for (std::size_t i = 0; i < std::min(starts, size); ++i) {
      const auto* found = static_cast<const std::byte*>(
          std::memchr(bytes.data() + i, std::to_integer<int>(kRecordKey), std::min(starts, size) - i));
      if (found == nullptr) break;
      i = static_cast<std::size_t>(found - bytes.data());
      if (may_start_record(bytes.subspan(i), source.size() - at - i) && record_at(source, at + i, limits))
        return at + i;
    }
  }
  return end;
}

/// Where the record at `offset` ends by its own account. Empty if that is beyond the file, or no number.
std::optional<std::uint64_t> claimed_end(const Source& source, std::uint64_t offset) {
  std::array<std::byte, wire::kMaxVarintBytes + 1> head;
  const auto bytes =
      std::span(head).first(static_cast<std::size_t>(std::min<std::uint64_t>(head.size(), source.size() - offset)));
  if (!source.read_at(offset, bytes) || bytes.empty() || bytes[0] != kRecordKey) return std::nullopt;
  const wire::Varint length = wire::decode_varint(bytes.subspan(1));
  const std::uint64_t start = offset + 1 + length.size;
  if (length.size == 0 || length.value > source.size() - start) return std::nullopt;
  return start + length.value;
}

}  // namespace

using OldNames = std::unordered_map<std::string, std::string>;  // of entries that have a new name, by that

struct Salvage::Impl {
  SourcePtr file = {};    // as on disk
  SourcePtr source = {};  // plaintext
  std::vector<TensorInfo> kept = {};
  OldNames old_names = {};
  std::vector<PartialTensor> partial = {};
  std::vector<Loss> losses = {};
  std::optional<Trailer> trailer = {};
  std::optional<Encryption> encryption = {};
};

namespace {

/// Walks a damaged file from record to record.
class Examination {
 public:
  Examination(const Source& source, const SalvageOptions& options) : source_(source), options_(options) {}

  Status run() {
    std::uint64_t position = 0;
    while (position < source_.size()) {
      auto stop = walk(position);
      if (!stop) return std::move(stop).error();
      if (!*stop) return {};
      auto next = resume(**stop);
      if (!next) return std::move(next).error();
      if (options_.partial && (*stop)->cut && *next == source_.size()) {
        add_cut(std::move(*(*stop)->cut));
        return {};
      }
      add_loss({.tensor = (*stop)->tensor,
                .offset = (*stop)->offset,
                .size = *next - (*stop)->offset,
                .message = (*stop)->message});
      if (entries_.size() + losses_.size() > options_.open.limits.max_records)
        return Error{.code = Errc::limit, .offset = *next, .message = "too much of it is damaged"};
      position = *next;
    }
    return {};
  }

  std::vector<TensorInfo>& entries() noexcept { return entries_; }
  std::vector<Loss>& losses() noexcept { return losses_; }
  const std::optional<Trailer>& trailer() const noexcept { return trailer_; }

 private:
  // Damage, and where the record starts that has it.
  struct Stop {
    std::uint64_t offset = 0;
    std::string tensor = {};
    std::string message = {};
    std::optional<std::uint64_t> next = {};  // where to go on, where that is known already
    std::optional<TensorInfo> cut = {};      // the tensor whose content the end of the file cuts
  };

  // Collects records until something is wrong; empty at a clean end.
  Result<std::optional<Stop>> walk(std::uint64_t position) {
    FileWindow window(source_);
    Scanner scanner(window, source_.size(), options_.open.limits, position);
    Indexer indexer(options_.open.limits);
    std::optional<Stop> stop;
    std::uint64_t good_end = position;
    std::optional<Error> failure;
    while (!stop && !failure) {
      const Scanner::Event event = scanner.next();
      if (event == Scanner::Event::content) continue;
      if (event == Scanner::Event::failed) {
        const Error& error = scanner.error();
        if (error.code == Errc::io || error.code == Errc::changed)
          failure = error;
        else
          stop = Stop{
              .offset = good_end, .tensor = error.tensor, .message = plain_message(error), .cut = cut_tensor(scanner)};
        break;
      }
      const Record& record = scanner.record();
      const bool at_end = event == Scanner::Event::end;
      const std::uint64_t begin = !at_end             ? record.offset
                                  : scanner.trailer() ? scanner.trailer()->offset
                                                      : source_.size();
      auto odd = look_into_gap(good_end, begin);
      if (odd && !*odd && !at_end && !is_regular(record)) odd = look_inside(record);
      if (!odd) {
        failure = odd.error();
      } else if (*odd) {
        stop = std::move(*odd);
      } else if (at_end) {
        break;
      } else if (auto placed = indexer.add(record); !placed) {
        failure = placed.error();
      } else {
        good_end = record.end;
        const Progress& progress = options_.open.progress;
        if (progress && (indexer.index().tensors.size() & 4095) == 0 && !progress(good_end, source_.size()))
          failure = Error{.code = Errc::cancelled, .message = "stopped while it was examined"};
      }
    }
    if (failure) return std::move(*failure);
    trailer_ = scanner.trailer();
    auto& found = indexer.index().tensors;
    entries_.insert(entries_.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
    return stop;
  }

  // An irregular record is odd, or damage has made it swallow what comes behind it: then there is a record inside it.
  Result<std::optional<Stop>> look_inside(const Record& record) const {
    auto inside = find_record(source_, record.offset + 1, record.end, options_.open.limits);
    if (!inside) return std::move(inside).error();
    if (*inside == record.end) return std::optional<Stop>();
    return std::optional(Stop{.offset = record.offset,
                              .tensor = is_utf8(record.tag) ? record.tag : std::string(),
                              .message = "its lengths reach into the record behind it",
                              .next = *inside});
  }

  // Bytes between the records. A first byte that was altered makes a record a field that nobody knows.
  Result<std::optional<Stop>> look_into_gap(std::uint64_t begin, std::uint64_t end) {
    if (begin == end || is_model_type(begin, end)) return std::optional<Stop>();
    auto inside = find_record(source_, begin, end, options_.open.limits);
    if (!inside) return std::move(inside).error();
    if (*inside != end)
      return std::optional(Stop{.offset = begin, .message = "what should be a record is none", .next = *inside});
    add_loss(
        {.kind = Loss::Kind::doubt,
         .offset = begin,
         .size = end - begin,
         .message = bytes_text(end - begin) + " between the entries that no MindSpore knows; perhaps a damaged one"});
    return std::optional<Stop>();
  }

  // The one field besides the records that a MindSpore (0.5) wrote: a word.
  bool is_model_type(std::uint64_t begin, std::uint64_t end) const {
    std::array<std::byte, 32> field;
    if (end - begin < 2 || end - begin > field.size()) return false;
    const auto bytes = std::span(field).first(static_cast<std::size_t>(end - begin));
    if (!source_.read_at(begin, bytes) || bytes[0] != std::byte{0x12}) return false;
    if (std::to_integer<std::size_t>(bytes[1]) != bytes.size() - 2) return false;
    return std::all_of(bytes.begin() + 2, bytes.end(),
                       [](std::byte b) { return b >= std::byte{'a'} && b <= std::byte{'z'}; });
  }

  Result<std::uint64_t> resume(const Stop& stop) const {
    if (stop.next) return *stop.next;
    const Limits& limits = options_.open.limits;
    const auto end = claimed_end(source_, stop.offset);
    if (end && *end < source_.size() && goes_on_at(source_, *end, limits)) return *end;
    return find_record(source_, stop.offset + 1, source_.size(), limits);
  }

  // What is left of a tensor that stands at the end of a cut file. One of which there is all that its dims ask for,
  // although its length asks for more, is not cut but wrong.
  std::optional<TensorInfo> cut_tensor(const Scanner& scanner) const {
    const Record& record = scanner.record();
    const TensorFields& fields = record.tensor;
    if (scanner.error().code != Errc::truncated || record.value != Record::Value::tensor || !record.has_tag ||
        !fields.has_type || fields.has_content || scanner.position() >= source_.size())
      return std::nullopt;
    TensorInfo tensor;
    tensor.name = record.tag;
    tensor.dtype = dtype_from_name(fields.type);
    tensor.type_name = fields.type;
    tensor.dims = fields.dims;
    tensor.record_offset = record.offset;
    tensor.record_size = source_.size() - record.offset;
    tensor.stored_size = tensor.byte_size = source_.size() - scanner.position();
    tensor.extents = {Extent{.offset = scanner.position(), .size = tensor.stored_size}};
    if (tensor.fits()) return std::nullopt;
    return tensor;
  }

  // A slice that is cut goes on where the slices in front of it end.
  void add_cut(TensorInfo cut) {
    TensorInfo* last = entries_.empty() ? nullptr : &entries_.back();
    const bool continues = last != nullptr && last->name == cut.name && last->type_name == cut.type_name &&
                           last->dims == cut.dims && last->record_offset + last->record_size == cut.record_offset;
    if (!continues || last->byte_size + cut.byte_size >= cut.expected_size().value_or(0))
      return entries_.push_back(std::move(cut));
    last->extents.insert(last->extents.end(), cut.extents.begin(), cut.extents.end());
    last->record_size += cut.record_size;
    last->stored_size += cut.stored_size;
    last->byte_size += cut.byte_size;
  }

  static std::string plain_message(const Error& error) {
    return error.code == Errc::truncated ? "cut: " + error.message : error.message;
  }

  void add_loss(Loss loss) { losses_.push_back(std::move(loss)); }

  const Source& source_;
  const SalvageOptions& options_;
  std::vector<TensorInfo> entries_ = {};
  std::vector<Loss> losses_ = {};
  std::optional<Trailer> trailer_ = {};
};

/// Sorts entries into kept, partial and lost ones.
class Sorting {
 public:
  Sorting(bool keep_partial, std::vector<Loss>& losses) : partial_wanted_(keep_partial), losses_(losses) {}

  void run(std::vector<TensorInfo> entries) {
    give_names(entries);
    // Of one name the last whole entry counts; without one, all that there is of it are fragments.
    std::unordered_map<std::string_view, std::size_t> whole;
    for (std::size_t i = 0; i < entries.size(); ++i)
      if (fault_of(entries[i]).empty()) whole[entries[i].name] = i;
    std::unordered_map<std::string_view, std::vector<std::size_t>> fragments;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const TensorInfo& entry = entries[i];
      const auto found = whole.find(entry.name);
      if (found != whole.end() && found->second == i) continue;
      if (found != whole.end()) {
        lose(entry, "a later entry of the same name is kept");
      } else if (entry.kind == Kind::tensor && is_utf8(entry.name) && entry.stored_size > 0 &&
                 entry.expected_size().value_or(0) > entry.stored_size) {
        fragments[entry.name].push_back(i);
      } else {
        lose(entry, fault_of(entry));
      }
    }
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const auto found = fragments.find(entries[i].name);
      if (found != fragments.end() && found->second.front() == i) settle(entries, found->second);
    }
    for (std::size_t i = 0; i < entries.size(); ++i)
      if (const auto found = whole.find(entries[i].name); found != whole.end() && found->second == i)
        order_.push_back(i);
    for (const std::size_t i : order_) {
      if (const auto old = old_names.find(entries[i].name); old != old_names.end())
        losses_.push_back({.kind = Loss::Kind::renamed,
                           .tensor = old->second,
                           .offset = entries[i].record_offset,
                           .message = "its name is not UTF-8",
                           .new_name = old->first});
      kept.push_back(std::move(entries[i]));
    }
  }

  std::vector<TensorInfo> kept = {};
  OldNames old_names = {};
  std::vector<PartialTensor> partial = {};

 private:
  // A name that is not UTF-8, which no MindSpore reads, is written as `ckpt list` shows it: nothing else is known of
  // it.
  void give_names(std::vector<TensorInfo>& entries) {
    std::unordered_set<std::string> taken;
    for (const TensorInfo& entry : entries) taken.insert(entry.name);
    for (TensorInfo& entry : entries) {
      if (is_utf8(entry.name)) continue;
      std::string name = escape(entry.name);
      if (length_of(name) > kMaxNameLength || taken.contains(name)) continue;
      old_names.emplace(name, entry.name);
      entry.name = std::move(name);
    }
  }

  const std::string& old_name_of(const TensorInfo& entry) const {
    const auto old = old_names.find(entry.name);
    return old == old_names.end() ? entry.name : old->second;
  }

  // Why an entry cannot be kept as it is; empty if it can.
  static std::string fault_of(const TensorInfo& entry) {
    if (!is_utf8(entry.name)) return "its name is not UTF-8, and there is no room for it escaped";
    switch (entry.kind) {
      case Kind::opaque:
        return entry.extents.empty() && entry.type_name.empty() ? "it has a name and no value" : "";
      case Kind::string:
        return entry.byte_size >= 4 && entry.byte_size % 4 == 0 ? "" : "its bytes are no UTF-32";
      case Kind::map:
        for (const TensorInfo& part : entry.parts)
          if (!part.fits()) return "its " + escape(part.name) + " are not what their dims ask for";
        return entry.parts.size() == 3 ? "" : "a map parameter of " + std::to_string(entry.parts.size()) + " parts";
      case Kind::tensor:
        break;
    }
    if (entry.fits()) return "";
    const auto expected = entry.expected_size();
    return "its dims ask for " + (expected ? bytes_text(*expected) : std::string("more than 2^63 bytes")) + ", " +
           std::to_string(entry.byte_size) + " are there";
  }

  void lose(const TensorInfo& entry, std::string why) {
    losses_.push_back({.tensor = old_name_of(entry),
                       .offset = entry.record_offset,
                       .size = entry.record_size,
                       .message = std::move(why)});
  }

  // The slices in front of a gap belong to the start of the tensor, those behind the last gap to its end.
  void settle(const std::vector<TensorInfo>& entries, const std::vector<std::size_t>& runs) {
    const TensorInfo& first = entries[runs.front()];
    const std::uint64_t size = *first.expected_size();
    std::uint64_t there = 0;
    for (const std::size_t run : runs) there += entries[run].stored_size;
    const bool alike = std::all_of(runs.begin(), runs.end(), [&](std::size_t run) {
      return entries[run].dims == first.dims && entries[run].dtype == first.dtype;
    });
    const bool too_little = there < size / kMostMadeUp;
    const bool writable =
        check_writable({.name = first.name, .dtype = first.dtype, .dims = first.dims}, size).has_value();
    if (!partial_wanted_ || !alike || there > size || runs.size() > 2 || too_little || !writable) {
      for (const std::size_t run : runs)
        lose(entries[run], fault_of(entries[run]) + (partial_wanted_ && too_little ? ", too few to be kept" : ""));
      return;
    }
    PartialTensor tensor{.desc = first, .byte_size = size};
    for (const std::size_t run : runs) {
      std::uint64_t offset = run == runs.front() ? 0 : size - entries[run].stored_size;
      for (const Extent& extent : entries[run].extents) {
        tensor.fragments.push_back({extent, offset});
        offset += extent.size;
      }
    }
    losses_.push_back({.kind = Loss::Kind::partial,
                       .tensor = old_name_of(first),
                       .offset = first.record_offset,
                       .size = size - there,
                       .message = bytes_text(size - there) + " of " + std::to_string(size) + " are made up" +
                                  (runs.size() > 1 ? ", and where the rest belongs is a guess" : ""),
                       .new_name = old_names.contains(first.name) ? first.name : ""});
    partial.push_back(std::move(tensor));
  }

  bool partial_wanted_;
  std::vector<Loss>& losses_;
  std::vector<std::size_t> order_ = {};
};

// Whatever has bytes in an altered cipher block is lost, and that is the reason of other findings there.
void lose_holes(const std::vector<Hole>& holes, std::vector<TensorInfo>& entries, std::vector<Loss>& losses) {
  const auto hole_in = [&](std::uint64_t offset, std::uint64_t size) -> const Hole* {
    const auto found = std::find_if(holes.begin(), holes.end(), [&](const Hole& hole) {
      return offset < hole.offset + hole.size && hole.offset < offset + size;
    });
    return found == holes.end() ? nullptr : &*found;
  };
  for (Loss& loss : losses)
    if (const Hole* hole = hole_in(loss.offset, loss.size)) loss.message = hole->error.message;
  std::erase_if(entries, [&](const TensorInfo& entry) {
    const Hole* hole = hole_in(entry.record_offset, entry.record_size);
    if (hole == nullptr) return false;
    losses.push_back({.tensor = entry.name,
                      .offset = entry.record_offset,
                      .size = entry.record_size,
                      .message = hole->error.message});
    return true;
  });
}

Result<std::uint32_t> crc_of(const Source& source, std::uint64_t end, const Progress& progress) {
  std::vector<std::byte> block(kScanBytes);
  std::uint32_t crc = 0;
  for (std::uint64_t at = 0; at < end; at += kScanBytes) {
    const auto bytes = std::span(block).first(static_cast<std::size_t>(std::min<std::uint64_t>(kScanBytes, end - at)));
    if (auto status = source.read_at(at, bytes); !status) return status.error();
    crc = crc32(crc, bytes);
    if (progress && !progress(at, end)) return Error{.code = Errc::cancelled, .message = "stopped while it was read"};
  }
  return crc;
}

// NaN where the type has one; else 0.
std::vector<std::byte> filling_of(DType dtype) {
  const auto bits = [](auto value) {
    std::vector<std::byte> bytes(sizeof(value));
    std::memcpy(bytes.data(), &value, sizeof(value));
    return bytes;
  };
  switch (dtype) {
    case DType::float16:
      return bits(std::uint16_t{0x7E00});
    case DType::bfloat16:
      return bits(std::uint16_t{0x7FC0});
    case DType::float32:
    case DType::complex64:
      return bits(std::uint32_t{0x7FC00000});
    case DType::float64:
    case DType::complex128:
      return bits(std::uint64_t{0x7FF8000000000000});
    case DType::float8_e4m3fn:
      return bits(std::uint8_t{0x7F});
    case DType::float8_e5m2:
      return bits(std::uint8_t{0x7E});
    default:
      return {std::byte{0}};
  }
}

// `size` bytes of filling for content from `offset`, in step with the elements.
Status fill(Writer& writer, std::span<const std::byte> filling, std::uint64_t offset, std::uint64_t size) {
  std::vector<std::byte> block(static_cast<std::size_t>(std::min<std::uint64_t>(size, kScanBytes)));
  while (size > 0) {
    const auto bytes = std::span(block).first(static_cast<std::size_t>(std::min<std::uint64_t>(size, block.size())));
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = filling[(offset + i) % filling.size()];
    if (auto status = writer.append(bytes); !status) return status;
    offset += bytes.size();
    size -= bytes.size();
  }
  return {};
}

Status write_partial(Writer& writer, const Source& source, const PartialTensor& tensor) {
  TensorDesc desc = tensor.desc;
  desc.type_name.clear();
  if (auto status = writer.begin(desc, tensor.byte_size); !status) return status;
  const std::vector<std::byte> filling = filling_of(desc.dtype);
  std::vector<std::byte> block(kScanBytes);
  std::uint64_t at = 0;
  for (const Fragment& fragment : tensor.fragments) {
    if (auto status = fill(writer, filling, at, fragment.offset - at); !status) return status;
    at = fragment.offset + fragment.extent.size;
    for (std::uint64_t done = 0; done < fragment.extent.size;) {
      const auto bytes = std::span(block).first(
          static_cast<std::size_t>(std::min<std::uint64_t>(fragment.extent.size - done, block.size())));
      if (auto status = source.read_at(fragment.extent.offset + done, bytes); !status) return status;
      if (auto status = writer.append(bytes); !status) return status;
      done += bytes.size();
    }
  }
  return fill(writer, filling, at, tensor.byte_size - at);
}

Status copy_whole(const Source& file, const std::filesystem::path& path, const WriteOptions& options,
                  const Progress& progress) {
  constexpr std::uint64_t kStep = std::uint64_t{32} << 20;
  auto out = OutputFile::create(
      path, {.permissions = options.permissions, .overwrite = options.overwrite, .durable = options.durable});
  if (!out) return std::move(out).error();
  for (std::uint64_t at = 0; at < file.size(); at += kStep) {
    if (progress && !progress(at, file.size()))
      return Error{.code = Errc::cancelled, .message = "stopped while it was written"};
    if (auto status = out->append_source(file, at, std::min(kStep, file.size() - at)); !status) return status;
  }
  if (auto status = file.verify_unchanged(); !status) return status;
  return out->commit();
}

}  // namespace

Salvage::Salvage(std::unique_ptr<const Impl> impl) noexcept : impl_(std::move(impl)) {}
Salvage::Salvage(Salvage&&) noexcept = default;
Salvage& Salvage::operator=(Salvage&&) noexcept = default;
Salvage::~Salvage() = default;

Result<Salvage> Salvage::examine(const std::filesystem::path& path, const SalvageOptions& options) {
  auto source = open_file(path);
  if (!source) return std::move(source).error();
  return examine(std::move(*source), options);
}

Result<Salvage> Salvage::examine(SourcePtr source, const SalvageOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->file = source;
  auto encryption = detect_encryption(*source);
  if (!encryption) return std::move(encryption).error();
  std::optional<Error> cipher_damage;
  std::vector<Hole> holes;
  std::vector<std::uint64_t> mended_headers;
  if (*encryption) {
    if (!options.open.key) return needs_key(**encryption);
    auto view =
        open_encrypted(std::move(source), *options.open.key, options.open.mode, OnDamage::go_on, options.open.progress);
    if (!view) return std::move(view).error();
    source = std::move(view->source);
    impl->encryption = view->encryption;
    cipher_damage = std::move(view->damage);
    holes = std::move(view->holes);
    mended_headers = std::move(view->mended_headers);
  }
  impl->source = source;

  Examination examination(*source, options);
  if (auto status = examination.run(); !status) return status.error();
  lose_holes(holes, examination.entries(), examination.losses());
  impl->losses = std::move(examination.losses());
  impl->trailer = examination.trailer();
  if (cipher_damage)
    impl->losses.push_back({.offset = cipher_damage->offset, .message = std::move(cipher_damage->message)});
  for (const std::uint64_t offset : mended_headers)
    impl->losses.push_back({.kind = Loss::Kind::doubt,
                            .offset = offset,
                            .message = "the header of a cipher block was damaged; its tag proves what is in it"});
  const bool framing_is_whole = impl->losses.empty();
  Sorting sorting(options.partial, impl->losses);
  sorting.run(std::move(examination.entries()));
  impl->kept = std::move(sorting.kept);
  impl->old_names = std::move(sorting.old_names);
  impl->partial = std::move(sorting.partial);
  if (impl->kept.empty() && impl->partial.empty() && !impl->losses.empty()) {
    const auto identity = identify(*source);
    if (identity && !identity->checkpoint)
      return Error{.code = Errc::unsupported, .message = "is " + identity->description};
  }
  if (framing_is_whole && impl->trailer) {
    auto crc = crc_of(*source, impl->trailer->offset, options.open.progress);
    if (!crc) return std::move(crc).error();
    if (impl->trailer->oversized || *crc != impl->trailer->crc)
      impl->losses.push_back({.kind = Loss::Kind::doubt,
                              .offset = impl->trailer->offset,
                              .message = "the CRC trailer does not match: some value, name or the trailer itself was "
                                         "altered, and nothing tells which"});
  }
  std::stable_sort(impl->losses.begin(), impl->losses.end(),
                   [](const Loss& a, const Loss& b) { return a.offset < b.offset; });
  if (auto status = impl->file->verify_unchanged(); !status) return status.error();
  return Salvage(std::move(impl));
}

std::span<const TensorInfo> Salvage::kept() const noexcept { return impl_->kept; }
std::size_t Salvage::partial() const noexcept { return impl_->partial.size(); }
std::span<const Loss> Salvage::losses() const noexcept { return impl_->losses; }
const std::optional<Trailer>& Salvage::trailer() const noexcept { return impl_->trailer; }
const std::optional<Encryption>& Salvage::encryption() const noexcept { return impl_->encryption; }

Status Salvage::write(const std::filesystem::path& path, const WriteOptions& options, const Progress& progress) const {
  if (impl_->kept.empty() && impl_->partial.empty())
    return Error{.code = Errc::mismatch, .message = "nothing of it can be saved"};
  const bool same_form =
      options.crc == impl_->trailer.has_value() && options.key.has_value() == impl_->encryption.has_value();
  if (impl_->losses.empty() && same_form) return copy_whole(*impl_->file, path, options, progress);

  auto file = Checkpoint::from_index({impl_->source}, impl_->kept);
  if (!file) return std::move(file).error();
  auto writer = Writer::create(path, options);
  if (!writer) return std::move(writer).error();
  std::uint64_t total = 0;
  for (const TensorInfo& entry : file->tensors()) total += entry.record_size;
  std::uint64_t done = 0;
  for (const TensorInfo& entry : file->tensors()) {
    // Writer::copy gives a record a name that is another than the entry's.
    TensorInfo stored = entry;
    if (const auto old = impl_->old_names.find(entry.name); old != impl_->old_names.end()) stored.name = old->second;
    if (auto status = writer->copy(*file, stored, entry.name); !status) return status;
    done += entry.record_size;
    if (progress && !progress(done, total))
      return Error{.code = Errc::cancelled, .message = "stopped while it was written"};
  }
  for (const PartialTensor& tensor : impl_->partial)
    if (auto status = write_partial(*writer, *impl_->source, tensor); !status) return status;
  return writer->finish();
}

}  // namespace ckpt

#include "scan.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "file_window.h"

namespace ckpt {
namespace {

// Everything that follows from dims, dtype and the bytes stored.
void settle(TensorInfo& entry) {
  const std::size_t element = size_of(entry.dtype);
  entry.encoding = Encoding::raw;
  entry.byte_size = entry.stored_size;
  if (element == 0) return;
  const bool wide = entry.dtype == DType::bfloat16;
  if (entry.dims.size() == 1 && entry.dims[0] == 0 &&
      (entry.stored_size == element || (wide && entry.stored_size == 2 * element))) {
    entry.dims.clear();
    entry.scalar_as_zero = true;
  }
  if (!wide) return;
  const auto expected = entry.expected_size();
  if (expected && *expected != 0 && entry.stored_size / 2 == *expected && entry.stored_size % 2 == 0) {
    entry.encoding = Encoding::bf16_as_float32;
    entry.byte_size = entry.stored_size / 2;
  }
}

// These fill an entry where it is: moving one costs more than walking its record.
void fill(TensorInfo& entry, std::string_view name, const TensorFields& fields) {
  entry.name = name;
  entry.dtype = dtype_from_name(fields.type);
  entry.type_name = fields.type;
  entry.dims = fields.dims;
  entry.kind = entry.dtype == DType::unknown  ? Kind::opaque
               : entry.dtype == DType::string ? Kind::string
                                              : Kind::tensor;
  entry.packed_dims = fields.packed_dims;
  entry.stored_size = fields.content_size;
  entry.extents.push_back({0, fields.content_offset, fields.content_size});
  settle(entry);
}

void fill(TensorInfo& entry, const Record& record) {
  switch (record.value) {
    case Record::Value::none:
      entry.name = record.tag;
      entry.kind = Kind::opaque;
      break;
    case Record::Value::tensor:
      fill(entry, record.tag, record.tensor);
      break;
    case Record::Value::map: {
      constexpr const char* kPartNames[] = {"keys", "values", "status"};
      entry.name = record.tag;
      entry.kind = Kind::map;
      for (const TensorFields& fields : record.parts) {
        const std::size_t i = entry.parts.size();
        TensorInfo& part = entry.parts.emplace_back();
        fill(part, i < 3 ? kPartNames[i] : std::to_string(i), fields);
        entry.byte_size += part.byte_size;
        entry.stored_size += part.stored_size;
      }
      break;
    }
  }
  entry.record_offset = record.offset;
  entry.record_size = record.end - record.offset;
  entry.unknown_fields = record.unknown_fields;
}

std::uint64_t memory_of(const TensorInfo& entry) {
  std::uint64_t bytes = sizeof(TensorInfo) + entry.name.size() + entry.type_name.size() +
                        entry.dims.size() * sizeof(std::int64_t) + entry.extents.size() * sizeof(Extent);
  for (const TensorInfo& part : entry.parts) bytes += memory_of(part);
  return bytes;
}

bool same_dims(const TensorInfo& entry, const TensorFields& fields) {
  if (entry.scalar_as_zero) return fields.dims.size() == 1 && fields.dims[0] == 0;
  return entry.dims == fields.dims;
}

// A further slice of a map: rows are appended, so all but the first dim agree.
bool continues_part(const TensorInfo& part, const TensorFields& fields) {
  return !part.dims.empty() && part.type_name == fields.type && part.dims.size() == fields.dims.size() &&
         std::equal(part.dims.begin() + 1, part.dims.end(), fields.dims.begin() + 1) && part.dims[0] >= 0 &&
         fields.dims[0] >= 0 && fields.dims[0] <= INT64_MAX - part.dims[0];
}

}  // namespace

// A record of the same name right after an unfinished run of slices belongs to it; after a complete one it is an entry
// of its own. Where no size is expected (unknown types, strings) every record is complete.
bool Indexer::continues_last(const Record& record) const {
  if (index_.tensors.empty()) return false;
  const TensorInfo& last = index_.tensors.back();
  if (last.name != record.tag) return false;
  if (last.kind == Kind::map)
    return record.value == Record::Value::map && !last.parts.empty() && last.parts.size() == record.parts.size() &&
           std::equal(last.parts.begin(), last.parts.end(), record.parts.begin(), continues_part);
  if (last.kind != Kind::tensor || record.value != Record::Value::tensor) return false;
  if (last.type_name != record.tensor.type || !same_dims(last, record.tensor)) return false;
  const auto expected = last.expected_size();
  if (!expected) return false;
  if (last.stored_size < *expected) return true;
  if (last.dtype != DType::bfloat16 || *expected == 0) return false;
  // BFloat16 stored as float32 needs twice the bytes, and its first slice may look like a complete BFloat16 tensor
  // (np.array_split makes two equal halves). MindSpore joins before it looks at the size, so that is what it means.
  const std::uint64_t rest = last.stored_size < 2 * *expected ? 2 * *expected - last.stored_size : 0;
  return rest != 0 &&
         (last.stored_size == *expected ? record.tensor.content_size == rest : record.tensor.content_size <= rest);
}

void Indexer::join(const Record& record) {
  TensorInfo& last = index_.tensors.back();
  const auto extend = [](TensorInfo& entry, const TensorFields& fields) {
    entry.stored_size += fields.content_size;
    entry.extents.push_back({0, fields.content_offset, fields.content_size});
    entry.packed_dims |= fields.packed_dims;
  };
  if (last.kind == Kind::map) {
    last.stored_size = last.byte_size = 0;
    for (std::size_t i = 0; i < last.parts.size(); ++i) {
      last.parts[i].dims[0] += record.parts[i].dims[0];
      extend(last.parts[i], record.parts[i]);
      settle(last.parts[i]);
      last.stored_size += last.parts[i].stored_size;
      last.byte_size += last.parts[i].byte_size;
    }
  } else {
    extend(last, record.tensor);
    settle(last);
  }
  last.unknown_fields |= record.unknown_fields;
  last.record_size = record.end - last.record_offset;
}

// Growing a large vector costs more than walking the headers, so after some records a guess is made of how many there
// will be. Only address space is at stake: pages that are never used are never there.
void Indexer::reserve_ahead(const Record& record) {
  constexpr std::size_t kSample = 256;
  const std::uint64_t most = std::min<std::uint64_t>(1 << 16, limits_.max_index_bytes / sizeof(TensorInfo));
  if (index_.tensors.size() != kSample || file_size_ <= record.offset) return;
  const std::uint64_t average = record.offset / kSample + 1;
  index_.tensors.reserve(kSample +
                         static_cast<std::size_t>(std::min(most, (file_size_ - record.offset) / average + 64)));
}

Result<Indexer::Placement> Indexer::add(const Record& record) {
  reserve_ahead(record);
  Placement placement{.joined = continues_last(record)};
  if (!placement.joined) fill(index_.tensors.emplace_back(), record);
  const std::uint64_t cost = placement.joined ? sizeof(Extent) * std::max<std::size_t>(1, record.parts.size())
                                              : memory_of(index_.tensors.back());
  if (index_bytes_ + cost > index_ceiling(limits_, record.offset)) {
    if (!placement.joined) index_.tensors.pop_back();
    return index_too_large(record.offset, limits_);
  }
  index_bytes_ += cost;
  undo_ = {.joined = placement.joined};
  if (placement.joined) {
    const TensorInfo& last = index_.tensors.back();
    undo_ = {true, last.record_size, last.unknown_fields, last.packed_dims};
    placement.stored_before = last.stored_size;
    join(record);
  }
  placement.entry = index_.tensors.size() - 1;
  return placement;
}

void Indexer::complete(const Record& record) {
  TensorInfo& last = index_.tensors.back();
  last.record_size = record.end - last.record_offset;
  last.unknown_fields |= record.unknown_fields;
  last.packed_dims |= record.tensor.packed_dims;  // an empty list of them changes no shape
}

void Indexer::take_back() {
  if (!undo_.joined) {
    index_.tensors.pop_back();
    return;
  }
  TensorInfo& last = index_.tensors.back();
  last.stored_size -= last.extents.back().size;
  last.extents.pop_back();
  last.record_size = undo_.record_size;
  last.unknown_fields = undo_.unknown_fields;
  last.packed_dims = undo_.packed_dims;
  settle(last);
}

void Indexer::finish(const Scanner& scanner) {
  Dialect& dialect = index_.dialect;
  dialect.model_type = scanner.model_type();
  dialect.unknown_fields = scanner.top_level_unknown_fields();
  index_.trailer = scanner.trailer();
  index_.stray_damage = scanner.failed_in_stray_bytes();
  index_.cipher_offset = scanner.cipher_offset();
  for (const TensorInfo& entry : index_.tensors) {
    dialect.scalars_as_zero |= entry.scalar_as_zero;
    dialect.scalars_without_dims |= entry.kind == Kind::tensor && entry.dims.empty() && !entry.scalar_as_zero;
    dialect.packed_dims |= entry.packed_dims;
    dialect.maps |= entry.kind == Kind::map;
    dialect.slices |= entry.extents.size() > 1;
    dialect.old_type_names |= entry.kind == Kind::tensor && entry.type_name != name(entry.dtype);
    dialect.unknown_fields |= entry.unknown_fields;
  }
}

bool is_cipher_behind_clear(const Index& index, const Error& damage) {
  if (damage.code != Errc::truncated && damage.code != Errc::malformed) return false;
  return !index.tensors.empty() && index.cipher_offset == end_of_entries(index);
}

Error with_cause(const Index& index, Error damage) {
  if (!is_cipher_behind_clear(index, damage)) return damage;
  return {.code = Errc::malformed,
          .offset = end_of_entries(index),
          .message = "an encrypted block follows the entries in clear"};
}

Index scan(const Source& source, const Limits& limits, const Progress& progress) {
  constexpr std::size_t kRecordsPerReport = 4096;
  FileWindow window(source);
  Scanner scanner(window, source.size(), limits);
  Indexer indexer(limits, source.size());
  std::optional<Error> damage;
  for (std::size_t records = 0; !damage;) {
    const Scanner::Event event = scanner.next();
    if (event == Scanner::Event::end) break;
    if (event == Scanner::Event::failed) {
      damage = scanner.error();
    } else if (event == Scanner::Event::record) {
      if (auto placed = indexer.add(scanner.record()); !placed) {
        damage = std::move(placed).error();
      } else if (progress && ++records % kRecordsPerReport == 0 && !progress(scanner.position(), source.size())) {
        damage = Error{.code = Errc::cancelled, .message = "stopped while the index was made"};
      }
    }
  }
  indexer.finish(scanner);
  Index index = std::move(indexer.index());
  if (damage) index.damage = with_cause(index, std::move(*damage));
  index.file_size = index.plain_size = source.size();
  return index;
}

}  // namespace ckpt

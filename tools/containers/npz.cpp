// NumPy's files: .npy is a header and an array's bytes, .npz a zip archive of such files.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aside.h"
#include "ckpt/output_file.h"
#include "ckpt/text.h"
#include "containers.h"
#include "index_budget.h"
#include "npy.h"
#include "reorder.h"
#include "saving.h"
#include "temp_store.h"
#include "zip.h"

namespace ckpt::containers {
namespace {

constexpr std::string_view kSuffix = ".npy";
constexpr std::uint64_t kMaxReordered = std::uint64_t{1} << 20;  // bytes of one item

Error for_tensor(Error error, const std::string& name) {
  if (error.tensor.empty()) error.tensor = name;
  return error;
}

/// The bytes of a .npy file: a file of its own, or a member of an archive.
struct NpyFile {
  SourcePtr file;
  ZipMember member;

  Result<std::vector<std::byte>> start(std::uint64_t count) const {
    count = std::min(count, member.size);
    std::vector<std::byte> bytes(static_cast<std::size_t>(count));
    if (!member.deflated) {
      if (auto status = file->read_at(member.offset, bytes); !status) return status.error();
      return bytes;
    }
    std::size_t filled = 0;
    const auto status = inflate(*file, member, count, [&](std::span<const std::byte> piece) -> Status {
      std::copy(piece.begin(), piece.end(), bytes.begin() + static_cast<std::ptrdiff_t>(filled));
      filled += piece.size();
      return {};
    });
    if (!status) return status.error();
    return bytes;
  }
};

/// An array that is not stored as it should be read, and how to make it so.
struct Conversion {
  NpyFile from;
  std::uint64_t header_size = 0;
  std::vector<std::int64_t> dims = {};
  std::uint64_t item_size = 0;
  std::size_t swap = 1;
  bool fortran_order = false;

  Status unpack(const std::function<Status(std::uint64_t, std::span<const std::byte>)>& write) const {
    std::uint64_t at = 0;
    return inflate(*from.file, from.member, from.member.size, [&](std::span<const std::byte> piece) {
      const std::uint64_t skip = std::min<std::uint64_t>(piece.size(), header_size - std::min(at, header_size));
      const std::uint64_t to = std::max(at, header_size) - header_size;
      at += piece.size();
      return write(to, piece.subspan(static_cast<std::size_t>(skip)));
    });
  }

  ReadAt stored() const {
    return [this](std::uint64_t at, std::span<std::byte> out) {
      return from.file->read_at(from.member.offset + header_size + at, out);
    };
  }

  Status reorder(const Aside::Region& region) const {
    if (!from.member.deflated) return to_c_order(stored(), dims, item_size, region);
    auto unpacked = TempStore::create();
    if (!unpacked) return unpacked.error();
    const auto keep = [&](std::uint64_t at, std::span<const std::byte> bytes) { return unpacked->write_at(at, bytes); };
    if (auto status = unpack(keep); !status) return status;
    return to_c_order([&](std::uint64_t at, std::span<std::byte> out) { return unpacked->read_at(at, out); }, dims,
                      item_size, region);
  }

  Status run(const Aside::Region& region) const {
    Status status;
    if (fortran_order) {
      status = reorder(region);
    } else if (from.member.deflated) {
      status = unpack([&](std::uint64_t at, std::span<const std::byte> bytes) { return region.write(at, bytes); });
    } else {
      constexpr std::uint64_t kBlock = std::uint64_t{128} << 10;
      std::vector<std::byte> buffer(static_cast<std::size_t>(std::min(region.size(), kBlock)));
      for (std::uint64_t at = 0; status && at < region.size(); at += buffer.size()) {
        const auto piece = std::span(buffer).first(
            static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), region.size() - at)));
        status = stored()(at, piece);
        if (status) status = region.write(at, piece);
      }
    }
    return status && swap > 1 ? swap_bytes(region, swap) : status;
  }
};

bool order_matters(const NpyHeader& header) {
  return header.fortran_order &&
         std::count_if(header.dims.begin(), header.dims.end(), [](std::int64_t dim) { return dim > 1; }) > 1;
}

class NpyIndex {
 public:
  explicit NpyIndex(SourcePtr file, const ForeignOptions& options)
      : file_(std::move(file)), budget_(options.limits), aside_(std::make_shared<Aside>(options.max_decoded_bytes)) {}

  Status add(std::string name, const ZipMember& member) {
    if (auto status = try_add(name, member); !status) return for_tensor(status.error(), name);
    return {};
  }

  Result<Checkpoint> finish() {
    if (auto status = file_->verify_unchanged(); !status) return status.error();
    std::vector<SourcePtr> sources = {file_};
    if (!aside_->empty()) sources.push_back(aside_);
    return make_checkpoint(std::move(sources), std::move(tensors_));
  }

 private:
  Status try_add(const std::string& name, const ZipMember& member) {
    const NpyFile npy{file_, member};
    auto start = npy.start(kNpyPreamble);
    if (!start) return start.error();
    const auto header_size = npy_header_size(*start);
    if (!header_size) return header_size.error();
    if (*header_size > member.size)
      return Error{.code = Errc::truncated, .message = "ends inside the header of a NumPy array"};
    start = npy.start(*header_size);
    if (!start) return start.error();
    auto header = parse_npy_header(*start);
    if (!header) return header.error();
    const auto type = npy_type(*header);
    if (!type) return type.error();

    TensorInfo info;
    info.name = name;
    info.kind = type->kind;
    info.dtype = type->dtype;
    info.type_name = header->descr;
    info.dims = header->dims;
    const auto size = size_of_array(info, *type);
    if (!size) return size.error();
    if (member.size - *header_size != *size) {
      const bool cut = member.size - *header_size < *size;
      return Error{.code = cut ? Errc::truncated : Errc::malformed,
                   .message = "its shape and type ask for " + std::to_string(*size) + " bytes, " +
                              std::to_string(member.size - *header_size) + " are there"};
    }
    if (type->kind == Kind::string) info.dims = {0};
    const bool reorder = order_matters(*header);
    if (reorder && type->item_size > kMaxReordered)
      return Error{.code = Errc::unsupported, .message = "is in Fortran order, with items above 1 MiB"};
    if (auto status = budget_.add(info); !status) return status;
    if (!member.deflated && !reorder && type->swap == 1) {
      place(info, {.source = 0, .offset = member.offset + *header_size, .size = *size});
    } else {
      auto offset = aside_->add(*size,
                                [name, conversion = Conversion{npy, *header_size, header->dims, type->item_size,
                                                               type->swap, reorder}](const auto& region) -> Status {
                                  if (auto status = conversion.run(region); !status)
                                    return for_tensor(status.error(), name);
                                  return {};
                                });
      if (!offset) return offset.error();
      place_elsewhere(info, {.source = 1, .offset = *offset, .size = *size}, member.offset);
    }
    tensors_.push_back(std::move(info));
    return {};
  }

  static Result<std::uint64_t> size_of_array(const TensorInfo& info, const NpyType& type) {
    const auto count = info.element_count();
    if (count && (type.item_size == 0 || *count <= std::numeric_limits<std::int64_t>::max() / type.item_size))
      return *count * type.item_size;
    return Error{.code = Errc::mismatch, .message = "its shape and type ask for more than 2^63 bytes"};
  }

  SourcePtr file_;
  IndexBudget budget_;
  std::shared_ptr<Aside> aside_;
  std::vector<TensorInfo> tensors_ = {};
};

}  // namespace

Result<Checkpoint> read_npy(SourcePtr file, std::string name, const ForeignOptions& options) {
  const std::uint64_t size = file->size();
  NpyIndex index(std::move(file), options);
  if (auto status = index.add(std::move(name), {.stored_size = size, .size = size}); !status) return status.error();
  return index.finish();
}

Result<Checkpoint> read_npz(SourcePtr file, const ForeignOptions& options) {
  auto members = read_zip_directory(*file, options.limits);
  if (!members) return std::move(members).error();
  NpyIndex index(std::move(file), options);
  for (const ZipMember& member : *members) {
    if (!member.name.ends_with(kSuffix))
      return Error{.code = Errc::unsupported,
                   .tensor = member.name,
                   .message = "is no array: NumPy's names in an archive end with .npy"};
    const std::string name = member.name.substr(0, member.name.size() - kSuffix.size());
    if (auto status = index.add(name, member); !status) return status.error();
  }
  return index.finish();
}

// ---- writing ----

std::string why_not_npz(const OutputEntry& entry) {
  const TensorInfo& tensor = *entry.tensor;
  if (tensor.kind == Kind::map) return "NumPy has no map parameters";
  if (tensor.kind == Kind::opaque || (tensor.kind == Kind::tensor && npy_descr(tensor.dtype).empty()))
    return "NumPy has no type " + type_of(tensor);
  if (tensor.kind == Kind::string && tensor.byte_size % 4 != 0) return "its bytes are no UTF-32";
  if (tensor.dims.size() > 64) return "NumPy has at most 64 dims";
  // In an archive a name is a path, for whoever unpacks it with another program.
  const std::string_view name = entry.name;
  if (name.size() + kSuffix.size() > std::numeric_limits<std::uint16_t>::max()) return "its name is too long";
  if (name.starts_with('/') || name.find('\\') != name.npos || name.find('\0') != name.npos)
    return "its name would be an odd path in an archive";
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t end = std::min(name.find('/', at), name.size());
    const std::string_view part = name.substr(at, end - at);
    if (part == ".." || (part == "." && end != name.size())) return "its name would be an odd path in an archive";
    at = end + 1;
  }
  return {};
}

namespace {

constexpr std::uint32_t kLocalMagic = 0x04034b50;
constexpr std::uint32_t kEntryMagic = 0x02014b50;
constexpr std::uint32_t kEnd64Magic = 0x06064b50;
constexpr std::uint32_t kLocatorMagic = 0x07064b50;
constexpr std::uint32_t kEndMagic = 0x06054b50;
constexpr std::uint16_t kVersion = 45;  // zip64
constexpr std::uint16_t kUtf8Names = 1 << 11;
constexpr std::uint16_t kDosDate = 0x21;  // 1980-01-01: the same input gives the same file
constexpr std::uint32_t kIn64 = 0xFFFFFFFF;

class Fields {
 public:
  Fields& u16(std::uint64_t value) { return put(value, 2); }
  Fields& u32(std::uint64_t value) { return put(value, 4); }
  Fields& u64(std::uint64_t value) { return put(value, 8); }
  Fields& text(std::string_view text) {
    bytes_ += text;
    return *this;
  }
  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(bytes_)); }

 private:
  Fields& put(std::uint64_t value, int width) {
    for (int i = 0; i < width; ++i) bytes_ += static_cast<char>(value >> (8 * i));
    return *this;
  }
  std::string bytes_ = {};
};

struct Written {
  std::string name = {};
  std::uint64_t local = 0;
  std::uint64_t size = 0;
  std::uint32_t crc = 0;
};

/// Sizes stand in a zip64 field always: an archive of any size has one form.
Fields local_header(const Written& member) {
  Fields fields;
  fields.u32(kLocalMagic).u16(kVersion).u16(kUtf8Names).u16(0).u16(0).u16(kDosDate).u32(member.crc);
  fields.u32(kIn64).u32(kIn64).u16(member.name.size()).u16(20).text(member.name);
  return fields.u16(1).u16(16).u64(member.size).u64(member.size);
}

Fields directory_entry(const Written& member) {
  Fields fields;
  fields.u32(kEntryMagic).u16(kVersion).u16(kVersion).u16(kUtf8Names).u16(0).u16(0).u16(kDosDate).u32(member.crc);
  fields.u32(kIn64).u32(kIn64).u16(member.name.size()).u16(28).u16(0).u16(0).u16(0).u32(0).u32(kIn64);
  return fields.text(member.name).u16(1).u16(24).u64(member.size).u64(member.size).u64(member.local);
}

Fields end_records(std::uint64_t count, std::uint64_t offset, std::uint64_t size) {
  Fields fields;
  fields.u32(kEnd64Magic).u64(44).u16(kVersion).u16(kVersion).u32(0).u32(0).u64(count).u64(count).u64(size).u64(offset);
  fields.u32(kLocatorMagic).u32(0).u64(offset + size).u32(1);
  return fields.u32(kEndMagic).u16(0).u16(0).u16(0xFFFF).u16(0xFFFF).u32(kIn64).u32(kIn64).u16(0);
}

std::string header_of(const TensorInfo& tensor) {
  if (tensor.kind == Kind::string) return npy_header("<U" + std::to_string(tensor.byte_size / 4), {});
  return npy_header(npy_descr(tensor.dtype), tensor.dims);
}

}  // namespace

Status write_npz(const std::filesystem::path& path, const Checkpoint& from, std::span<const OutputEntry> entries,
                 const SaveOptions& options) {
  if (auto status = check_entries(FileFormat::npz, entries); !status) return status;
  auto file = OutputFile::create(path, output_options(options));
  if (!file) return std::move(file).error();
  std::uint64_t total = 0;
  for (const OutputEntry& entry : entries) total += entry.tensor->byte_size;
  EntryCopier copier(end_of(*file), from, total, true, options.progress);
  std::vector<Written> members;
  members.reserve(entries.size());
  for (const OutputEntry& entry : entries) {
    const std::string header = header_of(*entry.tensor);
    const auto header_bytes = std::as_bytes(std::span(header));
    Written& member = members.emplace_back();
    member = {.name = entry.name + std::string(kSuffix),
              .local = file->size(),
              .size = header.size() + entry.tensor->byte_size};
    if (auto status = file->append(local_header(member).bytes()); !status) return status;
    if (auto status = file->append(header_bytes); !status) return status;
    if (auto status = copier.copy(entry); !status) return status;
    member.crc = joined_crc(crc_of(0, header_bytes), copier.last_crc(), entry.tensor->byte_size);
    if (auto status = file->overwrite(member.local, local_header(member).bytes()); !status) return status;
  }
  if (auto status = copier.finish(); !status) return status;
  const std::uint64_t directory = file->size();
  for (const Written& member : members)
    if (auto status = file->append(directory_entry(member).bytes()); !status) return status;
  if (auto status = file->append(end_records(members.size(), directory, file->size() - directory).bytes()); !status)
    return status;
  return file->commit();
}

}  // namespace ckpt::containers

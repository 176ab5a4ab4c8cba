// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, as far as NumPy uses it.
#include "zip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "ckpt/text.h"

namespace ckpt::containers {
namespace {

constexpr std::size_t kEndSize = 22;
constexpr std::size_t kMaxComment = 0xFFFF;
constexpr std::size_t kLocatorSize = 20;
constexpr std::size_t kEnd64Size = 56;
constexpr std::size_t kEntrySize = 46;
constexpr std::size_t kLocalSize = 30;
constexpr std::uint32_t kEndMagic = 0x06054b50;
constexpr std::uint32_t kLocatorMagic = 0x07064b50;
constexpr std::uint32_t kEnd64Magic = 0x06064b50;
constexpr std::uint32_t kEntryMagic = 0x02014b50;
constexpr std::uint32_t kLocalMagic = 0x04034b50;
constexpr std::uint16_t kZip64Extra = 1;
constexpr std::uint32_t kIn64 = 0xFFFFFFFF;  // the number stands in the zip64 extra field

// Deflate's best: 258 bytes for two bits, and a few bytes of framing.
constexpr std::uint64_t kMaxRatio = 1032;

using Bytes = std::span<const std::byte>;

std::uint64_t number(Bytes bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = width; i-- > 0;) value = (value << 8) | std::to_integer<std::uint64_t>(bytes[at + i]);
  return value;
}
std::uint16_t u16(Bytes bytes, std::size_t at) { return static_cast<std::uint16_t>(number(bytes, at, 2)); }
std::uint32_t u32(Bytes bytes, std::size_t at) { return static_cast<std::uint32_t>(number(bytes, at, 4)); }
std::uint64_t u64(Bytes bytes, std::size_t at) { return number(bytes, at, 8); }

Error malformed(std::string message, std::uint64_t offset = Error::kNoOffset) {
  return {.code = Errc::malformed, .offset = offset, .message = std::move(message)};
}

Result<std::vector<std::byte>> read_bytes(const Source& file, std::uint64_t offset, std::uint64_t size) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  if (auto status = file.read_at(offset, bytes); !status) return status.error();
  return bytes;
}

/// Where the central directory is.
struct Directory {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t entries = 0;
};

Result<Directory> directory64(const Source& file, Bytes locator, std::uint64_t locator_offset) {
  const std::uint64_t at = u64(locator, 8);
  if (u32(locator, 4) != 0 || u32(locator, 16) > 1)
    return Error{.code = Errc::unsupported, .message = "a zip archive on several disks"};
  if (at > locator_offset || locator_offset - at < kEnd64Size)
    return malformed("its zip64 end record lies outside the file", locator_offset);
  auto end = read_bytes(file, at, kEnd64Size);
  if (!end) return std::move(end).error();
  if (u32(*end, 0) != kEnd64Magic) return malformed("its zip64 end record is none", at);
  const Directory directory{.offset = u64(*end, 48), .size = u64(*end, 40), .entries = u64(*end, 32)};
  if (directory.offset > at || directory.size != at - directory.offset)
    return malformed("its directory does not end where the zip64 end record starts", at);
  return directory;
}

Result<Directory> find_directory(const Source& file) {
  if (file.size() < kEndSize) return Error{.code = Errc::truncated, .message = "too short for a zip archive"};
  const std::uint64_t tail_size = std::min<std::uint64_t>(file.size(), kEndSize + kMaxComment);
  const std::uint64_t tail_offset = file.size() - tail_size;
  auto tail = read_bytes(file, tail_offset, tail_size);
  if (!tail) return std::move(tail).error();
  // The last place that could be the end record, with a comment that reaches the file's end.
  std::size_t at = tail->size() - kEndSize + 1;
  while (at-- > 0)
    if (u32(*tail, at) == kEndMagic && u16(*tail, at + 20) == tail->size() - kEndSize - at) break;
  if (at > tail->size())
    return Error{.code = Errc::truncated,
                 .offset = file.size(),
                 .message = "a zip archive without its directory, which comes last: it was cut"};
  const Bytes end = Bytes(*tail).subspan(at);
  const std::uint64_t end_offset = tail_offset + at;
  if (at >= kLocatorSize && u32(*tail, at - kLocatorSize) == kLocatorMagic)
    return directory64(file, Bytes(*tail).subspan(at - kLocatorSize, kLocatorSize), end_offset - kLocatorSize);
  if (u16(end, 4) != 0 || u16(end, 6) != 0 || u16(end, 8) != u16(end, 10))
    return Error{.code = Errc::unsupported, .message = "a zip archive on several disks"};
  const Directory directory{.offset = u32(end, 16), .size = u32(end, 12), .entries = u16(end, 10)};
  if (directory.offset > end_offset || directory.size != end_offset - directory.offset)
    return malformed("its directory does not end where the end record starts", end_offset);
  return directory;
}

/// One entry of the directory; `local` is where its own header is.
struct Entry {
  ZipMember member = {};
  std::uint64_t local = 0;
  std::uint16_t method = 0;
  std::uint64_t size = 0;  // in the directory
};

/// The numbers that did not fit 32 bits, in a fixed order, each only if its field says so.
bool read_zip64(Bytes extra, std::span<std::uint64_t* const> wanted) {
  while (extra.size() >= 4) {
    const std::size_t size = u16(extra, 2);
    if (size > extra.size() - 4) return false;
    if (u16(extra, 0) == kZip64Extra) {
      Bytes numbers = extra.subspan(4, size);
      for (std::uint64_t* value : wanted) {
        if (*value != kIn64) continue;
        if (numbers.size() < 8) return false;
        *value = u64(numbers, 0);
        numbers = numbers.subspan(8);
      }
      return true;
    }
    extra = extra.subspan(4 + size);
  }
  return std::none_of(wanted.begin(), wanted.end(), [](const std::uint64_t* value) { return *value == kIn64; });
}

Result<Entry> read_entry(Bytes rest, std::uint64_t offset) {
  const Error cut = malformed("its directory ends inside an entry, or has something else in it", offset);
  if (rest.size() < kEntrySize || u32(rest, 0) != kEntryMagic) return cut;
  const std::size_t name_size = u16(rest, 28);
  const std::size_t extra_size = u16(rest, 30);
  const std::size_t size = kEntrySize + name_size + extra_size + u16(rest, 32);
  if (size > rest.size()) return cut;
  Entry entry{.method = u16(rest, 10), .size = size};
  ZipMember& member = entry.member;
  member.name.assign(reinterpret_cast<const char*>(rest.data()) + kEntrySize, name_size);
  member.crc = u32(rest, 16);
  member.stored_size = u32(rest, 20);
  member.size = u32(rest, 24);
  entry.local = u32(rest, 42);
  const auto fail = [&](Errc code, std::string message) {
    return Error{.code = code, .offset = offset, .tensor = member.name, .message = std::move(message)};
  };
  const std::array wanted = {&member.size, &member.stored_size, &entry.local};
  if (!read_zip64(rest.subspan(kEntrySize + name_size, extra_size), wanted))
    return fail(Errc::malformed, "its sizes are said to be in zip64 form, and are not there");
  if ((u16(rest, 8) & 1) != 0) return fail(Errc::unsupported, "is encrypted, which NumPy does not read either");
  if (entry.method != 0 && entry.method != 8)
    return fail(Errc::unsupported, "is packed with method " + std::to_string(entry.method) + "; 0 and 8 are read");
  member.deflated = entry.method == 8;
  if (!member.deflated && member.size != member.stored_size)
    return fail(Errc::malformed, "is stored as it is, but in another size");
  if (member.deflated && member.size / kMaxRatio > member.stored_size)
    return fail(Errc::malformed, "claims " + std::to_string(member.size) + " bytes, more than its " +
                                     std::to_string(member.stored_size) + " can be unpacked to");
  return entry;
}

/// The header in front of the data repeats name and method, and tells where the data starts.
Status locate_data(const Source& file, std::uint64_t directory_offset, Entry& entry) {
  ZipMember& member = entry.member;
  const auto fail = [&](std::string message) -> Status {
    return Error{.code = Errc::malformed, .offset = entry.local, .tensor = member.name, .message = std::move(message)};
  };
  if (entry.local > directory_offset || directory_offset - entry.local < kLocalSize + member.name.size())
    return fail("lies outside the archive");
  std::vector<std::byte> header(kLocalSize + member.name.size());
  if (auto status = file.read_at(entry.local, header); !status) return status;
  const std::string_view name(reinterpret_cast<const char*>(header.data()) + kLocalSize, member.name.size());
  if (u32(header, 0) != kLocalMagic || u16(header, 26) != member.name.size() || name != member.name ||
      u16(header, 8) != entry.method)
    return fail("has another header in front of its data than the directory says");
  member.offset = entry.local + kLocalSize + member.name.size() + u16(header, 28);
  if (member.offset > directory_offset || member.stored_size > directory_offset - member.offset)
    return fail("has " + std::to_string(member.stored_size) + " bytes by the directory, which is too near for them");
  return {};
}

/// An archive whose members share bytes unpacks to far more than it has.
Status check_overlaps(std::span<const Entry> entries) {
  std::vector<const Entry*> order;
  order.reserve(entries.size());
  for (const Entry& entry : entries) order.push_back(&entry);
  std::sort(order.begin(), order.end(), [](const Entry* a, const Entry* b) { return a->local < b->local; });
  for (std::size_t i = 1; i < order.size(); ++i) {
    const ZipMember& before = order[i - 1]->member;
    if (order[i]->local < before.offset + before.stored_size)
      return Error{.code = Errc::malformed,
                   .offset = order[i]->local,
                   .tensor = order[i]->member.name,
                   .message = "overlaps \"" + escape(before.name) + "\""};
  }
  return {};
}

/// zlib's state, cleaned up whatever happens.
class Inflater {
 public:
  Inflater() { ready_ = ::inflateInit2(&stream_, -MAX_WBITS) == Z_OK; }  // raw: zip has its own frame
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() {
    if (ready_) ::inflateEnd(&stream_);
  }

  bool ready() const noexcept { return ready_; }
  bool needs_input() const noexcept { return stream_.avail_in == 0; }
  void give(Bytes bytes) {
    stream_.next_in = reinterpret_cast<const Bytef*>(bytes.data());
    stream_.avail_in = static_cast<uInt>(bytes.size());
  }
  /// zlib's answer, and how much of `out` was filled.
  std::pair<int, std::size_t> run(std::span<std::byte> out) {
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    const int answer = ::inflate(&stream_, Z_NO_FLUSH);
    return {answer, out.size() - stream_.avail_out};
  }

 private:
  z_stream stream_ = {};
  bool ready_ = false;
};

}  // namespace

Result<std::vector<ZipMember>> read_zip_directory(const Source& file, const Limits& limits) {
  const auto directory = find_directory(file);
  if (!directory) return directory.error();
  if (directory->entries > limits.max_records)
    return Error{
        .code = Errc::limit,
        .message = std::to_string(directory->entries) + " members; the limit is " + std::to_string(limits.max_records)};
  if (directory->size > limits.max_index_bytes)
    return Error{.code = Errc::limit, .message = "a directory of " + std::to_string(directory->size) + " bytes"};
  auto bytes = read_bytes(file, directory->offset, directory->size);
  if (!bytes) return std::move(bytes).error();

  std::vector<Entry> entries;
  for (Bytes rest = *bytes; !rest.empty() && entries.size() < directory->entries;) {
    auto entry = read_entry(rest, directory->offset + (bytes->size() - rest.size()));
    if (!entry) return std::move(entry).error();
    if (auto status = locate_data(file, directory->offset, *entry); !status) return status.error();
    rest = rest.subspan(static_cast<std::size_t>(entry->size));
    entries.push_back(std::move(*entry));
    if (entries.size() == directory->entries && !rest.empty())
      return malformed("its directory has more entries than the end record counts", directory->offset);
  }
  if (entries.size() != directory->entries)
    return malformed("its directory has " + std::to_string(entries.size()) + " entries, the end record counts " +
                         std::to_string(directory->entries),
                     directory->offset);
  if (auto status = check_overlaps(entries); !status) return status.error();
  std::vector<ZipMember> members;
  members.reserve(entries.size());
  for (Entry& entry : entries) members.push_back(std::move(entry.member));
  return members;
}

Status inflate(const Source& file, const ZipMember& member, std::uint64_t count, const ByteSink& sink) {
  constexpr std::uint64_t kBlock = std::uint64_t{128} << 10;
  const auto fail = [&](std::string message) -> Status {
    return Error{.code = Errc::malformed, .offset = member.offset, .message = std::move(message)};
  };
  Inflater inflater;
  if (!inflater.ready()) return Error{.code = Errc::limit, .message = "no memory to unpack it"};
  std::vector<std::byte> packed(static_cast<std::size_t>(std::min(kBlock, member.stored_size)));
  std::vector<std::byte> plain(static_cast<std::size_t>(kBlock));
  std::uint64_t taken = 0;
  std::uint64_t made = 0;
  std::uint32_t crc = 0;
  const bool all = count == member.size;
  for (bool ended = false; all ? !ended : made < count;) {
    if (inflater.needs_input() && taken < member.stored_size) {
      const auto piece = std::span(packed).first(
          static_cast<std::size_t>(std::min<std::uint64_t>(packed.size(), member.stored_size - taken)));
      if (auto status = file.read_at(member.offset + taken, piece); !status) return status;
      inflater.give(piece);
      taken += piece.size();
    }
    const auto [answer, size] = inflater.run(plain);
    ended = answer == Z_STREAM_END;
    if (answer != Z_OK && !ended)
      return fail(answer == Z_BUF_ERROR ? "its deflated data ends early" : "is no deflated data");
    if (size > member.size - made)
      return fail("unpacks to more than the " + std::to_string(member.size) + " bytes it claims");
    const auto piece = Bytes(plain).first(static_cast<std::size_t>(std::min<std::uint64_t>(size, count - made)));
    if (all)
      crc = static_cast<std::uint32_t>(::crc32_z(crc, reinterpret_cast<const Bytef*>(piece.data()), piece.size()));
    if (auto status = sink(piece); !status) return status;
    made += size;
    if (ended && made < count)
      return fail("unpacks to " + std::to_string(made) + " bytes, not to " + std::to_string(member.size));
  }
  if (all && (crc != member.crc || taken < member.stored_size || !inflater.needs_input()))
    return fail(crc != member.crc ? "its CRC-32 is not what the archive says" : "has bytes behind its deflated data");
  return {};
}

}  // namespace ckpt::containers

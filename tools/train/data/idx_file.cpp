#include "data/idx_file.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "ckpt/source.h"
#include "ckpt/text.h"

namespace ckpt::train {
namespace {

constexpr std::size_t kBlock = std::size_t{256} << 10;
constexpr std::uint64_t kBestRatio = 1032;  // that deflate can reach

Error error_at(Errc code, std::uint64_t offset, std::string message) {
  return {.code = code, .offset = offset, .message = std::move(message)};
}

/// The bytes of a file front to back, unpacked where they are gzip's.
class Unpacked {
 public:
  explicit Unpacked(SourcePtr file) : file_(std::move(file)) {}

  Status begin();
  /// No more bytes than this can come.
  std::uint64_t most() const { return inflater_ ? file_->size() * kBestRatio : file_->size(); }
  /// Fills `out` as far as there are bytes; how many those are.
  Result<std::size_t> read(std::span<std::uint8_t> out);

 private:
  struct End {
    void operator()(z_stream* stream) const {
      ::inflateEnd(stream);
      delete stream;
    }
  };

  Result<std::size_t> inflate(std::span<std::uint8_t> out);

  SourcePtr file_;
  std::uint64_t at_ = 0;  // in the file
  std::unique_ptr<z_stream, End> inflater_ = {};
  bool ended_ = false;
  std::vector<std::uint8_t> block_ = {};
};

Status Unpacked::begin() {
  std::array<std::byte, 2> start = {};
  if (file_->size() < start.size()) return {};
  if (auto status = file_->read_at(0, start); !status) return status;
  if (start != std::array{std::byte{0x1f}, std::byte{0x8b}}) return {};
  inflater_.reset(new z_stream{});
  if (::inflateInit2(inflater_.get(), MAX_WBITS + 16) != Z_OK)
    return Error{.code = Errc::limit, .message = "there is not enough memory to unpack it"};
  block_.resize(kBlock);
  return {};
}

Result<std::size_t> Unpacked::read(std::span<std::uint8_t> out) {
  if (inflater_) return inflate(out);
  const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), file_->size() - at_));
  if (auto status = file_->read_at(at_, std::as_writable_bytes(out.first(count))); !status) return status.error();
  at_ += count;
  return count;
}

Result<std::size_t> Unpacked::inflate(std::span<std::uint8_t> out) {
  z_stream& stream = *inflater_;
  std::size_t done = 0;
  while (done < out.size() && !ended_) {
    if (stream.avail_in == 0) {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(block_.size(), file_->size() - at_));
      if (count == 0) return error_at(Errc::truncated, at_, "the gzip file ends inside its data");
      const auto block = std::as_writable_bytes(std::span(block_).first(count));
      if (auto status = file_->read_at(at_, block); !status) return status.error();
      at_ += count;
      stream.next_in = block_.data();
      stream.avail_in = static_cast<uInt>(count);
    }
    const std::size_t wanted = std::min(out.size() - done, kBlock);
    stream.next_out = out.data() + done;
    stream.avail_out = static_cast<uInt>(wanted);
    const int result = ::inflate(&stream, Z_NO_FLUSH);
    done += wanted - stream.avail_out;
    if (result != Z_OK && result != Z_STREAM_END)
      return error_at(Errc::malformed, at_ - stream.avail_in,
                      std::string("damaged gzip data: ") + (stream.msg != nullptr ? stream.msg : "it makes no sense"));
    if (result != Z_STREAM_END) continue;
    ended_ = stream.avail_in == 0 && at_ == file_->size();
    ::inflateReset(&stream);  // a gzip file may have several members, one behind the other
  }
  return done;
}

// All or an error.
Status fill(Unpacked& file, std::span<std::uint8_t> out, std::uint64_t offset) {
  const auto count = file.read(out);
  if (!count) return count.error();
  if (*count == out.size()) return {};
  return error_at(Errc::truncated, offset,
                  "needs " + std::to_string(out.size()) + " bytes, " + std::to_string(*count) + " are left");
}

std::uint32_t big_endian(std::span<const std::uint8_t> four) {
  return std::uint32_t{four[0]} << 24 | std::uint32_t{four[1]} << 16 | std::uint32_t{four[2]} << 8 | four[3];
}

Result<std::vector<std::size_t>> read_header(Unpacked& file, std::size_t rank) {
  std::array<std::uint8_t, 4> four = {};
  if (auto status = fill(file, four, 0); !status) return status.error();
  const std::uint32_t magic = big_endian(four);
  const auto wanted = static_cast<std::uint32_t>(0x0800 + rank);  // 08: unsigned bytes
  if (magic != wanted)
    return error_at(Errc::malformed, 0,
                    "the magic number is 0x" + hexadecimal(std::as_bytes(std::span(four))) + ", and not 0x0000080" +
                        std::to_string(rank));
  std::vector<std::size_t> dims;
  for (std::size_t i = 0; i < rank; ++i) {
    if (auto status = fill(file, four, 4 + 4 * i); !status) return status.error();
    dims.push_back(big_endian(four));
  }
  return dims;
}

}  // namespace

Result<IdxFile> read_idx(const std::filesystem::path& path, std::size_t rank,
                         const std::function<Status(const std::vector<std::size_t>& dims)>& check, std::uint64_t most) {
  auto source = open_file(path);
  if (!source) return std::move(source).error();
  Unpacked file(std::move(*source));
  if (auto status = file.begin(); !status) return status.error();
  auto dims = read_header(file, rank);
  if (!dims) return std::move(dims).error();
  if (check)
    if (auto status = check(*dims); !status) return status.error();
  const std::uint64_t header = 4 + 4 * rank;
  std::uint64_t count = 1;
  for (const std::size_t dim : *dims) {
    if (dim != 0 && count > most / dim)
      return error_at(Errc::limit, 4, "claims more than " + std::to_string(most) + " values");
    count *= dim;
  }
  if (count > file.most() - std::min(file.most(), header))
    return error_at(Errc::truncated, header,
                    "claims " + std::to_string(count) + " values, more than the file can have");

  IdxFile idx{.dims = std::move(*dims)};
  while (idx.values.size() < count) {  // as they come: a packed file may claim more than it has
    const std::size_t have = idx.values.size();
    idx.values.resize(static_cast<std::size_t>(std::min<std::uint64_t>(count, std::max(kBlock, 2 * have))));
    const auto got = file.read(std::span(idx.values).subspan(have));
    if (!got) return got.error();
    if (have + *got < idx.values.size())
      return error_at(Errc::truncated, header + have + *got,
                      "needs " + std::to_string(count) + " values, has " + std::to_string(have + *got));
  }
  std::uint8_t more = 0;  // and so the checksum of a gzip file is looked at
  const auto got = file.read({&more, 1});
  if (!got) return got.error();
  if (*got > 0) return error_at(Errc::malformed, header + count, "there are bytes after the last value");
  return idx;
}

}  // namespace ckpt::train

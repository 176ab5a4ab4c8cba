#pragma once

#define ZLIB_CONST
#include <zlib.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/digest.h"
#include "ckpt/text.h"
#include "containers.h"
#include "wire_builder.h"

/// Files of other formats made by hand, right or wrong, without a line of the code that reads them.
namespace ckpt::test {

inline Bytes safetensors(std::string_view header, std::string_view data = {}) {
  return little_endian(static_cast<std::uint64_t>(header.size())) + Bytes(header) + Bytes(data);
}

/// One tensor in the header: `"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`.
inline std::string st_tensor(const std::string& name, const std::string& dtype, const std::string& shape,
                             std::uint64_t begin, std::uint64_t end) {
  return "\"" + name + R"(":{"dtype":")" + dtype + R"(","shape":[)" + shape + R"(],"data_offsets":[)" +
         std::to_string(begin) + "," + std::to_string(end) + "]}";
}

/// A .npy file with this header, as it is, in this version.
inline Bytes npy_raw(std::string_view header, std::string_view data, int version = 1) {
  Bytes bytes = "\x93NUMPY";
  bytes += static_cast<char>(version);
  bytes += '\0';
  bytes += version == 1 ? little_endian(static_cast<std::uint16_t>(header.size()))
                        : little_endian(static_cast<std::uint32_t>(header.size()));
  return bytes + Bytes(header) + Bytes(data);
}

inline Bytes npy(const std::string& descr, const std::string& shape, std::string_view data, bool fortran = false,
                 int version = 1) {
  return npy_raw(
      "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape + ", }\n",
      data, version);
}

inline Bytes deflated(std::string_view bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  Bytes out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<const Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// A zip archive, member by member; each number can be made wrong.
class ZipBuilder {
 public:
  struct Member {
    Bytes name = {};
    Bytes data = {};
    bool deflate = false;
    bool zip64 = false;       ///< sizes and offset in the extra field
    bool descriptor = false;  ///< sizes behind the data, zeros in front of it
    std::uint16_t flags = 0;
    std::optional<std::uint16_t> method = {};
    std::optional<std::uint64_t> claimed_size = {};
    std::optional<std::uint32_t> crc = {};
    std::optional<std::uint64_t> local = {};  ///< where the directory says it is
    Bytes local_name = {};                    ///< in front of the data, if another
  };

  ZipBuilder& add(Member member) {
    const Bytes stored = member.deflate ? deflated(member.data) : member.data;
    const std::uint64_t size = member.claimed_size.value_or(member.data.size());
    const std::uint64_t at = member.local.value_or(file_.size());
    const std::uint32_t crc = member.crc.value_or(plain_crc32(member.data));
    const std::uint16_t method = member.method.value_or(member.deflate ? 8 : 0);
    const auto flags = static_cast<std::uint16_t>(member.flags | (member.descriptor ? 8 : 0));
    const Bytes& local_name = member.local_name.empty() ? member.name : member.local_name;
    const std::uint32_t shown_crc = member.descriptor ? 0 : crc;
    file_ += "PK\x03\x04" + u16(20) + u16(flags) + u16(method) + u16(0) + u16(33) + little_endian(shown_crc);
    file_ += u32(member.descriptor ? 0 : stored.size()) + u32(member.descriptor ? 0 : size);
    file_ += u16(local_name.size()) + u16(0) + local_name + stored;
    if (member.descriptor) file_ += "PK\x07\x08" + little_endian(crc) + u32(stored.size()) + u32(size);

    Bytes extra;
    if (member.zip64)
      extra = u16(1) + u16(24) + little_endian(size) + little_endian(std::uint64_t{stored.size()}) + little_endian(at);
    const std::uint64_t big = 0xFFFFFFFF;
    directory_ += "PK\x01\x02" + u16(20) + u16(20) + u16(flags) + u16(method) + u16(0) + u16(33) + little_endian(crc);
    directory_ += u32(member.zip64 ? big : stored.size()) + u32(member.zip64 ? big : size);
    directory_ += u16(member.name.size()) + u16(extra.size()) + u16(0) + u16(0) + u16(0) + u32(0);
    directory_ += u32(member.zip64 ? big : at) + member.name + extra;
    ++count_;
    return *this;
  }
  ZipBuilder& add(const Bytes& name, const Bytes& data, bool deflate = false) {
    return add(Member{.name = name, .data = data, .deflate = deflate});
  }

  Bytes finish(const Bytes& comment = {}) const {
    return file_ + directory_ + "PK\x05\x06" + u16(0) + u16(0) + u16(count_) + u16(count_) + u32(directory_.size()) +
           u32(file_.size()) + u16(comment.size()) + comment;
  }
  Bytes finish64() const {
    const std::uint64_t end = file_.size() + directory_.size();
    const auto u64 = [](std::uint64_t value) { return little_endian(value); };
    return file_ + directory_ + "PK\x06\x06" + u64(44) + u16(45) + u16(45) + u32(0) + u32(0) + u64(count_) +
           u64(count_) + u64(directory_.size()) + u64(file_.size()) + "PK\x06\x07" + u32(0) + u64(end) + u32(1) +
           "PK\x05\x06" + u16(0) + u16(0) + u16(0xFFFF) + u16(0xFFFF) + u32(0xFFFFFFFF) + u32(0xFFFFFFFF) + u16(0);
  }

 private:
  static Bytes u16(std::uint64_t value) { return little_endian(static_cast<std::uint16_t>(value)); }
  static Bytes u32(std::uint64_t value) { return little_endian(static_cast<std::uint32_t>(value)); }

  Bytes file_ = {};
  Bytes directory_ = {};
  std::uint64_t count_ = 0;
};

/// An ONNX model with these TensorProtos as initialisers, a node in front of them.
inline Bytes onnx(const std::vector<Bytes>& tensors) {
  Bytes graph = bytes_field(1, bytes_field(1, "x") + bytes_field(2, "y") + bytes_field(4, "Relu"));
  for (const Bytes& tensor : tensors) graph += bytes_field(5, tensor);
  return varint_field(1, 8) + bytes_field(2, "tests") + bytes_field(7, graph) +
         bytes_field(8, bytes_field(1, "") + varint_field(2, 17));
}

inline Bytes onnx_tensor(std::string_view name, std::initializer_list<std::int64_t> dims, std::uint64_t type,
                         std::string_view fields) {
  Bytes tensor;
  for (const std::int64_t dim : dims) tensor += varint_field(1, static_cast<std::uint64_t>(dim));
  return tensor + varint_field(2, type) + Bytes(fields) + bytes_field(8, name);
}

inline Bytes onnx_external(const std::string& location, const std::string& offset = {},
                           const std::string& length = {}) {
  const auto entry = [](const std::string& key, const std::string& value) {
    return bytes_field(13, bytes_field(1, key) + bytes_field(2, value));
  };
  Bytes fields = entry("location", location);
  if (!offset.empty()) fields += entry("offset", offset);
  if (!length.empty()) fields += entry("length", length);
  return fields + varint_field(14, 1);
}

/// `malformed at byte 8 in "w": ...`: every part of an error.
inline std::string sentence(const Error& error) {
  std::string text(name(error.code));
  if (error.offset != Error::kNoOffset) text += " at byte " + std::to_string(error.offset);
  if (!error.tensor.empty()) text += " in \"" + escape(error.tensor) + "\"";
  return text + ": " + error.message;
}

/// The error, or "fine".
template <class T>
std::string verdict(const Result<T>& result) {
  return result ? "fine" : sentence(result.error());
}

inline Bytes bytes_in(const Checkpoint& file, const std::string& name) {
  const TensorInfo* tensor = file.find(name);
  if (tensor == nullptr) return "there is no " + name;
  Bytes out(tensor->byte_size, '?');
  const auto status = file.read(*tensor, 0, std::as_writable_bytes(std::span(out)));
  return status ? out : sentence(status.error());
}

/// "w F32 [2, 3]": name, what the file calls its type, dims; one a line.
inline std::string listing(std::span<const TensorInfo> tensors) {
  std::string text;
  for (const TensorInfo& tensor : tensors) {
    text += tensor.name + " " + std::string(name(tensor.kind)) + " " + std::string(name(tensor.dtype)) + " [";
    for (std::size_t i = 0; i < tensor.dims.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(tensor.dims[i]);
    text += "]\n";
  }
  return text;
}

inline std::string listing(const Checkpoint& file) { return listing(file.tensors()); }

}  // namespace ckpt::test

#include "cipher_blocks.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "cipher_layout.h"

namespace ckpt {
namespace {

constexpr std::size_t kAesBlock = 16;
constexpr std::size_t kBufferBytes = std::size_t{256} << 10;
constexpr std::size_t kNonceBytes = 12;  // of the 16 stored: MindSpore never sets the IV's length, so GCM takes twelve

unsigned char* raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }
const unsigned char* raw(const std::byte* bytes) { return reinterpret_cast<const unsigned char*>(bytes); }

struct FreeCipher {
  void operator()(EVP_CIPHER* cipher) const noexcept { EVP_CIPHER_free(cipher); }
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using CipherPtr = std::unique_ptr<EVP_CIPHER, FreeCipher>;
using ContextPtr = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

Error openssl_failed(const char* what) {
  return {.code = Errc::unsupported, .message = std::string("OpenSSL cannot ") + what};
}

std::string block_name(std::size_t index) { return "cipher block " + std::to_string(index + 1); }

Status check_key(CipherMode mode, const Key& key) {
  if (mode == CipherMode::sm4_cbc && key.bytes().size() != 16)
    return Error{.code = Errc::key,
                 .message = "SM4-CBC needs a key of 16 bytes, this one has " + std::to_string(key.bytes().size())};
  return {};
}

// One algorithm with its key, from which contexts are made: fetching it each time would cost more than a small read.
class Algorithm {
 public:
  enum class Use : std::uint8_t { gcm, ctr, cbc };

  static Result<Algorithm> create(CipherMode mode, Use use, const Key& key) {
    std::string cipher_name = "SM4-CBC";
    if (mode != CipherMode::sm4_cbc)
      cipher_name = "AES-" + std::to_string(key.bytes().size() * 8) +
                    (use == Use::gcm   ? "-GCM"
                     : use == Use::ctr ? "-CTR"
                                       : "-CBC");
    CipherPtr cipher(EVP_CIPHER_fetch(nullptr, cipher_name.c_str(), nullptr));
    if (!cipher) return openssl_failed(("provide " + cipher_name).c_str());
    return Algorithm(std::move(cipher), key);
  }

  // `iv` has 16 bytes; GCM uses the first twelve.
  ContextPtr start(const std::byte* iv, bool encrypt, bool padding) const {
    ContextPtr context(EVP_CIPHER_CTX_new());
    if (context == nullptr ||
        EVP_CipherInit_ex2(context.get(), cipher_.get(), raw(key_.bytes().data()), raw(iv), encrypt ? 1 : 0, nullptr) !=
            1 ||
        EVP_CIPHER_CTX_set_padding(context.get(), padding ? 1 : 0) != 1)
      return nullptr;
    return context;
  }

 private:
  Algorithm(CipherPtr cipher, const Key& key) : cipher_(std::move(cipher)), key_(key) {}
  CipherPtr cipher_;
  Key key_;
};

// Runs `in` through the context; returns how many bytes came out, or -1. `in` is at most 1 GiB.
int update(EVP_CIPHER_CTX* context, std::span<const std::byte> in, std::byte* out) {
  int size = 0;
  return EVP_CipherUpdate(context, raw(out), &size, raw(in.data()), static_cast<int>(in.size())) == 1 ? size : -1;
}

// The counter block of byte `offset` of a GCM cipher text: its payload starts at counter 2.
std::array<std::byte, 16> counter_at(const BlockHeader& header, std::uint64_t offset) {
  std::array<std::byte, 16> iv = header.iv;
  const auto counter = static_cast<std::uint32_t>(2 + offset / kAesBlock);
  for (std::size_t i = 0; i < 4; ++i) iv[kNonceBytes + i] = static_cast<std::byte>(counter >> (24 - 8 * i));
  return iv;
}

// The length of the PKCS#7 padding a plaintext ends with; 0 if it is none.
std::size_t padding_of(std::span<const std::byte, kAesBlock> last) {
  const auto padding = std::to_integer<std::size_t>(last[kAesBlock - 1]);
  if (padding == 0 || padding > kAesBlock) return 0;
  for (std::size_t i = kAesBlock - padding; i < kAesBlock; ++i)
    if (last[i] != last[kAesBlock - 1]) return 0;
  return padding;
}

// The place is where the block's plaintext would start: what lies in front of it is good. None for the first.
Error altered(std::size_t index, std::uint64_t plain_offset) {
  return {
      .code = Errc::key, .offset = plain_offset, .message = block_name(index) + " was altered: its tag does not match"};
}

Error bad_tag(std::size_t index, std::uint64_t plain_offset) {
  if (index > 0) return altered(index, plain_offset);
  return {.code = Errc::key, .message = "the tag of cipher block 1 does not match: wrong key, or the file was altered"};
}

Error bad_padding(std::size_t index, std::uint64_t plain_offset) {
  return {.code = Errc::key,
          .offset = index == 0 ? Error::kNoOffset : plain_offset,
          .message = "the padding of " + block_name(index) + " is wrong: wrong key or mode, or the file was altered"};
}

struct Block {
  BlockHeader header = {};
  std::uint64_t cipher_offset = 0;
  std::uint64_t plain_offset = 0;
  std::uint64_t plain_size = 0;
  bool is_hole = false;
  bool is_mended = false;  // its header is a guess
};

struct BlockTable {
  std::vector<Block> blocks = {};
  bool clear_trailer = false;
  std::optional<Error> damage = {};
};

Error bad_header(const BlockLayout& layout, std::size_t index, std::uint64_t offset, std::span<const std::byte> bytes) {
  const bool other = index > 0 && !starts_with_magic(layout, bytes);
  return {.code = Errc::malformed,
          .offset = offset,
          .message = other ? "what follows " + block_name(index - 1) + " is no cipher block"
                           : "the header of " + block_name(index) + " is damaged"};
}

// A block whose header is damaged, if it is as large as the first one, or as the rest of the file: it must end where
// the file does, or where the next block starts. Its tag tells whether the header was damaged where it matters.
std::optional<BlockHeader> guessed_header(const Source& source, const BlockLayout& layout, const BlockTable& table,
                                          std::uint64_t offset, std::span<const std::byte> bytes) {
  const std::uint64_t left = source.size() - offset;
  if (table.blocks.empty() || !layout.has_tag() || left < layout.header_size()) return std::nullopt;
  const std::uint64_t room = left - layout.header_size();
  const std::uint64_t size = std::min<std::uint64_t>(table.blocks[0].header.cipher_size, room);
  std::array<std::byte, 4> next;
  const std::uint64_t end = offset + layout.header_size() + size;
  const auto magic = std::span(next).first(static_cast<std::size_t>(std::min<std::uint64_t>(4, source.size() - end)));
  if (!source.read_at(end, magic) || (!magic.empty() && !starts_with_magic(layout, magic))) return std::nullopt;
  return block_header_of_size(layout, bytes, static_cast<std::uint32_t>(size));
}

// The blocks in front of the first one that is not as it should be.
Result<BlockTable> read_block_table(const Source& source, const BlockLayout& layout, OnDamage on_damage) {
  BlockTable table;
  std::array<std::byte, BlockHeader::kMaxBytes> bytes;
  const auto damaged = [&](Error error) {
    table.damage = std::move(error);
    return table;
  };
  const auto error = [](Errc code, std::uint64_t offset, std::string message) {
    return Error{.code = code, .offset = offset, .message = std::move(message)};
  };
  for (std::uint64_t offset = 0; offset < source.size();) {
    const std::size_t index = table.blocks.size();
    const std::uint64_t left = source.size() - offset;
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(left, layout.header_size()));
    if (auto status = source.read_at(offset, std::span(bytes).first(take)); !status) return status.error();
    if (index > 0 && is_clear_trailer(std::span(bytes).first(take == left ? take : 0))) {
      table.clear_trailer = true;
      break;
    }
    const auto there = std::span<const std::byte>(bytes).first(take);
    auto header = parse_block_header(layout, there);
    const bool mend = !header && on_damage == OnDamage::go_on;
    if (mend) header = guessed_header(source, layout, table, offset, there);
    if (!header && index > 0 && !starts_with_magic(layout, there))
      return damaged(bad_header(layout, index, offset, there));
    if (take < layout.header_size())
      return damaged(error(Errc::truncated, offset,
                           "the header of " + block_name(index) + " needs " + std::to_string(layout.header_size()) +
                               " bytes, " + std::to_string(left) + " are left"));
    if (!header) return damaged(bad_header(layout, index, offset, there));
    if (index == kMaxCipherBlocks)
      return error(Errc::limit, offset, "more than " + std::to_string(kMaxCipherBlocks) + " cipher blocks");
    offset += take;
    if (header->cipher_size > source.size() - offset)
      return damaged(error(Errc::truncated, offset,
                           block_name(index) + " needs " + std::to_string(header->cipher_size) + " bytes, " +
                               std::to_string(source.size() - offset) + " are left"));
    table.blocks.push_back({.header = *header, .cipher_offset = offset, .is_mended = mend});
    offset += header->cipher_size;
  }
  return table;
}

class DecryptedSource final : public Source {
 public:
  static Result<DecryptedView> open(SourcePtr cipher_text, const Key& key, std::optional<CipherMode> asked,
                                    OnDamage on_damage, const Progress& progress);

  std::uint64_t size() const noexcept override { return size_; }
  Status verify_unchanged() const override { return cipher_text_->verify_unchanged(); }

  Status read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (offset > size_ || out.size() > size_ - offset)
      return Error{.code = Errc::truncated, .offset = offset, .message = "a read past the end of the plaintext"};
    if (out.empty()) return {};
    auto block = std::upper_bound(blocks_.begin(), blocks_.begin() + static_cast<std::ptrdiff_t>(used_), offset,
                                  [](std::uint64_t at, const Block& b) { return at < b.plain_offset; });
    for (--block; !out.empty(); ++block) {
      const std::uint64_t within = offset - block->plain_offset;
      const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), block->plain_size - within));
      if (take == 0) continue;
      if (auto status = release(*block, within, out.first(take)); !status) return status;
      out = out.subspan(take);
      offset += take;
    }
    return {};
  }

  Status verify_all(const Progress& progress) const {
    for (std::size_t i = 0; has_tags_ && i < used_; ++i) {
      if (auto status = verify(i); !status) return status;
      if (progress && !progress(blocks_[i].plain_offset + blocks_[i].plain_size, size_))
        return Error{.code = Errc::cancelled, .message = "stopped while the tags were verified"};
    }
    return {};
  }

 private:
  DecryptedSource(SourcePtr cipher_text, std::vector<Block> blocks)
      : cipher_text_(std::move(cipher_text)), blocks_(std::move(blocks)), verified_(blocks_.size()) {}

  Status prepare(CipherMode mode, bool has_tags, const Key& key);
  Result<std::size_t> find_padding(const Block& block) const;
  Status release(const Block& block, std::uint64_t offset, std::span<std::byte> out) const;
  Status find_holes(DecryptedView& view, const Progress& progress);
  Status decrypt(const Block& block, std::uint64_t offset, std::span<std::byte> out) const;
  Status decrypt_ctr(const Block& block, std::uint64_t offset, std::span<std::byte> out) const;
  Status decrypt_cbc(const Block& block, std::uint64_t offset, std::span<std::byte> out) const;
  Status verify(std::size_t index) const;

  SourcePtr cipher_text_;
  std::vector<Block> blocks_;
  mutable std::vector<std::atomic<bool>> verified_;
  std::optional<Algorithm> random_access_;  // CTR or CBC
  std::optional<Algorithm> gcm_;
  bool is_cbc_ = false;
  bool has_tags_ = false;
  std::size_t used_ = 0;  // blocks in front of the first whose padding is wrong
  std::optional<Error> damage_ = {};
  std::uint64_t size_ = 0;
};

Status DecryptedSource::prepare(CipherMode mode, bool has_tags, const Key& key) {
  is_cbc_ = mode != CipherMode::aes_gcm;
  has_tags_ = has_tags;
  auto algorithm = Algorithm::create(mode, is_cbc_ ? Algorithm::Use::cbc : Algorithm::Use::ctr, key);
  if (!algorithm) return std::move(algorithm).error();
  random_access_ = std::move(*algorithm);
  if (has_tags) {
    auto gcm = Algorithm::create(mode, Algorithm::Use::gcm, key);
    if (!gcm) return std::move(gcm).error();
    gcm_ = std::move(*gcm);
  }
  size_ = 0;
  damage_.reset();
  for (used_ = 0; used_ < blocks_.size(); ++used_) {
    Block& block = blocks_[used_];
    block.plain_offset = size_;
    block.plain_size = block.header.cipher_size;
    if (is_cbc_) {
      const auto padding = find_padding(block);
      if (!padding) return padding.error();
      if (*padding == 0 && used_ == 0) return bad_padding(0, 0);
      if (*padding == 0) return damage_ = bad_padding(used_, size_), Status{};
      block.plain_size -= *padding;
    }
    size_ += block.plain_size;
  }
  return {};
}

// Decrypts the last 16 bytes. 0: no padding there.
Result<std::size_t> DecryptedSource::find_padding(const Block& block) const {
  if (block.header.cipher_size == 0 || block.header.cipher_size % kAesBlock != 0) return std::size_t{0};
  std::array<std::byte, kAesBlock> last;
  if (auto status = decrypt_cbc(block, block.header.cipher_size - kAesBlock, last); !status) return status.error();
  return padding_of(last);
}

// Nothing of a block whose tag does not match.
Status DecryptedSource::release(const Block& block, std::uint64_t offset, std::span<std::byte> out) const {
  if (block.is_hole) return std::fill(out.begin(), out.end(), std::byte{0}), Status{};
  if (has_tags_)
    if (auto status = verify(static_cast<std::size_t>(&block - blocks_.data())); !status) return status;
  return decrypt(block, offset, out);
}

// The blocks whose tags do not match; if that are all of them, the key is wrong.
Status DecryptedSource::find_holes(DecryptedView& view, const Progress& progress) {
  for (std::size_t i = 0; has_tags_ && i < used_; ++i) {
    Block& block = blocks_[i];
    if (auto status = verify(i); !status) {
      if (status.error().code != Errc::key) return status;
      block.is_hole = true;
      view.holes.push_back({block.plain_offset, block.plain_size, altered(i, block.plain_offset)});
    } else if (block.is_mended) {
      view.mended_headers.push_back(block.plain_offset);
    }
    if (progress && !progress(block.plain_offset + block.plain_size, size_))
      return Error{.code = Errc::cancelled, .message = "stopped while the tags were verified"};
  }
  if (!view.holes.empty() && view.holes.size() == used_) return bad_tag(0, 0);
  return {};
}

Status DecryptedSource::decrypt(const Block& block, std::uint64_t offset, std::span<std::byte> out) const {
  return is_cbc_ ? decrypt_cbc(block, offset, out) : decrypt_ctr(block, offset, out);
}

Status DecryptedSource::decrypt_ctr(const Block& block, std::uint64_t offset, std::span<std::byte> out) const {
  if (auto status = cipher_text_->read_at(block.cipher_offset + offset, out); !status) return status;
  const ContextPtr context = random_access_->start(counter_at(block.header, offset).data(), false, false);
  std::array<std::byte, kAesBlock> skipped = {};
  if (context == nullptr || update(context.get(), std::span(skipped).first(offset % kAesBlock), skipped.data()) < 0)
    return openssl_failed("decrypt");
  while (!out.empty()) {
    const auto part = out.first(std::min(out.size(), kBufferBytes));
    if (update(context.get(), part, part.data()) < 0) return openssl_failed("decrypt");
    out = out.subspan(part.size());
  }
  return {};
}

Status DecryptedSource::decrypt_cbc(const Block& block, std::uint64_t offset, std::span<std::byte> out) const {
  // Whole cipher blocks around the range; the one before them is the IV of the first.
  std::vector<std::byte> cipher(std::min<std::size_t>(out.size() + 2 * kAesBlock, kBufferBytes));
  std::vector<std::byte> plain(cipher.size());
  std::array<std::byte, kAesBlock> iv = block.header.iv;
  std::uint64_t at = offset / kAesBlock * kAesBlock;
  if (at > 0)
    if (auto status = cipher_text_->read_at(block.cipher_offset + at - kAesBlock, iv); !status) return status;
  const ContextPtr context = random_access_->start(iv.data(), false, false);
  if (context == nullptr) return openssl_failed("decrypt");
  auto skip = static_cast<std::size_t>(offset - at);
  while (!out.empty()) {
    const std::size_t want = (std::min(out.size() + skip, cipher.size()) + kAesBlock - 1) / kAesBlock * kAesBlock;
    const auto take = static_cast<std::size_t>(
        std::min<std::uint64_t>(std::min(want, cipher.size() / kAesBlock * kAesBlock), block.header.cipher_size - at));
    if (auto status = cipher_text_->read_at(block.cipher_offset + at, std::span(cipher).first(take)); !status)
      return status;
    if (update(context.get(), std::span(cipher).first(take), plain.data()) != static_cast<int>(take))
      return openssl_failed("decrypt");
    const std::size_t usable = std::min(take - skip, out.size());
    std::memcpy(out.data(), plain.data() + skip, usable);
    out = out.subspan(usable);
    at += take;
    skip = 0;
  }
  OPENSSL_cleanse(plain.data(), plain.size());
  return {};
}

// Once a block. Two threads may both do it; the outcome is the same.
Status DecryptedSource::verify(std::size_t index) const {
  if (verified_[index].load(std::memory_order_acquire)) return {};
  const Block& block = blocks_[index];
  const ContextPtr context = gcm_->start(block.header.iv.data(), false, false);
  if (context == nullptr) return openssl_failed("decrypt");
  std::vector<std::byte> buffer(
      static_cast<std::size_t>(std::min<std::uint64_t>(kBufferBytes, block.header.cipher_size)));
  for (std::uint64_t done = 0; done < block.header.cipher_size;) {
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), block.header.cipher_size - done));
    const auto part = std::span(buffer).first(take);
    if (auto status = cipher_text_->read_at(block.cipher_offset + done, part); !status) return status;
    if (update(context.get(), part, part.data()) < 0) return openssl_failed("decrypt");
    done += take;
  }
  OPENSSL_cleanse(buffer.data(), buffer.size());
  std::array<std::byte, 16> tag = block.header.tag;
  std::array<std::byte, 16> none;
  int size = 0;
  if (EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, 16, tag.data()) != 1 ||
      EVP_DecryptFinal_ex(context.get(), raw(none.data()), &size) != 1)
    return bad_tag(index, block.plain_offset);
  verified_[index].store(true, std::memory_order_release);
  return {};
}

Status check_mode(const BlockLayout& layout, std::optional<CipherMode> asked) {
  if (!asked) return {};
  const bool fits = layout.era == CipherEra::a ? *asked != CipherMode::sm4_cbc : layout.mode == asked;
  if (fits) return {};
  const std::string has = layout.mode ? std::string(name(*layout.mode)) : "AES (MindSpore 1.3 to 1.5)";
  return Error{.code = Errc::key,
               .message = "the file says " + has + ", " + std::string(name(*asked)) + " was asked for"};
}

Result<DecryptedView> DecryptedSource::open(SourcePtr cipher_text, const Key& key, std::optional<CipherMode> asked,
                                            OnDamage on_damage, const Progress& progress) {
  std::array<std::byte, BlockHeader::kMaxBytes> head;
  const auto head_size = static_cast<std::size_t>(std::min<std::uint64_t>(head.size(), cipher_text->size()));
  if (auto status = cipher_text->read_at(0, std::span(head).first(head_size)); !status) return status.error();
  const auto layout = detect_layout(std::span(head).first(head_size));
  if (!layout) return Error{.code = Errc::usage, .message = "is not encrypted"};
  if (auto status = check_mode(*layout, asked); !status) return status.error();
  auto table = read_block_table(*cipher_text, *layout, on_damage);
  if (!table) return std::move(table).error();
  if (table->blocks.empty() && table->damage) return std::move(*table->damage);

  // Era a does not name its mode: what CBC cannot be is GCM, and what CBC does not decrypt to a record is too.
  std::optional<CipherMode> mode = layout->mode ? layout->mode : asked;
  const bool guess = !mode;
  if (guess) {
    const bool cbc_possible = std::all_of(table->blocks.begin(), table->blocks.end(), [](const Block& b) {
      return b.header.cipher_size != 0 && b.header.cipher_size % kAesBlock == 0;
    });
    mode = cbc_possible ? CipherMode::aes_cbc : CipherMode::aes_gcm;
  }
  if (auto status = check_key(*mode, key); !status) return status.error();
  std::shared_ptr<DecryptedSource> source(new DecryptedSource(std::move(cipher_text), std::move(table->blocks)));
  Status status = source->prepare(*mode, layout->has_tag(), key);
  if (guess && *mode == CipherMode::aes_cbc) {
    std::byte first{};
    if (!status || source->size_ == 0 || !source->read_at(0, {&first, 1}) || first != std::byte{0x0A}) {
      mode = CipherMode::aes_gcm;
      status = source->prepare(*mode, false, key);
    }
  }
  if (!status) return std::move(status).error();
  const Encryption encryption{layout->era, mode, source->blocks_.size()};
  DecryptedView view{.source = source,
                     .encryption = encryption,
                     .clear_trailer = table->clear_trailer,
                     .damage = source->damage_ ? source->damage_ : std::move(table->damage)};
  if (on_damage == OnDamage::go_on) {
    status = source->find_holes(view, progress);
  } else if (source->has_tags_ && !source->blocks_.empty()) {
    status = source->verify(0);
  }
  if (!status) return std::move(status).error();
  return view;
}

}  // namespace

Key::~Key() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

Result<DecryptedView> open_encrypted(SourcePtr cipher_text, const Key& key, std::optional<CipherMode> mode,
                                     OnDamage on_damage, const Progress& progress) {
  return DecryptedSource::open(std::move(cipher_text), key, mode, on_damage, progress);
}

Status verify_cipher(const Source& source, const Progress& progress) {
  const auto* decrypted = dynamic_cast<const DecryptedSource*>(&source);
  return decrypted == nullptr ? Status{} : decrypted->verify_all(progress);
}

struct BlockDecryptor::Impl {
  Impl(Pull given, std::span<const std::byte> start, const BlockLayout& l, Algorithm a)
      : pull(std::move(given)), head(start.begin(), start.end()), layout(l), algorithm(std::move(a)) {}

  Result<std::size_t> take(std::span<std::byte> out);
  Status next_block();
  Status decrypt_whole_block();
  Status decrypt_some();

  Pull pull;
  std::vector<std::byte> head;  // read before it was known to be cipher text
  std::size_t head_used = 0;
  BlockLayout layout;
  Algorithm algorithm;
  Encryption encryption;
  BlockHeader header;
  ContextPtr context;
  std::uint64_t cipher_left = 0;  // of the current block
  std::uint64_t position = 0;     // in the cipher text
  std::uint64_t plain_position = 0;
  std::uint64_t block_start = 0;  // of the current block's plaintext
  std::vector<std::byte> plain;   // decrypted, not yet given out
  std::size_t plain_used = 0;
  std::vector<std::byte> cipher;
  bool clear_trailer = false;
  bool ended = false;
};

// Fills `out` unless the input ends.
Result<std::size_t> BlockDecryptor::Impl::take(std::span<std::byte> out) {
  std::size_t filled = std::min(out.size(), head.size() - head_used);
  std::copy_n(head.begin() + static_cast<std::ptrdiff_t>(head_used), filled, out.begin());
  head_used += filled;
  while (filled < out.size()) {
    auto got = pull(out.subspan(filled));
    if (!got) return std::move(got).error();
    if (*got == 0) break;
    filled += *got;
  }
  position += filled;
  return filled;
}

Status BlockDecryptor::Impl::next_block() {
  std::array<std::byte, BlockHeader::kMaxBytes> bytes;
  const std::uint64_t at = position;
  const std::size_t index = encryption.blocks;
  const auto want = std::span(bytes).first(layout.header_size());
  const auto got = take(want);
  if (!got) return got.error();
  clear_trailer = index > 0 && is_clear_trailer(want.first(*got));
  if (*got == 0 || clear_trailer) {
    ended = true;
    return {};
  }
  if (index > 0 && !starts_with_magic(layout, want.first(*got))) return bad_header(layout, index, at, want.first(*got));
  if (*got < want.size())
    return Error{
        .code = Errc::truncated, .offset = at, .message = "the input ends inside the header of " + block_name(index)};
  const auto parsed = parse_block_header(layout, want);
  if (!parsed) return bad_header(layout, index, at, want);
  header = *parsed;
  cipher_left = header.cipher_size;
  block_start = plain_position;
  ++encryption.blocks;
  const auto iv = layout.has_tag() || encryption.mode != CipherMode::aes_gcm ? header.iv : counter_at(header, 0);
  context = algorithm.start(iv.data(), false, encryption.mode != CipherMode::aes_gcm);
  if (context == nullptr) return openssl_failed("decrypt");
  return layout.has_tag() ? decrypt_whole_block() : Status{};
}

// GCM: nothing is given out before the tag was verified. Memory follows what arrives, not what the header claims.
Status BlockDecryptor::Impl::decrypt_whole_block() {
  constexpr std::uint64_t kMost = kCipherBlockBytes;  // no MindSpore writes a larger one
  const std::size_t index = encryption.blocks - 1;
  if (cipher_left > kMost)
    return Error{
        .code = Errc::limit,
        .offset = position,
        .message = block_name(index) + " of " + std::to_string(cipher_left) + " bytes is too large for a pipe"};
  plain.clear();
  plain_used = 0;
  const std::uint64_t start = position;
  while (cipher_left > 0) {
    const std::size_t done = plain.size();
    plain.resize(done + static_cast<std::size_t>(std::min<std::uint64_t>(cipher_left, kBufferBytes)));
    const auto part = std::span(plain).subspan(done);
    const auto got = take(part);
    if (!got) return got.error();
    if (*got < part.size())
      return Error{.code = Errc::truncated, .offset = start, .message = "the input ends inside " + block_name(index)};
    if (update(context.get(), part, part.data()) < 0) return openssl_failed("decrypt");
    cipher_left -= part.size();
  }
  std::array<std::byte, 16> none;
  int size = 0;
  if (EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, 16, header.tag.data()) != 1 ||
      EVP_DecryptFinal_ex(context.get(), raw(none.data()), &size) != 1) {
    OPENSSL_cleanse(plain.data(), plain.size());
    plain.clear();
    return bad_tag(index, block_start);
  }
  plain_position += plain.size();
  return {};
}

// CBC and untagged GCM: as it comes. Of CBC OpenSSL holds the last block back until it knows the padding.
Status BlockDecryptor::Impl::decrypt_some() {
  const std::size_t index = encryption.blocks - 1;
  const std::uint64_t start = position - (header.cipher_size - cipher_left);
  cipher.resize(static_cast<std::size_t>(std::min<std::uint64_t>(cipher_left, kBufferBytes)));
  const auto got = take(cipher);
  if (!got) return got.error();
  if (*got < cipher.size())
    return Error{.code = Errc::truncated, .offset = start, .message = "the input ends inside " + block_name(index)};
  cipher_left -= cipher.size();
  plain.resize(cipher.size() + 2 * kAesBlock);
  plain_used = 0;
  int size = update(context.get(), cipher, plain.data());
  if (size < 0) return openssl_failed("decrypt");
  if (cipher_left == 0 && encryption.mode != CipherMode::aes_gcm) {
    int last = 0;
    if (EVP_DecryptFinal_ex(context.get(), raw(plain.data() + size), &last) != 1)
      return bad_padding(index, block_start);
    size += last;
  }
  plain.resize(static_cast<std::size_t>(size));
  plain_position += plain.size();
  return {};
}

Result<BlockDecryptor> BlockDecryptor::create(Pull pull, std::span<const std::byte> head, const Key& key,
                                              std::optional<CipherMode> mode) {
  const auto layout = detect_layout(head);
  if (!layout) return Error{.code = Errc::usage, .message = "is not encrypted"};
  if (auto status = check_mode(*layout, mode); !status) return status.error();
  std::optional<CipherMode> used = layout->mode ? layout->mode : mode;
  if (!used) {
    const auto first = parse_block_header(*layout, head);
    if (!first || first->cipher_size % kAesBlock == 0)
      return Error{.code = Errc::key,
                   .message =
                       "encrypted as MindSpore 1.3 to 1.5 did, which does not name its mode: AES-GCM or AES-CBC "
                       "must be given for a pipe"};
    used = CipherMode::aes_gcm;
  }
  if (auto status = check_key(*used, key); !status) return status.error();
  const auto use = layout->has_tag()              ? Algorithm::Use::gcm
                   : *used == CipherMode::aes_gcm ? Algorithm::Use::ctr
                                                  : Algorithm::Use::cbc;
  auto algorithm = Algorithm::create(*used, use, key);
  if (!algorithm) return std::move(algorithm).error();
  auto impl = std::make_unique<Impl>(std::move(pull), head, *layout, std::move(*algorithm));
  impl->encryption = {layout->era, used, 0};
  return BlockDecryptor(std::move(impl));
}

BlockDecryptor::BlockDecryptor(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
BlockDecryptor::BlockDecryptor(BlockDecryptor&&) noexcept = default;
BlockDecryptor& BlockDecryptor::operator=(BlockDecryptor&&) noexcept = default;
BlockDecryptor::~BlockDecryptor() = default;
const Encryption& BlockDecryptor::encryption() const noexcept { return impl_->encryption; }
bool BlockDecryptor::clear_trailer() const noexcept { return impl_->clear_trailer; }

Result<std::size_t> BlockDecryptor::read(std::span<std::byte> out) {
  Impl& self = *impl_;
  while (self.plain_used == self.plain.size()) {
    if (self.ended) return std::size_t{0};
    if (auto status = self.cipher_left > 0 ? self.decrypt_some() : self.next_block(); !status) return status.error();
  }
  const std::size_t take = std::min(out.size(), self.plain.size() - self.plain_used);
  std::memcpy(out.data(), self.plain.data() + self.plain_used, take);
  self.plain_used += take;
  return take;
}

struct BlockEncryptor::Impl {
  Impl(Sink s, const BlockLayout& l, Algorithm a) : sink(std::move(s)), layout(l), algorithm(std::move(a)) {}

  Status begin_block();
  Status end_block();
  Status emit(std::span<const std::byte> bytes);

  Sink sink;
  BlockLayout layout;
  Algorithm algorithm;
  BlockHeader header;
  ContextPtr context;  // null between blocks
  std::uint64_t header_position = 0;
  std::uint64_t plain_in_block = 0;
  std::vector<std::byte> buffer;
};

Status BlockEncryptor::Impl::emit(std::span<const std::byte> bytes) {
  if (auto status = sink.append(bytes); !status) return status;
  sink.position += bytes.size();
  return {};
}

Status BlockEncryptor::Impl::begin_block() {
  header = {};
  if (RAND_bytes(raw(header.iv.data()), static_cast<int>(header.iv.size())) != 1)
    return openssl_failed("provide random bytes");
  context = algorithm.start(header.iv.data(), true, true);
  if (context == nullptr) return openssl_failed("encrypt");
  header_position = sink.position;
  plain_in_block = 0;
  // A place holder that no reader takes for a block, in case it stays.
  const std::array<std::byte, BlockHeader::kMaxBytes> nothing = {};
  return emit(std::span(nothing).first(layout.header_size()));
}

Status BlockEncryptor::Impl::end_block() {
  std::array<std::byte, 2 * kAesBlock> last;
  int size = 0;
  if (EVP_EncryptFinal_ex(context.get(), raw(last.data()), &size) != 1) return openssl_failed("encrypt");
  if (layout.has_tag() && EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, 16, header.tag.data()) != 1)
    return openssl_failed("encrypt");
  context.reset();
  if (size > 0)
    if (auto status = emit(std::span(last).first(static_cast<std::size_t>(size))); !status) return status;
  header.cipher_size = static_cast<std::uint32_t>(sink.position - header_position - layout.header_size());
  std::array<std::byte, BlockHeader::kMaxBytes> bytes;
  put_block_header(layout, header, bytes);
  return sink.overwrite(header_position, std::span(bytes).first(layout.header_size()));
}

Result<BlockEncryptor> BlockEncryptor::create(Sink sink, const Key& key, CipherMode mode) {
  if (auto status = check_key(mode, key); !status) return status.error();
  auto algorithm =
      Algorithm::create(mode, mode == CipherMode::aes_gcm ? Algorithm::Use::gcm : Algorithm::Use::cbc, key);
  if (!algorithm) return std::move(algorithm).error();
  return BlockEncryptor(std::make_unique<Impl>(std::move(sink), block_layout(mode), std::move(*algorithm)));
}

BlockEncryptor::BlockEncryptor(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
BlockEncryptor::BlockEncryptor(BlockEncryptor&&) noexcept = default;
BlockEncryptor& BlockEncryptor::operator=(BlockEncryptor&&) noexcept = default;
BlockEncryptor::~BlockEncryptor() = default;

Status BlockEncryptor::append(std::span<const std::byte> plain) {
  Impl& self = *impl_;
  self.buffer.resize(kBufferBytes + 2 * kAesBlock);
  while (!plain.empty()) {
    if (self.context != nullptr && self.plain_in_block == kCipherBlockBytes)
      if (auto status = self.end_block(); !status) return status;
    if (self.context == nullptr)
      if (auto status = self.begin_block(); !status) return status;
    const auto take = static_cast<std::size_t>(
        std::min<std::uint64_t>({plain.size(), kBufferBytes, kCipherBlockBytes - self.plain_in_block}));
    const int size = update(self.context.get(), plain.first(take), self.buffer.data());
    if (size < 0) return openssl_failed("encrypt");
    if (auto status = self.emit(std::span(self.buffer).first(static_cast<std::size_t>(size))); !status) return status;
    self.plain_in_block += take;
    plain = plain.subspan(take);
  }
  return {};
}

Status BlockEncryptor::finish() { return impl_->context == nullptr ? Status{} : impl_->end_block(); }

}  // namespace ckpt

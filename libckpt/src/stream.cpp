#include "ckpt/stream.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "cipher_blocks.h"
#include "crc32.h"
#include "index.h"
#include "record.h"
#include "scan.h"
#include "trailer.h"

namespace ckpt {
namespace {

constexpr std::size_t kLookAhead = 64;    // what the scanner asks for beyond a record: the next key, the trailer
constexpr std::size_t kHeadBytes = 4096;  // what identify() looks at

// A pipe seen through one buffer. Bytes from keep_from() on stay as long as they fit. Where reading fails it ends, and
// failure() says why: the bytes in front of that place are good, and looking ahead must not cost them.
class PipeView final : public ByteView {
 public:
  PipeView(ReadFn read, std::size_t capacity) : read_(std::move(read)), buffer_(capacity) {}

  Result<std::span<const std::byte>> view(std::uint64_t offset, std::size_t want) override {
    while (true) {
      const std::uint64_t have = start_ + filled_;
      if (offset <= have && (have - offset >= want || ended_))
        return std::span<const std::byte>(buffer_).first(filled_).subspan(static_cast<std::size_t>(offset - start_));
      if (ended_) return std::span<const std::byte>{};
      make_room(offset, want);
      auto got = read_(std::span(buffer_).subspan(filled_));
      if (!got) failure_ = std::move(got).error();
      ended_ = !got || *got == 0;
      if (ended_) continue;
      keep_head(std::span(buffer_).subspan(filled_, *got));
      tail_.add(std::span(buffer_).subspan(filled_, *got));
      filled_ += *got;
      total_ += *got;
    }
  }

  void keep_from(std::uint64_t offset) { keep_ = offset; }
  std::size_t capacity() const noexcept { return buffer_.size(); }
  std::uint64_t total() const noexcept { return total_; }
  const std::optional<Error>& failure() const noexcept { return failure_; }
  /// The input's first bytes, as many as tell what it is. Reads on to have them.
  std::span<const std::byte> head() {
    while (head_.size() < kHeadBytes && !ended_)
      if (!view(total_, 1)) break;
    return head_;
  }
  /// The last bytes of all that were read.
  const Tail& tail() const noexcept { return tail_; }
  /// CRC-32 of the bytes before `end`, which must not have been dropped yet.
  std::uint32_t crc_until(std::uint64_t end) {
    const std::uint64_t stop = std::clamp(end, crc_end_, start_ + filled_);
    crc_ = crc32(crc_, std::span<const std::byte>(buffer_).subspan(static_cast<std::size_t>(crc_end_ - start_),
                                                                   static_cast<std::size_t>(stop - crc_end_)));
    crc_end_ = stop;
    return crc_;
  }

 private:
  // Drops what nobody needs any more and moves the rest to the front.
  void make_room(std::uint64_t offset, std::size_t want) {
    std::uint64_t from = std::min(keep_, offset);
    if (want > buffer_.size() || offset - from > buffer_.size() - want) from = offset;
    from = std::clamp(from, start_, start_ + filled_);
    crc_until(std::max(from, crc_end_));
    const auto dropped = static_cast<std::size_t>(from - start_);
    std::memmove(buffer_.data(), buffer_.data() + dropped, filled_ - dropped);
    filled_ -= dropped;
    start_ = from;
  }

  void keep_head(std::span<const std::byte> bytes) {
    bytes = bytes.first(std::min(bytes.size(), kHeadBytes - head_.size()));
    head_.insert(head_.end(), bytes.begin(), bytes.end());
  }

  ReadFn read_;
  std::vector<std::byte> head_ = {};
  Tail tail_ = {};
  std::vector<std::byte> buffer_;
  std::uint64_t start_ = 0;  // offset of the buffer's first byte
  std::size_t filled_ = 0;
  std::uint64_t keep_ = 0;
  std::uint64_t total_ = 0;
  std::uint32_t crc_ = 0;
  std::uint64_t crc_end_ = 0;
  bool ended_ = false;
  std::optional<Error> failure_ = {};
};

// Reads on until `want` bytes are there or the input ends.
Result<std::vector<std::byte>> read_head(const ReadFn& read, std::size_t want) {
  std::vector<std::byte> head(want);
  std::size_t filled = 0;
  while (filled < want) {
    auto got = read(std::span(head).subspan(filled));
    if (!got) return std::move(got).error();
    if (*got == 0) break;
    filled += *got;
  }
  head.resize(filled);
  return head;
}

// Gives out `head` first, then what `read` yields.
ReadFn behind(std::vector<std::byte> head, ReadFn read) {
  return [head = std::move(head), used = std::size_t{0},
          read = std::move(read)](std::span<std::byte> out) mutable -> Result<std::size_t> {
    if (used == head.size()) return read(out);
    const std::size_t take = std::min(out.size(), head.size() - used);
    std::memcpy(out.data(), head.data() + used, take);
    used += take;
    return take;
  };
}

// Its first slice was handed out as plain BFloat16, and only now it turns out that it was not.
bool is_wide_bfloat16(const TensorInfo& entry, const Indexer::Placement& placed) {
  return placed.joined && entry.dtype == DType::bfloat16 && entry.stored_size > entry.expected_size();
}
// The parts of a map grow with its slices: whether their BFloat16 are stored as float32 shows behind the last one only.
bool has_bfloat16_part(const Record& record) {
  return record.value == Record::Value::map && std::ranges::any_of(record.parts, [](const TensorFields& part) {
           return dtype_from_name(part.type) == DType::bfloat16;
         });
}

}  // namespace

struct RecordStream::Impl {
  explicit Impl(Options given) : options(std::move(given)), indexer(options.open.limits) {}

  Result<const Piece*> next();
  Status start();
  Result<const Piece*> begin_large();
  Result<const Piece*> continue_large();
  Status end_record();
  Result<const Piece*> end_of_input();
  Error fail(Error error);
  Error refuse(std::string message);
  std::optional<Error> foreign(const Error* damage);

  Options options;
  ReadFn read;
  std::uint64_t cipher_bytes = 0;  // taken from `read` by the decryptor
  bool cipher_damaged = false;     // ... which then failed
  std::unique_ptr<PipeView> pipe;
  std::unique_ptr<Scanner> scanner;
  Indexer indexer;
  Piece piece;
  std::vector<Piece> ready;  // of a record that lies in the buffer as a whole
  std::size_t next_ready = 0;
  std::uint64_t large_left = 0;  // content bytes of a record beyond the buffer still to be handed out
  std::uint64_t large_offset = 0;
  bool large = false;  // its entry was made when its payload began
  Record announced;    // ... from this much of it
  bool kept = false;   // a record that fits: its payload is being kept in the buffer
  bool started = false;
  bool ended = false;
  std::optional<Error> failure;
};

// Not one whole record, and no checkpoint to begin with: the same questions as Checkpoint::from_source asks.
std::optional<Error> RecordStream::Impl::foreign(const Error* damage) {
  const Index& index = indexer.index();
  if (!index.tensors.empty() || scanner->trailer() || pipe->head().empty()) return std::nullopt;
  if (index.encryption && damage != nullptr && !cipher_damaged && is_garbage(*damage)) return does_not_decrypt();
  const auto identity = identify(*borrow_bytes(pipe->head()));
  if (!identity || identity->checkpoint) return std::nullopt;
  return Error{.code = Errc::unsupported, .message = "is " + identity->description};
}

Error RecordStream::Impl::fail(Error error) {
  if (large) indexer.take_back();
  large = false;
  // What is cut where reading failed follows from that.
  if (pipe->failure() && error.code == Errc::truncated) error = *pipe->failure();
  // What a pipe refuses was a record until then.
  if (error.code != Errc::io && error.code != Errc::unsupported)
    if (auto other = foreign(&error)) error = std::move(*other);
  indexer.finish(*scanner);
  failure = with_cause(indexer.index(), std::move(error));
  return *failure;
}

Error RecordStream::Impl::refuse(std::string message) {
  return fail({.code = Errc::unsupported,
               .offset = scanner->position(),
               .tensor = scanner->record().tag,
               .message = std::move(message) + "; this needs a file, not a pipe"});
}

Status RecordStream::Impl::start() {
  started = true;
  constexpr std::size_t kWant = 64;  // more than a cipher block's header
  auto head = read_head(read, kWant);
  if (!head) return failure.emplace(std::move(head).error());
  const auto encryption = detect_encryption(*borrow_bytes(*head));
  ReadFn plain;
  if (encryption && *encryption) {
    if (!options.open.key) return failure.emplace(needs_key(**encryption));
    auto decryptor = BlockDecryptor::create(
        [this](std::span<std::byte> out) {
          auto got = read(out);
          if (got) cipher_bytes += *got;
          return got;
        },
        *head, *options.open.key, options.open.mode);
    if (!decryptor) return failure.emplace(std::move(decryptor).error());
    indexer.index().encryption = decryptor->encryption();
    cipher_bytes += head->size();
    plain = [this, block = std::make_shared<BlockDecryptor>(std::move(*decryptor))](std::span<std::byte> out) {
      auto got = block->read(out);
      // A wrong tag is met where its block is read; a broken header is known of a file beforehand.
      cipher_damaged = cipher_damaged || (!got && got.error().code != Errc::key);
      indexer.index().encryption = block->encryption();
      indexer.index().clear_trailer = block->clear_trailer();
      return got;
    };
  } else {
    plain = behind(std::move(*head), std::move(read));
  }
  // A name is the largest thing that must be seen in one piece.
  const std::size_t capacity = std::max<std::size_t>(
      {options.buffer_bytes, std::size_t{1} << 12, static_cast<std::size_t>(options.open.limits.max_name_bytes)});
  pipe = std::make_unique<PipeView>(std::move(plain), capacity + kLookAhead);
  scanner = std::make_unique<Scanner>(*pipe, std::nullopt, options.open.limits);
  return {};
}

Result<const Piece*> RecordStream::Impl::next() {
  if (failure) return *failure;
  if (!started)
    if (auto status = start(); !status) return status.error();
  while (true) {
    if (next_ready < ready.size()) return &ready[next_ready++];
    if (ended) return nullptr;
    if (large_left > 0) return continue_large();
    switch (scanner->next()) {
      case Scanner::Event::failed:
        return fail(scanner->error());
      case Scanner::Event::end:
        return end_of_input();
      case Scanner::Event::record:
        if (auto status = end_record(); !status) return status.error();
        break;
      case Scanner::Event::content:
        // A record that fits is walked to its end first; then it may come in any order.
        if (scanner->record_end() - scanner->record().offset > pipe->capacity() - kLookAhead) return begin_large();
        if (!kept) pipe->keep_from(scanner->position());
        kept = true;
        break;
    }
  }
}

Result<const Piece*> RecordStream::Impl::begin_large() {
  const Record& record = scanner->record();
  if (record.value == Record::Value::map) return refuse("a map parameter larger than the buffer");
  if (large) return refuse("content given twice");
  if (!record.has_tag || !record.tensor.has_type) return refuse("content before its name or type");
  announced = record;
  announced.end = record.offset;
  auto placed = indexer.add(announced);
  if (!placed) return fail(std::move(placed).error());
  large = true;
  const TensorInfo& entry = indexer.index().tensors[placed->entry];
  if (is_wide_bfloat16(entry, *placed)) return refuse("a BFloat16 tensor stored as float32 in slices");
  piece = {.entry = placed->entry, .offset = placed->stored_before};
  large_left = record.tensor.content_size;
  large_offset = record.tensor.content_offset;
  return large_left > 0 ? continue_large() : next();
}

Result<const Piece*> RecordStream::Impl::continue_large() {
  piece.offset += piece.bytes.size();
  pipe->keep_from(large_offset);
  const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(large_left, pipe->capacity()));
  auto bytes = pipe->view(large_offset, want);
  if (!bytes) return fail(std::move(bytes).error());
  if (bytes->size() < want) {
    scanner->content_cut(announced.tensor.content_size - large_left + bytes->size());
    return fail(scanner->error());
  }
  piece.bytes = bytes->first(want);
  large_left -= want;
  large_offset += want;
  if (large_left == 0) scanner->content_taken();
  return &piece;
}

Status RecordStream::Impl::end_record() {
  const Record& record = scanner->record();
  kept = false;
  if (large) {
    const TensorFields& now = record.tensor;
    const TensorFields& then = announced.tensor;
    if (record.value != announced.value || record.tag != announced.tag || now.type != then.type ||
        now.dims != then.dims || now.content_offset != then.content_offset)
      return refuse("fields behind the content that change it");
    indexer.complete(record);
    large = false;
    return {};
  }
  if (has_bfloat16_part(record) && indexer.continues_last(record))
    return refuse("a map parameter of BFloat16 in slices");
  auto placed = indexer.add(record);
  if (!placed) return fail(std::move(placed).error());
  const TensorInfo& entry = indexer.index().tensors[placed->entry];
  if (is_wide_bfloat16(entry, *placed)) {
    indexer.take_back();
    return refuse("a BFloat16 tensor stored as float32 in slices");
  }
  ready.clear();
  next_ready = 0;
  const auto add_piece = [&](const TensorFields& fields, std::size_t part, std::uint64_t stored_before) -> Status {
    if (fields.content_size == 0) return {};
    // The scanner has passed it, but it is in the buffer still: the record fits.
    auto bytes = pipe->view(fields.content_offset, static_cast<std::size_t>(fields.content_size));
    if (!bytes) return fail(std::move(bytes).error());
    ready.push_back({placed->entry, part, stored_before, bytes->first(static_cast<std::size_t>(fields.content_size))});
    return {};
  };
  if (record.value == Record::Value::tensor) return add_piece(record.tensor, 0, placed->stored_before);
  for (std::size_t i = 0; i < record.parts.size(); ++i)
    if (auto s = add_piece(record.parts[i], i, entry.parts[i].stored_size - record.parts[i].content_size); !s) return s;
  return {};
}

Result<const Piece*> RecordStream::Impl::end_of_input() {
  if (pipe->failure()) return fail(*pipe->failure());
  if (auto error = foreign(nullptr)) return fail(std::move(*error));
  ended = true;
  indexer.finish(*scanner);
  Index& index = indexer.index();
  index.plain_size = scanner->position();
  index.ends_like_trailer = !index.trailer && !index.tensors.empty() && pipe->tail().looks_like_trailer();
  index.file_size = cipher_bytes != 0 ? cipher_bytes : pipe->total();
  return nullptr;
}

RecordStream::RecordStream(ReadFn read) : RecordStream(std::move(read), Options{}) {}
RecordStream::RecordStream(ReadFn read, Options options) : impl_(std::make_unique<Impl>(std::move(options))) {
  impl_->read = std::move(read);
}
RecordStream::RecordStream(RecordStream&&) noexcept = default;
RecordStream& RecordStream::operator=(RecordStream&&) noexcept = default;
RecordStream::~RecordStream() = default;

Result<const Piece*> RecordStream::next() { return impl_->next(); }
std::span<const TensorInfo> RecordStream::tensors() const noexcept { return impl_->indexer.index().tensors; }
const Dialect& RecordStream::dialect() const noexcept { return impl_->indexer.index().dialect; }
const std::optional<Trailer>& RecordStream::trailer() const noexcept { return impl_->indexer.index().trailer; }
const std::optional<Encryption>& RecordStream::encryption() const noexcept { return impl_->indexer.index().encryption; }
std::uint64_t RecordStream::bytes_read() const noexcept {
  return impl_->cipher_bytes != 0 ? impl_->cipher_bytes : impl_->pipe != nullptr ? impl_->pipe->total() : 0;
}
std::uint32_t RecordStream::crc() const noexcept {
  if (!impl_->ended) return 0;
  const auto& trailer = impl_->indexer.index().trailer;
  return impl_->pipe->crc_until(trailer ? trailer->offset : impl_->scanner->position());
}
const Index& index_of(const RecordStream& stream) noexcept { return stream.impl_->indexer.index(); }

}  // namespace ckpt

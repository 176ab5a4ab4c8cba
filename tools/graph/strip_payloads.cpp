#include "strip_payloads.h"

#include <algorithm>
#include <limits>

#include "wire_reader.h"
#include "wire_text.h"

namespace ckpt::graph {
namespace {

using containers::WireReader;
using wire::FieldKey;
using wire::Type;

constexpr std::size_t kTicketBytes = 4;

const FieldRule* rule_of(const MessageRule& message, std::uint32_t number) {
  const auto found = std::ranges::find(message.fields, number, &FieldRule::number);
  return found == message.fields.end() ? nullptr : &*found;
}

class Stripper {
 public:
  Stripper(const SourcePtr& file, const StripLimits& limits)
      : file_(file), limits_(limits), reader_(*file, 0, file->size()) {}

  Status message(const MessageRule& rule, std::uint64_t end, std::string& out, int depth);

  Stripped take(std::string message) { return {.message = std::move(message), .payloads = std::move(payloads_)}; }

 private:
  Status field(const MessageRule& rule, std::uint64_t end, std::string& out, int depth);
  Status nested(const MessageRule& rule, FieldKey key, std::uint64_t size, std::string& out, int depth);
  Status payload(FieldKey key, std::uint64_t size, std::string& out);
  Status spend(std::uint64_t bytes);
  Result<std::uint64_t> length_within(std::uint64_t end);

  const SourcePtr& file_;
  const StripLimits& limits_;
  WireReader reader_;
  std::uint64_t bytes_ = 0;
  std::uint64_t messages_ = 0;
  std::vector<Contents::Run> payloads_ = {};
};

Status Stripper::message(const MessageRule& rule, std::uint64_t end, std::string& out, int depth) {
  if (depth > limits_.max_depth)
    return Error{.code = Errc::limit, .offset = reader_.position(), .message = "messages nested too deeply"};
  while (reader_.position() < end) {
    const std::uint64_t start = reader_.position();
    if (auto status = field(rule, end, out, depth); !status) return status;
    if (reader_.position() > end)
      return Error{.code = Errc::malformed, .offset = start, .message = "a field goes past the end of its message"};
  }
  return {};
}

Status Stripper::field(const MessageRule& rule, std::uint64_t end, std::string& out, int depth) {
  const auto key = reader_.key();
  if (!key) return key.error();
  if (key->type == Type::varint) {
    const auto value = reader_.varint();
    if (!value) return value.error();
    put_key(out, *key);
    put_varint(out, *value);
    return spend(2 + wire::varint_size(*value));
  }
  if (key->type != Type::length) {
    put_key(out, *key);
    const std::uint64_t size = key->type == Type::fixed64 ? 8 : 4;
    if (auto status = spend(size); !status) return status;
    return reader_.append(size, out);
  }
  const auto size = length_within(end);
  if (!size) return size.error();
  const FieldRule* own = rule_of(rule, key->number);
  if (own != nullptr && own->is == FieldRule::Is::left_out) return reader_.skip_bytes(*size);
  if (own != nullptr && own->is == FieldRule::Is::payload) return payload(*key, *size, out);
  if (own != nullptr) return nested(*own->message, *key, *size, out, depth);
  if (auto status = spend(*size + 2); !status) return status;
  put_key(out, *key);
  put_varint(out, *size);
  return reader_.append(*size, out);
}

Status Stripper::nested(const MessageRule& rule, FieldKey key, std::uint64_t size, std::string& out, int depth) {
  if (++messages_ > limits_.max_messages)
    return Error{.code = Errc::limit,
                 .offset = reader_.position(),
                 .message = "more than " + std::to_string(limits_.max_messages) + " parts"};
  std::string inner;
  if (auto status = message(rule, reader_.position() + size, inner, depth + 1); !status) return status;
  if (auto status = spend(2); !status) return status;
  put_key(out, key);
  put_varint(out, inner.size());
  out += inner;
  return {};
}

Status Stripper::payload(FieldKey key, std::uint64_t size, std::string& out) {
  if (auto status = spend(kTicketBytes + 2 + sizeof(Contents::Run)); !status) return status;
  put_key(out, key);
  put_varint(out, kTicketBytes);
  for (std::size_t i = 0; i < kTicketBytes; ++i) out += static_cast<char>(payloads_.size() >> (8 * i) & 0xFF);
  payloads_.push_back({.source = file_, .offset = reader_.position(), .size = size});
  return reader_.skip_bytes(size);
}

Status Stripper::spend(std::uint64_t bytes) {
  bytes_ = bytes > limits_.max_bytes ? limits_.max_bytes + 1 : bytes_ + bytes;
  if (bytes_ <= limits_.max_bytes) return {};
  return Error{.code = Errc::limit,
               .offset = reader_.position(),
               .message = "a graph of more than " + std::to_string(limits_.max_bytes) + " bytes"};
}

Result<std::uint64_t> Stripper::length_within(std::uint64_t end) {
  const std::uint64_t start = reader_.position();
  auto size = reader_.length();
  if (size && *size > end - std::min(end, reader_.position()))
    return Error{.code = Errc::malformed, .offset = start, .message = "a field goes past the end of its message"};
  return size;
}

}  // namespace

Result<Contents::Run> Stripped::payload(std::string_view ticket) const {
  if (ticket.empty()) return Contents::Run{};
  std::size_t index = 0;
  for (std::size_t i = 0; i < ticket.size() && i < kTicketBytes; ++i)
    index |= std::size_t{static_cast<unsigned char>(ticket[i])} << (8 * i);
  if (ticket.size() != kTicketBytes || index >= payloads.size())
    return Error{.code = Errc::malformed, .message = "bytes where no rule expects them"};
  return payloads[index];
}

Result<Stripped> strip_payloads(const SourcePtr& file, const MessageRule& rule, const StripLimits& limits) {
  // Tickets are of 32 bits, and protobuf's own limit is below that.
  StripLimits within = limits;
  within.max_bytes = std::min<std::uint64_t>(limits.max_bytes, std::numeric_limits<std::int32_t>::max());
  Stripper stripper(file, within);
  std::string message;
  if (auto status = stripper.message(rule, file->size(), message, 0); !status) return status.error();
  if (auto status = file->verify_unchanged(); !status) return status.error();
  return stripper.take(std::move(message));
}

}  // namespace ckpt::graph

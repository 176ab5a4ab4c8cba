#include "ckpt/error.h"

#include "ckpt/text.h"

namespace ckpt {

std::string_view name(Errc code) noexcept {
  switch (code) {
    case Errc::io:
      return "io";
    case Errc::truncated:
      return "truncated";
    case Errc::malformed:
      return "malformed";
    case Errc::unsupported:
      return "unsupported";
    case Errc::limit:
      return "limit";
    case Errc::mismatch:
      return "mismatch";
    case Errc::locked:
      return "locked";
    case Errc::key:
      return "key";
    case Errc::changed:
      return "changed";
    case Errc::usage:
      return "usage";
    case Errc::cancelled:
      return "cancelled";
  }
  return "unknown";
}

std::string to_string(const Error& error) {
  // Of what is wrong with the bytes the code is the first word of the sentence; other messages need none.
  const bool is_said = error.code == Errc::truncated || error.code == Errc::malformed || error.message.empty();
  std::string text(is_said ? name(error.code) : std::string_view{});
  const auto word = [&](std::string_view part) {
    if (!text.empty()) text += ' ';
    text += part;
  };
  if (error.offset != Error::kNoOffset) word("at byte " + std::to_string(error.offset));
  if (!error.tensor.empty())
    word((error.offset != Error::kNoOffset ? "inside \"" : "in \"") + escape(error.tensor) + '"');
  if (!text.empty() && !error.message.empty()) text += ": ";
  return text + error.message;
}

}  // namespace ckpt

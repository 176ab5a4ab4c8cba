// Any bytes: what is this? Never an error, and never of a checkpoint that opens.
#include "ckpt/checkpoint.h"
#include "ckpt/text.h"
#include "fuzz_target.h"

using namespace ckpt;
using namespace ckpt::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = text_of(data, size);
  const auto identity = identify(*borrow_bytes(bytes_of(bytes)));
  expect(identity.has_value(), "identify() fails on content");
  expect(!identity->description.empty() && escape(identity->description) == identity->description,
         "a description that cannot be shown");
  const auto file = Checkpoint::from_bytes(bytes_of(bytes), {.keep_damaged = true});
  if (file && file->tensors().empty() && size > 0 && !file->trailer())
    expect(identity->checkpoint, "what is no checkpoint was opened as one");
  if (identity->encryption) expect(!file && file.error().code == Errc::key, "encrypted, and opened without a key");
  if (!file && file.error().code == Errc::unsupported)
    expect(!identity->checkpoint && file.error().message.find(identity->description) != std::string::npos,
           "refused as something that identify() does not say");
  return 0;
}

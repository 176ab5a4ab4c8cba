#include <fmt/format.h>

#include "ckpt/digest.h"
#include "ckpt/element.h"
#include "ckpt/statistics.h"
#include "ckpt/text.h"
#include "commands.h"
#include "facts.h"
#include "input.h"
#include "render.h"

namespace ckpt::cli {
namespace {

constexpr std::size_t kDigestDigits = 12;

// What an entry holds, where that is short enough to be said; empty where it is not.
Result<std::string> short_text(const Checkpoint& file, const TensorInfo& tensor) {
  constexpr std::uint64_t kMaxElements = 4;
  constexpr std::uint64_t kMaxTextBytes = 4096;
  std::string text;
  if (tensor.kind == Kind::string && tensor.byte_size <= kMaxTextBytes) {
    const auto value = file.read_string(tensor);
    if (value) text = '"' + escape(*value) + '"';
    if (!value && value.error().code != Errc::mismatch) return value.error();  // that one is no text, just bytes
    return text;
  }
  const auto count = tensor.element_count();
  if (!has_statistics(tensor) || count > kMaxElements) return text;
  std::vector<std::byte> bytes(static_cast<std::size_t>(tensor.byte_size));
  if (auto status = file.read(tensor, 0, bytes); !status) return status.error();
  const std::size_t size = size_of(tensor.dtype);
  for (std::size_t at = 0; at < bytes.size(); at += size)
    text += (at == 0 ? "" : ", ") + element_text(tensor.dtype, std::span(bytes).subspan(at, size));
  return text;
}

std::string text_of(const Statistics& s) {
  std::string text;
  if (s.finite > 0) text = fmt::format("{:.6g} to {:.6g}, mean {:.6g}, std {:.6g}, ", s.min, s.max, s.mean, s.std);
  if (s.nan > 0) text += fmt::format("{} NaN, ", s.nan);
  if (const auto infinite = s.positive_inf + s.negative_inf; infinite > 0)
    text += fmt::format("{} infinite, ", infinite);
  return text;
}

// One line an entry, with nothing in it that depends on other entries or on the file: what did not change is the same
// line, and what did is one line.
Result<std::string> text_of(const Checkpoint& file, const Progress& progress) {
  const auto digests = digest(file, {.algorithm = DigestAlgorithm::xxh3, .progress = progress});
  if (!digests) return digests.error();
  std::vector<const TensorInfo*> tensors;
  for (const TensorInfo& tensor : file.tensors()) tensors.push_back(&tensor);
  const auto all = statistics(file, tensors, {.progress = progress});
  if (!all) return all.error();
  std::string out;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TensorInfo& tensor = *tensors[i];
    auto content = short_text(file, tensor);
    if (!content) return content;
    if (content->empty())
      content = ((*all)[i] ? text_of(*(*all)[i]) : "") + digests->tensors[i].substr(0, kDigestDigits);
    const std::string dims = tensor.kind == Kind::tensor ? " " + shape_text(tensor.dims) : "";
    out += fmt::format("{}: {}{} {}\n", name_text(tensor.name), type_text(tensor), dims, *content);
  }
  return out;
}

}  // namespace

// What is no checkpoint, is damaged, or needs a key is text, too: a failure would end the whole of `git log -p`.
int run(Context& context, const TextconvOptions& options) {
  const auto input = Input::open(context, options.file, options.key, false);
  const auto fails = [](const Error& error) {
    return error.code == Errc::io || error.code == Errc::changed || error.code == Errc::cancelled;
  };
  if (!input && fails(input.error())) return context.fail(options.file, input.error());
  if (!input) {
    context.write(to_string(input.error()) + "\n");
    return kDone;
  }
  const auto text = text_of(input->file(), context.progress(options.file));
  if (!text && fails(text.error())) return context.fail(options.file, text.error());
  context.write(text ? *text : to_string(text.error()) + "\n");
  if (const auto& damage = input->damage()) context.write("damaged: " + to_string(*damage) + "\n");
  return kDone;
}

}  // namespace ckpt::cli

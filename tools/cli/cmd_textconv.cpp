#include <fmt/format.h>

#include <map>

#include "ckpt/digest.h"
#include "ckpt/element.h"
#include "ckpt/statistics.h"
#include "ckpt/text.h"
#include "commands.h"
#include "external_data.h"
#include "facts.h"
#include "input.h"
#include "render.h"

namespace ckpt::cli {
namespace {

constexpr std::size_t kDigestDigits = 12;

using Places = std::map<std::string, containers::ExternalPlace>;

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

std::string text_of(const containers::ExternalPlace& place) {
  std::string text = "external: " + escape(place.location);
  if (!place.offset.empty()) text += ", offset " + escape(place.offset);
  if (!place.length.empty()) text += ", length " + escape(place.length);
  return text;
}

// One line an entry, with nothing in it that depends on other entries or on the file: what did not change is the same
// line, and what did is one line.
Result<std::string> text_of(const Checkpoint& file, const Places& places, const Progress& progress) {
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
    if (const auto place = places.find(tensor.name); place != places.end())
      content = text_of(place->second);
    else if (content->empty())
      content = ((*all)[i] ? text_of(*(*all)[i]) : "") + digests->tensors[i].substr(0, kDigestDigits);
    const std::string dims = tensor.kind == Kind::tensor ? " " + shape_text(tensor.dims) : "";
    out += fmt::format("{}: {}{} {}\n", name_text(tensor.name), type_text(tensor), dims, *content);
  }
  return out;
}

// What is no checkpoint, is damaged, or needs a key is text, too: a failure would end the whole of `git log -p`.
int write_error(Context& context, const std::string& path, const Error& error) {
  if (error.code == Errc::io || error.code == Errc::changed || error.code == Errc::cancelled)
    return context.fail(path, error);
  context.write(to_string(error) + "\n");
  return kDone;
}

int write_text(Context& context, const std::string& path, const Checkpoint& file, const Places& places) {
  const auto text = text_of(file, places, context.progress(path));
  if (!text) return write_error(context, path, text.error());
  context.write(*text);
  return kDone;
}

}  // namespace

// Git hands over a lone file, so what a model has in others is not looked for: it would be there or not.
int run(Context& context, const TextconvOptions& options) {
  const auto source = open_file(options.file);
  const auto identity = source ? identify(**source) : Result<Identity>(source.error());
  Places places;
  if (identity && identity->format == FileFormat::onnx) {
    const auto model = containers::read_onnx_alone(*source, places);
    return model ? write_text(context, options.file, *model, places)
                 : write_error(context, options.file, model.error());
  }
  const auto input = Input::open(context, options.file, options.key, false);
  if (!input) return write_error(context, options.file, input.error());
  const int code = write_text(context, options.file, input->file(), places);
  const auto& damage = input->damage();
  if (code == kDone && damage) context.write("damaged: " + to_string(*damage) + "\n");
  return code;
}

}  // namespace ckpt::cli

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "array_text.h"
#include "ckpt/element.h"
#include "ckpt/text.h"
#include "commands.h"
#include "facts.h"
#include "input.h"
#include "json.h"
#include "npy.h"
#include "output.h"
#include "render.h"
#include "target.h"
#include "usage.h"

namespace ckpt::cli {
namespace {

// The bytes of an entry or slice, in order, in bounded memory.
Status read_bytes(const Checkpoint& file, const Target& target,
                  const std::function<Status(std::span<const std::byte>)>& sink) {
  const TensorInfo& tensor = *target.tensor;
  if (has_elements(tensor) && tensor.fits()) {
    Status failed;
    auto status = read_slice(file, tensor, target.slice, [&](std::span<const std::byte> run) {
      failed = interrupted() ? Status(Error{.code = Errc::cancelled}) : sink(run);
      return failed.has_value();
    });
    return status ? failed : status;
  }
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(tensor.byte_size, 1 << 18)));
  for (std::uint64_t offset = 0; offset < tensor.byte_size;) {
    const auto part = std::span(buffer).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), tensor.byte_size - offset)));
    if (auto status = file.read(tensor, offset, part); !status) return status;
    if (auto status = interrupted() ? Status(Error{.code = Errc::cancelled}) : sink(part); !status) return status;
    offset += part.size();
  }
  return {};
}

std::string hex_dump_line(std::uint64_t offset, std::span<const std::byte> bytes) {
  std::string hex;
  std::string text;
  for (const std::byte byte : bytes) {
    const auto value = std::to_integer<unsigned>(byte);
    hex += fmt::format("{:02x} ", value);
    text += value >= 0x20 && value < 0x7F ? static_cast<char>(value) : '.';
  }
  return fmt::format("{:08x}  {:<48} {}\n", offset, hex, text);
}

// What has no values is shown as bytes.
Status show_bytes(Context& context, const Checkpoint& file, const TensorInfo& tensor, bool full) {
  constexpr std::uint64_t kShort = 256;
  constexpr std::size_t kRow = 16;
  const std::uint64_t end = full ? tensor.byte_size : std::min(tensor.byte_size, kShort);
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(end, 1 << 18)));
  for (std::uint64_t offset = 0; offset < end; offset += buffer.size()) {
    const std::uint64_t left = end - offset;
    auto part = std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left)));
    if (auto status = file.read(tensor, offset, part); !status) return status;
    for (std::uint64_t at = offset; !part.empty(); at += kRow) {
      const auto row = part.first(std::min(kRow, part.size()));
      context.write(hex_dump_line(at, row));
      part = part.subspan(row.size());
    }
    if (interrupted() || context.output_failed()) return Error{.code = Errc::cancelled};
  }
  if (end < tensor.byte_size)
    context.write(fmt::format("... {} more; --full shows them\n", counted(tensor.byte_size - end, "byte")));
  return {};
}

void show_parts(Context& context, const Target& map) {
  Table table({{"PART"}, {"TYPE", Table::Align::left, Style::cyan}, {"SHAPE"}, {"SIZE", Table::Align::right}});
  for (const TensorInfo& part : map.tensor->parts)
    table.add({escape(map.name) + "." + escape(part.name), type_text(part), shape_text(part.dims),
               human_size(part.byte_size)});
  context.write(table.text(context.color()));
}

Status show_text(Context& context, const Checkpoint& file, const Target& target, const ShowOptions& options) {
  const TensorInfo& tensor = *target.tensor;
  std::string head = fmt::format("{}  {}", styled(name_text(target.name), Style::bold, context.color()),
                                 styled(type_text(tensor), Style::cyan, context.color()));
  if (has_elements(tensor)) {
    head += " " + shape_text(tensor.dims);
    if (!target.slice_text.empty())
      head += fmt::format("  [{}] -> {}", escape(target.slice_text), shape_text(target.slice.dims()));
    if (tensor.dtype == DType::int4 || tensor.dtype == DType::hifloat8) head += "  (bytes, in hexadecimal)";
    context.write(head + "\n");
    const ArrayStyle style{.full = options.full, .precision = options.precision, .width = context.width()};
    return print_array(file, tensor, target.slice, style, [&](std::string_view text) {
      context.write(text);
      return !context.output_failed();
    });
  }
  context.write(fmt::format("{}  {}\n", head, counted(tensor.byte_size, "byte")));
  if (tensor.kind == Kind::map) {
    show_parts(context, target);
    return {};
  }
  const auto text = string_of(file, tensor);
  if (!text) return text.error();
  if (!*text) return show_bytes(context, file, tensor, options.full);
  context.write("\"" + escape(**text) + "\"\n");
  return {};
}

Status show_json(Context& context, const Checkpoint& file, const std::string& path, const Target& target) {
  const TensorInfo& tensor = *target.tensor;
  const bool values = has_elements(tensor);
  Json head;
  head["schema"] = "ckpt.show/1";
  set_text(head, "file", path);
  set_text(head, "name", target.name);
  head["kind"] = std::string(name(tensor.kind));
  set_text(head, "dtype", dtype_text(tensor));
  head["dims"] = values ? target.slice.dims() : tensor.dims;
  head["slice"] = target.slice_text;
  head["bytes"] = tensor.byte_size;
  if (tensor.kind == Kind::map)
    for (const TensorInfo& part : tensor.parts) head["parts"].push_back(json_of(part, nullptr));
  if (tensor.kind == Kind::string) {
    const auto text = string_of(file, tensor);
    if (!text) return text.error();
    head["text"] = *text ? Json(**text) : Json();
  }
  std::string text = json_text(head);
  if (values) {  // they may be many: they are written as they are read
    text.pop_back();
    text += ",\"values\":[";
    const std::size_t size = size_of(tensor.dtype);
    bool first = true;
    auto status = read_bytes(file, target, [&](std::span<const std::byte> run) -> Status {
      for (; run.size() >= size; run = run.subspan(size)) {
        if (!std::exchange(first, false)) text += ',';
        text += json_value(tensor.dtype, run.first(size));
      }
      context.write(text);
      text.clear();
      return context.output_failed() ? Status(Error{.code = Errc::cancelled}) : Status();
    });
    if (!status) return status;
    text += "]}";
  }
  context.write(text + "\n");
  return {};
}

// Where NumPy has no such type, of integers of that size.
std::string header_for_numpy(Context& context, const Target& target) {
  const DType dtype = target.tensor->dtype;
  std::string_view descr = containers::npy_descr(dtype);
  if (descr.empty()) {
    const bool two_bytes = size_of(dtype) == 2;
    descr = two_bytes ? "<u2" : "|u1";
    context.note(
        fmt::format("NumPy has no {}: its bits are written as {}", name(dtype), two_bytes ? "uint16" : "uint8"));
  }
  return containers::npy_header(descr, target.slice.dims());
}

// --raw and --npy.
int show_file(Context& context, const Input& input, const std::string& path, const Target& target,
              const ShowOptions& options) {
  if (options.output.empty() && context.out_is_terminal())
    return context.fail("bytes do not belong on a terminal", "give -o FILE, or send them into a pipe");
  const TensorInfo& tensor = *target.tensor;
  const std::string quoted = "\"" + escape(target.name) + "\"";
  const auto refuse = [&](const char* why, const std::string& hint) {
    return context.fail(path, usage(quoted + why), hint);
  };
  if (tensor.kind == Kind::map)
    return refuse(" is a map parameter: only its parts have bytes",
                  fmt::format("{0}.keys, {0}.values, {0}.status", escape(target.name)));
  std::string header;
  if (options.npy) {
    if (!has_elements(tensor)) return refuse(" has no values that NumPy could hold", "--raw writes its bytes");
    header = header_for_numpy(context, target);
  }
  const std::array inputs = {path, options.key.file};
  auto output = Output::create(
      context, {.path = options.output, .force = options.force, .secret = input.encryption().has_value()}, inputs);
  if (!output) return context.fail(options.output, output.error(), hint_for_output(output.error()));
  Status written = output->write(header);
  if (written) {
    auto read = read_bytes(input.file(), target, [&](std::span<const std::byte> run) {
      written = output->write(run);
      return written;
    });
    if (!read && written) return context.fail(path, read.error());
  }
  if (written) written = output->finish();
  return written ? kDone : context.fail(options.output, written.error());
}

}  // namespace

int run(Context& context, const ShowOptions& options) {
  std::string path = options.target;
  std::string wanted = options.tensor.value_or("");
  if (!options.tensor) {
    const auto uri = split_uri(path);
    if (const auto hash = path.find('#'); !uri && hash != path.npos && hash > 0)
      return context.fail(path.substr(0, hash), {.code = Errc::io, .message = "cannot open: no such file"});
    if (!uri)
      return context.fail("which tensor? `ckpt show FILE TENSOR` or `ckpt show FILE#TENSOR`",
                          "`ckpt list FILE` names them");
    path = uri->file;
    wanted = uri->tensor;
  }
  const bool bytes = options.raw || options.npy;
  if (!options.output.empty() && !bytes) return context.fail("-o needs --raw or --npy");
  const auto input = Input::open(context, path, options.key, false);
  if (!input) return context.fail(path, input.error(), hint_for(input.error(), options.key));
  const auto target = find_target(input->file(), wanted);
  if (!target) {
    const std::string& message = target.error().message;
    const bool absent = message.starts_with("no tensor");
    if (absent && input->damage())
      return context.fail(path, *input->damage(), "what is whole in front of that has no \"" + escape(wanted) + "\"");
    return context.fail(path, target.error(), absent && !message.ends_with('?') ? "`ckpt list FILE` names them" : "");
  }
  const TensorInfo& tensor = *target->tensor;
  if (has_elements(tensor) && !tensor.fits() && !options.raw)
    return context.fail(path, misfit(tensor, target->name), "--raw gives the bytes that are there");
  if (bytes) return show_file(context, *input, path, *target, options);
  const Status status = options.json ? show_json(context, input->file(), path, *target)
                                     : show_text(context, input->file(), *target, options);
  return status ? kDone : context.fail(path, status.error());
}

}  // namespace ckpt::cli

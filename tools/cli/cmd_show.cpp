#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "ckpt/element.h"
#include "ckpt/slice.h"
#include "ckpt/text.h"
#include "commands.h"
#include "facts.h"
#include "input.h"
#include "json.h"
#include "output.h"
#include "render.h"

namespace ckpt::cli {
namespace {

constexpr std::uint64_t kSummarizeAbove = 1000;  // as NumPy prints
constexpr std::int64_t kEdge = 3;

// What was asked for: an entry or a part of a map, and which of its values.
struct Target {
  const TensorInfo* tensor = nullptr;
  std::string name = {};
  std::string slice_text = {};
  Slice slice = {};
};

bool has_elements(const TensorInfo& tensor) { return tensor.kind == Kind::tensor && size_of(tensor.dtype) != 0; }

// `emb.keys`: the parts of a map are named like children.
const TensorInfo* find_part(const Checkpoint& file, std::string_view name) {
  const auto dot = name.rfind('.');
  if (dot == name.npos) return nullptr;
  const TensorInfo* map = file.find(name.substr(0, dot));
  if (map == nullptr) return nullptr;
  for (const TensorInfo& part : map->parts)
    if (part.name == name.substr(dot + 1)) return &part;
  return nullptr;
}

Result<Target> find_target(const Checkpoint& file, const std::string& text) {
  Target target;
  if (auto address = parse_tensor(text, file)) {
    target = {file.find(address->name), address->name, address->slice};
  } else {
    const auto bracket = text.find('[');
    target = {find_part(file, std::string_view(text).substr(0, bracket)), text.substr(0, bracket)};
    if (target.tensor == nullptr) return std::move(address).error();
    if (bracket != text.npos && text.ends_with(']'))
      target.slice_text = text.substr(bracket + 1, text.size() - bracket - 2);
  }
  const TensorInfo& tensor = *target.tensor;
  if (!has_elements(tensor)) {
    if (!target.slice_text.empty())
      return Error{.code = Errc::usage, .tensor = target.name, .message = "has no values to slice"};
    return target;
  }
  if (!tensor.fits())
    return Error{.code = Errc::mismatch,
                 .offset = tensor.record_offset,
                 .tensor = target.name,
                 .message = fmt::format("its dims {} of {} do not fit the {} bytes stored; --raw shows them",
                                        shape_text(tensor.dims), type_text(tensor), tensor.byte_size)};
  auto slice = parse_slice(target.slice_text, tensor.dims);
  if (!slice) {
    Error error = std::move(slice).error();
    error.tensor = target.name;
    return error;
  }
  target.slice = std::move(*slice);
  return target;
}

// Prints a slice as NumPy does: brackets by axis, columns aligned, the middle of long axes left out.
class ArrayPrinter {
 public:
  ArrayPrinter(const Checkpoint& file, const TensorInfo& tensor, const Slice& slice, const ShowOptions& options,
               std::size_t width)
      : file_(file),
        tensor_(tensor),
        slice_(slice),
        precision_(options.precision),
        width_(width),
        summarize_(!options.full && slice.element_count() > kSummarizeAbove) {
    for (std::size_t axis = 0; axis < slice.axes.size(); ++axis)
      if (!slice.axes[axis].index) axes_.push_back(axis);
  }

  Status print(const std::function<void(std::string_view)>& sink) {
    // Twice over the same few rows: to learn the widest, then to print. With everything asked for, once.
    if (slice_.element_count() <= kSummarizeAbove || summarize_) {
      measuring_ = true;
      if (auto status = walk(slice_, 0, sink); !status) return status;
      measuring_ = false;
    }
    if (auto status = walk(slice_, 0, sink); !status) return status;
    sink("\n");
    return {};
  }

 private:
  using Sink = std::function<void(std::string_view)>;

  std::string text_of(std::span<const std::byte> element) const {
    if (precision_ == 0 || !is_float(tensor_.dtype)) return element_text(tensor_.dtype, element);
    double value = 0;
    to_double(tensor_.dtype, element, {&value, 1});
    return fmt::format("{:.{}g}", value, precision_);
  }

  static bool is_float(DType dtype) {
    return dtype == DType::float16 || dtype == DType::bfloat16 || dtype == DType::float32 || dtype == DType::float64 ||
           dtype == DType::float8_e4m3fn || dtype == DType::float8_e5m2;
  }

  Status read_texts(const Slice& slice, std::vector<std::string>& texts) const {
    const std::size_t size = size_of(tensor_.dtype);
    return read_slice(file_, tensor_, slice, [&](std::span<const std::byte> run) {
      for (; run.size() >= size; run = run.subspan(size)) texts.push_back(text_of(run.first(size)));
      return !interrupted();
    });
  }

  Status walk(const Slice& at, std::size_t depth, const Sink& sink) {
    if (interrupted()) return Error{.code = Errc::cancelled};
    if (depth == axes_.size() || depth + 1 == axes_.size()) return row(at, depth, sink);
    const std::size_t axis = axes_[depth];
    const AxisSlice& range = at.axes[axis];
    out(sink, "[");
    for (std::int64_t i = 0; i < range.count; ++i) {
      if (i > 0) {
        out(sink, std::string(axes_.size() - depth - 1, '\n'));
        out(sink, std::string(depth + 1, ' '));
      }
      if (summarize_ && i == kEdge && range.count > 2 * kEdge) {
        out(sink, "...");
        i = range.count - kEdge - 1;
        continue;
      }
      Slice inner = at;
      inner.axes[axis] = {range.start + range.step * i, 1, 1, true};
      if (auto status = walk(inner, depth + 1, sink); !status) return status;
    }
    out(sink, "]");
    return {};
  }

  // The innermost axis, or a single value.
  Status row(const Slice& at, std::size_t depth, const Sink& sink) {
    std::vector<std::string> texts;
    if (depth == axes_.size()) {
      if (auto status = read_texts(at, texts); !status) return status;
      if (!texts.empty()) out(sink, texts[0]);
      return {};
    }
    const std::size_t axis = axes_[depth];
    const AxisSlice range = at.axes[axis];
    const bool shorten = summarize_ && range.count > 2 * kEdge;
    const auto read_part = [&](std::int64_t first, std::int64_t count) {
      Slice part = at;
      part.axes[axis] = {range.start + range.step * first, count, range.step, false};
      return read_texts(part, texts);
    };
    if (auto status = read_part(0, shorten ? kEdge : range.count); !status) return status;
    if (shorten) {
      texts.emplace_back("...");
      if (auto status = read_part(range.count - kEdge, kEdge); !status) return status;
    }
    if (measuring_) {
      for (const std::string& text : texts) widest_ = std::max(widest_, text == "..." ? 0 : text.size());
      return {};
    }
    std::string line = "[";
    std::size_t used = depth + 1;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const bool dots = texts[i] == "...";
      const std::string cell =
          dots ? texts[i] : std::string(widest_ > texts[i].size() ? widest_ - texts[i].size() : 0, ' ') + texts[i];
      if (i > 0) {
        line += ',';
        ++used;
        if (used + 1 + cell.size() + 1 > width_) {
          line += "\n" + std::string(depth + 1, ' ');
          used = depth + 1;
        } else {
          line += ' ';
          ++used;
        }
      }
      line += cell;
      used += cell.size();
    }
    out(sink, line + "]");
    return {};
  }

  void out(const Sink& sink, std::string_view text) const {
    if (!measuring_) sink(text);
  }

  const Checkpoint& file_;
  const TensorInfo& tensor_;
  const Slice& slice_;
  int precision_;
  std::size_t width_;
  bool summarize_;
  bool measuring_ = false;
  std::size_t widest_ = 0;
  std::vector<std::size_t> axes_ = {};  // those that the slice keeps
};

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

// NumPy's spelling of a type; `exact` false where NumPy has none and the bare bits are given.
struct NpyType {
  std::string_view descr;
  bool exact = true;
};

NpyType npy_type(DType dtype) {
  switch (dtype) {
    case DType::boolean:
      return {"|b1"};
    case DType::int8:
      return {"|i1"};
    case DType::uint8:
      return {"|u1"};
    case DType::int16:
      return {"<i2"};
    case DType::int32:
      return {"<i4"};
    case DType::int64:
      return {"<i8"};
    case DType::uint16:
      return {"<u2"};
    case DType::uint32:
      return {"<u4"};
    case DType::uint64:
      return {"<u8"};
    case DType::float16:
      return {"<f2"};
    case DType::float32:
      return {"<f4"};
    case DType::float64:
      return {"<f8"};
    case DType::complex64:
      return {"<c8"};
    case DType::complex128:
      return {"<c16"};
    case DType::bfloat16:
      return {"<u2", false};
    default:
      return {"|u1", false};
  }
}

std::string npy_header(std::string_view descr, std::span<const std::int64_t> dims) {
  std::string shape;
  for (const std::int64_t dim : dims) shape += fmt::format("{}, ", dim);
  if (dims.size() > 1) shape.resize(shape.size() - 2);
  if (dims.size() == 1) shape.resize(shape.size() - 1);
  std::string dict = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, shape);
  constexpr std::size_t kPreamble = 10;
  while ((kPreamble + dict.size() + 1) % 64 != 0) dict += ' ';
  dict += '\n';
  std::string header = "\x93NUMPY";
  header += '\x01';
  header += '\0';
  header += static_cast<char>(dict.size() & 0xFF);
  header += static_cast<char>(dict.size() >> 8);
  return header + dict;
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

Status show_bytes(Context& context, const Checkpoint& file, const Target& target, bool full) {
  constexpr std::uint64_t kShort = 256;
  const std::uint64_t end = full ? target.tensor->byte_size : std::min(target.tensor->byte_size, kShort);
  std::array<std::byte, 16> row;
  for (std::uint64_t offset = 0; offset < end && !interrupted(); offset += row.size()) {
    const auto part = std::span(row).first(static_cast<std::size_t>(std::min<std::uint64_t>(row.size(), end - offset)));
    if (auto status = file.read(*target.tensor, offset, part); !status) return status;
    context.write(hex_dump_line(offset, part));
  }
  if (end < target.tensor->byte_size)
    context.write(fmt::format("... {} more bytes; --full shows them\n", grouped(target.tensor->byte_size - end)));
  return {};
}

Status show_text(Context& context, const Checkpoint& file, const Target& target, const ShowOptions& options) {
  const TensorInfo& tensor = *target.tensor;
  std::string head = fmt::format("{}  {}", styled(escape(target.name), Style::bold, context.color()),
                                 styled(type_text(tensor), Style::cyan, context.color()));
  if (has_elements(tensor)) {
    head += " " + shape_text(tensor.dims);
    if (!target.slice_text.empty())
      head += fmt::format("  [{}] -> {}", escape(target.slice_text), shape_text(target.slice.dims()));
    context.write(head + "\n");
    ArrayPrinter printer(file, tensor, target.slice, options, context.out_is_terminal() ? context.width() : 80);
    return printer.print([&](std::string_view text) { context.write(text); });
  }
  context.write(fmt::format("{}  {}\n", head, counted(tensor.byte_size, "byte")));
  if (tensor.kind == Kind::map) {
    Table table({{"PART"}, {"TYPE"}, {"SHAPE"}, {"SIZE", Table::Align::right}});
    for (const TensorInfo& part : tensor.parts)
      table.add(
          {escape(target.name) + "." + part.name, type_text(part), shape_text(part.dims), human_size(part.byte_size)});
    context.write(table.text(context.color()));
    return {};
  }
  if (tensor.kind == Kind::string)
    if (auto text = file.read_string(tensor)) {
      context.write("\"" + escape(*text) + "\"\n");
      return {};
    }
  return show_bytes(context, file, target, options.full);
}

Status show_json(Context& context, const Checkpoint& file, const std::string& path, const Target& target) {
  const TensorInfo& tensor = *target.tensor;
  Json head;
  head["schema"] = "ckpt.show/1";
  set_text(head, "file", path);
  set_text(head, "name", target.name);
  head["kind"] = std::string(name(tensor.kind));
  set_text(head, "dtype", tensor.dtype == DType::unknown ? std::string_view(tensor.type_name) : name(tensor.dtype));
  const bool elements = has_elements(tensor);
  head["dims"] = elements ? target.slice.dims() : tensor.dims;
  set_text(head, "slice", target.slice_text);
  head["bytes"] = tensor.byte_size;
  if (tensor.kind == Kind::string) {
    auto text = file.read_string(tensor);
    if (!text) return std::move(text).error();
    head["text"] = *text;
  }
  if (!elements) {
    context.write(line_of(head));
    return {};
  }
  // The values may be many: they are written as they are read.
  std::string open = head.dump();
  open.pop_back();
  context.write(open + ",\"values\":[");
  const std::size_t size = size_of(tensor.dtype);
  bool first = true;
  auto status = read_bytes(file, target, [&](std::span<const std::byte> run) -> Status {
    std::string text;
    for (; run.size() >= size; run = run.subspan(size)) {
      if (!first) text += ',';
      first = false;
      const std::string value = element_text(tensor.dtype, run.first(size));
      double as_double = 0;
      to_double(tensor.dtype, run.first(size), {&as_double, 1});
      const bool complex = tensor.dtype == DType::complex64 || tensor.dtype == DType::complex128;
      if (tensor.dtype == DType::boolean) {
        text += value == "False" ? "false" : "true";
      } else if (!std::isfinite(as_double) && (value == "nan" || value == "inf" || value == "-inf")) {
        text += number(as_double).dump();
      } else if (complex || !std::isfinite(as_double)) {
        text += Json(value).dump();
      } else {
        text += value;
      }
    }
    context.write(text);
    return {};
  });
  context.write("]}\n");
  return status;
}

Status show_file(Context& context, const Checkpoint& file, const Target& target, const ShowOptions& options) {
  const TensorInfo& tensor = *target.tensor;
  std::string header;
  if (options.npy) {
    if (!has_elements(tensor))
      return Error{.code = Errc::usage, .tensor = target.name, .message = "has no values that NumPy could hold"};
    const NpyType type = npy_type(tensor.dtype);
    header = npy_header(type.descr, target.slice.dims());
    if (!type.exact)
      context.note(fmt::format("NumPy has no {}: its bits are written as {}", name(tensor.dtype),
                               type.descr.substr(1) == "u2" ? "uint16" : "uint8"));
  }
  auto output = Output::create(context, options.output, options.force);
  if (!output) return std::move(output).error();
  if (auto status = output->write(header); !status) return status;
  const auto sink = [&](std::span<const std::byte> run) {
    return context.output_failed() ? Status(Error{.code = Errc::cancelled}) : output->write(run);
  };
  if (auto status = read_bytes(file, target, sink); !status) return status;
  return output->finish();
}

}  // namespace

int run(Context& context, const ShowOptions& options) {
  std::string path = options.target;
  std::string wanted = options.tensor;
  if (wanted.empty()) {
    const auto uri = split_uri(path);
    if (!uri)
      return context.fail("which tensor? `ckpt show FILE TENSOR` or `ckpt show FILE#TENSOR`",
                          "`ckpt list FILE` names them");
    path = uri->file;
    wanted = uri->tensor;
  }
  auto input = Input::open(context, path, options.key, false);
  if (!input) return context.fail(path, input.error(), hint_for(input.error(), options.key));
  const Checkpoint& file = input->file();
  if ((options.raw || options.npy) && options.output.empty() && context.out_is_terminal())
    return context.fail("bytes do not belong on a terminal", "give -o FILE, or send them into a pipe");
  if (!options.output.empty() && !options.raw && !options.npy) return context.fail("-o needs --raw or --npy");

  auto target = find_target(file, wanted);
  if (!target && target.error().code == Errc::mismatch && options.raw) {
    // Bytes can be had whatever they mean.
    auto address = parse_tensor(wanted, file);
    if (address && address->slice.empty()) target = Target{.tensor = file.find(address->name), .name = address->name};
  }
  if (!target) return context.fail(path, target.error());
  if (target->tensor->kind == Kind::map && (options.raw || options.npy))
    return context.fail(
        path,
        Error{.code = Errc::usage, .tensor = target->name, .message = "is a map parameter: ask for one of its parts"},
        fmt::format("{}.keys, {}.values, {}.status", escape(target->name), escape(target->name), escape(target->name)));
  Status status;
  if (options.raw || options.npy) {
    status = show_file(context, file, *target, options);
  } else if (options.json) {
    status = show_json(context, file, path, *target);
  } else {
    status = show_text(context, file, *target, options);
  }
  if (status || context.output_failed()) return kDone;
  if (status.error().code == Errc::usage && status.error().tensor.empty() && !options.output.empty())
    return context.fail(options.output, status.error(), "--force replaces it");
  return context.fail(path, status.error());
}

}  // namespace ckpt::cli

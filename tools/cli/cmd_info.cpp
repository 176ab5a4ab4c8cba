#include <fmt/format.h>

#include <algorithm>

#include "ckpt/text.h"
#include "commands.h"
#include "facts.h"
#include "input.h"
#include "json.h"
#include "render.h"

namespace ckpt::cli {
namespace {

std::string encryption_text(const Encryption& encryption) {
  return fmt::format("{}, {}, {}", encryption.mode ? name(*encryption.mode) : "AES",
                     encryption.era == CipherEra::a ? "as MindSpore 1.3 to 1.5" : "as MindSpore 2.0 and later",
                     counted(encryption.blocks, "block"));
}

std::string_view name_of(FileFormat format) {
  switch (format) {
    case FileFormat::safetensors:
      return "safetensors";
    case FileFormat::npy:
      return "npy";
    case FileFormat::npz:
      return "npz";
    case FileFormat::onnx:
      return "onnx";
    default:
      return "ckpt";
  }
}

Json json_of_info(const std::string& path, const Input& input, const Totals& totals) {
  Json json;
  json["schema"] = "ckpt.info/1";
  set_text(json, "file", path);
  json["format"] = std::string(name_of(input.format()));
  json["size"] = input.size();
  json["tensors"] = totals.all.entries;
  json["elements"] = totals.all.elements;
  json["bytes"] = totals.all.bytes;
  const auto sum = [](const Sum& s) {
    return Json{{"tensors", s.entries}, {"elements", s.elements}, {"bytes", s.bytes}};
  };
  for (const Group group : {Group::weights, Group::optimizer, Group::other})
    json["groups"][std::string(name(group))] = sum(totals.groups[static_cast<std::size_t>(group)]);
  json["types"] = Json::object();
  for (const auto& [type, s] : totals.types) json["types"][type] = sum(s);
  json["dialect"] = json_of(input.dialect());
  json["checksum"] = nullptr;
  if (const auto& trailer = input.trailer())
    json["checksum"] = {{"algorithm", "crc32"},
                        {"value", fmt::format("{:08x}", trailer->crc)},
                        {"offset", trailer->offset},
                        {"oversized", trailer->oversized}};
  json["encrypted"] = nullptr;
  if (const auto& encryption = input.encryption())
    json["encrypted"] = {{"mode", encryption->mode ? Json(std::string(name(*encryption->mode))) : Json()},
                         {"era", std::string(name(encryption->era))},
                         {"blocks", encryption->blocks}};
  json["damage"] = json_of(input.damage());
  return json;
}

std::string text_of_info(const std::string& path, const Input& input, const Totals& totals, bool color) {
  Table facts({{.style = Style::dim}, {}});
  if (input.format() != FileFormat::checkpoint) facts.add({"format", std::string(name_of(input.format()))});
  const std::string exact = counted(input.size(), "byte");
  facts.add({"size", input.size() < 1024 ? exact : fmt::format("{} ({})", human_size(input.size()), exact)});
  std::string groups;
  for (const Group group : {Group::weights, Group::optimizer, Group::other}) {
    const Sum& sum = totals.groups[static_cast<std::size_t>(group)];
    if (sum.entries > 0)
      groups += fmt::format("{}{} {} ({})", groups.empty() ? "" : ", ", grouped(sum.entries), name(group),
                            human_size(sum.bytes));
  }
  facts.add({"tensors", fmt::format("{}{}", grouped(totals.all.entries), groups.empty() ? "" : ": " + groups)});
  facts.add({"elements", grouped(totals.all.elements)});
  std::string types;
  for (const auto& [type, sum] : totals.types)
    types += fmt::format("{}{} ({})", types.empty() ? "" : ", ", type, human_size(sum.bytes));
  if (!types.empty()) facts.add({"types", types});
  const Dialect& dialect = input.dialect();
  if (const std::string text = dialect_text(dialect); !text.empty()) facts.add({"dialect", text});
  std::string marks;
  const auto mark = [&](bool is, std::string_view what) {
    if (is) marks += (marks.empty() ? "" : ", ") + std::string(what);
  };
  mark(dialect.model_type.has_value(), "model_type \"" + escape(dialect.model_type.value_or("")) + "\"");
  mark(dialect.slices, "slices");
  mark(dialect.maps, "map parameters");
  mark(dialect.packed_dims, "packed dims");
  mark(dialect.old_type_names, "old type names");
  mark(dialect.unknown_fields, "unknown fields");
  if (!marks.empty()) facts.add({"has", marks});
  if (const auto& trailer = input.trailer())
    facts.add({"checksum", fmt::format("CRC-32 {:08x} (`ckpt check` verifies it)", trailer->crc)});
  if (const auto& encryption = input.encryption()) facts.add({"encrypted", encryption_text(*encryption)});
  if (const auto& damage = input.damage()) facts.add({"damage", styled(to_string(*damage), Style::red, color)});
  return styled(file_text(path), Style::bold, color) + "\n" + facts.text(color, "  ");
}

// An encrypted file without its key still tells how it is encrypted.
std::optional<Encryption> encryption_without_key(const std::string& path) {
  auto source = open_file(path);
  if (!source) return std::nullopt;
  const auto identity = identify(**source);
  return identity ? identity->encryption : std::nullopt;
}

}  // namespace

int run(Context& context, const InfoOptions& options) {
  const auto files = expand_directories(options.files);
  if (!files) return context.fail(files.error().message);
  int code = kDone;
  const auto failed = [&](int why) { code = std::max(code, why); };
  Table summary({{"FILE"},
                 {"SIZE", Table::Align::right},
                 {"TENSORS", Table::Align::right},
                 {"ELEMENTS", Table::Align::right},
                 {"TYPES"}});
  const bool as_table = files->size() > 1 && !options.json;
  for (const std::string& path : *files) {
    auto input = Input::open(context, path, options.key, true);
    if (!input) {
      if (input.error().code == Errc::key)
        if (const auto encryption = encryption_without_key(path); encryption && !options.json)
          context.write(fmt::format("{}\n  encrypted  {}\n", styled(file_text(path), Style::bold, context.color()),
                                    encryption_text(*encryption)));
      failed(context.fail(path, input.error(), hint_for(input.error(), options.key)));
      if (code == kInterrupted) return code;
      continue;
    }
    input->drain(context.progress(path));
    const auto& damage = input->damage();
    if (damage && (damage->code == Errc::cancelled || damage->code == Errc::unsupported || damage->code == Errc::key ||
                   damage->code == Errc::io)) {
      failed(context.fail(path, *damage, hint_for(*damage, options.key)));
      if (code == kInterrupted) return code;
      continue;
    }
    const Totals totals = totals_of(input->tensors(), classify(input->tensors()));
    if (options.json) {
      context.write(line_of(json_of_info(path, *input, totals)));
    } else if (as_table) {
      std::string types;
      for (const auto& [type, sum] : totals.types) types += (types.empty() ? "" : " ") + type;
      summary.add({file_text(path), human_size(input->size()), grouped(totals.all.entries),
                   grouped(totals.all.elements), types});
    } else {
      context.write(text_of_info(path, *input, totals, context.color()));
    }
    if (damage) failed(context.fail(path, *damage));
  }
  if (!summary.empty()) context.write(summary.text(context.color()));
  return code;
}

}  // namespace ckpt::cli

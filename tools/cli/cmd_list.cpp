#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>

#include "ckpt/text.h"
#include "commands.h"
#include "facts.h"
#include "input.h"
#include "json.h"
#include "render.h"
#include "select.h"

namespace ckpt::cli {
namespace {

struct Entry {
  const TensorInfo* tensor = nullptr;
  Group group = Group::weights;
};

std::string size_text(std::uint64_t bytes, bool exact) { return exact ? std::to_string(bytes) : human_size(bytes); }

void sort_entries(std::vector<Entry>& entries, const std::string& key) {
  if (key == "name")
    std::stable_sort(entries.begin(), entries.end(),
                     [](const Entry& a, const Entry& b) { return a.tensor->name < b.tensor->name; });
  if (key == "size")
    std::stable_sort(entries.begin(), entries.end(),
                     [](const Entry& a, const Entry& b) { return a.tensor->byte_size > b.tensor->byte_size; });
}

// What the file says where it differs from what is shown.
std::string stored_text(const TensorInfo& tensor) {
  std::string text;
  const auto add = [&](const std::string& what) { text += (text.empty() ? "" : ", ") + what; };
  if (tensor.kind == Kind::tensor && tensor.type_name != name(tensor.dtype)) add("type " + escape(tensor.type_name));
  if (tensor.scalar_as_zero) add("dims [0]");
  if (tensor.packed_dims) add("packed dims");
  if (tensor.encoding == Encoding::bf16_as_float32) add("as float32");
  if (tensor.kind == Kind::tensor && !tensor.fits()) add("size does not fit");
  if (tensor.unknown_fields) add("unknown fields");
  return text;
}

std::string table_of(std::span<const Entry> entries, const ListOptions& options, bool color) {
  std::vector<Table::Column> columns = {{"NAME"},
                                        {"TYPE", Table::Align::left, Style::cyan},
                                        {"SHAPE"},
                                        {options.exact ? "BYTES" : "SIZE", Table::Align::right}};
  if (options.details)
    for (Table::Column column :
         {Table::Column{"GROUP"}, {"OFFSET", Table::Align::right}, {"SLICES", Table::Align::right}, {"STORED"}})
      columns.push_back(column);
  Table table(columns);
  const auto add = [&](const TensorInfo& tensor, const std::string& shown, std::string_view group, std::uint64_t at) {
    std::vector<std::string> row = {shown, type_text(tensor), shape_of(tensor),
                                    size_text(tensor.byte_size, options.exact)};
    if (options.details)
      row.insert(row.end(),
                 {std::string(group), std::to_string(at), std::to_string(tensor.extents.size()), stored_text(tensor)});
    table.add(std::move(row));
  };
  for (const Entry& entry : entries) {
    add(*entry.tensor, name_text(entry.tensor->name), name(entry.group), entry.tensor->record_offset);
    if (options.details)
      for (const TensorInfo& part : entry.tensor->parts)
        add(part, "  ." + escape(part.name), "", part.extents.empty() ? 0 : part.extents[0].offset);
  }
  return table.text(color);
}

// The names, split at their dots.
struct Node {
  std::map<std::string, std::size_t, std::less<>> index = {};
  std::vector<std::pair<std::string, std::unique_ptr<Node>>> children = {};
  std::vector<const TensorInfo*> entries = {};  // that end here
  Sum sum = {};

  Node& child(std::string_view part) {
    const auto [at, is_new] = index.try_emplace(std::string(part), children.size());
    if (is_new) children.emplace_back(std::string(part), std::make_unique<Node>());
    return *children[at->second].second;
  }
};

// A name of a thousand dots must not become a thousand levels.
constexpr std::size_t kMaxDepth = 64;

std::string tree_of(std::span<const Entry> entries, const ListOptions& options, bool color) {
  Node root;
  for (const Entry& entry : entries) {
    Node* node = &root;
    node->sum.add(*entry.tensor);
    std::string_view rest = entry.tensor->name;
    for (std::size_t depth = 0; depth < kMaxDepth; ++depth) {
      const auto dot = depth + 1 == kMaxDepth ? rest.npos : rest.find('.');
      node = &node->child(rest.substr(0, dot));
      node->sum.add(*entry.tensor);
      if (dot == rest.npos) break;
      rest.remove_prefix(dot + 1);
    }
    node->entries.push_back(entry.tensor);
  }
  Table table({{"NAME"},
               {"TYPE", Table::Align::left, Style::cyan},
               {"SHAPE"},
               {options.exact ? "BYTES" : "SIZE", Table::Align::right}});
  const auto walk = [&](const auto& self, const Node& node, const std::string& indent) -> void {
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      const auto& [part, child] = node.children[i];
      const bool last = i + 1 == node.children.size();
      const std::string shown = indent + (last ? "└─ " : "├─ ") + name_text(part);
      for (const TensorInfo* tensor : child->entries)
        table.add({shown, type_text(*tensor), shape_of(*tensor), size_text(tensor->byte_size, options.exact)});
      if (!child->children.empty()) {
        if (child->entries.empty())
          table.add({shown, "", counted(child->sum.entries, "tensor"), size_text(child->sum.bytes, options.exact)});
        self(self, *child, indent + (last ? "   " : "│  "));
      }
    }
  };
  walk(walk, root, "");
  return table.text(color);
}

// Entry by entry: a document of all of them would take more memory than the file's index.
void write_json(Context& context, const std::string& path, const std::optional<Error>& damage,
                std::span<const Entry> entries) {
  Json head;
  head["schema"] = "ckpt.list/1";
  set_text(head, "file", path);
  head["damage"] = json_of(damage);
  std::string text = json_text(head);
  text.back() = ',';
  context.write(text + "\"tensors\":[");
  for (const Entry& entry : entries)
    context.write((&entry == entries.data() ? "" : ",") + json_text(json_of(*entry.tensor, &entry.group)));
  context.write("]}\n");
}

}  // namespace

int run(Context& context, const ListOptions& options) {
  auto selection = Selection::create(options.select);
  if (!selection) return context.fail(selection.error().message);
  auto input = Input::open(context, options.file, options.key, true);
  if (!input) return context.fail(options.file, input.error(), hint_for(input.error(), options.key));
  input->drain(context.progress(options.file));
  if (const Error* error = input->nothing_to_show())
    return context.fail(options.file, *error, hint_for(*error, options.key));

  const auto groups = classify(input->tensors());
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const TensorInfo& tensor = input->tensors()[i];
    if ((options.group.empty() || options.group == name(groups[i])) && selection->matches(tensor.name))
      entries.push_back({&tensor, groups[i]});
  }
  sort_entries(entries, options.sort);

  const auto& damage = input->damage();
  if (options.json) {
    write_json(context, options.file, damage, entries);
  } else if (!entries.empty()) {
    context.write(options.tree ? tree_of(entries, options, context.color())
                               : table_of(entries, options, context.color()));
    if (options.total || context.out_is_terminal()) {
      Sum sum;
      for (const Entry& entry : entries) sum.add(*entry.tensor);
      context.write(styled(fmt::format("{}, {}, {}", counted(sum.entries, "tensor"), counted(sum.elements, "element"),
                                       options.exact ? counted(sum.bytes, "byte") : human_size(sum.bytes)),
                           Style::dim, context.color()) +
                    "\n");
    }
  }
  if (damage) return context.fail(options.file, *damage);
  if (const std::string unused = selection->unused(); !unused.empty())
    return context.fail(fmt::format("{}: nothing matches '{}'", file_text(options.file), escape(unused)));
  return kDone;
}

}  // namespace ckpt::cli

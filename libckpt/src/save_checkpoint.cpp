#include <string_view>
#include <unordered_set>

#include "ckpt/writer.h"

namespace ckpt {
Status save_checkpoint(const std::filesystem::path& path, std::span<const Param> params,
                       std::span<const AppendValue> append, const WriteOptions& options) {
  // Before anything is written, and in words that say which of the two lists to look at.
  std::unordered_set<std::string_view> names;
  for (const Param& param : params) names.insert(param.desc.name);
  for (const AppendValue& entry : append)
    if (names.contains(entry.name))
      return Error{.code = Errc::usage, .tensor = entry.name, .message = "an appended value has a parameter's name"};

  auto writer = Writer::create(path, options);
  if (!writer) return std::move(writer).error();
  for (const Param& param : params)
    if (auto status = writer->add(param.desc, param.bytes); !status) return status;
  for (const AppendValue& entry : append)
    if (auto status = writer->add(entry); !status) return status;
  return writer->finish();
}

}  // namespace ckpt

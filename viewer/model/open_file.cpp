#include "open_file.h"

#include <sys/stat.h>

#include <utility>

#include "containers.h"

namespace ckpt::viewer {

std::optional<FileStamp> stamp_of(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return FileStamp{.device = static_cast<std::uint64_t>(status.st_dev),
                   .inode = static_cast<std::uint64_t>(status.st_ino),
                   .size = static_cast<std::uint64_t>(status.st_size),
                   .changed_ns = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
}

Group OpenFile::group_of(const TensorInfo& tensor) const noexcept {
  const auto all = file.tensors();
  if (&tensor >= all.data() && &tensor < all.data() + all.size())
    return groups[static_cast<std::size_t>(&tensor - all.data())];
  for (std::size_t i = 0; i < all.size(); ++i)  // a part of a map is what the map is
    if (!all[i].parts.empty() && &tensor >= all[i].parts.data() && &tensor < all[i].parts.data() + all[i].parts.size())
      return groups[i];
  return Group::other;
}

Result<FilePtr> open_for_view(const std::filesystem::path& path, OpenOptions options) {
  options.keep_damaged = true;
  // Before opening: of a file that is replaced meanwhile it is noticed that it was.
  const auto stamp = stamp_of(path);
  auto any = containers::open_any(path, options);
  if (!any) return std::move(any).error();
  if (any->file.damage() && any->file.damage()->code == Errc::cancelled) return *any->file.damage();
  options.progress = {};  // it was of that time
  auto groups = classify(any->file.tensors());
  return FilePtr(std::make_shared<OpenFile>(
      OpenFile{path, stamp.value_or(FileStamp{}), any->format, std::move(any->file), std::move(groups), options}));
}

}  // namespace ckpt::viewer

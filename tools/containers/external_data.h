#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "ckpt/error.h"
#include "ckpt/source.h"
#include "containers.h"

namespace ckpt::containers {

/// Opens a file that a model names as the place of its data. The name comes from the model, which may come from
/// anybody, so it leads to nothing but a regular file in the model's own folder, or below it:
///
/// | the name                                              | outcome                                                |
/// |-------------------------------------------------------|--------------------------------------------------------|
/// | absolute, or with a `..` component (`a..b` has none)  | Errc::unsupported                                      |
/// | a link out of the folder                              | Errc::unsupported                                      |
/// | a link into the folder where the model's own link leads (as download caches lay files out) | opened            |
/// | a directory, pipe or device                           | Errc::unsupported                                      |
///
/// What was found is opened from its folder without following any link, so that it cannot be exchanged for one in
/// between (Linux 5.6 and later). Not covered: hard links, which are files like any other.
Result<SourcePtr> open_external(const std::filesystem::path& model, std::string_view location);

/// What a model says about where an initialiser's values are, as it stands there.
struct ExternalPlace {
  std::string location = {};
  std::string offset = {};  ///< empty where it is not there: 0
  std::string length = {};  ///< ... up to the end
};

/// As read_onnx, but external data is not looked for: those initialisers have no bytes, and are in `places` by name.
Result<Checkpoint> read_onnx_alone(SourcePtr file, std::map<std::string, ExternalPlace>& places,
                                   const ForeignOptions& options = {});

}  // namespace ckpt::containers

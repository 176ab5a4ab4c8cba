#pragma once

#include <filesystem>

#include "ckpt/checkpoint.h"
#include "ckpt/progress.h"
#include "plane.h"

class QImage;

// What is taken out of a file, as files of other programs. Each appears complete or not at all.
namespace ckpt::viewer {

/// All of a tensor as NumPy reads it. Errc::unsupported for types that NumPy has not.
Status export_npy(const Checkpoint& file, const TensorInfo& tensor, const std::filesystem::path& path,
                  const Progress& progress);
/// A plane, a line a row.
Status export_csv(const Checkpoint& file, const TensorInfo& tensor, const Plane& plane,
                  const std::filesystem::path& path, const Progress& progress);
Status export_png(const QImage& picture, const std::filesystem::path& path);

}  // namespace ckpt::viewer

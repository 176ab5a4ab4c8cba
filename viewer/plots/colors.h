#pragma once

#include <QColor>
#include <QPalette>
#include <cstdint>

namespace ckpt::viewer {

enum class ColorMap : std::uint8_t { diverging, sequential, gray };

/// The colour of a value: 0 the lowest, 1 the highest, 0.5 in the middle.
QRgb color_at(ColorMap map, double share) noexcept;
/// Of NaN and infinities: in no map.
inline constexpr QRgb kNonFiniteColor = 0xFFFF00C8;

bool is_dark(const QPalette& palette);
QColor bar_color(const QPalette& palette);     ///< of bars and areas
QColor second_color(const QPalette& palette);  ///< beside it
QColor grid_color(const QPalette& palette);    ///< of axes and frames
/// One of several that are told apart easily; for dtypes, groups and modules.
QColor category_color(std::size_t i, const QPalette& palette);

}  // namespace ckpt::viewer

#include "colors.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace ckpt::viewer {
namespace {

struct Stop {
  double red, green, blue;
};

// Blue, white, red; equally far from white at both ends.
constexpr std::array<Stop, 5> kDiverging = {
    {{5, 48, 130}, {90, 150, 210}, {245, 245, 245}, {228, 130, 90}, {140, 10, 30}}};
// Dark blue, green, yellow: ever lighter, so that it can be read in gray, too.
constexpr std::array<Stop, 5> kSequential = {
    {{40, 10, 80}, {40, 90, 140}, {30, 150, 130}, {120, 205, 80}, {250, 230, 60}}};

template <std::size_t N>
QRgb between(const std::array<Stop, N>& stops, double share) noexcept {
  const double place = share * (N - 1);
  const auto i = std::min<std::size_t>(static_cast<std::size_t>(place), N - 2);
  const double t = place - static_cast<double>(i);
  const auto mix = [t](double a, double b) { return static_cast<int>(std::lround(a + (b - a) * t)); };
  return qRgb(mix(stops[i].red, stops[i + 1].red), mix(stops[i].green, stops[i + 1].green),
              mix(stops[i].blue, stops[i + 1].blue));
}

}  // namespace

QRgb color_at(ColorMap map, double share) noexcept {
  share = std::clamp(share, 0.0, 1.0);
  switch (map) {
    case ColorMap::diverging:
      return between(kDiverging, share);
    case ColorMap::sequential:
      return between(kSequential, share);
    case ColorMap::gray:
      break;
  }
  const int gray = static_cast<int>(std::lround(share * 255));
  return qRgb(gray, gray, gray);
}

bool is_dark(const QPalette& palette) { return palette.color(QPalette::Window).lightness() < 128; }

QColor bar_color(const QPalette& palette) {
  return is_dark(palette) ? QColor(0x6C, 0xA8, 0xE0) : QColor(0x2F, 0x74, 0xB5);
}

QColor second_color(const QPalette& palette) {
  return is_dark(palette) ? QColor(0xF0, 0xA0, 0x58) : QColor(0xD8, 0x70, 0x20);
}

QColor grid_color(const QPalette& palette) {
  QColor color = palette.color(QPalette::WindowText);
  color.setAlphaF(0.25F);
  return color;
}

QColor category_color(std::size_t i, const QPalette& palette) {
  constexpr std::array kHues = {210, 28, 140, 280, 350, 180, 50, 320, 100, 240};
  const int hue = kHues[i % kHues.size()];
  return is_dark(palette) ? QColor::fromHsv(hue, 130, 165) : QColor::fromHsv(hue, 95, 225);
}

}  // namespace ckpt::viewer

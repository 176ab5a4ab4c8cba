#include "theme.h"

#include <QApplication>
#include <QPalette>
#include <QStyle>
#include <QWidget>

namespace ckpt::viewer {
namespace {

constexpr const char* kSystemStyle = "systemStyle";

struct Shades {
  QColor window, base, alternate, button, text, faint, highlight;
};

QPalette palette_of(const Shades& shades) {
  QPalette palette(shades.button, shades.window);
  palette.setColor(QPalette::Window, shades.window);
  palette.setColor(QPalette::Base, shades.base);
  palette.setColor(QPalette::AlternateBase, shades.alternate);
  palette.setColor(QPalette::Button, shades.button);
  palette.setColor(QPalette::ToolTipBase, shades.base);
  for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText, QPalette::ToolTipText})
    palette.setColor(role, shades.text);
  for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
    palette.setColor(QPalette::Disabled, role, shades.faint);
  palette.setColor(QPalette::PlaceholderText, shades.faint);
  palette.setColor(QPalette::Highlight, shades.highlight);
  palette.setColor(QPalette::HighlightedText, Qt::white);
  palette.setColor(QPalette::Link, shades.highlight);
  return palette;
}

}  // namespace

void set_theme(QApplication& app, std::string_view theme) {
  // The style that the system has chosen, to go back to.
  if (!app.property(kSystemStyle).isValid()) app.setProperty(kSystemStyle, QApplication::style()->name());
  const bool light = theme == "light";
  const bool dark = theme == "dark";
  const QColor blue(0x2F, 0x74, 0xB5);
  app.setStyle(light || dark ? QStringLiteral("Fusion") : app.property(kSystemStyle).toString());
  app.setPalette(dark ? palette_of({QColor(0x24, 0x26, 0x29), QColor(0x30, 0x33, 0x37), QColor(0x36, 0x39, 0x3D),
                                    QColor(0x3C, 0x40, 0x45), QColor(0xE6, 0xE6, 0xE6), QColor(0x8C, 0x8C, 0x8C), blue})
                 : light
                     ? palette_of({QColor(0xF3, 0xF4, 0xF5), Qt::white, QColor(0xF7, 0xF8, 0xFA),
                                   QColor(0xEA, 0xEC, 0xEE), QColor(0x20, 0x22, 0x24), QColor(0x90, 0x90, 0x90), blue})
                     : QPalette());
  // Windows that are there already keep colours which the new palette does not name, unless they look again.
  for (QWidget* window : QApplication::topLevelWidgets()) window->setPalette(QPalette());
}

}  // namespace ckpt::viewer

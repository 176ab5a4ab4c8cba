#pragma once

#include <string_view>

class QApplication;

namespace ckpt::viewer {

/// "light" or "dark": colours of our own in Qt's Fusion style; anything else: as the system has it.
void set_theme(QApplication& app, std::string_view theme);

}  // namespace ckpt::viewer

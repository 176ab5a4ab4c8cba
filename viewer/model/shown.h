#pragma once

#include <QColor>
#include <QString>
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "ckpt/error.h"

// Untrusted text on its way to the screen: always escaped, never too long to be laid out, never taken for markup.
namespace ckpt::viewer {

/// Characters of a name that are shown at most; the middle of a longer one is left out.
inline constexpr int kShownCharacters = 240;

/// A name as a cell or label shows it: escaped, one line, `""` where it is empty.
QString shown_name(std::string_view name);
/// The same in full, to be copied.
QString whole_name(std::string_view name);
QString shown_path(const std::filesystem::path& path);
/// What the library says, which is English; goes into a sentence of the viewer's own.
QString shown_error(const Error& error);
QString cannot_read(const Error& error);
QString cancelled_text();
/// Plain text as a tool tip, which Qt would else take for HTML where it looks like it.
QString tip_of(const QString& text);
/// The text of a menu entry: no letter of it is a mnemonic.
QString menu_text(const QString& text);

/// Of what is wrong, and of what is to be looked at.
inline constexpr QColor kErrorColor(0xD0, 0x40, 0x30);
inline constexpr QColor kWarningColor(0xC0, 0x80, 0x00);

/// For tables and facts: "0.001234", "1.2e-07".
QString number_text(double value, int digits = 4);
QString size_text(std::uint64_t bytes);
QString count_text(std::uint64_t number);
inline QString to_q(std::string_view utf8) {
  return QString::fromUtf8(utf8.data(), static_cast<qsizetype>(utf8.size()));
}

}  // namespace ckpt::viewer

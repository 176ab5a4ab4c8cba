#include "shown.h"

#include <QCoreApplication>
#include <QStringList>
#include <algorithm>

#include "ckpt/text.h"
#include "facts.h"
#include "words.h"

namespace ckpt::viewer {

QString shown_name(std::string_view name) {
  // Escaped names grow; what is left out in the middle need not be escaped at all.
  constexpr std::size_t kEnough = std::size_t{4} * kShownCharacters;
  if (name.size() > 2 * kEnough) {
    const QString head = to_q(escape(name.substr(0, kEnough))).left(kShownCharacters / 2);
    return head + QStringLiteral("…") + to_q(escape(name.substr(name.size() - kEnough))).right(kShownCharacters / 2);
  }
  const QString text = to_q(tools::name_text(name));
  if (text.size() <= kShownCharacters) return text;
  return text.left(kShownCharacters / 2) + QStringLiteral("…") + text.right(kShownCharacters / 2);
}

QString whole_name(std::string_view name) { return to_q(escape(name)); }

QString shown_path(const std::filesystem::path& path) { return shown_name(path.native()); }

QString shown_error(const Error& error) { return to_q(to_string(error)); }

QString cancelled_text() { return QCoreApplication::translate("Sentences", "Cancelled; F5 starts anew."); }

QString cannot_read(const Error& error) {
  if (error.code == Errc::cancelled) return cancelled_text();
  return QCoreApplication::translate("Sentences", "The values cannot be read: %1").arg(shown_error(error));
}

QString tip_of(const QString& text) {
  // Qt wraps rich text early; lines that are short enough stay whole.
  const QString shown = text.left(2000);
  const QStringList lines = shown.split(QLatin1Char('\n'));
  const bool wraps = std::any_of(lines.begin(), lines.end(), [](const QString& line) { return line.size() > 100; });
  return QStringLiteral("<p style='white-space:%1'>%2</p>")
      .arg(wraps ? QStringLiteral("pre-wrap") : QStringLiteral("pre"), shown.toHtmlEscaped());
}

QString menu_text(const QString& text) { return QString(text).replace(QLatin1Char('&'), QLatin1String("&&")); }

QString number_text(double value, int digits) {
  return QString::number(value, 'g', digits);  // "inf", "nan" where it is
}

QString size_text(std::uint64_t bytes) { return to_q(tools::human_size(bytes)); }

QString count_text(std::uint64_t number) { return to_q(tools::grouped(number)); }

}  // namespace ckpt::viewer

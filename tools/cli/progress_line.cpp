#include "progress_line.h"

#include <fmt/format.h>
#include <sys/ioctl.h>

#include <algorithm>

#include "render.h"

namespace ckpt::cli {

ProgressLine::ProgressLine(std::FILE* out, std::string label, Unit unit)
    : out_(out), label_(file_text(label)), unit_(unit) {}

ProgressLine::~ProgressLine() {
  if (visible_) {
    std::fputs("\r\x1b[K", out_);
    std::fflush(out_);
  }
}

void ProgressLine::update(std::uint64_t done, std::uint64_t total) {
  if (out_ == nullptr) return;
  const auto now = Clock::now();
  if (now - start_ < std::chrono::seconds(1) || now - shown_ < std::chrono::milliseconds(100)) return;
  shown_ = now;
  visible_ = true;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = static_cast<double>(done) / seconds;
  const auto amount = [&](std::uint64_t n) { return unit_ == Unit::bytes ? human_size(n) : grouped(n); };
  std::string text = ": ";
  if (total > 0) {
    constexpr std::size_t kCells = 20;
    const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
    const std::string filled(static_cast<std::size_t>(part * kCells), '=');
    text += fmt::format("[{:<{}}] {:.0f} %, {} of {}", filled, kCells, 100 * part, amount(done), amount(total));
  } else {
    text += amount(done);
  }
  text += fmt::format(", {}/s", amount(static_cast<std::uint64_t>(rate)));
  if (total > done && rate > 0) text += fmt::format(", {:.0f} s left", static_cast<double>(total - done) / rate);
  // A line that is wrapped could not be erased: of a long name the end is shown, of a narrow terminal's line the start.
  winsize size{};
  const std::size_t width = ::ioctl(fileno(out_), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
  const std::size_t room = width - 1 > text.size() ? width - 1 - text.size() : 0;
  const std::string label = fitted(label_, std::max<std::size_t>(room, 12));
  text.resize(std::min(text.size(), width - 1 - std::min(width - 1, display_width(label))));
  std::fputs(fmt::format("\r{}{}\x1b[K", label, text).c_str(), out_);
  std::fflush(out_);
}

}  // namespace ckpt::cli

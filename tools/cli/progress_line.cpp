#include "progress_line.h"

#include <fmt/format.h>

#include "render.h"

namespace ckpt::cli {

ProgressLine::ProgressLine(std::FILE* out, std::string label) : out_(out), label_(file_text(label)) {}

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
  std::string text = fmt::format("{}: {}", label_, human_size(done));
  if (total > 0)
    text += fmt::format(" of {}, {:.0f} %", human_size(total),
                        100.0 * static_cast<double>(done) / static_cast<double>(total));
  text += fmt::format(", {}/s", human_size(static_cast<std::uint64_t>(rate)));
  if (total > done && rate > 0) text += fmt::format(", {:.0f} s left", static_cast<double>(total - done) / rate);
  std::fputs(fmt::format("\r{}\x1b[K", text).c_str(), out_);
  std::fflush(out_);
}

}  // namespace ckpt::cli

#include "input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>

#include "ckpt/text.h"
#include "containers.h"
#include "usage.h"

namespace ckpt::cli {
namespace {

bool ends_with_newline(const std::string& path) {
  std::error_code none;
  if (!std::filesystem::is_regular_file(path, none)) return false;
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  return in && in.tellg() > 0 && in.seekg(-1, std::ios::end) && in.get() == '\n';
}

// Waits until there is something to read. False after Ctrl-C, which cannot come unnoticed between asking for it and
// waiting: it is let in during the wait alone.
bool wait_for_input(int descriptor) {
  sigset_t stop;
  sigset_t before;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGHUP);
  ::pthread_sigmask(SIG_BLOCK, &stop, &before);
  pollfd wanted{.fd = descriptor, .events = POLLIN, .revents = 0};
  while (!interrupted() && ::ppoll(&wanted, 1, nullptr, &before) < 0 && errno == EINTR) continue;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return !interrupted();
}

// What a file is; other for one that cannot be read.
FileFormat format_of(const std::string& path) {
  const auto source = open_file(path);
  const auto identity = source ? identify(**source) : Result<Identity>(source.error());
  return identity ? identity->format : FileFormat::other;
}

// From the terminal itself: standard input may be something else.
Result<Key> key_from_prompt(const std::string& path) {
  const int tty = ::open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (tty < 0) return Error{.code = Errc::key, .message = "encrypted: it needs its key"};
  const std::string prompt = fmt::format("Key of {} (hexadecimal): ", escape(path));
  termios before{};
  const bool echoes = ::tcgetattr(tty, &before) == 0;
  termios silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  if (echoes) ::tcsetattr(tty, TCSAFLUSH, &silent);
  std::string hex;
  char c = 0;
  if (::write(tty, prompt.data(), prompt.size()) > 0)
    while (hex.size() < 256 && wait_for_input(tty) && ::read(tty, &c, 1) == 1 && c != '\n') hex += c;
  if (echoes) ::tcsetattr(tty, TCSAFLUSH, &before);
  if (::write(tty, "\n", 1) < 0) hex.clear();
  ::close(tty);
  if (interrupted()) return Error{.code = Errc::cancelled};
  auto key = key_from_hex(hex, "what was typed");
  std::fill(hex.begin(), hex.end(), '\0');
  return key;
}

// As read_descriptor, but Ctrl-C ends the wait for a silent writer.
ReadFn interruptible(int descriptor) {
  return [descriptor](std::span<std::byte> out) -> Result<std::size_t> {
    while (wait_for_input(descriptor)) {
      const ssize_t got = ::read(descriptor, out.data(), out.size());
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR)
        return Error{
            .code = Errc::io, .os_error = errno, .message = "cannot read: " + std::generic_category().message(errno)};
    }
    return Error{.code = Errc::cancelled};
  };
}

}  // namespace

Result<OpenOptions> open_options(Context& context, const std::string& path, const KeyOptions& key) {
  auto given = given_key(key);
  if (!given) return std::move(given).error();
  OpenOptions options{.key = std::move(*given), .mode = cipher_mode_from_name(key.mode)};
  if (options.key || !context.err_is_terminal()) return options;
  const auto source = open_file(path);
  if (!source) return options;  // opening it again says why
  const auto identity = identify(**source);
  if (!identity || !identity->encryption) return options;
  auto typed = key_from_prompt(path);
  if (!typed) return std::move(typed).error();
  options.key = std::move(*typed);
  return options;
}

Result<Input> Input::open(Context& context, const std::string& path, const KeyOptions& key, bool pipes) {
  Input input;
  struct stat status {};
  const bool standard_input = path == "-";
  const bool is_file =
      !standard_input && (::stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
  if (!is_file && !pipes)
    return Error{.code = Errc::unsupported,
                 .message = standard_input ? "this needs a file" : "is a pipe or device; this needs a file"};
  if (!is_file) {
    int descriptor = 0;
    if (!standard_input) {
      descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
      if (descriptor < 0 && interrupted()) return Error{.code = Errc::cancelled};
      if (descriptor < 0)
        return Error{
            .code = Errc::io, .os_error = errno, .message = "cannot open: " + std::generic_category().message(errno)};
    }
    if (::isatty(descriptor) == 1) return usage("a checkpoint does not come from a terminal");
    auto given = given_key(key);
    if (!given) return std::move(given).error();
    input.stream_.emplace(
        interruptible(descriptor),
        RecordStream::Options{.open = {.key = std::move(*given), .mode = cipher_mode_from_name(key.mode)}});
    return input;
  }
  auto options = open_options(context, path, key);
  if (!options) return std::move(options).error();
  options->keep_damaged = true;
  options->progress = context.progress(path);
  auto file = containers::open_any(path, *options);
  if (!file) return std::move(file).error();
  input.format_ = file->format;
  input.file_.emplace(std::move(file->file));
  return input;
}

void Input::drain(const Progress& progress) {
  if (!stream_) return;
  while (true) {
    auto piece = stream_->next();
    if (!piece) {
      damage_ = piece.error();
      return;
    }
    if (*piece == nullptr) return;
    if (progress && !progress(stream_->bytes_read(), 0)) {
      damage_ = Error{.code = Errc::cancelled};
      return;
    }
  }
}

const Error* Input::nothing_to_show() const noexcept {
  const auto& error = damage();
  const bool nothing = error && (error->code == Errc::cancelled || error->code == Errc::key ||
                                 (error->code == Errc::unsupported && tensors().empty()));
  return nothing ? &*error : nullptr;
}

std::string hint_for(const Error& error, const KeyOptions& key) {
  if (error.code != Errc::key) return {};
  if (!key.file.empty())
    return ends_with_newline(key.file) ? "the key file ends with a newline, which is taken for a part of the key" : "";
  return key.variable.empty() ? "give it with --key-file FILE or --key-env NAME" : "";
}

std::string hint_for_whole(const std::string& path, const Error& error, const KeyOptions& key) {
  const bool damaged = error.code == Errc::truncated || error.code == Errc::malformed;
  if (damaged && format_of(path) == FileFormat::checkpoint) return "`ckpt salvage` keeps what is whole";
  return hint_for(error, key);
}

std::string hint_for_checkpoint(const std::string& path, const Error& error, const KeyOptions& key) {
  const FileFormat format = error.code == Errc::unsupported ? format_of(path) : FileFormat::other;
  if (format != FileFormat::other && format != FileFormat::checkpoint) return "`ckpt convert` makes a checkpoint of it";
  return hint_for(error, key);
}

std::optional<Error> needs_a_file(const std::string& path) {
  if (path != "-") return std::nullopt;
  return Error{.code = Errc::unsupported, .message = "this needs a file, not a pipe"};
}

Result<std::string> read_text(const std::string& path, std::size_t max_bytes, std::string_view what) {
  const auto failure = [](const char* did) {
    return Error{.code = Errc::io, .os_error = errno, .message = did + std::generic_category().message(errno)};
  };
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0) return failure("cannot open: ");
  std::string text;
  std::vector<char> block(std::size_t{64} << 10);
  ssize_t got = 1;
  while (got > 0 && text.size() <= max_bytes && !interrupted()) {
    got = ::read(descriptor, block.data(), block.size());
    if (got > 0) text.append(block.data(), static_cast<std::size_t>(got));
    if (got < 0 && errno == EINTR) got = 1;
  }
  const Error error = failure("cannot read: ");
  ::close(descriptor);
  if (interrupted()) return Error{.code = Errc::cancelled};
  if (got < 0) return error;
  if (text.size() > max_bytes) return Error{.code = Errc::limit, .message = "is too large for " + std::string(what)};
  return text;
}

Result<std::vector<std::string>> expand_directories(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code failed;
    if (!std::filesystem::is_directory(path, failed)) {
      files.push_back(path);
      continue;
    }
    const std::size_t before = files.size();
    std::filesystem::directory_iterator entries(path, failed);
    for (; !failed && entries != std::filesystem::directory_iterator(); entries.increment(failed))
      if (entries->path().extension() == ".ckpt" && entries->is_regular_file(failed))
        files.push_back(entries->path().string());
    if (failed)
      return Error{
          .code = Errc::io, .os_error = failed.value(), .message = escape(path) + ": cannot list: " + failed.message()};
    if (files.size() == before) return usage(escape(path) + ": has no *.ckpt in it");
    std::sort(files.begin() + static_cast<std::ptrdiff_t>(before), files.end());
  }
  return files;
}

}  // namespace ckpt::cli

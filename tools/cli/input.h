#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/stream.h"
#include "context.h"
#include "options.h"

namespace ckpt::cli {

/// One input of a command: a file, or what came through a pipe.
class Input {
 public:
  /// Damaged files are opened as far as they are whole: damage() says where they end. `pipes`: whether `-`, FIFOs and
  /// the like are welcome; else they are Errc::unsupported. Asks for a key on a terminal if one is needed.
  static Result<Input> open(Context& context, const std::string& path, const KeyOptions& key, bool pipes);

  /// Reads a pipe to its end, so that everything below is known. Nothing to do for a file.
  void drain(const Progress& progress);

  /// Of a pipe, which only a checkpoint can be: checkpoint.
  FileFormat format() const noexcept { return format_; }
  bool is_pipe() const noexcept { return stream_.has_value(); }
  const Checkpoint& file() const noexcept { return *file_; }
  RecordStream& stream() noexcept { return *stream_; }

  std::span<const TensorInfo> tensors() const noexcept { return file_ ? file_->tensors() : stream_->tensors(); }
  const Dialect& dialect() const noexcept { return file_ ? file_->dialect() : stream_->dialect(); }
  const std::optional<Trailer>& trailer() const noexcept { return file_ ? file_->trailer() : stream_->trailer(); }
  const std::optional<Encryption>& encryption() const noexcept {
    return file_ ? file_->encryption() : stream_->encryption();
  }
  const std::optional<Error>& damage() const noexcept { return file_ ? file_->damage() : damage_; }
  /// The damage, where it leaves nothing that could be shown: no key, no checkpoint at all, Ctrl-C; else null.
  const Error* nothing_to_show() const noexcept;
  std::uint64_t size() const noexcept { return file_ ? file_->file_size() : stream_->bytes_read(); }

 private:
  Input() = default;

  FileFormat format_ = FileFormat::checkpoint;
  std::optional<Checkpoint> file_ = {};
  std::optional<RecordStream> stream_ = {};
  std::optional<Error> damage_ = {};  // of a pipe
};

/// How to open a file: with the key that was given, or asked for on a terminal where one is needed.
Result<OpenOptions> open_options(Context& context, const std::string& path, const KeyOptions& key);

/// What to try after an error of Input::open; empty if there is nothing.
std::string hint_for(const Error& error, const KeyOptions& key);

/// The same where a file must be whole: a damaged checkpoint can be salvaged.
std::string hint_for_whole(const std::string& path, const Error& error, const KeyOptions& key);

/// The same where it must be a checkpoint: a file of another format can be converted.
std::string hint_for_checkpoint(const std::string& path, const Error& error, const KeyOptions& key);

/// That a path is standard input or output, where a file is needed; empty if it is none.
std::optional<Error> needs_a_file(const std::string& path);

/// A whole file that is text and no larger than `what` may be: a device that has no end must not fill the memory.
Result<std::string> read_text(const std::string& path, std::size_t max_bytes, std::string_view what);

/// The files to look at: a directory stands for its *.ckpt, sorted.
Result<std::vector<std::string>> expand_directories(const std::vector<std::string>& paths);

}  // namespace ckpt::cli

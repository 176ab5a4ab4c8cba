#pragma once

#include <cassert>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace ckpt {

/// What went wrong, coarse enough to branch on. The message says the rest.
enum class Errc : std::uint8_t {
  io,           ///< the operating system refused; Error::os_error has its number
  truncated,    ///< the file ends inside a record
  malformed,    ///< the bytes are not a checkpoint, or not any more
  unsupported,  ///< understood, but not something this call can do
  limit,        ///< a Limits value was exceeded
  mismatch,     ///< sizes, dims or types disagree, with each other or with what was asked
  locked,       ///< somebody else holds it
  key,          ///< encrypted: no key, a wrong key, or the cipher text was tampered with
  changed,      ///< the file was rewritten in place while it was being read
  usage,        ///< the caller broke a documented rule
  cancelled,    ///< a Progress callback returned false
};

/// The code as a word: "truncated".
std::string_view name(Errc code) noexcept;

/// One failure: a code, a place and a sentence.
struct Error {
  static constexpr std::uint64_t kNoOffset = ~std::uint64_t{0};

  Errc code = Errc::malformed;
  std::uint64_t offset = kNoOffset;  ///< byte offset in the file (plaintext offset if encrypted)
  int os_error = 0;                  ///< errno where the operating system refused, else 0
  std::string tensor = {};           ///< the tensor concerned, exactly as in the file; may be empty
  std::string message = {};          ///< a sentence fragment: no path, no newline, names escaped
};

/// `truncated at byte 1042 inside "conv1.weight": needs 600 bytes, 17 are left`. Never has the path, which
/// only the caller knows; safe to print: the tensor's name is escaped.
std::string to_string(const Error& error);

/// A value or an Error: the part of std::expected used here, in its spelling.
///
///     auto file = ckpt::Checkpoint::open("lenet.ckpt");
///     if (!file) return report(file.error());
///     use(file->tensors());
///
/// Reading the value of a failed Result, or the error of a good one, is a programming error (asserted).
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  T& value() & noexcept { return *get(); }
  const T& value() const& noexcept { return *get(); }
  T&& value() && noexcept { return std::move(*get()); }
  T& operator*() & noexcept { return *get(); }
  const T& operator*() const& noexcept { return *get(); }
  T&& operator*() && noexcept { return std::move(*get()); }
  T* operator->() noexcept { return get(); }
  const T* operator->() const noexcept { return get(); }

  const Error& error() const& noexcept {
    assert(!has_value());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && noexcept {
    assert(!has_value());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  T* get() noexcept {
    assert(has_value());
    return std::get_if<0>(&state_);
  }
  const T* get() const noexcept {
    assert(has_value());
    return std::get_if<0>(&state_);
  }

  std::variant<T, Error> state_;
};

/// Success, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : state_(std::move(error)) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }
  const Error& error() const& noexcept {
    assert(!has_value());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && noexcept {
    assert(!has_value());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<std::monostate, Error> state_;
};

using Status = Result<void>;

}  // namespace ckpt

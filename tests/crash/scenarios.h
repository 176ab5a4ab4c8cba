#pragma once

#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "ckpt/error.h"
#include "temp_dir.h"

namespace ckpt::test {

/// One way to write a checkpoint, tried under kills, failing system calls and power cuts.
struct Scenario {
  std::string name = {};
  std::optional<std::string> old_bytes = {};                              ///< what is at the target before
  std::function<Status(const std::filesystem::path& target)> write = {};  ///< what is tried
  std::function<bool(const std::string& bytes)> is_new = {};              ///< whether a file is its complete result
  unsigned new_mode = 0400;
};

std::ostream& operator<<(std::ostream& out, const Scenario& scenario);

inline constexpr unsigned kOldMode = 0440;

/// Each kind of write there is. With `durable` false a power cut may lose data; a kill may not.
std::vector<Scenario> scenarios(bool durable = true);

/// A directory with the target as it is before the write.
class Site {
 public:
  explicit Site(const Scenario& scenario);
  void reset();  ///< back to how it was

  std::filesystem::path target() const { return dir_ / "net.ckpt"; }
  const std::filesystem::path& directory() const { return dir_.path(); }

  enum class State { old_file, new_file, neither };
  State state() const;
  /// Files beside the target.
  std::vector<std::string> others() const;

 private:
  const Scenario& scenario_;
  TempDir dir_ = {};
};

}  // namespace ckpt::test

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/cipher.h"
#include "ckpt/error.h"
#include "ckpt/progress.h"
#include "ckpt/tensor.h"

namespace ckpt {

struct LoadOptions {
  std::vector<std::string> specify_prefix = {};  ///< only names that start so; with either choice_func is not asked
  std::vector<std::string> filter_prefix = {};   ///< none that start so, of those
  std::function<bool(std::string_view name)> choice_func = {};
  std::optional<Key> dec_key = {};
  std::optional<CipherMode> dec_mode = {};  ///< only needed where the file does not tell
  bool crc_check = false;                   ///< verify the checksum; a file without one passes
  Limits limits = {};
};

/// What load_checkpoint returns: names and handles into the file, and no bytes. Of two entries of one name the last, in
/// the place of the first, as in a Python dict. Copies share the file. Errors of reading come when it is read.
class ParamDict {
 public:
  /// Of every entry, strings and maps too.
  std::span<const TensorInfo* const> params() const noexcept { return params_; }
  const TensorInfo* find(std::string_view name) const noexcept;
  std::size_t size() const noexcept { return params_.size(); }
  const Checkpoint& file() const noexcept { return *file_; }

 private:
  friend Result<ParamDict> load_checkpoint(Checkpoint file, const LoadOptions& options);
  explicit ParamDict(std::shared_ptr<const Checkpoint> file) noexcept : file_(std::move(file)) {}

  std::shared_ptr<const Checkpoint> file_;
  std::vector<const TensorInfo*> params_ = {};
  std::map<std::string_view, const TensorInfo*> by_name_ = {};
};

/// MindSpore's load_checkpoint. Errors: as Checkpoint::open; usage if nothing is left after the choice, or a prefix is
/// empty; mismatch for a wrong checksum; malformed for an entry whose size is not what its dims ask for (MindSpore
/// fills up or overruns).
Result<ParamDict> load_checkpoint(const std::filesystem::path& path, const LoadOptions& options = {});
/// The same of a file that is open, of any format; crc_check and the key have no meaning here.
Result<ParamDict> load_checkpoint(Checkpoint file, const LoadOptions& options = {});

/// One parameter of a network or an optimizer: the caller's memory, little-endian, in C order.
struct NetParam {
  std::string name = {};
  DType dtype = DType::unknown;
  std::vector<std::int64_t> dims = {};
  std::span<std::byte> bytes = {};
};

struct LoadParamOptions {
  bool strict_load =
      false;  ///< no conversions and no suffixes; what is missing is reported, and no error, all the same
  /// MindSpore's search for what was not found: a parameter that the name of one in the file ends with, at any
  /// character. It is on there unless strict_load is; it fills `weight` from `fc_weight`, or a weight from its
  /// momentum.
  bool match_suffixes = false;
  /// MindSpore takes (2,3,1,1) for (2,3), and (3,2,1) too. Only where the number of elements is the same.
  bool drop_trailing_ones = false;
  bool staged = false;   ///< read everything aside first: an I/O error changes nothing either. Costs the memory
  unsigned threads = 0;  ///< 0 = all cores
  Progress progress = {};
};

struct NotLoaded {
  std::string name = {};
  std::string why = {};

  friend bool operator==(const NotLoaded&, const NotLoaded&) = default;
};

struct LoadReport {
  std::vector<NotLoaded> param_not_load = {};  ///< of the network, in its order; accu_grads* are left out, as there
  std::vector<NotLoaded> ckpt_not_load = {};   ///< of the file, in its order
  std::vector<std::string> loaded = {};        ///< of the network, in its order
  std::uint64_t overflow = 0;  ///< values that a narrower type does not have: infinities, and the low bits of integers
};

/// MindSpore's load_param_into_net, for any named memory: copies each entry of the dict into the parameter of its name.
/// Values are converted where the types differ and MindSpore allows it: among Float16, BFloat16, Float32 and Float64,
/// and among Int8 to Int64.
///
/// All names, types, shapes and sizes are looked at first: Errc::mismatch, with the parameter, before a byte changes.
/// So are the tags of an encrypted file: Errc::key; `progress` runs once for them, and once for the loading. An I/O
/// error later says up to where the checkpoint was loaded; staged it changes nothing. Errc::usage if two parameters of
/// the network have one name, or the memory of one is not of its size.
Result<LoadReport> load_param_into_net(std::span<const NetParam> net, const ParamDict& dict,
                                       const LoadParamOptions& options = {});

/// Both in one, which is how a network is made ready for inference.
Result<LoadReport> load_checkpoint(const std::filesystem::path& path, std::span<const NetParam> net,
                                   const LoadOptions& options = {}, const LoadParamOptions& into = {});

}  // namespace ckpt

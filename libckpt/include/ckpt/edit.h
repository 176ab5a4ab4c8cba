#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/cast.h"
#include "ckpt/checkpoint.h"
#include "ckpt/error.h"
#include "ckpt/progress.h"
#include "ckpt/writer.h"

namespace ckpt {

struct EditOptions {
  std::function<bool(const TensorInfo&)> keep = {};          ///< by the names in the file; empty: everything
  bool strip_optimizer = false;                              ///< drop what classify() calls the optimizer's
  std::function<std::string(std::string_view)> rename = {};  ///< empty: every name stays
  std::function<DType(const TensorInfo&)> cast = {};  ///< DType::unknown: as it is. Entries that cannot be are left
  /// In the place of an entry of that (new) name, else behind the last one. A number takes the place of one element and
  /// keeps its type and dims, a string that of a string; nothing else is replaced, and no number that the type does not
  /// have (Errc::usage): one that is too large, a fraction of an integer. Fractions are rounded to nearest even.
  std::vector<AppendValue> set = {};
  bool rewrite = false;  ///< write every tensor anew, in WriteOptions::profile, not byte for byte

  /// Two entries of one name, after renaming. Within one input the last one counts always, as MindSpore reads it.
  enum class Conflict : std::uint8_t {
    refuse,  ///< the plan is not writable()
    first,   ///< that of the first input
    last,    ///< that of the last input, in the place of the first
  };
  Conflict conflict = Conflict::refuse;
};

/// One entry of the output.
struct EditStep {
  const Checkpoint* from = nullptr;    ///< null: a set value
  const TensorInfo* tensor = nullptr;  ///< for a set value: the entry of one element whose form it takes, or null
  const AppendValue* value = nullptr;  ///< of EditOptions::set, as kept by the plan
  std::string name = {};
  DType dtype = DType::unknown;         ///< what it is written as
  std::vector<std::byte> element = {};  ///< of a number that is set: as it is written
};

/// One entry that is left out.
struct EditDrop {
  const Checkpoint* from = nullptr;
  const TensorInfo* tensor = nullptr;
  std::string_view why = {};  ///< "not kept", "optimizer state", "replaced by a later entry of the same name", …
};

/// What a cast did to one entry.
struct EditCast {
  std::string name = {};
  DType to = DType::unknown;
  CastCounts counts = {};
};

/// Changes and merges checkpoints: the plan first, then one pass that reads and writes what is kept.
///
///     const ckpt::Checkpoint* inputs[] = {&*file};
///     auto plan = ckpt::EditPlan::make(inputs, {.strip_optimizer = true});
///     if (!plan) return report(plan.error());
///     auto casts = plan->write("weights.ckpt", {});
///
/// Entries are copied byte for byte (their unknown fields, maps, opaque types and dialect survive, under a new name
/// too) unless they are cast or rewritten. The inputs must outlive the plan.
class EditPlan {
 public:
  /// Errors: usage for two entries of one input that get one name, a new name that is not UTF-8, a value set twice.
  static Result<EditPlan> make(std::span<const Checkpoint* const> inputs, EditOptions options);

  std::span<const EditStep> steps() const noexcept { return steps_; }    ///< in the order of the output
  std::span<const EditDrop> dropped() const noexcept { return drops_; }  ///< in the order of the inputs
  /// The names that more than one input has, under Conflict::refuse: the steps have the first of each.
  std::span<const std::string> conflicts() const noexcept { return conflicts_; }
  /// Errc::usage if write() would refuse: a conflict, or no step, for MindSpore cannot load an empty checkpoint.
  Status writable() const;

  /// Streams in bounded memory; nothing is visible before the end. `path` may be one of the inputs. Returns the casts
  /// that met values which the new type does not have, in the order of the steps. Errors: those of Writer and of
  /// Checkpoint::read.
  Result<std::vector<EditCast>> write(const std::filesystem::path& path, const WriteOptions& options,
                                      const Progress& progress = {}) const;

  EditPlan(EditPlan&&) = default;
  EditPlan& operator=(EditPlan&&) = default;

 private:
  EditPlan() = default;

  std::vector<AppendValue> values_ = {};
  std::vector<EditStep> steps_ = {};
  std::vector<EditDrop> drops_ = {};
  std::vector<std::string> conflicts_ = {};
  bool rewrite_ = false;
};

}  // namespace ckpt

#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/diff.h"
#include "ckpt/group.h"
#include "context.h"

// What `ckpt diff` found about two files, and the forms in which it says so.
namespace ckpt::cli {

struct DiffRow {
  const TensorDiff* diff = nullptr;
  Group group = Group::weights;
  bool fails = false;  ///< it is one of those that make the exit status 1
};

struct FileDiff {
  std::string path_a = {};  ///< empty where only b is there
  std::string path_b = {};
  const Checkpoint* a = nullptr;
  const Checkpoint* b = nullptr;
  std::vector<TensorDiff> diffs = {};        ///< all that were compared, a's in file order, then what b alone has
  std::vector<DiffRow> rows = {};            ///< one for each of them
  std::vector<const DiffRow*> shown = {};    ///< those to be shown, in that order
  std::uint64_t left_out = 0;                ///< by --top
  std::array<std::uint64_t, 8> counts = {};  ///< by Change
  bool differs = false;
  bool fails = false;

  bool alone() const noexcept { return path_a.empty() || path_b.empty(); }
};

/// One element of both entries.
struct ElementPair {
  std::string a = {};
  std::string b = {};
  std::string json_a = {};
  std::string json_b = {};
  double number_a = kNoNumber;  ///< of a type with fractions
  double number_b = kNoNumber;

  static constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();
};
Result<ElementPair> elements_at(const FileDiff& file, const TensorDiff& diff, std::uint64_t index);

/// "18 tensors: 3 changed, 1 added, 14 identical".
std::string summary_of(const FileDiff& diff);

/// For people: a table with a row a tensor, or with `details` a few lines for each. Errors are those of reading values.
Status write_diff_text(const FileDiff& diff, Context& context, bool details);
/// The same as a section of a Markdown page.
Status write_diff_markdown(const FileDiff& diff, Context& context);
/// One document, on one line (schemas/ckpt.diff.1.schema.json).
Status write_diff_json(const FileDiff& diff, Context& context);
/// A testsuite with a testcase a tensor, for inside <testsuites>.
Status write_diff_junit(const FileDiff& diff, Context& context);

}  // namespace ckpt::cli

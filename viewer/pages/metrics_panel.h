#pragma once

#include <QWidget>
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "job.h"
#include "open_file.h"
#include "run_metrics.h"
#include "run_model.h"

class QComboBox;

namespace ckpt::viewer {

class CurvePlot;
class ElidedLabel;

/// What was measured in a run, from its metrics file, as two plots over its steps: of each quantity the training and
/// the validation. Follows the file as it grows. Hidden where there is none.
class MetricsPanel : public QWidget {
  Q_OBJECT

 public:
  explicit MetricsPanel(Jobs& jobs, QWidget* parent = nullptr);

  /// Looks whether there is news, of one run of a folder that has these.
  void look(const std::filesystem::path& folder, const std::string& prefix, const std::vector<std::string>& prefixes);
  void choose(const std::filesystem::path& file);  ///< instead of that beside the checkpoints; empty: that again
  void forget();                                   ///< all that was read
  /// The checkpoints to be marked, and the one that is selected; -1 for none.
  void set_checkpoints(const std::vector<RunEntry>& files);
  void set_current(int checkpoint);

  CurvePlot& plot(std::size_t i) noexcept { return *plots_[i]; }
  QComboBox& quantity(std::size_t i) noexcept { return *quantities_[i]; }
  QString note() const;

 signals:
  void picked(int checkpoint);

 private:
  struct Look {
    std::filesystem::path path = {};
    std::optional<FileStamp> stamp = {};
    std::shared_ptr<const tools::MetricsReader> reader = std::make_shared<tools::MetricsReader>();  ///< never null
    std::optional<Error> error = {};                                                                ///< or why not
    bool several = false;
  };
  static Look look_again(const std::filesystem::path& path, const Look& before, const Progress& progress);
  const tools::RunMetrics& metrics() const { return seen_.reader->metrics(); }
  void arrange();
  void fill_quantities();
  void fill_plots();
  void mark_checkpoints();
  void say_note();

  Job job_;
  std::filesystem::path chosen_ = {};
  Look seen_ = {};
  std::vector<RunEntry> checkpoints_ = {};
  std::vector<int> marked_ = {};  // of these, one a mark
  int current_ = -1;
  std::array<CurvePlot*, 2> plots_ = {};
  std::array<QComboBox*, 2> quantities_ = {};
  ElidedLabel* note_;
};

}  // namespace ckpt::viewer

#pragma once

#include <QString>
#include <QWidget>
#include <optional>

#include "ckpt/statistics.h"
#include "job.h"
#include "open_file.h"
#include "plane.h"
#include "value_model.h"

class QCheckBox;
class QLabel;
class QLineEdit;
class QPlainTextEdit;
class QPushButton;
class QStackedWidget;
class QTabWidget;
class QTableView;

namespace ckpt::viewer {

class ElidedLabel;
class HeatMap;
class HistogramPanel;
class Pager;
class Slicer;

/// One tensor: its facts, values by pages, statistics with a histogram, a picture of a slice. What has no numbers is
/// shown as text or bytes.
class TensorPage : public QWidget {
  Q_OBJECT

 public:
  enum Tab { kValues, kStatistics, kHeatMap };

  explicit TensorPage(Jobs& jobs, QWidget* parent = nullptr);

  /// No tensor: nothing. `name` is what it is called in the file: a part of a map as "map.part".
  void show_tensor(FilePtr file, const TensorInfo* tensor, const std::string& name);
  /// "0,3,:,:": the plane that a slice picks; the error that parse_slice() gives.
  Status show_slice(const std::string& text);
  void show_tab(Tab tab);

  /// Whether there are numbers to be shown.
  bool has_values() const noexcept;
  const TensorInfo* tensor() const noexcept { return tensor_; }
  const FilePtr& file() const noexcept { return file_; }
  const std::string& name() const noexcept { return name_; }
  const Plane& plane() const noexcept { return plane_; }
  QString slice_text() const { return plane_.slice_text(); }
  const ValueModel& values() const noexcept { return values_; }
  const std::optional<Statistics>& statistics() const noexcept { return statistics_; }
  HeatMap& heat_map() noexcept { return *heat_map_; }
  HistogramPanel& histogram() noexcept { return *histogram_; }

 signals:
  void failed(const QString& message);  ///< something could not be read

 private:
  QWidget* make_values();
  QWidget* make_statistics();
  QWidget* make_heat_map();
  void set_slicer();
  void plane_changed();
  void read_page();
  void move_page(std::int64_t rows, std::int64_t columns);
  void go_to_text();
  void go_to(std::uint64_t element);
  void read_statistics();
  void fill_statistics();
  void say_instead(const QString& text);
  void read_magnitudes();
  void read_grid();
  void set_up_heat_map();
  void read_text();

  FilePtr file_ = {};
  const TensorInfo* tensor_ = nullptr;
  std::string name_ = {};
  Plane plane_ = {};
  Window page_ = {};
  std::optional<Statistics> statistics_ = {};
  bool tiles_ = false;
  std::int64_t pending_ = -1;  // the cell of the page being read that is to be gone to

  Job page_job_;
  Job statistics_job_;
  Job magnitudes_job_;
  Job grid_job_;
  Job text_job_;
  ValueModel values_;

  ElidedLabel* title_;
  QLabel* facts_;
  Slicer* slicer_;
  QStackedWidget* stack_;
  QLabel* nothing_;
  QTabWidget* tabs_;
  QPlainTextEdit* text_;
  QTableView* table_ = nullptr;
  ElidedLabel* page_label_ = nullptr;
  QLineEdit* jump_ = nullptr;
  Pager* pager_ = nullptr;
  QPushButton *to_min_ = nullptr, *to_max_ = nullptr, *to_nan_ = nullptr;
  QLabel* names_column_ = nullptr;
  QLabel* numbers_ = nullptr;
  HistogramPanel* histogram_ = nullptr;
  HeatMap* heat_map_ = nullptr;
  QCheckBox* tile_box_ = nullptr;
  QLabel* pointed_ = nullptr;
};

}  // namespace ckpt::viewer

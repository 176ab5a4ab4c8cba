#include "tensor_page.h"

#include <QCheckBox>
#include <QComboBox>
#include <QFontDatabase>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QStackedWidget>
#include <QTabWidget>
#include <QTableView>
#include <QVBoxLayout>
#include <algorithm>

#include "ckpt/element.h"
#include "ckpt/text.h"
#include "facts.h"
#include "heat_map.h"
#include "histogram_panel.h"
#include "pager.h"
#include "shown.h"
#include "slicer.h"
#include "target.h"
#include "tensor_tree_model.h"
#include "tiles.h"
#include "widgets.h"

namespace ckpt::viewer {
namespace {

constexpr std::size_t kHexBytes = 4096;  // of what has no numbers
constexpr qsizetype kTextCharacters = 100'000;
constexpr std::uint64_t kTextBytes = std::uint64_t{4} << 20;  // longer ones are shown as bytes

// Sixteen bytes a line, each with where it stands.
QString hex_dump(std::span<const std::byte> bytes) {
  QString text;
  for (std::size_t at = 0; at < bytes.size(); at += 16) {
    text += QStringLiteral("%1  ").arg(at, 8, 16, QLatin1Char('0'));
    const auto line = bytes.subspan(at, std::min<std::size_t>(16, bytes.size() - at));
    for (std::size_t i = 0; i < line.size(); ++i)
      text += QStringLiteral("%1 ").arg(static_cast<unsigned>(line[i]), 2, 16, QLatin1Char('0'));
    text += QString(static_cast<int>(3 * (16 - line.size())) + 1, QLatin1Char(' '));
    for (const std::byte byte : line) {
      const auto c = static_cast<char>(byte);
      text += QLatin1Char(c >= ' ' && c <= '~' ? c : '.');
    }
    text += QLatin1Char('\n');
  }
  return text;
}

// Integers in full.
int digits_of(DType dtype) { return tools::is_float(dtype) ? 7 : 17; }

Result<QString> text_of(const OpenFile& file, const TensorInfo& tensor) {
  if (tensor.kind == Kind::map) return TensorPage::tr("A map: its parts are below it in the tree.");
  if (tensor.byte_size == 0) return TensorPage::tr("It has no elements.");
  if (tensor.kind == Kind::string && tensor.byte_size <= kTextBytes) {
    const auto text = tools::string_of(file.file, tensor);
    if (!text) return text.error();
    if (*text) {
      const QString all = to_q(**text);
      return all.size() > kTextCharacters ? all.left(kTextCharacters) + QStringLiteral(" …") : all;
    }
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(std::min<std::uint64_t>(kHexBytes, tensor.byte_size)));
  if (auto status = file.file.read(tensor, 0, bytes); !status) return status.error();
  QString text = hex_dump(bytes);
  if (tensor.byte_size > bytes.size())
    text += TensorPage::tr("… and %1 bytes more").arg(count_text(tensor.byte_size - bytes.size()));
  return text;
}

}  // namespace

TensorPage::TensorPage(Jobs& jobs, QWidget* parent)
    : QWidget(parent),
      page_job_(jobs),
      statistics_job_(jobs),
      magnitudes_job_(jobs),
      grid_job_(jobs),
      text_job_(jobs),
      title_(new ElidedLabel),
      facts_(plain_label()),
      slicer_(new Slicer),
      stack_(new QStackedWidget),
      nothing_(plain_label()),
      tabs_(new QTabWidget),
      text_(new QPlainTextEdit) {
  QFont bold = title_->font();
  bold.setBold(true);
  bold.setPointSizeF(bold.pointSizeF() * 1.15);
  title_->setFont(bold);
  facts_->setWordWrap(true);
  text_->setReadOnly(true);
  text_->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
  text_->setAccessibleName(tr("Contents"));
  tabs_->addTab(make_values(), tr("Val&ues"));
  tabs_->addTab(make_statistics(), tr("&Statistics"));
  tabs_->addTab(make_heat_map(), tr("&Heat map"));
  connect(tabs_, &QTabWidget::currentChanged, this, [this](int tab) {
    if (tab == kHeatMap) read_grid();
    slicer_->setEnabled(!tiles_ || tab != kHeatMap);
  });
  nothing_->setAlignment(Qt::AlignCenter);
  nothing_->setWordWrap(true);
  stack_->addWidget(nothing_);
  stack_->addWidget(tabs_);
  stack_->addWidget(text_);
  connect(slicer_, &Slicer::changed, this, [this](const Plane& plane) {
    plane_ = plane;
    plane_changed();
  });
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(8, 4, 4, 4);
  layout->addWidget(title_);
  layout->addWidget(facts_);
  layout->addWidget(slicer_);
  layout->addWidget(stack_, 1);
  show_tensor({}, nullptr, {});
}

QWidget* TensorPage::make_values() {
  auto* page = new QWidget;
  table_ = new QTableView;
  table_->setModel(&values_);
  table_->setAccessibleName(tr("Values"));
  table_->setWordWrap(false);
  table_->setTabKeyNavigation(false);
  table_->verticalHeader()->setDefaultSectionSize(table_->fontMetrics().height() + 6);
  page_label_ = new ElidedLabel;
  pager_ = new Pager;
  connect(pager_, &Pager::moved, this, &TensorPage::move_page);
  to_min_ = small_button(tr("Min"), tr("Go to the smallest value"));
  to_max_ = small_button(tr("Max"), tr("Go to the largest value"));
  to_nan_ = small_button(tr("NaN"), tr("Go to the first NaN or infinity"));
  connect(to_min_, &QPushButton::clicked, this, [this] { go_to(statistics_->min_index); });
  connect(to_max_, &QPushButton::clicked, this, [this] { go_to(statistics_->max_index); });
  connect(to_nan_, &QPushButton::clicked, this, [this] { go_to(statistics_->first_non_finite); });
  jump_ = new QLineEdit;
  jump_->setPlaceholderText(tr("Go to index: 0, 3, 2"));
  jump_->setAccessibleName(tr("Go to index"));
  jump_->setFixedWidth(150);
  connect(jump_, &QLineEdit::returnPressed, this, &TensorPage::go_to_text);
  auto* format = new QComboBox;
  format->setAccessibleName(tr("Number format"));
  format->addItems({tr("Exact"), tr("4 digits"), tr("Scientific"), tr("Bits")});
  remember(*format, "number format");
  connect(format, &QComboBox::currentIndexChanged, this, [this](int i) {
    values_.set_format(static_cast<NumberFormat>(i));
    fit_columns({table_});
  });
  auto* line = new QHBoxLayout;
  line->addWidget(pager_);
  line->addStretch(1);
  for (QWidget* widget : std::initializer_list<QWidget*>{jump_, to_min_, to_max_, to_nan_, format})
    line->addWidget(widget);
  auto* layout = new QVBoxLayout(page);
  layout->setContentsMargins(4, 4, 4, 4);
  layout->addLayout(line);
  layout->addWidget(table_, 1);
  layout->addWidget(page_label_);
  return page;
}

QWidget* TensorPage::make_statistics() {
  auto* page = new QWidget;
  names_column_ = plain_label();
  names_column_->setAlignment(Qt::AlignLeft | Qt::AlignTop);
  numbers_ = plain_label();
  numbers_->setAlignment(Qt::AlignLeft | Qt::AlignTop);
  histogram_ = new HistogramPanel;
  connect(histogram_, &HistogramPanel::magnitudes_wanted, this, &TensorPage::read_magnitudes);
  auto* layout = new QHBoxLayout(page);
  layout->addWidget(names_column_);
  layout->addWidget(numbers_);
  layout->addSpacing(12);
  layout->addWidget(histogram_, 1);
  return page;
}

QWidget* TensorPage::make_heat_map() {
  auto* page = new QWidget;
  heat_map_ = new HeatMap;
  connect(heat_map_, &HeatMap::wants_grid, this, &TensorPage::read_grid);
  pointed_ = plain_label();
  connect(heat_map_, &HeatMap::pointed_at, this, [this](qint64 row, qint64 column, double value) {
    if (row < 0) return pointed_->clear();
    const auto element = tiles_ ? tile_element(plane_.dims, row, column) : plane_.element(row, column);
    pointed_->setText(to_q(tools::index_text(element, plane_.dims)) + QStringLiteral(" = ") +
                      number_text(value, digits_of(tensor_->dtype)));
  });
  auto* map = new QComboBox;
  map->setAccessibleName(tr("Colours"));
  map->addItems({tr("Blue to red, around zero"), tr("Dark to light"), tr("Gray")});
  remember(*map, "colours");
  connect(map, &QComboBox::currentIndexChanged, this, [this](int i) { heat_map_->set_map(static_cast<ColorMap>(i)); });
  auto* trimmed = new QCheckBox(tr("Without extremes"));
  trimmed->setToolTip(tip_of(tr("Colours from the 1st to the 99th percentile of what is seen")));
  remember(*trimmed, "without extremes");
  connect(trimmed, &QCheckBox::toggled, heat_map_, &HeatMap::set_trimmed);
  tile_box_ = new QCheckBox(tr("All &kernels as tiles"));
  tile_box_->setChecked(true);
  connect(tile_box_, &QCheckBox::toggled, this, &TensorPage::set_up_heat_map);
  auto* all = new QPushButton(tr("Show &all"));
  connect(all, &QPushButton::clicked, heat_map_, &HeatMap::show_all);
  auto* line = new QHBoxLayout;
  line->addWidget(map);
  line->addWidget(tile_box_);
  line->addWidget(trimmed);
  line->addWidget(all);
  line->addWidget(pointed_, 1);
  auto* layout = new QVBoxLayout(page);
  layout->setContentsMargins(4, 4, 4, 4);
  layout->addLayout(line);
  layout->addWidget(heat_map_, 1);
  return page;
}

bool TensorPage::has_values() const noexcept {
  return tensor_ != nullptr && tools::has_elements(*tensor_) && tensor_->fits() && !plane_.empty();
}

void TensorPage::show_tensor(FilePtr file, const TensorInfo* tensor, const std::string& name) {
  for (Job* job : {&page_job_, &statistics_job_, &magnitudes_job_, &grid_job_, &text_job_}) job->drop();
  // The same one, of a file that was opened anew: what is looked at stays.
  const bool again = tensor != nullptr && tensor_ != nullptr && name == name_ && tensor->dims == plane_.dims;
  const QModelIndex cell = table_->currentIndex();
  pending_ = again && cell.isValid() ? cell.row() * page_.columns + cell.column() : -1;
  file_ = std::move(file);
  tensor_ = tensor;
  name_ = name;
  statistics_.reset();
  values_.clear();
  text_->clear();
  fill_statistics();
  title_->set_text(tensor ? to_q(tools::name_text(name)) : QString());
  title_->setVisible(tensor != nullptr);
  facts_->setVisible(tensor != nullptr);
  if (!again) {
    plane_ = tensor ? plane_of(tensor->dims) : Plane{};
    page_ = {};
  }
  set_slicer();
  nothing_->setText(file_ ? tr("Select a tensor on the left.")
                          : tr("Open a checkpoint (Ctrl+O) or the folder of a run (Ctrl+D), or drop files here."));
  if (tensor == nullptr) return stack_->setCurrentIndex(0);
  QStringList facts = {shown_name(tools::type_text(*tensor)), shape_text(*tensor)};
  if (const auto count = tensor->element_count(); count && tensor->kind == Kind::tensor)
    facts << (*count == 1 ? tr("1 element") : tr("%1 elements").arg(count_text(*count)));
  facts << tr("%1 (%2 bytes)").arg(size_text(tensor->byte_size), count_text(tensor->byte_size));
  if (!tensor->extents.empty()) facts << tr("at byte %1").arg(count_text(tensor->extents.front().offset));
  if (tensor->extents.size() > 1) facts << tr("in %1 slices").arg(count_text(tensor->extents.size()));
  if (tools::has_elements(*tensor) && !has_statistics(*tensor) && tensor->fits()) facts << tr("bytes, in hexadecimal");
  if (tensor->encoding != Encoding::raw) facts << tr("stored as Float32");
  facts << group_text(file_->group_of(*tensor));
  if (tensor->kind == Kind::tensor && !tensor->fits()) facts << tr("the bytes stored do not fit type and dims");
  facts_->setText(facts.join(QStringLiteral(" · ")));
  if (!has_values()) {
    stack_->setCurrentWidget(text_);
    return read_text();
  }
  stack_->setCurrentWidget(tabs_);
  tile_box_->setVisible(can_tile(*tensor));
  read_page();
  set_up_heat_map();
  read_statistics();
}

Status TensorPage::show_slice(const std::string& text) {
  if (!has_values()) return {};
  auto slice = parse_slice(text, plane_.dims);
  if (!slice) return slice.error();
  Plane plane = plane_of(plane_.dims);
  // What the slice leaves whole are the plane's axes; where it starts is what is looked at first.
  std::vector<int> open;
  for (std::size_t i = 0; i < slice->axes.size(); ++i) {
    plane.at[i] = slice->axes[i].start;
    if (!slice->axes[i].index) open.push_back(static_cast<int>(i));
  }
  if (open.size() >= 2) {
    plane.row_axis = open[open.size() - 2];
    plane.column_axis = open.back();
  } else if (open.size() == 1 && plane.column_axis >= 0 && open[0] != plane.column_axis) {
    plane.row_axis = open[0];
  }
  plane_ = std::move(plane);
  set_slicer();
  plane_changed();
  if (open.size() < 2 && plane_.row_axis >= 0)
    go_to(plane_.element(plane_.at[static_cast<std::size_t>(plane_.row_axis)],
                         plane_.column_axis < 0 ? 0 : plane_.at[static_cast<std::size_t>(plane_.column_axis)]));
  return {};
}

void TensorPage::show_tab(Tab tab) { tabs_->setCurrentIndex(tab); }

void TensorPage::set_slicer() { has_values() ? slicer_->set_plane(plane_) : slicer_->clear(); }

void TensorPage::plane_changed() {
  page_ = {};
  read_page();
  set_up_heat_map();
}

void TensorPage::read_page() {
  page_ = page_with(plane_, {.row = page_.row, .column = page_.column});
  pager_->set_page(plane_, page_);
  page_label_->set_text(Pager::page_text(plane_, page_));
  page_job_.start(
      tr("Reading values"),
      [file = file_, tensor = tensor_, plane = plane_, page = page_](const Progress& progress) {
        return read_window(file->file, *tensor, plane, page, progress);
      },
      [this, page = page_](Result<std::vector<std::byte>>&& bytes) {
        if (!bytes) {  // what was read before is of another place
          values_.clear();
          pending_ = -1;
          page_label_->set_text(cannot_read(bytes.error()));
          return emit failed(cannot_read(bytes.error()));
        }
        values_.set_page(tensor_->dtype, page, std::move(*bytes));
        fit_columns({table_});
        if (pending_ >= 0 && page.columns > 0) {
          const QModelIndex cell =
              values_.index(static_cast<int>(pending_ / page.columns), static_cast<int>(pending_ % page.columns));
          table_->setCurrentIndex(cell);
          table_->scrollTo(cell, QAbstractItemView::PositionAtCenter);
        }
        pending_ = -1;
      });
}

void TensorPage::move_page(std::int64_t rows, std::int64_t columns) {
  page_.row = std::clamp<std::int64_t>(page_.row + rows, 0, std::max<std::int64_t>(0, plane_.rows() - 1));
  page_.column = std::clamp<std::int64_t>(page_.column + columns, 0, std::max<std::int64_t>(0, plane_.columns() - 1));
  read_page();
}

void TensorPage::go_to_text() {
  QString text = jump_->text().trimmed();
  if (text.startsWith(QLatin1Char('[')) && text.endsWith(QLatin1Char(']'))) text = text.mid(1, text.size() - 2);
  const auto slice = parse_slice(text.toStdString(), plane_.dims);
  if (!slice) return emit failed(tr("There is no such index: %1").arg(shown_error(slice.error())));
  Plane plane = plane_;
  for (std::size_t i = 0; i < slice->axes.size(); ++i) plane.at[i] = slice->axes[i].start;
  const auto row = plane.row_axis < 0 ? 0 : plane.at[static_cast<std::size_t>(plane.row_axis)];
  const auto column = plane.column_axis < 0 ? 0 : plane.at[static_cast<std::size_t>(plane.column_axis)];
  go_to(plane.element(row, column));
}

void TensorPage::go_to(std::uint64_t element) {
  const auto place = plane_.go_to(element);
  page_ = page_with(plane_, place);
  set_slicer();
  pending_ = (place.row - page_.row) * page_.columns + (place.column - page_.column);
  read_page();
  set_up_heat_map();
  tabs_->setCurrentIndex(kValues);
}

void TensorPage::read_statistics() {
  statistics_job_.start(
      tr("Statistics"),
      [file = file_, tensor = tensor_](const Progress& progress) {
        return ckpt::statistics(file->file, std::vector<const TensorInfo*>{tensor},
                                {.bins = HistogramPanel::kBins, .quantiles = {0.25, 0.5, 0.75}, .progress = progress});
      },
      [this](Result<std::vector<std::optional<Statistics>>>&& all) {
        if (!all) {
          const bool cancelled = all.error().code == Errc::cancelled;
          say_instead(cancelled ? tr("Cancelled.") : cannot_read(all.error()));
          if (!cancelled) emit failed(cannot_read(all.error()));
          return;
        }
        statistics_ = std::move(all->front());
        fill_statistics();
        if (histogram_->wants_magnitudes()) read_magnitudes();
      });
  say_instead(tr("Computing …"));
}

// In the place of the numbers. A sentence wraps, as numbers must not: they stand beside their names.
void TensorPage::say_instead(const QString& text) {
  names_column_->clear();
  numbers_->setWordWrap(true);
  numbers_->setText(text);
}

void TensorPage::read_magnitudes() {
  if (!has_values() || !has_statistics(*tensor_)) return;
  magnitudes_job_.start(
      tr("Histogram"),
      [file = file_, tensor = tensor_](const Progress& progress) {
        return magnitudes(file->file, *tensor, HistogramPanel::kBins, progress);
      },
      [this](Result<Magnitudes>&& found) {
        if (found) return histogram_->set_magnitudes(std::move(*found));
        if (found.error().code != Errc::cancelled) emit failed(cannot_read(found.error()));
      });
}

void TensorPage::fill_statistics() {
  to_min_->setEnabled(statistics_ && statistics_->min_index != kNoIndex);
  to_max_->setEnabled(statistics_ && statistics_->max_index != kNoIndex);
  to_nan_->setEnabled(statistics_ && statistics_->first_non_finite != kNoIndex);
  histogram_->set(statistics_ ? statistics_->histogram : std::nullopt);
  if (!statistics_) return say_instead(tr("No numbers to compute with."));
  const Statistics& s = *statistics_;
  const auto place = [&](std::uint64_t index) {
    return index == kNoIndex ? QString() : QStringLiteral("  ") + to_q(tools::index_text(index, plane_.dims)).left(60);
  };
  const int digits = digits_of(tensor_->dtype);
  QStringList names;
  QStringList values;
  const auto row = [&](const QString& name, const QString& value) {
    names << name;
    values << value;
  };
  row(tr("elements"), count_text(s.count));
  row(tr("smallest"), number_text(s.min, digits) + place(s.min_index));
  row(tr("largest"), number_text(s.max, digits) + place(s.max_index));
  row(tr("mean"), number_text(s.mean, 7));
  row(tr("deviation"), number_text(s.std, 7));
  row(tr("norm"), number_text(s.l2, 7));
  for (const Quantile& quantile : s.quantiles)
    row(tr("quantile %1").arg(quantile.fraction),
        (quantile.exact ? QString() : QStringLiteral("≈ ")) + number_text(quantile.value, quantile.exact ? digits : 3));
  row(tr("zeros"), count_text(s.zeros));
  row(tr("denormals"), count_text(s.denormals));
  row(tr("NaN"), count_text(s.nan));
  row(tr("infinities"), count_text(s.positive_inf + s.negative_inf));
  numbers_->setWordWrap(false);
  names_column_->setText(names.join(QLatin1Char('\n')));
  numbers_->setText(values.join(QLatin1Char('\n')));
}

void TensorPage::set_up_heat_map() {
  if (!has_values()) return;
  grid_job_.drop();
  tiles_ = tile_box_->isChecked() && can_tile(*tensor_);
  slicer_->setEnabled(!tiles_ || tabs_->currentIndex() != kHeatMap);
  if (tiles_) {
    heat_map_->set_tile(plane_.dims[2], plane_.dims[3]);
    heat_map_->set_plane(plane_.dims[0] * plane_.dims[2], plane_.dims[1] * plane_.dims[3]);
  } else {
    heat_map_->set_tile(0, 0);
    heat_map_->set_plane(plane_.rows(), plane_.columns());
  }
}

void TensorPage::read_grid() {
  if (!has_values() || tabs_->currentIndex() != kHeatMap) return;
  const Window window = heat_map_->wanted();
  if (window.rows <= 0 || window.columns <= 0) return;
  grid_job_.start(
      tr("Heat map"),
      [file = file_, tensor = tensor_, plane = plane_, window, tiles = tiles_](const Progress& progress) {
        const auto bytes = tiles ? read_tiles(file->file, *tensor, window, progress)
                                 : read_window(file->file, *tensor, plane, window, progress);
        if (!bytes) return Result<Grid>(bytes.error());
        Grid grid{.window = window, .values = std::vector<double>(bytes->size() / size_of(tensor->dtype))};
        to_double(tensor->dtype, *bytes, grid.values);
        return Result<Grid>(std::move(grid));
      },
      [this](Result<Grid>&& grid) {
        if (grid) return heat_map_->set_grid(std::move(*grid));
        if (grid.error().code != Errc::cancelled) emit failed(cannot_read(grid.error()));
      });
}

void TensorPage::read_text() {
  text_job_.start(
      tr("Reading"), [file = file_, tensor = tensor_](const Progress&) { return text_of(*file, *tensor); },
      [this](Result<QString>&& result) {
        if (!result) return emit failed(cannot_read(result.error()));
        text_->setPlainText(*result);
      });
}

}  // namespace ckpt::viewer

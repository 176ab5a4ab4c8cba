#include "compare_page.h"

#include <QCheckBox>
#include <QDoubleValidator>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLineEdit>
#include <QMenu>
#include <QPushButton>
#include <QScrollBar>
#include <QSortFilterProxyModel>
#include <QSpinBox>
#include <QSplitter>
#include <QTabWidget>
#include <QTableView>
#include <QVBoxLayout>
#include <algorithm>
#include <limits>

#include "charts.h"
#include "ckpt/element.h"
#include "facts.h"
#include "heat_map.h"
#include "shown.h"
#include "widgets.h"

namespace ckpt::viewer {
namespace {

constexpr int kTypingPause = 300;  // ms from the last key of a tolerance to comparing again

// Names that have a text in them, and perhaps only differences.
class DiffFilter : public QSortFilterProxyModel {
 public:
  using QSortFilterProxyModel::QSortFilterProxyModel;
  void set_only_differences(bool only) {
    only_ = only;
    invalidateFilter();
  }

 protected:
  bool filterAcceptsRow(int row, const QModelIndex& parent) const override {
    const QModelIndex index = sourceModel()->index(row, DiffModel::kName, parent);
    if (only_ && !index.data(DiffModel::kDiffersRole).toBool()) return false;
    return QSortFilterProxyModel::filterAcceptsRow(row, parent);
  }

 private:
  bool only_ = true;
};

struct BothPages {
  std::vector<std::byte> a;
  std::vector<std::byte> b;
};

Result<BothPages> read_both(const OpenFile& a, const OpenFile& b, const Pair& pair, const Plane& plane,
                            const Window& window, const Progress& progress) {
  auto first = read_window(a.file, *pair.a, plane, window, progress);
  if (!first) return first.error();
  auto second = read_window(b.file, *pair.b, plane, window, progress);
  if (!second) return second.error();
  return BothPages{std::move(*first), std::move(*second)};
}

std::vector<double> doubles_of(DType dtype, std::span<const std::byte> bytes) {
  std::vector<double> values(bytes.size() / size_of(dtype));
  to_double(dtype, bytes, values);
  return values;
}

QLineEdit* tolerance_edit(const QString& name) {
  auto* edit = new QLineEdit;
  auto* valid = new QDoubleValidator(0, 1e300, 20, edit);
  valid->setLocale(QLocale::c());
  edit->setValidator(valid);
  edit->setPlaceholderText(QStringLiteral("0"));
  edit->setAccessibleName(name);
  edit->setMaximumWidth(90);
  return edit;
}

}  // namespace

ComparePage::ComparePage(Jobs& jobs, QWidget* parent)
    : QWidget(parent),
      proxy_(new DiffFilter(this)),
      compare_job_(jobs),
      values_job_(jobs),
      histogram_job_(jobs),
      grid_job_(jobs),
      title_a_(new ElidedLabel),
      title_b_(new ElidedLabel),
      summary_(plain_label()),
      atol_(tolerance_edit(tr("Absolute tolerance"))),
      rtol_(tolerance_edit(tr("Relative tolerance"))),
      table_(new QTableView),
      pair_menu_(new QMenu(tr("&Pair with"), this)),
      tabs_(new QTabWidget) {
  proxy_->setSourceModel(&diffs_);
  proxy_->setSortRole(DiffModel::kSortRole);
  proxy_->setFilterKeyColumn(DiffModel::kName);
  again_.setSingleShot(true);
  again_.setInterval(kTypingPause);
  connect(&again_, &QTimer::timeout, this, &ComparePage::compare);
  for (QLineEdit* edit : {atol_, rtol_}) connect(edit, &QLineEdit::textChanged, &again_, qOverload<>(&QTimer::start));
  auto* split = new QSplitter(Qt::Vertical);
  split->addWidget(make_table());
  split->addWidget(make_details());
  split->setChildrenCollapsible(false);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(8, 8, 8, 4);
  layout->addWidget(split);
}

QWidget* ComparePage::make_table() {
  auto* page = new QWidget;
  auto* filter = new QLineEdit;
  filter->setPlaceholderText(tr("Filter by name"));
  filter->setAccessibleName(tr("Filter"));
  filter->setClearButtonEnabled(true);
  connect(filter, &QLineEdit::textChanged, proxy_, &QSortFilterProxyModel::setFilterFixedString);
  auto* only = new QCheckBox(tr("&Differences only"));
  only->setChecked(true);
  connect(only, &QCheckBox::toggled, this,
          [this](bool on) { static_cast<DiffFilter*>(proxy_)->set_only_differences(on); });
  table_->setModel(proxy_);
  table_->setAccessibleName(tr("Differences"));
  table_->setSortingEnabled(true);
  set_up_table(*table_);
  table_->sortByColumn(DiffModel::kUpdate, Qt::DescendingOrder);
  const int em = fontMetrics().horizontalAdvance(QLatin1Char('m'));
  for (const auto& [column, width] :
       {std::pair{DiffModel::kChange, 9}, {DiffModel::kName, 22}, {DiffModel::kShape, 15}})
    table_->setColumnWidth(column, width * em);
  for (int column = DiffModel::kChanged; column < DiffModel::kCosine; ++column) table_->setColumnWidth(column, 7 * em);
  table_->setContextMenuPolicy(Qt::CustomContextMenu);
  connect(table_, &QTableView::customContextMenuRequested, this, [this](QPoint at) {
    fill_pair_menu();
    if (!pair_menu_->isEmpty()) pair_menu_->popup(table_->viewport()->mapToGlobal(at));
  });
  connect(table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this, &ComparePage::show_pair);
  auto* names = new QHBoxLayout;
  names->addWidget(plain_label(QStringLiteral("A:")));
  names->addWidget(title_a_, 1);
  names->addWidget(plain_label(QStringLiteral("B:")));
  names->addWidget(title_b_, 1);
  auto* line = new QHBoxLayout;
  line->addWidget(filter, 1);
  line->addWidget(only);
  line->addWidget(plain_label(tr("Tolerance: absolute")));
  line->addWidget(atol_);
  line->addWidget(plain_label(tr("relative")));
  line->addWidget(rtol_);
  auto* layout = new QVBoxLayout(page);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addLayout(names);
  layout->addLayout(line);
  layout->addWidget(table_, 1);
  layout->addWidget(summary_);
  return page;
}

QWidget* ComparePage::make_details() {
  auto* values = new QWidget;
  table_a_ = new QTableView;
  table_b_ = new QTableView;
  table_a_->setModel(&values_a_);
  table_b_->setModel(&values_b_);
  table_a_->setAccessibleName(tr("Values in A"));
  table_b_->setAccessibleName(tr("Values in B"));
  for (const auto bar : {&QTableView::horizontalScrollBar, &QTableView::verticalScrollBar}) {
    QScrollBar* a = (table_a_->*bar)();
    QScrollBar* b = (table_b_->*bar)();
    connect(a, &QScrollBar::valueChanged, b, &QScrollBar::setValue);
    connect(b, &QScrollBar::valueChanged, a, &QScrollBar::setValue);
  }
  auto* both = new QHBoxLayout;
  for (QTableView* view : {table_a_, table_b_}) {
    view->setTabKeyNavigation(false);
    view->verticalHeader()->setDefaultSectionSize(view->fontMetrics().height() + 6);
    both->addWidget(view);
  }
  place_ = plain_label();
  layer_ = new QSpinBox;
  layer_->setAccessibleName(tr("Slice"));
  connect(layer_, &QSpinBox::valueChanged, this, [this](int layer) {
    plane_.go_to(static_cast<std::uint64_t>(layer) * static_cast<std::uint64_t>(plane_.rows() * plane_.columns()));
    page_ = {};
    read_values();
    heat_map_->set_plane(plane_.rows(), plane_.columns());
  });
  auto* up = new QPushButton(QStringLiteral("▲"));
  auto* down = new QPushButton(QStringLiteral("▼"));
  up->setAccessibleName(tr("Rows before"));
  down->setAccessibleName(tr("Rows behind"));
  for (QPushButton* button : {up, down}) button->setMaximumWidth(34);
  connect(up, &QPushButton::clicked, this, [this] { move_rows(-ValueModel::kPageRows); });
  connect(down, &QPushButton::clicked, this, [this] { move_rows(ValueModel::kPageRows); });
  auto* line = new QHBoxLayout;
  for (QWidget* widget : std::initializer_list<QWidget*>{up, down, plain_label(tr("Slice:")), layer_})
    line->addWidget(widget);
  line->addWidget(place_, 1);
  auto* column = new QVBoxLayout(values);
  column->setContentsMargins(4, 4, 4, 4);
  column->addLayout(line);
  column->addLayout(both, 1);
  histogram_ = new HistogramPlot;
  auto* difference = new QWidget;
  heat_map_ = new HeatMap;
  pointed_ = plain_label();
  connect(heat_map_, &HeatMap::wants_grid, this, &ComparePage::read_grid);
  connect(heat_map_, &HeatMap::pointed_at, this, [this](qint64 row, qint64 at, double value) {
    pointed_->setText(row < 0 ? QString()
                              : to_q(tools::index_text(plane_.element(row, at), plane_.dims)) +
                                    QStringLiteral(": Δ = ") + number_text(value, 7));
  });
  auto* map = new QVBoxLayout(difference);
  map->setContentsMargins(4, 4, 4, 4);
  map->addWidget(heat_map_, 1);
  map->addWidget(pointed_);
  tabs_->addTab(values, tr("&Values"));
  tabs_->addTab(histogram_, tr("&Histograms"));
  tabs_->addTab(difference, tr("D&ifference B − A"));
  connect(tabs_, &QTabWidget::currentChanged, this, [this] {
    read_histograms();
    read_grid();
  });
  return tabs_;
}

void ComparePage::set_files(FilePtr a, FilePtr b) {
  if (a) a_ = std::move(a);
  if (b) b_ = std::move(b);
  renamed_.clear();
  title_a_->set_text(a_ ? shown_path(a_->path) : QString());
  title_b_->set_text(b_ ? shown_path(b_->path) : QString());
  compare();
}

void ComparePage::set_tolerance(const QString& atol, const QString& rtol) {
  atol_->setText(atol);
  rtol_->setText(rtol);
}

void ComparePage::pair(const std::string& a, const std::string& b) {
  renamed_[a] = b;
  compare();
}

void ComparePage::select(int row) { table_->setCurrentIndex(proxy_->index(row, DiffModel::kName)); }

void ComparePage::compare() {
  if (!a_ || !b_) return;
  shown_.reset();
  values_a_.clear();
  values_b_.clear();
  diffs_.set_diffs({});
  summary_->setText(tr("Comparing …"));
  const Tolerance tolerance{.atol = QLocale::c().toDouble(atol_->text()), .rtol = QLocale::c().toDouble(rtol_->text())};
  compare_job_.start(
      tr("Comparing"),
      [a = a_, b = b_, tolerance, renamed = renamed_](const Progress& progress) {
        const auto rename = [&](std::string_view name) {
          const auto found = renamed.find(std::string(name));
          return found == renamed.end() ? std::string(name) : found->second;
        };
        return diff(a->file, b->file,
                    {.pairing = {.rename = rename}, .comparing = {.tolerance = tolerance, .progress = progress}});
      },
      [this](Result<std::vector<TensorDiff>>&& found) {
        if (!found) {
          summary_->setText(shown_error(found.error()));
          if (found.error().code != Errc::cancelled) emit failed(shown_error(found.error()));
          return;
        }
        diffs_.set_diffs(std::move(*found));
        summary_->setText(diffs_.summary());
        if (proxy_->rowCount() > 0) select(0);
      });
}

bool ComparePage::comparable() const noexcept {
  return shown_ && shown_->basis == Basis::values && shown_->pair.a->fits() && shown_->pair.b->fits() &&
         !plane_.empty();
}

void ComparePage::show_pair(const QModelIndex& index) {
  for (Job* job : {&values_job_, &histogram_job_, &grid_job_}) job->drop();
  values_a_.clear();
  values_b_.clear();
  histogram_->set({});
  heat_map_->set_grid({});
  place_->clear();
  shown_.reset();
  if (!index.isValid()) return;
  shown_ = diffs_.diff(proxy_->mapToSource(index).row());
  if (shown_->pair.a != nullptr) plane_ = plane_of(shown_->pair.a->dims);
  tabs_->setEnabled(comparable());
  if (!comparable()) return;
  page_ = {};
  // Where the two are farthest apart.
  if (shown_->metrics && shown_->metrics->worst_index != Metrics::kNone) {
    const auto place = plane_.go_to(shown_->metrics->worst_index);
    page_.row = place.row / ValueModel::kPageRows * ValueModel::kPageRows;
    page_.column = place.column / ValueModel::kPageColumns * ValueModel::kPageColumns;
  }
  const auto size = static_cast<std::uint64_t>(plane_.rows() * plane_.columns());
  const auto place = plane_.element(0, 0) / size;
  const auto layers = *shown_->pair.a->element_count() / size;
  const QSignalBlocker quiet(layer_);
  layer_->setRange(0, static_cast<int>(std::min<std::uint64_t>(layers - 1, std::numeric_limits<int>::max())));
  layer_->setValue(static_cast<int>(place));
  layer_->setEnabled(layers > 1);
  read_values();
  read_histograms();
  heat_map_->set_plane(plane_.rows(), plane_.columns());
}

void ComparePage::move_rows(std::int64_t rows) {
  if (!comparable()) return;
  const auto last = (plane_.rows() - 1) / ValueModel::kPageRows * ValueModel::kPageRows;
  page_.row = std::clamp<std::int64_t>(page_.row + rows, 0, last);
  read_values();
}

void ComparePage::read_values() {
  if (!comparable()) return;
  page_.rows = std::min(ValueModel::kPageRows, plane_.rows() - page_.row);
  page_.columns = std::min(ValueModel::kPageColumns, plane_.columns() - page_.column);
  place_->setText(plane_.dims.size() > 2 ? QLatin1Char('[') + plane_.slice_text() + QLatin1Char(']') : QString());
  values_job_.start(
      tr("Reading values"),
      [a = a_, b = b_, pair = shown_->pair, plane = plane_, page = page_](const Progress& progress) {
        return read_both(*a, *b, pair, plane, page, progress);
      },
      [this, page = page_](Result<BothPages>&& both) {
        if (!both) return emit failed(shown_error(both.error()));
        const bool same_type = shown_->pair.a->dtype == shown_->pair.b->dtype;
        values_a_.set_page(shown_->pair.a->dtype, page, both->a);
        values_b_.set_page(shown_->pair.b->dtype, page, both->b);
        if (same_type) {
          values_a_.set_other(both->b);
          values_b_.set_other(both->a);
        }
        if (!shown_->metrics || shown_->metrics->worst_index == Metrics::kNone) return;
        Plane plane = plane_;
        const auto worst = plane.go_to(shown_->metrics->worst_index);
        if (plane.slice_text() != plane_.slice_text()) return;
        const QModelIndex cell =
            values_a_.index(static_cast<int>(worst.row - page.row), static_cast<int>(worst.column - page.column));
        table_a_->scrollTo(cell, QAbstractItemView::PositionAtCenter);
        table_a_->setCurrentIndex(cell);
        table_b_->setCurrentIndex(values_b_.index(cell.row(), cell.column()));
      });
}

void ComparePage::read_histograms() {
  if (!comparable() || tabs_->currentWidget() != histogram_) return;
  histogram_job_.start(
      tr("Statistics"),
      [a = a_, b = b_,
       pair = shown_->pair](const Progress& progress) -> Result<std::vector<std::optional<Statistics>>> {
        const StatisticsOptions options{.bins = 64, .progress = progress};
        auto first = statistics(a->file, std::vector<const TensorInfo*>{pair.a}, options);
        if (!first) return first;
        auto second = statistics(b->file, std::vector<const TensorInfo*>{pair.b}, options);
        if (second) first->push_back(std::move(second->front()));
        return second ? std::move(first) : std::move(second);
      },
      [this](Result<std::vector<std::optional<Statistics>>>&& both) {
        if (!both) return emit failed(shown_error(both.error()));
        const auto histogram = [&](std::size_t i) { return (*both)[i] ? (*both)[i]->histogram : std::nullopt; };
        histogram_->set(histogram(0), histogram(1));
      });
}

void ComparePage::read_grid() {
  if (!comparable() || tabs_->currentIndex() != 2) return;
  const Window window = heat_map_->wanted();
  if (window.rows <= 0 || window.columns <= 0) return;
  grid_job_.start(
      tr("Heat map"),
      [a = a_, b = b_, pair = shown_->pair, plane = plane_, window](const Progress& progress) -> Result<Grid> {
        auto both = read_both(*a, *b, pair, plane, window, progress);
        if (!both) return both.error();
        Grid grid{.window = window, .values = doubles_of(pair.b->dtype, both->b)};
        const auto before = doubles_of(pair.a->dtype, both->a);
        for (std::size_t i = 0; i < before.size(); ++i) grid.values[i] -= before[i];
        return grid;
      },
      [this](Result<Grid>&& grid) {
        if (!grid) return emit failed(shown_error(grid.error()));
        heat_map_->set_grid(std::move(*grid));
      });
}

// For what only one of the files has: those of the other one that could be it.
void ComparePage::fill_pair_menu() {
  pair_menu_->clear();
  if (!shown_ || (shown_->pair.a != nullptr) == (shown_->pair.b != nullptr)) return;
  const bool from_a = shown_->pair.a != nullptr;
  const TensorInfo& one = shown_->tensor();
  constexpr int kMost = 30;
  for (int row = 0; row < diffs_.rowCount() && pair_menu_->actions().size() < kMost; ++row) {
    const Pair& other = diffs_.diff(row).pair;
    if (from_a ? other.a != nullptr : other.b != nullptr) continue;
    const TensorInfo& candidate = *(from_a ? other.b : other.a);
    if (candidate.dims != one.dims) continue;
    pair_menu_->addAction(menu_text(shown_name(candidate.name)), this,
                          [this, from_a, a = one.name, b = candidate.name] { from_a ? pair(a, b) : pair(b, a); });
  }
}

}  // namespace ckpt::viewer

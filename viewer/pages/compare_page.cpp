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
#include <QSplitter>
#include <QTabWidget>
#include <QTableView>
#include <QVBoxLayout>
#include <algorithm>
#include <utility>

#include "ckpt/element.h"
#include "facts.h"
#include "heat_map.h"
#include "histogram_panel.h"
#include "pager.h"
#include "shown.h"
#include "slicer.h"
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

bool can_be_separated(const Pair& pair) noexcept {
  return pair.a != nullptr && pair.b != nullptr && pair.by != PairedBy::name;
}

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

// Those that do not belong together are none of a pair; what has the same name does.
std::vector<Pair> separated(std::vector<Pair> pairs, const std::set<std::pair<std::string, std::string>>& apart) {
  const auto together = pairs.size();
  for (std::size_t i = 0; i < together; ++i) {
    Pair& pair = pairs[i];
    if (!can_be_separated(pair) || !apart.contains({pair.a->name, pair.b->name})) continue;
    const Pair other{.b = pair.b, .repeated = pair.repeated};
    pair = {.a = pair.a, .repeated = pair.repeated};
    pairs.push_back(other);
  }
  return pairs;
}

bool is_complex(DType dtype) noexcept { return dtype == DType::complex64 || dtype == DType::complex128; }

// A number that is there; nothing is zero.
std::optional<double> number_in(const QLineEdit& edit) {
  if (edit.text().isEmpty()) return 0;
  return edit.hasAcceptableInput() ? std::optional(QLocale::c().toDouble(edit.text())) : std::nullopt;
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
      magnitudes_job_(jobs),
      grid_job_(jobs),
      next_job_(jobs),
      title_a_(new ElidedLabel),
      title_b_(new ElidedLabel),
      summary_(plain_label()),
      atol_(tolerance_edit(tr("Absolute tolerance"))),
      rtol_(tolerance_edit(tr("Relative tolerance"))),
      table_(new QTableView),
      row_menu_(new QMenu(this)),
      tabs_(new QTabWidget) {
  proxy_->setSourceModel(&diffs_);
  proxy_->setSortRole(DiffModel::kSortRole);
  proxy_->setFilterKeyColumn(DiffModel::kName);
  again_.setSingleShot(true);
  again_.setInterval(kTypingPause);
  connect(&again_, &QTimer::timeout, this, [this] {
    const auto typed = typed_tolerance();
    if (typed && (typed->atol != tolerance_.atol || typed->rtol != tolerance_.rtol)) compare();
  });
  for (QLineEdit* edit : {atol_, rtol_}) connect(edit, &QLineEdit::textChanged, &again_, qOverload<>(&QTimer::start));
  auto* split = new QSplitter(Qt::Vertical);
  remember(*split, "differences and values");
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
  remember(*table_->horizontalHeader(), "differences");
  table_->setContextMenuPolicy(Qt::CustomContextMenu);
  connect(table_, &QTableView::customContextMenuRequested, this, [this](QPoint at) {
    fill_row_menu();
    if (!row_menu_->isEmpty()) row_menu_->popup(table_->viewport()->mapToGlobal(at));
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
  histogram_ = new HistogramPanel;
  connect(histogram_, &HistogramPanel::magnitudes_wanted, this, &ComparePage::read_magnitudes);
  tabs_->addTab(make_values(), tr("Val&ues"));
  tabs_->addTab(histogram_, tr("&Histograms"));
  tabs_->addTab(make_difference(), tr("Difference &B − A"));
  connect(tabs_, &QTabWidget::currentChanged, this, [this] {
    read_histograms();
    read_grid();
  });
  slicer_ = new Slicer;
  connect(slicer_, &Slicer::changed, this, &ComparePage::set_plane);
  auto* details = new QWidget;
  auto* column = new QVBoxLayout(details);
  column->setContentsMargins(0, 0, 0, 0);
  column->addWidget(slicer_);
  column->addWidget(tabs_, 1);
  return details;
}

QWidget* ComparePage::make_values() {
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
  for (const auto& [view, name] : {std::pair{table_a_, "A"}, {table_b_, "B"}}) {
    view->setTabKeyNavigation(false);
    view->verticalHeader()->setDefaultSectionSize(view->fontMetrics().height() + 6);
    connect(view->selectionModel(), &QItemSelectionModel::currentChanged, this, &ComparePage::show_place);
    auto* side = new QVBoxLayout;
    side->setSpacing(2);
    side->addWidget(plain_label(QLatin1String(name)));
    side->addWidget(view, 1);
    both->addLayout(side, 1);
  }
  pager_ = new Pager;
  connect(pager_, &Pager::moved, this, &ComparePage::move_page);
  auto* next = new QPushButton(tr("Ne&xt difference"));
  connect(next, &QPushButton::clicked, this, &ComparePage::go_to_next_difference);
  place_ = plain_label();
  page_label_ = new ElidedLabel;
  auto* line = new QHBoxLayout;
  line->addWidget(pager_);
  line->addWidget(next);
  line->addWidget(place_);
  line->addStretch(1);
  auto* column = new QVBoxLayout(values);
  column->setContentsMargins(4, 4, 4, 4);
  column->addLayout(line);
  column->addLayout(both, 1);
  column->addWidget(page_label_);
  return values;
}

QWidget* ComparePage::make_difference() {
  auto* difference = new QWidget;
  heat_map_ = new HeatMap;
  pointed_ = plain_label();
  connect(heat_map_, &HeatMap::wants_grid, this, &ComparePage::read_grid);
  connect(heat_map_, &HeatMap::pointed_at, this, [this](qint64 row, qint64 at, double value) {
    if (row < 0 || !comparable()) return pointed_->clear();
    const bool complex = is_complex(shown_->pair.a->dtype) || is_complex(shown_->pair.b->dtype);
    pointed_->setText(to_q(tools::index_text(plane_.element(row, at), plane_.dims)) +
                      (complex ? QStringLiteral(": |Δ| = ") : QStringLiteral(": Δ = ")) + number_text(value, 7));
  });
  auto* map = new QVBoxLayout(difference);
  map->setContentsMargins(4, 4, 4, 4);
  map->addWidget(heat_map_, 1);
  map->addWidget(pointed_);
  return difference;
}

void ComparePage::set_files(FilePtr a, FilePtr b) {
  clear();
  a_ = std::move(a);
  b_ = std::move(b);
  renamed_.clear();
  apart_.clear();
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
  apart_.erase({a, b});
  before_ = b;
  compare();
}

void ComparePage::separate(const std::string& a, const std::string& b) {
  renamed_.erase(a);
  apart_.insert({a, b});
  before_ = b;
  compare();
}

void ComparePage::select(int row) { table_->setCurrentIndex(proxy_->index(row, DiffModel::kName)); }

std::optional<Tolerance> ComparePage::typed_tolerance() const {
  const auto atol = number_in(*atol_);
  const auto rtol = number_in(*rtol_);
  if (!atol || !rtol) return {};
  return Tolerance{.atol = *atol, .rtol = *rtol};
}

// What is said of files before they are compared.
void ComparePage::clear() {
  compare_job_.drop();
  show_pair({});
  diffs_.set_diffs({});
  summary_->clear();
}

// The rows stay until there are others.
void ComparePage::compare() {
  if (!a_ || !b_) return;
  const Tolerance tolerance = typed_tolerance().value_or(tolerance_);
  summary_->setText(tr("Comparing …"));
  compare_job_.start(
      tr("Comparing"),
      [a = a_, b = b_, tolerance, renamed = renamed_,
       apart = apart_](const Progress& progress) -> Result<std::vector<TensorDiff>> {
        const auto rename = [&](std::string_view name) {
          const auto found = renamed.find(std::string(name));
          return found == renamed.end() ? std::string(name) : found->second;
        };
        auto pairs = pair_tensors(a->file, b->file, {.rename = rename});
        if (!pairs) return std::move(pairs).error();
        return ckpt::compare(a->file, b->file, separated(std::move(*pairs), apart),
                             {.tolerance = tolerance, .progress = progress});
      },
      [this, tolerance](Result<std::vector<TensorDiff>>&& found) {
        if (!found) {  // what is there is of another tolerance
          clear();
          const bool cancelled = found.error().code == Errc::cancelled;
          return summary_->setText(cancelled ? cancelled_text()
                                             : tr("Not compared: %1").arg(shown_error(found.error())));
        }
        tolerance_ = tolerance;
        show_diffs(std::move(*found));
      });
}

void ComparePage::show_diffs(std::vector<TensorDiff> diffs) {
  const int scrolled = table_->verticalScrollBar()->value();
  diffs_.set_diffs(std::move(diffs));
  summary_->setText(diffs_.summary());
  if (proxy_->rowCount() == 0) return show_pair({});
  // What was looked at stays so, if it is shown at all.
  const std::string before = before_;
  int row = 0;
  for (int i = 0; i < proxy_->rowCount(); ++i)
    if (diffs_.diff(proxy_->mapToSource(proxy_->index(i, 0)).row()).tensor().name == before) row = i;
  table_->verticalScrollBar()->setValue(scrolled);
  select(row);
}

bool ComparePage::comparable() const noexcept {
  return shown_ && shown_->basis == Basis::values && shown_->pair.a->fits() && shown_->pair.b->fits() &&
         !plane_.empty();
}

void ComparePage::show_pair(const QModelIndex& index) {
  if (index.isValid()) {
    const TensorDiff& diff = diffs_.diff(proxy_->mapToSource(index).row());
    before_ = diff.tensor().name;
    const bool same = comparable() && diff.pair.a == shown_->pair.a && diff.pair.b == shown_->pair.b;
    if (same) {  // compared anew: only marks are others
      shown_ = diff;
      return mark_values();
    }
  }
  for (Job* job : {&values_job_, &histogram_job_, &magnitudes_job_, &grid_job_, &next_job_}) job->drop();
  shown_.reset();
  values_a_.clear();
  values_b_.clear();
  histogram_->set({});
  heat_map_->set_plane(0, 0);
  slicer_->clear();
  page_label_->set_text({});
  place_->clear();
  tabs_->setEnabled(false);
  plane_ = {};
  pending_ = -1;
  if (!index.isValid()) return;
  shown_ = diffs_.diff(proxy_->mapToSource(index).row());
  if (shown_->pair.a != nullptr) plane_ = plane_of(shown_->pair.a->dims);
  tabs_->setEnabled(comparable());
  if (!comparable()) return;
  // Where the two are farthest apart.
  const bool known = shown_->metrics && shown_->metrics->worst_index != Metrics::kNone;
  go_to(known ? shown_->metrics->worst_index : 0);
  read_histograms();
}

void ComparePage::set_plane(const Plane& plane) {
  plane_ = plane;
  page_ = page_with(plane_, {});
  read_values();
  heat_map_->set_plane(plane_.rows(), plane_.columns());
}

void ComparePage::move_page(std::int64_t rows, std::int64_t columns) {
  if (!comparable()) return;
  page_ = page_with(plane_, {.row = std::clamp<std::int64_t>(page_.row + rows, 0, plane_.rows() - 1),
                             .column = std::clamp<std::int64_t>(page_.column + columns, 0, plane_.columns() - 1)});
  read_values();
}

void ComparePage::go_to(std::uint64_t element) {
  const QString slice = plane_.slice_text();
  const auto place = plane_.go_to(element);
  page_ = page_with(plane_, place);
  pending_ = (place.row - page_.row) * page_.columns + (place.column - page_.column);
  slicer_->set_plane(plane_);
  read_values();
  if (heat_map_->picture().isNull() || slice != plane_.slice_text())
    heat_map_->set_plane(plane_.rows(), plane_.columns());
}

void ComparePage::read_values() {
  if (!comparable()) return;
  pager_->set_page(plane_, page_);
  page_label_->set_text(Pager::page_text(plane_, page_));
  values_job_.start(
      tr("Reading values"),
      [a = a_, b = b_, pair = shown_->pair, plane = plane_, page = page_](const Progress& progress) {
        return read_both(*a, *b, pair, plane, page, progress);
      },
      [this, page = page_](Result<BothPages>&& both) {
        if (!both) {  // what was read before is of another place
          values_a_.clear();
          values_b_.clear();
          pending_ = -1;
          page_label_->set_text(cannot_read(both.error()));
          return emit failed(cannot_read(both.error()));
        }
        values_a_.set_page(shown_->pair.a->dtype, page, std::move(both->a));
        values_b_.set_page(shown_->pair.b->dtype, page, std::move(both->b));
        fit_columns({table_a_, table_b_});
        mark_values();
        const std::int64_t cell = std::exchange(pending_, -1);
        if (cell < 0) return place_->clear();
        const QModelIndex index =
            values_a_.index(static_cast<int>(cell / page.columns), static_cast<int>(cell % page.columns));
        table_a_->scrollTo(index, QAbstractItemView::PositionAtCenter);
        table_a_->setCurrentIndex(index);
      });
}

void ComparePage::mark_values() {
  const auto elements =
      compare_elements(values_a_.dtype(), values_a_.bytes(), values_b_.dtype(), values_b_.bytes(), tolerance_);
  if (elements.empty()) return;  // not read yet
  std::vector<Change> changes;
  changes.reserve(elements.size());
  for (const ElementDiff& element : elements) changes.push_back(element.change);
  const auto differ = std::ranges::count(changes, Change::changed);
  page_label_->set_text(
      Pager::page_text(plane_, values_a_.window()) + QStringLiteral(": ") +
      tr("%1 of %2 differ").arg(count_text(static_cast<std::uint64_t>(differ)), count_text(changes.size())));
  values_a_.set_changes(changes);
  values_b_.set_changes(std::move(changes));
}

// A cell that is current in one table is so in the other, too.
void ComparePage::show_place(const QModelIndex& cell) {
  if (!cell.isValid() || !comparable()) return place_->clear();
  for (const auto& [view, model] : {std::pair<QTableView*, ValueModel*>{table_a_, &values_a_}, {table_b_, &values_b_}})
    if (const QModelIndex here = model->index(cell.row(), cell.column()); view->currentIndex() != here)
      view->setCurrentIndex(here);
  const Window& window = values_a_.window();
  const auto element = plane_.element(window.row + cell.row(), window.column + cell.column());
  const auto value = [&](const ValueModel& model) { return model.index(cell.row(), cell.column()).data().toString(); };
  place_->setText(QStringLiteral("%1  A = %2, B = %3")
                      .arg(to_q(tools::index_text(element, plane_.dims)), value(values_a_), value(values_b_)));
}

QString ComparePage::place_text() const { return place_->text(); }

void ComparePage::go_to_next_difference() {
  if (!comparable()) return;
  const QModelIndex cell = table_a_->currentIndex();
  const Window& window = values_a_.window();
  const std::uint64_t from =
      cell.isValid() ? plane_.element(window.row + cell.row(), window.column + cell.column()) + 1 : 0;
  next_job_.start(
      tr("Next difference"),
      [a = a_, b = b_, pair = shown_->pair, tolerance = tolerance_, from](const Progress& progress) {
        const CompareOptions options{.tolerance = tolerance, .progress = progress};
        auto found = next_difference(a->file, *pair.a, b->file, *pair.b, from, options);
        const bool behind_the_last = found && !*found && from > 0;
        return behind_the_last ? next_difference(a->file, *pair.a, b->file, *pair.b, 0, options) : std::move(found);
      },
      [this](Result<std::optional<std::uint64_t>>&& found) {
        if (!found) return emit failed(cannot_read(found.error()));
        if (!*found) return emit failed(tr("No element differs by more than the tolerance."));
        go_to(**found);
      });
}

void ComparePage::read_histograms() {
  if (!comparable() || tabs_->currentWidget() != histogram_) return;
  histogram_job_.start(
      tr("Statistics"),
      [a = a_, b = b_,
       pair = shown_->pair](const Progress& progress) -> Result<std::vector<std::optional<Statistics>>> {
        const StatisticsOptions options{.bins = HistogramPanel::kBins, .progress = progress};
        auto first = statistics(a->file, std::vector<const TensorInfo*>{pair.a}, options);
        if (!first) return first;
        auto second = statistics(b->file, std::vector<const TensorInfo*>{pair.b}, options);
        if (second) first->push_back(std::move(second->front()));
        return second ? std::move(first) : std::move(second);
      },
      [this](Result<std::vector<std::optional<Statistics>>>&& both) {
        if (!both) return emit failed(cannot_read(both.error()));
        const auto histogram = [&](std::size_t i) { return (*both)[i] ? (*both)[i]->histogram : std::nullopt; };
        histogram_->set(histogram(0), histogram(1));
        if (histogram_->wants_magnitudes()) read_magnitudes();
      });
}

void ComparePage::read_magnitudes() {
  if (!comparable() || !has_statistics(*shown_->pair.a) || !has_statistics(*shown_->pair.b)) return;
  using Both = std::pair<Magnitudes, Magnitudes>;
  magnitudes_job_.start(
      tr("Histogram"),
      [a = a_, b = b_, pair = shown_->pair](const Progress& progress) -> Result<Both> {
        auto first = magnitudes(a->file, *pair.a, HistogramPanel::kBins, progress);
        if (!first) return std::move(first).error();
        auto second = magnitudes(b->file, *pair.b, HistogramPanel::kBins, progress);
        if (!second) return std::move(second).error();
        return Both(std::move(*first), std::move(*second));
      },
      [this](Result<Both>&& both) {
        if (both) return histogram_->set_magnitudes(std::move(both->first), std::move(both->second));
        emit failed(cannot_read(both.error()));
      });
}

void ComparePage::read_grid() {
  if (!comparable() || tabs_->currentWidget() != heat_map_->parentWidget()) return;
  const Window window = heat_map_->wanted();
  if (window.rows <= 0 || window.columns <= 0) return;
  grid_job_.start(
      tr("Heat map"),
      [a = a_, b = b_, pair = shown_->pair, plane = plane_, window](const Progress& progress) -> Result<Grid> {
        auto both = read_both(*a, *b, pair, plane, window, progress);
        if (!both) return both.error();
        Grid grid{.window = window};
        for (const ElementDiff& element : compare_elements(pair.a->dtype, both->a, pair.b->dtype, both->b))
          grid.values.push_back(element.difference);
        return grid;
      },
      [this](Result<Grid>&& grid) {
        if (!grid) return emit failed(cannot_read(grid.error()));
        heat_map_->set_grid(std::move(*grid));
      });
}

// For what only one of the files has: those of the other one that could be it.
void ComparePage::fill_row_menu() {
  row_menu_->clear();
  if (!shown_) return;
  if (can_be_separated(shown_->pair)) {
    row_menu_->addAction(tr("&Separate again"), this,
                         [this, a = shown_->pair.a->name, b = shown_->pair.b->name] { separate(a, b); });
    return;
  }
  if (shown_->pair.a != nullptr && shown_->pair.b != nullptr) return;
  const bool from_a = shown_->pair.a != nullptr;
  const TensorInfo& one = shown_->tensor();
  constexpr int kMost = 30;
  row_menu_->addSection(tr("Pair with"));
  int found = 0;
  for (int row = 0; row < diffs_.rowCount() && found < kMost; ++row) {
    const Pair& other = diffs_.diff(row).pair;
    if (from_a ? other.a != nullptr : other.b != nullptr) continue;
    const TensorInfo& candidate = *(from_a ? other.b : other.a);
    if (candidate.dims != one.dims) continue;
    row_menu_->addAction(menu_text(shown_name(candidate.name)), this,
                         [this, from_a, a = one.name, b = candidate.name] { from_a ? pair(a, b) : pair(b, a); });
    ++found;
  }
  if (found == 0) row_menu_->addAction(tr("No entry of the other file has its shape"))->setEnabled(false);
}

}  // namespace ckpt::viewer

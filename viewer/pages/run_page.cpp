#include "run_page.h"

#include <QComboBox>
#include <QFile>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QListWidget>
#include <QPainter>
#include <QPushButton>
#include <QScrollBar>
#include <QSplitter>
#include <QTableView>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <utility>

#include "charts.h"
#include "heat_map.h"
#include "metrics_panel.h"
#include "shown.h"
#include "widgets.h"

namespace ckpt::viewer {
namespace {

constexpr int kLookAgain = 1000;  // ms: while a file is being written, and for file systems that tell nothing

// Paints the line of a row.
class SparkDelegate : public QStyledItemDelegate {
 public:
  SparkDelegate(const RunModel& model, QObject* parent) : QStyledItemDelegate(parent), model_(model) {}

  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override {
    QStyledItemDelegate::paint(painter, option, index);
    const QColor color = index.column() == RunModel::kNorms ? bar_color(option.palette) : second_color(option.palette);
    paint_spark(*painter, QRectF(option.rect).adjusted(4, 4, -4, -4), model_.spark(index.row(), index.column()), color);
  }

 private:
  const RunModel& model_;
};

}  // namespace

RunPage::RunPage(Jobs& jobs, QWidget* parent)
    : QWidget(parent),
      look_job_(jobs),
      read_job_(jobs),
      summary_(plain_label()),
      runs_(new QComboBox),
      files_(new QListWidget),
      table_(new QTableView),
      map_(new HeatMap),
      metrics_(new MetricsPanel(jobs)),
      pointed_(plain_label()) {
  table_->setModel(&model_);
  table_->setAccessibleName(tr("Weights over the run"));
  table_->setSortingEnabled(true);
  set_up_table(*table_);
  table_->sortByColumn(RunModel::kName, Qt::AscendingOrder);
  const int em = fontMetrics().horizontalAdvance(QLatin1Char('m'));
  for (const auto& [column, width] : {std::pair{RunModel::kName, 16},
                                      {RunModel::kState, 9},
                                      {RunModel::kLast, 6},
                                      {RunModel::kNorms, 12},
                                      {RunModel::kUpdate, 7}})
    table_->setColumnWidth(column, width * em);
  remember(*table_->horizontalHeader(), "weights of a run");
  for (const int column : {RunModel::kNorms, RunModel::kUpdates})
    table_->setItemDelegateForColumn(column, new SparkDelegate(model_, table_));
  table_->verticalHeader()->setDefaultSectionSize(table_->fontMetrics().height() + 14);
  runs_->setAccessibleName(tr("Runs of this folder"));
  runs_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  connect(runs_, &QComboBox::activated, this, [this](int row) {
    prefix_ = runs_->itemData(row).toByteArray().toStdString();
    metrics_->choose({});
    forget();
    show_run();
  });
  files_->setAccessibleName(tr("Checkpoints"));
  files_->setTextElideMode(Qt::ElideLeft);                       // they differ at their ends
  files_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);  // or nothing is elided
  connect(files_, &QListWidget::itemActivated, this,
          [this](QListWidgetItem* item) { emit picked(item->data(Qt::UserRole).toByteArray()); });
  connect(files_, &QListWidget::currentRowChanged, this, &RunPage::mark_current);
  connect(metrics_, &MetricsPanel::picked, this, &RunPage::pick);
  auto* choose = new QPushButton(tr("Metrics file …"));
  choose->setToolTip(tr("What was measured: CSV or JSON lines, as of ckpt-train --metrics"));
  connect(choose, &QPushButton::clicked, this, &RunPage::choose_metrics);
  map_->set_map(ColorMap::sequential);
  connect(map_, &HeatMap::wants_grid, this, &RunPage::fill_grid);
  map_->set_gaps(true);
  map_->set_logarithmic(true);
  map_->setAccessibleName(tr("Updates: layers down, checkpoints across"));
  connect(map_, &HeatMap::pointed_at, this, [this](qint64 row, qint64 column, double value) {
    if (row < 0 || row >= model_.rowCount()) return pointed_->clear();
    const auto& files = model_.run()->files;
    pointed_->setText(shown_name(model_.tensor(static_cast<int>(row)).name) + QStringLiteral(", ") +
                      shown_path(files[static_cast<std::size_t>(column)].file.path.filename()) + QStringLiteral(": ") +
                      (std::isnan(value) ? tr("no update") : tr("update %1").arg(number_text(std::pow(10, value)))));
  });
  map_->set_names([this](std::int64_t row) { return shown_name(model_.tensor(static_cast<int>(row)).name); },
                  [this](std::int64_t column) {
                    const RunFile& file = model_.run()->files[static_cast<std::size_t>(column)].file;
                    return QStringLiteral("%1-%2").arg(file.epoch).arg(file.step);
                  });
  // Rows of the map are those of the table.
  connect(map_, &HeatMap::clicked, this,
          [this](qint64 row) { table_->setCurrentIndex(model_.index(static_cast<int>(row), 0)); });
  connect(table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
          [this](const QModelIndex& now) { map_->mark_row(now.isValid() ? now.row() : -1); });
  connect(&model_, &QAbstractItemModel::layoutChanged, this, &RunPage::fill_grid);
  look_timer_.setSingleShot(true);
  connect(&look_timer_, &QTimer::timeout, this, &RunPage::look);
  connect(&watcher_, &QFileSystemWatcher::directoryChanged, this, [this] { look_timer_.start(kDiskSettles); });
  auto* left = new QWidget;
  auto* column = new QVBoxLayout(left);
  column->setContentsMargins(0, 0, 0, 0);
  column->addWidget(runs_);
  column->addWidget(files_, 1);
  column->addWidget(choose);
  auto* below = new QWidget;
  auto* lower = new QVBoxLayout(below);
  lower->setContentsMargins(0, 4, 0, 0);
  lower->addWidget(plain_label(tr("Updates (log): layers down, checkpoints across")));
  lower->addWidget(map_, 1);
  lower->addWidget(pointed_);
  auto* right = new QSplitter(Qt::Vertical);
  remember(*right, "metrics, weights and updates");
  right->addWidget(metrics_);
  right->addWidget(table_);
  right->addWidget(below);
  right->setStretchFactor(0, 3);
  right->setStretchFactor(1, 3);
  right->setStretchFactor(2, 2);
  auto* both = new QSplitter;
  remember(*both, "checkpoints and weights");
  both->addWidget(left);
  both->addWidget(right);
  both->setStretchFactor(0, 1);
  both->setStretchFactor(1, 4);
  both->setChildrenCollapsible(false);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(8, 8, 8, 4);
  layout->addWidget(both, 1);
  layout->addWidget(summary_);
}

void RunPage::set_folder(const std::filesystem::path& folder, const OpenOptions& options) {
  folder_ = folder;
  options_ = options;
  found_.clear();
  prefix_.clear();
  metrics_->choose({});
  forget();
  const QStringList before = watcher_.directories();
  if (!before.isEmpty()) watcher_.removePaths(before);
  watcher_.addPath(QFile::decodeName(folder.c_str()));
  look();
}

void RunPage::set_options(const OpenOptions& options) {
  options_ = options;
  reload();
}

void RunPage::reload() {
  if (folder_.empty()) return;
  forget();
  look();
}

void RunPage::forget() {
  read_job_.drop();
  stale_ = false;
  entries_.clear();
  model_.set_run(std::make_shared<RunHistory>());
  metrics_->forget();
  fill_map();
  summary_->clear();
}

void RunPage::look() {
  look_job_.start(
      {},  // every second
      [folder = folder_, before = found_](const Progress&) {
        return look_at_run(folder, std::chrono::system_clock::now(), before);
      },
      [this](Result<std::vector<RunEntry>>&& found) {
        look_timer_.start(kLookAgain);
        if (!found) return summary_->setText(tr("The folder cannot be read: %1").arg(shown_error(found.error())));
        found_ = std::move(*found);
        // The user's choice stays; it is made for them once, and when that run is gone.
        const auto is_shown = [&](const RunEntry& entry) { return entry.file.prefix == prefix_; };
        if (std::none_of(found_.begin(), found_.end(), is_shown)) prefix_ = newest_run(found_);
        fill_runs();
        show_run();
      });
}

void RunPage::fill_runs() {
  const auto runs = runs_of(found_);
  runs_->setVisible(runs.size() > 1);
  while (runs_->count() > static_cast<int>(runs.size())) runs_->removeItem(runs_->count() - 1);
  while (runs_->count() < static_cast<int>(runs.size())) runs_->addItem(QString());
  for (int row = 0; row < runs_->count(); ++row) {
    const RunName& run = runs[static_cast<std::size_t>(row)];
    runs_->setItemText(row, tr("%1 (%n file(s))", nullptr, run.files).arg(shown_name(run.prefix)));
    runs_->setItemData(row, QByteArray::fromStdString(run.prefix));
    if (run.prefix == prefix_) runs_->setCurrentIndex(row);
  }
}

void RunPage::show_run() {
  std::vector<RunEntry> entries;
  std::copy_if(found_.begin(), found_.end(), std::back_inserter(entries),
               [&](const RunEntry& entry) { return entry.file.prefix == prefix_; });
  const auto complete = [](const std::vector<RunEntry>& all) {
    std::vector<std::pair<std::filesystem::path, FileStamp>> files;
    for (const RunEntry& entry : all)
      if (entry.complete) files.emplace_back(entry.file.path, entry.stamp);
    return files;
  };
  const bool news = complete(entries) != complete(entries_);
  entries_ = std::move(entries);
  fill_files();
  look_at_metrics();
  const QString none = tr("No checkpoints of a run here yet: files like lenet-1_1875.ckpt.");
  if (entries_.empty())
    summary_->setText(none);
  else if (summary_->text() == none)
    summary_->clear();
  if (!news) return;
  // Files may land faster than they are read: what is being read is finished first.
  stale_ = read_job_.running();
  if (!stale_) read();
}

void RunPage::fill_files() {
  // In place, so that what is selected and scrolled to stays; but who is at the end follows the newest.
  const auto wanted = static_cast<int>(entries_.size());
  const QScrollBar& bar = *files_->verticalScrollBar();
  const bool follow = wanted > files_->count() && bar.value() == bar.maximum();
  while (files_->count() > wanted) delete files_->takeItem(files_->count() - 1);
  while (files_->count() < wanted) files_->addItem(QString());
  std::map<std::filesystem::path, const RunHistory::LeftOut*> left_out;
  for (const auto& one : model_.run()->left_out) left_out.emplace(one.entry.file.path, &one);
  for (int row = 0; row < wanted; ++row) {
    const RunEntry& entry = entries_[static_cast<std::size_t>(row)];
    const auto out = left_out.find(entry.file.path);
    const bool bad = out != left_out.end() && out->second->entry.stamp == entry.stamp;
    QString text = shown_path(entry.file.path.filename());
    QString tip = tr("epoch %1, step %2").arg(entry.file.epoch).arg(entry.file.step);
    // On a line of their own: names are elided.
    if (!entry.complete) text += QLatin1Char('\n') + tr("being written");
    if (bad) text += QLatin1Char('\n') + tr("left out");
    if (bad) tip += QLatin1Char('\n') + tr("It takes no part: %1").arg(shown_error(out->second->why));
    files_->item(row)->setText(text);
    files_->item(row)->setToolTip(tip_of(tip));
    files_->item(row)->setData(Qt::UserRole, QByteArray::fromStdString(entry.file.path.native()));
  }
  if (follow) files_->scrollToBottom();
}

void RunPage::read() {
  read_job_.start(
      tr("Reading the run"),
      [entries = entries_, before = model_.run(), options = options_](const Progress& progress) {
        return read_run(entries, *before, options, progress);
      },
      [this](Result<RunHistoryPtr>&& run) {
        const bool again = std::exchange(stale_, false);
        if (!run) {
          const bool cancelled = run.error().code == Errc::cancelled;
          summary_->setText(cancelled ? cancelled_text()
                                      : tr("The run cannot be read: %1").arg(shown_error(run.error())));
          if (run.error().code == Errc::key) emit needs_key(summary_->text());
          return;
        }
        model_.set_run(std::move(*run));
        metrics_->set_checkpoints(model_.run()->files);
        mark_current();
        fill_files();
        fill_map();
        say_summary();
        if (again) read();
      });
}

void RunPage::look_at_metrics() {
  std::vector<std::string> prefixes;
  for (const RunName& run : runs_of(found_)) prefixes.push_back(run.prefix);
  metrics_->look(folder_, prefix_, prefixes);
}

void RunPage::choose_metrics() {
  const QString file =
      QFileDialog::getOpenFileName(this, tr("What was measured in this run"), QFile::decodeName(folder_.c_str()),
                                   tr("Metrics (*.csv *.jsonl);;All files (*)"));
  if (file.isEmpty()) return;
  metrics_->choose(QFile::encodeName(file).toStdString());
  look_at_metrics();
}

// Of the list, in the curves.
void RunPage::mark_current() {
  const auto& files = model_.run()->files;
  const QListWidgetItem* item = files_->currentItem();
  const std::string path = item != nullptr ? item->data(Qt::UserRole).toByteArray().toStdString() : std::string();
  const auto same = [&](const RunEntry& entry) { return entry.file.path.native() == path; };
  const auto at = std::ranges::find_if(files, same);
  metrics_->set_current(at == files.end() ? -1 : static_cast<int>(at - files.begin()));
}

void RunPage::pick(int checkpoint) {
  const auto& path = model_.run()->files[static_cast<std::size_t>(checkpoint)].file.path.native();
  for (int row = 0; row < files_->count(); ++row)
    if (files_->item(row)->data(Qt::UserRole).toByteArray().toStdString() == path) files_->setCurrentRow(row);
}

void RunPage::say_summary() {
  const RunHistory& run = *model_.run();
  const auto count = [&](bool Condition::*what) {
    return std::count_if(run.history.tensors.begin(), run.history.tensors.end(),
                         [&](const TensorHistory& t) { return t.condition.*what; });
  };
  QString text = tr("%n checkpoint(s)", nullptr, static_cast<int>(run.files.size())) + QStringLiteral(", ") +
                 tr("%n tensor(s)", nullptr, model_.rowCount()) + QStringLiteral(": ") +
                 tr("%1 frozen, %2 exploding, %3 dead")
                     .arg(count(&Condition::frozen))
                     .arg(count(&Condition::exploding))
                     .arg(count(&Condition::dead));
  if (!run.left_out.empty())
    text += QStringLiteral("; ") + tr("%n file(s) left out", nullptr, static_cast<int>(run.left_out.size()));
  summary_->setText(text);
}

void RunPage::fill_map() { map_->set_plane(model_.rowCount(), static_cast<std::int64_t>(model_.run()->files.size())); }

void RunPage::fill_grid() {
  Grid grid{.window = map_->wanted()};
  const Window& window = grid.window;
  for (std::int64_t r = 0; r < window.rows; ++r)
    for (std::int64_t c = 0; c < window.columns; ++c)
      grid.values.push_back(model_.update(static_cast<int>(window.row + r * window.row_step),
                                          static_cast<std::size_t>(window.column + c * window.column_step)));
  map_->set_grid(std::move(grid));
  map_->mark_row(table_->currentIndex().isValid() ? table_->currentIndex().row() : -1);
}

}  // namespace ckpt::viewer

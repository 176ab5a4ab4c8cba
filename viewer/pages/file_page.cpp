#include "file_page.h"

#include <QHBoxLayout>
#include <QHeaderView>
#include <QSortFilterProxyModel>
#include <QSplitter>
#include <QTabWidget>
#include <QTableView>
#include <QVBoxLayout>
#include <algorithm>

#include "charts.h"
#include "facts.h"
#include "shown.h"
#include "treemap.h"
#include "widgets.h"

namespace ckpt::viewer {
namespace {

// Values of files up to this size are looked at without being asked: that takes seconds.
constexpr std::uint64_t kReadWhole = std::uint64_t{2} << 30;

QLabel* heading(const QString& text) {
  QLabel* label = plain_label(text);
  QFont bold = label->font();
  bold.setBold(true);
  label->setFont(bold);
  return label;
}

QString format_text(FileFormat format) {
  switch (format) {
    case FileFormat::checkpoint:
      return FilePage::tr("MindSpore checkpoint");
    case FileFormat::safetensors:
      return QStringLiteral("safetensors");
    case FileFormat::npy:
    case FileFormat::npz:
      return QStringLiteral("NumPy");
    case FileFormat::onnx:
      return FilePage::tr("ONNX (weights)");
    case FileFormat::other:
      break;
  }
  return FilePage::tr("unknown");
}

// Of two entries of one name the one whose records have the place that the finding is about.
const TensorInfo* tensor_of(const Checkpoint& file, const Finding& finding) {
  for (const TensorInfo& tensor : file.tensors())
    if (tensor.name == finding.tensor && finding.offset >= tensor.record_offset &&
        finding.offset - tensor.record_offset < tensor.record_size)
      return &tensor;
  return nullptr;
}

}  // namespace

FilePage::FilePage(Jobs& jobs, QWidget* parent)
    : QWidget(parent),
      jobs_(jobs),
      check_job_(jobs),
      statistics_job_(jobs),
      sorted_(new QSortFilterProxyModel(this)),
      keys_(plain_label()),
      facts_(plain_label()),
      map_title_(new ElidedLabel),
      treemap_(new Treemap(modules_)),
      types_(new BarList),
      verdict_(heading({})),
      table_(new QTableView),
      numbers_(new QTableView),
      tabs_(new QTabWidget) {
  connect(treemap_, &Treemap::picked, this,
          [this](const QModelIndex& index) { emit picked(QByteArray::fromStdString(modules_.path_of(index))); });
  connect(treemap_, &Treemap::current_changed, this, [this] { map_title_->set_text(treemap_->title()); });
  connect(&jobs, &Jobs::changed, this, [this] {
    if (check_waits_ && jobs_.idle()) check();
  });
  table_->setModel(&findings_);
  table_->setAccessibleName(tr("Findings"));
  set_up_table(*table_);
  const int em = fontMetrics().horizontalAdvance(QLatin1Char('m'));
  for (const auto& [column, width] : {std::pair{FindingModel::kSeverity, 6},
                                      {FindingModel::kTensor, 18},
                                      {FindingModel::kOffset, 8},
                                      {FindingModel::kMessage, 34}})
    table_->setColumnWidth(column, width * em);
  table_->horizontalHeader()->setStretchLastSection(false);
  table_->horizontalHeader()->setSectionResizeMode(FindingModel::kMessage, QHeaderView::Stretch);
  remember(*table_->horizontalHeader(), "findings");
  const auto pick = [this](const QModelIndex& index) {
    const Finding& finding = findings_.finding(index.row());
    if (const TensorInfo* tensor = tensor_of(file_->file, finding)) return emit picked_tensor(tensor);
    if (!finding.tensor.empty()) emit picked(QByteArray::fromStdString(finding.tensor));
  };
  connect(table_, &QTableView::activated, this, pick);
  connect(table_, &QTableView::clicked, this, pick);
  sorted_->setSourceModel(&statistics_);
  sorted_->setSortRole(StatisticsModel::kSortRole);
  numbers_->setModel(sorted_);
  numbers_->setAccessibleName(tr("Statistics of all tensors"));
  numbers_->setSortingEnabled(true);
  set_up_table(*numbers_);
  numbers_->sortByColumn(StatisticsModel::kName, Qt::AscendingOrder);
  numbers_->setColumnWidth(StatisticsModel::kName, 18 * em);
  remember(*numbers_->horizontalHeader(), "statistics");
  connect(numbers_, &QTableView::activated, this, [this](const QModelIndex& index) {
    emit picked_tensor(&statistics_.tensor(sorted_->mapToSource(index).row()));
  });
  connect(tabs_, &QTabWidget::currentChanged, this, &FilePage::compute);
  types_->setAccessibleName(tr("Bytes by type"));

  auto* facts = new QHBoxLayout;
  facts->addWidget(keys_);
  facts->addSpacing(12);
  facts->addWidget(facts_, 1);
  auto* right = new QWidget;
  auto* column = new QVBoxLayout(right);
  column->setContentsMargins(8, 0, 0, 0);
  column->addLayout(facts);
  column->addSpacing(8);
  column->addWidget(heading(tr("Bytes by type")));
  column->addWidget(types_);
  column->addStretch(1);
  auto* left = new QWidget;
  auto* map = new QVBoxLayout(left);
  map->setContentsMargins(0, 0, 0, 0);
  map_title_->setFont(verdict_->font());
  map_title_->set_text(treemap_->title());
  map->addWidget(map_title_);
  map->addWidget(treemap_, 1);
  auto* upper = new QSplitter;
  remember(*upper, "modules and facts");
  upper->addWidget(left);
  upper->addWidget(right);
  upper->setStretchFactor(0, 3);
  upper->setStretchFactor(1, 2);
  auto* found = new QWidget;
  auto* below = new QVBoxLayout(found);
  below->setContentsMargins(4, 4, 4, 4);
  below->addWidget(verdict_);
  below->addWidget(table_, 1);
  auto* both = new QSplitter(Qt::Vertical);
  remember(*both, "file and findings");
  both->addWidget(upper);
  tabs_->addTab(found, tr("Findin&gs"));
  tabs_->addTab(numbers_, tr("&Statistics"));
  both->addWidget(tabs_);
  both->setStretchFactor(0, 3);
  both->setStretchFactor(1, 2);
  both->setChildrenCollapsible(false);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(8, 8, 8, 8);
  layout->addWidget(both);
}

void FilePage::set_file(FilePtr file) {
  file_ = std::move(file);
  modules_.set_file(file_);
  check_waits_ = false;
  check_job_.drop();
  findings_.set_findings({});
  statistics_job_.drop();
  statistics_.set_statistics({});
  computed_ = false;
  verdict_->clear();
  keys_->clear();
  facts_->clear();
  types_->set({});
  if (!file_) return;
  const Checkpoint& content = file_->file;
  const auto totals = tools::totals_of(content.tensors(), file_->groups);
  QStringList keys;
  QStringList values;
  const auto row = [&](const QString& key, const QString& value) {
    keys << key;
    values << value;
  };
  row(tr("Format"), format_text(file_->format));
  row(tr("Size"), tr("%1 (%2 bytes)").arg(size_text(content.file_size()), count_text(content.file_size())));
  row(tr("Tensors"), count_text(totals.all.entries));
  row(tr("Elements"), count_text(totals.all.elements));
  const auto& groups = totals.groups;
  row(tr("Weights"), tr("%1 in %2").arg(size_text(groups[0].bytes), count_text(groups[0].entries)));
  row(tr("Optimizer"), tr("%1 in %2").arg(size_text(groups[1].bytes), count_text(groups[1].entries)));
  row(tr("Other"), tr("%1 in %2").arg(size_text(groups[2].bytes), count_text(groups[2].entries)));
  if (const std::string writer = tools::dialect_text(content.dialect()); !writer.empty())
    row(tr("Written by"), to_q(writer));
  if (content.trailer())
    row(tr("Checksum"), QStringLiteral("CRC-32 %1").arg(content.trailer()->crc, 8, 16, QLatin1Char('0')));
  if (content.encryption())
    row(tr("Encrypted"), content.encryption()->mode ? to_q(ckpt::name(*content.encryption()->mode)) : tr("yes"));
  keys_->setText(keys.join(QLatin1Char('\n')));
  facts_->setText(values.join(QLatin1Char('\n')));
  std::vector<BarList::Bar> bars;
  for (const auto& [type, sum] : totals.types) {
    if (bars.size() == 12) break;  // the rest is small
    const auto largest = static_cast<double>(std::max<std::uint64_t>(1, totals.types.front().second.bytes));
    bars.push_back({shown_name(type), tr("%1 in %2").arg(size_text(sum.bytes), count_text(sum.entries)),
                    static_cast<double>(sum.bytes) / largest});
  }
  types_->set(std::move(bars));
  compute();
  // It reads all of the file: what somebody waits for comes first.
  verdict_->setText(tr("Checking …"));
  check_waits_ = true;
  if (jobs_.idle()) check();
}

void FilePage::show_statistics() { tabs_->setCurrentWidget(numbers_); }

// Only when somebody looks: it reads all of the file.
void FilePage::compute() {
  if (!file_ || computed_ || tabs_->currentWidget() != numbers_) return;
  computed_ = true;
  statistics_job_.start(
      tr("Statistics"), [file = file_](const Progress& progress) { return statistics_of(*file, progress); },
      [this](Result<FileStatistics>&& all) {
        if (all) return statistics_.set_statistics(std::move(*all));
        computed_ = false;  // to be tried again
        emit failed(cannot_read(all.error()));
      });
}

void FilePage::check() {
  check_waits_ = false;
  if (file_->format != FileFormat::checkpoint) {
    verdict_->setText(tr("Findings are for checkpoints; this is another format, whose index is sound."));
    emit checked();
    return;
  }
  check_job_.start(
      tr("Checking"),
      [file = file_](const Progress& progress) {
        return validate(file->file, {.values = file->file.file_size() <= kReadWhole, .progress = progress});
      },
      [this](Result<std::vector<Finding>>&& findings) {
        if (!findings) {
          const bool cancelled = findings.error().code == Errc::cancelled;
          verdict_->setText(cancelled ? cancelled_text()
                                      : tr("Not checked to the end: %1").arg(shown_error(findings.error())));
          return;
        }
        findings_.set_findings(std::move(*findings));
        const auto errors = findings_.count(Severity::error);
        const auto warnings = findings_.count(Severity::warning);
        verdict_->setText(findings_.rowCount() == 0
                              ? tr("Nothing was found to be wrong.")
                              : tr("%n error(s)", nullptr, static_cast<int>(errors)) + QStringLiteral(", ") +
                                    tr("%n warning(s)", nullptr, static_cast<int>(warnings)) + QStringLiteral(", ") +
                                    tr("%n note(s)", nullptr, static_cast<int>(findings_.count(Severity::note))));
        emit checked();
      });
}

}  // namespace ckpt::viewer

#include "metrics_panel.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QVBoxLayout>
#include <algorithm>
#include <utility>

#include "curve_plot.h"
#include "shown.h"
#include "widgets.h"

namespace ckpt::viewer {
namespace {

constexpr const char* kValidation = "validation_";

// What is plotted together: a quantity and its validation.
struct Quantity {
  std::string name = {};
  std::vector<std::size_t> columns = {};
};

std::vector<Quantity> quantities_of(const tools::RunMetrics& metrics) {
  std::vector<Quantity> all;
  const auto of_name = [&](const std::string& name) -> Quantity& {
    const auto found = std::ranges::find(all, name, &Quantity::name);
    return found != all.end() ? *found : all.emplace_back(Quantity{name});
  };
  for (std::size_t i = 0; i < metrics.columns.size(); ++i) {
    const std::string& name = metrics.columns[i];
    of_name(name.starts_with(kValidation) ? name.substr(std::string_view(kValidation).size()) : name)
        .columns.push_back(i);
  }
  return all;
}

CurvePlot::Curve curve_of(const tools::RunMetrics& metrics, std::size_t column) {
  CurvePlot::Curve curve{.name = shown_name(metrics.columns[column])};
  for (const tools::MetricsRow& row : metrics.rows)
    if (const auto value = row.value(column)) curve.points.push_back({static_cast<double>(row.step), *value});
  return curve;
}

}  // namespace

MetricsPanel::MetricsPanel(Jobs& jobs, QWidget* parent) : QWidget(parent), job_(jobs), note_(new ElidedLabel) {
  auto* sides = new QHBoxLayout;
  for (std::size_t i = 0; i < plots_.size(); ++i) {
    plots_[i] = new CurvePlot;
    quantities_[i] = new QComboBox;
    quantities_[i]->setAccessibleName(tr("What the curves are of"));
    connect(quantities_[i], &QComboBox::activated, this, &MetricsPanel::fill_plots);
    connect(plots_[i], &CurvePlot::picked, this,
            [this](int mark) { emit picked(marked_[static_cast<std::size_t>(mark)]); });
    auto* side = new QVBoxLayout;
    side->addWidget(quantities_[i], 0, Qt::AlignLeft);
    side->addWidget(plots_[i], 1);
    sides->addLayout(side, 1);
  }
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 4);
  layout->addLayout(sides, 1);
  layout->addWidget(note_);
  hide();
}

QString MetricsPanel::note() const { return note_->text(); }

void MetricsPanel::choose(const std::filesystem::path& file) {
  chosen_ = file;
  job_.drop();
}

void MetricsPanel::forget() {
  job_.drop();
  seen_ = {};
  checkpoints_.clear();
  current_ = -1;
  arrange();
}

// Nothing where the file is as it was.
MetricsPanel::Look MetricsPanel::look_again(const std::filesystem::path& path, const Look& before,
                                            const Progress& progress) {
  Look now{.path = path, .stamp = stamp_of(path)};
  const bool same = before.path == path;
  if (same && before.stamp == now.stamp) return before;
  auto reader =
      same ? std::make_shared<tools::MetricsReader>(*before.reader) : std::make_shared<tools::MetricsReader>();
  if (const Status status = reader->read(path, progress); !status)
    now.error = status.error();
  else
    now.reader = std::move(reader);
  return now;
}

void MetricsPanel::look(const std::filesystem::path& folder, const std::string& prefix,
                        const std::vector<std::string>& prefixes) {
  if (job_.running()) return;
  job_.start(
      {},  // every second
      [folder, prefix, prefixes, chosen = chosen_, before = seen_](const Progress& progress) -> Result<Look> {
        if (!chosen.empty()) return look_again(chosen, before, progress);
        const tools::FoundMetrics found = tools::find_metrics(folder, prefix, prefixes);
        if (found.path.empty()) return Look{.several = found.several};
        return look_again(found.path, before, progress);
      },
      [this](Result<Look>&& now) {
        if (!now) return;
        const bool news = now->path != seen_.path || now->stamp != seen_.stamp || now->several != seen_.several;
        seen_ = std::move(*now);
        if (news) arrange();
      });
}

void MetricsPanel::arrange() {
  fill_quantities();
  fill_plots();
  say_note();
  setVisible(!metrics().columns.empty() || seen_.error || seen_.several);
  for (std::size_t i = 0; i < plots_.size(); ++i) {
    plots_[i]->setVisible(!metrics().columns.empty());
    quantities_[i]->setVisible(!metrics().columns.empty());
  }
}

// The choice stays; the first ones are loss and accuracy, where there are.
void MetricsPanel::fill_quantities() {
  const auto all = quantities_of(metrics());
  for (std::size_t i = 0; i < quantities_.size(); ++i) {
    QComboBox& box = *quantities_[i];
    QByteArray wanted = box.currentData().toByteArray();
    const auto has = [&](const QByteArray& name) {
      return std::ranges::any_of(all, [&](const Quantity& one) { return QByteArray::fromStdString(one.name) == name; });
    };
    if (!has(wanted)) wanted = i == 0 ? "loss" : "accuracy";
    if (!has(wanted) && all.size() > i) wanted = QByteArray::fromStdString(all[i].name);
    if (static_cast<std::size_t>(box.count()) != all.size()) box.clear();
    for (std::size_t row = 0; row < all.size(); ++row) {
      if (static_cast<int>(row) >= box.count()) box.addItem(QString());
      box.setItemText(static_cast<int>(row), shown_name(all[row].name));
      box.setItemData(static_cast<int>(row), QByteArray::fromStdString(all[row].name));
      if (wanted == QByteArray::fromStdString(all[row].name)) box.setCurrentIndex(static_cast<int>(row));
    }
  }
}

void MetricsPanel::fill_plots() {
  const auto all = quantities_of(metrics());
  for (std::size_t i = 0; i < plots_.size(); ++i) {
    std::vector<CurvePlot::Curve> curves;
    const int row = quantities_[i]->currentIndex();
    if (row >= 0)
      for (const std::size_t column : all[static_cast<std::size_t>(row)].columns)
        curves.push_back(curve_of(metrics(), column));
    plots_[i]->set_curves(std::move(curves));
  }
  mark_checkpoints();
}

void MetricsPanel::set_checkpoints(const std::vector<RunEntry>& files) {
  checkpoints_ = files;
  mark_checkpoints();
}

void MetricsPanel::set_current(int checkpoint) {
  current_ = checkpoint;
  const auto at = std::ranges::find(marked_, checkpoint);
  for (CurvePlot* plot : plots_) plot->set_current(at == marked_.end() ? -1 : static_cast<int>(at - marked_.begin()));
}

void MetricsPanel::mark_checkpoints() {
  std::vector<CurvePlot::Mark> marks;
  marked_.clear();
  for (std::size_t i = 0; i < checkpoints_.size(); ++i) {
    const RunEntry& entry = checkpoints_[i];
    const auto step = entry.step ? entry.step : tools::step_by_name(entry.file.epoch, entry.file.step, metrics());
    if (!step) continue;
    marks.push_back({static_cast<double>(*step), shown_path(entry.file.path.filename())});
    marked_.push_back(static_cast<int>(i));
  }
  for (CurvePlot* plot : plots_) plot->set_marks(marks);
  set_current(current_);
}

void MetricsPanel::say_note() {
  const QString file = shown_path(seen_.path.filename());
  QString text = file;
  if (seen_.several)
    text = tr("Which metrics file is of this run is not clear: choose one.");
  else if (seen_.error)
    text = tr("%1 cannot be read: %2").arg(file, shown_error(*seen_.error));
  else if (metrics().damaged > 0)
    text = tr("%1: %n line(s) left out, the first is line %2: it %3", nullptr, static_cast<int>(metrics().damaged))
               .arg(file, count_text(metrics().first_damaged), shown_name(metrics().why));
  note_->set_text(text);
}

}  // namespace ckpt::viewer

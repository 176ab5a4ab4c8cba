#include "histogram_panel.h"

#include <QCheckBox>
#include <QHBoxLayout>
#include <QVBoxLayout>

#include "charts.h"
#include "widgets.h"

namespace ckpt::viewer {

HistogramPanel::HistogramPanel(QWidget* parent)
    : QWidget(parent),
      plot_(new HistogramPlot),
      counts_(new QCheckBox(tr("Logarith&mic counts"))),
      values_(new QCheckBox(tr("L&ogarithmic values"))),
      note_(plain_label(tr("Each power of ten is equally wide. Negative values are left of the zeros, mirrored; zeros "
                           "have a bar of their own; NaN and infinities are not counted."))) {
  note_->setWordWrap(true);
  note_->hide();
  connect(counts_, &QCheckBox::toggled, plot_, &HistogramPlot::set_logarithmic_counts);
  connect(values_, &QCheckBox::toggled, this, [this](bool on) {
    note_->setVisible(on);
    plot_->set_logarithmic_values(on);
    if (wants_magnitudes()) emit magnitudes_wanted();
  });
  auto* line = new QHBoxLayout;
  line->addWidget(values_);
  line->addWidget(counts_);
  line->addStretch(1);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(plot_, 1);
  layout->addWidget(note_);
  layout->addLayout(line);
}

void HistogramPanel::set(std::optional<Histogram> first, std::optional<Histogram> second) {
  plot_->set_magnitudes({});
  plot_->set(std::move(first), std::move(second));
}

void HistogramPanel::set_magnitudes(std::optional<Magnitudes> first, std::optional<Magnitudes> second) {
  plot_->set_magnitudes(std::move(first), std::move(second));
}

bool HistogramPanel::wants_magnitudes() const { return values_->isChecked() && !plot_->has_magnitudes(); }

}  // namespace ckpt::viewer

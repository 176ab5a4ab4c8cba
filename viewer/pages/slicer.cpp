#include "slicer.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QScrollArea>
#include <QSpinBox>
#include <algorithm>
#include <limits>

#include "widgets.h"

namespace ckpt::viewer {

Slicer::Slicer(QWidget* parent) : QWidget(parent) {
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  hide();
}

void Slicer::set_plane(const Plane& plane) {
  plane_ = plane;
  rebuild();
}

void Slicer::clear() { set_plane({}); }

void Slicer::rebuild() {
  qDeleteAll(findChildren<QWidget*>(QString(), Qt::FindDirectChildrenOnly));
  const bool choice = plane_.dims.size() > 2 && !plane_.empty();
  setVisible(choice);
  if (!choice) return;
  auto* scroll = new QScrollArea;
  scroll->setWidget(make_boxes());
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  scroll->setFixedHeight(scroll->widget()->sizeHint().height() + (plane_.dims.size() > 5 ? 18 : 2));
  layout()->addWidget(scroll);
}

QWidget* Slicer::make_boxes() {
  auto* inside = new QWidget;
  auto* line = new QHBoxLayout(inside);
  line->setContentsMargins(0, 0, 0, 0);
  const auto rank = static_cast<int>(plane_.dims.size());
  const auto axis_box = [&](const QString& label, int Plane::*axis, int Plane::*other) {
    auto* box = new QComboBox;
    for (int i = 0; i < rank; ++i)
      box->addItem(tr("axis %1 (%2)").arg(i).arg(plane_.dims[static_cast<std::size_t>(i)]));
    box->setCurrentIndex(plane_.*axis);
    box->setAccessibleName(label);
    connect(box, &QComboBox::activated, this, [this, axis, other](int picked) { pick_axis(axis, other, picked); });
    line->addWidget(plain_label(label));
    line->addWidget(box);
  };
  axis_box(tr("Down:"), &Plane::row_axis, &Plane::column_axis);
  axis_box(tr("Across:"), &Plane::column_axis, &Plane::row_axis);
  for (int i = 0; i < rank; ++i) {
    if (i == plane_.row_axis || i == plane_.column_axis) continue;
    const auto axis = static_cast<std::size_t>(i);
    auto* box = new QSpinBox;
    box->setRange(0, static_cast<int>(std::min<std::int64_t>(plane_.dims[axis] - 1, std::numeric_limits<int>::max())));
    box->setValue(static_cast<int>(plane_.at[axis]));
    box->setWrapping(true);
    box->setAccessibleName(tr("Index of axis %1").arg(i));
    connect(box, &QSpinBox::valueChanged, this, [this, axis](int index) {
      plane_.at[axis] = index;
      emit changed(plane_);
    });
    line->addWidget(plain_label(tr("axis %1:").arg(i)));
    line->addWidget(box);
  }
  line->addStretch(1);
  return inside;
}

void Slicer::pick_axis(int Plane::*axis, int Plane::*other, int picked) {
  if (picked == plane_.*other) plane_.*other = plane_.*axis;  // they change places
  plane_.*axis = picked;
  // The boxes themselves are replaced: not from inside one of them.
  QMetaObject::invokeMethod(this, &Slicer::rebuild, Qt::QueuedConnection);
  emit changed(plane_);
}

}  // namespace ckpt::viewer

#pragma once

#include <QWidget>

#include "plane.h"

namespace ckpt::viewer {

/// Which plane of a tensor is looked at: the axes down and across, and a box for the index of each other one. Not
/// there where there is nothing to choose.
class Slicer : public QWidget {
  Q_OBJECT

 public:
  explicit Slicer(QWidget* parent = nullptr);
  void set_plane(const Plane& plane);
  void clear();

 signals:
  void changed(const ckpt::viewer::Plane& plane);  ///< by the user

 private:
  void rebuild();
  QWidget* make_boxes();
  void pick_axis(int Plane::*axis, int Plane::*other, int picked);

  Plane plane_ = {};
};

}  // namespace ckpt::viewer

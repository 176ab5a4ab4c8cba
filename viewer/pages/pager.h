#pragma once

#include <QWidget>

#include "plane.h"

class QPushButton;

namespace ckpt::viewer {

/// Buttons that lead from one page of a plane to the next: down, up, left, right.
class Pager : public QWidget {
  Q_OBJECT

 public:
  explicit Pager(QWidget* parent = nullptr);
  void set_page(const Plane& plane, const Window& page);

  /// "rows 0–999 of 2,500, columns 0–99 of 120"
  static QString page_text(const Plane& plane, const Window& page);

 signals:
  void moved(qint64 rows, qint64 columns);  ///< by so many elements

 private:
  QPushButton *up_, *down_, *left_, *right_;
};

/// The page of a plane that an element is in.
Window page_with(const Plane& plane, Plane::Place place);

/// A button no wider than its text; `what` says what it does.
QPushButton* small_button(const QString& text, const QString& what);

}  // namespace ckpt::viewer

#pragma once

#include <QFrame>
#include <QLabel>
#include <QString>
#include <QStyledItemDelegate>
#include <initializer_list>

class QPushButton;
class QTableView;
class QHBoxLayout;

// What pages are made of.
namespace ckpt::viewer {

/// A label that takes nothing for markup; its text can be selected.
QLabel* plain_label(const QString& text = {}, QWidget* parent = nullptr);

/// A label of one line whose middle is left out where there is no room.
class ElidedLabel : public QLabel {
  Q_OBJECT

 public:
  explicit ElidedLabel(QWidget* parent = nullptr);
  void set_text(const QString& text);
  QSize minimumSizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;
};

/// A coloured line above the pages: what is wrong with a file, and what can be done.
class Banner : public QFrame {
  Q_OBJECT

 public:
  enum class Tone { note, warning, error };

  explicit Banner(QWidget* parent = nullptr);
  void show_text(Tone tone, const QString& text);
  QString text() const;
  QPushButton* add_button(const QString& text);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void set_colors();

  Tone tone_ = Tone::note;
  QLabel* label_;
  QHBoxLayout* layout_;
};

/// Paints a share (TensorTreeModel::kShareRole) as a bar.
class ShareDelegate : public QStyledItemDelegate {
  Q_OBJECT

 public:
  using QStyledItemDelegate::QStyledItemDelegate;
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
  QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;  // of all its row
};

/// Rows are selected, sections are as wide as is sensible, and no cell wraps.
void set_up_table(QTableView& table);

/// Marks what the window remembers: the columns of a header, how a page is divided, what a box is set to.
void remember(QWidget& widget, const char* name);
/// The key it is kept by; empty for what is not remembered.
QString remembered_as(const QWidget& widget);

/// Columns as wide as the widest of some cells of any of the tables: all of one width, so that they scroll alike.
void fit_columns(std::initializer_list<QTableView*> tables);

}  // namespace ckpt::viewer

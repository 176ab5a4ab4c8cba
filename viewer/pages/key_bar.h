#pragma once

#include <QWidget>
#include <functional>

#include "ckpt/checkpoint.h"

class QComboBox;
class QLineEdit;

namespace ckpt::viewer {

class Banner;

/// Asks for the key of an encrypted file: typed in hexadecimal, or as a file. It is in memory only, and not here any
/// more once this is hidden.
class KeyBar : public QWidget {
  Q_OBJECT

 public:
  explicit KeyBar(QWidget* parent = nullptr);

  /// Shows itself and why; `use` gets key and mode each time that the user gives them.
  void ask(const QString& why, std::function<void(OpenOptions)> use);
  QString text() const;  ///< why

 signals:
  void failed(const QString& message);  ///< what was given is no key

 protected:
  void hideEvent(QHideEvent* event) override;

 private:
  void typed();
  void give(Result<Key> key);

  std::function<void(OpenOptions)> use_ = {};
  Banner* banner_;
  QLineEdit* text_;
  QComboBox* mode_;
};

}  // namespace ckpt::viewer

#pragma once

#include <gtest/gtest.h>

#include <QLineEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>
#include <string>

#include "main_window.h"
#include "tensor_page.h"
#include "tree_page.h"
#include "viewer_support.h"

namespace ckpt::test {

/// A window that a test drives as its user would.
class ViewerWindow : public testing::Test {
 protected:
  void SetUp() override { window.show(); }

  bool open(const std::string& target) {
    const QSignalSpy opened(&window, &viewer::MainWindow::opened);
    window.open(target);
    return wait_until([&] { return opened.count() > 0; }) && settle();
  }
  bool settle() {
    return wait_until([&] { return window.jobs().idle(); });
  }
  viewer::TensorPage& tensor() { return window.tree_page().tensor_page(); }
  static QPushButton* button(const QWidget& in, const QString& text) {
    for (QPushButton* one : in.findChildren<QPushButton*>())
      if (one->text().remove('&') == text) return one;
    return nullptr;
  }

  void type_key(const QString& hex) {
    for (QLineEdit* line : window.findChildren<QLineEdit*>())
      if (line->echoMode() == QLineEdit::Password && line->isVisible()) QTest::keyClicks(line, hex + "\r");
  }

  viewer::MainWindow window{nullptr};
};

}  // namespace ckpt::test

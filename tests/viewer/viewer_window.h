#pragma once

#include <gtest/gtest.h>
#include <time.h>

#include <QLineEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>
#include <algorithm>
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

/// The longest that the window's thread computed without looking at events. In time of that thread, so that a busy
/// machine does not count.
class Probe : public QObject {
 public:
  Probe() { startTimer(0); }
  double longest() const { return longest_; }

 protected:
  void timerEvent(QTimerEvent*) override {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    const double ms = static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
    if (before_ >= 0) longest_ = std::max(longest_, ms - before_);
    before_ = ms;
  }

 private:
  double before_ = -1;
  double longest_ = 0;
};

}  // namespace ckpt::test

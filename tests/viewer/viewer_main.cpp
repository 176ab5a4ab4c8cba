#include <gtest/gtest.h>

#include <QApplication>
#include <cstdio>

#include "theme.h"

namespace {

// What Qt warns of is a bug of ours: a wrong index, a thread that is not the right one, an object that is gone.
void on_message(QtMsgType type, const QMessageLogContext&, const QString& text) {
  // But for what it says of the platform without a screen.
  if (text.startsWith("This plugin does not support") || text.startsWith("QStandardPaths:")) return;
  std::fprintf(stderr, "qt: %s\n", qPrintable(text));
  if (type != QtDebugMsg && type != QtInfoMsg) ADD_FAILURE() << qPrintable(text);
}

// A widget that outlives its test belongs to nobody.
class NoWidgetsLeft : public testing::EmptyTestEventListener {
  void OnTestEnd(const testing::TestInfo&) override {
    QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
    EXPECT_TRUE(QApplication::topLevelWidgets().isEmpty());
  }
};

}  // namespace

int main(int argc, char** argv) {
  QApplication app(argc, argv);
  ckpt::viewer::set_theme(app, "light");
  testing::InitGoogleTest(&argc, argv);
  testing::UnitTest::GetInstance()->listeners().Append(new NoWidgetsLeft);
  qInstallMessageHandler(on_message);
  return RUN_ALL_TESTS();
}

// What needs an answer of the user, or takes long.
#include <gtest/gtest.h>

#include <QAction>
#include <QApplication>
#include <QDialog>
#include <QFileDialog>
#include <QImage>
#include <QLabel>
#include <QLineEdit>
#include <QMessageBox>
#include <QPushButton>
#include <QSortFilterProxyModel>
#include <QStyle>
#include <QTest>
#include <QTimer>
#include <fstream>

#include "compare_page.h"
#include "curve_plot.h"
#include "file_bytes.h"
#include "heat_map.h"
#include "main_window.h"
#include "metrics_panel.h"
#include "run_page.h"
#include "temp_dir.h"
#include "theme.h"
#include "viewer_support.h"
#include "viewer_window.h"
#include "widgets.h"
#include "wire_builder.h"

using namespace ckpt;
using namespace ckpt::test;
using namespace ckpt::viewer;

namespace {

class ViewerDialogs : public ViewerWindow {
 protected:
  void SetUp() override {
    QApplication::setAttribute(Qt::AA_DontUseNativeDialogs);
    ViewerWindow::SetUp();
  }

  // Runs what opens a file dialog, and answers that with a name; with nothing it is cancelled.
  void answer(const QString& name, const std::function<void()>& ask) {
    QTimer timer;
    int dialogs = 0;
    QObject::connect(&timer, &QTimer::timeout, &window, [&] {
      auto* dialog = qobject_cast<QFileDialog*>(QApplication::activeModalWidget());
      if (dialog == nullptr) return;
      timer.stop();
      ++dialogs;
      if (name.isEmpty()) return dialog->reject();
      dialog->findChild<QLineEdit*>("fileNameEdit")->setText(name);
      QMetaObject::invokeMethod(dialog, "accept");
    });
    timer.start(10);
    ask();
    EXPECT_EQ(dialogs, 1);
  }

  void choose(const QString& entry) {
    for (QAction* action : window.findChildren<QAction*>())
      if (action->text().remove('&') == entry) return action->trigger();
    FAIL() << "there is no " << entry.toStdString();
  }

  void choose(const QString& entry, const std::filesystem::path& name) {
    answer(QString::fromStdString(name.string()), [&] { choose(entry); });
  }
};

TEST_F(ViewerDialogs, OpenAFileAndAnotherOne) {
  choose("Open …", {});
  EXPECT_FALSE(window.file());
  choose("Compare with …");  // says what is missing, and asks for nothing
  EXPECT_TRUE(window.status_text().contains("first"));
  QSignalSpy opened(&window, &MainWindow::opened);
  choose("Open …", sample("run/mlp-1_4.ckpt"));
  ASSERT_TRUE(wait_until([&] { return opened.count() > 0; }) && settle());
  ASSERT_TRUE(window.file());
  EXPECT_EQ(window.file()->path, sample("run/mlp-1_4.ckpt"));
  choose("Compare with …", sample("run/mlp-2_4.ckpt"));
  ASSERT_TRUE(wait_until([&] { return window.compare_page().isVisible(); }) && settle());
  EXPECT_GT(window.compare_page().diffs().rowCount(), 0);
}

TEST_F(ViewerDialogs, ChooseTheMetricsOfARun) {
  const TempDir dir;
  write_file(dir / "what.csv", "step,epoch,loss\n4,1,2\n8,2,1\n");
  write_file(dir / "other.csv", "a,b\n");
  choose("Open run folder …", sample("run"));
  RunPage& page = window.run_page();
  ASSERT_TRUE(wait_until([&] { return page.model().rowCount() > 0; }));
  EXPECT_FALSE(page.metrics().isVisible());
  QPushButton* ask = button(page, "Metrics file …");
  ASSERT_TRUE(ask);
  answer({}, [&] { ask->click(); });
  answer(QString::fromStdString(dir / "what.csv"), [&] { ask->click(); });
  ASSERT_TRUE(wait_until([&] { return page.metrics().isVisible(); }));
  EXPECT_EQ(page.metrics().plot(0).marks().size(), 8U);
  answer(QString::fromStdString(dir / "other.csv"), [&] { ask->click(); });
  ASSERT_TRUE(wait_until([&] { return page.metrics().note().contains("cannot be read: is no metrics file"); }));
  EXPECT_TRUE(page.metrics().plot(0).curves().empty());
}

TEST_F(ViewerDialogs, OpenTheFolderOfARun) {
  choose("Open run folder …", {});
  EXPECT_FALSE(window.run_page().isVisible());
  choose("Open run folder …", sample("run"));
  ASSERT_TRUE(wait_until([&] { return window.run_page().model().rowCount() > 0; }));
}

TEST_F(ViewerDialogs, ExportWhatIsShown) {
  const TempDir dir;
  choose("Export as NPY …");  // nothing is selected
  EXPECT_NE(window.status_text(), "");
  ASSERT_TRUE(open(sample("good/lenet.ckpt").string() + "#conv1.weight[0,0]"));
  choose("Export as NPY …", {});
  choose("Export as NPY …", dir / "a.npy");
  ASSERT_TRUE(settle());
  EXPECT_TRUE(window.status_text().startsWith("Exported to ")) << window.status_text().toStdString();
  EXPECT_EQ(std::filesystem::file_size(dir / "a.npy"), 128U + 150 * 4);
  choose("Export slice as CSV …", dir / "a");  // becomes a.csv
  ASSERT_TRUE(settle());
  std::ifstream csv(dir / "a.csv");
  EXPECT_EQ(std::count(std::istreambuf_iterator<char>(csv), {}, '\n'), 5);
  window.show_page(Page::heat_map);
  ASSERT_TRUE(settle());
  choose("Export heat map as PNG …", dir / "a.png");
  ASSERT_TRUE(settle());
  EXPECT_EQ(QImage(QString::fromStdString((dir / "a.png").string())).size(), tensor().heat_map().figure().size());
  choose("Export as NPY …", dir / "no" / "such" / "folder.npy");
  ASSERT_TRUE(settle());
  EXPECT_TRUE(window.status_text().startsWith("Nothing was exported"));
}

TEST_F(ViewerDialogs, AnExportNeverReplacesTheFileThatIsOpen) {
  const TempDir dir;
  std::filesystem::copy_file(sample("good/lenet.ckpt"), dir / "open.npy");
  const auto size = std::filesystem::file_size(dir / "open.npy");
  ASSERT_TRUE(open((dir / "open.npy").string() + "#conv1.weight"));
  // The dialog asks whether to replace it: yes.
  QTimer timer;
  QObject::connect(&timer, &QTimer::timeout, &window, [] {
    if (auto* asks = qobject_cast<QMessageBox*>(QApplication::activeModalWidget()))
      asks->button(QMessageBox::Yes)->click();
  });
  timer.start(10);
  choose("Export as NPY …", dir / "open.npy");
  ASSERT_TRUE(settle());
  EXPECT_TRUE(window.status_text().startsWith("Nothing was exported")) << window.status_text().toStdString();
  EXPECT_EQ(std::filesystem::file_size(dir / "open.npy"), size);
}

TEST_F(ViewerDialogs, AskForAKeyFile) {
  const TempDir dir;
  ASSERT_TRUE(open(sample("good/enc_b_gcm.ckpt")));
  QPushButton* key_file = button(window, "Key file …");
  ASSERT_NE(key_file, nullptr);
  const auto click = [&] { QTest::mouseClick(key_file, Qt::LeftButton); };
  answer({}, click);
  EXPECT_TRUE(window.banner_text().contains("needs its key"));
  std::ofstream(dir / "short.key") << "abc";
  answer(QString::fromStdString((dir / "short.key").string()), click);
  EXPECT_TRUE(window.status_text().startsWith("This is no key"));
  std::string key;
  for (char byte = 0; byte < 16; ++byte) key += byte;
  std::ofstream(dir / "right.key", std::ios::binary) << key;
  QSignalSpy opened(&window, &MainWindow::opened);
  answer(QString::fromStdString((dir / "right.key").string()), click);
  ASSERT_TRUE(wait_until([&] { return opened.count() > 0; }) && settle());
  EXPECT_EQ(window.banner_text(), "");
  EXPECT_TRUE(window.file());
}

TEST_F(ViewerDialogs, ASecondFileThatIsEncryptedAsksForItsKey) {
  ASSERT_TRUE(open(sample("good/lenet.ckpt")));
  window.compare_with(sample("good/enc_b_gcm.ckpt"));
  ASSERT_TRUE(settle());
  EXPECT_TRUE(window.banner_text().contains("needs its key"));
  type_key("000102030405060708090a0b0c0d0e0f");
  ASSERT_TRUE(wait_until([&] { return window.compare_page().isVisible(); }) && settle());
  EXPECT_EQ(window.banner_text(), "");
}

// ---- cancelling ----

// A file of one tensor that is a terabyte long and takes no room: nobody reads it to its end in the time of a test.
std::filesystem::path endless_file(const TempDir& dir, const std::string& name) {
  constexpr std::uint64_t kElements = std::uint64_t{1} << 38;
  const Bytes tensor = varint_field(1, 1 << 19) + varint_field(1, 1 << 19) + bytes_field(2, "Float32") +
                       bytes_field(3, "", 4 * kElements);
  const Bytes value = bytes_field(1, "w") + bytes_field(2, tensor, tensor.size() + 4 * kElements);
  const Bytes head = bytes_field(1, value, value.size() + 4 * kElements);
  std::ofstream(dir / name, std::ios::binary) << head;
  std::filesystem::resize_file(dir / name, head.size() + 4 * kElements);
  return dir / name;
}

class ViewerCancel : public ViewerWindow {
 protected:
  // Presses Cancel as soon as it is there; the work, which would take hours, must end then.
  void cancel() {
    QPushButton* cancel = button(window, "Cancel");
    ASSERT_NE(cancel, nullptr);
    ASSERT_TRUE(wait_until([&] { return cancel->isVisible(); }));
    EXPECT_FALSE(window.jobs().idle());
    QTest::mouseClick(cancel, Qt::LeftButton);
    ASSERT_TRUE(settle());
    EXPECT_FALSE(cancel->isVisible());
  }
  void start_export(const std::filesystem::path& path) {
    QApplication::setAttribute(Qt::AA_DontUseNativeDialogs);
    QTimer timer;
    QObject::connect(&timer, &QTimer::timeout, &window, [&] {
      auto* dialog = qobject_cast<QFileDialog*>(QApplication::activeModalWidget());
      if (dialog == nullptr) return;
      timer.stop();
      dialog->findChild<QLineEdit*>("fileNameEdit")->setText(QString::fromStdString(path.string()));
      QMetaObject::invokeMethod(dialog, "accept");
    });
    timer.start(10);
    for (QAction* action : window.findChildren<QAction*>())
      if (action->text().remove('&') == "Export slice as CSV …") action->trigger();
  }
  bool open_only(const std::string& target) {
    const QSignalSpy opened(&window, &MainWindow::opened);
    window.open(target);
    return wait_until([&] { return opened.count() > 0; });
  }

  const TempDir dir;
};

TEST_F(ViewerCancel, StopsStatistics) {
  ASSERT_TRUE(open_only(endless_file(dir, "a.ckpt").string() + "#w"));
  cancel();
  EXPECT_FALSE(tensor().statistics());
  EXPECT_GT(tensor().values().rowCount(), 0) << "what was read before stays";
  bool said = false;
  for (const QLabel* label : tensor().findChildren<QLabel*>()) said |= label->text() == "Cancelled.";
  EXPECT_TRUE(said);
}

TEST_F(ViewerCancel, StopsComparing) {
  ASSERT_TRUE(open(endless_file(dir, "a.ckpt")));
  window.compare_with(endless_file(dir, "b.ckpt"));
  ASSERT_TRUE(wait_until([&] { return window.compare_page().isVisible(); }));
  cancel();
  EXPECT_EQ(window.compare_page().diffs().rowCount(), 0);
}

TEST_F(ViewerCancel, StopsReadingARun) {
  for (const std::string name : {"w-1_1.ckpt", "w-2_1.ckpt"})
    std::filesystem::permissions(endless_file(dir, name), std::filesystem::perms::owner_read);
  window.open_run(dir.path());
  cancel();
  EXPECT_EQ(window.run_page().model().rowCount(), 0);
}

TEST_F(ViewerCancel, StopsAnExportAndLeavesNothing) {
  ASSERT_TRUE(open_only(endless_file(dir, "a.ckpt").string() + "#w"));
  cancel();
  start_export(dir / "out.csv");
  cancel();
  EXPECT_TRUE(window.status_text().startsWith("Nothing was exported"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

TEST_F(ViewerCancel, ClosingDuringAnExportAsks) {
  ASSERT_TRUE(open_only(endless_file(dir, "a.ckpt").string() + "#w"));
  cancel();
  start_export(dir / "out.csv");
  ASSERT_FALSE(window.jobs().idle());
  QMessageBox::StandardButton answer = QMessageBox::No;
  QTimer timer;
  QObject::connect(&timer, &QTimer::timeout, &window, [&] {
    if (auto* asks = qobject_cast<QMessageBox*>(QApplication::activeModalWidget())) asks->button(answer)->click();
  });
  timer.start(10);
  EXPECT_FALSE(window.close());
  EXPECT_FALSE(window.jobs().idle());
  answer = QMessageBox::Yes;
  EXPECT_TRUE(window.close());
}

TEST_F(ViewerCancel, ClosingStopsWhatRuns) {
  MainWindow other(nullptr);
  other.show();
  bool opened = false;
  QObject::connect(&other, &MainWindow::opened, &window, [&] { opened = true; });
  other.open(endless_file(dir, "a.ckpt").string() + "#w");
  ASSERT_TRUE(wait_until([&] { return opened; }));
  EXPECT_FALSE(other.jobs().idle());
}

// ---- themes ----

TEST(Theme, TheSystemsComesBackAtOnce) {
  const QString style = QApplication::style()->name();
  const QColor light = QApplication::palette().color(QPalette::Window);
  set_theme(*qApp, "");
  const QPalette system = QApplication::palette();
  set_theme(*qApp, "dark");
  EXPECT_NE(QApplication::palette().color(QPalette::Window), system.color(QPalette::Window));
  MainWindow window(nullptr);
  window.show();
  set_theme(*qApp, "");
  EXPECT_EQ(QApplication::style()->name(), style);
  for (const auto role : {QPalette::Window, QPalette::WindowText, QPalette::Base, QPalette::Text, QPalette::Button})
    EXPECT_EQ(QApplication::palette().color(role), system.color(role));
  const auto has_own = [](const QWidget* widget) {
    for (; widget != nullptr; widget = widget->parentWidget())
      if (widget->testAttribute(Qt::WA_SetPalette)) return true;
    return false;
  };
  for (const Banner* banner : window.findChildren<Banner*>())
    EXPECT_GT(banner->palette().color(QPalette::Window).lightness(), 128);
  for (const QWidget* widget : window.findChildren<QWidget*>())
    if (!has_own(widget)) {
      EXPECT_EQ(widget->palette().color(QPalette::Active, QPalette::WindowText),
                system.color(QPalette::Active, QPalette::WindowText))
          << widget->metaObject()->className();
    }
  set_theme(*qApp, "light");
  EXPECT_EQ(QApplication::palette().color(QPalette::Window), light);
}

// ---- other formats ----

class ViewerFormats : public ViewerWindow {
 protected:
  // Every page of it, as somebody who looks around would.
  void look_around(const std::filesystem::path& path) {
    ASSERT_TRUE(open(path)) << path;
    ASSERT_TRUE(window.file()) << window.banner_text().toStdString();
    EXPECT_EQ(window.banner_text(), "");
    for (const TensorInfo& one : window.file()->file.tensors()) {
      window.tree_page().select(window.tree_page().model().index_of(&one));
      for (const Page page : {Page::tensor, Page::heat_map, Page::file}) {
        window.show_page(page);
        ASSERT_TRUE(settle());
        window.grab();
      }
      EXPECT_EQ(window.status_text(), "") << path << ' ' << one.name;
      EXPECT_EQ(tensor().has_values(), one.byte_size > 0) << path << ' ' << one.name;
      if (tensor().has_values()) {
        EXPECT_GT(tensor().values().rowCount(), 0);
      }
    }
    window.compare_with(path);
    ASSERT_TRUE(settle());
    EXPECT_EQ(window.compare_page().shown().rowCount(), 0) << "a file is the same as itself";
  }
  void run_python(const std::string& code) {
    const std::string command = std::string(CKPT_PYTHON) + " -c '" + code + "'";
    ASSERT_EQ(std::system(command.c_str()), 0);
  }

  const TempDir dir;
};

TEST_F(ViewerFormats, NumPy) {
  const std::string folder = dir.path().string();
  run_python("import numpy as np; np.savez(\"" + folder + "/a.npz\", w=np.arange(6.0).reshape(2, 3), " +
             "f=np.asfortranarray(np.arange(6.0).reshape(2, 3)), b=np.arange(4, dtype=\">i4\"), " +
             "c=np.array([1 + 2j]), s=np.float32(7), e=np.zeros((0, 3))); " +  //
             "np.savez_compressed(\"" + folder + "/c.npz\", w=np.ones((40, 50))); " + "np.save(\"" + folder +
             "/a.npy\", np.arange(24.0).reshape(2, 3, 4))");
  look_around(dir / "a.npz");
  EXPECT_EQ(window.file()->format, FileFormat::npz);
  EXPECT_EQ(window.file()->file.tensors().size(), 6U);
  ASSERT_TRUE(open((dir / "a.npz").string() + "#f"));
  EXPECT_EQ(tensor().values().index(1, 0).data().toString(), "3");
  ASSERT_TRUE(open((dir / "a.npz").string() + "#b"));
  EXPECT_EQ(tensor().values().index(3, 0).data().toString(), "3");
  look_around(dir / "c.npz");
  look_around(dir / "a.npy");
  EXPECT_EQ(window.file()->format, FileFormat::npy);
}

TEST_F(ViewerFormats, Safetensors) {
  const std::string head = R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},)"
                           R"("b":{"dtype":"BF16","shape":[3],"data_offsets":[16,22]},)"
                           R"("s":{"dtype":"I64","shape":[],"data_offsets":[22,30]}})";
  std::ofstream(dir / "a.safetensors", std::ios::binary)
      << little_endian(std::uint64_t{head.size()}) << head << values({1.0F, 2.0F, 3.0F, 4.0F})
      << little_endian(std::uint16_t{0x3F80}) << little_endian(std::uint16_t{0x4000})
      << little_endian(std::uint16_t{0x7FC0}) << little_endian(std::uint64_t{42});
  look_around(dir / "a.safetensors");
  EXPECT_EQ(window.file()->format, FileFormat::safetensors);
  ASSERT_TRUE(open((dir / "a.safetensors").string() + "#b"));
  EXPECT_EQ(tensor().values().index(2, 0).data().toString(), "nan");
  // One that is damaged is an error, with a sentence.
  std::filesystem::copy_file(dir / "a.safetensors", dir / "cut.safetensors");
  std::filesystem::resize_file(dir / "cut.safetensors", 40);
  ASSERT_TRUE(open(dir / "cut.safetensors"));
  EXPECT_FALSE(window.file());
  EXPECT_TRUE(window.banner_text().contains("cannot be opened"));
}

TEST_F(ViewerFormats, Onnx) {
  // ModelProto.graph.initializer, by raw bytes and by typed fields.
  const Bytes raw = varint_field(1, 2) + varint_field(1, 2) + varint_field(2, 1) + bytes_field(8, "fc.weight") +
                    bytes_field(9, values({1.0F, 2.0F, 3.0F, 4.0F}));
  const Bytes typed =
      varint_field(1, 2) + varint_field(2, 7) + bytes_field(7, varint(5) + varint(6)) + bytes_field(8, "shape");
  const Bytes graph = bytes_field(2, "g") + bytes_field(5, raw) + bytes_field(5, typed);
  std::ofstream(dir / "a.onnx", std::ios::binary)
      << varint_field(1, 8) << bytes_field(7, graph) << bytes_field(8, varint_field(2, 17));
  look_around(dir / "a.onnx");
  EXPECT_EQ(window.file()->format, FileFormat::onnx);
  ASSERT_TRUE(open((dir / "a.onnx").string() + "#shape"));
  EXPECT_EQ(tensor().values().index(1, 0).data().toString(), "6");
}

}  // namespace

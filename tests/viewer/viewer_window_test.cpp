#include "viewer_window.h"

#include <gtest/gtest.h>

#include <QAction>
#include <QApplication>
#include <QCheckBox>
#include <QClipboard>
#include <QComboBox>
#include <QDragEnterEvent>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QMenu>
#include <QMenuBar>
#include <QMimeData>
#include <QPushButton>
#include <QSettings>
#include <QSignalSpy>
#include <QSortFilterProxyModel>
#include <QSpinBox>
#include <QSplitter>
#include <QTabWidget>
#include <QTableView>
#include <QTest>
#include <QTreeView>
#include <QUrl>
#include <cmath>
#include <fstream>
#include <future>
#include <limits>
#include <list>
#include <map>
#include <set>

#include "charts.h"
#include "compare_page.h"
#include "curve_plot.h"
#include "file_bytes.h"
#include "file_page.h"
#include "heat_map.h"
#include "histogram_panel.h"
#include "main_window.h"
#include "metrics_panel.h"
#include "run_page.h"
#include "shown.h"
#include "slicer.h"
#include "temp_dir.h"
#include "tensor_page.h"
#include "tree_page.h"
#include "treemap.h"
#include "viewer_support.h"
#include "widgets.h"
#include "wire_builder.h"

using namespace ckpt;
using namespace ckpt::test;
using namespace ckpt::viewer;

namespace {

TEST_F(ViewerWindow, OpensAFileAndShowsATensor) {
  ASSERT_TRUE(open(sample("good/lenet.ckpt")));
  EXPECT_EQ(window.banner_text(), "");
  EXPECT_TRUE(window.windowTitle().contains("lenet.ckpt"));
  ASSERT_TRUE(window.tree_page().select("conv1.weight"));
  ASSERT_TRUE(settle());
  EXPECT_EQ(tensor().name(), "conv1.weight");
  EXPECT_EQ(tensor().values().rowCount(), 5);
  ASSERT_TRUE(tensor().statistics());
  EXPECT_EQ(tensor().statistics()->count, 150U);
  ASSERT_TRUE(tensor().statistics()->histogram);
  window.show_page(Page::heat_map);
  ASSERT_TRUE(settle());
  EXPECT_EQ(tensor().heat_map().picture().size(), QSize(5, 30));
  window.show_page(Page::file);
  EXPECT_EQ(window.file_page().findings().count(Severity::error), 0U);
}

TEST_F(ViewerWindow, AnAddressNamesATensorAndASlice) {
  ASSERT_TRUE(open(sample("good/lenet.ckpt").string() + "#conv2.weight[3,:,1]"));
  EXPECT_EQ(tensor().name(), "conv2.weight");
  EXPECT_EQ(tensor().slice_text(), "3,:,1,:");
  ASSERT_TRUE(open(sample("good/lenet.ckpt").string() + "#conv9.weight"));
  EXPECT_TRUE(window.status_text().contains("conv9.weight"));
}

TEST_F(ViewerWindow, EveryGoodSampleOpens) {
  for (const auto& entry : std::filesystem::directory_iterator(sample("good"))) {
    if (entry.path().extension() != ".ckpt") continue;
    ASSERT_TRUE(open(entry.path().string())) << entry.path();
    // Nothing is damaged; that MindSpore could not load some of them is another matter.
    const bool asks = window.banner_text().contains("needs its key");
    EXPECT_TRUE(asks || (window.file() && !window.file()->file.damage())) << entry.path();
    window.show_page(Page::heat_map);
    ASSERT_TRUE(settle());
  }
}

TEST_F(ViewerWindow, EveryBadSampleOpensToABannerOrFindings) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(sample("bad"))) {
    if (entry.path().extension() != ".ckpt") continue;
    ASSERT_TRUE(open(entry.path().string())) << entry.path();
    // A safetensors file is one, whatever its name says.
    EXPECT_TRUE(!window.banner_text().isEmpty() || window.file_page().findings().rowCount() > 0 ||
                entry.path().stem() == "other_safetensors")
        << entry.path();
    if (window.file() && window.file()->file.damage()) {
      EXPECT_GT(window.file_page().findings().rowCount(), 0);
    }
    window.show_page(Page::tensor);
    window.show_page(Page::heat_map);
    ASSERT_TRUE(settle());
    window.grab();
    ++files;
  }
  EXPECT_GT(files, 70);
}

TEST_F(ViewerWindow, AFindingLeadsToItsTensor) {
  ASSERT_TRUE(open(sample("bad/content_short.ckpt")));
  ASSERT_GT(window.file_page().findings().rowCount(), 0);
  EXPECT_NE(window.banner_text(), "");
  window.show_page(Page::file);
  QTableView& table = window.file_page().table();
  QTest::mouseClick(table.viewport(), Qt::LeftButton, {}, table.visualRect(table.model()->index(0, 0)).center());
  EXPECT_EQ(tensor().name(), window.file_page().findings().finding(0).tensor);
  EXPECT_TRUE(window.tree_page().isVisible());
}

TEST_F(ViewerWindow, AFindingLeadsToTheEntryThatItIsOf) {
  ASSERT_TRUE(open(sample("bad/slices_apart.ckpt")));
  const auto tensors = window.file()->file.tensors();
  ASSERT_EQ(tensors[0].name, tensors[2].name);
  const FindingModel& findings = window.file_page().findings();
  QTableView& table = window.file_page().table();
  std::set<const TensorInfo*> led_to;
  for (int row = 0; row < findings.rowCount(); ++row) {
    window.show_page(Page::file);
    const Finding& finding = findings.finding(row);
    if (finding.tensor != tensors[0].name || finding.offset == Error::kNoOffset) continue;
    emit table.activated(table.model()->index(row, 0));
    ASSERT_NE(tensor().tensor(), nullptr);
    EXPECT_EQ(tensor().tensor()->record_offset,
              finding.offset >= tensors[2].record_offset ? tensors[2].record_offset : 0)
        << finding.message;
    led_to.insert(tensor().tensor());
  }
  EXPECT_EQ(led_to.size(), 2U);
}

TEST_F(ViewerWindow, TheMapOfModulesNeedsNoMouse) {
  ASSERT_TRUE(open(sample("good/lenet.ckpt")));
  window.show_page(Page::file);
  auto& map = *window.file_page().findChild<Treemap*>();
  map.setFocus(Qt::TabFocusReason);
  QTest::keyClick(&map, Qt::Key_Home);
  const std::string current = "fc1";
  EXPECT_TRUE(map.accessibleName().contains(QString::fromStdString(current)));
  const auto labels = window.file_page().findChildren<QLabel*>();
  EXPECT_TRUE(std::ranges::any_of(labels, [&](const QLabel* label) { return label->text() == map.accessibleName(); }));
  QTest::keyClick(&map, Qt::Key_Return);
  EXPECT_EQ(tensor().name(), current);
  EXPECT_TRUE(window.tree_page().isVisible());
}

TEST_F(ViewerWindow, FiltersAsYouType) {
  ASSERT_TRUE(open(sample("good/lenet.ckpt")));
  TensorTreeModel& model = window.tree_page().model();
  const auto all = model.shown();
  QTest::keyClicks(&window.tree_page().filter(), "conv");
  EXPECT_EQ(model.shown(), 2U);
  window.tree_page().filter().setText("*.bias");
  EXPECT_GT(model.shown(), 0U);
  EXPECT_LT(model.shown(), all);
  window.tree_page().filter().setText("[");  // is being typed
  EXPECT_LT(model.shown(), all);
  EXPECT_NE(window.tree_page().filter().toolTip(), "");
  window.tree_page().filter().clear();
  EXPECT_EQ(model.shown(), all);
}

TEST_F(ViewerWindow, AFilterThatIsClearedChangedNothing) {
  ASSERT_TRUE(open(sample("good/lenet.ckpt").string() + "#conv2.weight"));
  TreePage& page = window.tree_page();
  page.view().collapse(page.model().folder_at("fc3"));
  ASSERT_TRUE(page.view().isExpanded(page.model().folder_at("conv1")));
  QTest::keyClicks(&page.filter(), "fc");
  EXPECT_TRUE(page.view().isExpanded(page.model().folder_at("fc3"))) << "what is found is to be seen";
  EXPECT_EQ(tensor().name(), "conv2.weight") << "and what was looked at still is";
  page.filter().clear();
  EXPECT_TRUE(page.view().isExpanded(page.model().folder_at("conv1")));
  EXPECT_FALSE(page.view().isExpanded(page.model().folder_at("fc3")));
  EXPECT_EQ(page.model().path_of(page.view().currentIndex()), "conv2.weight");
  // The same when the file is opened anew below a filter.
  page.filter().setText("fc1");
  const QSignalSpy opened(&window, &MainWindow::opened);
  window.reload();
  ASSERT_TRUE(wait_until([&] { return opened.count() > 0; }) && settle());
  EXPECT_EQ(tensor().name(), "conv2.weight");
  EXPECT_EQ(tensor().file(), window.file());
}

TEST_F(ViewerWindow, TheTreeOfAnotherFileIsOpenToo) {
  ASSERT_TRUE(open(sample("good/lenet.ckpt")));
  ASSERT_TRUE(open(sample("run/mlp-1_4.ckpt")));
  TreePage& page = window.tree_page();
  const QModelIndex first = page.model().index(0, 0);
  ASSERT_GT(page.model().rowCount(first), 0);
  EXPECT_TRUE(page.view().isExpanded(first));
}

TEST_F(ViewerWindow, TheFilePageIsOfTheWholeFileWhateverIsFiltered) {
  ASSERT_TRUE(open(sample("bad/content_short.ckpt")));
  window.show_page(Page::file);
  Treemap* map = window.findChild<Treemap*>();
  ASSERT_NE(map, nullptr);
  const QImage before = map->grab().toImage();
  window.tree_page().filter().setText("no such tensor");
  EXPECT_EQ(map->grab().toImage(), before);
  // What is picked here is shown there.
  QTableView& table = window.file_page().table();
  QTest::mouseClick(table.viewport(), Qt::LeftButton, {}, table.visualRect(table.model()->index(0, 0)).center());
  EXPECT_EQ(tensor().name(), window.file_page().findings().finding(0).tensor);
  EXPECT_EQ(window.tree_page().filter().text(), "");
}

TEST_F(ViewerWindow, FiltersByGroup) {
  const auto file = open_sample("good/train_momentum.ckpt");
  ASSERT_TRUE(open(sample("good/train_momentum.ckpt")));
  const auto count = [&](Group group) {
    return static_cast<std::uint64_t>(std::count(file->groups.begin(), file->groups.end(), group));
  };
  for (const auto& [index, shown] :
       {std::pair{1, count(Group::weights)}, {2, count(Group::optimizer)}, {3, count(Group::other)}}) {
    window.tree_page().group().setCurrentIndex(index);
    EXPECT_EQ(window.tree_page().model().shown(), shown);
  }
  window.tree_page().group().setCurrentIndex(0);
  EXPECT_EQ(window.tree_page().model().shown(), file->file.tensors().size());
}

TEST_F(ViewerWindow, StatisticsOfAllTensors) {
  ASSERT_TRUE(open(sample("good/lenet.ckpt")));
  window.show_page(Page::file);
  EXPECT_EQ(window.file_page().statistics().rowCount(), 0);
  window.file_page().show_statistics();
  ASSERT_TRUE(settle());
  const StatisticsModel& model = window.file_page().statistics();
  ASSERT_EQ(model.rowCount(), 8);
  EXPECT_EQ(model.tensor(0).name, "conv1.weight");
  EXPECT_EQ(model.index(0, StatisticsModel::kCount).data().toString(), "150");
  // Of another file they are computed anew.
  ASSERT_TRUE(open(sample("run/mlp-1_4.ckpt")));
  EXPECT_EQ(model.rowCount(), 17);
}

TEST_F(ViewerWindow, PagesAndJumps) {
  const TempDir dir;
  std::string values;
  for (int i = 0; i < 2500 * 120; ++i) values += test::values<std::int32_t>({i == 250'000 ? -5 : i});
  std::ofstream(dir / "big.ckpt", std::ios::binary)
      << Bytes(record().tag("w").dims({2500, 120}).type("Int32").content(values));
  ASSERT_TRUE(open((dir / "big.ckpt").string() + "#w"));
  ASSERT_TRUE(settle());
  EXPECT_EQ(tensor().values().rowCount(), 1000);
  EXPECT_EQ(tensor().values().columnCount(), 100);
  QTest::mouseClick(button(tensor(), "▼"), Qt::LeftButton);
  QTest::mouseClick(button(tensor(), "▶"), Qt::LeftButton);
  ASSERT_TRUE(settle());
  EXPECT_EQ(tensor().values().columnCount(), 20);
  EXPECT_EQ(tensor().values().index(0, 0).data().toString(), QString::number(1000 * 120 + 100));
  QTest::mouseClick(button(tensor(), "Min"), Qt::LeftButton);
  ASSERT_TRUE(settle());
  auto* table = tensor().findChild<QTableView*>();
  EXPECT_EQ(table->currentIndex().data().toString(), "-5");
  for (QLineEdit* line : tensor().findChildren<QLineEdit*>())
    if (line->placeholderText().contains("Go to")) QTest::keyClicks(line, "[7, 3]\r");
  ASSERT_TRUE(settle());
  EXPECT_EQ(table->currentIndex().data().toString(), QString::number(7 * 120 + 3));
}

TEST_F(ViewerWindow, CopiesWhatIsSelected) {
  ASSERT_TRUE(open(sample("good/lenet.ckpt").string() + "#conv1.weight"));
  const auto actions = window.tree_page().copy_actions();
  std::vector<QString> copied;
  for (QAction* action : actions) {
    action->trigger();
    copied.push_back(QGuiApplication::clipboard()->text());
  }
  EXPECT_EQ(copied[0], "conv1.weight");
  EXPECT_TRUE(copied[1].endsWith("lenet.ckpt#conv1.weight[0,0,:,:]"));
  EXPECT_TRUE(copied[2].startsWith("np.fromfile"));
  EXPECT_TRUE(copied[3].contains("std::vector<float> values(150)"));
}

TEST_F(ViewerWindow, AnEncryptedFileAsksForItsKey) {
  ASSERT_TRUE(open(sample("good/enc_b_gcm.ckpt")));
  EXPECT_TRUE(window.banner_text().contains("needs its key"));
  QLineEdit* key = nullptr;
  for (QLineEdit* line : window.findChildren<QLineEdit*>())
    if (line->echoMode() == QLineEdit::Password) key = line;
  ASSERT_NE(key, nullptr);
  ASSERT_TRUE(key->isVisible());
  QSignalSpy opened(&window, &MainWindow::opened);
  QTest::keyClicks(key, "no key\r");
  EXPECT_TRUE(window.status_text().contains("hexadecimal"));
  QTest::keyClicks(key, "000102030405060708090a0b0c0d0e0f\r");
  ASSERT_TRUE(wait_until([&] { return opened.count() > 0; }) && settle());
  EXPECT_EQ(window.banner_text(), "");
  EXPECT_FALSE(key->isVisible());
  EXPECT_EQ(key->text(), "");
  EXPECT_GT(window.tree_page().model().shown(), 0U);
}

TEST_F(ViewerWindow, AFileCanBeDropped) {
  QMimeData data;
  data.setUrls({QUrl::fromLocalFile(QString::fromStdString(sample("good/lenet.ckpt").string()))});
  QDragEnterEvent enter({5, 5}, Qt::CopyAction, &data, Qt::LeftButton, {});
  QApplication::sendEvent(&window, &enter);
  EXPECT_TRUE(enter.isAccepted());
  QSignalSpy opened(&window, &MainWindow::opened);
  QDropEvent drop({5, 5}, Qt::CopyAction, &data, Qt::LeftButton, {});
  QApplication::sendEvent(&window, &drop);
  ASSERT_TRUE(wait_until([&] { return opened.count() > 0; }));
  EXPECT_TRUE(window.file());
}

TEST_F(ViewerWindow, ADropIsACopyAndNothingIsNoDrop) {
  QMimeData promise;  // of files, and then there are none
  promise.setData("text/uri-list", "\r\n");
  QDragEnterEvent nothing({5, 5}, Qt::CopyAction, &promise, Qt::LeftButton, {});
  nothing.setAccepted(false);
  QApplication::sendEvent(&window, &nothing);
  EXPECT_FALSE(nothing.isAccepted());
  QDropEvent dropped({5, 5}, Qt::CopyAction, &promise, Qt::LeftButton, {});
  QApplication::sendEvent(&window, &dropped);
  EXPECT_TRUE(window.jobs().idle());
  QMimeData file;
  file.setUrls({QUrl::fromLocalFile(QString::fromStdString(sample("good/lenet.ckpt").string()))});
  const Qt::DropActions any = Qt::CopyAction | Qt::MoveAction | Qt::LinkAction;
  QDragEnterEvent enter({5, 5}, any, &file, Qt::LeftButton, {});
  enter.setDropAction(Qt::MoveAction);
  QApplication::sendEvent(&window, &enter);
  EXPECT_TRUE(enter.isAccepted());
  EXPECT_EQ(enter.dropAction(), Qt::CopyAction);
  QDropEvent drop({5, 5}, any, &file, Qt::LeftButton, {});
  drop.setDropAction(Qt::MoveAction);
  QApplication::sendEvent(&window, &drop);
  EXPECT_EQ(drop.dropAction(), Qt::CopyAction);
  ASSERT_TRUE(wait_until([&] { return window.file() != nullptr; }) && settle());
}

TEST_F(ViewerWindow, TwoEncryptedFilesAreComparedWhenTheirKeyIsThere) {
  const TempDir dir;
  for (const char* name : {"a.ckpt", "b.ckpt"}) std::filesystem::copy_file(sample("good/enc_b_gcm.ckpt"), dir / name);
  window.open(dir / "a.ckpt", {}, {.other = dir / "b.ckpt"});
  ASSERT_TRUE(wait_until([&] { return window.banner_text().contains("needs its key"); }));
  type_key("000102030405060708090a0b0c0d0e0f");
  ASSERT_TRUE(wait_until([&] { return window.shows(Page::compare); }) && settle());
  EXPECT_FALSE(window.lacks());
  EXPECT_EQ(window.compare_page().b()->path, dir / "b.ckpt");
}

TEST_F(ViewerWindow, TheKeyBarCanBeClosed) {
  ASSERT_TRUE(open(sample("good/enc_b_gcm.ckpt")));
  type_key("ff");  // too short: stays, to be mended
  QLineEdit* key = nullptr;
  for (QLineEdit* line : window.findChildren<QLineEdit*>())
    if (line->echoMode() == QLineEdit::Password) key = line;
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(key->text(), "ff");
  QTest::mouseClick(button(window, "Close"), Qt::LeftButton);
  EXPECT_FALSE(key->isVisible());
  EXPECT_EQ(key->text(), "");
}

TEST_F(ViewerWindow, WhatCannotBeReadIsNotShown) {
  const TempDir dir;
  std::ofstream(dir / "a.ckpt", std::ios::binary)
      << Bytes(record().tag("w").dims({2500, 120}).type("Int32").content(std::string(2500 * 120 * 4, 'x')));
  ASSERT_TRUE(open((dir / "a.ckpt").string() + "#w"));
  ASSERT_GT(tensor().values().rowCount(), 0);
  std::filesystem::resize_file(dir / "a.ckpt", 1000);
  QTest::mouseClick(button(tensor(), "▼"), Qt::LeftButton);
  ASSERT_TRUE(settle());
  EXPECT_EQ(tensor().values().rowCount(), 0) << "the page before is not this one";
  EXPECT_TRUE(window.status_text().contains("cannot be read"));
}

TEST_F(ViewerWindow, AReloadThatFailsLosesNothing) {
  const TempDir dir;
  std::filesystem::copy_file(sample("good/lenet.ckpt"), dir / "a.ckpt");
  ASSERT_TRUE(open((dir / "a.ckpt").string() + "#conv1.weight"));
  std::filesystem::remove(dir / "a.ckpt");
  ASSERT_TRUE(wait_until([&] { return window.banner_text().contains("not there any more"); }));
  EXPECT_FALSE(button(window, "Reload")->isVisible());
  const QSignalSpy opened(&window, &MainWindow::opened);
  window.reload();
  ASSERT_TRUE(wait_until([&] { return opened.count() > 0; }));
  EXPECT_TRUE(window.file());
  EXPECT_EQ(tensor().name(), "conv1.weight");
  EXPECT_TRUE(window.banner_text().contains("cannot be opened"));
}

TEST_F(ViewerWindow, AFileThatGoesAwayStaysReadable) {
  const TempDir dir;
  std::filesystem::copy_file(sample("good/lenet.ckpt"), dir / "a.ckpt");
  ASSERT_TRUE(open(dir / "a.ckpt"));
  std::filesystem::remove(dir / "a.ckpt");
  ASSERT_TRUE(wait_until([&] { return !window.banner_text().isEmpty(); }));
  ASSERT_TRUE(window.tree_page().select("conv2.weight"));
  ASSERT_TRUE(settle());
  EXPECT_GT(tensor().values().rowCount(), 0);
  EXPECT_EQ(window.status_text(), "");
}

TEST_F(ViewerWindow, AFileThatIsReplacedOffersToReload) {
  const TempDir dir;
  std::filesystem::copy_file(sample("good/lenet.ckpt"), dir / "a.ckpt");
  ASSERT_TRUE(open(dir / "a.ckpt"));
  ASSERT_TRUE(window.tree_page().select("conv2.weight"));
  ASSERT_TRUE(settle());
  std::filesystem::copy_file(sample("good/lenet.ckpt"), dir / "b.ckpt");
  std::filesystem::rename(dir / "b.ckpt", dir / "a.ckpt");
  ASSERT_TRUE(wait_until([&] { return !window.banner_text().isEmpty(); }));
  QSignalSpy opened(&window, &MainWindow::opened);
  QTest::mouseClick(button(window, "Reload"), Qt::LeftButton);
  ASSERT_TRUE(wait_until([&] { return opened.count() > 0; }) && settle());
  EXPECT_EQ(window.banner_text(), "");
  EXPECT_EQ(tensor().name(), "conv2.weight");
  EXPECT_EQ(tensor().file(), window.file());
  // The place in it, too.
  ASSERT_TRUE(tensor().show_slice("3,2,:,:"));
  ASSERT_TRUE(settle());
  auto* table = tensor().findChild<QTableView*>();
  table->setCurrentIndex(table->model()->index(4, 1));
  opened.clear();
  window.reload();
  ASSERT_TRUE(wait_until([&] { return opened.count() > 0; }) && settle());
  EXPECT_EQ(tensor().slice_text(), "3,2,:,:");
  EXPECT_EQ(table->currentIndex(), table->model()->index(4, 1));
}

TEST_F(ViewerWindow, WhatCanBeCopiedOfAFolderIsItsName) {
  ASSERT_TRUE(open(sample("good/lenet.ckpt")));
  TreePage& page = window.tree_page();
  page.select(page.model().folder_at("conv1"));
  const auto actions = page.copy_actions();
  for (QAction* action : actions) EXPECT_EQ(action->isEnabled(), action == actions.first());
  actions.first()->trigger();
  EXPECT_EQ(QGuiApplication::clipboard()->text(), "conv1");
  page.select(page.model().folder_at("fc1"));
  actions.first()->trigger();
  EXPECT_EQ(QGuiApplication::clipboard()->text(), "fc1");
  ASSERT_TRUE(open(sample("run/mlp-1_4.ckpt")));  // which has no such folder
  for (QAction* action : actions) EXPECT_FALSE(action->isEnabled());
}

TEST_F(ViewerWindow, AFileThatIsRewrittenInPlaceIsNoticed) {
  const TempDir dir;
  std::filesystem::copy_file(sample("good/lenet.ckpt"), dir / "a.ckpt");
  std::filesystem::permissions(dir / "a.ckpt", std::filesystem::perms::owner_all);
  ASSERT_TRUE(open(dir / "a.ckpt"));
  std::ofstream(dir / "a.ckpt", std::ios::binary | std::ios::trunc) << "short";
  ASSERT_TRUE(window.tree_page().select("fc1.weight"));
  ASSERT_TRUE(settle());
  EXPECT_NE(window.status_text(), "");
  EXPECT_TRUE(wait_until([&] { return !window.banner_text().isEmpty(); }));
}

TEST_F(ViewerWindow, TakesNoNameForMarkup) {
  const TempDir dir;
  std::ofstream(dir / "a.ckpt", std::ios::binary)
      << Bytes(record().tag("<img src=x>").dims({1}).type("<b>").content("abcd"))
      << Bytes(record().tag(std::string(4000, 'n') + "\n\x1b").dims({1}).type("Float32").content("abcd"));
  ASSERT_TRUE(open(dir / "a.ckpt"));
  for (const TensorInfo& one : window.file()->file.tensors()) {
    window.tree_page().select(window.tree_page().model().index_of(&one));
    ASSERT_TRUE(settle());
    EXPECT_LE(window.minimumSizeHint().width(), 1400);
  }
  for (const QLabel* label : window.findChildren<QLabel*>()) EXPECT_EQ(label->textFormat(), Qt::PlainText);
}

// The letters that work with Alt now, each with what has it.
std::map<QChar, QStringList> letters_of(const MainWindow& window) {
  std::map<QChar, QStringList> letters;
  const auto note = [&](const QString& text) {
    const QKeySequence keys = QKeySequence::mnemonic(text);
    if (!keys.isEmpty()) letters[QChar(keys[0].key())] << text;
  };
  for (const QAction* action : window.menuBar()->actions()) note(action->text());
  for (const QAbstractButton* one : window.findChildren<QAbstractButton*>())
    if (one->isVisible()) note(one->text());
  for (const QTabWidget* tabs : window.findChildren<QTabWidget*>())
    for (int i = 0; tabs->isVisible() && i < tabs->count(); ++i)
      if (tabs->isTabVisible(i)) note(tabs->tabText(i));
  return letters;
}

TEST_F(ViewerWindow, NoTwoThingsHaveOneLetter) {
  const auto look = [&](const char* where) {
    for (const auto& [letter, texts] : letters_of(window))
      EXPECT_EQ(texts.size(), 1) << where << ": " << texts.join(", ").toStdString();
  };
  for (const QMenu* menu : window.menuBar()->findChildren<QMenu*>()) {
    std::map<QChar, int> letters;
    for (const QAction* action : menu->actions())
      if (const QKeySequence keys = QKeySequence::mnemonic(action->text()); !keys.isEmpty()) {
        EXPECT_EQ(++letters[QChar(keys[0].key())], 1) << action->text().toStdString();
      }
  }
  window.open_run(sample("run"));
  ASSERT_TRUE(open(sample("bad/cut_in_content.ckpt")));
  window.compare_with(sample("good/enc_b_gcm.ckpt"));  // asks for a key
  ASSERT_TRUE(settle());
  window.show_page(Page::tensor);
  for (const auto tab : {TensorPage::kValues, TensorPage::kStatistics, TensorPage::kHeatMap}) {
    tensor().show_tab(tab);
    look("tensor");
  }
  ASSERT_TRUE(open(sample("good/lenet.ckpt").string() + "#conv1.weight"));
  window.show_page(Page::heat_map);
  look("tiles");
  window.show_page(Page::file);
  look("file");
  window.compare_with(sample("run/mlp-1_4.ckpt"));
  ASSERT_TRUE(settle());
  for (QTabWidget* tabs : window.compare_page().findChildren<QTabWidget*>())
    for (int i = 0; i < tabs->count(); ++i) {
      tabs->setCurrentIndex(i);
      look("compare");
    }
}

TEST_F(ViewerWindow, EveryControlHasANameForThoseWhoDoNotSeeIt) {
  for (const QWidget* widget : window.findChildren<QWidget*>()) {
    if (widget->focusPolicy() == Qt::NoFocus || widget->objectName().startsWith("qt_")) continue;
    const auto* push = qobject_cast<const QAbstractButton*>(widget);
    const bool named = !widget->accessibleName().isEmpty() || (push != nullptr && !push->text().isEmpty());
    const QString kind = widget->metaObject()->className();
    if (kind == "QTabBar" || kind == "QTabWidget" || kind == "QMenuBar" || kind == "QScrollArea") continue;
    if (kind == "QComboBoxListView") continue;  // part of a box that has a name
    EXPECT_TRUE(named || qobject_cast<const QLabel*>(widget) != nullptr) << kind.toStdString();
  }
}

TEST_F(ViewerWindow, ComparesTwoFilesAsTheCommandDoes) {
  ASSERT_TRUE(open(sample("run/mlp-1_4.ckpt")));
  window.compare_with(sample("run/mlp-8_4.ckpt"));
  ASSERT_TRUE(settle());
  ComparePage& page = window.compare_page();
  ASSERT_TRUE(page.isVisible());
  const auto expected = diff(window.file()->file, open_sample("run/mlp-8_4.ckpt")->file);
  ASSERT_TRUE(expected);
  EXPECT_EQ(page.diffs().rowCount(), static_cast<int>(expected->size()));
  const auto changed =
      std::count_if(expected->begin(), expected->end(), [](const TensorDiff& d) { return differs(d); });
  ASSERT_GT(changed, 0);
  EXPECT_EQ(page.shown().rowCount(), changed);
  // The most changed comes first.
  const auto update = [&](int row) { return page.shown().index(row, 0).siblingAtColumn(DiffModel::kUpdate); };
  for (int row = 1; row < page.shown().rowCount(); ++row)
    EXPECT_GE(update(row - 1).data(DiffModel::kSortRole).toDouble(), update(row).data(DiffModel::kSortRole).toDouble());
  // Values beside each other, with what differs marked.
  ASSERT_GT(page.values_a().rowCount(), 0);
  EXPECT_EQ(page.values_a().rowCount(), page.values_b().rowCount());
  EXPECT_EQ(page.values_a().index(0, 0).data() != page.values_b().index(0, 0).data(),
            page.values_a().index(0, 0).data(Qt::BackgroundRole).isValid());
  for (QTabWidget* tabs : page.findChildren<QTabWidget*>())
    for (int tab = 0; tab < tabs->count(); ++tab) {
      tabs->setCurrentIndex(tab);
      ASSERT_TRUE(settle());
    }
  EXPECT_FALSE(page.heat_map().picture().isNull());
  // With a tolerance that allows everything nothing is left.
  page.set_tolerance("1e9", "1e9");
  ASSERT_TRUE(wait_until([&] { return page.diffs().rowCount() > 0 && page.shown().rowCount() == 0; }));
  EXPECT_TRUE(page.heat_map().picture().isNull()) << "of what is not there any more";
  EXPECT_TRUE(page.histogram().plot().bars(0).empty());
}

TEST_F(ViewerWindow, AComparisonIsReloadedAndEndsWithItsFile) {
  const TempDir dir;
  for (const std::string name : {"mlp-1_4.ckpt", "mlp-2_4.ckpt"})
    std::filesystem::copy_file(sample("run/" + name), dir / name);
  ASSERT_TRUE(open(dir / "mlp-1_4.ckpt"));
  window.compare_with(dir / "mlp-2_4.ckpt");
  ASSERT_TRUE(settle());
  ComparePage& page = window.compare_page();
  ASSERT_GT(page.shown().rowCount(), 1);
  page.select(1);
  const QVariant selected = page.table().currentIndex().siblingAtColumn(DiffModel::kName).data();
  std::filesystem::remove(dir / "mlp-2_4.ckpt");
  std::filesystem::copy_file(sample("run/mlp-8_4.ckpt"), dir / "mlp-2_4.ckpt");
  ASSERT_TRUE(wait_until([&] { return window.banner_text().contains("mlp-2_4.ckpt has changed"); }));
  const FilePtr before = page.b();
  window.reload();
  ASSERT_TRUE(wait_until([&] { return page.b() != nullptr && page.b() != before; }) && settle());
  EXPECT_TRUE(window.shows(Page::compare));
  EXPECT_EQ(page.table().currentIndex().siblingAtColumn(DiffModel::kName).data(), selected);
  EXPECT_EQ(window.banner_text(), "");
  // Another file is not compared with it unasked.
  ASSERT_TRUE(open(sample("good/lenet.ckpt")));
  EXPECT_FALSE(page.isVisible());
  EXPECT_EQ(page.b(), nullptr);
}

TEST_F(ViewerWindow, ComparesSlicesOfAnyRank) {
  const TempDir dir;
  // Two differences: one in slice [0, 1], one in the last.
  std::string a;
  std::string b;
  for (int i = 0; i < 2 * 3 * 4 * 5; ++i) {
    a += values({static_cast<float>(i)});
    b += values({static_cast<float>(i) + (i == 27 ? 0.5F : i == 119 ? 2.0F : 0.0F)});
  }
  for (const auto& [name, bytes] : {std::pair{"a.ckpt", a}, {"b.ckpt", b}})
    std::ofstream(dir / name, std::ios::binary)
        << Bytes(record().tag("w").dims({2, 3, 4, 5}).type("Float32").content(bytes));
  ASSERT_TRUE(open(dir / "a.ckpt"));
  window.compare_with(dir / "b.ckpt");
  ASSERT_TRUE(settle());
  ComparePage& page = window.compare_page();
  ASSERT_EQ(page.shown().rowCount(), 1);
  // It begins where they are farthest apart.
  EXPECT_EQ(page.plane().slice_text(), "1,2,:,:");
  EXPECT_TRUE(page.place_text().startsWith("[1, 2, 3, 4]")) << page.place_text().toStdString();
  EXPECT_TRUE(page.place_text().contains("A = 119, B = 121"));
  // The next one, from the start again.
  page.go_to_next_difference();
  ASSERT_TRUE(settle());
  EXPECT_EQ(page.plane().slice_text(), "0,1,:,:");
  EXPECT_TRUE(page.place_text().startsWith("[0, 1, 1, 2]"));
  int marked = 0;
  for (int row = 0; row < page.values_a().rowCount(); ++row)
    for (int column = 0; column < page.values_a().columnCount(); ++column)
      marked += page.values_b().index(row, column).data(Qt::BackgroundRole).isValid();
  EXPECT_EQ(marked, 1);
  // Other axes, and another slice.
  const auto boxes = page.slicer().findChildren<QComboBox*>();
  ASSERT_EQ(boxes.size(), 2);
  boxes[0]->setCurrentIndex(0);
  emit boxes[0]->activated(0);
  ASSERT_TRUE(settle());
  EXPECT_EQ(page.plane().slice_text(), ":,1,1,:");
  EXPECT_EQ(page.values_a().rowCount(), 2);
  ASSERT_TRUE(wait_until([&] { return page.slicer().findChildren<QSpinBox*>().size() == 2; }));
  for (QSpinBox* box : page.slicer().findChildren<QSpinBox*>()) box->setValue(box->maximum());
  ASSERT_TRUE(settle());
  EXPECT_EQ(page.plane().slice_text(), ":,2,3,:");
  EXPECT_EQ(page.values_b().index(1, 4).data().toString(), "121");
  // Within the tolerance a difference is another colour, and none to be gone to.
  const QSignalSpy compared(&page.diffs(), &QAbstractItemModel::modelReset);
  page.set_tolerance("1", "0");
  ASSERT_TRUE(wait_until([&] { return compared.count() == 1; }) && settle());
  page.go_to_next_difference();
  ASSERT_TRUE(settle());
  EXPECT_TRUE(page.place_text().startsWith("[1, 2, 3, 4]"));
}

TEST_F(ViewerWindow, MarksAndDifferencesAreThoseOfTheCommand) {
  const TempDir dir;
  constexpr std::int64_t kLarge = std::int64_t{1} << 60;
  const auto write = [&](const char* name, const std::string& complex, const std::string& longs, const char* bools) {
    std::ofstream(dir / name, std::ios::binary)
        << Bytes(record().tag("c").dims({1, 2}).type("Complex64").content(complex)) +
               Bytes(record().tag("i").dims({1, 4}).type("Int64").content(longs)) +
               Bytes(record().tag("b").dims({1, 3}).type("Bool").content(std::string(bools, 3)));
  };
  write("a.ckpt", values({1.0F, 0.0F, 3.0F, 4.0F}), values<std::int64_t>({kLarge, kLarge, 5, 7}), "\1\1\0");
  write("b.ckpt", values({0.0F, 1.0F, 3.0F, 4.0F}), values<std::int64_t>({kLarge + 1, kLarge, 6, 70}), "\1\2\0");
  ASSERT_TRUE(open(dir / "a.ckpt"));
  window.compare_with(dir / "b.ckpt");
  ASSERT_TRUE(settle());
  ComparePage& page = window.compare_page();
  auto* tabs = page.findChild<QTabWidget*>();
  tabs->setCurrentIndex(2);
  page.findChild<QCheckBox*>()->setChecked(false);  // what does not differ, too
  const auto row_of = [&](const QString& name) {
    for (int row = 0; row < page.shown().rowCount(); ++row)
      if (page.shown().index(row, DiffModel::kName).data() == name) return row;
    return -1;
  };
  const auto marked = [&] {
    std::vector<int> places;
    for (int column = 0; column < page.values_a().columnCount(); ++column)
      if (page.values_a().index(0, column).data(Qt::BackgroundRole).isValid()) places.push_back(column);
    return places;
  };
  page.select(row_of("c"));
  ASSERT_TRUE(settle());
  ASSERT_EQ(page.heat_map().grid().values.size(), 2U);
  EXPECT_NEAR(page.heat_map().grid().values[0], std::sqrt(2.0), 1e-12);
  EXPECT_EQ(marked(), std::vector{0});
  page.select(row_of("b"));
  ASSERT_TRUE(settle());
  EXPECT_EQ(marked(), std::vector<int>()) << "true is true, whatever its byte";
  page.select(row_of("i"));
  ASSERT_TRUE(settle());
  EXPECT_EQ(page.heat_map().grid().values, (std::vector<double>{1, 0, 1, 63}));
  EXPECT_EQ(marked(), (std::vector{0, 2, 3}));
  // What is selected stays so, also while it is compared anew, and so does where it is looked at.
  const QSignalSpy resets(&page.values_a(), &QAbstractItemModel::modelReset);
  page.set_tolerance("2", "");
  EXPECT_EQ(page.diffs().rowCount(), 3);
  ASSERT_TRUE(wait_until([&] {
    return !page.values_a().index(0, 1).data(Qt::BackgroundRole).isValid() &&
           page.values_a().index(0, 0).data(Qt::BackgroundRole) != page.values_a().index(0, 3).data(Qt::BackgroundRole);
  }));
  EXPECT_EQ(page.table().currentIndex().siblingAtColumn(DiffModel::kName).data(), "i");
  EXPECT_EQ(page.values_a().index(0, 0).data(Qt::BackgroundRole), page.values_a().index(0, 2).data(Qt::BackgroundRole));
  EXPECT_EQ(resets.count(), 0) << "only marks are others";
  page.go_to_next_difference();
  ASSERT_TRUE(settle());
  EXPECT_TRUE(page.place_text().startsWith("[0, 3]")) << "the only one out of the tolerance";
  // On the way to 1e-3 there is no other tolerance.
  const QSignalSpy compared(&page.diffs(), &QAbstractItemModel::modelReset);
  page.set_tolerance("1e", "");
  QTest::qWait(600);
  ASSERT_TRUE(settle());
  EXPECT_EQ(compared.count(), 0);
  page.set_tolerance("1e-3", "");
  ASSERT_TRUE(wait_until([&] { return compared.count() == 1; }) && settle());
  EXPECT_EQ(marked(), (std::vector{0, 2, 3}));
}

TEST_F(ViewerWindow, HistogramsByMagnitude) {
  const TempDir dir;
  std::ofstream(dir / "a.ckpt", std::ios::binary) << Bytes(record().tag("w").dims({8}).type("Float32").content(
      values({0.0F, -0.0F, 1e-6F, 2e-6F, -1e-3F, 1.0F, 1000.0F, std::numeric_limits<float>::quiet_NaN()})));
  ASSERT_TRUE(open((dir / "a.ckpt").string() + "#w"));
  HistogramPanel& panel = tensor().histogram();
  tensor().show_tab(TensorPage::kStatistics);
  const auto sum = [&](double low, double high) {
    std::uint64_t count = 0;
    for (const auto& bar : panel.plot().bars(0))
      if (bar.low >= low && bar.high <= high) count += bar.count;
    return count;
  };
  EXPECT_EQ(sum(-HUGE_VAL, HUGE_VAL), 7U);
  panel.logarithmic_values().setChecked(true);
  ASSERT_TRUE(settle());
  EXPECT_EQ(sum(0, 0), 2U) << "zeros have their own bar";
  EXPECT_EQ(sum(1e-7, 1e-5), 2U);
  EXPECT_EQ(sum(-1e-2, -1e-4), 1U);
  EXPECT_EQ(sum(0.5, 2000), 2U);
  EXPECT_EQ(sum(-HUGE_VAL, HUGE_VAL), 7U) << "NaN is in none";
  // From left to right, without gaps.
  const auto& bars = panel.plot().bars(0);
  EXPECT_NEAR(bars.front().from, 0, 1e-9);
  EXPECT_NEAR(bars.back().to, 1, 1e-9);
  for (std::size_t i = 1; i < bars.size(); ++i) EXPECT_NEAR(bars[i].from, bars[i - 1].to, 1e-9);
  // It stays so for the next tensor.
  ASSERT_TRUE(open(sample("good/lenet.ckpt").string() + "#conv1.weight"));
  EXPECT_EQ(sum(-HUGE_VAL, HUGE_VAL), 150U);
}

TEST_F(ViewerWindow, PairsByHand) {
  const TempDir dir;
  std::ofstream(dir / "a.ckpt", std::ios::binary)
      << Bytes(record().tag("x").dims({1}).type("Float32").content(values({1.0F})));
  std::ofstream(dir / "b.ckpt", std::ios::binary)
      << Bytes(record().tag("unlike.it").dims({1}).type("Float32").content(values({77.0F})));
  ASSERT_TRUE(open(dir / "a.ckpt"));
  window.compare_with(dir / "b.ckpt");
  ASSERT_TRUE(settle());
  EXPECT_EQ(window.compare_page().diffs().rowCount(), 2);
  window.compare_page().pair("x", "unlike.it");
  ASSERT_TRUE(settle());
  ASSERT_EQ(window.compare_page().diffs().rowCount(), 1);
  EXPECT_EQ(window.compare_page().diffs().diff(0).metrics->max_abs, 76);
  window.compare_page().separate("x", "unlike.it");
  ASSERT_TRUE(settle());
  EXPECT_EQ(window.compare_page().diffs().rowCount(), 2);
  window.compare_page().pair("x", "unlike.it");
  ASSERT_TRUE(settle());
  EXPECT_EQ(window.compare_page().diffs().rowCount(), 1);
}

// What the menu of the row that is selected has; the one that is asked for is chosen.
QStringList row_menu(ComparePage& page, const QString& choose) {
  emit page.table().customContextMenuRequested({5, 5});
  QStringList texts;
  QAction* chosen = nullptr;
  for (QMenu* menu : page.findChildren<QMenu*>()) {
    for (QAction* action : menu->actions()) {
      texts << action->text().remove('&');
      if (texts.back() == choose) chosen = action;
    }
    menu->hide();
  }
  if (chosen != nullptr) chosen->trigger();
  return texts;
}

TEST_F(ViewerWindow, WhatWasPairedByProposalIsSeparatedAgain) {
  const TempDir dir;
  const auto file = [&](const char* path, const char* name, float first) {
    std::ofstream(dir / path, std::ios::binary)
        << Bytes(record().tag(name).dims({3}).type("Float32").content(values({first, 2.0F, 3.0F})))
        << Bytes(record().tag("same").dims({1}).type("Float32").content(values({1.0F})));
  };
  file("a.ckpt", "old", 1.0F);
  file("b.ckpt", "new", 1.0F);
  ASSERT_TRUE(open(dir / "a.ckpt"));
  window.compare_with(dir / "b.ckpt");
  ASSERT_TRUE(settle());
  ComparePage& page = window.compare_page();
  ASSERT_EQ(page.diffs().rowCount(), 2);  // its bytes say that it is the same
  ASSERT_EQ(page.shown().rowCount(), 1);
  page.select(0);
  EXPECT_EQ(row_menu(page, "Separate again"), QStringList{"Separate again"});
  ASSERT_TRUE(settle());
  ASSERT_EQ(page.diffs().rowCount(), 3);
  std::set<Change> changes;
  for (int row = 0; row < 3; ++row) changes.insert(page.diffs().diff(row).change);
  EXPECT_EQ(changes, (std::set{Change::identical, Change::added, Change::removed}));
  // It stays so with another tolerance, and can be paired again.
  page.set_tolerance("0.5", "");
  QTest::qWait(400);
  ASSERT_TRUE(settle());
  ASSERT_EQ(page.diffs().rowCount(), 3);
  page.select(0);
  EXPECT_EQ(row_menu(page, "new").size(), 2) << "a heading and a candidate";
  if (page.diffs().rowCount() == 3) row_menu(page, "old");
  ASSERT_TRUE(settle());
  ASSERT_EQ(page.diffs().rowCount(), 2);
  // What has one name in both is no proposal.
  for (QCheckBox* box : page.findChildren<QCheckBox*>())
    if (box->text().remove('&') == "Differences only") box->setChecked(false);
  for (int row = 0; row < page.shown().rowCount(); ++row)
    if (page.shown().index(row, DiffModel::kName).data().toString() == "same") page.select(row);
  EXPECT_EQ(row_menu(page, {}), QStringList{});
}

TEST_F(ViewerWindow, WatchesARun) {
  const TempDir dir;
  for (int epoch = 1; epoch <= 4; ++epoch) {
    const std::string name = "mlp-" + std::to_string(epoch) + "_4.ckpt";
    std::filesystem::copy_file(sample("run/" + name), dir / name);
    std::filesystem::permissions(dir / name, std::filesystem::perms::owner_read);
  }
  ASSERT_TRUE(open(dir.path()));
  RunPage& page = window.run_page();
  ASSERT_TRUE(page.isVisible());
  ASSERT_TRUE(wait_until([&] { return page.model().run()->files.size() == 4; }));
  page.table().setCurrentIndex(page.table().model()->index(2, 0));
  const QVariant selected = page.table().currentIndex().data();
  // One that lands: being written as long as it can be written to and has just been.
  std::filesystem::copy_file(sample("run/mlp-5_4.ckpt"), dir / "mlp-5_4.ckpt");
  std::filesystem::permissions(dir / "mlp-5_4.ckpt", std::filesystem::perms::owner_all);
  std::filesystem::last_write_time(dir / "mlp-5_4.ckpt",
                                   std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  ASSERT_TRUE(wait_until([&] { return page.entries().size() == 5; }));
  EXPECT_FALSE(page.entries()[4].complete);
  EXPECT_TRUE(page.files().item(4)->text().contains("being written"));
  EXPECT_EQ(page.model().run()->files.size(), 4U);
  std::filesystem::permissions(dir / "mlp-5_4.ckpt", std::filesystem::perms::owner_read);
  ASSERT_TRUE(wait_until([&] { return page.model().run()->files.size() == 5; }));
  EXPECT_EQ(page.files().item(4)->text(), "mlp-5_4.ckpt");
  EXPECT_EQ(page.table().currentIndex().data(), selected);
  // A damaged one takes no part, and stops nothing.
  std::filesystem::copy_file(sample("bad/cut_in_content.ckpt"), dir / "mlp-6_4.ckpt");
  std::filesystem::permissions(dir / "mlp-6_4.ckpt", std::filesystem::perms::owner_read);
  ASSERT_TRUE(wait_until([&] { return page.entries().size() == 6; }));
  ASSERT_TRUE(settle());
  EXPECT_EQ(page.model().run()->files.size(), 5U);
  EXPECT_TRUE(page.files().item(5)->text().contains("left out"));
  EXPECT_TRUE(page.files().item(5)->toolTip().contains("truncated"));
}

TEST_F(ViewerWindow, TheMapOfARunIsItsTable) {
  const TempDir dir;
  for (const auto& [from, to] : {std::pair{"mlp-1_4.ckpt", "mlp-1_4.ckpt"},
                                 {"mlp-1_4.ckpt", "mlp-2_4.ckpt"},  // in which nothing moved
                                 {"mlp-8_4.ckpt", "mlp-3_4.ckpt"}}) {
    std::filesystem::copy_file(sample(std::string("run/") + from), dir / to);
    std::filesystem::permissions(dir / to, std::filesystem::perms::owner_read);
  }
  ASSERT_TRUE(open(dir.path()));
  RunPage& page = window.run_page();
  ASSERT_TRUE(wait_until([&] { return page.model().run()->files.size() == 3; }) && settle());
  const HeatMap& map = page.map();
  ASSERT_EQ(map.picture().size(), QSize(3, page.model().rowCount()));
  EXPECT_NE(map.picture().pixel(0, 0), kNonFiniteColor) << "nothing can be an update in the first";
  EXPECT_EQ(map.picture().pixel(1, 0), kNonFiniteColor) << "frozen";
  EXPECT_NE(map.picture().pixel(2, 0), kNonFiniteColor);
  emit page.map().clicked(3, 1);
  EXPECT_EQ(page.table().currentIndex().row(), 3);
  const std::string name = page.model().tensor(3).name;
  page.table().sortByColumn(RunModel::kUpdate, Qt::DescendingOrder);
  EXPECT_EQ(page.model().tensor(page.table().currentIndex().row()).name, name);
  const int rows = page.model().rowCount();
  for (int row = 1; row < rows; ++row)
    EXPECT_GE(map.grid().at(row - 1, 2), map.grid().at(row, 2)) << "as the table is sorted";
}

TEST_F(ViewerWindow, ShowsTheRunThatIsPicked) {
  const TempDir dir;
  for (int epoch = 1; epoch <= 4; ++epoch) {
    const std::string name = "-" + std::to_string(epoch) + "_4.ckpt";
    for (const std::string prefix : {"a", "b"}) {
      if (prefix == "b" && epoch > 2) continue;
      std::filesystem::copy_file(sample("run/mlp" + name), dir / (prefix + name));
      std::filesystem::permissions(dir / (prefix + name), std::filesystem::perms::owner_all);
      std::filesystem::last_write_time(dir / (prefix + name), std::filesystem::file_time_type::clock::now() -
                                                                  std::chrono::hours(prefix == "b" ? 1 : 2));
    }
  }
  ASSERT_TRUE(open(dir.path()));
  RunPage& page = window.run_page();
  ASSERT_TRUE(wait_until([&] { return page.model().run()->files.size() == 2; }));
  EXPECT_TRUE(page.runs().isVisible());
  EXPECT_EQ(page.runs().count(), 2);
  EXPECT_TRUE(page.runs().currentText().startsWith("b ("));
  page.runs().setFocus();
  QTest::keyClick(&page.runs(), Qt::Key_Up);
  ASSERT_TRUE(wait_until([&] { return page.model().run()->files.size() == 4; }));
  EXPECT_EQ(page.files().count(), 4);
  // The choice stays when another run has news.
  std::filesystem::copy_file(sample("run/mlp-3_4.ckpt"), dir / "b-3_4.ckpt");
  ASSERT_TRUE(wait_until([&] { return page.runs().itemText(1).contains("3"); }));
  EXPECT_EQ(page.runs().currentIndex(), 0);
  EXPECT_EQ(page.files().count(), 4);
}

TEST_F(ViewerWindow, ARunHasTheCurvesOfItsMetrics) {
  const TempDir dir;
  for (int epoch = 1; epoch <= 3; ++epoch) {
    const std::string name = "mlp-" + std::to_string(epoch) + "_4.ckpt";
    std::filesystem::copy_file(sample("run/" + name), dir / name);
    std::filesystem::permissions(dir / name, std::filesystem::perms::owner_read);
  }
  ASSERT_TRUE(open(dir.path()));
  RunPage& page = window.run_page();
  MetricsPanel& panel = page.metrics();
  ASSERT_TRUE(wait_until([&] { return page.model().run()->files.size() == 3; }) && settle());
  EXPECT_FALSE(panel.isVisible());
  write_file(dir / "run.csv", "step,epoch,loss,accuracy,lr,validation_loss\n4,1,2,0.25,0.1,3\n8,2,1,0.5,0.1,2\n");
  ASSERT_TRUE(wait_until([&] { return panel.isVisible(); }));
  EXPECT_EQ(panel.note(), "run.csv");
  ASSERT_EQ(panel.plot(0).curves().size(), 2U);
  EXPECT_EQ(panel.plot(0).curves()[1].name, "validation_loss");
  EXPECT_EQ(panel.plot(1).curves().at(0).name, "accuracy");
  ASSERT_EQ(panel.plot(0).marks().size(), 3U);
  EXPECT_EQ(panel.plot(0).marks()[2].step, 12);
  // The curves and the list are of one mind.
  page.files().setCurrentRow(1);
  EXPECT_EQ(panel.plot(0).current(), 1);
  QTest::keyClick(&panel.plot(1), Qt::Key_Right);
  EXPECT_EQ(page.files().currentRow(), 2);
  EXPECT_EQ(panel.plot(0).current(), 2);
  panel.quantity(1).setFocus();
  QTest::keyClick(&panel.quantity(1), Qt::Key_Down);
  EXPECT_EQ(panel.plot(1).curves().at(0).name, "lr");
  // It grows, with damage; what was chosen stays.
  std::ofstream(dir / "run.csv", std::ios::app) << "12,3,0.5,0.75,0.1,1\n13,garbage\n14,4,0.";
  ASSERT_TRUE(wait_until([&] { return panel.plot(0).curves()[0].points.size() == 3; }));
  EXPECT_EQ(panel.note(), "run.csv: 1 line(s) left out, the first is line 5: it has 2 cells, the first line 6");
  EXPECT_EQ(panel.plot(1).curves().at(0).name, "lr");
  std::filesystem::remove(dir / "run.csv");
  ASSERT_TRUE(wait_until([&] { return !panel.isVisible(); }));
}

TEST_F(ViewerWindow, AnEncryptedRunAsksForItsKey) {
  const TempDir dir;
  for (const std::string name : {"enc-1_4.ckpt", "enc-2_4.ckpt"}) {
    std::filesystem::copy_file(sample("good/enc_b_gcm.ckpt"), dir / name);
    std::filesystem::permissions(dir / name, std::filesystem::perms::owner_read);
  }
  ASSERT_TRUE(open(dir.path()));
  ASSERT_TRUE(wait_until([&] { return window.banner_text().contains("needs its key"); }));
  type_key("ff0102030405060708090a0b0c0d0e0f");
  ASSERT_TRUE(wait_until([&] { return window.banner_text().contains("cannot be read"); }));
  type_key("000102030405060708090a0b0c0d0e0f");
  ASSERT_TRUE(wait_until([&] { return window.run_page().model().run()->files.size() == 2; }));
  EXPECT_EQ(window.banner_text(), "");
  // A checkpoint of it needs no key any more.
  QSignalSpy opened(&window, &MainWindow::opened);
  emit window.run_page().files().itemActivated(window.run_page().files().item(1));
  ASSERT_TRUE(wait_until([&] { return opened.count() > 0; }) && settle());
  EXPECT_TRUE(window.file());
}

TEST(Settings, RemembersFilesAndLayout) {
  const TempDir dir;
  QSettings settings(QString::fromStdString((dir / "s.ini").string()), QSettings::IniFormat);
  {
    MainWindow window(&settings);
    window.show();
    window.resize(900, 500);
    QSignalSpy opened(&window, &MainWindow::opened);
    window.open(sample("good/lenet.ckpt"));
    ASSERT_TRUE(wait_until([&] { return opened.count() > 0; }));
    window.tree_page().findChild<QSplitter*>()->setSizes({300, 580});
    window.file_page().findChild<QSplitter*>()->setSizes({100, 200});
    window.close();
  }
  MainWindow again(&settings);
  EXPECT_EQ(again.size(), QSize(900, 500));
  again.show();
  const QList<int> sizes = again.tree_page().findChild<QSplitter*>()->sizes();
  EXPECT_GT(sizes[1], sizes[0] * 3 / 2);
  ASSERT_EQ(settings.value("recent").toStringList().size(), 1);
  EXPECT_TRUE(settings.value("recent").toStringList()[0].endsWith("lenet.ckpt"));
}

template <class Widget>
Widget* named(const QWidget& in, const QString& name) {
  for (Widget* one : in.findChildren<Widget*>())
    if (one->accessibleName() == name) return one;
  return nullptr;
}

TEST(Settings, RemembersColumnsOrderAndChoices) {
  const TempDir dir;
  QSettings settings(QString::fromStdString((dir / "s.ini").string()), QSettings::IniFormat);
  const auto flat = [](MainWindow& window) {
    for (QCheckBox* box : window.tree_page().findChildren<QCheckBox*>())
      if (box->text().remove('&') == "Flat") return box;
    return static_cast<QCheckBox*>(nullptr);
  };
  const auto headers = [](MainWindow& window) {
    std::vector<QHeaderView*> all;
    for (QTableView* table : {&window.compare_page().table(), &window.run_page().table(), &window.file_page().table(),
                              named<QTableView>(window, "Statistics of all tensors")})
      all.push_back(table->horizontalHeader());
    return all;
  };
  {
    MainWindow window(&settings);
    window.show();
    QHeaderView& tree = *window.tree_page().view().header();
    tree.resizeSection(TensorTreeModel::kType, 123);
    tree.moveSection(TensorTreeModel::kBytes, TensorTreeModel::kType);
    tree.setSortIndicator(TensorTreeModel::kBytes, Qt::DescendingOrder);
    for (QHeaderView* header : headers(window)) {
      header->resizeSection(1, 77);
      header->moveSection(2, 1);
    }
    window.run_page().table().sortByColumn(RunModel::kUpdate, Qt::DescendingOrder);
    flat(window)->setChecked(true);
    named<QComboBox>(window, "Number format")->setCurrentIndex(2);
    named<QComboBox>(window, "Colours")->setCurrentIndex(1);
    window.close();
  }
  settings.sync();
  for (int start = 0; start < 2; ++start) {  // and what was not looked at is remembered once more
    MainWindow window(&settings);
    window.show();
    const QHeaderView& tree = *window.tree_page().view().header();
    EXPECT_EQ(tree.sectionSize(TensorTreeModel::kType), 123);
    EXPECT_EQ(tree.visualIndex(TensorTreeModel::kBytes), TensorTreeModel::kType);
    for (const QHeaderView* header : headers(window)) {
      EXPECT_EQ(header->sectionSize(1), 77);
      EXPECT_EQ(header->visualIndex(2), 1);
    }
    EXPECT_EQ(window.run_page().table().horizontalHeader()->sortIndicatorSection(), RunModel::kUpdate);
    EXPECT_TRUE(flat(window)->isChecked());
    EXPECT_EQ(named<QComboBox>(window, "Number format")->currentIndex(), 2);
    EXPECT_EQ(named<QComboBox>(window, "Colours")->currentIndex(), 1);
    QSignalSpy opened(&window, &MainWindow::opened);
    window.open(sample("good/lenet.ckpt"));
    ASSERT_TRUE(wait_until([&] { return opened.count() > 0 && window.jobs().idle(); }));
    const QModelIndex first = window.tree_page().model().index(0, 0);
    EXPECT_EQ(window.tree_page().model().path_of(first), "fc1.weight");  // flat, and the largest first
    window.close();
  }
}

TEST(Settings, RemembersWhereEveryPageIsDivided) {
  const TempDir dir;
  QSettings settings(QString::fromStdString((dir / "s.ini").string()), QSettings::IniFormat);
  const auto files = [](MainWindow& window) {
    QSignalSpy opened(&window, &MainWindow::opened);
    window.resize(1100, 900);
    window.show();
    window.open(sample("run/mlp-1_4.ckpt"));
    EXPECT_TRUE(wait_until([&] { return opened.count() > 0; }));
    window.compare_with(sample("run/mlp-2_4.ckpt"));
    window.open_run(sample("run"));
    EXPECT_TRUE(wait_until([&] { return window.jobs().idle(); }));
  };
  std::map<QString, QList<int>> left;
  const auto divided = [](MainWindow& window, auto each) {
    for (const Page page : {Page::file, Page::compare, Page::run}) {
      window.show_page(page);
      QCoreApplication::processEvents();
      for (QSplitter* splitter : window.findChildren<QSplitter*>())
        if (splitter->isVisible()) each(*splitter);
    }
  };
  {
    MainWindow window(&settings);
    files(window);
    divided(window, [&](QSplitter& splitter) {
      const QList<int> sizes = splitter.sizes();
      splitter.setSizes({sizes[0] + 40, sizes[1] - 40});
      left[remembered_as(splitter)] = splitter.sizes();
      EXPECT_NE(splitter.sizes(), sizes);
    });
    window.close();
  }
  {
    MainWindow window(&settings);  // no page of it is seen
    window.close();
  }
  MainWindow window(&settings);
  files(window);
  EXPECT_EQ(left.size(), 5U);
  divided(window, [&](QSplitter& splitter) {
    const QString name = remembered_as(splitter);
    ASSERT_TRUE(left.contains(name)) << name.toStdString();
    EXPECT_NEAR(splitter.sizes()[0], left[name][0], 3) << name.toStdString();
  });
}

TEST(Closing, DuringAnyJobIsSafe) {
  for (int i = 0; i < 20; ++i) {
    MainWindow window(nullptr);
    window.show();
    window.open(sample("good/lenet.ckpt").string() + "#fc1.weight");
    for (int turn = 0; turn < i; ++turn) QApplication::processEvents();
  }
}

// While nothing in the background gets on, as where a disk hangs, the window does what it is asked.
TEST_F(ViewerWindow, AnswersWhileTheBackgroundHangs) {
  ASSERT_TRUE(open(sample("good/lenet.ckpt").string()));
  std::promise<void> goes_on;
  const std::shared_future<void> hangs(goes_on.get_future());
  std::list<Job> hanging;
  for (int i = 0; i < 100; ++i)  // more than the window works on at a time
    hanging.emplace_back(window.jobs())
        .start(
            "", [hangs](const Progress&) { return hangs.wait(), 0; }, [](int) {});

  EXPECT_TRUE(window.tree_page().select("fc1.weight"));
  window.show_page(Page::heat_map);
  window.compare_with(sample("run/mlp-2_4.ckpt"));
  window.open_run(sample("run"));
  window.show_page(Page::tree);
  QTest::keyClicks(&window.tree_page().filter(), "fc1");
  QTest::qWait(20);
  EXPECT_EQ(window.tree_page().filter().text(), "fc1");
  EXPECT_EQ(window.tree_page().view().model()->rowCount(), 1);
  const QSignalSpy opened(&window, &MainWindow::opened);
  window.open(sample("good/bf16.ckpt").string());
  QTest::qWait(20);
  EXPECT_EQ(opened.count(), 0);
  EXPECT_FALSE(tensor().statistics());
  EXPECT_EQ(window.compare_page().diffs().rowCount(), 0);
  EXPECT_EQ(window.run_page().model().rowCount(), 0);

  goes_on.set_value();
  ASSERT_TRUE(wait_until([&] { return opened.count() > 0; }) && settle());
  ASSERT_TRUE(window.file());
  EXPECT_EQ(window.file()->path.filename(), "bf16.ckpt");
  EXPECT_GT(window.run_page().model().rowCount(), 0);
}

}  // namespace

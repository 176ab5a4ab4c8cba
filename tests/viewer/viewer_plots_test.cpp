#include <gtest/gtest.h>

#include <QImage>
#include <QPainter>
#include <QSignalSpy>
#include <QTest>
#include <map>
#include <numeric>
#include <set>

#include "charts.h"
#include "colors.h"
#include "curve_plot.h"
#include "heat_map.h"
#include "treemap.h"
#include "viewer_support.h"

using namespace ckpt;
using namespace ckpt::test;
using namespace ckpt::viewer;

namespace {

TEST(Squarified, FillsTheBoxInProportion) {
  const std::vector<double> sizes = {500, 300, 120, 40, 30, 9, 1, 0};
  const QRectF box(10, 20, 400, 300);
  const auto rects = squarified(sizes, box);
  ASSERT_EQ(rects.size(), sizes.size());
  const double total = std::accumulate(sizes.begin(), sizes.end(), 0.0);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const QRectF& rect = rects[i];
    EXPECT_NEAR(rect.width() * rect.height(), sizes[i] / total * box.width() * box.height(), 1e-6);
    if (sizes[i] == 0) continue;
    EXPECT_TRUE(box.adjusted(-1e-6, -1e-6, 1e-6, 1e-6).contains(rect));
    for (std::size_t j = 0; j < i; ++j)
      EXPECT_TRUE(
          rects[j].adjusted(1e-6, 1e-6, -1e-6, -1e-6).intersected(rect.adjusted(1e-6, 1e-6, -1e-6, -1e-6)).isEmpty());
    EXPECT_LT(std::max(rect.width() / rect.height(), rect.height() / rect.width()), 16);
  }
}

TEST(Squarified, NothingIsNoReasonToDivideByIt) {
  EXPECT_TRUE(squarified({}, QRectF(0, 0, 10, 10)).empty());
  const std::vector<double> zeros = {0, 0};
  EXPECT_TRUE(squarified(zeros, QRectF(0, 0, 10, 10))[1].isEmpty());
  const std::vector<double> one = {5};
  EXPECT_TRUE(squarified(one, QRectF())[0].isEmpty());
  EXPECT_EQ(squarified(one, QRectF(0, 0, 10, 10))[0], QRectF(0, 0, 10, 10));
}

TEST(Colors, EndsAndMiddles) {
  EXPECT_EQ(color_at(ColorMap::gray, 0), qRgb(0, 0, 0));
  EXPECT_EQ(color_at(ColorMap::gray, 1), qRgb(255, 255, 255));
  EXPECT_EQ(color_at(ColorMap::gray, 7), qRgb(255, 255, 255));
  EXPECT_EQ(color_at(ColorMap::diverging, 0.5), qRgb(245, 245, 245));
  // Ever lighter, so that it says the same in gray.
  for (int i = 1; i <= 20; ++i)
    EXPECT_GE(qGray(color_at(ColorMap::sequential, i / 20.0)), qGray(color_at(ColorMap::sequential, (i - 1) / 20.0)));
}

TEST(HeatMap, ShowsNonFiniteValuesInAColourOfTheirOwn) {
  HeatMap map;
  map.resize(400, 300);
  map.set_plane(2, 2);
  map.set_grid({.window = map.wanted(), .values = {-2, 1, std::nan(""), 0}});
  EXPECT_EQ(map.low(), -2);
  EXPECT_EQ(map.high(), 2);
  EXPECT_EQ(map.picture().pixel(0, 1), kNonFiniteColor);
  EXPECT_EQ(map.picture().pixel(0, 0), color_at(ColorMap::diverging, 0));
  map.set_map(ColorMap::gray);
  EXPECT_EQ(map.high(), 1);
  EXPECT_EQ(map.picture().pixel(1, 0), qRgb(255, 255, 255));
  map.set_grid({});
  map.grab();
}

TEST(HeatMap, ShowsARangeThatNoDoubleHolds) {
  HeatMap map;
  map.resize(400, 300);
  map.set_plane(1, 3);
  map.set_grid({.window = map.wanted(), .values = {-1.7e308, 0, 1.7e308}});
  EXPECT_EQ(map.picture().pixel(0, 0), color_at(ColorMap::diverging, 0));
  EXPECT_EQ(map.picture().pixel(2, 0), color_at(ColorMap::diverging, 1));
  map.grab();
}

TEST(HeatMap, ZoomsByWheelAndKeysAndPointsAtElements) {
  HeatMap map;
  map.resize(600, 500);
  map.set_plane(2000, 3000);
  const Window all = map.wanted();
  EXPECT_EQ(all.row_step, 2);
  EXPECT_EQ(all.column_step, 3);
  map.set_grid({.window = all, .values = std::vector<double>(static_cast<std::size_t>(all.rows * all.columns), 3.0)});
  QSignalSpy asked(&map, &HeatMap::wants_grid);
  QSignalSpy pointed(&map, &HeatMap::pointed_at);
  map.show();
  QTest::keyClick(&map, Qt::Key_Plus);
  EXPECT_EQ(asked.count(), 1);
  EXPECT_LT(map.wanted().rows * map.wanted().row_step, all.rows * all.row_step);
  ASSERT_EQ(pointed.count(), 1);
  EXPECT_EQ(pointed[0][2].toDouble(), 3.0);
  EXPECT_EQ(pointed[0][0].toLongLong() % 2, 0);  // an element that was read, not one near to it
  for (int i = 0; i < 10; ++i) QTest::keyClick(&map, Qt::Key_Plus);
  for (int i = 0; i < 200; ++i) QTest::keyClick(&map, Qt::Key_Right);
  EXPECT_EQ(map.wanted().column + map.wanted().columns, 3000);
  for (int i = 0; i < 60; ++i) QTest::keyClick(&map, Qt::Key_Plus);
  EXPECT_EQ(map.wanted().row_step, 1);
  EXPECT_LE(map.wanted().columns, 6);
  QTest::keyClick(&map, Qt::Key_Home);
  EXPECT_EQ(map.wanted().rows, all.rows);
}

TEST(HeatMap, HasNamesAndARowThatIsMarked) {
  HeatMap map;
  map.resize(600, 300);
  map.set_map(ColorMap::gray);
  map.set_plane(4, 3);
  map.set_grid({.window = map.wanted(), .values = std::vector<double>(12, 1.0)});
  const auto wide = [&] {  // elements of one colour, in the middle of the first row
    const QImage image = map.grab().toImage();
    int count = 0;
    for (int x = 0; x < image.width(); ++x) count += image.pixel(x, 10) == map.picture().pixel(0, 0);
    return count;
  };
  const int square = wide();
  std::vector<std::int64_t> asked;
  map.set_names(
      [&](std::int64_t row) {
        asked.push_back(row);
        return QStringLiteral("layer");
      },
      [](std::int64_t column) { return QString::number(column); });
  EXPECT_GT(wide(), square) << "as wide as there is room";
  EXPECT_EQ(asked, (std::vector<std::int64_t>{0, 1, 2, 3}));
  const QImage plain = map.grab().toImage();
  map.mark_row(2);
  EXPECT_NE(map.grab().toImage(), plain);
  // A click says where; a drag is none.
  QSignalSpy clicked(&map, &HeatMap::clicked);
  QTest::mouseClick(&map, Qt::LeftButton, {}, {300, 30});
  ASSERT_EQ(clicked.count(), 1);
  EXPECT_EQ(clicked[0][0].toLongLong(), 1);
  QTest::mousePress(&map, Qt::LeftButton, {}, {300, 30});
  QTest::mouseRelease(&map, Qt::LeftButton, {}, {400, 60});
  EXPECT_EQ(clicked.count(), 1);
  EXPECT_EQ(map.figure().size(), map.size() * 2);
}

TEST(HeatMap, OneThatIsFarAwayHidesNothing) {
  HeatMap map;
  map.set_plane(20, 20);
  std::vector<double> values;
  for (int i = 0; i < 400; ++i) values.push_back(i);
  values[7] = 1e30;
  map.set_map(ColorMap::gray);
  map.set_grid({.window = map.wanted(), .values = values});
  EXPECT_EQ(map.picture().pixel(19, 19), qRgb(0, 0, 0));
  map.set_trimmed(true);
  EXPECT_EQ(map.low(), 4);
  EXPECT_EQ(map.high(), 396);
  EXPECT_EQ(map.picture().pixel(19, 19), qRgb(255, 255, 255));
  EXPECT_EQ(map.picture().pixel(7, 0), qRgb(255, 255, 255));
  map.grab();
}

// The first row from above that has the colour.
int top_of(const QImage& image, const QColor& color, int from) {
  for (int y = from; y < image.height(); ++y)
    for (int x = 0; x < image.width(); ++x)
      if (image.pixelColor(x, y) == color) return y;
  return image.height();
}

TEST(Histograms, OfTwoHaveOneScale) {
  HistogramPlot plot;
  plot.resize(1000, 400);
  // As many values each; those of B are in a bin that is four times as wide.
  plot.set(Histogram{.low = 0, .high = 4, .counts = {100, 100, 100, 100}},
           Histogram{.low = 0, .high = 16, .counts = {400, 0, 0, 0}});
  const QImage same = plot.grab().toImage();
  const int legend = plot.fontMetrics().height() + 4;
  const int a = top_of(same, bar_color(plot.palette()), legend);
  const int b = top_of(same, second_color(plot.palette()), legend);
  EXPECT_NEAR(a, b, 2);
  plot.set(Histogram{.low = 0, .high = 4, .counts = {100, 100, 100, 100}},
           Histogram{.low = 0, .high = 16, .counts = {200, 0, 0, 0}});
  const QImage half = plot.grab().toImage();
  EXPECT_NEAR(top_of(half, bar_color(plot.palette()), legend), a, 2);
  EXPECT_GT(top_of(half, second_color(plot.palette()), legend), a + 100);
  // One of them may have nothing to count.
  plot.set({}, Histogram{.low = 0, .high = 1, .counts = {5, 3}});
  EXPECT_LT(top_of(plot.grab().toImage(), second_color(plot.palette()), legend), 100);
}

TEST(Axes, HaveRoundNumbers) {
  for (const auto& [low, high] : {std::pair{0.0, 10.0}, {0.13, 0.97}, {-3e-7, 2e-7}, {1e6, 1.5e6}, {-1e300, 1e300}}) {
    for (int most = 1; most <= 10; ++most) {
      const auto ticks = axis_ticks(low, high, most);
      EXPECT_LE(ticks.size(), static_cast<std::size_t>(most));
      if (most > 2) {
        EXPECT_GE(ticks.size(), 1U) << low << " " << high << " " << most;
      }
      for (const double tick : ticks) {
        EXPECT_GE(tick, low - 1e-6 * (high - low));
        EXPECT_LE(tick, high + 1e-6 * (high - low));
      }
    }
  }
  EXPECT_EQ(axis_ticks(0, 1000, 3), (std::vector<double>{0, 500, 1000}));
  EXPECT_TRUE(axis_ticks(1, 1, 5).empty());
  EXPECT_TRUE(axis_ticks(0, std::nan(""), 5).empty());
}

TEST(Curves, AreWhereTheirNumbersAre) {
  CurvePlot plot;
  plot.resize(600, 300);
  std::vector<CurvePlot::Point> points;
  for (int step = 100; step <= 1000; step += 100) points.push_back({static_cast<double>(step), 1000.0 / step});
  plot.set_curves({{.name = "loss", .points = points}});
  plot.set_marks({{.step = 400, .name = "net-1_400.ckpt"}, {.step = 1200, .name = "net-3_400.ckpt"}});
  const QImage image = plot.grab().toImage();
  const QPointF place = plot.place_of(700, 1000.0 / 700);
  EXPECT_EQ(image.pixelColor(place.toPoint()), bar_color(plot.palette()));
  EXPECT_LT(plot.place_of(1200, 1).x(), 600);
  EXPECT_GT(plot.place_of(100, 10).y(), 0);
  EXPECT_TRUE(plot.tip_at(plot.place_of(402, 5)).startsWith("net-1_400.ckpt\n"));
  EXPECT_EQ(plot.tip_at(plot.place_of(640, 5)), "loss at step 600: 1.667");
}

TEST(Curves, PickCheckpointsByMouseAndKeyboard) {
  CurvePlot plot;
  plot.resize(600, 300);
  plot.set_curves({{.name = "loss", .points = {{0, 2}, {100, 1}}}});
  plot.set_marks({{.step = 20, .name = "a"}, {.step = 40, .name = "b"}, {.step = 90, .name = "c"}});
  const QSignalSpy picked(&plot, &CurvePlot::picked);
  QTest::mouseClick(&plot, Qt::LeftButton, {}, plot.place_of(40, 1.5).toPoint());
  EXPECT_EQ(plot.current(), 1);
  QTest::mouseClick(&plot, Qt::LeftButton, {}, plot.place_of(65, 1.5).toPoint());
  EXPECT_EQ(picked.count(), 1) << "where no checkpoint is near";
  QTest::keyClick(&plot, Qt::Key_Right);
  QTest::keyClick(&plot, Qt::Key_Right);
  EXPECT_EQ(plot.current(), 2);
  QTest::keyClick(&plot, Qt::Key_Left);
  EXPECT_EQ(plot.current(), 1);
  EXPECT_EQ(picked.count(), 3);
  plot.set_marks({{.step = 20, .name = "a"}});
  EXPECT_EQ(plot.current(), -1);
}

TEST(Curves, OfManyPointsLoseNoPeak) {
  CurvePlot plot;
  plot.resize(400, 300);
  std::vector<CurvePlot::Point> points;
  for (int step = 0; step < 100'000; ++step) points.push_back({static_cast<double>(step), step == 31'415 ? 9.0 : 1.0});
  plot.set_curves({{.name = "loss", .points = points}});
  const QImage image = plot.grab().toImage();
  const QPointF peak = plot.place_of(31'415, 9);
  bool seen = false;
  for (int x = -2; x <= 2; ++x)
    for (int y = -2; y <= 3; ++y)
      seen |= image.pixelColor(peak.toPoint() + QPoint(x, y)).blue() !=
              image.pixelColor(peak.toPoint() + QPoint(20, y)).blue();
  EXPECT_TRUE(seen);
}

TEST(Curves, WhatIsNotFiniteIsALineOfItsOwn) {
  CurvePlot plot;
  plot.resize(400, 300);
  plot.set_curves({{.name = "loss", .points = {{0, 1}, {50, std::nan("")}, {100, HUGE_VAL}, {150, 1e307}, {200, 2}}}});
  const QImage image = plot.grab().toImage();
  EXPECT_EQ(image.pixel(plot.place_of(50, 1.5).toPoint()), kNonFiniteColor);
  EXPECT_EQ(image.pixel(plot.place_of(150, 1.5).toPoint()), kNonFiniteColor);
  for (const auto& points : std::vector<std::vector<CurvePlot::Point>>{{}, {{5, 1}}, {{5, std::nan("")}}, {{0, 0}}}) {
    plot.set_curves({{.name = "loss", .points = points}, {.name = "validation_loss"}});
    for (const QSize size : {QSize(1, 1), QSize(30, 20), QSize(2000, 30)}) {
      plot.resize(size);
      EXPECT_EQ(plot.grab().toImage().size(), size);
    }
  }
}

TEST(Plots, PaintAtAnySize) {
  Histogram histogram{.low = -1, .high = 1, .counts = {1, 0, 1000, 3}};
  HistogramPlot plot;
  plot.set(histogram, Histogram{.low = 0, .high = 4, .counts = {2, 2}});
  plot.set_logarithmic_counts(true);
  BarList bars;
  bars.set({{"Float32", "12", 1}, {"Int8", "3", 0.25}});
  TensorTreeModel model;
  Treemap map(model);
  model.set_file(open_sample("good/lenet.ckpt"));
  for (const QSize size : {QSize(1, 1), QSize(30, 10), QSize(10, 300), QSize(800, 600)})
    for (QWidget* widget : std::initializer_list<QWidget*>{&plot, &bars, &map}) {
      widget->resize(size);
      EXPECT_FALSE(widget->grab().isNull());
    }
}

TEST(Treemap, AClickPicksWhatIsUnderIt) {
  TensorTreeModel model;
  Treemap map(model);
  model.set_file(open_sample("good/lenet.ckpt"));
  map.resize(600, 400);
  map.grab();
  QSignalSpy picked(&map, &Treemap::picked);
  QTest::mouseClick(&map, Qt::LeftButton, {}, {60, 200});
  ASSERT_EQ(picked.count(), 1);
  // The largest tensor has the left.
  EXPECT_EQ(model.path_of(picked[0][0].toModelIndex()), "fc1.weight");
}

TEST(Treemap, WhatCanBeClickedCanBeReachedByKeys) {
  for (const char* name : {"good/lenet.ckpt", "good/map.ckpt", "run/mlp-1_4.ckpt"}) {
    TensorTreeModel model;
    Treemap map(model);
    model.set_file(open_sample(name));
    map.resize(600, 400);
    map.grab();
    std::map<std::string, QPoint> clickable;
    for (int y = 0; y < map.height(); ++y)
      for (int x = 0; x < map.width(); x += 3) {
        QTest::mouseClick(&map, Qt::LeftButton, {}, {x, y});
        if (map.current().isValid()) clickable.emplace(model.path_of(map.current()), QPoint(x, y));
      }
    EXPECT_GT(clickable.size(), 3U) << name;
    QTest::keyClick(&map, Qt::Key_Home);
    std::vector<std::string> reached{model.path_of(map.current())};
    for (std::size_t i = 0; i < reached.size(); ++i)
      for (const auto key : {Qt::Key_Left, Qt::Key_Right, Qt::Key_Up, Qt::Key_Down, Qt::Key_Backspace}) {
        ASSERT_TRUE(clickable.contains(reached[i])) << name << ": " << reached[i];
        QTest::mouseClick(&map, Qt::LeftButton, {}, clickable[reached[i]]);
        QTest::keyClick(&map, key);
        const std::string now = model.path_of(map.current());
        if (std::ranges::find(reached, now) == reached.end()) reached.push_back(now);
      }
    for (const auto& [path, at] : clickable)
      EXPECT_NE(std::ranges::find(reached, path), reached.end()) << name << ": " << path;
  }
}

TEST(Treemap, KeysMoveOpenAndGoUp) {
  TensorTreeModel model;
  Treemap map(model);
  model.set_file(open_sample("good/lenet.ckpt"));
  map.resize(600, 400);
  EXPECT_EQ(map.focusPolicy(), Qt::StrongFocus);
  EXPECT_FALSE(map.current().isValid());
  const QString nothing = map.accessibleName();
  const QImage before = map.grab().toImage();
  QTest::mouseClick(&map, Qt::LeftButton, {}, {60, 200});
  EXPECT_EQ(model.path_of(map.current()), "fc1.weight");
  EXPECT_TRUE(map.accessibleName().startsWith(nothing));
  EXPECT_TRUE(map.accessibleName().contains("fc1.weight"));
  EXPECT_NE(map.grab().toImage(), before);  // its outline
  QTest::keyClick(&map, Qt::Key_Right);
  const std::string right = model.path_of(map.current());
  EXPECT_NE(right, "fc1.weight");
  QTest::keyClick(&map, Qt::Key_Left);
  EXPECT_TRUE(model.path_of(map.current()).starts_with("fc1")) << model.path_of(map.current());
  QTest::mouseClick(&map, Qt::LeftButton, {}, {60, 200});
  QTest::keyClick(&map, Qt::Key_Backspace);
  EXPECT_EQ(model.path_of(map.current()), "fc1");
  QTest::keyClick(&map, Qt::Key_Escape);  // nothing is above
  EXPECT_EQ(model.path_of(map.current()), "fc1");
  QSignalSpy picked(&map, &Treemap::picked);
  for (const auto key : {Qt::Key_Return, Qt::Key_Enter, Qt::Key_Space}) QTest::keyClick(&map, key);
  ASSERT_EQ(picked.count(), 3);
  EXPECT_EQ(model.path_of(picked[2][0].toModelIndex()), "fc1");
  model.set_file(nullptr);
  EXPECT_FALSE(map.current().isValid());
  EXPECT_EQ(map.accessibleName(), nothing);
  for (const auto key : {Qt::Key_Right, Qt::Key_Return, Qt::Key_Backspace}) QTest::keyClick(&map, key);
  EXPECT_EQ(picked.count(), 3);
}

}  // namespace

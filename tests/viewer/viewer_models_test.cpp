#include <gtest/gtest.h>

#include <QAbstractItemModelTester>
#include <QCoreApplication>
#include <QImage>
#include <QSignalSpy>
#include <QThread>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <limits>
#include <optional>
#include <random>
#include <span>
#include <sstream>

#include "ckpt/validate.h"
#include "diff_model.h"
#include "exports.h"
#include "finding_model.h"
#include "job.h"
#include "keys.h"
#include "magnitudes.h"
#include "plane.h"
#include "run_model.h"
#include "shown.h"
#include "snippets.h"
#include "statistics_model.h"
#include "temp_dir.h"
#include "tensor_tree_model.h"
#include "tiles.h"
#include "value_model.h"
#include "viewer_support.h"
#include "wire_builder.h"

using namespace ckpt;
using namespace ckpt::test;
using namespace ckpt::viewer;

namespace {

using Tester = QAbstractItemModelTester;
constexpr auto kFatal = Tester::FailureReportingMode::Fatal;

FilePtr file_of(const TempDir& dir, const Bytes& bytes) {
  std::ofstream(dir / "made.ckpt", std::ios::binary) << bytes;
  auto file = open_for_view(dir / "made.ckpt");
  EXPECT_TRUE(file);
  return file ? *file : nullptr;
}

Bytes scalar(const std::string& name) { return record().tag(name).dims({1}).type("Float32").content(values({1.0F})); }

std::vector<QString> names_of(const TensorTreeModel& model, const QModelIndex& parent = {}) {
  std::vector<QString> names;
  for (int row = 0; row < model.rowCount(parent); ++row) names.push_back(model.index(row, 0, parent).data().toString());
  return names;
}

int depth_of(const TensorTreeModel& model) {
  int depth = 0;
  for (QModelIndex index = model.index(0, 0); index.isValid(); index = model.index(0, 0, index)) ++depth;
  return depth;
}

// Everything a view may ask of every row.
int visit(const QAbstractItemModel& model, const QModelIndex& parent = {}) {
  int rows = 0;
  for (int row = 0; row < model.rowCount(parent); ++row) {
    for (int column = 0; column < model.columnCount(parent); ++column)
      for (const int role : {Qt::DisplayRole, Qt::ToolTipRole, Qt::TextAlignmentRole, Qt::AccessibleTextRole})
        model.index(row, column, parent).data(role);
    rows += 1 + visit(model, model.index(row, 0, parent));
  }
  return rows;
}

TEST(NaturalOrder, NumbersCountByTheirValue) {
  EXPECT_TRUE(natural_less("layer2", "layer10"));
  EXPECT_FALSE(natural_less("layer10", "layer2"));
  EXPECT_TRUE(natural_less("a", "b"));
  EXPECT_TRUE(natural_less("layer1.a", "layer1.b"));
  EXPECT_TRUE(natural_less("x", "x1"));
  EXPECT_TRUE(natural_less("x01", "x1") != natural_less("x1", "x01"));
  EXPECT_FALSE(natural_less("x1", "x1"));
  EXPECT_TRUE(natural_less("x99999999999999999999999", "x100000000000000000000000"));
}

TEST(TensorTree, IsWhatTheDotsOfNamesMake) {
  TensorTreeModel model;
  const Tester tester(&model, kFatal);
  const auto file = open_sample("good/lenet.ckpt");
  model.set_file(file);
  EXPECT_EQ(model.shown(), file->file.tensors().size());
  std::uint64_t bytes = 0;
  for (int row = 0; row < model.rowCount(); ++row) bytes += model.bytes_of(model.index(row, 0));
  std::uint64_t expected = 0;
  for (const TensorInfo& tensor : file->file.tensors()) {
    expected += tensor.byte_size;
    const QModelIndex index = model.index_of(&tensor);
    ASSERT_TRUE(index.isValid());
    EXPECT_EQ(model.path_of(index), tensor.name);
    EXPECT_EQ(model.index_at(tensor.name), index);
  }
  EXPECT_EQ(bytes, expected);
  visit(model);
}

TEST(TensorTree, SurvivesEverySample) {
  TensorTreeModel model;
  const Tester tester(&model, kFatal);
  for (const char* folder : {"good", "bad"})
    for (const auto& entry : std::filesystem::directory_iterator(sample(folder))) {
      if (entry.path().extension() != ".ckpt") continue;
      auto file = open_for_view(entry.path());
      if (!file) continue;
      for (const bool flat : {false, true}) {
        model.set_file(*file);
        model.set_flat(flat);
        EXPECT_EQ(model.shown(), (*file)->file.tensors().size()) << entry.path();
        visit(model);
      }
    }
  model.set_file(nullptr);
  EXPECT_EQ(model.rowCount(), 0);
}

TEST(TensorTree, FiltersWithSumsOfWhatIsShown) {
  TensorTreeModel model;
  const Tester tester(&model, kFatal);
  model.set_file(open_sample("good/lenet.ckpt"));
  const auto all = model.shown();
  model.set_filter([](std::string_view name, Group) { return name.starts_with("conv1"); });
  EXPECT_LT(model.shown(), all);
  EXPECT_EQ(names_of(model), std::vector<QString>{"conv1"});
  model.set_filter([](std::string_view, Group) { return false; });
  EXPECT_EQ(model.rowCount(), 0);
  model.set_filter({});
  EXPECT_EQ(model.shown(), all);
}

TEST(TensorTree, SortsByAnyColumnAndBack) {
  const TempDir dir;
  TensorTreeModel model;
  const Tester tester(&model, kFatal);
  model.set_file(file_of(dir, scalar("b10.w") + scalar("b9.w") + scalar("a.w") +
                                  Bytes(record().tag("c.w").dims({2}).type("Int8").content("xy"))));
  EXPECT_EQ(names_of(model), (std::vector<QString>{"b10", "b9", "a", "c"}));
  model.sort(TensorTreeModel::kName);
  EXPECT_EQ(names_of(model), (std::vector<QString>{"a", "b9", "b10", "c"}));
  model.sort(TensorTreeModel::kBytes, Qt::AscendingOrder);
  EXPECT_EQ(names_of(model).front(), "c");
  for (int column = 0; column < TensorTreeModel::kColumns; ++column) model.sort(column, Qt::DescendingOrder);
  model.sort(-1);
  EXPECT_EQ(names_of(model), (std::vector<QString>{"b10", "b9", "a", "c"}));
}

TEST(TensorTree, SortingKeepsWhatIsPointedAt) {
  const TempDir dir;
  TensorTreeModel model;
  const Tester tester(&model, kFatal);
  model.set_file(file_of(dir, scalar("b.w") + scalar("b.v") + scalar("a.w") + scalar("c.w")));
  const QPersistentModelIndex tensor(model.index_at("b.w"));
  const QPersistentModelIndex folder(model.folder_at("b"));
  const QSignalSpy reset(&model, &QAbstractItemModel::modelReset);
  model.sort(TensorTreeModel::kName, Qt::DescendingOrder);
  EXPECT_EQ(model.path_of(tensor), "b.w");
  EXPECT_EQ(tensor.row(), 0);
  EXPECT_EQ(model.path_of(folder), "b");
  EXPECT_EQ(folder.row(), 1);
  EXPECT_EQ(reset.count(), 0);
}

TEST(TensorTree, AFilteredTreeIsThatOfAFileWithNothingElse) {
  const TempDir dir;
  const Bytes kept =
      scalar("a.x.w") + scalar("a.y.w") + Bytes(record().tag("c.w").dims({2}).type("Int8").content("xy"));
  TensorTreeModel filtered;
  const Tester tester(&filtered, kFatal);
  filtered.set_file(file_of(dir, scalar("a.x.b") + kept + scalar("d.b") + scalar("a.z.b")));
  filtered.set_filter([](std::string_view name, Group) { return name.ends_with(".w"); });
  TensorTreeModel whole;
  whole.set_file(file_of(dir, kept));
  const std::function<void(QModelIndex, QModelIndex)> expect_same = [&](const QModelIndex& a, const QModelIndex& b) {
    ASSERT_EQ(filtered.rowCount(a), whole.rowCount(b));
    for (int row = 0; row < whole.rowCount(b); ++row) {
      for (const int column : {TensorTreeModel::kName, TensorTreeModel::kType, TensorTreeModel::kShape,
                               TensorTreeModel::kBytes, TensorTreeModel::kGroup})
        EXPECT_EQ(filtered.index(row, column, a).data(), whole.index(row, column, b).data());
      expect_same(filtered.index(row, 0, a), whole.index(row, 0, b));
    }
  };
  for (int column = -1; column < TensorTreeModel::kColumns; ++column) {
    filtered.sort(column);
    whole.sort(column);
    expect_same({}, {});
  }
  filtered.set_filter({});
  EXPECT_EQ(filtered.shown(), 6U);
  EXPECT_TRUE(filtered.folder_at("a.z").isValid());
}

TEST(TensorTree, OddNamesBreakNothing) {
  const TempDir dir;
  TensorTreeModel model;
  const Tester tester(&model, kFatal);
  const std::string dots(20'000, '.');
  const std::string rich = "<img src=x>";
  model.set_file(file_of(dir, scalar(dots) + scalar(rich) + scalar("a") + scalar("a.b") + scalar("a") + scalar("..") +
                                  scalar("\x1b[31m\n\xe2\x80\xae!") + scalar("\xff") + scalar(std::string(4000, 'n'))));
  EXPECT_EQ(model.shown(), 9U);
  EXPECT_LE(depth_of(model), 40);  // and not 20,000
  visit(model);
  for (const TensorInfo& tensor : model.file()->file.tensors()) {
    const QModelIndex index = model.index_of(&tensor);
    EXPECT_EQ(model.path_of(index), tensor.name);
    const QString text = index.data().toString();
    EXPECT_LE(text.size(), kShownCharacters + 1);
    EXPECT_FALSE(text.contains(QChar(0x1b)) || text.contains('\n') || text.contains(QChar(0x202e)));
    // Tool tips are taken for HTML by Qt: a name must not become a tag.
    EXPECT_FALSE(index.data(Qt::ToolTipRole).toString().contains("<img"));
  }
}

TEST(Planes, EveryElementIsWhereItsIndexSays) {
  const auto file = open_sample("good/lenet.ckpt");
  const TensorInfo& tensor = *file->file.find("conv2.weight");
  Plane plane = plane_of(tensor.dims);
  ASSERT_EQ(plane.dims.size(), 4U);
  const std::size_t size = size_of(tensor.dtype);
  for (const auto& [row_axis, column_axis] : {std::pair{2, 3}, {3, 2}, {0, 1}, {1, 0}, {3, 0}}) {
    plane.row_axis = row_axis;
    plane.column_axis = column_axis;
    plane.at = {5, 1, 2, 3};
    const Window window{
        .row = 1, .column = 0, .rows = (plane.rows() - 1 + 1) / 2, .columns = plane.columns(), .row_step = 2};
    const auto bytes = read_window(file->file, tensor, plane, window);
    ASSERT_TRUE(bytes);
    ASSERT_EQ(bytes->size(), static_cast<std::size_t>(window.rows * window.columns) * size);
    for (std::int64_t r = 0; r < window.rows; ++r)
      for (std::int64_t c = 0; c < window.columns; ++c) {
        const auto element = plane.element(window.row + 2 * r, c);
        std::array<std::byte, 4> there;
        ASSERT_TRUE(file->file.read(tensor, element * size, there));
        EXPECT_TRUE(std::equal(
            there.begin(), there.end(),
            bytes->begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(r * window.columns + c) * size)));
        Plane back = plane;
        const auto place = back.go_to(element);
        EXPECT_EQ(back.element(place.row, place.column), element);
      }
  }
}

TEST(Planes, OfAnyRank) {
  EXPECT_EQ(plane_of({}).rows(), 1);
  EXPECT_EQ(plane_of({}).columns(), 1);
  const std::vector<std::int64_t> vector = {7};
  EXPECT_EQ(plane_of(vector).rows(), 7);
  EXPECT_EQ(plane_of(vector).columns(), 1);
  const std::vector<std::int64_t> points = {64, 32, 1, 1};  // kernels of a 1 x 1 convolution
  EXPECT_EQ(plane_of(points).slice_text(), ":,:,0,0");
  const auto file = open_sample("good/dims_rank40.ckpt");
  const TensorInfo& tensor = file->file.tensors()[0];
  const Plane plane = plane_of(tensor.dims);
  const auto bytes = read_window(file->file, tensor, plane, {.rows = plane.rows(), .columns = plane.columns()});
  EXPECT_TRUE(bytes);
  EXPECT_EQ(plane.slice_text().count(':'), 2);
}

TEST(Planes, SamplesLookAtAllOfIt) {
  const Window window = sampled(3, 0, 5000, 10, 1024);
  EXPECT_LE(window.rows, 1024);
  EXPECT_EQ(window.columns, 10);
  EXPECT_EQ(window.column_step, 1);
  EXPECT_GE(window.row + window.rows * window.row_step, 5003);
  EXPECT_LT(window.row + (window.rows - 1) * window.row_step, 5003);
}

TEST(Tiles, AreTheKernels) {
  const auto file = open_sample("good/lenet.ckpt");
  const TensorInfo& tensor = *file->file.find("conv2.weight");
  ASSERT_TRUE(can_tile(tensor));
  const Window window{.row = 3, .column = 2, .rows = 20, .columns = 11, .row_step = 2, .column_step = 2};
  const auto bytes = read_tiles(file->file, tensor, window, {});
  ASSERT_TRUE(bytes);
  for (std::int64_t r = 0; r < window.rows; ++r)
    for (std::int64_t c = 0; c < window.columns; ++c) {
      const std::int64_t row = 3 + 2 * r;
      const std::int64_t column = 2 + 2 * c;
      const auto& d = tensor.dims;
      // By hand: [row / h, column / w, row % h, column % w].
      const auto element = static_cast<std::uint64_t>(
          (((row / d[2]) * d[1] + column / d[3]) * d[2] + row % d[2]) * d[3] + column % d[3]);
      EXPECT_EQ(tile_element(d, row, column), element);
      std::array<std::byte, 4> there;
      ASSERT_TRUE(file->file.read(tensor, element * 4, there));
      EXPECT_TRUE(std::equal(there.begin(), there.end(), bytes->begin() + (r * window.columns + c) * 4));
    }
}

TEST(Values, ShowAPageWithItsIndices) {
  ValueModel model;
  const Tester tester(&model, kFatal);
  const Bytes bytes = values<float>({0.5F, 1e-7F, -3.0F, 0.1F, std::numeric_limits<float>::quiet_NaN(), 7.0F});
  const auto span = bytes_of(bytes);
  model.set_page(DType::float32, {.row = 10, .column = 4, .rows = 2, .columns = 3}, {span.begin(), span.end()});
  EXPECT_EQ(model.index(0, 1).data(), "1e-07");
  EXPECT_EQ(model.index(1, 0).data(), "0.1");
  EXPECT_EQ(model.index(1, 1).data(), "nan");
  EXPECT_TRUE(model.index(1, 1).data(Qt::ForegroundRole).isValid());
  EXPECT_EQ(model.headerData(1, Qt::Vertical), "11");
  EXPECT_EQ(model.headerData(2, Qt::Horizontal), "6");
  model.set_format(NumberFormat::hexadecimal);
  EXPECT_EQ(model.index(0, 0).data(), "3f000000");
  model.set_format(NumberFormat::scientific);
  EXPECT_EQ(model.index(0, 0).data(), "5.0000e-01");
  model.clear();
  EXPECT_EQ(model.rowCount(), 0);
}

TEST(Findings, AreRows) {
  FindingModel model;
  const Tester tester(&model, kFatal);
  const auto file = open_sample("bad/cut_in_content.ckpt");
  auto findings = validate(file->file);
  ASSERT_TRUE(findings);
  const auto count = findings->size();
  ASSERT_GT(count, 0U);
  model.set_findings(std::move(*findings));
  EXPECT_EQ(model.rowCount(), static_cast<int>(count));
  EXPECT_GT(model.count(Severity::error), 0U);
  visit(model);
}

TEST(FileStatistics, AreRows) {
  StatisticsModel model;
  const Tester tester(&model, kFatal);
  for (const char* name : {"bad/values_nan_inf.ckpt", "good/dtypes.ckpt", "good/map.ckpt", "bad/content_short.ckpt"}) {
    const auto file = open_sample(name);
    auto all = statistics_of(*file, {});
    ASSERT_TRUE(all) << name;
    for (std::size_t i = 0; i < all->tensors.size(); ++i) {
      const TensorInfo* tensor = all->tensors[i];
      const auto one = statistics(file->file, std::vector<const TensorInfo*>{tensor});
      ASSERT_TRUE(one && one->front());
      EXPECT_EQ(one->front()->nan, all->rows[i].nan);
      EXPECT_EQ(one->front()->l2, all->rows[i].l2);
    }
    model.set_statistics(std::move(*all));
    visit(model);
    model.set_statistics({});  // before its file goes
  }
}

TEST(Differences, AreRows) {
  DiffModel model;
  const Tester tester(&model, kFatal);
  const auto a = open_sample("run/mlp-1_4.ckpt");
  const auto b = open_sample("run/mlp-2_4.ckpt");
  auto diffs = diff(a->file, b->file);
  ASSERT_TRUE(diffs);
  model.set_diffs(std::move(*diffs));
  EXPECT_GT(visit(model), 0);
  EXPECT_TRUE(model.summary().contains("changed"));
  // Everything that can be said of anything.
  for (const char* folder : {"good", "bad"})
    for (const auto& entry : std::filesystem::directory_iterator(sample(folder))) {
      if (entry.path().extension() != ".ckpt") continue;
      const auto other = open_for_view(entry.path());
      if (!other) continue;
      for (const auto& [left, right] : {std::pair{a, *other}, {*other, a}, {*other, *other}})
        if (auto found = diff(left->file, right->file)) model.set_diffs(std::move(*found)), visit(model);
      model.set_diffs({});
    }
}

TEST(Differences, HaveNoNumbersWhereNothingFiniteChanged) {
  const float finite[] = {1, 2};
  const float gone[] = {1, std::numeric_limits<float>::quiet_NaN()};
  TensorInfo tensor;
  tensor.name = "w";
  tensor.dtype = DType::float32;
  tensor.dims = {2};
  tensor.byte_size = tensor.stored_size = sizeof finite;
  tensor.extents = {{0, 0, sizeof finite}};
  const auto a = Checkpoint::from_index({borrow_bytes(std::as_bytes(std::span(finite)))}, {tensor});
  const auto b = Checkpoint::from_index({borrow_bytes(std::as_bytes(std::span(gone)))}, {tensor});
  auto diffs = diff(*a, *b);
  ASSERT_TRUE(diffs);
  DiffModel model;
  model.set_diffs(std::move(*diffs));
  EXPECT_EQ(model.index(0, DiffModel::kChanged).data().toString(), "50 %");
  for (const int column : {DiffModel::kMaxAbs, DiffModel::kRms, DiffModel::kUpdate, DiffModel::kCosine})
    EXPECT_EQ(model.index(0, column).data().toString(), "-") << column;
}

TEST(Runs, CompleteIsWhatNobodyWritesTo) {
  const TempDir dir;
  std::filesystem::copy_file(sample("run/mlp-1_4.ckpt"), dir / "mlp-1_4.ckpt");
  std::filesystem::permissions(dir / "mlp-1_4.ckpt", std::filesystem::perms::owner_all);
  const auto stamp = stamp_of(dir / "mlp-1_4.ckpt");
  const std::chrono::system_clock::time_point changed{
      std::chrono::duration_cast<std::chrono::system_clock::duration>(std::chrono::nanoseconds(stamp->changed_ns))};
  const auto complete_after = [&](auto time) { return (*look_at_run(dir.path(), changed + time)).at(0).complete; };
  EXPECT_FALSE(complete_after(std::chrono::milliseconds(1900)));
  EXPECT_TRUE(complete_after(std::chrono::milliseconds(2100)));
  std::filesystem::permissions(dir / "mlp-1_4.ckpt", std::filesystem::perms::owner_read);
  EXPECT_TRUE(complete_after(std::chrono::seconds(0)));
  EXPECT_FALSE(look_at_run(dir / "nowhere", changed));
  // Written by a machine whose clock is ahead: what was seen of it counts.
  std::filesystem::permissions(dir / "mlp-1_4.ckpt", std::filesystem::perms::owner_all);
  const auto early = changed - std::chrono::hours(1);
  const auto first = *look_at_run(dir.path(), early);
  EXPECT_FALSE(look_at_run(dir.path(), early + std::chrono::seconds(1), first)->at(0).complete);
  EXPECT_TRUE(look_at_run(dir.path(), early + std::chrono::seconds(2), first)->at(0).complete);
}

TEST(Runs, AreRows) {
  RunModel model;
  const Tester tester(&model, kFatal);
  const auto entries = look_at_run(sample("run"), std::chrono::system_clock::now());
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 8U);
  auto run = read_run(*entries);
  ASSERT_TRUE(run);
  model.set_run(*run);
  EXPECT_GT(visit(model), 0);
  EXPECT_EQ(model.spark(0, RunModel::kNorms).size(), 8U);
  EXPECT_FALSE(model.spark(0, RunModel::kUpdates)[0]);
  // Sorted, what is pointed at goes along.
  const std::string first = model.tensor(0).name;
  const QPersistentModelIndex pointed = model.index(0, RunModel::kName);
  const auto norm = [&](int row) { return model.tensor(row).points.back()->norm; };
  model.sort(RunModel::kLast, Qt::DescendingOrder);
  for (int row = 1; row < model.rowCount(); ++row) EXPECT_GE(norm(row - 1), norm(row));
  EXPECT_EQ(model.tensor(pointed.row()).name, first);
  model.sort(RunModel::kLast, Qt::AscendingOrder);
  for (int row = 1; row < model.rowCount(); ++row) EXPECT_LE(norm(row - 1), norm(row));
  EXPECT_EQ(model.tensor(pointed.row()).name, first);
  model.sort(RunModel::kName, Qt::AscendingOrder);
  EXPECT_EQ(model.tensor(0).name, first);
  EXPECT_TRUE(std::isnan(model.update(0, 0)));
  EXPECT_EQ(model.update(0, 1), *model.spark(0, RunModel::kUpdates)[1]);
  EXPECT_TRUE(std::isnan(model.update(0, 8))) << "a file that is not there";
  // The same names again: rows stay.
  QSignalSpy reset(&model, &QAbstractItemModel::modelReset);
  model.set_run(std::move(*run));
  EXPECT_EQ(reset.count(), 0);
  model.set_run(std::make_shared<RunHistory>());
  EXPECT_EQ(model.rowCount(), 0);
}

std::vector<RunEntry> entries_of(const std::filesystem::path& folder) {
  auto entries = look_at_run(folder, std::chrono::system_clock::now() + std::chrono::hours(1));
  EXPECT_TRUE(entries);
  return entries ? *entries : std::vector<RunEntry>{};
}

void copy_run(const TempDir& dir, int epochs, const std::string& prefix = "mlp") {
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    const std::string name = "-" + std::to_string(epoch) + "_4.ckpt";
    std::filesystem::copy_file(sample("run/mlp" + name), dir / (prefix + name));
    std::filesystem::permissions(dir / (prefix + name), std::filesystem::perms::owner_all);
  }
}

void expect_same(const History& a, const History& b) {
  ASSERT_EQ(a.files, b.files);
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    const TensorHistory& one = a.tensors[i];
    const TensorHistory& other = b.tensors[i];
    EXPECT_EQ(one.name, other.name);
    EXPECT_EQ(one.elements, other.elements);
    EXPECT_EQ(one.condition.frozen, other.condition.frozen);
    EXPECT_EQ(one.condition.exploding, other.condition.exploding);
    EXPECT_EQ(one.condition.dead, other.condition.dead);
    ASSERT_EQ(one.points.size(), other.points.size());
    for (std::size_t k = 0; k < one.points.size(); ++k) {
      ASSERT_EQ(one.points[k].has_value(), other.points[k].has_value());
      if (!one.points[k]) continue;
      EXPECT_EQ(one.points[k]->norm, other.points[k]->norm);
      EXPECT_EQ(one.points[k]->update, other.points[k]->update);
    }
  }
}

// Other bytes under the same name, size, inode and time: whoever reads them finds other numbers.
void spoil(const std::filesystem::path& path) {
  const auto time = std::filesystem::last_write_time(path);
  std::fstream(path, std::ios::binary | std::ios::in | std::ios::out) << std::string(200, 'x');
  std::filesystem::last_write_time(path, time);
}

TEST(Runs, WhatWasReadIsNotReadAgain) {
  const TempDir dir;
  copy_run(dir, 5);
  const auto five = read_run(entries_of(dir.path()));
  ASSERT_TRUE(five);
  ASSERT_EQ((*five)->files.size(), 5U);
  for (int epoch = 1; epoch <= 4; ++epoch) spoil(dir / ("mlp-" + std::to_string(epoch) + "_4.ckpt"));
  std::filesystem::copy_file(sample("run/mlp-6_4.ckpt"), dir / "mlp-6_4.ckpt");
  const auto six = read_run(entries_of(dir.path()), **five);
  ASSERT_TRUE(six);
  const TempDir whole;
  copy_run(whole, 6);
  expect_same((*six)->history, (*read_run(entries_of(whole.path())))->history);
  // Retention takes the first ones away.
  std::filesystem::remove(dir / "mlp-1_4.ckpt");
  std::filesystem::remove(whole / "mlp-1_4.ckpt");
  expect_same((*read_run(entries_of(dir.path()), **six))->history, (*read_run(entries_of(whole.path())))->history);
  // One that has changed is noticed, and then nothing of what was is of use.
  std::filesystem::copy_file(sample("run/mlp-8_4.ckpt"), dir / "mlp-6_4.ckpt",
                             std::filesystem::copy_options::overwrite_existing);
  std::filesystem::last_write_time(dir / "mlp-6_4.ckpt", std::filesystem::file_time_type::clock::now());
  const auto changed = read_run(entries_of(dir.path()), **six);
  ASSERT_TRUE(changed);
  EXPECT_EQ((*changed)->files.size(), 2U);
  EXPECT_EQ((*changed)->left_out.size(), 3U);
}

TEST(Runs, LeaveOutWhatIsDamagedOrEmpty) {
  const TempDir dir;
  copy_run(dir, 3);
  std::filesystem::resize_file(dir / "mlp-2_4.ckpt", 1000);
  std::filesystem::resize_file(dir / "mlp-3_4.ckpt", 0);
  const auto run = read_run(entries_of(dir.path()));
  ASSERT_TRUE(run);
  EXPECT_EQ((*run)->files.size(), 1U);
  ASSERT_EQ((*run)->left_out.size(), 2U);
  EXPECT_EQ((*run)->left_out[0].why.code, Errc::truncated);
  const auto again = read_run(entries_of(dir.path()), **run);
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->left_out.size(), 2U);
}

TEST(Runs, NeedTheirKey) {
  const TempDir dir;
  for (const std::string name : {"enc-1_4.ckpt", "enc-2_4.ckpt"})
    std::filesystem::copy_file(sample("good/enc_b_gcm.ckpt"), dir / name);
  const auto locked = read_run(entries_of(dir.path()));
  ASSERT_FALSE(locked);
  EXPECT_EQ(locked.error().code, Errc::key);
  OpenOptions how;
  how.key = *tools::key_from_hex("000102030405060708090a0b0c0d0e0f", "it");
  const auto run = read_run(entries_of(dir.path()), {}, how);
  ASSERT_TRUE(run);
  EXPECT_EQ((*run)->files.size(), 2U);
}

TEST(Runs, AreToldApart) {
  const TempDir dir;
  copy_run(dir, 3, "b");
  copy_run(dir, 2, "a");
  std::filesystem::last_write_time(dir / "b-1_4.ckpt",
                                   std::filesystem::file_time_type::clock::now() + std::chrono::minutes(1));
  const auto entries = entries_of(dir.path());
  const auto runs = runs_of(entries);
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].prefix, "a");
  EXPECT_EQ(runs[0].files, 2);
  EXPECT_EQ(runs[1].files, 3);
  EXPECT_EQ(newest_run(entries), "b");
  EXPECT_EQ(newest_run({}), "");
}

TEST(MagnitudesOf, AgreeWithCountingOneByOne) {
  const TempDir dir;
  std::string bytes;
  std::vector<double> numbers;
  std::mt19937 random(7);
  std::normal_distribution<float> exponent(-10, 30);
  for (int i = 0; i < 200'000; ++i) {
    const float value = (i % 3 == 0 ? -1.0F : 1.0F) * std::exp2(exponent(random));  // denormals and infinities, too
    numbers.push_back(i % 1000 == 0 ? 0.0 : static_cast<double>(value));
    bytes += values({static_cast<float>(numbers.back())});
  }
  const auto file = file_of(dir, record().tag("w").dims({200'000}).type("Float32").content(bytes));
  const auto found = magnitudes(file->file, file->file.tensors()[0], 50);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->edges.size(), 51U);
  std::vector<std::uint64_t> negative(50);
  std::vector<std::uint64_t> positive(50);
  std::uint64_t zeros = 0;
  std::uint64_t non_finite = 0;
  for (const double number : numbers) {
    if (number == 0) {
      ++zeros;
    } else if (!std::isfinite(number)) {
      ++non_finite;
    } else {
      const auto edge = std::upper_bound(found->edges.begin(), found->edges.end(), std::abs(number));
      ASSERT_NE(edge, found->edges.begin());
      ASSERT_NE(edge, found->edges.end());
      ++(number < 0 ? negative : positive)[static_cast<std::size_t>(edge - found->edges.begin()) - 1];
    }
  }
  EXPECT_EQ(found->negative, negative);
  EXPECT_EQ(found->positive, positive);
  EXPECT_EQ(found->zeros, zeros);
  EXPECT_EQ(found->non_finite, non_finite);
}

TEST(MagnitudesOf, NothingButZerosAndNaN) {
  const TempDir dir;
  const auto file = file_of(dir, record().tag("w").dims({3}).type("Float32").content(
                                     values({0.0F, -0.0F, std::numeric_limits<float>::quiet_NaN()})));
  const auto found = magnitudes(file->file, file->file.tensors()[0], 50);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->edges.empty());
  EXPECT_EQ(found->zeros, 2U);
  EXPECT_EQ(found->non_finite, 1U);
}

std::string output_of(const std::string& command) {
  std::string text;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::array<char, 256> piece;
  while (std::fgets(piece.data(), piece.size(), pipe) != nullptr) text += piece.data();
  EXPECT_EQ(::pclose(pipe), 0) << command;
  return text;
}

TEST(Snippets, NumPyReadsWhatWeRead) {
  const auto file = open_sample("good/lenet.ckpt");
  const TensorInfo& tensor = *file->file.find("conv2.weight");
  const QString snippet = numpy_snippet(file->path, file->file, tensor);
  std::array<std::byte, 4> element;
  ASSERT_TRUE(file->file.read(tensor, 777 * 4, element));
  const std::string said = output_of(CKPT_PYTHON " -c 'import numpy as np; a = " + snippet.toStdString() +
                                     "; print(a.shape == (16, 6, 5, 5), a.reshape(-1)[777])'");
  EXPECT_EQ(said, "True " + element_in(NumberFormat::exact, DType::float32, element).toStdString() + "\n");
}

TEST(Exports, NumPyReadsThem) {
  const TempDir dir;
  const auto file = open_sample("good/lenet.ckpt");
  const TensorInfo& tensor = *file->file.find("conv2.weight");
  Plane plane = plane_of(tensor.dims);
  plane.at = {3, 2, 0, 0};
  ASSERT_TRUE(export_npy(file->file, tensor, dir / "a.npy", {}));
  ASSERT_TRUE(export_csv(file->file, tensor, plane, dir / "a.csv", {}));
  const std::string npy = "np.load(\"" + (dir / "a.npy").string() + "\")";
  const std::string csv = "np.loadtxt(\"" + (dir / "a.csv").string() + "\", delimiter=\",\", dtype=\"<f4\")";
  EXPECT_EQ(output_of(CKPT_PYTHON " -c 'import numpy as np; a = " +
                      numpy_snippet(file->path, file->file, tensor).toStdString() + "; print((a == " + npy +
                      ").all(), (a[3,2] == " + csv + ").all())'"),
            "True True\n");
  // Stopped half way nothing is there.
  EXPECT_FALSE(export_npy(file->file, tensor, dir / "b.npy", [](auto, auto) { return false; }));
  EXPECT_FALSE(std::filesystem::exists(dir / "b.npy"));
  QImage picture(3, 2, QImage::Format_RGB32);
  picture.fill(Qt::red);
  ASSERT_TRUE(export_png(picture, dir / "a.png"));
  EXPECT_EQ(QImage(QString::fromStdString((dir / "a.png").string())).size(), QSize(3, 2));
  EXPECT_FALSE(export_png(QImage(), dir / "c.png"));
}

TEST(Exports, RowsLongerThanWhatIsReadAtOnce) {
  const TempDir dir;
  constexpr int kColumns = 150'000;
  Bytes numbers;
  for (int i = 0; i < 2 * kColumns; ++i) numbers += values<std::int32_t>({i});
  const auto file = file_of(dir, record().tag("w").dims({2, kColumns}).type("Int32").content(numbers));
  const TensorInfo& tensor = file->file.tensors()[0];
  std::uint64_t before = 0;
  int calls = 0;
  ASSERT_TRUE(export_csv(file->file, tensor, plane_of(tensor.dims), dir / "a.csv", [&](auto done, auto total) {
    EXPECT_GT(done, before);
    EXPECT_EQ(total, 2U * kColumns);
    before = done;
    return ++calls > 0;
  }));
  EXPECT_EQ(before, 2U * kColumns);
  EXPECT_GT(calls, 2);
  std::ifstream csv(dir / "a.csv");
  int expected = 0;
  for (std::string line; std::getline(csv, line);) {
    std::istringstream cells(line);
    const int first = expected;
    for (std::string cell; std::getline(cells, cell, ',');) ASSERT_EQ(cell, std::to_string(expected++));
    EXPECT_EQ(expected - first, kColumns);
  }
  EXPECT_EQ(expected, 2 * kColumns);
}

TEST(Snippets, QuoteWhatNeedsIt) {
  EXPECT_EQ(uri_of("a.ckpt", "conv1.weight", "0,:"), "a.ckpt#conv1.weight[0,:]");
  EXPECT_EQ(uri_of("a.ckpt", "a[0]", ""), "a.ckpt#\"a[0]\"");
  TensorInfo tensor;
  tensor.name = "q\"\\\n7";
  EXPECT_TRUE(cpp_snippet("a.ckpt", tensor).contains("find(\"q\\\"\\\\\\0127\")"));
}

TEST(Job, DeliversOnTheThreadThatStartedIt) {
  Jobs jobs;
  Job job(jobs);
  QThread* worked_on = nullptr;
  QThread* delivered_on = nullptr;
  int result = 0;
  job.start(
      "sum",
      [&worked_on](const Progress& progress) {
        worked_on = QThread::currentThread();
        progress(1, 2);
        return 42;
      },
      [&](int value) {
        delivered_on = QThread::currentThread();
        result = value;
      });
  EXPECT_TRUE(job.running());
  EXPECT_FALSE(jobs.idle());
  ASSERT_TRUE(wait_until([&] { return result == 42; }));
  EXPECT_EQ(delivered_on, QThread::currentThread());
  EXPECT_NE(worked_on, QThread::currentThread());
  EXPECT_TRUE(jobs.idle());
}

// Work that goes on until it is told to stop.
Result<int> work_until_stopped(const Progress& progress) {
  while (progress(1, 10)) QThread::usleep(100);
  return Error{.code = Errc::cancelled};
}

TEST(Job, CancelIsAResultAndReplacingIsNone) {
  Jobs jobs;
  Job job(jobs);
  std::vector<int> results;
  const auto note = [&](int which) {
    return [&results, which](Result<int> result) { results.push_back(result ? which : -which); };
  };
  job.start("first", work_until_stopped, note(1));
  job.start("second", work_until_stopped, note(2));
  ASSERT_TRUE(wait_until([&] { return job.progress() > 0; }));
  EXPECT_EQ(job.title(), "second");
  job.cancel();
  ASSERT_TRUE(wait_until([&] { return !results.empty(); }));
  EXPECT_EQ(results, std::vector<int>{-2});
}

TEST(Job, WantOfMemoryIsAnError) {
  Jobs jobs;
  Job job(jobs);
  std::vector<Errc> errors;
  const auto note = [&](const Result<std::vector<char>>& result) { errors.push_back(result.error().code); };
  using Values = Result<std::vector<char>>;
  job.start(
      "new", [](const Progress&) -> Values { throw std::bad_alloc(); }, note);
  ASSERT_TRUE(wait_until([&] { return errors.size() == 1; }));
  job.start(
      "reserve", [](const Progress&) -> Values { return std::vector<char>(~std::size_t{0}); }, note);
  ASSERT_TRUE(wait_until([&] { return errors.size() == 2; }));
  EXPECT_EQ(errors, (std::vector<Errc>{Errc::limit, Errc::limit}));
}

TEST(Job, WhatHasNoTitleIsNotTheUsersToCancel) {
  Jobs jobs;
  Job shown(jobs);
  Job hidden(jobs);
  const auto nothing = [](const Result<int>&) {};
  shown.start("shown", work_until_stopped, nothing);
  hidden.start({}, work_until_stopped, nothing);
  EXPECT_EQ(jobs.latest(), &shown);
  shown.drop();
  EXPECT_EQ(jobs.latest(), nullptr);
  EXPECT_FALSE(jobs.idle());
}

TEST(Job, GoingAwayInTheMiddleIsSafe) {
  for (int i = 0; i < 50; ++i) {
    auto jobs = std::make_unique<Jobs>();
    auto job = std::make_unique<Job>(*jobs);
    job->start("long", work_until_stopped, [](Result<int>) { ADD_FAILURE() << "nobody is there to be told"; });
    if (i % 2 == 0) job.reset();
    jobs.reset();
    QCoreApplication::processEvents();
  }
}

}  // namespace

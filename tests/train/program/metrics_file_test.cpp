#include "metrics_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

#include "run_metrics.h"
#include "temp_dir.h"

namespace ckpt::train {
namespace {

namespace fs = std::filesystem;

const std::string kHeadLine = "step,epoch,loss,accuracy,lr,images_per_second,validation_loss,validation_accuracy\n";

std::string text_of_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void put(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

MetricsFile opened(const fs::path& path, std::optional<std::uint64_t> after = {}) {
  auto file = MetricsFile::open(path, after);
  if (!file) throw std::runtime_error(to_string(file.error()));
  if (auto status = file->begin(after.has_value()); !status) throw std::runtime_error(to_string(status.error()));
  return std::move(*file);
}

Metrics line_of(std::uint64_t step) {
  return {.step = step, .epoch = 1, .loss = 0.5, .accuracy = 0.25, .learning_rate = 0.01F, .images_per_second = 1000};
}

class MetricsFiles : public testing::Test {
 protected:
  test::TempDir dir_;
};

TEST_F(MetricsFiles, LinesOfCsv) {
  const fs::path path = dir_ / "run.csv";
  MetricsFile file = opened(path);
  ASSERT_TRUE(file.add(line_of(4)));
  ASSERT_TRUE(file.add(line_of(8)));
  EXPECT_EQ(text_of_file(path), kHeadLine + "4,1,0.5,0.25,0.01,1000.0,,\n8,1,0.5,0.25,0.01,1000.0,,\n");
  ASSERT_TRUE(file.add_validation(8, 0.75, 0.125));
  EXPECT_EQ(text_of_file(path), kHeadLine + "4,1,0.5,0.25,0.01,1000.0,,\n8,1,0.5,0.25,0.01,1000.0,0.75,0.125\n");
  ASSERT_TRUE(file.add(line_of(12)));
  EXPECT_TRUE(text_of_file(path).ends_with("0.75,0.125\n12,1,0.5,0.25,0.01,1000.0,,\n"));
}

TEST_F(MetricsFiles, LinesOfJson) {
  const fs::path path = dir_ / "run.jsonl";
  MetricsFile file = opened(path);
  Metrics line = line_of(4);
  line.loss = -std::numeric_limits<double>::quiet_NaN();
  line.accuracy = std::numeric_limits<double>::infinity();
  ASSERT_TRUE(file.add(line));
  const std::string start =
      R"({"schema":"ckpt.metrics/1","step":4,"epoch":1,"loss":"NaN","accuracy":"Infinity","lr":0.01,"images_per_second":1000.0,)";
  EXPECT_EQ(text_of_file(path), start + "\"validation_loss\":null,\"validation_accuracy\":null}\n");
  ASSERT_TRUE(file.add_validation(4, 0, 1));  // which is shorter
  EXPECT_EQ(text_of_file(path), start + "\"validation_loss\":0.0,\"validation_accuracy\":1.0}\n");
}

TEST_F(MetricsFiles, TwoRunsDoNotShareOne) {
  const fs::path path = dir_ / "run.jsonl";
  MetricsFile first = opened(path);
  auto second = MetricsFile::open(path);
  ASSERT_TRUE(second) << "it is empty";
  EXPECT_EQ(to_string(second->begin(false).error()), "another run writes to it");
}

TEST_F(MetricsFiles, AValidationIsOfTheLastLineOnce) {
  const fs::path path = dir_ / "run.csv";
  MetricsFile file = opened(path);
  ASSERT_TRUE(file.add_validation(4, 1, 1));
  EXPECT_EQ(text_of_file(path), kHeadLine);
  ASSERT_TRUE(file.add(line_of(4)));
  ASSERT_TRUE(file.add_validation(8, 1, 1));
  EXPECT_TRUE(text_of_file(path).ends_with("1000.0,,\n"));
  ASSERT_TRUE(file.add_validation(4, 0.5, 1));
  ASSERT_TRUE(file.add_validation(4, 0.25, 1));
  EXPECT_TRUE(text_of_file(path).ends_with("1000.0,0.5,1\n"));
}

// Killed after any byte, and resumed after any step: whole lines up to the step are there, and what comes fits on.
TEST_F(MetricsFiles, EveryCutIsContinued) {
  for (const std::string name : {"run.csv", "run.jsonl"}) {
    const fs::path path = dir_ / name;
    {
      MetricsFile file = opened(path);
      for (const std::uint64_t step : {4U, 8U, 12U}) ASSERT_TRUE(file.add(line_of(step)));
    }
    const std::string whole = text_of_file(path);
    for (std::size_t size = 0; size <= whole.size(); ++size)
      for (const std::uint64_t after : {0U, 4U, 9U}) {
        put(path, whole.substr(0, size));
        MetricsFile file = opened(path, after);
        ASSERT_TRUE(file.add_validation(after, 0.5, 0.5));
        ASSERT_TRUE(file.add(line_of(after + 1)));
        tools::MetricsReader reader;
        ASSERT_TRUE(reader.read(path)) << name << size;
        const tools::RunMetrics& metrics = reader.metrics();
        EXPECT_EQ(metrics.damaged, 0U) << name << size;
        EXPECT_FALSE(metrics.half_line);
        ASSERT_FALSE(metrics.rows.empty());
        EXPECT_EQ(metrics.rows.back().step, after + 1);
        for (std::size_t i = 0; i + 1 < metrics.rows.size(); ++i) EXPECT_LE(metrics.rows[i].step, after);
        if (size == whole.size()) {
          EXPECT_EQ(metrics.rows.size(), after / 4 + 1);
        }
      }
  }
}

TEST_F(MetricsFiles, AReaderSeesTheValidationThatCameLater) {
  const fs::path path = dir_ / "run.csv";
  MetricsFile file = opened(path);
  ASSERT_TRUE(file.add(line_of(4)));
  tools::MetricsReader reader;
  ASSERT_TRUE(reader.read(path));
  ASSERT_TRUE(file.add_validation(4, 0.75, 0.125));
  ASSERT_TRUE(file.add(line_of(8)));
  ASSERT_TRUE(reader.read(path));
  EXPECT_EQ(reader.metrics().damaged, 0U);
  ASSERT_EQ(reader.metrics().rows.size(), 2U);
  EXPECT_EQ(reader.metrics().rows[0].values.back(), 0.125);
}

TEST_F(MetricsFiles, NobodyElsesFileIsTouched) {
  const auto refused = [&](const std::string& name, std::optional<std::uint64_t> after) {
    const auto file = MetricsFile::open(dir_ / name, after);
    EXPECT_EQ(file.error().code, Errc::usage);
    return file.error().message;
  };
  EXPECT_EQ(refused("run.txt", {}), "a metrics file ends in .csv or .jsonl");
  put(dir_ / "run.csv", kHeadLine);
  EXPECT_EQ(refused("run.csv", {}), "is there already");
  for (const char* text : {"mine\n", "step,epoch\n4,1\n", "mine, without an end"}) {
    put(dir_ / "run.csv", text);
    EXPECT_EQ(refused("run.csv", 4), "is there already, and is no metrics file");
    EXPECT_EQ(text_of_file(dir_ / "run.csv"), text);
  }
  put(dir_ / "run.jsonl", "{\"my\":1}");
  EXPECT_EQ(refused("run.jsonl", 4), "is there already, and is no metrics file");
  put(dir_ / "run.jsonl", "{\"step\":\"4\"}\n");
  EXPECT_EQ(refused("run.jsonl", 4), "is there already, and is no metrics file");
  put(dir_ / "run.jsonl", "{\"step\":4}\n" + std::string(std::size_t{1} << 17, ' ') + "\n");
  EXPECT_EQ(refused("run.jsonl", 4), "is there already, and is no metrics file");
  ASSERT_TRUE(MetricsFile::open(dir_.path() / "new" / "run.csv"));
  EXPECT_FALSE(fs::exists(dir_ / "new"));
  (void)opened(dir_.path() / "new" / "run.csv");
  EXPECT_EQ(text_of_file(dir_.path() / "new" / "run.csv"), kHeadLine);
}

}  // namespace
}  // namespace ckpt::train

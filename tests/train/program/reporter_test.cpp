#include "reporter.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "temp_dir.h"

namespace ckpt::train {
namespace {

using namespace std::chrono_literals;

/// A file that can be written to and asked what is in it.
class Stream {
 public:
  Stream() : file_(std::tmpfile()) {
    if (file_ == nullptr) throw std::runtime_error("no temporary file");
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { std::fclose(file_); }

  std::FILE* file() const { return file_; }
  std::string text() const {
    std::fflush(file_);
    std::string text(static_cast<std::size_t>(std::ftell(file_)), '\0');
    std::rewind(file_);
    if (std::fread(text.data(), 1, text.size(), file_) != text.size()) throw std::runtime_error("cannot be read");
    return text;
  }

 private:
  std::FILE* file_;
};

/// A terminal of so many columns.
class Terminal {
 public:
  explicit Terminal(unsigned columns) {
    winsize size{};
    size.ws_row = 24;
    size.ws_col = static_cast<unsigned short>(columns);
    int slave = -1;
    if (::openpty(&master_, &slave, nullptr, nullptr, &size) != 0) throw std::runtime_error("no terminal");
    file_ = ::fdopen(slave, "w");
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() {
    std::fclose(file_);
    ::close(master_);
  }

  std::FILE* file() const { return file_; }
  std::string text() const {  // since it was asked last
    std::fputc('\0', file_);  // what was written arrives later, and in pieces
    std::fflush(file_);
    std::string text;
    for (char c = 0; ::read(master_, &c, 1) == 1 && c != '\0';) text += c;
    return text;
  }

 private:
  int master_ = -1;
  std::FILE* file_ = nullptr;
};

class Reports : public testing::Test {
 protected:
  using Clock = Reporter::Clock;

  Reporter reporter(cli::Context& context, std::FILE* err, std::uint64_t first_step = 0,
                    std::optional<MetricsFile> metrics = {}) {
    return Reporter(context,
                    {.epochs = 3,
                     .steps_per_epoch = 10,
                     .first_step = first_step,
                     .batch = 4,
                     .log_steps = 4,
                     .err = err,
                     .clock = [this] { return now_; }},
                    std::move(metrics));
  }
  void steps(Reporter& reporter, std::uint64_t first, std::uint64_t last, Clock::duration each) {
    for (std::uint64_t step = first; step <= last; ++step) {
      now_ += each;
      reporter.step(step, {.loss = static_cast<double>(step), .right = 1}, 0.5);
      reporter.saved({});
    }
  }

  Clock::time_point now_ = Clock::now();
  Stream out_;
};

// What is drawn over one line: its last state, without what moves the cursor.
std::string last_line(const std::string& text) {
  const std::size_t start = text.rfind('\r');
  const std::size_t end = text.find("\x1b[K", start);
  if (start == text.npos || end == text.npos) return "no line: " + text;
  return text.substr(start + 1, end - start - 1);
}

TEST_F(Reports, ALineOnATerminal) {
  const Terminal terminal(80);
  cli::Context context(out_.file(), terminal.file(), cli::When::automatic, "ckpt-train");
  Reporter report = reporter(context, terminal.file());
  steps(report, 1, 3, 300ms);
  EXPECT_EQ(terminal.text(), "");  // within the first second
  steps(report, 4, 5, 300ms);
  EXPECT_EQ(last_line(terminal.text()), "epoch 1/3 [=====     ] loss 2.500, accuracy 0.250, 13 images/s, 7 s left");
  report.epoch_end({});
  EXPECT_EQ(last_line(terminal.text()), "");
  EXPECT_EQ(out_.text(), "epoch 1 of 3: loss 3.0000, accuracy 0.2500, 13 images/s\n");
}

// What is longer would be wrapped, and could not be drawn over.
TEST_F(Reports, NoWiderThanTheTerminal) {
  for (const unsigned columns : {200U, 60U, 20U, 5U, 2U, 1U}) {
    const Terminal terminal(columns);
    cli::Context context(out_.file(), terminal.file(), cli::When::automatic, "ckpt-train");
    Reporter report = reporter(context, terminal.file());
    steps(report, 1, 10, 300ms);
    const std::string all = "epoch 1/3 [==========] loss ";
    const std::string line = last_line(terminal.text());
    EXPECT_LT(line.size(), columns);
    EXPECT_TRUE(line.starts_with(all.substr(0, columns - 1))) << line;
  }
}

TEST_F(Reports, ALineAMinuteElsewhere) {
  const Stream err;
  cli::Context context(out_.file(), err.file(), cli::When::automatic, "ckpt-train");
  Reporter report = reporter(context, err.file());
  steps(report, 1, 6, 10s);
  EXPECT_EQ(err.text(), "");
  steps(report, 7, 8, 10s);
  EXPECT_EQ(err.text(), "ckpt-train: epoch 1/3 70 %: loss 4.000, accuracy 0.250, 0.4 images/s, 4 min left\n");
}

TEST_F(Reports, AValidationIsStoppedByNobodyAndTold) {
  const Terminal terminal(80);
  cli::Context context(out_.file(), terminal.file(), cli::When::automatic, "ckpt-train");
  Reporter report = reporter(context, terminal.file());
  steps(report, 1, 10, 1ms);
  const Progress progress = report.validating();
  now_ += 2s;
  EXPECT_TRUE(progress(30, 120));
  EXPECT_EQ(last_line(terminal.text()), "epoch 1/3: validation, 25 %");
  report.epoch_end(Evaluation{.loss = 0.25, .accuracy = 0.75, .images = 120});
  EXPECT_TRUE(out_.text().ends_with("; validation loss 0.2500, accuracy 0.7500\n"));
}

TEST_F(Reports, AnEpochThatWasTrainedBefore) {
  const Stream err;
  cli::Context context(out_.file(), err.file(), cli::When::automatic, "ckpt-train");
  Reporter report = reporter(context, err.file(), 20);
  report.epoch_end(Evaluation{.loss = 0.25, .accuracy = 0.75, .images = 120});
  EXPECT_EQ(out_.text(), "epoch 2 of 3: validation loss 0.2500, accuracy 0.7500\n");
}

TEST_F(Reports, EachErrorOfSavingOnce) {
  const Stream err;
  cli::Context context(out_.file(), err.file(), cli::When::automatic, "ckpt-train");
  Reporter report = reporter(context, err.file());
  const auto failed = [&](const char* message) { report.saved(Error{.code = Errc::io, .message = message}); };
  failed("no space");
  failed("no space");
  report.saved({});
  failed("no space");
  failed("no disk");
  failed("no space");
  const std::string note = "ckpt-train: a checkpoint could not be saved: no ";
  EXPECT_EQ(err.text(), note + "space\n" + note + "disk\n");
}

TEST_F(Reports, LinesOfTheMetricsFile) {
  const test::TempDir dir;
  const auto path = dir / "run.csv";
  const Stream err;
  cli::Context context(out_.file(), err.file(), cli::When::automatic, "ckpt-train");
  auto metrics = MetricsFile::open(path);
  ASSERT_TRUE(metrics);
  ASSERT_TRUE(metrics->begin(false));
  Reporter report = reporter(context, err.file(), 0, std::move(*metrics));
  steps(report, 1, 10, 100ms);
  const auto lines = [&] {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    const std::string all = text.str();
    return all.substr(all.find('\n') + 1);
  };
  const std::string before = "4,1,2.5,0.25,0.5,40.0,,\n8,1,6.5,0.25,0.5,40.0,,\n10,1,9.5,0.25,0.5,40.0,";
  EXPECT_EQ(lines(), before + ",\n");  // there before it is validated
  now_ += 5s;
  report.epoch_end(Evaluation{.loss = 0.75, .accuracy = 0.5, .images = 120});
  EXPECT_EQ(lines(), before + "0.75,0.5\n");
  steps(report, 11, 12, 100ms);  // what validating takes is no time of training
  EXPECT_EQ(lines(), before + "0.75,0.5\n12,2,11.5,0.25,0.5,40.0,,\n");
}

}  // namespace
}  // namespace ckpt::train

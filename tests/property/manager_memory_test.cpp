// ModelCheckpoint where memory ends: whichever allocation fails, the caller gets an error, and the next save is whole.
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/manager.h"
#include "ckpt/run_files.h"
#include "file_bytes.h"
#include "heap_meter.h"
#include "temp_dir.h"

namespace ckpt::test {
namespace {

struct Case {
  std::string name = {};
  bool async = false;
  bool again = false;  // the save that fails is of a name that is there already
};

/// One whose only parameter has the step as its values.
class Training {
 public:
  Training(const TempDir& dir, bool async, bool resume)
      : saver_(*ModelCheckpoint::create("net", dir.path(),
                                        {.keep_checkpoint_max = 2,
                                         .async_save = async,
                                         .keep_best = 1,
                                         .metric_mode = MetricMode::min,
                                         .resume = resume,
                                         .durable = false},
                                        {.params = [this] {
                                          return std::vector<Param>{
                                              {.desc = {.name = "w", .dtype = DType::float32, .dims = {kValues}},
                                               .bytes = std::as_bytes(std::span(values_))}};
                                        }})) {}
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

  Status train(std::uint64_t step) {
    values_.assign(kValues, static_cast<float>(step));
    if (auto status = saver_.step_end({1, step, 9}); !status) return status;
    return wait();
  }
  ModelCheckpoint& saver() { return saver_; }

 private:
  static constexpr std::int64_t kValues = 1000;

  // end() would save once more.
  Status wait() {
    if (auto status = saver_.begin(); !status) return status;
    auto status = saver_.pin("net-9_9.ckpt");
    return !status && status.error().code == Errc::usage ? Status() : status;
  }

  std::vector<float> values_ = std::vector<float>(kValues);
  ModelCheckpoint saver_;
};

/// The value that is in the checkpoint of a step; 0 if it is not there or not whole.
float value_in(const TempDir& dir, const std::string& name) {
  const auto file = Checkpoint::open(dir / name);
  const TensorInfo* const w = file ? file->find("w") : nullptr;
  float value = 0;
  if (w == nullptr || w->byte_size != 4000) return 0;
  return file->read(*w, 3996, std::as_writable_bytes(std::span(&value, 1))) ? value : 0;
}

class ManagerMemory : public testing::TestWithParam<Case> {};

TEST_P(ManagerMemory, WhicheverAllocationFailsTheNextSaveIsWhole) {
  std::set<std::string> messages;
  bool goes_on = true;
  for (std::size_t n = 1; goes_on; ++n) {
    ASSERT_LT(n, 5000U);
    const TempDir dir;
    {
      Training run(dir, GetParam().async, false);
      ASSERT_TRUE(run.train(1));
      ASSERT_TRUE(run.saver().epoch_end(0.5));
      ASSERT_TRUE(run.train(2));
      ASSERT_TRUE(run.saver().epoch_end(0.25));
      const std::uint64_t step = GetParam().again ? 2 : 3;
      if (GetParam().again) {
        ASSERT_TRUE(run.saver().begin(1));
      }
      Status status;
      {
        const FailingHeap heap(n);
        status = run.train(step);
        goes_on = heap.has_failed();
      }
      if (!status) {
        ASSERT_TRUE(goes_on) << to_string(status.error());
        ASSERT_EQ(status.error().os_error, ENOMEM) << to_string(status.error());
        messages.insert(to_string(status.error()));
      }
      // What could not be saved is not there, or the old one; what was saved is whole.
      const bool is_there = std::filesystem::exists(dir / ("net-1_" + std::to_string(step) + ".ckpt"));
      ASSERT_TRUE(is_there || (!status && !GetParam().again)) << n;
      if (is_there) {
        ASSERT_EQ(value_in(dir, "net-1_" + std::to_string(step) + ".ckpt"), static_cast<float>(step)) << n;
      }
      const Status next = run.train(step + 1);
      ASSERT_TRUE(next) << n << ": " << to_string(next.error());
      ASSERT_EQ(run.saver().latest()->step, step + 1);
    }
    // Started again it finds what is there, and nothing else.
    Training run(dir, GetParam().async, true);
    ASSERT_EQ(run.saver().prefix(), "net");
    ASSERT_EQ(run.saver().latest()->step, GetParam().again ? 3U : 4U) << n;
    ASSERT_EQ(value_in(dir, run.saver().latest()->path.filename()), GetParam().again ? 3.0F : 4.0F);
    const auto runs = find_runs(dir.path());
    ASSERT_TRUE(runs && runs->size() == 1);
    ASSERT_TRUE(runs->front().others.empty()) << n;
    std::set<std::string> expected{"net-record.txt"};
    for (const CheckpointFile& file : runs->front().files) expected.insert(file.name);
    const auto names = names_in(dir.path());
    ASSERT_EQ(std::set<std::string>(names.begin(), names.end()), expected) << n;
  }
  const bool is_copied =
      messages.contains("cannot copy the parameters for an asynchronous save: Cannot allocate memory");
  EXPECT_EQ(is_copied, GetParam().async);
  EXPECT_TRUE(messages.contains("cannot save: Cannot allocate memory"));
}

INSTANTIATE_TEST_SUITE_P(All, ManagerMemory,
                         testing::Values(Case{"here", false, false}, Case{"aside", true, false},
                                         Case{"here_again", false, true}, Case{"aside_again", true, true}),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace ckpt::test

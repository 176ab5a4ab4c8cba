#include "checkpoint_fit.h"

#include <gtest/gtest.h>

#include <array>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "ckpt/writer.h"
#include "temp_dir.h"

namespace ckpt::train {
namespace {

class CheckpointFit : public testing::Test {
 protected:
  ParamDict file_of(const std::vector<AppendValue>& append) {
    const Param params[] = {
        {.desc = {.name = "fc.weight", .dtype = DType::float32, .dims = {3}},
         .bytes = std::as_bytes(std::span(three_))},
        {.desc = {.name = "learning_rate", .dtype = DType::float32, .dims = {3}},
         .bytes = std::as_bytes(std::span(three_))},
        {.desc = {.name = "half", .dtype = DType::float16, .dims = {}}, .bytes = std::as_bytes(std::span(half_))},
        {.desc = {.name = "steps", .dtype = DType::int32, .dims = {1}}, .bytes = std::as_bytes(std::span(seven_))}};
    const auto path = dir_ / "f.ckpt";
    if (const auto status = save_checkpoint(path, params, append); !status)
      throw std::runtime_error(to_string(status.error()));
    auto file = load_checkpoint(path);
    if (!file) throw std::runtime_error(to_string(file.error()));
    return std::move(*file);
  }
  static std::vector<AppendValue> number(const char* name, std::int64_t value) { return {{name, value}}; }

  test::TempDir dir_;
  std::array<float, 3> three_ = {0.5F, 0.25F, 0.125F};
  std::array<std::uint16_t, 1> half_ = {0x3800};
  std::array<std::int32_t, 1> seven_ = {7};
};

TEST_F(CheckpointFit, EachMisfitSaysWhy) {
  const ParamDict file = file_of({{"fc.bias", std::string("text")}});
  const NetParam params[] = {{.name = "fc.weight", .dtype = DType::float32, .dims = {3}},
                             {.name = "learning_rate", .dtype = DType::float32, .dims = {1, 3}},
                             {.name = "fc.bias", .dtype = DType::float32, .dims = {84}},
                             {.name = "fc2.bias", .dtype = DType::float32, .dims = {10}}};
  const Fit fits = fit(params, file);
  ASSERT_EQ(fits.fitting.size(), 1U);
  EXPECT_EQ(fits.fitting[0].name, "fc.weight");
  ASSERT_EQ(fits.others.size(), 3U);
  EXPECT_EQ(fits.others[0].why, "is [3] there, [1, 3] here");
  EXPECT_EQ(fits.others[1].why, "is no tensor there, but of the kind string");
  EXPECT_EQ(fits.others[2].why, "is not there");
}

TEST_F(CheckpointFit, NumbersBesideTheParameters) {
  const ParamDict file = file_of(number("total", 12));
  EXPECT_EQ(integer_in(file, "total"), 12);
  EXPECT_EQ(integer_in(file, "steps"), 7);  // an Int32
  EXPECT_EQ(integer_in(file, "fc.weight"), std::nullopt);
  EXPECT_EQ(integer_in(file, "nothing"), std::nullopt);
  EXPECT_EQ(floats_in(file, "learning_rate"), (std::vector<double>{0.5, 0.25, 0.125}));
  EXPECT_EQ(floats_in(file, "half"), std::vector<double>{0.5});
  EXPECT_EQ(floats_in(file, "steps"), std::vector<double>());
}

TEST_F(CheckpointFit, TheOptimizerIsWhatItKeeps) {
  const auto optimizer_with = [&](const char* name) { return optimizer_of(file_of(number(name, 1))); };
  EXPECT_EQ(optimizer_with("moments.fc.weight"), Optimizer::Kind::momentum);
  EXPECT_EQ(optimizer_with("accum.fc.weight"), Optimizer::Kind::sgd);
  EXPECT_EQ(optimizer_with("moment1.fc.weight"), Optimizer::Kind::adam);
  EXPECT_EQ(optimizer_with("stat"), std::nullopt);
}

TEST_F(CheckpointFit, StandingByWhatIsAppended) {
  const ParamDict file =
      file_of({{"epoch_num", std::int64_t{2}}, {"step_num", std::int64_t{8}}, {"seed", std::int64_t{3}}});
  for (const char* path : {"CKP-2_3.ckpt", "run/CKP-9_1.ckpt", "weights.ckpt"}) {  // whatever it is called
    const auto found = standing(file, path, 5);
    ASSERT_TRUE(found) << path;
    EXPECT_EQ(found->step, 8U);
    EXPECT_EQ(found->seed, 3);
    EXPECT_EQ(found->learning_rates, (std::vector<double>{0.5, 0.25, 0.125}));
  }
  const auto other = standing(file, "CKP-2_3.ckpt", 8);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::mismatch);
  EXPECT_EQ(other.error().message, "was saved in step 8, in epoch 2, and epochs of 8 steps make that epoch 1");
  const auto near = standing(file, "CKP-2_3.ckpt", 6);
  ASSERT_FALSE(near);
  EXPECT_EQ(near.error().code, Errc::mismatch);
  EXPECT_EQ(near.error().message, "was saved in step 8, by its name 3 of epoch 2, and epochs of 6 steps make that 2");
  EXPECT_TRUE(standing(file, "best-1_1.ckpt", 6)) << "a name that was given later";
}

TEST_F(CheckpointFit, StandingWithoutAnEpoch) {
  const auto found = standing(file_of(number("step_num", 8)), "CKP-9_1.ckpt", 5);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->step, 8U);
  EXPECT_EQ(found->seed, std::nullopt);
  const auto begin = standing(file_of({{"epoch_num", std::int64_t{0}}, {"step_num", std::int64_t{0}}}), "f.ckpt", 5);
  ASSERT_TRUE(begin);
  EXPECT_EQ(begin->step, 0U);
}

TEST_F(CheckpointFit, StandingByTheStepOfMindSporesOptimizer) {
  const ParamDict file = file_of(number("global_step", 8));
  for (const char* path : {"CKP-2_3.ckpt", "weights.ckpt"}) {
    const auto found = standing(file, path, 5);
    ASSERT_TRUE(found) << path;
    EXPECT_EQ(found->step, 8U);
  }
  const auto other = standing(file, "CKP-3_3.ckpt", 5);  // of which the name says the epoch
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().message, "was saved in step 8, in epoch 3, and epochs of 5 steps make that epoch 2");
}

TEST_F(CheckpointFit, StandingByTheNameAlone) {
  const ParamDict file = file_of({});
  const auto found = standing(file, "run/CKP-2_3.ckpt", 5);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->step, 8U);
  const auto longer = standing(file, "CKP-2_6.ckpt", 5);  // the epoch has no sixth step
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().message, "was saved in step 11, in epoch 2, and epochs of 5 steps make that epoch 3");
  for (const char* path :
       {"weights.ckpt", "CKP-0_3.ckpt", "CKP-1000000001_3.ckpt", "CKP-1_18446744073709551615.ckpt"}) {
    const auto none = standing(file, path, 5);
    ASSERT_FALSE(none) << path;
    EXPECT_EQ(none.error().code, Errc::usage);
    EXPECT_EQ(none.error().message, "does not tell at which step it was saved");
  }
  EXPECT_FALSE(standing(file_of(number("step_num", -1)), "CKP-2_3.ckpt", 5));
}

}  // namespace
}  // namespace ckpt::train

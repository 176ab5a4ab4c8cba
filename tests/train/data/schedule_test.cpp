#include "data/schedule.h"

#include <gtest/gtest.h>

namespace ckpt::train {
namespace {

using List = std::vector<double>;

// The expected lists are what MindSpore 2.10 returns.
TEST(Schedule, CosineDecayIsMindSpores) {
  EXPECT_EQ(cosine_decay_lr(0.01, 0.1, 6, 2, 2),
            (List{0x1.999999999999ap-4, 0x1.999999999999ap-4, 0x1.c28f5c28f5c2ap-5, 0x1.c28f5c28f5c2ap-5,
                  0x1.47ae147ae147bp-7, 0x1.47ae147ae147bp-7}));
  EXPECT_EQ(cosine_decay_lr(0.001, 0.3, 7, 1, 7),
            (List{0x1.3333333333333p-2, 0x1.240a1e1df5d6ep-2, 0x1.f31f221132a60p-3, 0x1.785ac510ab524p-3,
                  0x1.e02fd6203292cp-4, 0x1.d54e383e47d6ap-5, 0x1.02f39f26c76eep-6}));
}

TEST(Schedule, WarmUpIsMindSpores) {
  EXPECT_EQ(warmup_lr(0.1, 6, 2, 2),
            (List{0, 0, 0x1.999999999999ap-5, 0x1.999999999999ap-5, 0x1.999999999999ap-4, 0x1.999999999999ap-4}));
  EXPECT_EQ(warmup_lr(0.3, 5, 1, 7),
            (List{0, 0x1.5f15f15f15f16p-5, 0x1.5f15f15f15f16p-4, 0x1.0750750750750p-3, 0x1.5f15f15f15f16p-3}));
}

TEST(Schedule, ExponentialDecayIsMindSpores) {
  EXPECT_EQ(exponential_decay_lr(0.1, 0.9, 6, 2, 1, false),
            (List{0.1, 0.1, 0.09000000000000001, 0.09000000000000001, 0.08100000000000002, 0.08100000000000002}));
  EXPECT_EQ(exponential_decay_lr(0.1, 0.9, 6, 2, 2, true),
            (List{0.1, 0.1, 0.1, 0.1, 0.09000000000000001, 0.09000000000000001}));
  EXPECT_EQ(exponential_decay_lr(0.1, 0.9, 6, 2, 2, false),
            (List{0.1, 0.1, 0.09486832980505139, 0.09486832980505139, 0.09000000000000001, 0.09000000000000001}));
}

TEST(Schedule, NaturalExpDecayIsMindSpores) {
  EXPECT_EQ(natural_exp_decay_lr(0.1, 0.9, 6, 2, 2, false),
            (List{0.1, 0.1, 0.04065696597405991, 0.04065696597405991, 0.016529888822158657, 0.016529888822158657}));
  EXPECT_EQ(natural_exp_decay_lr(0.1, 0.9, 6, 2, 2, true),
            (List{0.1, 0.1, 0.1, 0.1, 0.016529888822158657, 0.016529888822158657}));
}

TEST(Schedule, InverseDecayIsMindSpores) {
  EXPECT_EQ(inverse_decay_lr(0.1, 0.5, 6, 2, 2, false),
            (List{0.1, 0.1, 0.08, 0.08, 0.06666666666666667, 0.06666666666666667}));
  EXPECT_EQ(inverse_decay_lr(0.1, 0.5, 6, 2, 2, true),
            (List{0.1, 0.1, 0.1, 0.1, 0.06666666666666667, 0.06666666666666667}));
}

TEST(Schedule, PolynomialDecayIsMindSpores) {
  EXPECT_EQ(polynomial_decay_lr(0.1, 0.01, 6, 2, 2, 0.5),
            (List{0.1, 0.1, 0.07363961030678928, 0.07363961030678928, 0.01, 0.01}));
  EXPECT_EQ(polynomial_decay_lr(0.1, 0.01, 6, 1, 5, 2.0),
            (List{0.1, 0.06760000000000002, 0.04240000000000001, 0.024400000000000005, 0.0136, 0.01}));
}

TEST(Schedule, PiecewiseConstantIsMindSpores) {
  const std::uint64_t milestones[] = {2, 5, 10};
  const double rates[] = {0.1, 0.05, 0.01};
  EXPECT_EQ(piecewise_constant_lr(milestones, rates), (List{0.1, 0.1, 0.05, 0.05, 0.05, 0.01, 0.01, 0.01, 0.01, 0.01}));
}

TEST(Schedule, OfATraining) {
  using Kind = Schedule::Kind;
  EXPECT_EQ(learning_rates({.learning_rate = 0.5}, 3, 2), (List{0.5}));
  EXPECT_EQ(learning_rates({.kind = Kind::step, .learning_rate = 1, .milestones = {1, 2}, .factor = 0.5}, 4, 2),
            (List{1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25}));
  EXPECT_EQ(learning_rates({.kind = Kind::step, .learning_rate = 1, .milestones = {9}}, 2, 2), (List{1, 1, 1, 1}));
  EXPECT_EQ(learning_rates({.kind = Kind::cosine, .learning_rate = 1}, 2, 2), cosine_decay_lr(0, 1, 4, 1, 4));
  EXPECT_EQ(learning_rates({.learning_rate = 1, .warm_up = 1}, 2, 4), (List{0, 0.25, 0.5, 0.75, 1, 1, 1, 1}));
  EXPECT_EQ(
      learning_rates({.kind = Kind::step, .learning_rate = 1, .milestones = {2}, .factor = 0.5, .warm_up = 1}, 3, 2),
      (List{0, 0.5, 1, 1, 0.5, 0.5}));
  EXPECT_EQ(learning_rates({.kind = Kind::cosine, .learning_rate = 1, .warm_up = 5}, 1, 2), (List{0, 0.1}));
  EXPECT_EQ(learning_rates({.kind = Kind::cosine, .learning_rate = 1, .warm_up = 1}, 2, 2).size(), 4U);
  EXPECT_EQ(learning_rates({.kind = Kind::cosine, .learning_rate = 1, .decay_epochs = 1}, 2, 2),
            cosine_decay_lr(0, 1, 4, 1, 2));
  EXPECT_EQ(learning_rates({.kind = Kind::polynomial, .learning_rate = 1, .power = 2}, 2, 2),
            polynomial_decay_lr(1, 0, 4, 1, 4, 2));
  EXPECT_EQ(learning_rates({.kind = Kind::inverse, .learning_rate = 1, .decay_rate = 1, .warm_up = 1}, 3, 2),
            (List{0, 0.5, 1, 1, 0.5, 0.5}));
  EXPECT_EQ(learning_rates({.kind = Kind::exponential, .learning_rate = 1, .decay_rate = 0.5}, 3, 1),
            (List{1, 0.5, 0.25}));
  EXPECT_EQ(learning_rates({.kind = Kind::natural_exp, .learning_rate = 1, .decay_rate = 0, .stair = true}, 2, 1),
            (List{1, 1}));
}

}  // namespace
}  // namespace ckpt::train

#include "train_start.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <vector>

#include "temp_dir.h"

namespace ckpt::train {
namespace {

TEST(TrainStart, AListOfRatesHasALimit) {
  cli::Context context(stdout, stderr, cli::When::never, "ckpt-train");
  TrainCommand command;
  command.epochs = 1'000'000;
  auto constant = find_start(context, command, {}, 2000);
  ASSERT_TRUE(constant);
  EXPECT_EQ(constant->rates, std::vector<double>{0.01});
  command.schedule.warm_up = 1;
  const auto warm = find_start(context, command, {}, 17);
  ASSERT_FALSE(warm);
  EXPECT_EQ(warm.trouble.error.message,
            "a schedule has a learning rate for each step, at most 16,000,000, and these are 17,000,000 steps");
  command.epochs = 2;
  auto few = find_start(context, command, {}, 4);
  ASSERT_TRUE(few);
  EXPECT_EQ(few->rates.size(), 8U);
  EXPECT_EQ(few->step, 0U);
}

TEST(TrainStart, OnlyAFileOfTheDirectoryContinuesARun) {
  const test::TempDir dir;
  std::filesystem::create_directory(dir / "run");
  std::filesystem::create_directory_symlink("run", dir / "link");
  TrainCommand command;
  command.directory = (dir / "run").string();
  const auto name_of = [&](const std::string& resume) {
    command.resume = resume.empty() ? "" : (dir.path() / resume).string();
    return resumed_name(command);
  };
  EXPECT_EQ(name_of(""), std::nullopt);
  EXPECT_EQ(name_of("CKP-2_3.ckpt"), std::nullopt);
  EXPECT_EQ(name_of("run/weights.ckpt"), std::nullopt);
  EXPECT_EQ(name_of("none/CKP-2_3.ckpt"), std::nullopt);
  for (const char* path : {"run/CKP-2_3.ckpt", "link/CKP-2_3.ckpt", "run/../run/CKP-2_3.ckpt"})
    EXPECT_EQ(name_of(path), (CheckpointName{.prefix = "CKP", .epoch = 2, .step = 3})) << path;
}

}  // namespace
}  // namespace ckpt::train

#pragma once

#include <gtest/gtest.h>

#include <QTest>
#include <filesystem>
#include <string>

#include "open_file.h"
#include "tensor_tree_model.h"

namespace ckpt::test {

inline std::filesystem::path sample(const std::string& name) { return std::filesystem::path(CKPT_SAMPLES) / name; }

inline viewer::FilePtr open_sample(const std::string& name) {
  auto file = viewer::open_for_view(sample(name));
  EXPECT_TRUE(file) << name;
  return file ? *file : nullptr;
}

/// Runs the event loop until that is so; false after half a minute.
template <class Condition>
bool wait_until(Condition condition) {
  return QTest::qWaitFor(condition, 30'000);
}

}  // namespace ckpt::test

#include "ckpt/error.h"

#include <gtest/gtest.h>

namespace ckpt {
namespace {

TEST(Error, WhatIsWrongWithTheBytesIsTheFirstWord) {
  EXPECT_EQ(to_string({.code = Errc::truncated,
                       .offset = 1042,
                       .tensor = "conv1.weight",
                       .message = "needs 600 bytes, 17 are left"}),
            "truncated at byte 1042 inside \"conv1.weight\": needs 600 bytes, 17 are left");
  EXPECT_EQ(to_string({.code = Errc::malformed, .offset = 0, .message = "not a protobuf field"}),
            "malformed at byte 0: not a protobuf field");
}

TEST(Error, OtherMessagesSpeakForThemselves) {
  EXPECT_EQ(to_string({.code = Errc::unsupported, .message = "is an ONNX model"}), "is an ONNX model");
  EXPECT_EQ(to_string({.code = Errc::io, .os_error = 2, .message = "cannot open: No such file"}),
            "cannot open: No such file");
  EXPECT_EQ(to_string({.code = Errc::usage, .tensor = "a\n", .message = "is there already"}),
            "in \"a\\n\": is there already");
  EXPECT_EQ(to_string({.code = Errc::limit, .offset = 7, .tensor = "a", .message = "more than 1024 dims"}),
            "at byte 7 inside \"a\": more than 1024 dims");
}

TEST(Error, WithoutAMessageThereIsTheCode) { EXPECT_EQ(to_string({.code = Errc::cancelled}), "cancelled"); }

}  // namespace
}  // namespace ckpt

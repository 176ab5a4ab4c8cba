#include "ckpt/text.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace ckpt {
namespace {

using namespace std::string_literals;

TEST(Escape, ShowsNothingThatATerminalObeys) {
  EXPECT_EQ(escape("a\x1b[31m\n\t\r\0\x7f"s), "a\\x1b[31m\\n\\t\\r\\x00\\x7f");
  EXPECT_EQ(escape("\ufffe\uffff\ufffd\U0001ffff"), "\\ufffe\\uffff\ufffd\\U0001ffff");
  EXPECT_EQ(escape("\u202e\u200b\ufeff\u0085"), "\\u202e\\u200b\\ufeff\\u0085");
  EXPECT_EQ(escape("\U000e0001"), "\\U000e0001");
  EXPECT_EQ(escape("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(escape("\"\\"), "\\\"\\\\");
  EXPECT_EQ(escape("中文 é 😀 a.b/c"), "中文 é 😀 a.b/c");
}

TEST(Unescape, IsTheOtherWay) {
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  for (const std::string& text :
       {every_byte, ""s, "a\\n"s, "\u202e\U000e0001 中文"s, "\xed\xa0\x80"s, "ends with \\"s, "\"quoted\""s})
    EXPECT_EQ(unescape(escape(text)), text);
}

TEST(Unescape, WhatEscapeDoesNotWriteIsRefused) {
  for (const char* text : {"\\", "\\q", "\\x", "\\x1", "\\xg0", "\\u12", "\\ud800", "\\U00110000", "\\U0010fff", "a\\"})
    EXPECT_EQ(unescape(text), std::nullopt) << text;
}

TEST(NearestName, IsOneThatIsNear) {
  const std::vector<std::string_view> names{"lenet5", "resnet50", "resnet18"};
  EXPECT_EQ(nearest_name("resnet5O", names), "resnet50");
  EXPECT_EQ(nearest_name("vgg16", names), "");
  EXPECT_EQ(nearest_name("", names), "");
}

}  // namespace
}  // namespace ckpt

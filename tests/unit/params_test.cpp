#include "ckpt/params.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "ckpt/source.h"
#include "ckpt/writer.h"
#include "file_bytes.h"
#include "temp_dir.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;
using test::record;
using test::TempDir;
using test::values;
using test::write_file;

using Names = std::vector<std::string>;

/// A network whose memory is filled with 7s.
class Net {
 public:
  void add(std::string name, DType dtype, std::vector<std::int64_t> dims) {
    NetParam param{.name = std::move(name), .dtype = dtype, .dims = std::move(dims)};
    const TensorDesc desc{.dtype = param.dtype, .dims = param.dims};
    memory_.push_back(std::make_unique<Bytes>(*desc.expected_size(), '\7'));
    param.bytes = std::as_writable_bytes(std::span(memory_.back()->data(), memory_.back()->size()));
    params.push_back(std::move(param));
  }
  const Bytes& operator[](std::size_t i) const { return *memory_[i]; }

  std::vector<NetParam> params = {};

 private:
  std::vector<std::unique_ptr<Bytes>> memory_ = {};
};

class Params : public testing::Test {
 protected:
  ParamDict dict_of(const Bytes& bytes, const LoadOptions& options = {}) {
    write_file(dir_ / "f.ckpt", bytes);
    auto dict = load_checkpoint(dir_ / "f.ckpt", options);
    if (!dict) throw std::runtime_error(to_string(dict.error()));
    return std::move(*dict);
  }
  Error error_of(const Bytes& bytes, const LoadOptions& options = {}) {
    write_file(dir_ / "f.ckpt", bytes);
    const auto dict = load_checkpoint(dir_ / "f.ckpt", options);
    return dict ? Error{.message = "no error"} : dict.error();
  }
  static Names names_of(const ParamDict& dict) {
    Names names;
    for (const TensorInfo* const entry : dict.params()) names.push_back(entry->name);
    return names;
  }
  static Names names_of(const std::vector<NotLoaded>& list) {
    Names names;
    for (const NotLoaded& one : list) names.push_back(one.name);
    return names;
  }

  TempDir dir_ = {};
};

Bytes tensor(const std::string& name) { return record(name, {1}, "Float32", values<float>({1})); }

// MindSpore's own cases: 7 parameters, of which prefixes choose.
const Bytes kSeven = tensor("conv.weight") + tensor("bn1.moving_mean") + tensor("bn1.moving_variance") +
                     tensor("bn1.gamma") + tensor("bn1.beta") + tensor("fc.weight") + tensor("fc.bias");

TEST_F(Params, PrefixesAreThoseOfMindSpore) {
  const auto count = [&](std::vector<std::string> specify, std::vector<std::string> filter) {
    return dict_of(kSeven, {.specify_prefix = std::move(specify), .filter_prefix = std::move(filter)}).size();
  };
  EXPECT_EQ(count({}, {}), 7U);
  EXPECT_EQ(count({"bn"}, {}), 4U);
  EXPECT_EQ(count({"fc"}, {}), 2U);
  EXPECT_EQ(count({"fc", "bn"}, {}), 6U);
  EXPECT_EQ(count({}, {"fc"}), 5U);
  EXPECT_EQ(count({}, {"bn"}), 3U);
  EXPECT_EQ(count({}, {"fc", "bn"}), 1U);
  EXPECT_EQ(count({"bn"}, {"bn1.moving"}), 2U);
  EXPECT_EQ(count({"bn", "fc"}, {"fc.weight"}), 5U);
}

TEST_F(Params, ChoiceFuncIsAskedWithoutPrefixes) {
  const auto never = [](std::string_view) { return false; };
  const auto fc = [](std::string_view name) { return name.starts_with("fc."); };
  EXPECT_EQ(names_of(dict_of(kSeven, {.choice_func = fc})), (Names{"fc.weight", "fc.bias"}));
  EXPECT_EQ(dict_of(kSeven, {.filter_prefix = {"fc"}, .choice_func = never}).size(), 5U);
  EXPECT_EQ(error_of(kSeven, {.choice_func = never}).code, Errc::usage);
  EXPECT_EQ(error_of(kSeven, {.specify_prefix = {"none"}}).code, Errc::usage);
  EXPECT_EQ(error_of(kSeven, {.filter_prefix = {"a", ""}}).code, Errc::usage);
  EXPECT_EQ(error_of("").code, Errc::usage);
}

TEST_F(Params, OfOneNameTheLastInThePlaceOfTheFirst) {
  const ParamDict dict = dict_of(record("a", {1}, "Float32", values<float>({1})) + tensor("b") +
                                 record("a", {2}, "Float32", values<float>({1, 2})));
  EXPECT_EQ(names_of(dict), (Names{"a", "b"}));
  EXPECT_EQ(dict.find("a")->dims, std::vector<std::int64_t>{2});
  EXPECT_EQ(dict.find("c"), nullptr);
}

TEST_F(Params, TheChecksumIsVerifiedOnRequest) {
  Bytes file = test::with_trailer(kSeven);
  EXPECT_EQ(dict_of(file, {.crc_check = true}).size(), 7U);
  EXPECT_EQ(dict_of(kSeven, {.crc_check = true}).size(), 7U);
  file[file.size() - 1] = static_cast<char>(file.back() ^ 1);
  EXPECT_EQ(dict_of(file).size(), 7U);
  EXPECT_EQ(error_of(file, {.crc_check = true}).code, Errc::mismatch);
}

TEST_F(Params, SizesThatMindSporeFillsUpAreRefused) {
  EXPECT_EQ(error_of(record("a", {4}, "Float32", values<float>({1}))).code, Errc::malformed);
  EXPECT_EQ(error_of(record("a", {1}, "Float32", values<float>({1, 2}))).code, Errc::malformed);
}

TEST_F(Params, LoadsByName) {
  Net net;
  net.add("b", DType::float32, {2});
  net.add("missing", DType::int8, {3});
  net.add("accu_grads.b", DType::int8, {1});
  net.add("a", DType::int64, {});
  const ParamDict dict =
      dict_of(record("a", {}, "Int64", values<std::int64_t>({5})) + tensor("more") +
              record("note", {0}, "str", test::utf32(U"x")) + record("b", {2}, "Float32", values<float>({1, 2})));
  const auto report = load_param_into_net(net.params, dict);
  ASSERT_TRUE(report) << to_string(report.error());
  EXPECT_EQ(net[0], values<float>({1, 2}));
  EXPECT_EQ(net[1], Bytes(3, '\7'));
  EXPECT_EQ(net[3], values<std::int64_t>({5}));
  EXPECT_EQ(report->loaded, (Names{"b", "a"}));
  EXPECT_EQ(report->param_not_load, (std::vector<NotLoaded>{{"missing", "the checkpoint has no such entry"}}));
  EXPECT_EQ(report->ckpt_not_load,
            (std::vector<NotLoaded>{{"more", "the network has no such parameter"}, {"note", "it is a string"}}));
}

TEST_F(Params, ARefusalChangesNothing) {
  const ParamDict dict = dict_of(record("a", {2}, "Float32", values<float>({1, 2})) +
                                 record("b", {2, 1}, "Float32", values<float>({1, 2})) +
                                 record("c", {2}, "Int32", values<std::int32_t>({1, 2})));
  const auto refusal = [&](const std::string& name, DType dtype, std::vector<std::int64_t> dims,
                           const LoadParamOptions& options = {}) {
    Net net;
    net.add("a", DType::float32, {2});
    net.add(name, dtype, std::move(dims));
    const auto report = load_param_into_net(net.params, dict, options);
    EXPECT_EQ(net[0], report ? values<float>({1, 2}) : Bytes(8, '\7'));
    return report ? std::string() : to_string(report.error());
  };
  EXPECT_EQ(refusal("b", DType::float32, {2}), "in \"b\": the network's shape is (2,), the checkpoint's (2, 1)");
  EXPECT_EQ(refusal("b", DType::float32, {2}, {.drop_trailing_ones = true}), "");
  EXPECT_EQ(refusal("b", DType::float32, {3}, {.drop_trailing_ones = true}),
            "in \"b\": the network's shape is (3,), the checkpoint's (2, 1)");
  EXPECT_EQ(refusal("b", DType::float32, {}), "in \"b\": the network's shape is (), the checkpoint's (2, 1)");
  EXPECT_EQ(refusal("c", DType::float32, {2}), "in \"c\": the network's type is Float32, the checkpoint's Int32");
  EXPECT_EQ(refusal("c", DType::uint32, {2}), "in \"c\": the network's type is UInt32, the checkpoint's Int32");
  EXPECT_EQ(refusal("c", DType::boolean, {2}), "in \"c\": the network's type is Bool, the checkpoint's Int32");
  EXPECT_EQ(refusal("c", DType::int64, {2}), "");
  EXPECT_EQ(refusal("c", DType::int64, {2}, {.strict_load = true}),
            "in \"c\": the network's type is Int64, the checkpoint's Int32");
  EXPECT_EQ(refusal("a", DType::float32, {2}), "in \"a\": the network has two parameters of this name");
}

TEST_F(Params, MemoryOfAnotherSizeIsRefused) {
  Net net;
  net.add("conv.weight", DType::float32, {1});
  net.params[0].bytes = net.params[0].bytes.first(3);
  EXPECT_EQ(load_param_into_net(net.params, dict_of(kSeven)).error().code, Errc::usage);
}

TEST_F(Params, TypesOfAKindAreConverted) {
  const ParamDict dict = dict_of(record("f", {4}, "Float32", values<float>({1.5, -2, 1e6F, 0.1F})) +
                                 record("i", {4}, "Int32", values<std::int32_t>({300, -1, -129, 127})));
  for (const bool staged : {false, true}) {
    Net net;
    net.add("f", DType::float16, {4});
    net.add("i", DType::int8, {4});
    const auto report = load_param_into_net(net.params, dict, {.staged = staged});
    ASSERT_TRUE(report) << to_string(report.error());
    EXPECT_EQ(net[0], values<std::uint16_t>({0x3E00, 0xC000, 0x7C00, 0x2E66}));
    EXPECT_EQ(net[1], values<std::int8_t>({44, -1, 127, 127}));
    EXPECT_EQ(report->overflow, 3U);
  }
  Net wide;
  wide.add("f", DType::float64, {4});
  wide.add("i", DType::int64, {4});
  const auto report = load_param_into_net(wide.params, dict);
  ASSERT_TRUE(report);
  EXPECT_EQ(wide[0], values<double>({1.5, -2, 1e6, static_cast<double>(0.1F)}));
  EXPECT_EQ(wide[1], values<std::int64_t>({300, -1, -129, 127}));
  EXPECT_EQ(report->overflow, 0U);
}

TEST_F(Params, SuffixesAreMatchedOnlyWhenAskedFor) {
  const ParamDict dict = dict_of(record("moments.conv.weight", {1}, "Float32", values<float>({2})) +
                                 record("net.fc.weight", {1}, "Float32", values<float>({3})) +
                                 record("net.fc.bias", {1}, "Float32", values<float>({4})));
  const auto load = [&](Net& net, const LoadParamOptions& options) {
    net.add("conv.weight", DType::float32, {1});
    net.add("fc.weight", DType::float32, {1});
    net.add("fc.bias", DType::float32, {1});
    net.add("c.bias", DType::float32, {1});
    return *load_param_into_net(net.params, dict, options);
  };
  Net by_name;
  EXPECT_EQ(load(by_name, {}).loaded, Names{});
  Net strict;
  EXPECT_EQ(load(strict, {.strict_load = true, .match_suffixes = true}).loaded, Names{});
  Net net;
  const LoadReport report = load(net, {.match_suffixes = true});
  EXPECT_EQ(net[0], values<float>({2}));
  EXPECT_EQ(net[1], values<float>({3}));
  EXPECT_EQ(net[3], values<float>({4})) << "at any character";
  EXPECT_EQ(names_of(report.ckpt_not_load), (Names{"moments.conv.weight", "net.fc.weight", "net.fc.bias"}));
  EXPECT_EQ(report.param_not_load, std::vector<NotLoaded>{});
}

TEST_F(Params, StraightIntoANetwork) {
  write_file(dir_ / "f.ckpt", kSeven);
  Net net;
  net.add("fc.bias", DType::float32, {1});
  const auto report = load_checkpoint(dir_ / "f.ckpt", net.params, {.specify_prefix = {"fc"}});
  ASSERT_TRUE(report) << to_string(report.error());
  EXPECT_EQ(net[0], values<float>({1}));
  EXPECT_EQ(names_of(report->ckpt_not_load), Names{"fc.weight"});
}

TEST_F(Params, TagsAreVerifiedBeforeAnythingChanges) {
  const Bytes key = "0123456789abcdef";
  const std::vector<std::byte> large(std::size_t{40} << 20, std::byte{1});  // two of them are more than one block
  const std::vector<std::byte> none;
  const auto size = static_cast<std::int64_t>(large.size());
  std::vector<Param> params;
  for (const char* name : {"a", "b", "c"})
    params.push_back({.desc = {.name = name, .dtype = DType::uint8, .dims = {size}}, .bytes = large});
  const Key enc_key = *Key::from_bytes(bytes_of(key));
  ASSERT_TRUE(save_checkpoint(dir_ / "f.ckpt", params, {}, {.key = enc_key, .durable = false}));
  Bytes bytes = test::read_file(dir_ / "f.ckpt");
  bytes[bytes.size() - 1000] ^= 1;
  std::filesystem::remove(dir_ / "f.ckpt");
  write_file(dir_ / "f.ckpt", bytes);
  Net net;
  for (const char* name : {"a", "b", "c"}) net.add(name, DType::uint8, {size});
  const auto report = load_checkpoint(dir_ / "f.ckpt", net.params, {.dec_key = enc_key});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::key) << to_string(report.error());
  EXPECT_TRUE(net[0] == Bytes(large.size(), '\7'));
}

TEST_F(Params, AnErrorOfReadingChangesNothingWhereItIsStaged) {
  const ParamDict dict = dict_of(kSeven);
  Net net;
  net.add("conv.weight", DType::float32, {1});
  net.add("fc.bias", DType::float32, {1});
  write_file(dir_ / "f.ckpt", kSeven.substr(0, kSeven.size() - 2));  // the same file, cut meanwhile
  EXPECT_FALSE(load_param_into_net(net.params, dict, {.staged = true}));
  EXPECT_EQ(net[0], Bytes(4, '\7'));
  EXPECT_EQ(net[1], Bytes(4, '\7'));
}

/// Ones up to a place; behind it cannot be read.
class TornSource final : public Source {
 public:
  explicit TornSource(std::uint64_t good) : good_(good) {}
  std::uint64_t size() const noexcept override { return std::uint64_t{1} << 30; }
  Status read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (offset + out.size() > good_) return Error{.code = Errc::io, .message = "cannot read"};
    std::fill(out.begin(), out.end(), std::byte{1});
    return {};
  }

 private:
  std::uint64_t good_;
};

TEST_F(Params, AnErrorOfReadingSaysUpToWhereAllIsLoaded) {
  constexpr std::uint64_t kBytes = std::uint64_t{48} << 20;  // two are more than is loaded at a time
  std::vector<TensorInfo> tensors;
  Net net;
  for (const char* name : {"a", "b", "c"}) {
    TensorInfo& tensor = tensors.emplace_back();
    tensor.name = name;
    tensor.dtype = DType::uint8;
    tensor.dims = {kBytes};
    tensor.byte_size = tensor.stored_size = kBytes;
    tensor.extents = {{.source = 0, .offset = (tensors.size() - 1) * kBytes, .size = kBytes}};
  }
  for (const char* name : {"c", "b", "a"}) net.add(name, DType::uint8, {kBytes});
  const auto load = [&](std::uint64_t good) {
    auto file = Checkpoint::from_index({std::make_shared<TornSource>(good)}, tensors);
    const auto report = load_param_into_net(net.params, *load_checkpoint(std::move(*file)));
    return report ? "" : report.error().message;
  };
  EXPECT_EQ(load(kBytes / 2), "cannot read; nothing was loaded before, what comes up to \"a\" may be half loaded");
  EXPECT_EQ(
      load(kBytes * 3 / 2),
      "cannot read; of the checkpoint everything up to \"a\" was loaded before, what comes up to \"b\" may be half "
      "loaded");
  EXPECT_EQ(net[2], Bytes(kBytes, '\1'));
  EXPECT_EQ(net[0], Bytes(kBytes, '\7'));
  EXPECT_EQ(load(kBytes * 3), "");
}

}  // namespace
}  // namespace ckpt

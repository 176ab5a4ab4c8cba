// Damage is normal input: every prefix of every small sample, every byte of it set to every value (of larger ones
// to chosen values), and changes at the
// level of fields. Nothing may crash, and all ways to read must agree.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "agreement.h"
#include "ckpt/cipher.h"
#include "effort.h"
#include "file_bytes.h"
#include "wire_mutator.h"

#if CKPT_CRYPTO
#include "seal.h"
#endif

namespace ckpt {
namespace {

using test::AgreementOptions;
using test::Bytes;

constexpr std::size_t kSmall = 2048;
constexpr std::size_t kVerySmall = 512;  // nine of ten; with all values the others would take most of the time
constexpr std::size_t kShards = 4;       // so that several cores have something to do

struct Sample {
  std::string name;
  Bytes bytes;
  AgreementOptions options;
};

// Those of encrypted samples have the key 00 01 …, of the length that is in the name, and the mode that is in it too.
OpenOptions open_options([[maybe_unused]] const std::string& name) {
  OpenOptions open{.limits = {.max_name_bytes = 4096}};
#if CKPT_CRYPTO
  if (name.find("enc_") == std::string::npos) return open;
  const auto has = [&](const char* part) { return name.find(part) != std::string::npos; };
  open.key = *Key::from_bytes(test::bytes_of(test::sample_key(has("_32") ? 32 : has("_24") ? 24 : 16)));
  open.mode = has("sm4") ? CipherMode::sm4_cbc : has("cbc") ? CipherMode::aes_cbc : CipherMode::aes_gcm;
#endif
  return open;
}

std::vector<Sample> samples(std::size_t shard) {
  std::vector<Sample> found;
  for (const char* folder : {"good", "bad"}) {
    const std::filesystem::path path = std::filesystem::path(CKPT_SAMPLES) / folder;
    for (const std::string& name : test::names_in(path)) {
      if (!name.ends_with(".ckpt") || std::filesystem::file_size(path / name) > kSmall) continue;
      found.push_back({folder + ('/' + name), test::read_file(path / name), {.open = open_options(name)}});
    }
  }
  EXPECT_GE(found.size(), 100U);
  std::vector<Sample> mine;
  for (std::size_t i = shard; i < found.size(); i += kShards) mine.push_back(std::move(found[i]));
  return mine;
}

class Samples : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Shards, Samples, testing::Range(std::size_t{0}, kShards));

TEST_P(Samples, EveryPrefix) {
  for (Sample& sample : samples(GetParam())) {
    for (std::size_t size = 0; size <= sample.bytes.size(); ++size) {
      sample.options.seed = size;
      // A copy of just that size, for sanitizers to see what is read behind it.
      const Bytes prefix = sample.bytes.substr(0, size);
      ASSERT_EQ(test::disagreement(prefix, sample.options), "") << sample.name << ", its first " << size << " bytes";
    }
  }
}

TEST_P(Samples, EveryByteSetToEveryValue) {
  for (Sample& sample : samples(GetParam())) {
    const std::vector<int> values = test::byte_values(sample.bytes.size() <= kVerySmall);
    sample.options.exhaustive = false;
    Bytes bytes = sample.bytes;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      const char original = bytes[at];
      for (const int value : values) {
        bytes[at] = static_cast<char>(value);
        ++sample.options.seed;
        ASSERT_EQ(test::disagreement(bytes, sample.options), "")
            << sample.name << ", byte " << at << " set to " << value;
      }
      bytes[at] = original;
    }
  }
}

TEST_P(Samples, ChangesOfFields) {
  const int rounds = test::kSanitized ? 20 : 200;
  test::Random random(GetParam());
  const std::vector<Sample> all = samples(GetParam());
  for (const Sample& sample : all) {
    if (sample.name.find("enc_") != std::string::npos) continue;  // no fields to be seen
    Bytes bytes = sample.bytes;
    for (int i = 0; i < rounds; ++i) {
      // Changes add up, but not forever.
      if (i % 10 == 0 || bytes.size() > 4 * kSmall) bytes = sample.bytes;
      bytes = random.one_in(8) ? test::cross_wire(bytes, all[random.below(all.size())].bytes, random)
                               : test::mutate_wire(bytes, random);
      AgreementOptions options = sample.options;
      options.seed = random.next();
      ASSERT_EQ(test::disagreement(bytes, options), "") << sample.name << ": " << test::to_hex(bytes);
    }
  }
}

}  // namespace
}  // namespace ckpt

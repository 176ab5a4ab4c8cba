// Encrypted files of both eras. An input that starts with a magic number is a file; any other is four bytes of choices
// and a plaintext, which is encrypted here: what is read must be the plaintext, and after one changed byte file and
// pipe must still agree.
#include <algorithm>
#include <optional>

#include "agreement.h"
#include "ckpt/validate.h"
#include "fuzz_target.h"
#include "seal.h"
#include "wire_hooks.h"

namespace {

using namespace ckpt;
using namespace ckpt::test;

constexpr std::size_t kPrefix = 4;

bool is_cipher_text(std::string_view input) {
  return input.size() >= 4 && (input[0] == '\xd8' || input[0] == '\xd9' || input[0] == '\xda') &&
         input.substr(1, 3) == "\x5e\x3a\x7f";
}

OpenOptions with_key(const Bytes& key, std::optional<CipherMode> mode) {
  return {
      .limits = {.max_name_bytes = 4096}, .keep_damaged = true, .key = *Key::from_bytes(bytes_of(key)), .mode = mode};
}

// Blocks that opening has no need of are verified where they are read, and by validate(). A pipe stops at the first.
bool hides_damage(std::string_view file, const OpenOptions& open) {
  const auto opened = Checkpoint::from_bytes(bytes_of(file), open);
  const auto findings = opened ? validate(*opened) : std::vector<Finding>();
  return findings && std::any_of(findings->begin(), findings->end(), [&](const Finding& finding) {
           return std::string_view(finding.rule->id) == "cipher-damaged" &&
                  (!opened->damage() || opened->damage()->message != finding.message);
         });
}

void read_file(std::string_view file) {
  constexpr std::optional<CipherMode> kModes[] = {std::nullopt, CipherMode::aes_gcm, CipherMode::aes_cbc,
                                                  CipherMode::sm4_cbc};
  const std::uint64_t seed = seed_of(file);
  std::optional<CipherMode> mode = kModes[seed / 4 % 4];
  // Of the first era's files a pipe must be told the mode, which a file is looked through for.
  const auto identity = identify(*borrow_bytes(bytes_of(file)));
  if (!mode && identity && identity->encryption && identity->encryption->era == CipherEra::a)
    mode = kModes[1 + seed / 16 % 2];
  for (const std::size_t key_size : {16U, 24U, 32U}) {
    const OpenOptions open = with_key(sample_key(key_size), mode);
    if (!hides_damage(file, open)) expect_no(disagreement(file, {.open = open, .seed = seed}));
  }
}

Sealing sealing_of(Choices& choices) {
  const bool era_a = choices.coin();
  constexpr CipherMode kModes[] = {CipherMode::aes_gcm, CipherMode::aes_cbc, CipherMode::sm4_cbc};
  const CipherMode mode = kModes[choices.below(era_a ? 2 : 3)];
  const std::size_t key_size = mode == CipherMode::sm4_cbc ? 16 : 16 + 8 * choices.below(3);
  const std::size_t block_bytes = 1 + choices.byte();
  return {.era = era_a ? CipherEra::a : CipherEra::b,
          .mode = mode,
          .key = sample_key(key_size),
          .block_bytes = block_bytes,
          .seed = block_bytes};
}

// What the plaintext is, its encryption must be, as a file and through a pipe.
void compare_with_plain(std::string_view plain, const Bytes& file, const OpenOptions& open) {
  const auto bare = Checkpoint::from_bytes(bytes_of(plain), open);
  const auto opened = Checkpoint::from_bytes(bytes_of(file), open);
  if (!bare) return expect(!opened, "a plaintext that cannot be opened can, encrypted");
  if (!opened) {
    // Without one whole record damage is taken for a wrong key.
    expect(bare->tensors().empty() && opened.error().code == Errc::key, "an encrypted file cannot be opened");
    return;
  }
  expect_no(difference(*bare, *opened));
  expect(bare->damage().has_value() == opened->damage().has_value(), "encryption makes or hides damage");
  if (bare->damage())
    expect(to_string(*bare->damage()) == to_string(*opened->damage()), "encryption makes other damage");
}

// GCM with a tag: whatever was changed is noticed, but for what has no effect.
void expect_noticed(const Bytes& file, std::size_t at, const Sealing& sealing, const OpenOptions& open) {
  if (sealing.era != CipherEra::b || sealing.mode != CipherMode::aes_gcm) return;
  const std::size_t block = at % (48 + sealing.block_bytes);
  if (block >= 28 + 12 && block < 28 + 16) return;  // the last four bytes of the iv are not used
  const auto opened = Checkpoint::from_bytes(bytes_of(file), open);
  expect(!opened || opened->damage() || hides_damage(file, open), "a changed byte goes unnoticed");
}

void read_sealed(std::string_view input) {
  Choices choices(input.substr(0, kPrefix));
  const Sealing sealing = sealing_of(choices);
  const std::string_view plain = input.substr(std::min(input.size(), kPrefix));
  if (is_cipher_text(plain)) return;  // twice encrypted is not in the format
  const auto mode = sealing.era == CipherEra::a ? std::optional(sealing.mode) : std::nullopt;
  const OpenOptions open = with_key(sealing.key, mode);
  Bytes file = sealed(plain, sealing);
  if (file.empty()) return;
  compare_with_plain(plain, file, open);
  const std::uint64_t seed = seed_of(input);
  expect_no(disagreement(file, {.open = open, .seed = seed}));

  Random random(seed);
  const std::size_t at = random.below(file.size());
  file[at] = static_cast<char>(file[at] ^ (1 << random.below(8)));
  expect_noticed(file, at, sealing, open);
  if (!hides_damage(file, open)) expect_no(disagreement(file, {.open = open, .seed = seed}));
  file.resize(random.below(file.size()));
  if (!hides_damage(file, open)) expect_no(disagreement(file, {.open = open, .seed = seed}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = text_of(data, size);
  if (is_cipher_text(input))
    read_file(input);
  else
    read_sealed(input);
  return 0;
}

CKPT_WIRE_HOOKS(kPrefix)

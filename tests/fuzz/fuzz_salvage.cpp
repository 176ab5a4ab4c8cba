// Any bytes as a damaged checkpoint: what is salvaged must be whole and agree with what was there.
#include "agreement.h"
#include "ckpt/salvage.h"
#include "file_bytes.h"
#include "fuzz_target.h"
#include "temp_dir.h"
#include "wire_hooks.h"

namespace {

using namespace ckpt;
using namespace ckpt::test;

const TempDir& folder() {
  static const TempDir dir;
  return dir;
}

void check_written(std::string_view input, const Salvage& salvage, const Bytes& output) {
  expect_no(disagreement(output, {.open = {.limits = {.max_name_bytes = 4096}}, .seed = seed_of(input)}));
  const auto whole = Checkpoint::from_bytes(bytes_of(input), {.limits = {.max_name_bytes = 4096}});
  if (whole && salvage.losses().empty()) return expect(output == input, "an undamaged file is changed");
  const auto file = Checkpoint::from_bytes(bytes_of(output));
  if (!file) expect_no("what was salvaged cannot be opened: " + to_string(file.error()));
  for (const TensorInfo& kept : salvage.kept()) {
    const TensorInfo* found = file->find(kept.name);
    expect(found != nullptr, "what was kept is not there");
    expect(found->type_name == kept.type_name && found->dims == kept.dims, "what was kept is something else");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = text_of(data, size);
  const auto path = folder() / "salvaged.ckpt";
  const SalvageOptions options{.partial = seed_of(input) % 2 == 0, .open = {.limits = {.max_name_bytes = 4000}}};
  const auto salvage = Salvage::examine(borrow_bytes(bytes_of(input)), options);
  if (!salvage) return 0;
  const WriteOptions writing{.crc = salvage->trailer().has_value(), .permissions = 0600, .durable = false};
  const auto status = salvage->write(path, writing);
  if (status) {
    check_written(input, *salvage, read_file(path));
    std::filesystem::remove(path);
  } else {
    expect(status.error().code == Errc::mismatch, "salvage fails with another code");
  }
  expect(names_in(folder().path()).empty(), "salvage leaves something behind");
  return 0;
}

CKPT_WIRE_HOOKS(0)

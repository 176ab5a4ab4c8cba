#include "scenarios.h"

#include <array>

#include "ckpt/checkpoint.h"
#include "ckpt/writer.h"
#include "file_bytes.h"
#include "wire_builder.h"

namespace ckpt::test {
namespace {

// Large enough for several writes, and for a copy that the kernel makes.
const Bytes kContent(400'000, 'x');
const Bytes kOldRecords = record("old", {400'000}, "Int8", Bytes(400'000, 'o')) + record("lr", {}, "Int8", "l");
const Bytes kNewRecords = record("a", {400'000}, "Int8", kContent) + record("b", {1}, "Int8", "b");
// Large enough for space to be set aside.
const Bytes kLarge(1'300'000, 'y');

TensorDesc bytes_desc(std::string name, const Bytes& content) {
  return {.name = std::move(name), .dtype = DType::int8, .dims = {static_cast<std::int64_t>(content.size())}};
}

Status add_and_finish(Result<Writer> writer, bool large = false) {
  if (!writer) return writer.error();
  if (auto status = writer->add(bytes_desc("a", kContent), bytes_of(kContent)); !status) return status;
  if (auto status = writer->add(bytes_desc("b", "b"), bytes_of("b")); !status) return status;
  if (large)
    if (auto status = writer->add(bytes_desc("c", kLarge), bytes_of(kLarge)); !status) return status;
  return writer->finish();
}

std::function<bool(const std::string&)> equals(const Bytes& expected) {
  return [expected](const std::string& bytes) { return bytes == expected; };
}

#if CKPT_CRYPTO
Key key() {
  const std::array<std::byte, 16> bytes = {};
  return *Key::from_bytes(bytes);
}

Bytes encrypted(const std::filesystem::path& path) {
  auto writer = Writer::create(path, {.key = key(), .permissions = 0600});
  const Bytes content(400'000, 'o');
  const bool written = writer && writer->add(bytes_desc("old", content), bytes_of(content)) && writer->finish();
  return written ? read_file(path) : Bytes();
}

// The IVs are random: what counts is what it decrypts to.
std::function<bool(const std::string&)> decrypts_to(const Bytes& expected) {
  return [expected](const std::string& bytes) {
    const auto file = Checkpoint::from_bytes(bytes_of(bytes), {.key = key()});
    if (!file || !file->encryption() || file->source().size() != expected.size()) return false;
    Bytes plain(expected.size(), '\0');
    return file->source().read_at(0, std::as_writable_bytes(std::span(plain))) && plain == expected;
  };
}
#endif

}  // namespace

std::ostream& operator<<(std::ostream& out, const Scenario& scenario) { return out << scenario.name; }

std::vector<Scenario> scenarios(bool durable) {
  using Path = std::filesystem::path;
  std::vector<Scenario> list;
  const WriteOptions options{.durable = durable};
  list.push_back({"replace", kOldRecords,
                  [=](const Path& target) { return add_and_finish(Writer::create(target, options)); },
                  equals(kNewRecords)});
  list.push_back({"make",
                  {},
                  [=](const Path& target) { return add_and_finish(Writer::create(target, options)); },
                  equals(kNewRecords)});
  list.push_back({"large", kOldRecords,
                  [=](const Path& target) { return add_and_finish(Writer::create(target, options), true); },
                  equals(kNewRecords + record("c", {1'300'000}, "Int8", kLarge))});
  WriteOptions no_overwrite = options;
  no_overwrite.overwrite = false;
  list.push_back({"make_without_overwrite",
                  {},
                  [=](const Path& target) { return add_and_finish(Writer::create(target, no_overwrite)); },
                  equals(kNewRecords)});
  list.push_back({"extend", kOldRecords,
                  [=](const Path& target) { return add_and_finish(Writer::extend(target, options)); },
                  equals(kOldRecords + kNewRecords), kOldMode});
  list.push_back({"extend_with_trailer", with_trailer(kOldRecords),
                  [=](const Path& target) { return add_and_finish(Writer::extend(target, options)); },
                  equals(with_trailer(kOldRecords + kNewRecords)), kOldMode});
#if CKPT_CRYPTO
  WriteOptions secret = options;
  secret.key = key();
  list.push_back({"encrypt", kOldRecords,
                  [=](const Path& target) { return add_and_finish(Writer::create(target, secret)); },
                  decrypts_to(kNewRecords)});
  const TempDir dir;
  list.push_back({"extend_encrypted", encrypted(dir / "old"),
                  [=](const Path& target) { return add_and_finish(Writer::extend(target, secret)); },
                  decrypts_to(record("old", {400'000}, "Int8", Bytes(400'000, 'o')) + kNewRecords), kOldMode});
#endif
  return list;
}

Site::Site(const Scenario& scenario) : scenario_(scenario) { reset(); }

void Site::reset() {
  for (const auto& entry : std::filesystem::directory_iterator(directory())) std::filesystem::remove(entry.path());
  if (!scenario_.old_bytes) return;
  write_file(target(), *scenario_.old_bytes);
  std::filesystem::permissions(target(), std::filesystem::perms{kOldMode});
}

Site::State Site::state() const {
  if (!std::filesystem::exists(target())) return scenario_.old_bytes ? State::neither : State::old_file;
  const std::string bytes = read_file(target());
  if (scenario_.old_bytes && bytes == *scenario_.old_bytes && mode_of(target()) == kOldMode) return State::old_file;
  if (scenario_.is_new(bytes) && mode_of(target()) == scenario_.new_mode) return State::new_file;
  return State::neither;
}

std::vector<std::string> Site::others() const {
  std::vector<std::string> names = names_in(directory());
  std::erase(names, "net.ckpt");
  return names;
}

}  // namespace ckpt::test

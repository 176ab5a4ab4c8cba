// The code of docs/embedding.md, in its order:  guide SAMPLES SCRATCH
// SAMPLES is the folder samples/ of the project, SCRATCH one to write into.
#include <ckpt/checkpoint.h>
#include <ckpt/diff.h>
#include <ckpt/digest.h>
#include <ckpt/edit.h>
#include <ckpt/element.h>
#include <ckpt/history.h>
#include <ckpt/salvage.h>
#include <ckpt/slice.h>
#include <ckpt/statistics.h>
#include <ckpt/stream.h>
#include <ckpt/text.h>
#include <ckpt/validate.h>
#include <ckpt/writer.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>
#include <memory>
#include <vector>

namespace {

namespace fs = std::filesystem;

ckpt::Status list(const fs::path& path) {
  const auto file = ckpt::Checkpoint::open(path);
  if (!file) return file.error();
  for (const ckpt::TensorInfo& tensor : file->tensors())
    std::cout << ckpt::escape(tensor.name) << ' ' << tensor.type_name << ' ' << tensor.byte_size << " bytes\n";
  return {};
}

ckpt::Status read_all(const ckpt::Checkpoint& file) {
  std::uint64_t total = 0;
  for (const ckpt::TensorInfo& tensor : file.tensors())
    if (tensor.kind == ckpt::Kind::tensor) total += tensor.byte_size;

  const auto arena = std::make_unique_for_overwrite<std::byte[]>(total);
  std::vector<ckpt::ReadRequest> requests;
  std::size_t at = 0;
  for (const ckpt::TensorInfo& tensor : file.tensors()) {
    if (tensor.kind != ckpt::Kind::tensor) continue;
    requests.push_back({.tensor = &tensor, .out = {arena.get() + at, tensor.byte_size}});
    at += tensor.byte_size;
  }
  if (auto read = file.read_many(requests); !read) return read;

  std::cout << requests.size() << " tensors, " << total << " bytes\n";
  return {};
}

ckpt::Status read_piece_by_piece(const ckpt::Checkpoint& file, const ckpt::TensorInfo& tensor) {
  std::array<std::byte, 65'536> buffer;
  for (std::uint64_t at = 0; at < tensor.byte_size; at += buffer.size()) {
    const auto piece = std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), tensor.byte_size - at));
    if (auto read = file.read(tensor, at, piece); !read) return read;
    // use the bytes [at, at + piece.size()) here
  }
  return {};
}

ckpt::Status show_slice(const ckpt::Checkpoint& file, const ckpt::TensorInfo& tensor) {
  const auto slice = ckpt::parse_slice("0,0,:,2", tensor.dims);
  if (!slice) return slice.error();
  const auto print = [&](std::span<const std::byte> bytes) {
    const std::size_t size = ckpt::size_of(tensor.dtype);
    for (std::size_t at = 0; at < bytes.size(); at += size)
      std::cout << ckpt::element_text(tensor.dtype, bytes.subspan(at, size)) << '\n';
    return true;
  };
  return ckpt::read_slice(file, tensor, *slice, print);
}

ckpt::Status greatest_magnitude(const ckpt::Checkpoint& file, const ckpt::TensorInfo& tensor) {
  const std::size_t size = ckpt::size_of(tensor.dtype);
  double greatest = 0;
  const auto look = [&](std::span<const std::byte> bytes) {
    std::vector<double> values(bytes.size() / size);
    ckpt::to_double(tensor.dtype, bytes, values);  // any element type
    for (const double value : values) greatest = std::max(greatest, std::abs(value));
    return true;
  };
  if (auto read = ckpt::read_slice(file, tensor, ckpt::whole(tensor.dims), look); !read) return read;
  std::cout << "greatest magnitude " << greatest << '\n';
  return {};
}

ckpt::Status read_strings(const ckpt::Checkpoint& file) {
  for (const ckpt::TensorInfo& entry : file.tensors()) {
    if (entry.kind != ckpt::Kind::string) continue;
    const auto text = file.read_string(entry);
    if (!text) return text.error();
    std::cout << ckpt::escape(entry.name) << " = " << ckpt::escape(*text) << '\n';
  }
  return {};
}

ckpt::Status read_stream(int descriptor) {
  ckpt::RecordStream stream(ckpt::read_descriptor(descriptor));
  std::vector<std::uint64_t> seen;
  while (true) {
    const auto piece = stream.next();
    if (!piece) return piece.error();
    if (!*piece) break;  // a clean end
    seen.resize(stream.tensors().size());
    seen[(*piece)->entry] += (*piece)->bytes.size();
  }
  std::cout << stream.tensors().size() << " tensors in " << stream.bytes_read() << " bytes\n";
  return {};
}

ckpt::Status save(const fs::path& path, std::span<const float> weight) {
  const ckpt::Param params[] = {
      {.desc = {.name = "fc.weight", .dtype = ckpt::DType::float32, .dims = {2, 3}}, .bytes = std::as_bytes(weight)},
  };
  const ckpt::AppendValue append[] = {{"epoch_num", std::int64_t{7}}, {"loss", 0.25}, {"note", "first run"}};
  return ckpt::save_checkpoint(path, params, append);
}

ckpt::Status keep(const ckpt::Checkpoint& from, const fs::path& path, std::string_view prefix) {
  auto writer = ckpt::Writer::create(path, {.permissions = 0644, .overwrite = false});
  if (!writer) return writer.error();
  for (const ckpt::TensorInfo& tensor : from.tensors()) {
    if (!tensor.name.starts_with(prefix)) continue;
    if (auto copied = writer->copy(from, tensor); !copied) return copied;
  }
  return writer->finish();
}

ckpt::Status extend(const fs::path& path) {
  auto writer = ckpt::Writer::extend(path);
  if (!writer) return writer.error();
  if (auto added = writer->add_string("comment", "frozen up to fc2"); !added) return added;
  return writer->finish();
}

ckpt::Status check(const fs::path& path) {
  const auto file = ckpt::Checkpoint::open(path, {.keep_damaged = true});
  if (!file) return file.error();
  const auto findings = ckpt::validate(*file, {.values = true, .version = ckpt::MindSporeVersion{2, 10}});
  if (!findings) return findings.error();
  for (const ckpt::Finding& finding : *findings)
    std::cout << name(finding.rule->severity) << ' ' << finding.rule->id << ": " << finding.message << '\n';
  return {};
}

ckpt::Status open_encrypted(const fs::path& path, std::span<const std::byte> secret) {
  const auto key = ckpt::Key::from_bytes(secret);
  if (!key) return key.error();
  const auto file = ckpt::Checkpoint::open(path, {.key = *key});
  if (!file) return file.error();
  std::cout << file->tensors().size() << " tensors behind " << name(*file->encryption()->mode) << '\n';
  return {};
}

ckpt::Status save_encrypted(const fs::path& path, std::span<const float> weight, const ckpt::Key& key) {
  auto writer = ckpt::Writer::create(path, {.key = key, .mode = ckpt::CipherMode::aes_gcm});
  if (!writer) return writer.error();
  const ckpt::TensorDesc desc = {.name = "fc.weight", .dtype = ckpt::DType::float32, .dims = {2, 3}};
  if (auto added = writer->add(desc, std::as_bytes(weight)); !added) return added;
  return writer->finish();
}

ckpt::Status what_is_it(const fs::path& path) {
  const auto source = ckpt::open_file(path);
  if (!source) return source.error();
  const auto identity = ckpt::identify(**source);
  if (!identity) return identity.error();
  std::cout << path.filename().string() << ": " << identity->description << '\n';
  return {};
}

std::string advice(const ckpt::Error& error) {
  switch (error.code) {
    case ckpt::Errc::truncated:
      return "copy the file again: " + to_string(error);
    case ckpt::Errc::key:
      return "give another key: " + to_string(error);
    default:
      return to_string(error);
  }
}

ckpt::Result<ckpt::Checkpoint> open_upload(const fs::path& path) {
  return ckpt::Checkpoint::open(path, {.limits = {.max_records = 10'000, .max_index_bytes = 16 << 20}});
}

ckpt::Status validate_with_progress(const ckpt::Checkpoint& file) {
  const auto progress = [](std::uint64_t done, std::uint64_t total) {
    std::cout << done << " of " << total << " bytes\n";
    return done < 100'000;  // false stops it
  };
  const auto findings = ckpt::validate(file, {.values = true, .threads = 1, .progress = progress});
  return findings ? ckpt::Status() : findings.error();
}

ckpt::Status compare(const fs::path& before, const fs::path& after) {
  const auto a = ckpt::Checkpoint::open(before);
  if (!a) return a.error();
  const auto b = ckpt::Checkpoint::open(after);
  if (!b) return b.error();
  const auto pairs = ckpt::diff(*a, *b, {.comparing = {.tolerance = {.rtol = 1e-6}}});
  if (!pairs) return pairs.error();
  for (const ckpt::TensorDiff& pair : *pairs) {
    if (!differs(pair)) continue;
    std::cout << ckpt::escape(pair.tensor().name) << ": " << name(pair.change);
    if (pair.metrics) std::cout << ", by " << pair.metrics->max_abs << " at most";
    std::cout << '\n';
  }
  return {};
}

ckpt::Status fingerprint(const fs::path& path) {
  const auto file = ckpt::Checkpoint::open(path);
  if (!file) return file.error();
  const auto digests = ckpt::digest(*file, {.algorithm = ckpt::DigestAlgorithm::xxh3});
  if (!digests) return digests.error();
  std::cout << digests->content << '\n';
  return {};
}

ckpt::Status spread(const ckpt::Checkpoint& file, const ckpt::TensorInfo& tensor) {
  const ckpt::TensorInfo* const wanted[] = {&tensor};
  const auto statistics = ckpt::statistics(file, wanted, {.quantiles = {0.5}});
  if (!statistics) return statistics.error();
  if (const auto& s = statistics->front())
    std::cout << ckpt::escape(tensor.name) << ": " << s->min << " to " << s->max << ", median " << s->quantiles[0].value
              << ", " << s->nan << " NaN\n";
  return {};
}

ckpt::Status salvage(const fs::path& damaged, const fs::path& target) {
  const auto salvage = ckpt::Salvage::examine(damaged);
  if (!salvage) return salvage.error();
  for (const ckpt::Loss& loss : salvage->losses())
    std::cout << ckpt::escape(loss.tensor) << ": " << loss.message << '\n';
  return salvage->write(target, {.permissions = 0600});
}

ckpt::Status follow(const fs::path& folder) {
  const auto files = ckpt::find_run_files(folder);
  if (!files) return files.error();
  const auto run =
      ckpt::history(files->size(), [&](std::size_t i) { return ckpt::Checkpoint::open((*files)[i].path); });
  if (!run) return run.error();
  for (const ckpt::TensorHistory& tensor : run->tensors)
    if (tensor.condition.frozen) std::cout << ckpt::escape(tensor.name) << " does not move\n";
  return {};
}

ckpt::Status weights_as_float16(const fs::path& from, const fs::path& to) {
  const auto file = ckpt::Checkpoint::open(from);
  if (!file) return file.error();
  const ckpt::Checkpoint* const inputs[] = {&*file};
  const auto plan = ckpt::EditPlan::make(inputs, {.strip_optimizer = true, .cast = [](const ckpt::TensorInfo& tensor) {
                                                    return tensor.dtype == ckpt::DType::float32 ? ckpt::DType::float16
                                                                                                : ckpt::DType::unknown;
                                                  }});
  if (!plan) return plan.error();
  const auto casts = plan->write(to, {.permissions = 0600});
  if (!casts) return casts.error();
  for (const ckpt::EditCast& cast : *casts)
    std::cout << cast.name << ": " << cast.counts.overflow << " values are too large\n";
  std::cout << plan->steps().size() << " entries, " << plan->dropped().size() << " left out\n";
  return {};
}

// Runs everything above. What fails on purpose prints its error, and is no failure of the program.
ckpt::Status run(const fs::path& samples, const fs::path& scratch) {
  const fs::path lenet = samples / "good/lenet.ckpt";
  const auto file = ckpt::Checkpoint::open(lenet);
  if (!file) return file.error();
  const ckpt::TensorInfo& conv1 = *file->find("conv1.weight");
  std::array<std::byte, 16> secret;
  for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<std::byte>(i);
  const std::array<float, 6> weight = {0, 1, 2, 3, 4, 5};
  const fs::path saved = scratch / "saved.ckpt";
  const fs::path kept = scratch / "kept.ckpt";
  const fs::path encrypted = scratch / "encrypted.ckpt";
  fs::remove(kept);

  if (auto s = list(lenet); !s) return s;
  if (auto s = read_all(*file); !s) return s;
  if (auto s = read_piece_by_piece(*file, *file->find("fc1.weight")); !s) return s;
  if (auto s = show_slice(*file, conv1); !s) return s;
  if (auto s = greatest_magnitude(*file, conv1); !s) return s;
  const int descriptor = ::open(lenet.c_str(), O_RDONLY | O_CLOEXEC);
  const auto streamed = read_stream(descriptor);
  ::close(descriptor);
  if (!streamed) return streamed;
  if (auto s = save(saved, weight); !s) return s;
  if (auto s = extend(saved); !s) return s;
  if (auto s = list(saved); !s) return s;
  const auto written = ckpt::Checkpoint::open(saved);
  if (!written) return written.error();
  if (auto s = read_strings(*written); !s) return s;
  if (auto s = keep(*file, kept, "fc3."); !s) return s;
  if (auto s = list(kept); !s) return s;
  if (auto s = check(samples / "bad/content_long.ckpt"); !s) return s;
  const fs::path trained = samples / "good/train_momentum.ckpt";
  if (auto s = weights_as_float16(trained, scratch / "weights.ckpt"); !s) return s;
  if (auto s = compare(trained, scratch / "weights.ckpt"); !s) return s;
  if (auto s = fingerprint(trained); !s) return s;
  if (auto s = spread(*file, conv1); !s) return s;
  if (auto s = follow(samples / "run"); !s) return s;
  if (auto s = salvage(samples / "bad/cut_in_content.ckpt", scratch / "salvaged.ckpt"); !s) return s;
  if (auto s = open_encrypted(samples / "good/enc_gcm_16.ckpt", secret); !s) return s;
  const auto key = ckpt::Key::from_bytes(secret);
  if (!key) return key.error();
  if (auto s = save_encrypted(encrypted, weight, *key); !s) return s;
  if (auto s = open_encrypted(encrypted, secret); !s) return s;
  if (auto s = what_is_it(samples / "bad/other_pytorch.ckpt"); !s) return s;
  if (auto s = what_is_it(encrypted); !s) return s;
  std::cout << advice(list(samples / "bad/cut_in_content.ckpt").error()) << '\n';
  std::cout << advice(open_encrypted(encrypted, std::span(secret).first(15)).error()) << '\n';
  secret.fill(std::byte{0});
  std::cout << advice(open_encrypted(encrypted, secret).error()) << '\n';
  if (auto opened = open_upload(lenet); !opened) return opened.error();
  std::cout << to_string(validate_with_progress(*file).error()) << '\n';
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  if (const ckpt::Status status = run(argv[1], argv[2]); !status) {
    std::cerr << "guide: " << to_string(status.error()) << '\n';
    return 1;
  }
}

// One measured operation in a process of its own, for `peers`: prints a line of JSON with its times and the memory it
// needed on top of what the process had before.
#include <ckpt/checkpoint.h>
#include <ckpt/manager.h>
#include <ckpt/params.h>
#include <ckpt/retention.h>
#include <ckpt/source.h>
#include <ckpt/validate.h>
#include <ckpt/writer.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "containers.h"

namespace {

using ckpt::Checkpoint;
using ckpt::Error;

struct Arguments {
  std::string what = {};
  std::vector<std::string> rest = {};
  unsigned threads = 0;
  int repeat = 1;
  bool durable = false;
  bool async = false;
  bool warm = false;
};

template <class T>
T need(ckpt::Result<T> result) {
  if (!result) throw std::runtime_error(to_string(result.error()));
  return std::move(*result);
}

void need(const ckpt::Status& status) {
  if (!status) throw std::runtime_error(to_string(status.error()));
}

// ---- time and memory ----

std::uint64_t status_bytes(std::string_view key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(key)) return 1024 * std::strtoull(line.c_str() + key.size(), nullptr, 10);
  return 0;
}

struct Measured {
  std::vector<double> seconds = {};
  std::uint64_t peak_bytes = 0;
};

// Resets the peak, so that what the process needed to start does not count. Nor does the end of what `work` returns,
// nor the time of `between`.
template <class Work, class Between>
Measured measure(int repeat, const Work& work, const Between& between) {
  std::ofstream("/proc/self/clear_refs") << 5 << std::flush;
  const std::uint64_t before = status_bytes("VmHWM:");
  Measured measured;
  for (int i = 0; i < repeat; ++i) {
    const auto start = std::chrono::steady_clock::now();
    [[maybe_unused]] const auto result = work();
    measured.seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    between();
  }
  measured.peak_bytes = status_bytes("VmHWM:") - before;
  return measured;
}

template <class Work>
Measured measure(int repeat, const Work& work) {
  return measure(repeat, work, [] {});
}

// A whole process, from its start to its end; what it prints is dropped.
Measured measure_process(int repeat, const std::vector<std::string>& command) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  std::uint64_t peak = 0;
  Measured measured = measure(repeat, [&] {
    pid_t child = 0;
    if (posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ) != 0)
      throw std::runtime_error("cannot start " + command[0]);
    int status = 0;
    struct rusage usage {};
    if (::wait4(child, &status, 0, &usage) != child || !WIFEXITED(status) || WEXITSTATUS(status) > 1)
      throw std::runtime_error(command[0] + " failed");  // 1 is a difference that was found
    peak = std::max(peak, 1024 * static_cast<std::uint64_t>(usage.ru_maxrss));
    return peak;
  });
  measured.peak_bytes = peak;
  posix_spawn_file_actions_destroy(&actions);
  return measured;
}

// ---- what can be measured ----

// Everything into one block of memory, each tensor at a multiple of 64 bytes.
std::unique_ptr<std::byte[]> load(const std::string& path, unsigned threads) {
  constexpr std::size_t kAlign = 64;
  const Checkpoint file = need(Checkpoint::open(path));
  std::size_t size = 0;
  for (const ckpt::TensorInfo& tensor : file.tensors()) size += (tensor.byte_size + kAlign - 1) / kAlign * kAlign;
  auto memory = std::make_unique_for_overwrite<std::byte[]>(size);
  std::vector<ckpt::ReadRequest> requests;
  requests.reserve(file.tensors().size());
  std::byte* at = memory.get();
  for (const ckpt::TensorInfo& tensor : file.tensors()) {
    requests.push_back({&tensor, {at, tensor.byte_size}});
    at += (tensor.byte_size + kAlign - 1) / kAlign * kAlign;
  }
  need(file.read_many(requests, {.threads = threads}));
  return memory;
}

std::size_t validate_values(const std::string& path, unsigned threads) {
  return need(ckpt::validate(need(Checkpoint::open(path)), {.values = true, .threads = threads})).size();
}

// The floor of anything that looks at every byte: a read loop on as many threads, 256 KiB at a time; of two files the
// bytes are compared, too.
std::uint64_t read_plainly(const std::vector<std::string>& paths, unsigned threads) {
  constexpr std::uint64_t kPart = std::uint64_t{4} << 20;
  constexpr std::uint64_t kBlock = std::uint64_t{256} << 10;
  std::vector<int> descriptors;
  for (const std::string& path : paths) descriptors.push_back(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const auto size = static_cast<std::uint64_t>(::lseek(descriptors[0], 0, SEEK_END));
  std::atomic<std::uint64_t> next{0};
  const auto run = [&] {
    std::vector<std::unique_ptr<void, decltype(&std::free)>> blocks;
    for ([[maybe_unused]] const int descriptor : descriptors)
      blocks.emplace_back(std::aligned_alloc(4096, kBlock), std::free);
    for (std::uint64_t part = next.fetch_add(kPart); part < size; part = next.fetch_add(kPart))
      for (std::uint64_t at = part; at < std::min(part + kPart, size); at += kBlock) {
        ssize_t got = 0;
        for (std::size_t i = 0; i < descriptors.size(); ++i) {
          got = ::pread(descriptors[i], blocks[i].get(), kBlock, static_cast<off_t>(at));
          if (got <= 0) std::abort();
        }
        if (blocks.size() > 1 &&
            std::memcmp(blocks.front().get(), blocks.back().get(), static_cast<std::size_t>(got)) != 0)
          std::abort();
      }
  };
  {
    std::vector<std::jthread> helpers;
    for (unsigned i = 1; i < (threads != 0 ? threads : std::thread::hardware_concurrency()); ++i)
      helpers.emplace_back(run);
    run();
  }
  for (const int descriptor : descriptors) ::close(descriptor);
  return size;
}

// One small read where each tensor's header is: the floor of making an index.
std::size_t read_headers(const std::string& path, const std::vector<std::uint64_t>& offsets) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  char block[1024];
  for (const std::uint64_t offset : offsets)
    if (::pread(descriptor, block, sizeof(block), static_cast<off_t>(offset)) <= 0) std::abort();
  ::close(descriptor);
  return offsets.size();
}

std::vector<std::uint64_t> header_offsets(const std::string& path) {
  const Checkpoint file = need(Checkpoint::open(path));
  std::vector<std::uint64_t> offsets;
  for (const ckpt::TensorInfo& tensor : file.tensors()) offsets.push_back(tensor.record_offset);
  return offsets;
}

// Tensor by tensor in pieces, as somebody would who changes the values on their way.
std::uint64_t write_again(const std::string& from, const std::string& to, bool durable) {
  const Checkpoint file = need(Checkpoint::open(from));
  ckpt::Writer writer = need(ckpt::Writer::create(to, {.permissions = 0600, .durable = durable}));
  std::vector<std::byte> piece(std::size_t{256} << 10);
  for (const ckpt::TensorInfo& tensor : file.tensors()) {
    need(writer.begin(tensor, tensor.byte_size));
    for (std::uint64_t done = 0; done < tensor.byte_size;) {
      const auto bytes = std::span(piece).first(std::min<std::uint64_t>(piece.size(), tensor.byte_size - done));
      need(file.read(tensor, done, bytes));
      need(writer.append(bytes));
      done += bytes.size();
    }
  }
  need(writer.finish());
  return writer.bytes_written();
}

std::uint64_t copy_records(const std::string& from, const std::string& to, bool durable, bool crc) {
  const Checkpoint file = need(Checkpoint::open(from));
  ckpt::Writer writer = need(ckpt::Writer::create(to, {.crc = crc, .permissions = 0600, .durable = durable}));
  for (const ckpt::TensorInfo& tensor : file.tensors()) need(writer.copy(file, tensor));
  need(writer.finish());
  return writer.bytes_written();
}

// To safetensors or to a checkpoint, whichever `from` is not.
std::size_t convert(const std::string& from, const std::string& to, bool durable) {
  using namespace ckpt::containers;
  const AnyFile any = need(open_any(from));
  std::vector<OutputEntry> entries;
  for (const ckpt::TensorInfo& tensor : any.file.tensors()) entries.push_back({&tensor, tensor.name});
  if (any.format == ckpt::FileFormat::checkpoint)
    need(write_safetensors(to, any.file, entries, {.permissions = 0600, .durable = durable}));
  else
    need(write_checkpoint(to, any.file, entries, {.permissions = 0600, .durable = durable}));
  return entries.size();
}

// ---- what a training run does ----

/// Parameters as a network has them: memory that is there already, and in use.
struct Network {
  std::vector<ckpt::NetParam> params = {};
  std::vector<std::byte> memory = {};
};

Network network_for(const std::string& path) {
  constexpr std::size_t kAlign = 64;
  const Checkpoint file = need(Checkpoint::open(path));
  std::size_t size = 0;
  for (const ckpt::TensorInfo& tensor : file.tensors()) size += (tensor.byte_size + kAlign - 1) / kAlign * kAlign;
  Network net;
  net.memory.resize(size);
  std::byte* at = net.memory.data();
  for (const ckpt::TensorInfo& tensor : file.tensors()) {
    net.params.push_back(
        {.name = tensor.name, .dtype = tensor.dtype, .dims = tensor.dims, .bytes = {at, tensor.byte_size}});
    at += (tensor.byte_size + kAlign - 1) / kAlign * kAlign;
  }
  return net;
}

Measured load_into_net(const Arguments& a) {
  const Network net = network_for(a.rest.at(0));
  return measure(a.repeat,
                 [&] { return need(ckpt::load_checkpoint(a.rest.at(0), net.params, {}, {.threads = a.threads})); });
}

// How long a training loop stands still for a save; the file is on the disk before the next one begins. With `warm` a
// save has gone before.
Measured save_by_policy(const Arguments& a) {
  const Network net = network_for(a.rest.at(0));
  need(ckpt::load_checkpoint(a.rest.at(0), net.params));
  const std::filesystem::path directory = a.rest.at(1);
  const auto params = [&net] {
    std::vector<ckpt::Param> list;
    for (const ckpt::NetParam& param : net.params)
      list.push_back({{.name = param.name, .dtype = param.dtype, .dims = param.dims}, param.bytes});
    return list;
  };
  Measured measured;
  {
    auto saver = need(ckpt::ModelCheckpoint::create(
        "net", directory, {.keep_checkpoint_max = 1, .async_save = a.async, .durable = a.durable}, {.params = params}));
    std::uint64_t step = 0;
    const auto save = [&] {
      need(saver.step_end({.epoch = 1, .step = ++step, .steps_per_epoch = 1000}));
      return step;
    };
    const auto wait = [&] { need(saver.end()); };
    if (a.warm) save(), wait();
    measured = measure(a.repeat, save, wait);
  }
  std::filesystem::remove_all(directory);
  return measured;
}

// The floor of a snapshot: all parameters, at once, into fresh memory or into memory that is in use.
Measured copy_in_memory(const Arguments& a) {
  const Network net = network_for(a.rest.at(0));
  need(ckpt::load_checkpoint(a.rest.at(0), net.params));
  std::vector<std::byte> used(a.warm ? net.memory.size() : 0);
  return measure(a.repeat, [&] {
    auto fresh = a.warm ? nullptr : std::make_unique_for_overwrite<std::byte[]>(net.memory.size());
    std::memcpy(a.warm ? used.data() : fresh.get(), net.memory.data(), net.memory.size());
    return fresh;
  });
}

// All rules at once, over the checkpoints of a long run.
Measured decide_retention(const Arguments& a) {
  std::vector<ckpt::CheckpointFile> files(std::stoul(a.rest.at(0)));
  for (std::size_t i = 0; i < files.size(); ++i) {
    files[i].name = "net-" + std::to_string(i) + "_1.ckpt";
    files[i].time = std::chrono::system_clock::time_point(std::chrono::seconds(10 * i));
    files[i].total_steps = 10 * i;
    files[i].metric = static_cast<double>(i * 2654435761 % 1000);
  }
  const ckpt::KeepPolicy policy{
      .keep_checkpoint_max = 5, .keep_checkpoint_per_n_minutes = 60, .keep_best = 10, .keep_every_steps = 1000};
  return measure(a.repeat, [&] { return ckpt::decide_retention(files, policy, {}); });
}

Measured run(const Arguments& a) {
  const std::string& path = a.rest.at(0);
  if (a.what == "index") return measure(a.repeat, [&] { return need(Checkpoint::open(path)); });
  if (a.what == "load") return measure(a.repeat, [&] { return load(path, a.threads); });
  if (a.what == "values") return measure(a.repeat, [&] { return validate_values(path, a.threads); });
  if (a.what == "read") return measure(a.repeat, [&] { return read_plainly({path}, a.threads); });
  if (a.what == "compare") return measure(a.repeat, [&] { return read_plainly(a.rest, a.threads); });
  if (a.what == "write") return measure(a.repeat, [&] { return write_again(path, a.rest.at(1), a.durable); });
  if (a.what == "copy") return measure(a.repeat, [&] { return copy_records(path, a.rest.at(1), a.durable, false); });
  if (a.what == "convert") return measure(a.repeat, [&] { return convert(path, a.rest.at(1), a.durable); });
  if (a.what == "add-crc") return measure(a.repeat, [&] { return copy_records(path, a.rest.at(1), a.durable, true); });
  if (a.what == "process") return measure_process(a.repeat, a.rest);
  if (a.what == "load-net") return load_into_net(a);
  if (a.what == "save") return save_by_policy(a);
  if (a.what == "memcpy") return copy_in_memory(a);
  if (a.what == "retention") return decide_retention(a);
  if (a.what == "headers") {
    const auto offsets = header_offsets(path);
    return measure(a.repeat, [&] { return read_headers(path, offsets); });
  }
  throw std::runtime_error("unknown: " + a.what);
}

// ckpt_measure [--threads N] [--repeat N] [--idle SECONDS] [--durable] [--async] [--warm] WHAT ARGUMENT...
Arguments parse(int argc, char** argv) {
  Arguments arguments;
  int i = 1;
  const auto number = [&] { return i + 1 < argc ? std::atoi(argv[++i]) : 0; };
  for (; i < argc && std::strncmp(argv[i], "--", 2) == 0; ++i) {
    const std::string_view option = argv[i];
    if (option == "--threads") arguments.threads = static_cast<unsigned>(number());
    if (option == "--repeat") arguments.repeat = number();
    if (option == "--idle") std::this_thread::sleep_for(std::chrono::seconds(number()));
    if (option == "--durable") arguments.durable = true;
    if (option == "--async") arguments.async = true;
    if (option == "--warm") arguments.warm = true;
  }
  if (i < argc) arguments.what = argv[i++];
  for (; i < argc; ++i) arguments.rest.emplace_back(argv[i]);
  return arguments;
}

}  // namespace

int main(int argc, char** argv) try {
  const Measured measured = run(parse(argc, argv));
  std::printf("{\"seconds\": [");
  for (std::size_t i = 0; i < measured.seconds.size(); ++i)
    std::printf("%s%.9f", i == 0 ? "" : ", ", measured.seconds[i]);
  std::printf("], \"peak_bytes\": %llu}\n", static_cast<unsigned long long>(measured.peak_bytes));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "ckpt_measure: %s\n", error.what());
  return 2;
}

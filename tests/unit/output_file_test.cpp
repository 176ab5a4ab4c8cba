#include "ckpt/output_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "file_bytes.h"
#include "temp_dir.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

using test::bytes_of;
using test::mode_of;
using test::names_in;
using test::read_file;
using test::TempDir;
using test::write_file;

using Names = std::vector<std::string>;

// Most tests are not about durability, which costs time.
OutputFile::Options quick() { return {.durable = false}; }

OutputFile create(const std::filesystem::path& path, const OutputFile::Options& options = quick()) {
  auto file = OutputFile::create(path, options);
  if (!file) throw std::runtime_error(to_string(file.error()));
  return std::move(*file);
}

void append(OutputFile& file, std::string_view bytes) {
  const auto status = file.append(bytes_of(bytes));
  ASSERT_TRUE(status) << to_string(status.error());
}

void commit(OutputFile& file) {
  const auto status = file.commit();
  ASSERT_TRUE(status) << to_string(status.error());
}

Error error_of(const std::filesystem::path& path, const OutputFile::Options& options = quick()) {
  auto file = OutputFile::create(path, options);
  if (file) return {.message = "no error"};
  return file.error();
}

std::string random_bytes(std::size_t size) {
  std::minstd_rand random(7);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

class Umask {
 public:
  explicit Umask(mode_t mask) : old_(::umask(mask)) {}
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;
  ~Umask() { ::umask(old_); }

 private:
  mode_t old_;
};

TEST(OutputFile, AppearsCompleteAtCommit) {
  const TempDir dir;
  write_file(dir / "f", "old");
  OutputFile file = create(dir / "f");
  append(file, "new");
  EXPECT_EQ(file.size(), 3U);
  EXPECT_EQ(read_file(dir / "f"), "old");
  commit(file);
  EXPECT_EQ(read_file(dir / "f"), "new");
  EXPECT_EQ(names_in(dir.path()), Names{"f"});
}

TEST(OutputFile, DestroyedBeforeCommitItLeavesNothing) {
  const TempDir dir;
  {
    OutputFile file = create(dir / "f");
    append(file, random_bytes(300'000));
    EXPECT_EQ(names_in(dir.path()).size(), 1U);
    OutputFile moved = std::move(file);
    EXPECT_EQ(names_in(dir.path()).size(), 1U);
    moved = create(dir / "g");  // assignment drops what was there
    EXPECT_EQ(names_in(dir.path()).size(), 1U);
  }
  EXPECT_EQ(names_in(dir.path()), Names{});
}

TEST(OutputFile, PermissionsAreExactWhateverTheUmask) {
  const TempDir dir;
  for (const mode_t mask : {0000U, 0022U, 0077U, 0777U}) {
    const Umask umask(mask);
    for (const unsigned permissions : {0400U, 0600U, 0644U, 0666U}) {
      OutputFile file = create(dir / "f", {.permissions = permissions, .durable = false});
      EXPECT_EQ(mode_of(dir / names_in(dir.path()).front()) & 0177, 0U) << "before commit";
      commit(file);
      EXPECT_EQ(mode_of(dir / "f"), permissions) << "umask " << mask;
      std::filesystem::remove(dir / "f");
    }
  }
}

TEST(OutputFile, AReadOnlyTargetIsReplaced) {
  const TempDir dir;
  write_file(dir / "f", "old");
  std::filesystem::permissions(dir / "f", std::filesystem::perms::owner_read);
  OutputFile file = create(dir / "f", {.permissions = 0640});
  append(file, "new");
  commit(file);
  EXPECT_EQ(read_file(dir / "f"), "new");
  EXPECT_EQ(mode_of(dir / "f"), 0640U);
}

TEST(OutputFile, LinksAreFollowed) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "real");
  write_file(dir / "real/f", "old");
  std::filesystem::create_symlink("real/f", dir / "first");
  std::filesystem::create_symlink(dir / "first", dir / "second");
  OutputFile file = create(dir / "second");
  append(file, "new");
  EXPECT_EQ(names_in(dir / "real").size(), 2U) << "the temporary is beside the real file";
  commit(file);
  EXPECT_EQ(read_file(dir / "real/f"), "new");
  EXPECT_EQ(std::filesystem::read_symlink(dir / "first"), "real/f");
  EXPECT_EQ(names_in(dir / "real"), Names{"f"});

  std::filesystem::create_symlink("real/fresh", dir / "dangling");
  OutputFile fresh = create(dir / "dangling", {.overwrite = false, .durable = false});
  append(fresh, "fresh");
  commit(fresh);
  EXPECT_EQ(read_file(dir / "real/fresh"), "fresh");
  EXPECT_TRUE(std::filesystem::is_symlink(dir / "dangling"));
}

TEST(OutputFile, LinksInACircleAreAnError) {
  const TempDir dir;
  std::filesystem::create_symlink("b", dir / "a");
  std::filesystem::create_symlink("a", dir / "b");
  const Error error = error_of(dir / "a");
  EXPECT_EQ(error.code, Errc::io);
  EXPECT_EQ(error.os_error, ELOOP);
}

TEST(OutputFile, WhatIsNotAFileIsRefusedByItsName) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "d");
  ASSERT_EQ(::mkfifo((dir / "pipe").c_str(), 0600), 0);
  std::filesystem::create_symlink("/dev/null", dir / "null");
  const std::pair<std::filesystem::path, const char*> cases[] = {
      {dir / "d", "is a directory, not a file"},   {dir / "d/", "is a directory, not a file"},
      {dir / "d/.", "is a directory, not a file"}, {dir / "pipe", "is a pipe, not a file"},
      {"/dev/null", "is a device, not a file"},    {dir / "null", "is a device, not a file"},
  };
  for (const auto& [path, message] : cases) {
    const Error error = error_of(path);
    EXPECT_EQ(error.code, Errc::unsupported) << path;
    EXPECT_EQ(error.message, message) << path;
  }
  EXPECT_EQ(names_in(dir.path()), (Names{"d", "null", "pipe"}));
}

TEST(OutputFile, AMissingDirectoryIsSaid) {
  const TempDir dir;
  for (const char* const path : {"no/f", "no/"}) {
    const Error error = error_of(dir / path);
    EXPECT_EQ(error.code, Errc::io);
    EXPECT_EQ(error.os_error, ENOENT);
    EXPECT_EQ(error.message, "its directory does not exist");
  }
  write_file(dir / "f", "");
  EXPECT_EQ(error_of(dir / "f/g").os_error, ENOTDIR);
}

TEST(OutputFile, ADirectoryRemovedMeanwhileIsAnError) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "d");
  OutputFile file = create(dir / "d/f");
  append(file, "new");
  std::filesystem::remove_all(dir / "d");
  append(file, random_bytes(300'000));
  const auto status = file.commit();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::io);
  EXPECT_EQ(status.error().os_error, ENOENT);
  EXPECT_EQ(status.error().message, "cannot put the file into place: No such file or directory");
}

TEST(OutputFile, ADirectoryThatMovesMeanwhileKeepsItsFile) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "d");
  OutputFile file = create(dir / "d/f");
  append(file, "new");
  std::filesystem::rename(dir / "d", dir / "e");
  std::filesystem::create_directory(dir / "d");
  commit(file);
  EXPECT_EQ(read_file(dir / "e/f"), "new");
  EXPECT_EQ(names_in(dir / "d"), Names{});
}

TEST(OutputFile, TheLongestNamesWork) {
  const TempDir dir;
  std::string longest = "x";
  while (longest.size() < 255) longest += "\xc3\xa9";
  OutputFile file = create(dir / longest);
  const std::string temporary = names_in(dir.path()).front();
  EXPECT_LE(temporary.size(), 255U);
  EXPECT_EQ(temporary.find("\xc3."), std::string::npos) << "cut inside a character";
  commit(file);
  EXPECT_EQ(names_in(dir.path()), Names{longest});
  EXPECT_EQ(error_of(dir / (longest + "x")).os_error, ENAMETOOLONG);
}

TEST(OutputFile, TheTemporaryIsHiddenAndNamedAfterTheTarget) {
  const TempDir dir;
  const OutputFile file = create(dir / "net.ckpt");
  const std::string temporary = names_in(dir.path()).front();
  EXPECT_TRUE(temporary.starts_with(".net.ckpt.")) << temporary;
  EXPECT_TRUE(temporary.ends_with(".tmp")) << temporary;
}

TEST(OutputFile, WithoutOverwriteAnExistingFileIsRefusedAtOnce) {
  const TempDir dir;
  write_file(dir / "f", "old");
  const Error error = error_of(dir / "f", {.overwrite = false});
  EXPECT_EQ(error.code, Errc::usage);
  EXPECT_EQ(error.message, "the file exists");
  EXPECT_EQ(names_in(dir.path()), Names{"f"});
}

TEST(OutputFile, WithoutOverwriteAFileThatAppearsMeanwhileStays) {
  const TempDir dir;
  {
    OutputFile file = create(dir / "f", {.overwrite = false});
    append(file, "new");
    write_file(dir / "f", "somebody else's");
    const auto status = file.commit();
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Errc::usage);
    EXPECT_EQ(status.error().message, "the file exists");
  }
  EXPECT_EQ(read_file(dir / "f"), "somebody else's");
  EXPECT_EQ(names_in(dir.path()), Names{"f"});
}

TEST(OutputFile, WithoutOverwriteANewFileIsMade) {
  const TempDir dir;
  OutputFile file = create(dir / "f", {.overwrite = false});
  append(file, "new");
  commit(file);
  EXPECT_EQ(read_file(dir / "f"), "new");
  EXPECT_EQ(names_in(dir.path()), Names{"f"});
}

TEST(OutputFile, PiecesOfAllSizesAreJoined) {
  const TempDir dir;
  const std::string bytes = random_bytes(3'000'000);
  std::minstd_rand random(1);
  OutputFile file = create(dir / "f");
  for (std::size_t done = 0; done < bytes.size();) {
    const std::size_t limits[] = {1, 40, 5'000, 262'143, 262'144, 262'145, 900'000};
    const std::size_t piece = std::min(random() % limits[random() % 7] + 1, bytes.size() - done);
    append(file, std::string_view(bytes).substr(done, piece));
    done += piece;
    ASSERT_EQ(file.size(), done);
  }
  append(file, "");
  commit(file);
  EXPECT_TRUE(read_file(dir / "f") == bytes);
}

TEST(OutputFile, OverwriteReachesWhatIsWrittenAndWhatIsBuffered) {
  const TempDir dir;
  std::string bytes = random_bytes(300'000);  // one block of 262,144 bytes is written, the rest is buffered
  OutputFile file = create(dir / "f");
  append(file, bytes);
  const std::pair<std::size_t, std::string> changes[] = {
      {0, "start"}, {1000, "inside"}, {262'140, "across blocks"}, {290'000, "in the buffer"}, {299'997, "end"}};
  for (const auto& [offset, text] : changes) {
    ASSERT_TRUE(file.overwrite(offset, bytes_of(text)));
    bytes.replace(offset, text.size(), text);
  }
  append(file, "more");
  commit(file);
  EXPECT_TRUE(read_file(dir / "f") == bytes + "more");
}

TEST(OutputFile, SourcesAreAppended) {
  const TempDir dir;
  const std::string bytes = random_bytes(1'000'000);
  write_file(dir / "in", bytes);
  const auto file_source = open_file(dir / "in");
  ASSERT_TRUE(file_source);
  const SourcePtr memory = borrow_bytes(bytes_of(bytes));
  const std::pair<std::size_t, std::size_t> ranges[] = {{0, 1'000'000}, {1, 999'998},     {4096, 524'288},
                                                        {5, 0},         {999'990, 10},    {77, 262'143},
                                                        {78, 262'144},  {99'999, 262'145}};
  for (const SourcePtr& source : {*file_source, memory}) {
    OutputFile file = create(dir / "out");
    std::string expected;
    for (const auto& [offset, size] : ranges) {
      append(file, "between");
      ASSERT_TRUE(file.append_source(*source, offset, size));
      expected += "between" + bytes.substr(offset, size);
      ASSERT_EQ(file.size(), expected.size());
    }
    append(file, "end");
    commit(file);
    EXPECT_TRUE(read_file(dir / "out") == expected + "end");
  }
}

TEST(OutputFile, ASourceThatIsTooShortIsAnError) {
  const TempDir dir;
  write_file(dir / "in", random_bytes(600'000));
  const auto source = open_file(dir / "in");
  ASSERT_TRUE(source);
  {
    OutputFile file = create(dir / "out");
    const auto status = file.append_source(**source, 0, 700'000);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Errc::truncated);
  }
  std::filesystem::resize_file(dir / "in", 400'000);
  OutputFile file = create(dir / "out");
  const auto status = file.append_source(**source, 0, 600'000);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::changed);
}

TEST(OutputFile, SpaceSetAsideIsGivenBack) {
  const TempDir dir;
  const std::string bytes = random_bytes(std::size_t{9} << 20);
  OutputFile file = create(dir / "f", {.durable = true});
  append(file, bytes);
  commit(file);
  EXPECT_TRUE(read_file(dir / "f") == bytes);
  struct stat status;
  ASSERT_EQ(::stat((dir / "f").c_str(), &status), 0);
  EXPECT_LT(status.st_blocks * 512, 12 << 20);
}

// As a full disk: the system takes a part of a write, then nothing more.
TEST(OutputFile, AFileThatMayNotGrowIsAnErrorThatSaysSo) {
  const TempDir dir;
  write_file(dir / "f", "old");
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  const rlimit limit{300'000, old_limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  Status status;
  {
    OutputFile file = create(dir / "f");
    status = file.append(bytes_of(random_bytes(600'000)));
  }
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old_limit), 0);
  std::signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::io);
  EXPECT_EQ(status.error().os_error, EFBIG);
  EXPECT_EQ(status.error().message, "cannot write: File too large");
  EXPECT_EQ(read_file(dir / "f"), "old");
  EXPECT_EQ(names_in(dir.path()), Names{"f"});
}

TEST(OutputFile, WhatIsFinishedIsInPlaceWhenCommitted) {
  const TempDir dir;
  write_file(dir / "f", "old");
  OutputFile file = create(dir / "f");
  append(file, "new");
  ASSERT_TRUE(file.finish());
  EXPECT_EQ(read_file(dir / "f"), "old");
  commit(file);
  EXPECT_EQ(read_file(dir / "f"), "new");
  EXPECT_EQ(names_in(dir.path()), Names{"f"});
}

TEST(Replaces, IsSoWhateverTheNameOfTheFile) {
  const TempDir dir;
  write_file(dir / "f", "bytes");
  write_file(dir / "other", "bytes");
  std::filesystem::create_symlink("f", dir / "link");
  std::filesystem::create_hard_link(dir / "f", dir / "hard");
  const auto source = open_file(dir / "f");
  ASSERT_TRUE(source);
  for (const char* name : {"f", "link", "hard"}) EXPECT_TRUE(replaces(dir / name, **source)) << name;
  EXPECT_FALSE(replaces(dir / "other", **source));
  EXPECT_FALSE(replaces(dir / "nothing", **source));
  EXPECT_FALSE(replaces(dir / "f", *borrow_bytes({})));
  std::filesystem::rename(dir / "other", dir / "f");  // what the source reads has another name now
  EXPECT_FALSE(replaces(dir / "f", **source));
  EXPECT_TRUE(replaces(dir / "hard", **source));
}

TEST(OutputFile, NoDescriptorIsLeft) {
  const auto open_descriptors = [] { return names_in("/proc/self/fd").size(); };
  if (!std::filesystem::exists("/proc/self/fd")) GTEST_SKIP() << "needs /proc";
  const TempDir dir;
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 3; ++i) {
    OutputFile finished = create(dir / "f");
    commit(finished);
    const OutputFile dropped = create(dir / "g");
    (void)error_of(dir / "no/f");
    (void)error_of(dir.path());
  }
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace ckpt

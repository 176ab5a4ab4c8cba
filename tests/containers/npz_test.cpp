#include <gtest/gtest.h>

#include <deque>
#include <numeric>

#include "file_bytes.h"
#include "foreign_files.h"
#include "reorder.h"
#include "temp_dir.h"

namespace ckpt::containers {
namespace {

using test::Bytes;
using test::bytes_in;
using test::listing;
using test::npy;
using test::npy_raw;
using test::TempDir;
using test::values;
using test::verdict;
using test::ZipBuilder;

Result<Checkpoint> read_archive(const Bytes& bytes, const ForeignOptions& options = {}) {
  return read_npz(borrow_bytes(test::bytes_of(bytes)), options);
}
// Numbers are turned when they are asked for, so the bytes stay until the end.
Result<Checkpoint> read_one(Bytes bytes) {
  static std::deque<Bytes> kept;
  kept.push_back(std::move(bytes));
  return read_npy(borrow_bytes(test::bytes_of(kept.back())), "w");
}

std::string archive_problem(const Bytes& archive) { return verdict(read_archive(archive)); }
std::string npy_problem(const Bytes& bytes) { return verdict(read_one(bytes)); }

const Bytes kWeights = values<float>({1, 2, 3, 4, 5, 6});

TEST(Npz, StoredAndDeflated) {
  const Bytes archive = ZipBuilder()
                            .add("a.npy", npy("<f4", "(2, 3)", kWeights))
                            .add("b.npy", npy("<f4", "(2, 3)", kWeights), true)
                            .add("dir/empty.npy", npy("<i8", "(0, 3)", ""))
                            .add(".npy", npy("|b1", "()", "\x01"), true)
                            .finish();
  auto file = read_archive(archive);
  ASSERT_TRUE(file) << verdict(file);
  EXPECT_EQ(listing(*file),
            "a tensor Float32 [2, 3]\nb tensor Float32 [2, 3]\ndir/empty tensor Int64 [0, 3]\n tensor Bool []\n");
  for (const char* name : {"a", "b"}) EXPECT_EQ(bytes_in(*file, name), kWeights);
  EXPECT_EQ(bytes_in(*file, ""), "\x01");
  EXPECT_EQ(bytes_in(*file, "dir/empty"), "");
}

TEST(Npz, Types) {
  const auto type_of = [](const std::string& descr, std::size_t size) {
    auto file = read_one(npy(descr, "(1,)", Bytes(size, 'x')));
    return file ? listing(*file) : verdict(file);
  };
  EXPECT_EQ(type_of("|i1", 1), "w tensor Int8 [1]\n");
  EXPECT_EQ(type_of("<u2", 2), "w tensor UInt16 [1]\n");
  EXPECT_EQ(type_of("=u8", 8), "w tensor UInt64 [1]\n");
  EXPECT_EQ(type_of("<f2", 2), "w tensor Float16 [1]\n");
  EXPECT_EQ(type_of("<c16", 16), "w tensor Complex128 [1]\n");
  // Bytes that can be copied, but not understood.
  EXPECT_EQ(type_of("<f16", 16), "w opaque unknown [1]\n");
  EXPECT_EQ(type_of("|S5", 5), "w opaque unknown [1]\n");
  EXPECT_EQ(type_of("<M8[ns]", 8), "w opaque unknown [1]\n");
  EXPECT_EQ(type_of("|V2", 2), "w opaque unknown [1]\n");
  EXPECT_EQ(type_of("<U2", 8), "w opaque unknown [1]\n");
  EXPECT_EQ(type_of("", 8), "unsupported in \"w\": has NumPy's type '', which has no bytes of a known size");
  EXPECT_EQ(type_of("<", 8), "unsupported in \"w\": has NumPy's type '<', which has no bytes of a known size");
  EXPECT_EQ(type_of("<f", 8), "unsupported in \"w\": has NumPy's type '<f', which has no bytes of a known size");
  EXPECT_EQ(type_of("<U99999999999999999999", 8),
            "unsupported in \"w\": has NumPy's type '<U99999999999999999999', which has no bytes of a known size");
  EXPECT_EQ(npy_problem(npy_raw("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "wxyz")),
            "unsupported in \"w\": is an array of records with fields, not of numbers");
}

TEST(Npz, ObjectsArePicklesAndNeverLoaded) {
  for (const char* descr : {"|O", "O", "|O8", "<O", "=O"})
    EXPECT_EQ(npy_problem(npy(descr, "(1,)", "cos\nsystem\n")),
              "unsupported in \"w\": is an array of Python objects (a pickle), which is never loaded");
  // Good arrays beside it do not help: what cannot be shown must not look as if it were not there.
  EXPECT_EQ(archive_problem(ZipBuilder()
                                .add("good.npy", npy("<f4", "(2, 3)", kWeights))
                                .add("bad.npy", npy("|O", "(1,)", "cos\nsystem\n"), true)
                                .finish()),
            "unsupported in \"bad\": is an array of Python objects (a pickle), which is never loaded");
}

TEST(Npz, TextsAreStrings) {
  auto file = read_one(npy("<U3", "()", test::utf32(U"a\u00fc\U0001F600")));
  ASSERT_TRUE(file) << verdict(file);
  EXPECT_EQ(listing(*file), "w string str [0]\n");
  EXPECT_EQ(file->read_string(file->tensors()[0]).value(), "a\xc3\xbc\xf0\x9f\x98\x80");
  auto big = read_one(npy(">U1", "()", test::from_hex("00000061")));
  ASSERT_TRUE(big) << verdict(big);
  EXPECT_EQ(big->read_string(big->tensors()[0]).value(), "a");
}

TEST(Npz, BigEndianNumbersAreTurned) {
  auto file = read_one(npy(">i4", "(2,)", test::from_hex("00000001 00000002")));
  ASSERT_TRUE(file) << verdict(file);
  EXPECT_EQ(bytes_in(*file, "w"), values<std::int32_t>({1, 2}));
  // Of a complex number, each part.
  auto complex = read_one(npy(">c8", "()", test::from_hex("3f800000 40000000")));
  ASSERT_TRUE(complex) << verdict(complex);
  EXPECT_EQ(bytes_in(*complex, "w"), values<float>({1, 2}));
  const Bytes packed = ZipBuilder().add("w.npy", npy(">f8", "(1,)", test::from_hex("3ff0000000000000")), true).finish();
  auto archive = read_archive(packed);
  ASSERT_TRUE(archive);
  EXPECT_EQ(bytes_in(*archive, "w"), values<double>({1}));
}

TEST(Npz, FortranOrderIsTurned) {
  const Bytes columns = values<float>({1, 4, 2, 5, 3, 6});
  auto file = read_one(npy("<f4", "(2, 3)", columns, true));
  ASSERT_TRUE(file) << verdict(file);
  EXPECT_EQ(bytes_in(*file, "w"), kWeights);
  const Bytes packed = ZipBuilder().add("w.npy", npy("<f4", "(2, 3)", columns, true), true).finish();
  auto archive = read_archive(packed);
  ASSERT_TRUE(archive);
  EXPECT_EQ(bytes_in(*archive, "w"), kWeights);
  // One dim has no order: nothing to do.
  auto plain = read_one(npy("<f4", "(1, 6)", kWeights, true));
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->tensors()[0].extents[0].source, 0U);
}

// In memory, tile by tile, and plane by plane give what the definition says.
TEST(Npz, FortranOrderOfAnyShape) {
  const std::vector<std::vector<std::int64_t>> shapes = {{3, 4, 5},    {1, 7, 1, 3}, {2, 2, 2, 2, 2}, {3000, 3001},
                                                         {3, 2000003}, {2000003, 3}, {5, 700, 1300},  {1700, 5, 700}};
  for (const auto& dims : shapes) {
    std::uint64_t count = 1;
    for (const std::int64_t dim : dims) count *= static_cast<std::uint64_t>(dim);
    Aside aside(std::uint64_t{1} << 40);
    // Item i of the source has the value i.
    const ReadAt read_numbers = [](std::uint64_t at, std::span<std::byte> out) -> Status {
      for (std::size_t i = 0; i < out.size(); i += 4) {
        const auto number = static_cast<std::uint32_t>((at + i) / 4);
        std::memcpy(out.data() + i, &number, 4);
      }
      return {};
    };
    ASSERT_TRUE(
        aside.add(count * 4, [&](const Aside::Region& region) { return to_c_order(read_numbers, dims, 4, region); }));
    std::vector<std::uint32_t> result(count);
    const auto status = aside.read_at(0, std::as_writable_bytes(std::span(result)));
    ASSERT_TRUE(status) << to_string(status.error());
    std::vector<std::int64_t> index(dims.size());
    for (std::uint64_t at = 0; at < count; ++at) {
      std::uint64_t expected = 0;
      for (std::size_t axis = dims.size(); axis-- > 0;)
        expected = expected * static_cast<std::uint64_t>(dims[axis]) + static_cast<std::uint64_t>(index[axis]);
      if (result[at] != expected) FAIL() << at << ": " << result[at] << ", not " << expected;
      for (std::size_t axis = dims.size(); axis-- > 0;) {
        if (++index[axis] < dims[axis]) break;
        index[axis] = 0;
      }
    }
  }
}

TEST(Npz, HeadersAsPythonMayWriteThem) {
  for (const int version : {1, 2, 3}) EXPECT_EQ(npy_problem(npy("<f4", "(2, 3)", kWeights, false, version)), "fine");
  for (const char* header : {"{'shape':(2,3),'fortran_order':False,'descr':'<f4'}",
                             "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (2, 3)}",
                             "  {  'descr' :\t'<f4' ,\n'fortran_order' : False , 'shape' : ( 2 , 3 , ) , }   \n",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L), }\n"})
    EXPECT_EQ(npy_problem(npy_raw(header, kWeights)), "fine") << header;
  const std::string wrong =
      "malformed in \"w\": its header is not the dict of descr, fortran_order and shape that NumPy "
      "writes";
  for (const char* header :
       {"", "{}", "{'descr': '<f4', 'fortran_order': False}", "{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': 6}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'x': 1}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)",
        "{'descr': '\\x3cf4', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} x",
        "{'descr': __import__('os'), 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '<f4' 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}"})
    EXPECT_EQ(npy_problem(npy_raw(header, kWeights)), wrong) << header;
  EXPECT_EQ(npy_problem(npy("<f4", "(-2, -3)", kWeights)), "malformed in \"w\": a dim of -2");
}

TEST(Npz, HeadersThatAreCutOrHuge) {
  EXPECT_EQ(npy_problem("\x93NUMP"), "truncated in \"w\": ends inside the header of a NumPy array");
  EXPECT_EQ(npy_problem("\x93NUMPY\x01"), "truncated in \"w\": ends inside the header of a NumPy array");
  EXPECT_EQ(npy_problem("\x93NUMPZ\x01\x01\x01\x01"),
            "malformed in \"w\": is no NumPy array: its first bytes are others");
  EXPECT_EQ(npy_problem(npy("<f4", "(2, 3)", "").substr(0, 40)),
            "truncated in \"w\": ends inside the header of a NumPy array");
  EXPECT_EQ(npy_problem(npy_raw("{}", "", 4)), "unsupported in \"w\": a NumPy array of version 4.0; 1 to 3 are known");
  EXPECT_EQ(npy_problem("\x93NUMPY\x02" + Bytes(1, '\0') + test::little_endian(std::uint32_t{0xFFFFFFFF}) + "{}"),
            "limit in \"w\": a header of 4294967295 bytes; the limit is 65536");
}

TEST(Npz, SizesThatDoNotFit) {
  EXPECT_EQ(npy_problem(npy("<f4", "(2, 3)", kWeights.substr(1))),
            "truncated in \"w\": its shape and type ask for 24 bytes, 23 are there");
  EXPECT_EQ(npy_problem(npy("<f4", "(2, 3)", kWeights + "x")),
            "malformed in \"w\": its shape and type ask for 24 bytes, 25 are there");
  EXPECT_EQ(npy_problem(npy("<f4", "(4611686018427387904, 4)", "")),
            "mismatch in \"w\": its shape and type ask for more than 2^63 bytes");
  EXPECT_EQ(npy_problem(npy("<f8", "(1152921504606846976,)", "")),
            "mismatch in \"w\": its shape and type ask for more than 2^63 bytes");
}

TEST(Npz, Zip64AndDataDescriptors) {
  const Bytes array = npy("<f4", "(2, 3)", kWeights);
  const Bytes archive = ZipBuilder()
                            .add({.name = "a.npy", .data = array, .zip64 = true})
                            .add({.name = "b.npy", .data = array, .deflate = true, .descriptor = true})
                            .finish64();
  auto file = read_archive(archive);
  ASSERT_TRUE(file) << verdict(file);
  for (const char* name : {"a", "b"}) EXPECT_EQ(bytes_in(*file, name), kWeights);
  EXPECT_EQ(archive_problem(ZipBuilder().add({.name = "a.npy", .data = array, .descriptor = true}).finish("a comment")),
            "fine");
}

TEST(Npz, ANameIsOnlyAName) {
  const Bytes array = npy("<f4", "(2, 3)", kWeights);
  const Bytes archive =
      ZipBuilder().add("../../etc/x.npy", array, true).add("/abs.npy", array).add("a\\b\n.npy", array).finish();
  auto file = read_archive(archive);
  ASSERT_TRUE(file) << verdict(file);
  EXPECT_EQ(file->tensors()[0].name, "../../etc/x");
  EXPECT_EQ(file->tensors()[1].name, "/abs");
  EXPECT_EQ(bytes_in(*file, "../../etc/x"), kWeights);
  // But none is written that somebody's unpacking could follow.
  const auto why = [&](const char* name) { return why_not(FileFormat::npz, {&file->tensors()[0], name}); };
  for (const char* name : {"../x", "/x", "a/../b", "a\\b", "..", "./x", "a/./b"})
    EXPECT_EQ(why(name), "its name would be an odd path in an archive") << name;
  for (const char* name : {"x", "a..b", "a/b", "", ".", "a.b.c", "...x"}) EXPECT_EQ(why(name), "") << name;
}

TEST(Npz, ArchivesThatAreRefused) {
  const Bytes array = npy("<f4", "(2, 3)", kWeights);
  using Member = ZipBuilder::Member;
  const auto with = [](Member member) { return archive_problem(ZipBuilder().add(std::move(member)).finish()); };
  EXPECT_EQ(with({.name = "readme.txt", .data = "x"}),
            "unsupported in \"readme.txt\": is no array: NumPy's names in an archive end with .npy");
  EXPECT_EQ(with({.name = "a.npy", .data = array, .flags = 1}),
            "unsupported at byte 129 in \"a.npy\": is encrypted, which NumPy does not read either");
  EXPECT_EQ(with({.name = "a.npy", .data = array, .method = 12}),
            "unsupported at byte 129 in \"a.npy\": is packed with method 12; 0 and 8 are read");
  EXPECT_EQ(with({.name = "a.npy", .data = array, .claimed_size = 1}),
            "malformed at byte 129 in \"a.npy\": is stored as it is, but in another size");
  EXPECT_EQ(with({.name = "a.npy", .data = array, .local_name = "b.npy"}),
            "malformed at byte 0 in \"a.npy\": has another header in front of its data than the "
            "directory says");
  EXPECT_EQ(with({.name = "a.npy", .data = array, .local = 12345}),
            "malformed at byte 12345 in \"a.npy\": lies outside the archive");
  EXPECT_EQ(with({.name = "a.npy", .data = "no array"}),
            "malformed in \"a\": is no NumPy array: its first bytes are others");
  EXPECT_EQ(archive_problem(ZipBuilder().add("a.npy", array).add("a.npy", array).finish()),
            "malformed in \"a\": comes twice");
  EXPECT_EQ(archive_problem(Bytes("PK\x03\x04") + Bytes(10, '\0')), "truncated: too short for a zip archive");
}

TEST(Npz, OverlappingMembers) {
  const Bytes array = npy("<f4", "(2, 3)", kWeights);
  const Bytes archive = ZipBuilder()
                            .add("a.npy", array)
                            .add({.name = "b.npy", .data = array, .local = 0, .local_name = "b.npy"})
                            .finish();
  // Its own header is in front of other data.
  EXPECT_EQ(archive_problem(archive),
            "malformed at byte 0 in \"b.npy\": has another header in front of its data than the "
            "directory says");
  // The same data twice, under names that are the same.
  const Bytes twice = ZipBuilder().add("a.npy", array).add({.name = "a.npy", .data = array, .local = 0}).finish();
  EXPECT_EQ(archive_problem(twice), "malformed at byte 0 in \"a.npy\": overlaps \"a.npy\"");
}

TEST(Npz, BombsAreNotUnpacked) {
  // More than deflate can make of so few bytes.
  EXPECT_EQ(archive_problem(ZipBuilder()
                                .add({.name = "a.npy",
                                      .data = npy("|u1", "(1000000000,)", ""),
                                      .deflate = true,
                                      .claimed_size = 1'000'000'080})
                                .finish()),
            "malformed at byte 103 in \"a.npy\": claims 1000000080 bytes, more than its 68 can be "
            "unpacked to");
  // Another size than the dims say, found without unpacking.
  EXPECT_EQ(archive_problem(ZipBuilder().add("a.npy", npy("|u1", "(10,)", Bytes(5'000'000, '\0')), true).finish()),
            "malformed in \"a\": its shape and type ask for 10 bytes, 5000000 are there");
  // An honest one has a ceiling, and costs nothing until it is read.
  const Bytes honest = ZipBuilder().add("a.npy", npy("|u1", "(5000000,)", Bytes(5'000'000, '\0')), true).finish();
  auto file = read_archive(honest, {.max_decoded_bytes = 4'000'000});
  ASSERT_TRUE(file);
  std::byte one;
  const auto status = file->read(file->tensors()[0], 0, {&one, 1});
  ASSERT_FALSE(status);
  EXPECT_EQ(test::sentence(status.error()), "limit: needs 5000000 bytes decoded, where 4000000 of 4000000 are left");
}

TEST(Npz, DeflatedDataThatIsDamaged) {
  const Bytes array = npy("|u1", "(100,)", Bytes(100, 'x'));
  const auto read_error = [](const Bytes& archive) {
    auto file = read_archive(archive);
    return file ? bytes_in(*file, "a") : verdict(file);
  };
  EXPECT_EQ(read_error(ZipBuilder().add({.name = "a.npy", .data = array, .deflate = true, .crc = 1}).finish()),
            "malformed at byte 35 in \"a\": its CRC-32 is not what the archive says");
  Bytes garbage = ZipBuilder().add("a.npy", array, true).finish();
  garbage[35] = '\x07';
  EXPECT_EQ(read_error(garbage), "malformed at byte 35 in \"a\": is no deflated data");
  // The archive says more than there is, and less.
  const Bytes longer = npy("|u1", "(101,)", Bytes(100, 'x'));
  EXPECT_EQ(read_error(ZipBuilder()
                           .add({.name = "a.npy", .data = longer, .deflate = true, .claimed_size = longer.size() + 1})
                           .finish()),
            "malformed at byte 35 in \"a\": unpacks to " + std::to_string(longer.size()) + " bytes, not to " +
                std::to_string(longer.size() + 1));
  const Bytes shorter = npy("|u1", "(99,)", Bytes(100, 'x'));
  EXPECT_EQ(read_error(ZipBuilder()
                           .add({.name = "a.npy", .data = shorter, .deflate = true, .claimed_size = shorter.size() - 1})
                           .finish()),
            "malformed at byte 35 in \"a\": unpacks to more than the " + std::to_string(shorter.size() - 1) +
                " bytes it claims");
}

TEST(Npz, DirectoriesThatAreCutOrWrong) {
  const Bytes whole = ZipBuilder().add("a.npy", npy("<f4", "(2, 3)", kWeights)).finish();
  EXPECT_EQ(archive_problem(whole.substr(0, whole.size() - 1)),
            "truncated at byte " + std::to_string(whole.size() - 1) +
                ": a zip archive without its directory, which comes last: it was cut");
  Bytes more = whole;
  more[whole.size() - 22 + 10] = more[whole.size() - 22 + 8] = 2;  // entries
  EXPECT_NE(archive_problem(more).find("its directory has 1 entries, the end record counts 2"), Bytes::npos)
      << archive_problem(more);
  Bytes moved = whole;
  moved[whole.size() - 22 + 16] = static_cast<char>(moved[whole.size() - 22 + 16] + 1);  // its offset
  EXPECT_NE(archive_problem(moved).find("does not end where the end record starts"), Bytes::npos)
      << archive_problem(moved);
  const Bytes disks = whole.substr(0, whole.size() - 18) + "\x01" + whole.substr(whole.size() - 17);
  EXPECT_EQ(archive_problem(disks), "unsupported: a zip archive on several disks");
  const Bytes prepended = "#!/bin/sh\n" + whole;
  EXPECT_NE(archive_problem(prepended).find("does not end where the end record starts"), Bytes::npos);
}

TEST(Npz, WrittenAsOthersReadIt) {
  const Bytes source = test::record("w", {2, 3}, "Float32", kWeights) +
                       test::record("s", {}, "Float32", values<float>({7})) +
                       test::record("t", {0}, "str", test::utf32(U"abc")) + test::record("e", {0, 2}, "Int8", "");
  auto file = Checkpoint::from_bytes(test::bytes_of(source));
  ASSERT_TRUE(file);
  std::vector<OutputEntry> entries;
  for (const TensorInfo& tensor : file->tensors()) entries.push_back({&tensor, tensor.name});
  const TempDir folder;
  ASSERT_TRUE(write_npz(folder / "out", *file, entries, {.durable = false}));
  const Bytes out = test::read_file(folder / "out");
  const Bytes header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  EXPECT_NE(out.find("w.npy"), out.npos);
  EXPECT_NE(out.find(header), out.npos);
  EXPECT_NE(out.find("{'descr': '<U3', 'fortran_order': False, 'shape': (), }"), out.npos);
  auto again = open_any(folder / "out");
  ASSERT_TRUE(again) << verdict(again);
  EXPECT_EQ(again->format, FileFormat::npz);
  EXPECT_EQ(listing(again->file), listing(*file));
  for (const char* name : {"w", "s", "t", "e"}) EXPECT_EQ(bytes_in(again->file, name), bytes_in(*file, name));
}

TEST(Npz, WhatNumPyCannotHold) {
  const Bytes source = test::record("b", {1}, "BFloat16", "ab") + test::record("i", {1}, "Int4", "a") +
                       test::record("f", {1}, "Float8E5M2", "a") + test::record("r", {}, "random_op", "x");
  auto file = Checkpoint::from_bytes(test::bytes_of(source));
  ASSERT_TRUE(file);
  const auto why = [&](const char* name) { return why_not(FileFormat::npz, {file->find(name), name}); };
  EXPECT_EQ(why("b"), "NumPy has no type BFloat16");
  EXPECT_EQ(why("i"), "NumPy has no type Int4");
  EXPECT_EQ(why("f"), "NumPy has no type Float8E5M2");
  EXPECT_EQ(why("r"), "NumPy has no type \"random_op\"");
}

}  // namespace
}  // namespace ckpt::containers

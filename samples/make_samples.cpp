// Makes the hand-made sample files again, byte for byte:
//
//     make_samples DIR           writes DIR/good/*.ckpt and DIR/bad/*.ckpt
//     make_samples --check DIR   compares them with what is there; names what differs
//     make_samples --table       prints their rows of README.md
//
// The other samples were written by MindSpore and cannot be made here (README.md).

#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wire_builder.h"

namespace {

using namespace ckpt::test;

struct Sample {
  std::string_view path;
  std::string_view shows;
  Bytes bytes;
};

// The two entries that many samples share.
const Bytes kA = record("a", {2}, "Float32", values<float>({1, 2}));
const Bytes kB = record("b", {3}, "Int32", values<std::int32_t>({1, 2, 3}));

std::vector<std::int64_t> ones(std::size_t count) { return std::vector<std::int64_t>(count, 1); }

Bytes float32(std::initializer_list<float> numbers) { return values<float>(numbers); }

Bytes float32(std::string_view name, std::initializer_list<std::int64_t> dims, std::initializer_list<float> numbers) {
  return record(name, dims, "Float32", values<float>(numbers));
}

RecordBuilder map_part(RecordBuilder so_far, std::initializer_list<std::int64_t> dims, std::string_view type,
                       const Bytes& content) {
  return so_far.part().dims(dims).type(type).content(content);
}

RecordBuilder map_entry() {
  RecordBuilder map = map_part(record().tag("m"), {2}, "int32", values<std::int32_t>({3, 4}));
  map = map_part(map, {2, 2}, "float32", float32({1, 2, 3, 4}));
  return map_part(map, {2}, "int32", values<std::int32_t>({0, 0}));
}

std::vector<Sample> scalars_and_shapes() {
  return {
      {"good/scalar_dims0.ckpt", "a scalar as before 2.3: dims [0]", float32("s", {0}, {1.5F})},
      {"good/scalar_no_dims.ckpt", "a scalar as since 2.3: no dims", float32("s", {}, {1.5F})},
      {"good/scalar_bool_dims0.ckpt", "a Bool scalar with dims [0]", record("s", {0}, "Bool", values<char>({1}))},
      {"good/golden_matrix.ckpt", "one plain entry, the golden bytes of FORMAT.md",
       float32("conv1.weight", {2, 3}, {0, 1, 2, 3, 4, 5})},
      {"good/dims_packed.ckpt", "dims in protobuf's packed form",
       record().tag("a").packed_dims({2, 1}).type("Float32").content(float32({1, 2}))},
      {"good/dims_mixed.ckpt", "dims one by one and packed in one tensor, split by its content",
       record().tag("a").dims({1}).packed_dims({2, 1}).type("Float32").content(float32({1, 2})).dims({1})},
      {"good/dims_rank40.ckpt", "forty dims",
       record("a", {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2},
              "Int8", values<std::int8_t>({1, 2}))},
      {"good/zero_elements.ckpt", "tensors without elements, whole dims kept",
       kA + record("z", {2, 0, 3}, "Float32", "") + record("e", {0}, "Float32", "")},
  };
}

std::vector<Sample> element_types() {
  return {
      {"good/types_old_names.ckpt",
       "the spellings Uint8 to Uint64 (what 0.5 to 1.5 read) and Bool_ (what 0.1 to 0.3.0 wrote)",
       record("u8", {1}, "Uint8", values<std::uint8_t>({255})) +
           record("u16", {1}, "Uint16", values<std::uint16_t>({65535})) +
           record("u32", {1}, "Uint32", values<std::uint32_t>({4294967295U})) +
           record("u64", {1}, "Uint64", values<std::uint64_t>({18446744073709551615U})) +
           record("flag", {2}, "Bool_", values<char>({0, 1}))},
      {"good/type_complex.ckpt", "Complex64 and Complex128: real part first",
       record("c", {1}, "Complex64", values<float>({1, -2})) + record("d", {1}, "Complex128", values<double>({3, -4}))},
      {"good/bf16.ckpt", "BFloat16 in two bytes: 1, -2",
       record("w", {2}, "BFloat16", values<std::uint16_t>({0x3F80, 0xC000}))},
      {"good/bf16_as_float32.ckpt", "BFloat16 stored as float32: the low 16 bits are dropped, not rounded",
       record("t", {2}, "BFloat16", values<std::uint32_t>({0x3F800000, 0x3F80FFFF}))},
      {"good/bf16_as_float32_scalar.ckpt", "the same for a scalar with dims [0]",
       record("t", {0}, "BFloat16", values<float>({1.5F}))},
      {"good/bf16_as_float32_slices.ckpt",
       "the same cut into two equal halves: the first alone looks like a complete BFloat16 tensor",
       record("t", {2}, "BFloat16", values<float>({1})) + record("t", {2}, "BFloat16", values<float>({-2}))},
      {"good/bf16_as_float32_slices_uneven.ckpt", "the same cut as array_split does: 8 + 4 bytes",
       record("t", {3}, "BFloat16", values<float>({1, 2})) + record("t", {3}, "BFloat16", values<float>({-2}))},
      {"good/random_op.ckpt", "the state of random operators (up to 2.4): a type that is no element type, no dims",
       kA + record("random_op", {}, "random_op", from_hex("00 01 02 03 ff"))},
  };
}

std::vector<Sample> strings() {
  return {
      {"good/str.ckpt", "a Python str: UTF-32LE, dims [0]", record("k", {0}, "str", utf32(U"abc"))},
      {"good/str_empty.ckpt", "the empty str: one NUL", record("k", {0}, "str", utf32(std::u32string(1, U'\0')))},
      {"good/str_no_dims.ckpt", "a str without dims, beyond ASCII",
       record("k", {}, "str", utf32(U"h\u00e9\u4e2d\U0001F600"))},
      {"good/str_nul.ckpt", "NULs inside are kept, NULs at the end are lost",
       record("k", {0}, "str", utf32(std::u32string(U"a\0b\0", 4)))},
  };
}

std::vector<Sample> slices() {
  return {
      {"good/slices.ckpt", "a tensor in two records, each with the full dims",
       float32("a", {4}, {1, 2}) + float32("a", {4}, {3, 4}) + kB},
      {"good/slices_in_element.ckpt", "cut inside an element: 5 + 3 bytes",
       record("a", {2}, "Float32", from_hex("0000803f00")) + record("a", {2}, "Float32", from_hex("000040"))},
      {"good/slices_empty_piece.ckpt", "a slice of no bytes between two others",
       float32("a", {2}, {1}) + record("a", {2}, "Float32", "") + float32("a", {2}, {2})},
      {"good/slices_then_next.ckpt", "two sliced tensors, one right after the other",
       float32("a", {3}, {1, 2}) + float32("a", {3}, {3}) + record("b", {2}, "Int8", "\1") +
           record("b", {2}, "Int8", "\2")},
  };
}

std::vector<Sample> wire_forms() {
  return {
      {"good/order_content_first.ckpt", "content, type, dims",
       record().tag("a").content(float32({1, 2})).type("Float32").dims({2})},
      {"good/order_tensor_first.ckpt", "the tensor in front of its name",
       record().dims({2}).type("Float32").content(float32({1, 2})).tag("a")},
      {"good/fields_repeated.ckpt", "name, type and content given twice: the last one counts",
       record().tag("x").tag("a").dims({2}).type("Int8").content("12").type("Float32").content(float32({1, 2}))},
      {"good/tensor_merged.ckpt", "the tensor given in two parts: they are merged, dims are joined",
       record().tag("a").dims({2}).type("Int8").tensor().dims({1}).type("Float32").content(float32({1, 2}))},
      {"good/oneof_tensor_last.ckpt", "a map, then a tensor in one record: the tensor counts",
       record().tag("a").part().dims({9}).type("int32").tensor().dims({2}).type("Float32").content(float32({1, 2}))},
      {"good/oneof_map_last.ckpt", "a tensor, then a map in one record: the map counts",
       record().dims({9}).type("Int8").in_value(map_entry().value())},
      {"good/unknown_fields.ckpt", "top-level fields no version has: a number and bytes",
       varint_field(9, 5) + kA + bytes_field(15, "xyz") + kB},
      {"good/unknown_everywhere.ckpt", "fields nobody knows, of every wire type, at every level",
       fixed32_field(7, 1) +
           record()
               .in_value(fixed64_field(8, 2) + group(4, varint_field(1, 1)))
               .tag("a")
               .dims({2})
               .in_tensor(group(5, group(6, bytes_field(2, "?")) + varint_field(1, 7)))
               .type("Float32")
               .in_tensor(bytes_field(4, "unit") + varint_field(2047, 1))
               .content(float32({1, 2}))
               .in_value(varint_field(536870911, 1)) +
           nested_groups(3, 2)},
      {"good/wrong_wire_types.ckpt", "known field numbers with another wire type are unknown fields",
       varint_field(1, 5) + record()
                                .in_value(varint_field(1, 1) + fixed32_field(2, 2))
                                .tag("a")
                                .dims({2})
                                .in_tensor(fixed64_field(1, 3) + varint_field(2, 4) + fixed32_field(3, 5))
                                .type("Float32")
                                .content(float32({1, 2}))},
      {"good/overlong_varints.ckpt", "lengths, a key and a dim in more bytes than needed",
       record()
           .in_value(key(1, 2) + varint(1, 2) + "a")
           .dims({})
           .in_tensor(key(1, 0) + varint(2, 10) + varint(2 << 3 | 2, 2) + varint(7, 3) + "Float32")
           .content(float32({1, 2}))},
      {"good/model_type.ckpt", "0.5: a model_type behind the entries", kA + kB + model_type("normal")},
      {"good/name_missing.ckpt", "no name at all, which is the empty name",
       record().dims({2}).type("Float32").content(float32({1, 2}))},
      {"good/name_cache_key.ckpt", "the name of a cached embedding: `.__param_key__` and a number behind it",
       float32("emb.__param_key__7", {1}, {1})},
  };
}

std::vector<Sample> maps() {
  return {
      {"good/map.ckpt", "a map parameter: keys, values, status; NumPy's type names", map_entry()},
      {"good/map_two_slices.ckpt", "a map in two records: rows are joined", map_entry() + map_entry() + kA},
  };
}

std::vector<Sample> trailers() {
  return {
      {"good/crc_small.ckpt", "the CRC trailer", with_trailer(kA)},
      {"good/crc_in_content.ckpt", "content that ends like a CRC trailer: it is none, but MindSpore cuts it off",
       record("a", {17}, "Int8", trailer(0))},
      {"bad/crc_wrong.ckpt", "the CRC trailer of other bytes", kA + kB + trailer(plain_crc32(kA + kB) - 1)},
      {"bad/crc_oversized.ckpt", "a CRC trailer with more than 32 bits", kA + trailer(plain_crc32(kA) | 1ULL << 32)},
      {"bad/crc_cut.ckpt", "the last byte of the CRC trailer is missing",
       with_trailer(kA).substr(0, with_trailer(kA).size() - 1)},
  };
}

// ---- encryption: key 00 01 … 0f; the cipher text was made with OpenSSL ----

constexpr std::string_view kIv1 = "101112131415161718191a1b1c1d1e1f";
constexpr std::string_view kIv2 = "404142434445464748494a4b4c4d4e4f";
constexpr std::uint32_t kGcm = 0x7F3A5ED8;  // and, in era a, CBC
constexpr std::uint32_t kCbc = 0x7F3A5ED9;
constexpr std::uint32_t kSm4 = 0x7F3A5EDA;

Bytes block(std::uint32_t magic, std::string_view tag, std::string_view iv, std::string_view cipher) {
  const Bytes text = from_hex(cipher);
  const auto size = static_cast<std::uint32_t>(text.size());
  return little_endian(magic) + from_hex(tag) + little_endian(size + 24) + little_endian(std::uint32_t{16}) +
         from_hex(iv) + little_endian(size) + text;
}

// The scalar of good/scalar_no_dims.ckpt in one block.
constexpr std::string_view kScalarTag = "9a47bc0f92514760d300c4ee9cc186c7";
constexpr std::string_view kScalarGcm = "ce3a09ae7c5db9fd109b319aa653d80c20b87487f6cb";
constexpr std::string_view kScalarCbc = "5f5769bab7bf4fdae64096ca0e73686ceb63c2fbb2e0b6370a0afc04ef1304da";
constexpr std::string_view kScalarSm4 = "0102d041d8aec139ed07482141e1a724a85aa4e26df74a3cd99fc1bfb8c8fd30";
// kA + kB in two blocks, cut after 35 bytes: inside the second record.
constexpr std::string_view kFirstTag = "8d14c1ebbdfcefdf5dc353c46c17f556";
constexpr std::string_view kFirstGcm = "ce3409ae6e5da3e715cf5ab3ab488a4a098e6e8f36f4eb8085cb29516d191bacb0cb36";
constexpr std::string_view kSecondTag = "2906611cfe781ec9b591a2e0937a8d82";
constexpr std::string_view kSecondGcm = "312a7bcf24258d83bea34f1efe277dfa4c7db9681dd295";
constexpr std::string_view kFirstCbc =
    "fdc97177d8c1d4cf13a2873b6736d22d210194efc251450a1491c24a6c8d3f215d499f7d251170d84da5a2cd9e182181";
constexpr std::string_view kSecondCbc = "119e450fda3fd09d27f09d004b8a9cfdefd4772ff2ece7f0ccc0dc88bf0f9d8c";
constexpr std::string_view kFirstSm4 =
    "b858d2ba1144cbbb59f4976b90fe2103518bafad5f6f97f8f8d21b9f75b98de3057fbe30e8cfb48c4bde22f5b864871f";
constexpr std::string_view kSecondSm4 = "ba6287fa9b1fdad5ba24daefcf7645bf873e14af78d88b4d5640f97d500d3f0a";

std::vector<Sample> encrypted() {
  const Bytes gcm = block(kGcm, kScalarTag, kIv1, kScalarGcm);
  const Bytes cbc = block(kCbc, "", kIv1, kScalarCbc);
  const Bytes gcm_two = block(kGcm, kFirstTag, kIv1, kFirstGcm) + block(kGcm, kSecondTag, kIv2, kSecondGcm);
  const auto altered = [](Bytes bytes, std::size_t at) {
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    return bytes;
  };
  Bytes odd_iv = gcm;
  odd_iv[24] = 12;
  Bytes odd_length = gcm;
  odd_length[20] = static_cast<char>(odd_length[20] + 1);
  return {
      {"good/enc_a_gcm.ckpt", "encrypted as by 1.3 to 1.5: AES-GCM without a tag", block(kGcm, "", kIv1, kScalarGcm)},
      {"good/enc_a_gcm_blocks.ckpt", "the same in two blocks",
       block(kGcm, "", kIv1, kFirstGcm) + block(kGcm, "", kIv2, kSecondGcm)},
      {"good/enc_a_cbc.ckpt", "encrypted as by 1.3 to 1.5: AES-CBC, with GCM's magic number",
       block(kGcm, "", kIv1, kScalarCbc)},
      {"good/enc_a_cbc_blocks.ckpt", "the same in two blocks",
       block(kGcm, "", kIv1, kFirstCbc) + block(kGcm, "", kIv2, kSecondCbc)},
      {"good/enc_b_gcm.ckpt", "encrypted as since 2.0: AES-GCM with a tag", gcm},
      {"good/enc_b_gcm_blocks.ckpt", "the same in two blocks, each with its own IV, cut inside a record", gcm_two},
      {"good/enc_b_cbc.ckpt", "encrypted as since 2.0: AES-CBC", cbc},
      {"good/enc_b_cbc_blocks.ckpt", "the same in two blocks",
       block(kCbc, "", kIv1, kFirstCbc) + block(kCbc, "", kIv2, kSecondCbc)},
      {"good/enc_b_sm4.ckpt", "encrypted as since 2.0: SM4-CBC", block(kSm4, "", kIv1, kScalarSm4)},
      {"good/enc_b_sm4_blocks.ckpt", "the same in two blocks",
       block(kSm4, "", kIv1, kFirstSm4) + block(kSm4, "", kIv2, kSecondSm4)},
      {"bad/enc_wrong_key.ckpt", "AES-GCM with the key 00 01 … 0f; its .json gives another, wrong one", gcm},
      {"bad/enc_no_key.ckpt", "the same file; its .json gives no key", gcm},
      {"bad/enc_tag_altered.ckpt", "one bit of the tag is wrong", altered(gcm, 4)},
      {"bad/enc_cipher_altered.ckpt", "one bit of the cipher text is wrong", altered(gcm, gcm.size() - 1)},
      {"bad/enc_second_altered.ckpt", "one bit of the second block is wrong", altered(gcm_two, gcm_two.size() - 1)},
      {"bad/enc_cut.ckpt", "the last byte of the only block is missing", gcm.substr(0, gcm.size() - 1)},
      {"bad/enc_second_cut.ckpt", "the second block is cut inside its header", gcm_two.substr(0, gcm_two.size() - 40)},
      {"bad/enc_cbc_cut.ckpt", "AES-CBC whose cipher text is no multiple of 16 bytes",
       block(kCbc, "", kIv1, kScalarCbc.substr(0, 62))},
      {"bad/enc_odd_iv.ckpt", "a block that says its IV has 12 bytes", odd_iv},
      {"bad/enc_odd_length.ckpt", "a block whose two lengths disagree", odd_length},
      {"bad/enc_behind_clear.ckpt", "a cipher block behind a map in clear, as MindSpore writes it: lost",
       map_entry() + gcm},
      {"bad/enc_trailing.ckpt", "bytes behind the last block that start no other", gcm + "tail"},
  };
}

std::vector<Sample> cut_short() {
  return {
      {"bad/cut_in_content.ckpt", "the last byte is missing", (kA + kB).substr(0, 55)},
      {"bad/cut_in_name.ckpt", "the file ends inside a name", kA + from_hex("0a 1a 0a 03 62 69")},
      {"bad/cut_in_type.ckpt", "the file ends inside a type", kA + from_hex("0a 1c 0a 01 62 12 17 08 03 12 05 49 6e")},
      {"bad/cut_in_dims.ckpt", "the file ends inside a dim", kA + from_hex("0a 1c 0a 01 62 12 17 08 83")},
      {"bad/cut_in_length.ckpt", "the file ends inside the length of a record", kA + from_hex("0a 9c")},
      {"bad/cut_behind_key.ckpt", "the file ends behind the key of a record", kA + from_hex("0a")},
      {"bad/cut_first.ckpt", "the only record is cut", kA.substr(0, 20)},
      {"bad/claims_record_2e62.ckpt", "a record that claims 2^62 bytes",
       record().tag("a").dims({2}).type("Float32").claims(std::uint64_t{1} << 62)},
      {"bad/claims_content_2e62.ckpt", "content that claims 2^62 bytes, in messages that claim as much",
       record()
           .tag("a")
           .tensor_claims((std::uint64_t{1} << 62) + 32)
           .dims({std::int64_t{1} << 60})
           .type("Float32")
           .content_claiming(std::uint64_t{1} << 62, float32({1}))
           .claims((std::uint64_t{1} << 62) + 64)},
      {"bad/claims_name_2e40.ckpt", "a name that claims 2^40 bytes",
       record().tag_claiming(std::uint64_t{1} << 40, "a").claims(std::uint64_t{1} << 41)},
  };
}

std::vector<Sample> broken_framing() {
  const auto in_tensor = [](const Bytes& fields) -> Bytes {
    return kA + record().tag("b").dims({3}).type("Int32").in_tensor(fields);
  };
  const auto in_value = [](const Bytes& fields) -> Bytes { return kA + record().tag("b").in_value(fields); };
  return {
      {"bad/name_past_record.ckpt", "a name longer than its record", kA + record().tag_claiming(9, "b") + kB},
      {"bad/tensor_past_record.ckpt", "a tensor longer than its record",
       kA + record().tag("b").tensor_claims(20).dims({3}).type("Int8").content("123") + kB},
      {"bad/content_past_tensor.ckpt", "content longer than its tensor",
       kA + record().tag("b").dims({3}).type("Int8").content_claiming(9, "123") + kB},
      {"bad/type_past_tensor.ckpt", "a type longer than its tensor",
       kA + record().tag("b").dims({3}).type_claiming(9, "Int8") + kB},
      {"bad/packed_dims_past_length.ckpt", "the last packed dim runs past the length of the dims",
       in_tensor(key(1, 2) + varint(1) + from_hex("80 01"))},
      {"bad/number_past_record.ckpt", "a number that runs past the end of its record",
       in_value(from_hex("48 80")) + kB},
      {"bad/number_too_long.ckpt", "a number of eleven bytes", in_tensor(key(9, 0) + varint(1, 11))},
      {"bad/field_zero.ckpt", "a zero byte behind the last record: field number 0", kA + Bytes(1, '\0')},
      {"bad/wire_type_6.ckpt", "wire type 6, which does not exist", in_value(key(9, 6))},
      {"bad/wire_type_7.ckpt", "wire type 7, which does not exist", in_tensor(key(9, 7))},
      {"bad/key_beyond_32_bits.ckpt", "a key of more than 32 bits", in_value(varint(std::uint64_t{1} << 35))},
      {"bad/group_end_alone.ckpt", "the end of a group that was not begun", in_value(key(9, 4))},
      {"bad/group_end_of_other.ckpt", "a group ended by another's end", in_value(key(9, 3) + key(8, 4))},
      {"bad/group_without_end.ckpt", "a group without an end", in_value(key(9, 3))},
      {"bad/groups_too_deep.ckpt", "groups nested 101 deep", nested_groups(9, 101)},
      {"bad/trailing_text.ckpt", "text behind the last record", kA + "saved by hand\n"},
      {"bad/text.ckpt", "text alone", "This is not a checkpoint.\n"},
  };
}

std::vector<Sample> wrong_sizes() {
  return {
      {"bad/content_short.ckpt", "fewer bytes than the dims ask for; MindSpore fills with zeros",
       float32("a", {4}, {1, 2})},
      {"bad/content_long.ckpt", "more bytes than the dims ask for; MindSpore writes past its buffer",
       float32("a", {2}, {1, 2, 3, 4})},
      {"bad/content_missing.ckpt", "no content field", record().tag("a").dims({2}).type("Float32")},
      {"bad/scalar_empty.ckpt", "a scalar of no bytes: MindSpore reads 0", kA + record("s", {}, "Float32", "") + kB},
      {"bad/slices_missing.ckpt", "two of three slices", float32("a", {3}, {1}) + float32("a", {3}, {2}) + kB},
      {"bad/slices_unfinished.ckpt", "the last slice is missing", float32("a", {4}, {1, 2}) + kB},
      {"bad/slices_apart.ckpt", "the slices of a tensor are not in a row",
       float32("a", {4}, {1, 2}) + kB + float32("a", {4}, {3, 4})},
      {"bad/slices_other_dims.ckpt", "the second slice has other dims",
       float32("a", {4}, {1, 2}) + float32("a", {2, 2}, {3, 4})},
      {"bad/dims_negative.ckpt", "a negative dim", float32("a", {-5}, {1, 2})},
      {"bad/dims_16_gib.ckpt", "dims of 16 GiB, content of 8 bytes: MindSpore allocates them",
       float32("a", {1 << 30, 4}, {1, 2})},
      {"bad/dims_overflow.ckpt", "dims whose product exceeds 64 bits",
       float32("a", {1 << 16, 1 << 16, 1 << 16, 1 << 16}, {1, 2})},
      {"bad/dims_1025.ckpt", "1025 dims, one more than we take", record("a", {}, "Int8", "1").packed_dims(ones(1025))},
      {"bad/dims_above_int32.ckpt", "a dim that MindSpore's loader cannot take: 2^31",
       record("a", {std::int64_t{1} << 31, 0}, "Float32", "")},
  };
}

std::vector<Sample> wrong_types() {
  return {
      {"bad/type_unknown.ckpt", "a type nobody writes", record("a", {2}, "Float", float32({1, 2}))},
      {"bad/int4_dims.ckpt", "an Int4 whose dims count values: MindSpore's count bytes",
       record("a", {4}, "Int4", from_hex("21 43"))},
      {"bad/bool_values.ckpt", "a Bool that is neither 0 nor 1", record("a", {3}, "Bool", from_hex("00 01 02"))},
      {"bad/type_numpy.ckpt", "NumPy's name outside a map", record("a", {2}, "float32", float32({1, 2}))},
      {"bad/type_missing.ckpt", "no type", record().tag("a").dims({2}).content(float32({1, 2}))},
      {"bad/value_missing.ckpt", "a name and nothing else", record().tag("x") + kA},
      {"bad/str_3_bytes.ckpt", "a str in another encoding: 3 bytes", record("k", {0}, "str", "abc")},
      {"bad/str_no_bytes.ckpt", "a str of no bytes: MindSpore writes one NUL for \"\"", record("k", {0}, "str", "")},
      {"bad/str_two_records.ckpt", "a str in two records: MindSpore cannot read it",
       record("k", {0}, "str", utf32(U"a")) + record("k", {0}, "str", utf32(U"b"))},
      {"bad/str_above_unicode.ckpt", "a code point above U+10FFFF",
       record("k", {0}, "str", little_endian(std::uint32_t{0x110000}))},
      {"bad/str_surrogate.ckpt", "half a surrogate pair, which MindSpore lets pass",
       record("k", {0}, "str", little_endian(std::uint32_t{0xD800}))},
      {"bad/map_empty.ckpt", "a map without parts", record().tag("m").in_value(bytes_field(3, ""))},
      {"bad/map_two_parts.ckpt", "a map without its status",
       map_part(map_part(record().tag("m"), {1}, "int32", values<std::int32_t>({3})), {1, 2}, "float32",
                float32({1, 2}))},
      {"bad/map_rows_differ.ckpt", "a map with two keys and one value",
       map_part(map_part(map_part(record().tag("m"), {2}, "int32", values<std::int32_t>({3, 4})), {1, 2}, "float32",
                         float32({1, 2})),
                {2}, "int32", values<std::int32_t>({0, 0}))},
      {"bad/map_int64_keys.ckpt", "a map with Int64 keys: MindSpore reads them as float64",
       map_part(map_part(map_part(record().tag("m"), {1}, "int64", values<std::int64_t>({3})), {1, 2}, "float32",
                         float32({1, 2})),
                {1}, "int32", values<std::int32_t>({0}))},
      {"bad/values_nan_inf.ckpt", "NaN and infinities among the values",
       float32("a", {4},
               {1, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                -std::numeric_limits<float>::infinity()})},
  };
}

std::vector<Sample> wrong_names() {
  return {
      {"bad/name_not_utf8.ckpt", "a name that is not UTF-8", float32("\xff\xfe", {2}, {1, 2})},
      {"bad/name_long.ckpt", "a name of 1025 characters: MindSpore has 1024 at most",
       float32(std::string(1025, 'n'), {1}, {1})},
      {"bad/name_twice.ckpt", "two complete entries of one name in a row: MindSpore writes past its buffer",
       kA + float32("a", {2}, {8, 9}) + kB},
      {"bad/name_twice_apart.ckpt", "two entries of one name, apart: the last one counts",
       kA + kB + float32("a", {2}, {8, 9})},
  };
}

std::vector<Sample> other_files() {
  const Bytes zeros(32, '\0');
  return {
      {"bad/other_pytorch.ckpt", "the start of a PyTorch file",
       "PK\3\4" + zeros.substr(0, 22) + little_endian(std::uint16_t{16}) + little_endian(std::uint16_t{0}) +
           "archive/data.pkl" + from_hex("80 02")},
      {"bad/other_pickle.ckpt", "the start of an old PyTorch file: a bare pickle",
       from_hex("80 02 8a 0a 6c fc 9c 46 f9 20 6a a8 50 19 2e")},
      {"bad/other_hdf5.ckpt", "the start of an HDF5 file", from_hex("89 48 44 46 0d 0a 1a 0a") + zeros},
      {"bad/other_gzip.ckpt", "the start of a gzip file", from_hex("1f 8b 08 00 00 00 00 00 00 03 4b 04 00")},
      {"bad/other_lfs_pointer.ckpt", "a Git LFS pointer instead of the file",
       "version https://git-lfs.github.com/spec/v1\noid sha256:"
       "0000000000000000000000000000000000000000000000000000000000000000\nsize 247012\n"},
      {"bad/other_html.ckpt", "a web page instead of the file",
       "<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>\n"},
      {"bad/other_strategy.ckpt", "a MindSpore strategy file: the same extension, another message",
       varint_field(1, 1) + bytes_field(2, bytes_field(1, "Default/MatMul-op0") + bytes_field(2, ""))},
      {"bad/other_safetensors.ckpt", "a safetensors file", little_endian(std::uint64_t{2}) + "{}"},
  };
}

std::vector<Sample> all_samples() {
  std::vector<Sample> all;
  for (auto* make : {scalars_and_shapes, element_types, strings, slices, wire_forms, maps, trailers, encrypted,
                     cut_short, broken_framing, wrong_sizes, wrong_types, wrong_names, other_files})
    for (Sample& sample : make()) all.push_back(std::move(sample));
  return all;
}

bool write(const std::filesystem::path& directory) {
  for (const Sample& sample : all_samples()) {
    const auto path = directory / sample.path;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream out(path, std::ios::binary);
    out << sample.bytes;
    if (!out.flush()) return std::cerr << "cannot write " << path.string() << '\n', false;
  }
  return true;
}

bool check(const std::filesystem::path& directory) {
  bool same = true;
  for (const Sample& sample : all_samples()) {
    std::ifstream in(directory / sample.path, std::ios::binary);
    const Bytes there{std::istreambuf_iterator<char>(in), {}};
    if (in && there == sample.bytes) continue;
    std::cerr << sample.path << (in ? " differs\n" : " is missing\n");
    same = false;
  }
  return same;
}

void print_table() {
  for (const Sample& sample : all_samples())
    std::cout << "| " << sample.path << " | " << sample.bytes.size() << " | " << sample.shows << " |\n";
}

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  if (arguments.size() == 1 && arguments[0] == "--table") return print_table(), 0;
  if (arguments.size() == 2 && arguments[0] == "--check") return check(arguments[1]) ? 0 : 1;
  if (arguments.size() == 1 && !arguments[0].starts_with('-')) return write(arguments[0]) ? 0 : 1;
  std::cerr << "usage: make_samples DIR | --check DIR | --table\n";
  return 2;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 2;
}

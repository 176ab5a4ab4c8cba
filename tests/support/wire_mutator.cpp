#include "wire_mutator.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "wire_tree.h"

namespace ckpt::test {
namespace {

using Fields = std::vector<WireField>;

constexpr std::string_view kTypeNames[] = {"Float32",   "Float64", "Float16", "BFloat16",  "bfloat16",
                                           "Int8",      "Int4",    "UInt16",  "Uint8",     "Bool",
                                           "Bool_",     "str",     "int32",   "Complex64", "Float8E4M3FN",
                                           "random_op", "float32", "",        "unknown",   "HiFloat8"};
constexpr std::string_view kNames[] = {
    "a",           "b", "", "conv1.weight", "moments.conv1.weight", "learning_rate", "\xff", "../x", "a.__param_key__1",
    "\xe2\x80\xae"};
constexpr std::uint64_t kNumbers[] = {0,
                                      1,
                                      2,
                                      3,
                                      4,
                                      8,
                                      16,
                                      127,
                                      128,
                                      255,
                                      65536,
                                      0x7FFFFFFF,
                                      0x80000000,
                                      0xFFFFFFFF,
                                      0x100000000,
                                      std::uint64_t{1} << 62,
                                      (std::uint64_t{1} << 63) - 1,
                                      std::uint64_t{1} << 63,
                                      ~std::uint64_t{0},
                                      ~std::uint64_t{0} - 7};

// A list of fields with what it is the inside of.
struct Place {
  Fields* fields;
  MessageKind kind;
};

void collect(Fields& fields, MessageKind kind, std::vector<Place>& places) {
  places.push_back({&fields, kind});
  for (WireField& field : fields)
    if (field.is_message || field.wire_type == 3) collect(field.fields, field.kind, places);
}

WireField bytes_of_field(std::uint32_t number, Bytes bytes) {
  return {.number = number, .wire_type = 2, .bytes = std::move(bytes)};
}

WireField message(std::uint32_t number, MessageKind kind, Fields fields) {
  return {.number = number, .wire_type = 2, .fields = std::move(fields), .kind = kind, .is_message = true};
}

WireField number_field(std::uint32_t number, std::uint64_t value) {
  return {.number = number, .wire_type = 0, .value = value};
}

class Mutator {
 public:
  Mutator(WireFile& file, Random& random, const LeafMutator& leaf) : file_(file), random_(random), leaf_(leaf) {}

  void change() {
    using Change = void (Mutator::*)();
    static constexpr Change kChanges[] = {
        &Mutator::remove,      &Mutator::duplicate,   &Mutator::reorder,     &Mutator::copy_elsewhere,
        &Mutator::insert,      &Mutator::insert,      &Mutator::lie,         &Mutator::lengthen,
        &Mutator::nest,        &Mutator::pack_dims,   &Mutator::slice,       &Mutator::slice,
        &Mutator::renumber,    &Mutator::change_leaf, &Mutator::change_leaf, &Mutator::change_number,
        &Mutator::resize_leaf, &Mutator::trail,       &Mutator::make_map,    &Mutator::unpack_message};
    places_.clear();
    collect(file_.fields, MessageKind::file, places_);
    (this->*random_.pick(kChanges))();
  }

 private:
  // A list with at least one field; null if there is none.
  Place* some_place() {
    for (int tries = 0; tries < 8; ++tries) {
      Place& place = places_[random_.below(places_.size())];
      if (!place.fields->empty()) return &place;
    }
    return nullptr;
  }
  WireField* some_field() {
    Place* place = some_place();
    return place == nullptr ? nullptr : &(*place->fields)[random_.below(place->fields->size())];
  }
  // A field that `wanted` says yes to.
  template <class Wanted>
  WireField* some_field_that(const Wanted& wanted) {
    std::vector<WireField*> found;
    for (const Place& place : places_)
      for (WireField& field : *place.fields)
        if (wanted(field)) found.push_back(&field);
    return found.empty() ? nullptr : found[random_.below(found.size())];
  }
  WireField* some_leaf() {
    return some_field_that([](const WireField& f) { return f.wire_type == 2 && !f.is_message; });
  }

  void remove() {
    if (Place* place = some_place())
      place->fields->erase(place->fields->begin() + static_cast<std::ptrdiff_t>(random_.below(place->fields->size())));
  }

  void duplicate() {
    Place* place = some_place();
    if (place == nullptr) return;
    const WireField copy = (*place->fields)[random_.below(place->fields->size())];
    put(*place->fields, copy);
  }

  void reorder() {
    Place* place = some_place();
    if (place != nullptr)
      std::swap((*place->fields)[random_.below(place->fields->size())],
                (*place->fields)[random_.below(place->fields->size())]);
  }

  void copy_elsewhere() {
    WireField* field = some_field();
    if (field == nullptr) return;
    const WireField copy = *field;
    put(*places_[random_.below(places_.size())].fields, copy);
  }

  void put(Fields& fields, WireField field) {
    fields.insert(fields.begin() + static_cast<std::ptrdiff_t>(random_.below(fields.size() + 1)), std::move(field));
  }

  void insert() {
    const Place& place = places_[random_.below(places_.size())];
    put(*place.fields, random_.one_in(6) ? unknown_field() : new_field(place.kind));
  }

  WireField new_field(MessageKind kind) {
    switch (kind) {
      case MessageKind::file:
        return random_.one_in(5) ? bytes_of_field(2, Bytes(random_.pick(kNames)))
                                 : message(1, MessageKind::value, new_record());
      case MessageKind::value:
        return random_.one_in(2)   ? bytes_of_field(1, Bytes(random_.pick(kNames)))
               : random_.one_in(3) ? message(3, MessageKind::map, {message(1, MessageKind::tensor, new_tensor())})
                                   : message(2, MessageKind::tensor, new_tensor());
      case MessageKind::tensor:
        return random_.one_in(2)   ? number_field(1, random_.pick(kNumbers))
               : random_.one_in(2) ? bytes_of_field(2, Bytes(random_.pick(kTypeNames)))
                                   : bytes_of_field(3, Bytes(random_.below(20), 'c'));
      case MessageKind::map:
        return message(1, MessageKind::tensor, new_tensor());
      case MessageKind::unknown:
        break;
    }
    return unknown_field();
  }

  Fields new_record() {
    return {bytes_of_field(1, Bytes(random_.pick(kNames))), message(2, MessageKind::tensor, new_tensor())};
  }

  Fields new_tensor() {
    const std::size_t count = random_.below(5);
    return {number_field(1, count), bytes_of_field(2, Bytes(random_.pick(kTypeNames))),
            bytes_of_field(3, Bytes(count * (random_.one_in(2) ? 4 : 2), 'x'))};
  }

  WireField unknown_field() {
    constexpr unsigned kWireTypes[] = {0, 1, 2, 3, 5};
    WireField field{.number = static_cast<std::uint32_t>(1 + random_.below(random_.one_in(4) ? 0x1FFFFFFF : 20)),
                    .wire_type = random_.pick(kWireTypes)};
    field.value = random_.next();
    if (field.wire_type == 2) field.bytes = Bytes(random_.below(30), 'u');
    return field;
  }

  void lie() {
    WireField* field = some_field_that([](const WireField& f) { return f.wire_type == 2; });
    if (field == nullptr) return;
    field->lie = random_.one_in(2) ? static_cast<std::int64_t>(random_.below(7)) - 3
                                   : static_cast<std::int64_t>(random_.pick(kNumbers));
  }

  void lengthen() {
    WireField* field = some_field();
    if (field == nullptr) return;
    (random_.one_in(2) ? field->key_size : field->number_size) = 1 + random_.below(11);
  }

  // Into a group, or into many.
  void nest() {
    Place* place = some_place();
    if (place == nullptr) return;
    WireField& field = (*place->fields)[random_.below(place->fields->size())];
    const std::size_t levels = random_.one_in(4) ? 95 + random_.below(8) : 1;
    for (std::size_t i = 0; i < levels; ++i) {
      WireField group{.number = static_cast<std::uint32_t>(1 + random_.below(20)), .wire_type = 3};
      group.fields.push_back(std::move(field));
      field = std::move(group);
    }
  }

  void pack_dims() {
    WireField* tensor = some_tensor();
    if (tensor == nullptr) return;
    Bytes packed;
    for (WireField& field : tensor->fields)
      if (field.number == 1 && field.wire_type == 0) packed += varint(field.value, 1 + random_.below(3));
    if (!random_.one_in(3))
      std::erase_if(tensor->fields, [](const WireField& f) { return f.number == 1 && f.wire_type == 0; });
    put(tensor->fields, bytes_of_field(1, packed));
  }

  WireField* some_tensor() {
    return some_field_that([](const WireField& f) { return f.is_message && f.kind == MessageKind::tensor; });
  }

  // A record becomes two of the same name, type and dims, with its content cut in two.
  void slice() {
    for (std::size_t i = 0; i < file_.fields.size(); ++i) {
      const std::size_t at = (i + random_.below(file_.fields.size())) % file_.fields.size();
      WireField first = file_.fields[at];
      if (!first.is_message) continue;
      WireField second = first;
      if (!cut_content(first, second)) continue;
      file_.fields[at] = std::move(first);
      file_.fields.insert(file_.fields.begin() + static_cast<std::ptrdiff_t>(at) + 1, std::move(second));
      return;
    }
  }

  bool cut_content(WireField& first, WireField& second) {
    bool cut = false;
    for (std::size_t i = 0; i < first.fields.size(); ++i) {
      if (first.fields[i].is_message) {
        cut |= cut_content(first.fields[i], second.fields[i]);
      } else if (first.kind == MessageKind::tensor && first.fields[i].number == 3 && first.fields[i].wire_type == 2) {
        const std::size_t at = random_.below(first.fields[i].bytes.size() + 1);
        second.fields[i].bytes = first.fields[i].bytes.substr(at);
        first.fields[i].bytes.resize(at);
        cut = true;
      }
    }
    return cut;
  }

  void renumber() {
    WireField* field = some_field();
    if (field == nullptr) return;
    if (random_.one_in(2))
      field->number = static_cast<std::uint32_t>(random_.below(5));
    else
      field->wire_type = static_cast<unsigned>(random_.below(8));
  }

  void change_leaf() {
    WireField* field = some_leaf();
    if (field == nullptr) return;
    if (leaf_ && !random_.one_in(3)) return leaf_(field->bytes);
    if (random_.one_in(2)) {
      field->bytes = random_.one_in(2) ? random_.pick(kTypeNames) : random_.pick(kNames);
    } else if (!field->bytes.empty()) {
      field->bytes[random_.below(field->bytes.size())] = static_cast<char>(random_.next());
    }
  }

  void change_number() {
    WireField* field = some_field_that([](const WireField& f) { return f.wire_type == 0; });
    if (field == nullptr) return;
    field->value = random_.one_in(2) ? random_.below(40) : random_.pick(kNumbers);
  }

  // Lengths around what a pipe's buffer and a window hold, and small ones.
  void resize_leaf() {
    constexpr std::size_t kSizes[] = {0, 1, 2, 4, 8, 16, 17, 1000, 1024, 4000, 4090, 4096, 4100, 4200, 9000};
    if (WireField* field = some_leaf()) field->bytes.resize(random_.pick(kSizes), 'r');
  }

  void trail() {
    const Bytes file = serialize(file_.fields);
    switch (random_.below(4)) {
      case 0:
        file_.rest = trailer(plain_crc32(file));
        return;
      case 1:
        file_.rest = trailer(random_.next());
        return;
      case 2:
        file_.rest = file_.rest.substr(0, random_.below(file_.rest.size() + 1));
        return;
      default:  // content that ends like a trailer
        if (WireField* field = some_leaf()) field->bytes += trailer(0);
    }
  }

  // tensor -> maptensor of it, and back.
  void make_map() {
    WireField* value = some_field_that([](const WireField& f) { return f.is_message && f.kind == MessageKind::value; });
    if (value == nullptr) return;
    for (WireField& field : value->fields) {
      if (!field.is_message) continue;
      if (field.kind == MessageKind::tensor) {
        WireField part = std::move(field);
        part.number = 1;
        field = message(3, MessageKind::map, Fields(1 + random_.below(3), part));
      } else if (!field.fields.empty() && field.fields[0].is_message) {
        WireField part = std::move(field.fields[0]);
        part.number = 2;
        field = std::move(part);
      }
    }
  }

  // The fields of a message in the place of the message.
  void unpack_message() {
    Place* place = some_place();
    if (place == nullptr) return;
    const std::size_t at = random_.below(place->fields->size());
    Fields inside = std::move((*place->fields)[at].fields);
    place->fields->erase(place->fields->begin() + static_cast<std::ptrdiff_t>(at));
    place->fields->insert(place->fields->begin() + static_cast<std::ptrdiff_t>(at),
                          std::make_move_iterator(inside.begin()), std::make_move_iterator(inside.end()));
  }

  WireFile& file_;
  Random& random_;
  const LeafMutator& leaf_;
  std::vector<Place> places_ = {};
};

// What fits no field: a cut, or a byte anywhere.
void damage(Bytes& file, Random& random) {
  if (file.empty()) return;
  if (random.one_in(2))
    file.resize(random.below(file.size() + 1));
  else
    file[random.below(file.size())] = static_cast<char>(random.next());
}

}  // namespace

Bytes mutate_wire(std::string_view file, Random& random, const LeafMutator& leaf) {
  WireFile tree = parse_wire(file);
  Mutator mutator(tree, random, leaf);
  for (std::size_t i = random.below(4) + 1; i > 0; --i) mutator.change();
  Bytes mutated = serialize(tree);
  if (random.one_in(8)) damage(mutated, random);
  return mutated;
}

Bytes cross_wire(std::string_view file, std::string_view other, Random& random) {
  WireFile tree = parse_wire(file);
  WireFile donor = parse_wire(other);
  std::vector<Place> to;
  std::vector<Place> from;
  collect(tree.fields, MessageKind::file, to);
  collect(donor.fields, MessageKind::file, from);
  for (std::size_t i = random.below(3) + 1; i > 0; --i) {
    const Place& source = from[random.below(from.size())];
    std::vector<const Place*> fitting;
    for (const Place& place : to)
      if (place.kind == source.kind) fitting.push_back(&place);
    if (fitting.empty() || source.fields->empty()) continue;
    Fields& into = *fitting[random.below(fitting.size())]->fields;
    into.push_back((*source.fields)[random.below(source.fields->size())]);
    to.clear();
    collect(tree.fields, MessageKind::file, to);
  }
  return serialize(tree);
}

}  // namespace ckpt::test

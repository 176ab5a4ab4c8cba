#!/usr/bin/env python3
"""Says what a reader must see in a checkpoint: the .json files beside the samples.

    describe.py              writes them all again
    describe.py --check      compares them with what is there; names what differs
    describe.py FILE...      prints the description of any checkpoint (one whose .json says how, if it is encrypted)

A reader of its own, made after libckpt/FORMAT.md: it shares nothing with the library, whose tests compare it with what is
said here. It takes whole files into memory. What it cannot know is given by hand in the .json files, and kept: `key` and
`mode`, `says`, `findings`, `pipe_findings`. README.md explains the keys.
"""

import json
import pathlib
import struct
import sys
import zlib

HERE = pathlib.Path(__file__).resolve().parent
BY_HAND = ("key", "mode", "says", "findings", "pipe_findings")

# Bytes an element has; None: no element type.
SIZES = {
    "Bool": 1, "Int4": 1, "Int8": 1, "Int16": 2, "Int32": 4, "Int64": 8, "UInt8": 1, "UInt16": 2, "UInt32": 4,
    "UInt64": 8, "Float16": 2, "BFloat16": 2, "Float32": 4, "Float64": 8, "Complex64": 8, "Complex128": 16,
    "Float8E4M3FN": 1, "Float8E5M2": 1, "HiFloat8": 1, "str": None,
}
OTHER_NAMES = {"Bool_": "Bool", "Uint8": "UInt8", "Uint16": "UInt16", "Uint32": "UInt32", "Uint64": "UInt64"}
OTHER_NAMES.update({name.lower(): name for name in SIZES if name.startswith(("Int", "UInt", "Float", "BF", "Bool"))
                    and "8E" not in name and name != "Int4"})  # as in map parameters

MAX_TEXT = 65536  # of a name, a type
MAX_DIMS = 1024
MAX_NESTING = 100

FOREIGN = (b"\x08", b"PK\x03\x04", b"\x80\x02", b"\x89HDF", b"\x1f\x8b", b"version https://git-lfs", b"<")


class Broken(Exception):
    """Opening fails."""

    def __init__(self, code, offset=None, tensor=b""):
        super().__init__(code, offset)
        self.code, self.offset, self.tensor = code, offset, tensor

    def describe(self):
        error = {"code": self.code}
        if self.offset is not None:
            error["offset"] = self.offset
        if self.tensor:
            error["tensor"] = name_of(self.tensor)
        return error


# ---- encryption ----

MAGIC = {0x7F3A5ED8: "AES-GCM", 0x7F3A5ED9: "AES-CBC", 0x7F3A5EDA: "SM4-CBC"}


def u32(data, at):
    return struct.unpack_from("<I", data, at)[0] if at + 4 <= len(data) else None


def is_header(data, at):
    """A cipher size, an iv size and a length that agree, from the length on."""
    size = u32(data, at + 24)
    return size is not None and u32(data, at) == 24 + size and u32(data, at + 4) == 16


def unpad(plain):
    count = plain[-1] if plain else 0
    return plain[:-count] if 1 <= count <= 16 and plain.endswith(bytes([count]) * count) else None


def decrypt_block(mode, era, key, tag, iv, cipher):
    """The plaintext; None if tag or padding are wrong."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    if mode == "AES-GCM" and era == "b":
        try:
            gcm = Cipher(algorithms.AES(key), modes.GCM(iv[:12], tag)).decryptor()
            return gcm.update(cipher) + gcm.finalize()
        except InvalidTag:
            return None
    if mode == "AES-GCM":
        counter = Cipher(algorithms.AES(key), modes.CTR(iv[:12] + struct.pack(">I", 2))).decryptor()
        return counter.update(cipher) + counter.finalize()
    algorithm = algorithms.SM4 if mode == "SM4-CBC" else algorithms.AES
    if not cipher or len(cipher) % 16 != 0:
        return None
    cbc = Cipher(algorithm(key), modes.CBC(iv)).decryptor()
    return unpad(cbc.update(cipher) + cbc.finalize())


def decrypt(data, key, mode):
    """(plaintext, {mode, era, blocks}, what is wrong behind it)."""
    magic = u32(data, 0)
    tagged = magic == 0x7F3A5ED8 and not (is_header(data, 4) and not is_header(data, 20))
    era = "b" if magic != 0x7F3A5ED8 or tagged else "a"
    mode = MAGIC[magic] if era == "b" else mode
    if key is None:
        raise Broken("key")
    lengths = 20 if tagged else 4
    plain, at, blocks, wrong = b"", 0, 0, None
    while at < len(data) and wrong is None:
        body = at + lengths + 28
        if blocks > 0 and data[at:] == b"crc_num" + bytes(10):
            break
        if blocks > 0 and data[at:at + 4] != struct.pack("<I", magic)[:len(data) - at]:
            wrong = Broken("malformed", at)
        elif body > len(data):
            wrong = Broken("truncated", at)
        elif u32(data, at) != magic or not is_header(data, at + lengths):
            wrong = Broken("malformed", at)
        elif body + u32(data, body - 4) > len(data):
            wrong = Broken("truncated", body)
        else:
            cipher = data[body:body + u32(data, body - 4)]
            block = decrypt_block(mode, era, key, data[at + 4:at + 20], data[body - 20:body - 4], cipher)
            blocks += 1
            if block is None:
                wrong = Broken("key", len(plain) if blocks > 1 else None)
            else:
                plain += block
                at = body + len(cipher)
    if wrong is not None and not plain:
        raise wrong
    return plain, {"mode": mode, "era": era, "blocks": blocks}, wrong


# ---- protobuf ----


class Parser:
    """Walks a Checkpoint message. From a pipe (`whole` false) nobody knows how much there is."""

    def __init__(self, data, whole):
        self.data, self.whole = data, whole
        self.pos = 0
        self.tag = b""
        self.unknown = False  # in the record being read

    def fail(self, code, offset):
        raise Broken(code, offset, self.tag)

    def varint(self, end):
        value = 0
        for i, byte in enumerate(self.data[self.pos:self.pos + 10]):
            value |= (byte & 0x7F) << (7 * i)
            if byte < 0x80:
                if end is not None and self.pos + i + 1 > end:
                    self.fail("malformed", self.pos)
                self.pos += i + 1
                return value & (1 << 64) - 1
        self.fail("malformed" if len(self.data) - self.pos >= 10 else "truncated", self.pos)

    def key(self, end):
        start = self.pos
        number = self.varint(end)
        if number >> 32 or number >> 3 == 0 or number & 7 > 5:
            self.fail("malformed", start)
        return number >> 3, number & 7

    def length(self, end):
        size = self.varint(end)
        if end is not None and size > end - self.pos:
            self.fail("malformed", self.pos)
        return size

    def take(self, size, end, limit=None):
        if end is not None and size > end - self.pos:
            self.fail("malformed", self.pos)
        short = self.pos + size > len(self.data)
        if short and (self.whole or limit is None or size <= limit):
            self.fail("truncated", self.pos)
        if limit is not None and size > limit:
            self.fail("limit", self.pos)
        self.pos += size
        return self.data[self.pos - size:self.pos]

    def skip(self, number, wire, end, depth):
        if wire == 0:
            self.varint(end)
        elif wire in (1, 5):
            self.take(8 if wire == 1 else 4, end)
        elif wire == 2:
            self.take(self.length(end), end)
        elif wire == 4:
            self.fail("malformed", self.pos)
        else:
            if depth + 1 > MAX_NESTING:
                self.fail("malformed", self.pos)
            while True:
                if self.pos == end:
                    self.fail("malformed", self.pos)
                inner = self.key(end)
                if inner[1] == 4:
                    if inner[0] != number:
                        self.fail("malformed", self.pos)
                    return
                self.skip(*inner, end, depth + 1)

    def message(self, end, depth, fields):
        """Reads fields up to `end`; those not in `fields` are skipped."""
        while self.pos != end:
            key = self.key(end)
            if key in fields:
                fields[key](end)
            else:
                self.unknown = True
                self.skip(*key, end, depth)

    def inside(self, end):
        size = self.length(end)
        return self.pos + size

    def tensor(self, end, depth, tensor):
        def dim(_):
            if len(tensor["dims"]) == MAX_DIMS:
                self.fail("limit", self.pos)
            tensor["dims"].append(value - (1 << 64) if value >> 63 else value)

        def one_dim(end):
            nonlocal value
            value = self.varint(end)
            dim(end)

        def packed_dims(end):
            nonlocal value
            size = self.length(end)
            last = self.pos + size
            tensor["packed"] = True
            while self.pos < last:
                value = self.varint(end)
                dim(end)
                if self.pos > last:
                    self.fail("malformed", self.pos)

        def type_name(end):
            tensor["type"] = self.take(self.length(end), end, MAX_TEXT)

        def content(end):
            size = self.length(end)
            start = self.pos
            tensor["content"] = (start, self.take(size, end))

        value = 0
        self.message(end, depth, {(1, 0): one_dim, (1, 2): packed_dims, (2, 2): type_name, (3, 2): content})

    def record(self, start):
        record = {"offset": start, "tensor": None, "map": None}
        self.tag, self.unknown = b"", False
        end = self.inside(None)
        begin = self.pos

        def closed():
            # More than the file has: known as soon as there is a whole value.
            if self.whole and end > len(self.data):
                self.fail("truncated", begin)

        def new_tensor():
            return {"dims": [], "type": b"", "content": None, "packed": False}

        def tag(end):
            self.tag = self.take(self.length(end), end, MAX_TEXT)

        def tensor(end):
            record["tensor"] = record["tensor"] or new_tensor()
            record["map"] = None
            self.tensor(self.inside(end), 2, record["tensor"])
            closed()

        def map_tensor(end):
            record["tensor"] = None
            record["map"] = record["map"] or []

            def part(end):
                record["map"].append(new_tensor())
                self.tensor(self.inside(end), 3, record["map"][-1])
                closed()

            self.message(self.inside(end), 2, {(1, 2): part})
            closed()

        self.message(end, 1, {(1, 2): tag, (2, 2): tensor, (3, 2): map_tensor})
        record.update(tag=self.tag, unknown=self.unknown, end=self.pos)
        self.tag = b""
        return record


# ---- the index ----


def product(dims):
    if any(dim < 0 for dim in dims):
        return None
    result = 1
    for dim in dims:
        result *= dim
    return result if result < 1 << 63 else None


NOTHING = {"dims": [], "type": b"", "content": None, "packed": False}


class Entry:
    """A tensor, perhaps of several records; or one part of a map."""

    def __init__(self, name, fields, record=None):
        self.name = name
        self.has_value = fields is not NOTHING
        self.offset = record["offset"] if record else None
        self.end = None
        self.type = fields["type"]
        self.dims = list(fields["dims"])
        self.packed = fields["packed"]
        self.contents = [fields["content"] or (0, b"")]
        text = self.type.decode("latin-1")
        self.dtype = text if text in SIZES else OTHER_NAMES.get(text)
        self.parts = None
        self.unknown = False

    @property
    def stored(self):
        return b"".join(content for _, content in self.contents)

    @property
    def size(self):
        return SIZES.get(self.dtype)

    @property
    def is_zero_scalar(self):
        width = {self.size, 2 * self.size if self.dtype == "BFloat16" else self.size} if self.size else ()
        return self.dims == [0] and len(self.stored) in width

    def expected(self):
        elements = product([] if self.is_zero_scalar else self.dims)
        return None if elements is None or not self.size else elements * self.size

    @property
    def is_wide(self):
        return self.dtype == "BFloat16" and bool(self.expected()) and len(self.stored) == 2 * self.expected()

    def canonical(self):
        if not self.is_wide:
            return self.stored
        stored = self.stored
        return b"".join(stored[i + 2:i + 4] for i in range(0, len(stored), 4))

    def continues(self, fields):
        """Whether a record of the same name right behind it is a further slice."""
        if self.type != fields["type"] or self.dims != fields["dims"] or self.expected() is None:
            return False
        have, need = len(self.stored), self.expected()
        more = len((fields["content"] or (0, b""))[1])
        if have < need:
            return True
        if self.dtype != "BFloat16" or need == 0 or have >= 2 * need:
            return False
        return more == need if have == need else more <= 2 * need - have

    def append(self, fields):
        self.contents.append(fields["content"] or (0, b""))
        self.packed |= fields["packed"]


def continues_map(entry, record):
    if record["map"] is None or not entry.parts or len(entry.parts) != len(record["map"]):
        return False
    return all(part.type == fields["type"] and part.dims and len(part.dims) == len(fields["dims"])
               and part.dims[1:] == fields["dims"][1:] and part.dims[0] >= 0 and fields["dims"][0] >= 0
               for part, fields in zip(entry.parts, record["map"]))


def add(entries, record, from_pipe):
    last = entries[-1] if entries else None
    same_name = last is not None and last.name == record["tag"]
    joined = False
    if same_name and last.parts is not None and continues_map(last, record):
        for part, fields in zip(last.parts, record["map"]):
            part.append(fields)
            part.dims[0] += fields["dims"][0]
        joined = True
    elif same_name and last.parts is None and last.has_value and record["tensor"] and last.continues(record["tensor"]):
        if from_pipe and len(last.stored) >= last.expected():
            raise Broken("unsupported", record["end"], record["tag"])  # it was handed out as something else
        last.append(record["tensor"])
        joined = True
    if not joined:
        last = Entry(record["tag"], record["tensor"] or NOTHING, record)
        if record["map"] is not None:
            names = ["keys", "values", "status"] + [str(i) for i in range(3, len(record["map"]))]
            last.parts = [Entry(name.encode(), fields) for name, fields in zip(names, record["map"])]
        entries.append(last)
    last.end = record["end"]
    last.unknown |= record["unknown"]


class Index:
    def __init__(self):
        self.entries = []
        self.model_type = None
        self.unknown = False
        self.trailer = None
        self.damage = None


def scan(data, whole):
    index, parser, stray = Index(), Parser(data, whole), False
    try:
        while parser.pos < len(data):
            rest = data[parser.pos:]
            if len(rest) <= 17 and (rest.startswith(b"crc_num") or b"crc_num".startswith(rest)):
                if len(rest) < 17:
                    parser.fail("truncated", parser.pos)
                index.trailer = parser.pos
                break
            start = parser.pos
            key = parser.key(None)
            if key == (1, 2):
                index.unknown |= stray
                add(index.entries, parser.record(start), not whole)
            elif key == (2, 2):
                index.unknown |= stray
                index.model_type = parser.take(parser.length(None), None, MAX_TEXT)
            else:
                stray = True
                parser.skip(*key, None, 0)
        index.unknown |= stray
    except Broken as broken:
        end = index.entries[-1].end if index.entries else 0
        # What is behind entries in clear was encrypted: that is what is wrong, and not what it looks like.
        index.damage = Broken("malformed", end) if end and u32(data, end) in MAGIC else broken
    return index


def is_text(data):
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return len(text) >= 8 and " " in text and all(c.isprintable() or c in "\n\r\t" for c in text)


def is_foreign(data):
    is_safetensors = len(data) > 8 and data[8:9] == b"{" and struct.unpack("<Q", data[:8])[0] <= len(data) - 8
    return data.startswith(FOREIGN) or is_safetensors or is_text(data)


# ---- what it looks like ----


def name_of(raw):
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return {"hex": raw.hex()}


def describe_text(content):
    try:
        return content.decode("utf-32-le").rstrip("\0")
    except UnicodeDecodeError:
        return None


def describe_tensor(entry):
    content = entry.canonical()
    tensor = {"name": name_of(entry.name)}
    tensor["kind"] = ("map" if entry.parts is not None else "string" if entry.dtype == "str"
                      else "tensor" if entry.dtype else "opaque")
    if entry.has_value:
        tensor["dtype"] = entry.dtype or name_of(entry.type)
        tensor["dims"] = [] if entry.is_zero_scalar else entry.dims
        tensor["bytes"] = len(content)
        if len(content) <= 32:
            tensor["content"] = content.hex()
        else:
            tensor["crc32"] = f"0x{zlib.crc32(content):08x}"
        if entry.dtype == "str" and content and describe_text(content) is not None:
            tensor["text"] = describe_text(content)
        # Content that is missing is nowhere.
        tensor["extents"] = [[start, len(part)] for start, part in entry.contents]
    stored = {}
    if entry.has_value and (entry.dtype is None or entry.type.decode("latin-1") != entry.dtype):
        stored["type"] = name_of(entry.type)
    if entry.is_zero_scalar:
        stored["dims"] = [0]
    if entry.packed:
        stored["packed_dims"] = True
    if entry.is_wide:
        stored["bytes"] = len(entry.stored)
        stored["encoding"] = "bf16_as_float32"
    if entry.unknown:
        stored["unknown_fields"] = True
    if stored:
        tensor["stored"] = stored
    if entry.parts is not None:
        tensor["bytes"] = sum(len(part.canonical()) for part in entry.parts)
        tensor["parts"] = [describe_tensor(part) for part in entry.parts]
    if entry.offset is not None:
        tensor["record"] = [entry.offset, entry.end - entry.offset]
    return tensor


def dialect_of(index):
    entries = index.entries
    tensors = [entry for entry in entries if entry.parts is None and entry.dtype not in (None, "str")]
    return [word for word, there in (
        ("scalars_as_zero", any(entry.is_zero_scalar for entry in tensors)),
        ("scalars_without_dims", any(entry.dims == [] for entry in tensors)),
        ("packed_dims", any(entry.packed for entry in entries)),
        ("maps", any(entry.parts is not None for entry in entries)),
        ("slices", any(len(entry.contents) > 1 for entry in entries)),
        ("old_type_names", any(entry.type.decode("latin-1") != entry.dtype for entry in tensors)),
        ("unknown_fields", index.unknown or any(entry.unknown for entry in entries)),
    ) if there]


def examine(data, by_hand, from_pipe):
    """(index, plaintext, encryption); index.damage says what is wrong. Raises Broken where there is nothing to keep."""
    plain, encryption, wrong = data, None, None
    if u32(data, 0) in MAGIC:
        key = bytes.fromhex(by_hand["key"]) if "key" in by_hand else None
        plain, encryption, wrong = decrypt(data, key, by_hand.get("mode"))
    index = scan(plain, not from_pipe)
    if not index.entries and index.trailer is None and plain and is_foreign(plain):
        raise Broken("unsupported")
    if wrong is not None:
        index.damage = wrong
    return index, plain, encryption


def describe(data, by_hand):
    out = {key: by_hand[key] for key in ("key", "mode", "says") if key in by_hand}
    errors, index = [], None
    for from_pipe in (True, False):
        try:
            index, plain, encryption = examine(data, by_hand, from_pipe)
            errors.append(index.damage.describe() if index.damage else None)
        except Broken as broken:
            index = None
            errors.append(broken.describe())
    pipe_error, error = errors
    if error:
        out["error"] = error
    if pipe_error != error:
        out["pipe_error"] = pipe_error
    if index is None:
        return out
    if encryption:
        out["encrypted"] = encryption
    if index.trailer is not None:
        number = int.from_bytes(plain[index.trailer + 7:], "big")
        out["trailer"] = {"offset": index.trailer, "number": f"0x{number:08x}",
                          "matches": number == zlib.crc32(plain[:index.trailer])}
    if index.model_type is not None:
        out["model_type"] = name_of(index.model_type)
    out["dialect"] = dialect_of(index)
    out["tensors"] = [describe_tensor(entry) for entry in index.entries]
    for key in ("findings", "pipe_findings"):
        if key in by_hand:
            out[key] = by_hand[key]
    return out


def to_text(value):
    """JSON with a line for each key, and for each element of a list of objects."""
    def short(item):
        return json.dumps(item, ensure_ascii=False)

    lines = []
    for key, item in value.items():
        if isinstance(item, list) and item and isinstance(item[0], dict):
            rows = ",\n".join("    " + short(row) for row in item)
            lines.append(f"  {short(key)}: [\n{rows}\n  ]")
        else:
            lines.append(f"  {short(key)}: {short(item)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def by_hand_of(path):
    if not path.exists():
        return {}
    there = json.loads(path.read_text(encoding="utf-8"))
    return {key: there[key] for key in BY_HAND if key in there}


def main(arguments):
    checking = arguments == ["--check"]
    named = [] if checking else [pathlib.Path(argument) for argument in arguments]
    differ = 0
    for path in named or sorted(HERE.glob("good/*.ckpt")) + sorted(HERE.glob("bad/*.ckpt")):
        beside = path.with_suffix(".json")
        text = to_text(describe(path.read_bytes(), by_hand_of(beside)))
        if named:
            print(text, end="")
        elif not checking:
            beside.write_text(text, encoding="utf-8")
        elif not beside.exists() or beside.read_text(encoding="utf-8") != text:
            print(f"{beside.relative_to(HERE)} {'differs' if beside.exists() else 'is missing'}", file=sys.stderr)
            differ += 1
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

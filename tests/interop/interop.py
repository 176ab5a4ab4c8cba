"""What the tests of this folder share: running our programs, and one form for what a file holds.

A value is ("tensor", dtype, dims, bytes), ("string", text), ("map", [(dtype, dims, bytes), ...]) or
("opaque", type, bytes); dtypes are spelled as in a file ("Float32"), in maps as NumPy spells them.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import numpy as np

PROJECT = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = PROJECT / "samples"
CKPT = os.environ["CKPT"]
CKPT_WRITE = os.environ["CKPT_WRITE"]
CKPT_READ = os.environ["CKPT_READ"]


class TempDirTest(unittest.TestCase):
    """Has self.dir, which goes with the test."""

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ckpt-interop-"))
        self.addCleanup(shutil.rmtree, self.dir)

    def assert_same(self, expected, found):
        """Two dicts of values; says which differs rather than printing megabytes."""
        self.assertEqual(list(expected), list(found), "names, or their order")
        for name in expected:
            self.assert_same_value(name, expected[name], found[name])

    def assert_same_value(self, name, expected, found):
        if expected != found:
            self.fail(f"{name!r} should be {brief(expected)}, is {brief(found)}")


def brief(value):
    """A value short enough to print."""
    if isinstance(value, bytes):
        return value.hex() if len(value) <= 64 else f"{value[:64].hex()}... ({len(value)} bytes)"
    if isinstance(value, (tuple, list)):
        return "(" + ", ".join(map(brief, value)) + ")"
    return repr(value)


def run(*command, **options):
    """Standard output of a program that must succeed."""
    done = subprocess.run([str(part) for part in command], capture_output=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]} failed: {done.stderr.decode(errors='replace')}")
    return done.stdout


def text_of(content):
    """A str entry's text as MindSpore gives it, or None if it is none."""
    try:
        return content.decode("utf-32-le", "surrogatepass").rstrip("\0")
    except UnicodeDecodeError:
        return None


class FileRead:
    """A file as our library reads it: `error`, `trailer`, and `entries` in file order, each a (name, value).

    Names are bytes, because they need not be UTF-8.
    """

    def __init__(self, header):
        self.error = header["error"]
        self.trailer = header.get("trailer", False)
        self.entries = []
        self.slices = {}

    def by_name(self):
        """What MindSpore makes of entries with one name: the last."""
        return {name.decode(): value for name, value in self.entries}


def read_many(paths, key=None, mode=None):
    """A FileRead for each path."""
    options = (["--key", key.hex()] if key else []) + (["--mode", mode] if mode else [])
    with subprocess.Popen([CKPT_READ, *options, *map(str, paths)], stdout=subprocess.PIPE) as program:
        files = [read_one(program.stdout) for _ in paths]
    if program.returncode != 0:
        raise AssertionError(f"{CKPT_READ} ended with {program.returncode}")
    return files


def read_one(out):
    header = json.loads(out.readline())
    file = FileRead(header)
    for _ in range(header["entries"]):
        entry = json.loads(out.readline())
        name = bytes.fromhex(entry["name_hex"])
        file.slices[name] = entry["slices"]
        file.entries.append((name, value_from(entry, out)))
    return file


def value_from(entry, out):
    content = out.read(entry["bytes"])
    if entry["kind"] == "string":
        return ("string", text_of(content))
    if entry["kind"] == "opaque":
        return ("opaque", bytes.fromhex(entry["type_name_hex"]), content)
    if entry["kind"] == "tensor":
        return ("tensor", entry["dtype"], tuple(entry["dims"]), content)
    return ("map", [part_from(out) for _ in range(entry["parts"])])


def part_from(out):
    part = json.loads(out.readline())
    type_name = bytes.fromhex(part["type_name_hex"]).decode(errors="replace")
    return (type_name, tuple(part["dims"]), out.read(part["bytes"]))


def read_ours(path, key=None, mode=None):
    """A file that must be whole, as a dict in file order."""
    file = read_many([path], key, mode)[0]
    if file.error:
        raise AssertionError(f"{path}: {file.error}")
    return file.by_name()


def numbers(count):
    """What write_checkpoints' add_numbers writes."""
    values = np.arange(count, dtype=np.uint32)
    values *= np.uint32(2654435761)
    return values.view(np.int32)


def expected_of(path):
    """What the .json beside a file of write_checkpoints says, and its options for load_checkpoint."""
    note = json.loads(pathlib.Path(f"{path}.json").read_text())
    values = {bytes.fromhex(entry["name_hex"]).decode(): expected_value(entry) for entry in note["entries"]}
    options = {"crc_check": True} if note["crc"] else {}
    if "key" in note:
        options = {"dec_key": bytes.fromhex(note["key"]), "dec_mode": note["mode"]}
    return values, options


def expected_value(entry):
    if "text_hex" in entry:
        return ("string", bytes.fromhex(entry["text_hex"]).decode().rstrip("\0"))
    content = numbers(entry["numbers"]).tobytes() if "numbers" in entry else bytes.fromhex(entry["hex"])
    return ("tensor", entry["dtype"], tuple(entry["dims"]), content)


def make_memory_free(size):
    """Makes the kernel give up page cache until `size` bytes are free, not merely available.

    MindSpore refuses files larger than what is free, and only a program that asks for memory makes some free.
    """
    page = os.sysconf("SC_PAGE_SIZE")
    if os.sysconf("SC_AVPHYS_PAGES") * page < size:
        np.ones(size, dtype=np.uint8)
    free = os.sysconf("SC_AVPHYS_PAGES") * page
    if free < size:
        raise AssertionError(f"MindSpore wants {size} bytes of free memory, and this machine can free {free}")

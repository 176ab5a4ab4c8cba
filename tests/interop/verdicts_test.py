"""`ckpt check --for 2.10` says of a file what MindSpore 2.10 then does with it: of every sample, and of some hundred
files that are nearly checkpoints. CKPT_INTEROP_MUTANTS makes more of these, CKPT_INTEROP_SEED others."""

import json
import os
import subprocess
import unittest

from interop import CKPT, SAMPLES, TempDirTest, brief, read_many
import loader
from mutants import Maker, record

MUTANTS = int(os.environ.get("CKPT_INTEROP_MUTANTS", "400"))
KEY_MARK = ".__param_key__"
SEED = int(os.environ.get("CKPT_INTEROP_SEED", "1"))

# What a finding means for MindSpore, where --for adds nothing to it because all versions do the same.
REFUSED = {"version-cannot-load", "invalid-name", "long-name", "string-size", "empty-file",
           "trailer-only", "trailer-in-clear", "truncated", "malformed", "trailing-bytes", "cipher-behind-clear",
           "cipher-damaged"}
DIFFERENT = {"version-reads-differently", "slices-apart", "missing-value"}
ANYTHING = {"loaded", "loaded otherwise", "refused", "crashed"}


# Where the two differ, and why that stays: by the sample, or by what MindSpore or our checker says. All are habits of protobuf's Python
# implementation, which MindSpore selects, with files that nobody writes.
EXPLAINED = {
    "overlong_varints": "a field whose key has more bytes than needed is an unknown one",
    "codec can't decode": "a name or type must be UTF-8 even if the field is given again, which replaces it",
    "field number 0": "within groups that it does not know there may be such fields",
}


def encryption_of(path):
    """Key and mode of a sample, by its name: samples/README.md."""
    name = path.stem
    if name == "crc_and_enc":
        return b"0" * 16, "AES-GCM"
    if not name.startswith("enc_"):
        return None, None
    size = int(name[-2:]) if name.endswith(("_24", "_32")) else 16
    return bytes(range(size)), "SM4-CBC" if "sm4" in name else "AES-CBC" if "cbc" in name else "AES-GCM"


def expectation(findings):
    """What MindSpore may do, by what our checker found; None stands for a file that it could not open."""
    if findings is None:
        return {"refused"}
    rules = {finding["rule"] for finding in findings if not says(finding, "when it saves it")}
    # What lies behind its buffer decides, or what other entries of the name left in its lists.
    if any(says(finding, "past the end of its buffer", "mixes up") for finding in findings):
        return ANYTHING
    if "limit-exceeded" in rules:
        return ANYTHING  # what was not examined
    if rules & REFUSED:
        return {"refused"}
    if any(says(finding, "joins", "several records for a str") for finding in findings):
        return ANYTHING - {"crashed"}  # which may be what the last of them says
    if "string-code-points" in rules:  # at best a string that breaks whoever looks at it, unless nobody sees it
        return ANYTHING - {"crashed"} if "duplicate-apart" in rules else {"loaded otherwise", "refused"}
    if "huge-allocation" in rules:
        return {"loaded otherwise", "refused", "crashed"}  # the memory decides
    if "duplicate-apart" in rules and rules & DIFFERENT:
        return {"loaded", "loaded otherwise"}  # it may be the one that is not seen that would differ
    return {"loaded otherwise"} if rules & DIFFERENT else {"loaded"}


def is_explained(path, outcome, findings):
    said = [outcome[1]] if outcome[0] == "refused" else [finding["message"] for finding in findings or []]
    return path.stem in EXPLAINED or any(reason in text for reason in EXPLAINED for text in said)


def says(finding, *texts):
    return finding["rule"].startswith("version-") and any(text in finding["message"] for text in texts)


def happened(outcome, file):
    """One word for what MindSpore did, compared with what is in the file."""
    if outcome[0] != "loaded":
        return outcome[0]
    return "loaded" if list(as_mindspore_names(file).items()) == list(outcome[1].items()) else "loaded otherwise"


def as_mindspore_names(file):
    """MindSpore takes the key of a cache off a name, which is then the last one."""
    values = file.by_name()
    for name in [name for name in values if KEY_MARK in name]:
        values[name[:name.index(KEY_MARK)]] = values.pop(name)
    return values


class Verdicts(TempDirTest):
    def check(self, paths, key=None, mode=None):
        """The findings for each path."""
        options = ["--key-env", "CKPT_INTEROP_KEY"] if key else []
        options += ["--enc-mode", mode] if mode else []
        done = subprocess.run([CKPT, "check", "--json", "--for", "2.10", *options, *map(str, paths)],
                              capture_output=True, env={**os.environ, "CKPT_INTEROP_KEY": (key or b"").hex()})
        self.assertIn(done.returncode, (0, 1, 2), done.stderr)
        found = {line["file"]: line["findings"] for line in map(json.loads, done.stdout.splitlines())}
        return [found.get(str(path)) for path in paths]

    def compare(self, paths, files, findings, outcomes):
        wrong = []
        for path, file, found, outcome in zip(paths, files, findings, outcomes):
            expected = expectation(found)
            what = happened(outcome, file)
            if what not in expected and not is_explained(path, outcome, found):
                rules = found and [f"{finding['rule']} {finding['message']}" for finding in found]
                wrong.append(f"{path.name}: expected {sorted(expected)}: {rules}\n"
                             f"    MindSpore: {what}: {outcome[1]}\n    in the file: {brief(file.entries)}, {file.error}")
        self.assertEqual(wrong, [], "\n".join(wrong))

    def test_samples(self):
        by_key = {}
        for path in sorted(SAMPLES.glob("*/*.ckpt")):
            by_key.setdefault(encryption_of(path), []).append(path)
        self.assertGreater(sum(map(len, by_key.values())), 150)
        for (key, mode), paths in by_key.items():
            options = {"dec_key": key, "dec_mode": mode} if key else {}
            outcomes = loader.load_each([(path, options) for path in paths])
            self.compare(paths, read_many(paths, key, mode), self.check(paths, key, mode), outcomes)

    def test_trailers_of_samples(self):
        paths = [path for path in sorted(SAMPLES.glob("*/crc*.ckpt")) if read_many([path])[0].trailer]
        self.assertGreater(len(paths), 3)
        outcomes = loader.load_each([(path, {"crc_check": True}) for path in paths])
        for path, found, outcome in zip(paths, self.check(paths), outcomes):
            bad = {finding["rule"] for finding in found} & {"crc-mismatch", "crc-oversized", "trailer-only"}
            self.assertEqual(outcome[0], "refused" if bad else "loaded", f"{path.name}: {bad}, {outcome}")

    def test_what_overflows_its_buffer_by_a_megabyte_kills_mindspore(self):
        path = self.dir / "long.ckpt"
        path.write_bytes(record(b"a", b"\x08\x02", b"Float32", bytes(8 + (1 << 20))) +
                         record(b"b", b"\x08\x02", b"Float32", bytes(8)))
        [findings] = self.check([path])
        self.assertTrue(any(says(finding, "past the end of its buffer") for finding in findings), findings)
        [outcome] = loader.load_each([(path, {})])
        self.assertEqual(outcome[0], "crashed")

    def test_mutants(self):
        samples = [path.read_bytes() for path in sorted((SAMPLES / "good").glob("*.ckpt"))
                   if path.stat().st_size < 250 and not path.name.startswith("enc_") and path.stem not in EXPLAINED]
        maker = Maker(SEED, samples)
        paths = []
        for number in range(MUTANTS):
            paths.append(self.dir / f"{number}.ckpt")
            paths[-1].write_bytes(maker.altered() if number % 2 else maker.built())
        outcomes = loader.load_each([(path, {}) for path in paths])
        self.compare(paths, read_many(paths), self.check(paths), outcomes)


if __name__ == "__main__":
    unittest.main()

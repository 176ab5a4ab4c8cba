#!/usr/bin/env python3
"""What the documents made by `ckpt document` are good for: bash completes, man formats, zsh and fish parse.

    completion_test.py CKPT [CKPT_TRAIN]
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CKPT = pathlib.Path()
TRAIN = None  # where it is built


def document(what):
    return subprocess.run([CKPT, "document", what], capture_output=True, text=True, check=True).stdout


def train_document(what):
    return subprocess.run([TRAIN, "--document", what], capture_output=True, text=True, check=True).stdout


def complete(script, function, line):
    """What the Tab key would offer at the end of the line, in samples/."""
    words = line.split(" ")
    asked = (f"{script}\nCOMP_WORDS=({' '.join(repr(word) for word in words)})\nCOMP_CWORD={len(words) - 1}\n"
             f"{function}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"")
    done = subprocess.run(["bash", "--norc", "-c", asked], cwd=ROOT / "samples", capture_output=True, text=True,
                          check=True)
    assert done.stderr == "", done.stderr
    return done.stdout.split()


class Bash(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.script = document("bash")

    def complete(self, line):
        return complete(self.script, "_ckpt", line)

    def verbs(self):
        return [line.split("{")[0].split()[-1] for line in document("markdown").splitlines() if line.startswith("## ckpt ")]

    def test_commands(self):
        offered = self.complete("ckpt ")
        for verb in self.verbs():
            self.assertIn(verb, offered)
        self.assertEqual(self.complete("ckpt li"), ["list"])

    def test_options(self):
        self.assertEqual(self.complete("ckpt list --so"), ["--sort"])
        self.assertEqual(self.complete("ckpt show --pr"), ["--precision"])
        self.assertEqual(self.complete("ckpt list --no-such"), [])
        for verb in self.verbs():
            self.assertIn("--help", self.complete(f"ckpt {verb} --"))

    def test_values(self):
        self.assertEqual(self.complete("ckpt list --sort "), ["name", "size", "offset"])
        self.assertEqual(self.complete("ckpt check --color a"), ["auto", "always"])
        self.assertEqual(self.complete("ckpt document f"), ["fish"])

    def test_files(self):
        self.assertEqual(self.complete("ckpt info good/lenet.c"), ["good/lenet.ckpt"])
        self.assertEqual(self.complete("ckpt info --json good/lenet.c"), ["good/lenet.ckpt"])


class OtherShells(unittest.TestCase):
    def check(self, shell):
        for text in [document(shell)] + ([train_document(shell)] if TRAIN else []):
            self.check_text(shell, text)

    def check_text(self, shell, text):
        with tempfile.NamedTemporaryFile("w", suffix=f".{shell}") as file:
            file.write(text)
            file.flush()
            done = subprocess.run([shell, "-n", file.name], capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_zsh(self):
        self.check("zsh")

    def test_fish(self):
        self.check("fish")


class Man(unittest.TestCase):
    def check(self, page, script, parts):
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=page, capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout + done.stderr, "")
        shown = subprocess.run(["groff", "-man", "-Tascii", "-P-cbou"], input=page, capture_output=True, text=True,
                               check=True).stdout
        for line in script.splitlines():
            if line.strip().startswith("options=\""):
                for option in line.split('"')[1].split():
                    self.assertIn(option, shown)
        for part in parts:
            self.assertIn(f"\n{part}\n", shown)

    def test_of_the_command(self):
        self.check(document("man"), document("bash"), ("NAME", "SYNOPSIS", "COMMANDS", "EXIT STATUS"))

    def test_of_the_trainer(self):
        if not TRAIN:
            self.skipTest("is not built")
        self.check(train_document("man"), train_document("bash"),
                   ("NAME", "SYNOPSIS", "OPTIONS", "   Learning rate", "EXAMPLE", "EXIT STATUS"))


class Trainer(unittest.TestCase):
    def setUp(self):
        if not TRAIN:
            self.skipTest("is not built")
        self.script = train_document("bash")

    def test_completes(self):
        offered = lambda line: complete(self.script, "_ckpt_train", line)
        self.assertEqual(offered("ckpt-train --warm"), ["--warm-up"])
        self.assertEqual(offered("ckpt-train --epochs 2 --optimizer s"), ["sgd"])
        self.assertEqual(offered("ckpt-train --eval good/lenet.c"), ["good/lenet.ckpt"])
        self.assertEqual(offered("ckpt-train --document f"), ["fish"])
        self.assertIn("--help", offered("ckpt-train --"))

    def test_every_option_is_completed(self):
        shown = subprocess.run([TRAIN, "--help"], capture_output=True, text=True, check=True).stdout
        options = re.findall(r"^  (?:    |-\w, )(--[\w-]+)", shown, re.MULTILINE)
        self.assertGreater(len(options), 40)
        offered = complete(self.script, "_ckpt_train", "ckpt-train --")
        self.assertEqual(sorted(set(options)), sorted(offered))


if __name__ == "__main__":
    CKPT = pathlib.Path(sys.argv.pop(1)).resolve()
    if len(sys.argv) > 1:
        TRAIN = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()

#!/usr/bin/env python3
"""What the documents made by `ckpt document` are good for: bash completes, man formats, zsh and fish parse.

    completion_test.py CKPT [unittest's arguments]
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CKPT = pathlib.Path()


def document(what):
    return subprocess.run([CKPT, "document", what], capture_output=True, text=True, check=True).stdout


class Bash(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.script = document("bash")

    def complete(self, line):
        """What the Tab key would offer at the end of the line, in samples/."""
        words = line.split(" ")
        asked = (f"{self.script}\nCOMP_WORDS=({' '.join(repr(word) for word in words)})\nCOMP_CWORD={len(words) - 1}\n"
                 "_ckpt\nprintf '%s\\n' \"${COMPREPLY[@]}\"")
        done = subprocess.run(["bash", "--norc", "-c", asked], cwd=ROOT / "samples", capture_output=True, text=True,
                              check=True)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

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
        with tempfile.NamedTemporaryFile("w", suffix=f".{shell}") as file:
            file.write(document(shell))
            file.flush()
            done = subprocess.run([shell, "-n", file.name], capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_zsh(self):
        self.check("zsh")

    def test_fish(self):
        self.check("fish")


class Man(unittest.TestCase):
    def test_formats_without_a_warning(self):
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=document("man"), capture_output=True,
                              text=True, check=True)
        self.assertEqual(done.stdout + done.stderr, "")

    def test_has_every_command_and_option(self):
        page = subprocess.run(["groff", "-man", "-Tascii", "-P-cbou"], input=document("man"), capture_output=True,
                              text=True, check=True).stdout
        for line in document("bash").splitlines():
            if line.strip().startswith("options=\""):
                for option in line.split('"')[1].split():
                    self.assertIn(option, page)
        for part in ("NAME", "SYNOPSIS", "COMMANDS", "EXIT STATUS"):
            self.assertIn(f"\n{part}\n", page)


if __name__ == "__main__":
    CKPT = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()

#!/usr/bin/env python3
"""docs/git.md, done with a real git: what `git diff` and `git log -p` say of checkpoints.

    git_test.py CKPT [unittest's arguments]
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

CKPT = pathlib.Path()
SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "samples"


class Git(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ckpt-git-"))
        self.addCleanup(shutil.rmtree, self.dir)
        self.env = {"PATH": f"{CKPT.parent}:/usr/local/bin:/usr/bin:/bin", "HOME": str(self.dir), "LC_ALL": "C.UTF-8",
                    "GIT_CONFIG_NOSYSTEM": "1", "GIT_PAGER": "cat"}
        for name in ("AUTHOR", "COMMITTER"):
            self.env |= {f"GIT_{name}_NAME": "Nobody", f"GIT_{name}_EMAIL": "nobody@example.org",
                         f"GIT_{name}_DATE": "2026-01-01T00:00:00Z"}
        self.git("init", "-q", "-b", "main")
        self.git("config", "diff.ckpt.textconv", "ckpt textconv")
        (self.dir / ".gitattributes").write_text("*.ckpt diff=ckpt\n*.safetensors diff=ckpt\n")
        self.put("good/train_momentum.ckpt")
        self.git("add", ".")
        self.git("commit", "-qm", "first")

    def run_in(self, *command):
        done = subprocess.run(list(map(str, command)), cwd=self.dir, env=self.env, capture_output=True, text=True)
        self.assertEqual((0, ""), (done.returncode, done.stderr), command)
        return done.stdout

    def git(self, *arguments):
        return self.run_in("git", *arguments)

    def put(self, sample, name="net.ckpt"):
        (self.dir / name).unlink(missing_ok=True)
        shutil.copyfile(SAMPLES / sample, self.dir / name)

    def edit(self, *changes):
        self.run_in("ckpt", "edit", SAMPLES / "good/train_momentum.ckpt", *changes, "-o", "net.ckpt", "--force")

    def changes(self, text):
        return [line for line in text.splitlines() if line.startswith(("+", "-")) and line[:3] not in ("+++", "---")]

    def test_a_changed_value_is_one_line(self):
        self.edit("--set", "momentum=0.5")
        self.assertEqual(["-momentum: Float32 [] 0.9", "+momentum: Float32 [] 0.5"], self.changes(self.git("diff")))

    def test_added_dropped_and_cast(self):
        self.edit("--drop", "moments.*", "--set", "note=hello", "--cast", "fc.weight=Float16")
        changed = self.changes(self.git("diff"))
        self.assertEqual(4, sum(line.startswith("-moments.") for line in changed))
        self.assertIn('+note: str "hello"', changed)
        for start in ("-fc.weight: Float32 [3, 4] -0.78125 to 0.6875,", "+fc.weight: Float16 [3, 4] -0.78125 to 0.6875,"):
            self.assertTrue(any(line.startswith(start) for line in changed), start)
        self.assertEqual(7, len(changed), changed)

    def test_other_bytes_with_the_same_content_are_no_change(self):
        self.edit("--profile", "classic", "--crc")
        self.assertNotEqual((SAMPLES / "good/train_momentum.ckpt").read_bytes(), (self.dir / "net.ckpt").read_bytes())
        self.assertIn("net.ckpt", self.git("status", "--short"))
        self.assertEqual([], self.changes(self.git("diff")))

    def test_history(self):
        self.edit("--set", "momentum=0.5")
        self.git("commit", "-qam", "second")
        self.git("config", "diff.ckpt.cachetextconv", "true")
        for _ in range(2):  # made, and from git's cache
            log = self.changes(self.git("log", "-p", "--format=%s"))
            self.assertEqual(["-momentum: Float32 [] 0.9", "+momentum: Float32 [] 0.5"], log[:2])
        self.assertIn("second", self.git("log", "--format=%s", "-S", "momentum: Float32 [] 0.5"))
        self.assertEqual("net.ckpt:momentum: Float32 [] 0.5\n", self.git("grep", "--textconv", "^momentum"))

    def test_an_old_version_through_a_pipe(self):
        self.edit("--drop", "momentum")
        self.git("commit", "-qam", "second")
        self.assertIn("momentum  Float32", self.run_in("bash", "-c", "git show HEAD~1:net.ckpt | ckpt list - momentum"))

    def test_other_formats(self):
        self.run_in("ckpt", "convert", "net.ckpt", "-o", "net.safetensors")
        self.git("add", ".")
        self.git("commit", "-qm", "converted")
        self.edit("--set", "momentum=0.5")
        self.run_in("ckpt", "convert", "net.ckpt", "-o", "net.safetensors", "--force")
        self.assertEqual(["-momentum: Float32 [] 0.9", "+momentum: Float32 [] 0.5"],
                         self.changes(self.git("diff", "--", "net.safetensors")))

    def test_what_cannot_be_read_does_not_end_the_diff(self):
        for sample, line in {
                "bad/cut_in_content.ckpt": '+damaged: truncated at byte 46 inside "b": needs 12 bytes, 9 are left',
                "bad/other_lfs_pointer.ckpt": "+is a Git LFS pointer, not the file itself: run `git lfs pull`",
                "good/enc_gcm_16.ckpt": "+encrypted with AES-GCM: it needs its key",
                "bad/other_gzip.ckpt": "+is a gzip file: unpack it first"}.items():
            with self.subTest(sample):
                self.put(sample)
                changed = self.changes(self.git("diff"))
                self.assertTrue(any(found.startswith(line) for found in changed), changed)

    def test_content_that_git_keeps_otherwise(self):
        """As Git LFS does: what the repository holds is not what is in the folder."""
        self.git("config", "filter.packed.clean", "gzip -nc")
        self.git("config", "filter.packed.smudge", "gzip -dc")
        (self.dir / ".gitattributes").write_text("*.ckpt filter=packed diff=ckpt -text\n")
        self.git("add", "--renormalize", ".")
        self.git("commit", "-qam", "packed")
        self.edit("--set", "momentum=0.5")
        self.assertEqual(["-momentum: Float32 [] 0.9", "+momentum: Float32 [] 0.5"], self.changes(self.git("diff")))

    def test_names_are_escaped(self):
        self.put("good/names_odd.ckpt")
        shown = self.git("diff")
        self.assertIn("+new\\nline: Float32 [2] 2, 2.25", shown)
        self.assertIn("+nul\\x00byte: ", shown)

    def difftool(self, *arguments):
        done = subprocess.run(["git", "difftool", "-y", "--tool=ckpt", *arguments], cwd=self.dir, env=self.env,
                              capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def test_difftool(self):
        self.git("config", "difftool.ckpt.cmd", 'ckpt diff "$LOCAL" "$REMOTE"')
        self.edit("--set", "momentum=0.5", "--drop", "moments.bn.*")
        status, shown, errors = self.difftool()
        self.assertEqual((0, ""), (status, errors))
        self.assertRegex(shown, "changed +momentum ")
        self.assertRegex(shown, r"removed +moments\.bn\.gamma ")
        self.put("good/lenet.ckpt", "new.ckpt")  # beside nothing
        self.git("add", ".")
        status, shown, errors = self.difftool("--cached")
        self.assertEqual((0, "ckpt: /dev/null: is a pipe or device; this needs a file\n"), (status, errors))
        self.assertRegex(shown, "changed +momentum ")

    def test_difftool_with_texts(self):
        self.git("config", "difftool.ckpt.cmd",
                 'bash -c \'diff <(ckpt textconv "$1") <(ckpt textconv "$2")\' - "$LOCAL" "$REMOTE"')
        self.edit("--set", "momentum=0.5")
        shown = self.difftool()[1]
        self.assertIn("< momentum: Float32 [] 0.9", shown)
        self.assertIn("> momentum: Float32 [] 0.5", shown)


if __name__ == "__main__":
    CKPT = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()

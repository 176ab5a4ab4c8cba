"""Kills examples/resume again and again: it goes on from its last checkpoint, and ends with what it had without that.

resume_test.py PROGRAM
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM = None


def whole_run(directory):
    return subprocess.run([PROGRAM, directory], check=True, capture_output=True, text=True).stdout.splitlines()


class Resume(unittest.TestCase):
    def test_killed_after_each_epoch(self):
        with tempfile.TemporaryDirectory() as alone, tempfile.TemporaryDirectory() as killed:
            undisturbed = whole_run(alone)
            self.assertEqual(undisturbed[0], "from step 0")
            begun = []
            for epoch in range(1, 10):
                with subprocess.Popen([PROGRAM, killed], stdout=subprocess.PIPE, text=True) as program:
                    begun.append(int(re.fullmatch(r"from step (\d+)\n", program.stdout.readline())[1]))
                    for line in program.stdout:
                        if line == f"epoch {epoch}\n":
                            program.kill()
                            break
            last = whole_run(killed)
            begun.append(int(last[0].split()[-1]))
            # At least what was saved by the end of the epoch; perhaps a little of the next one.
            for epoch, step in enumerate(begun):
                self.assertGreaterEqual(step, 100 * epoch)
                self.assertEqual(step % 20, 0)
            self.assertEqual(last[-1], undisturbed[-1])
            self.assertEqual(sorted(os.listdir(killed)), sorted(os.listdir(alone)))
            self.assertIn("line-10_100.ckpt", os.listdir(killed))

    def test_again_after_it_has_finished(self):
        with tempfile.TemporaryDirectory() as directory:
            first = whole_run(directory)
            files = sorted(os.listdir(directory))
            for _ in range(2):
                self.assertEqual(whole_run(directory), ["from step 1000", first[-1]])
                self.assertEqual(sorted(os.listdir(directory)), files)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop()
    unittest.main()

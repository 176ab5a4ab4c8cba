#!/usr/bin/env python3
"""The command line on a terminal: colours, the progress line, the prompt for a key, Ctrl-C.

    terminal_test.py CKPT [unittest's arguments]

No test waits for a time to pass: each waits for what must come.
"""

import fcntl
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SAMPLES = ROOT / "samples"
CKPT = pathlib.Path()
PATIENCE = 120  # seconds after which what has not come will not come
KEY = bytes(range(16)).hex()


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def record_head(name, size):
    """A record of an Int8 tensor, up to its content."""
    tensor = b"\x08" + varint(size) + b"\x12\x04Int8\x1a" + varint(size)
    head = b"\x0a" + varint(len(name)) + name + b"\x12" + varint(len(tensor) + size)
    return b"\x0a" + varint(len(head) + len(tensor) + size) + head + tensor


class Terminal:
    """A program whose standard streams, or some of them, are a terminal."""

    def __init__(self, *arguments, stdin=None, stdout=None, stderr=None, env=None, width=80, cwd=SAMPLES):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        self.started = time.monotonic()
        base = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TERM": "xterm"}
        base |= {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
        self.process = subprocess.Popen(
            [CKPT, *arguments], stdin=slave if stdin is None else stdin, stdout=slave if stdout is None else stdout,
            stderr=slave if stderr is None else stderr, cwd=cwd, env=base | (env or {}), start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0))
        self.slave = slave
        self.seen = b""

    def read(self, timeout):
        """More of what the terminal shows; False at the end."""
        if not select.select([self.master], [], [], timeout)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:  # the other side is closed
            data = b""
        self.seen += data
        return bool(data)

    def wait_for(self, text, meanwhile=None):
        end = time.monotonic() + PATIENCE
        while text not in self.seen:
            if meanwhile:
                meanwhile()
            if time.monotonic() > end or not self.read(0.02):
                raise AssertionError(f"{text!r} never came; what came: {self.seen!r}")

    def type(self, text):
        os.write(self.master, text)

    def finish(self):
        """The exit code, after everything was read."""
        if self.slave is not None:
            os.close(self.slave)  # only the program holds the terminal open now
            self.slave = None
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.read(0.2):
            pass
        code = self.process.wait(PATIENCE)
        os.close(self.master)
        return code

    def text(self):
        return self.seen.decode().replace("\r\n", "\n")


def run(*arguments, **options):
    terminal = Terminal(*arguments, **options)
    code = terminal.finish()
    return code, terminal.text()


class Colours(unittest.TestCase):
    def test_are_on_a_terminal(self):
        code, text = run("list", "good/append_str.ckpt")
        self.assertEqual(code, 0)
        self.assertIn("\x1b[36mFloat32\x1b[0m", text)

    def test_not_with_no_color(self):
        _, text = run("list", "good/append_str.ckpt", env={"NO_COLOR": "1"})
        self.assertNotIn("\x1b", text)

    def test_an_empty_no_color_is_none(self):
        _, text = run("list", "good/append_str.ckpt", env={"NO_COLOR": ""})
        self.assertIn("\x1b", text)

    def test_option_beats_environment(self):
        _, text = run("list", "good/append_str.ckpt", "--color=always", env={"NO_COLOR": "1"})
        self.assertIn("\x1b", text)
        _, text = run("--color=never", "list", "good/append_str.ckpt")
        self.assertNotIn("\x1b", text)

    def test_not_in_a_pipe_of_a_terminal(self):
        terminal = Terminal("list", "good/append_str.ckpt", stdout=subprocess.PIPE)
        out = terminal.process.stdout.read()
        terminal.process.stdout.close()
        self.assertEqual(terminal.finish(), 0)
        self.assertNotIn(b"\x1b", out)
        self.assertEqual(terminal.seen, b"")

    def test_json_has_none(self):
        _, text = run("list", "--json", "good/append_str.ckpt")
        self.assertNotIn("\x1b", text)


class Output(unittest.TestCase):
    def test_list_ends_with_the_sums(self):
        _, text = run("--color=never", "list", "good/lenet.ckpt")
        self.assertTrue(text.endswith("\n8 tensors, 61,684 elements, 241.0 KiB\n"), text)

    def test_stats_show_what_there_is_room_for(self):
        _, text = run("--color=never", "stats", "good/lenet.ckpt", width=120)
        self.assertRegex(text, "(?m)^NAME.* VALUES$")
        self.assertRegex(text, "(?m)^fc3.bias .* ███ █  █ █ ██ ██$")
        self.assertRegex(text, r"\n= all +61,684 .*\n$")
        for width in (80, 90, 120):
            for file in ("good/lenet.ckpt", "good/train_momentum.ckpt", "good/train_adam_list_lr.ckpt"):
                _, text = run("--color=never", "stats", file, width=width)
                self.assertLessEqual(max(map(len, text.splitlines())), width, text)

    def test_diff_shows_what_there_is_room_for(self):
        for width in (60, 80, 100, 160):
            code, text = run("--color=never", "diff", "run/mlp-1_4.ckpt", "run/mlp-8_4.ckpt", width=width)
            self.assertEqual(code, 1)
            self.assertLessEqual(max(map(len, text.splitlines())), max(width, 70), text)
            self.assertEqual("COSINE" in text, width > 100, text)
            self.assertEqual("MAX REL" in text, width >= 100, text)
            # What was, and what is, is there wherever there is some room.
            self.assertEqual("…" in text, width < 80, text)
            if width >= 80:
                values = "-0.205 -> 0.946" if width == 80 else "-0.20496742 -> 0.94629717"
                self.assertRegex(text, rf"(?m)^changed  body.weight .*  \[5, 5\]: {values}\r?$")

    def test_diff_shows_both_types(self):
        with tempfile.TemporaryDirectory() as folder:
            half = pathlib.Path(folder) / "half.ckpt"
            subprocess.run([CKPT, "edit", "run/mlp-8_4.ckpt", "--cast", "BFloat16", "-o", half], cwd=SAMPLES, check=True)
            _, text = run("--color=never", "diff", "run/mlp-8_4.ckpt", str(half), width=80)
        self.assertRegex(text, "(?m)^dtype changed  body.bias .* Float32 -> BFloat16")
        self.assertLessEqual(max(map(len, text.splitlines())), 80, text)

    def test_history_has_lines(self):
        for width in (80, 120):
            _, text = run("--color=never", "history", "run", width=width)
            self.assertLessEqual(max(map(len, text.splitlines())), width, text)
            self.assertRegex(text, "(?m)^body.bias .* ▁[▁-█]{7} ")
            self.assertRegex(text, "(?m)^stem.weight .* ▅{8} .* frozen$")

    def test_values_fill_the_width(self):
        for width in (40, 160):
            _, text = run("--color=never", "show", "good/lenet.ckpt", "fc1.weight[0]", width=width)
            longest = max(map(len, text.splitlines()[1:]))
            self.assertLessEqual(longest, width)
            self.assertGreater(longest, width - 12)

    def test_bytes_are_kept_from_the_terminal(self):
        for form in ("--raw", "--npy"):
            code, text = run("show", "good/lenet.ckpt", "fc3.bias", form)
            self.assertEqual(code, 2)
            self.assertEqual(text, "ckpt: bytes do not belong on a terminal\n"
                                   "      give -o FILE, or send them into a pipe\n")

    def test_a_checkpoint_is_not_typed(self):
        code, text = run("list", "-")
        self.assertEqual(code, 2)
        self.assertEqual(text, "ckpt: standard input: a checkpoint does not come from a terminal\n")


class Feed:
    """A pipe with a checkpoint that goes on as long as one wants."""

    def __init__(self):
        self.read_end, self.write_end = os.pipe()
        os.set_blocking(self.write_end, False)
        self.count = 0
        self.rest = b""

    def more(self):
        if not self.rest:
            self.rest = record_head(b"t%d" % self.count, 4096) + bytes(4096)
            self.count += 1
        try:
            self.rest = self.rest[os.write(self.write_end, self.rest):]
        except BlockingIOError:
            pass

    def end(self):
        os.set_blocking(self.write_end, True)
        while self.rest:
            self.rest = self.rest[os.write(self.write_end, self.rest):]
        os.close(self.write_end)


class ProgressLine(unittest.TestCase):
    def check(self, verb, **streams):
        feed = Feed()
        terminal = Terminal(verb, "-", stdin=feed.read_end, **streams)
        os.close(feed.read_end)
        terminal.wait_for(b"/s\x1b[K", feed.more)
        self.assertGreaterEqual(time.monotonic() - terminal.started, 1, "it must not come in the first second")
        self.assertRegex(terminal.seen.decode(), r"\rstandard input: [0-9.]+ ([KM]i)?B, [0-9.]+ ([KM]i)?B/s\x1b\[K")
        feed.end()
        return terminal, feed

    def test_comes_after_a_second_and_goes_again(self):
        terminal, feed = self.check("info")
        self.assertEqual(terminal.finish(), 0)
        shown = terminal.text()
        # Erased before the result, and nothing of it after that.
        erased = shown.rindex("\r\x1b[K")
        self.assertNotIn("/s", shown[erased:])
        self.assertIn(f"{feed.count:,}", shown[erased:])

    def test_is_on_standard_error(self):
        terminal, _ = self.check("check", stdout=subprocess.DEVNULL)
        self.assertEqual(terminal.finish(), 0)
        self.assertTrue(terminal.seen.endswith(b"\r\x1b[K"))

    def test_is_no_longer_than_the_terminal_is_wide(self):
        with tempfile.TemporaryDirectory() as tmp:
            fifo = pathlib.Path(tmp) / ("a_name_that_is_much_longer_than_the_terminal_is_wide" * 2)
            os.mkfifo(fifo)
            feed = Feed()
            terminal = Terminal("list", str(fifo), width=60)
            os.close(feed.write_end)
            feed.write_end = os.open(fifo, os.O_WRONLY)
            os.set_blocking(feed.write_end, False)
            terminal.wait_for(b"/s\x1b[K", feed.more)
            feed.end()
            terminal.finish()
            os.close(feed.read_end)
            for line in re.findall(r"\r([^\r\n]*)/s\x1b\[K", terminal.seen.decode()):
                self.assertLess(len(line) + 2, 60)

    def test_is_not_in_a_file(self):
        # Both are fed until it has come on the terminal, where the program was started later.
        feeds = Feed(), Feed()
        with tempfile.TemporaryFile() as errors:
            quiet = Terminal("check", "-", stdin=feeds[0].read_end, stderr=errors)
            terminal = Terminal("check", "-", stdin=feeds[1].read_end)
            terminal.wait_for(b"/s\x1b[K", lambda: [feed.more() for feed in feeds])
            for feed in feeds:
                os.close(feed.read_end)
                feed.end()
            self.assertEqual((quiet.finish(), terminal.finish()), (0, 0))
            errors.seek(0)
            self.assertEqual(errors.read(), b"")


class KeyPrompt(unittest.TestCase):
    PROMPT = b"Key of good/enc_b_gcm.ckpt (hexadecimal): "

    def test_asks_and_does_not_echo(self):
        terminal = Terminal("--color=never", "list", "good/enc_b_gcm.ckpt")
        terminal.wait_for(self.PROMPT)
        terminal.type(KEY.encode() + b"\n")
        self.assertEqual(terminal.finish(), 0)
        self.assertNotIn(KEY, terminal.text())
        self.assertIn("s     Float32  []      4 B", terminal.text())

    def test_asks_on_the_terminal_whatever_the_streams_are(self):
        terminal = Terminal("list", "good/enc_b_gcm.ckpt", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        terminal.wait_for(self.PROMPT)
        terminal.type(KEY.encode() + b"\n")
        out = terminal.process.stdout.read()
        terminal.process.stdout.close()
        self.assertEqual(terminal.finish(), 0)
        self.assertEqual(out, b"NAME  TYPE     SHAPE  SIZE\ns     Float32  []      4 B\n")

    def test_what_is_typed_wrong(self):
        for typed, message in ((b"ff" * 16, "wrong key"), (b"secret", "what was typed is not hexadecimal"),
                               (b"0102", "a key has 16, 24 or 32 bytes, this one has 2"),
                               (b"", "a key has 16, 24 or 32 bytes, this one has 0")):
            terminal = Terminal("list", "good/enc_b_gcm.ckpt")
            terminal.wait_for(self.PROMPT)
            terminal.type(typed + b"\n")
            self.assertEqual(terminal.finish(), 2)
            self.assertIn(message, terminal.text())

    def test_does_not_ask_in_scripts(self):
        terminal = Terminal("list", "good/enc_b_gcm.ckpt", stderr=subprocess.PIPE)
        errors = terminal.process.stderr.read().decode()
        terminal.process.stderr.close()
        self.assertEqual(terminal.finish(), 2)
        self.assertIn("it needs its key\n      give it with --key-file FILE or --key-env NAME\n", errors)

    def test_echo_is_back_after_ctrl_c(self):
        terminal = Terminal("list", "good/enc_b_gcm.ckpt")
        terminal.wait_for(self.PROMPT)
        self.assertFalse(termios.tcgetattr(terminal.slave)[3] & termios.ECHO)
        terminal.type(b"\x03")
        self.assertEqual(terminal.process.wait(PATIENCE), 130)
        self.assertTrue(termios.tcgetattr(terminal.slave)[3] & termios.ECHO)
        terminal.finish()


class CtrlC(unittest.TestCase):
    def test_while_a_pipe_is_silent(self):
        for verb in ("info", "list", "check"):
            feed = Feed()
            out = tempfile.TemporaryFile()
            terminal = Terminal(verb, "-", stdin=feed.read_end, stdout=out)
            # It has read what there is, so it waits for more.
            feed.more()
            while fcntl.ioctl(feed.write_end, termios.FIONREAD, struct.pack("i", 0)) != struct.pack("i", 0):
                select.select([], [], [], 0.01)
            terminal.type(b"\x03")
            self.assertEqual(terminal.finish(), 130, verb)
            out.seek(0)
            self.assertEqual(out.read(), b"", "nothing half-finished is printed")
            self.assertNotIn(b"ckpt:", terminal.seen)
            out.close()
            os.close(feed.read_end)
            os.close(feed.write_end)

    def test_leaves_no_part_of_an_output(self):
        with tempfile.TemporaryDirectory() as tmp:
            large = pathlib.Path(tmp) / "large.ckpt"
            with open(large, "wb") as file:
                file.write(record_head(b"w", 1 << 33))
                file.truncate(file.tell() + (1 << 33))
            folder = pathlib.Path(tmp) / "out"
            folder.mkdir()
            terminal = Terminal("show", str(large), "w", "--raw", "-o", str(folder / "w.bin"))
            while not list(folder.iterdir()):
                self.assertIsNone(terminal.process.poll())
            terminal.type(b"\x03")
            self.assertEqual(terminal.finish(), 130)
            self.assertEqual(list(folder.iterdir()), [])

    def test_while_values_are_printed(self):
        with tempfile.TemporaryDirectory() as tmp:
            large = pathlib.Path(tmp) / "large.ckpt"
            with open(large, "wb") as file:
                file.write(record_head(b"w", 1 << 40))
                file.truncate(file.tell() + (1 << 40))
            for form in ("--full", "--json", "--raw"):
                terminal = Terminal("show", str(large), "w", form, stdout=subprocess.PIPE)
                terminal.process.stdout.read(100)
                terminal.type(b"\x03")
                terminal.process.stdout.read()
                terminal.process.stdout.close()
                self.assertEqual(terminal.finish(), 130, form)

    def test_terminate_is_the_same(self):
        feed = Feed()
        terminal = Terminal("list", "-", stdin=feed.read_end)
        feed.more()
        while fcntl.ioctl(feed.write_end, termios.FIONREAD, struct.pack("i", 0)) != struct.pack("i", 0):
            select.select([], [], [], 0.01)
        terminal.process.send_signal(signal.SIGTERM)
        self.assertEqual(terminal.finish(), 130)
        os.close(feed.read_end)
        os.close(feed.write_end)


class Unreadable(unittest.TestCase):
    def test_is_said(self):
        """As a user who may not: root may everything."""
        with tempfile.TemporaryDirectory() as tmp:
            os.chmod(tmp, 0o755)
            program = shutil.copy(CKPT, tmp)
            file = pathlib.Path(shutil.copy(SAMPLES / "good/str.ckpt", tmp))
            file.chmod(0)
            folder = pathlib.Path(tmp) / "closed"
            folder.mkdir(mode=0)
            other = {"user": 65534, "group": 65534} if os.geteuid() == 0 else {}
            for arguments, message in ((["list", "str.ckpt"], "str.ckpt: cannot open: Permission denied"),
                                       (["show", "str.ckpt", "k"], "str.ckpt: cannot open: Permission denied"),
                                       (["info", "closed"], "closed: cannot list: Permission denied"),
                                       (["list", "closed/x.ckpt"], "closed/x.ckpt: cannot open: Permission denied")):
                done = subprocess.run([program, *arguments], cwd=tmp, capture_output=True, text=True, check=False, **other)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (2, "", f"ckpt: {message}\n"))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started this may ignore it
    CKPT = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()

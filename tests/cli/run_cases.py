#!/usr/bin/env python3
"""Runs the cases of the command line: files that say what is typed, and what must come out.

    run_cases.py --ckpt BINARY [--update] GROUP...

A case is cases/GROUP/NAME.args, the arguments as one would type them in a shell, or NAME.sh, a script for bash where a
pipe, a redirection or several commands are needed. Beside it:

    NAME.stdout NAME.stderr NAME.exit    what is expected; no file: nothing, nothing, 0
    NAME.stdin                           what is on standard input; no file: nothing
    NAME.env                             lines of VARIABLE=VALUE

Cases run in samples/, with an empty directory for output: {tmp} in .args, $tmp in .sh. --update writes what came out
as what is expected; what changed is then to be read, line by line, before it is committed.

Every case is also held to what is promised of all of them: errors have one line and perhaps a second one with advice,
nothing a terminal would obey gets out, JSON is what the schemas say, XML is XML, and no path of this machine is in anything.
"""

import argparse
import difflib
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import jsonschema

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
EXPECTED = {"stdout": b"", "stderr": b"", "exit": b"0\n"}


class Schemas:
    def __init__(self):
        self.validators = {}
        for path in (ROOT / "schemas").glob("*.json"):
            schema = json.loads(path.read_text())
            self.validators[schema["title"]] = jsonschema.Draft202012Validator(schema)

    def complaints(self, line):
        def refuse(constant):
            raise ValueError(f"{constant} is not JSON")

        try:
            document = json.loads(line, parse_constant=refuse)
        except ValueError as error:
            return [f"not JSON: {error}"]
        if next(iter(document)) != "schema":
            return ["the first key is not \"schema\""]
        validator = self.validators.get(document["schema"])
        if validator is None:
            return [f"no schema is called {document['schema']}"]
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def run(case, ckpt):
    script = case.with_suffix(".sh")
    with tempfile.TemporaryDirectory(prefix="ckpt-cli-") as tmp:
        env = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS") or name == "memory_limit"}
        env |= {"PATH": f"{ckpt.parent}:/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "tmp": tmp}
        extra = case.with_suffix(".env")
        if extra.exists():
            env |= dict(line.split("=", 1) for line in extra.read_text().splitlines())
        if script.exists():
            command = ["bash", "--norc", str(script)]
        else:
            text = case.with_suffix(".args").read_text(errors="surrogateescape")
            command = [str(ckpt), *(word.replace("{tmp}", tmp) for word in shlex.split(text, comments=True))]
        given = case.with_suffix(".stdin")
        done = subprocess.run(command, cwd=ROOT / "samples", env=env, capture_output=True, check=False,
                              input=given.read_bytes() if given.exists() else b"")
        hide = lambda output: output.replace(tmp.encode(), b"{tmp}")
        return {"stdout": hide(done.stdout), "stderr": hide(done.stderr), "exit": b"%d\n" % done.returncode}


def promises(case, actual, schemas):
    """What holds for every case."""
    source = case.with_suffix(".sh") if case.with_suffix(".sh").exists() else case.with_suffix(".args")
    text = source.read_text(errors="surrogateescape")
    for name in ("stdout", "stderr"):
        if str(ROOT).encode() in actual[name]:
            yield f"{name} has a path of this machine"
    advice = False
    for line in actual["stderr"].decode(errors="surrogateescape").splitlines():
        is_advice = line.startswith("      ")
        if not is_advice and not line.startswith(("ckpt: ", "ckpt-train: ")):
            yield f"not the form of an error: {line}"
        if is_advice and advice:
            yield f"more than one line of advice: {line}"
        advice = is_advice
    raw = re.search(r"--raw|--npy", text)
    shown = actual["stderr"] if raw else actual["stderr"] + actual["stdout"]
    if not re.search(r"--color|COLOR", text) and re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", shown):
        yield "a control character got out"
    if not raw:
        try:
            shown.decode()
        except UnicodeDecodeError as error:
            yield f"not UTF-8: {error}"
    if actual["stdout"].startswith(b"<?xml"):
        try:
            xml.etree.ElementTree.fromstring(actual["stdout"])
        except xml.etree.ElementTree.ParseError as error:
            yield f"not XML: {error}"
    for line in actual["stdout"].decode(errors="surrogateescape").splitlines():
        if line.startswith("{"):
            yield from schemas.complaints(line)


def difference(name, expected, actual):
    lines = lambda content: content.decode(errors="backslashreplace").splitlines(keepends=True)
    yield from difflib.unified_diff(lines(expected), lines(actual), f"expected {name}", f"actual {name}")


def update(case, actual):
    for name, content in actual.items():
        path = case.with_suffix("." + name)
        if content == EXPECTED[name]:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(content)


def check(case, actual):
    for name, content in actual.items():
        path = case.with_suffix("." + name)
        expected = path.read_bytes() if path.exists() else EXPECTED[name]
        if content != expected:
            yield from difference(name, expected, content)


def strays(group):
    """Files that belong to no case: left over from one that was renamed."""
    cases = {path.stem for path in group.iterdir() if path.suffix in (".args", ".sh")}
    return sorted(path.name for path in group.iterdir() if path.stem not in cases)


def main():
    parser = argparse.ArgumentParser(description="Runs the cases of the command line.")
    parser.add_argument("--ckpt", type=pathlib.Path, required=True, help="the program")
    parser.add_argument("--update", action="store_true", help="write what comes out as what is expected")
    parser.add_argument("groups", nargs="+", metavar="GROUP")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started this may ignore it
    schemas = Schemas()
    bad = 0
    for name in options.groups:
        group = HERE / "cases" / name
        cases = sorted(path.with_suffix("") for path in group.iterdir() if path.suffix in (".args", ".sh"))
        complaints = [f"{stray}: belongs to no case" for stray in strays(group)]
        for case in cases:
            actual = run(case, options.ckpt.resolve())
            wrong = list(promises(case, actual, schemas))
            if options.update:
                update(case, actual)
            else:
                wrong += check(case, actual)
            if wrong:
                complaints.append(f"--- {name}/{case.name}\n" + "\n".join(line.rstrip("\n") for line in wrong))
        print(f"cli.{name}: {len(cases)} cases, {len(complaints)} wrong")
        print("\n".join(complaints), end="\n" if complaints else "")
        bad += len(complaints) + (not cases)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

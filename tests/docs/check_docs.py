"""Keeps the manual true.

check_docs.py commands BIN     every ```console block of README.md and docs/ is run, with BIN on the PATH and samples/ in
                               the current folder, and must print what the page says. A line `…` stands for any lines.
check_docs.py commands BIN --update    writes into the pages what the commands print now; look at the diff.
check_docs.py code             every ```cpp block there is part of a file of examples/, or the whole of it, line by line.
check_docs.py links            every relative link of every page leads to a file, and to a heading where it names one;
                               docs/README.md links every page of docs/; docs/dependencies.md has every package that
                               scripts/setup installs.
"""

import difflib
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MANUAL = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text, language):
    """The fenced blocks of a language: (line number, content, place in the text)."""
    for match in FENCE.finditer(text):
        if match[1] == language:
            yield text.count("\n", 0, match.start()) + 1, match[2], match.span(2)


def split_commands(block):
    """[(command as written, expected lines)]; a command goes on after a line that ends with \\ or |."""
    commands = []
    continued = False
    for line in block.splitlines():
        if continued:
            commands[-1][0].append(line)
        elif line.startswith("$ "):
            commands.append(([line], []))
        elif commands:
            commands[-1][1].append(line)
        else:
            raise SystemExit(f"a console block begins with '{line}', which is no command")
        continued = line.endswith(("\\", "|")) and (continued or line.startswith("$ "))
    return commands


def run_block(block, folder, programs):
    """[(command, expected, got)]; `$?` is the status of the command before."""
    status = 0
    for written, expected in split_commands(block):
        command = "\n".join(written)[2:]
        done = subprocess.run(
            ["bash", "-c", f"(exit {status}); {command}"],
            cwd=folder,
            env={"PATH": f"{programs}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "HOME": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
        )
        status = done.returncode
        yield written, expected, done.stdout.decode(errors="replace").splitlines()


def matches(expected, got):
    """Whether the lines are equal, `…` being any number of lines."""
    if not expected:
        return not got
    if expected[0] == "…":
        return any(matches(expected[1:], got[i:]) for i in range(len(got) + 1))
    return bool(got) and expected[0] == got[0] and matches(expected[1:], got[1:])


def check_commands(programs, update):
    failures = 0
    count = 0
    for page in MANUAL:
        text = page.read_text()
        edits = []
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "samples").symlink_to(ROOT / "samples")
            for line, block, span in blocks(text, "console"):
                shown = []
                for written, expected, got in run_block(block, folder, programs):
                    count += 1
                    right = matches(expected, got)
                    shown += written + (expected if right else got)
                    if right or update:
                        continue
                    failures += 1
                    print(f"{page.relative_to(ROOT)}:{line}: {' '.join(written)}")
                    print("\n".join(difflib.unified_diff(expected, got, "the page", "the program", lineterm="", n=1)))
                edits.append((span, "".join(f"{s}\n" for s in shown)))
        if update:
            for (start, end), block in reversed(edits):
                text = text[:start] + block + text[end:]
            page.write_text(text)
    print(f"{count} commands, {failures} print something else than their page says")
    return failures == 0 and count > 0


def check_code():
    sources = [p.read_text() for p in sorted((ROOT / "examples").glob("*.cpp"))]
    windows = set(sources)
    lines = [source.splitlines(keepends=True) for source in sources]
    failures = 0
    count = 0
    for page in MANUAL:
        for line, block, _ in blocks(page.read_text(), "cpp"):
            count += 1
            size = block.count("\n")
            parts = ("".join(s[i : i + size]) for s in lines for i in range(len(s) - size + 1))
            if block not in windows and all(textwrap.dedent(part) != block for part in parts):
                failures += 1
                print(f"{page.relative_to(ROOT)}:{line}: in no file of examples/")
    print(f"{count} blocks of code, {failures} are in no example")
    return failures == 0 and count > 0


def anchors(page):
    """The headings of a page as GitHub names them."""
    seen = {}
    found = set()
    for title in re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE):
        title = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title)
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        seen[slug] = seen.get(slug, -1) + 1
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
    return found


def check_links():
    folders = [f for f in ROOT.iterdir() if f.is_dir() and f.name != "build" and not f.name.startswith(".")]
    pages = sorted([*ROOT.glob("*.md"), *(page for folder in folders for page in folder.rglob("*.md"))])
    failures = []
    count = 0
    linked = set()
    for page in pages:
        text = re.sub(r"`[^`\n]*`", "", FENCE.sub("", page.read_text()))
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            count += 1
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            if page == ROOT / "docs/README.md":
                linked.add(file)
            if not file.exists():
                failures.append(f"{page.relative_to(ROOT)}: {target}: no such file")
            elif anchor and anchor not in anchors(file):
                failures.append(f"{page.relative_to(ROOT)}: {target}: no such heading")
    for page in MANUAL[1:]:
        if page.name != "README.md" and page not in linked:
            failures.append(f"docs/README.md does not mention {page.name}")
    dependencies = (ROOT / "docs/dependencies.md").read_text()
    for packages in re.findall(r"packages\+?=\((.*?)\)", (ROOT / "scripts/setup").read_text(), re.DOTALL):
        missing = [p for p in packages.split() if not re.search(rf"(?<![\w-]){re.escape(p)}(?![\w-])", dependencies)]
        failures += [f"docs/dependencies.md does not mention {p}" for p in missing]
    print("\n".join([*failures, f"{count} links in {len(pages)} pages, {len(failures)} faults"]))
    return not failures and count > 0


def main():
    match sys.argv[1:]:
        case ["commands", programs, *update] if update in ([], ["--update"]):
            return check_commands(Path(programs).resolve(), bool(update))
        case ["code"]:
            return check_code()
        case ["links"]:
            return check_links()
    raise SystemExit(__doc__)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)

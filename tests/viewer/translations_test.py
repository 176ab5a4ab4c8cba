"""Every text of the viewer is there in Chinese, with the same places for numbers; English has all plurals.

What the sources say is asked of lupdate, so a text that was added or changed without its translation fails.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

viewer = Path(sys.argv[1])
lupdate = shutil.which("lupdate", path="/usr/lib/qt6/bin") or shutil.which("lupdate6") or shutil.which("lupdate")
assert lupdate, "lupdate is not there: qt6-l10n-tools"


def messages(path):
    """{(context, source): message} of a .ts file."""
    return {
        (context.find("name").text, message.find("source").text): message
        for context in ElementTree.parse(path).getroot().iter("context")
        for message in context.iter("message")
    }


def texts(message):
    translation = message.find("translation")
    assert translation.get("type") is None, f"unfinished: {message.find('source').text}"
    return [form.text for form in translation.iter("numerusform")] or [translation.text]


def places(text):
    return sorted(re.findall(r"%(?:\d|n)", text))


with tempfile.TemporaryDirectory() as folder:
    said = Path(folder) / "now.ts"
    subprocess.run([lupdate, str(viewer), "-ts", str(said)], check=True, stdout=subprocess.DEVNULL)
    now = messages(said)
assert len(now) > 200, "lupdate found next to nothing"
chinese = messages(viewer / "i18n" / "ckpt_viewer_zh.ts")
assert now.keys() == chinese.keys(), f"not the same texts: {now.keys() ^ chinese.keys()}"
for (context, source), message in chinese.items():
    for text in texts(message):
        assert text, f"{context}: no text for {source!r}"
        assert places(text) == places(source), f"{context}: {source!r} and {text!r} have other places"
        assert ("&" in source) == ("&" in text), f"{context}: the letter of {source!r} is missing in {text!r}"
english = messages(viewer / "i18n" / "ckpt_viewer_en.ts")
plurals = {key for key, message in now.items() if message.get("numerus")}
assert english.keys() == plurals, f"English plurals: {english.keys() ^ plurals}"
for message in english.values():
    one, many = texts(message)
    assert one and many and "(s)" not in one + many
print(f"translations: {len(now)} texts, {len(plurals)} with plurals")

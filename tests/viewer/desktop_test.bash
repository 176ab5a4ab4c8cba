#!/usr/bin/env bash
# What the desktop is told: entry, MIME type and icon are valid, belong together, and make .ckpt files the viewer's.
set -euo pipefail
share=$1 out=$2/desktop
fail() { echo "desktop: $1" >&2; exit 1; }
for tool in desktop-file-validate update-mime-database xmllint; do
  command -v "$tool" >/dev/null || fail "$tool is not there: scripts/setup --dev"
done

# Warnings and hints are mistakes, too; those leave the exit status alone.
said=$(desktop-file-validate "$share/ckpt-viewer.desktop" 2>&1) || fail "$said"
[ -z "$said" ] || fail "$said"
xmllint --noout "$share/ckpt-viewer.xml" "$share/ckpt-viewer.svg" || fail "no XML"
[ "$(xmllint --xpath 'name(/*)' "$share/ckpt-viewer.svg")" = svg ] || fail "the icon is no picture"

rm -rf "$out" && mkdir -p "$out/mime/packages"
cp "$share/ckpt-viewer.xml" "$out/mime/packages/"
said=$(XDG_DATA_HOME=$out update-mime-database "$out/mime" 2>&1) || fail "$said"
[ -z "$said" ] || fail "$said"
type=$(sed -n 's/^[0-9]*:\(.*\):\*\.ckpt$/\1/p' "$out/mime/globs2")
[ -n "$type" ] || fail "*.ckpt has no type"
[ -s "$out/mime/$type.xml" ] || fail "$type is not described"

key() { sed -n "s/^$1=//p" "$share/ckpt-viewer.desktop"; }
case ";$(key MimeType)" in *";$type;"*) ;; *) fail "the entry does not open $type" ;; esac
[ -f "$share/$(key Icon).svg" ] || fail "there is no icon $(key Icon)"
[ "$(key Exec)" = "ckpt-viewer %F" ] || fail "another program is started"
echo "desktop: $type"

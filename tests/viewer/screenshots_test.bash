#!/usr/bin/env bash
# --screenshot: every page of good and damaged files becomes a picture, with exit status 0; what cannot be done is 2.
set -euo pipefail
viewer=$1 samples=$2 out=$3/screenshots
rm -rf "$out" && mkdir -p "$out"
fail() { echo "screenshots: $1" >&2; exit 1; }
is_png() { [ "$(head -c 8 "$1" | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ]; }

shoot() {  # name, arguments
  local name=$1
  shift
  "$viewer" --screenshot "$out/$name.png" --size 900x600 "$@" 2>"$out/$name.err" || fail "$name: exit status $?"
  is_png "$out/$name.png" || fail "$name: is no PNG"
}

for page in tree tensor heatmap file; do
  for theme in light dark; do shoot "$page-$theme" --page $page --theme $theme "$samples/good/lenet.ckpt"; done
  cmp -s "$out/$page-light.png" "$out/$page-dark.png" && fail "$page: light and dark are the same"
  shoot "$page-cut" --page $page "$samples/bad/cut_in_content.ckpt"
done
for one in tree tensor file; do
  cmp -s "$out/heatmap-light.png" "$out/$one-light.png" && fail "heatmap and $one are the same"
done
shoot uri "$samples/good/lenet.ckpt#conv1.weight[0,0]"
shoot compare "$samples/run/mlp-1_4.ckpt" "$samples/run/mlp-8_4.ckpt" --page compare
shoot run "$samples/run" --page run
shoot none "$samples/bad/no-such-file.ckpt"

for wrong in "--page pie" "--theme pink" "--lang klingon" "--size 1x1" "--no-such-option 1" "--screenshot" "--screenshot="; do
  status=0
  # shellcheck disable=SC2086
  "$viewer" $wrong "$samples/good/lenet.ckpt" 2>/dev/null || status=$?
  [ $status = 2 ] || fail "$wrong: exit status $status"
done
# What was asked for, or no picture.
refused() {
  local status=0
  "$viewer" --screenshot "$out/none.png" "$@" 2>"$out/none.err" || status=$?
  [ $status = 2 ] || fail "$*: exit status $status"
  [ -s "$out/none.err" ] || fail "$*: says nothing"
  [ "$(find "$out" -name none.png | wc -l)" = 0 ] || fail "$*: a picture of something else"
}
rm "$out/none.png"
refused --page compare "$samples/good/lenet.ckpt"
refused --page compare "$samples/good/lenet.ckpt" "$samples/no-such-file.ckpt"
refused --page run "$samples/good/lenet.ckpt"
refused --page heatmap "$samples/good/lenet.ckpt#no.such.tensor"
status=0
"$viewer" --screenshot "$out/no/such/folder.png" "$samples/good/lenet.ckpt" 2>/dev/null || status=$?
[ $status = 2 ] || fail "a picture that cannot be written: exit status $status"
echo "screenshots: $(find "$out" -name '*.png' | wc -l) pictures"

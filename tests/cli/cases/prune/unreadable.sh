# Without what lets root read everything.
. ../tests/cli/prune.bash; chmod 000 runs/net-1_2.ckpt runs/net-1_5.ckpt
anybody() { if [ "$(id -u)" = 0 ]; then setpriv --bounding-set -dac_override,-dac_read_search "$@"; else "$@"; fi; }
anybody ckpt prune runs --policy keep_checkpoint_max=1 --prefix net --explain; echo $?
anybody ckpt prune runs --policy keep_checkpoint_max=2 --prefix net --yes; echo $?; ls runs/net-*_?.ckpt
anybody ckpt prune runs --policy keep_checkpoint_max=1 --prefix net --strict-mindspore --explain; echo $?

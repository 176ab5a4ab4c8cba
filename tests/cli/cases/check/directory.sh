mkdir "$tmp/run"
cp good/str.ckpt bad/crc_wrong.ckpt "$tmp/run"
cd "$tmp"
ckpt check run
echo "exit $?"

# A directory stands for its *.ckpt, sorted; other files and directories in it do not count.
mkdir "$tmp/run" "$tmp/run/x.ckpt"
cp good/str.ckpt "$tmp/run/b.ckpt"
cp good/crc.ckpt "$tmp/run/a.ckpt"
touch "$tmp/run/notes.txt"
cd "$tmp"
ckpt info run
ckpt info --json run | grep -o '"file":"[^"]*"'

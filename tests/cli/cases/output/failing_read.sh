# The input is damaged behind what is asked for: nothing is written.
ckpt show bad/cut_in_content.ckpt b --raw -o "$tmp/x"
echo "exit $?"
ls "$tmp"

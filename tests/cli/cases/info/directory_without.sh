mkdir "$tmp/none"
ckpt info "$tmp/none"
echo "exit $?"

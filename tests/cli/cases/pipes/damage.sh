cat bad/cut_in_content.ckpt | ckpt list -
echo "exit $?"
cat bad/cut_in_content.ckpt | ckpt info -
echo "exit $?"
cat bad/cut_in_content.ckpt | ckpt check -
echo "exit $?"

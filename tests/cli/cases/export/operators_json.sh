ckpt export --operators --json | grep -c "ckpt.operators/1"

# The first screen is the help.
diff <(ckpt) <(ckpt --help) && echo same

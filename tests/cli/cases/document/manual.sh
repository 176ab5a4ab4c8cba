# docs/cli.md is what the tables of options say: `ckpt document markdown > docs/cli.md` after a change.
diff <(ckpt document markdown) ../docs/cli.md && echo same

# docs/train-options.md is what the tables of options say: `ckpt-train --document markdown > docs/train-options.md` after a change.
diff <(ckpt-train --document markdown) ../docs/train-options.md && echo same

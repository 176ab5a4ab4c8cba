# What the map says of every name, an expression may say as well: it matches them all the same.
ckpt edit good/lenet.ckpt --rename-regex 's/^(.*)$/net.\1/' -o $tmp/b.ckpt
ckpt diff good/lenet.ckpt $tmp/b.ckpt --write-map $tmp/names.txt -q
ckpt diff good/lenet.ckpt $tmp/b.ckpt --map $tmp/names.txt --rename-regex 's/^(.*)$/net.\1/'; echo $?
ckpt diff good/lenet.ckpt $tmp/b.ckpt --map $tmp/names.txt --rename-regex 's/^none(.*)$/net.\1/'; echo $?

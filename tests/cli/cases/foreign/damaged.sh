# Whatever is wrong with such a file, nothing of it is shown, and no command fails in another way.
st() { python3 -c "import struct, sys; h = sys.argv[1].encode(); sys.stdout.buffer.write(struct.pack(\"<Q\", int(sys.argv[3]) if len(sys.argv) > 3 else len(h)) + h + sys.argv[2].encode())" "$@"; }
st "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]}}" wxyz > $tmp/overlap
st "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}" xyz > $tmp/hole
st "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}" xyz > $tmp/tail
st "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}" xyz > $tmp/cut
st "{\"__metadata__\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]}}" xyz > $tmp/metadata
st "{\"a\":{\"dtype\":\"U8\",\"shape\":[]}}" xyz 9223372036854775807 > $tmp/length
for file in overlap hole tail cut metadata length; do
  for verb in list info check hash "convert -o $tmp/out.ckpt"; do
    ckpt $verb $tmp/$file
    echo $?
  done
done 2>&1 | uniq -c | sed "s/^ *//"

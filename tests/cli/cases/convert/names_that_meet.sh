# Of two parameters that would get one name neither is lost unseen.
python3 - $tmp/both << "END"
import json, struct, sys
names = ["bn.gamma", "bn.beta", "bn.weight"]
header = json.dumps({name: {"dtype": "U8", "shape": [1], "data_offsets": [i, i + 1]} for i, name in enumerate(names)}).encode()
open(sys.argv[1], "wb").write(struct.pack("<Q", len(header)) + header + b"abc")
END
ckpt convert $tmp/both --names pytorch -o $tmp/out.npz; echo $?
ls $tmp

ckpt edit good/train_momentum.ckpt --set note=text -o $tmp/a.ckpt && cd $tmp
ckpt hash --json a.ckpt > m.json
ckpt edit a.ckpt --set momentum=0.125 --cast learning_rate=Float64 --cast global_step=Int64 -o b.ckpt
ckpt hash --check m.json b.ckpt; echo $?
python3 - <<'END'
import json
m = json.load(open("m.json"))
def write(name):
    open(name, "w").write(json.dumps(m) + "\n")
rows = {row["name"]: row for row in m["tensors"]}
rows["bn.beta"]["dims"] = [3, 1]
rows["bn.gamma"]["dtype"] = "Int32"
rows["note"]["dims"] = []
write("forms.json")
m = json.load(open("m.json"))
m["content"] = "00" * 32
write("altered.json")
for row in m["tensors"]:
    del row["dtype"], row["dims"]
write("old.json")
END
for m in forms altered old; do ckpt hash --check $m.json a.ckpt; echo $?; ckpt hash --check $m.json a.ckpt --json; done

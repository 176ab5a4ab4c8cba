# Damage that shows only when packed values are read. Nothing of it can be salvaged.
cat > $tmp/make.py <<'P'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as archive:
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': (4096,), }".ljust(117) + "\n"
    archive.writestr("a.npy", b"\x93NUMPY\x01\x00" + bytes([118, 0]) + header.encode() + bytes(range(256)) * 16)
data = bytearray(open(sys.argv[1], "rb").read())
data[-200] ^= 1
open(sys.argv[1], "wb").write(data)
P
cd $tmp && python3 make.py a.npz
ckpt check --values a.npz; echo $?
ckpt check --values --json a.npz; echo $?
ckpt diff a.npz a.npz; echo $?
ckpt convert a.npz -o a.ckpt; echo $?

# A file made to attack the terminal, looked at in every way.
python3 - > "$tmp/hostile.ckpt" << 'END'
import sys
field = lambda key, content: bytes([key, len(content)]) + content
for name in (b"\x1b[31mred", b"\x1b]0;title\x07", b"bell\x07", b"back\x08\x08\x08\x08space", "\u202egnp.exe".encode(), "zero\u200bwidth".encode(),
             b"\xff\xfe", b"c1\xc2\x9b31m", b"two\nlines", b"carriage\rreturn", "\u4e2d\u6587".encode()):
    type_name = b"Fl\x1b[1moat" if name == b"bell\x07" else b"Int8"
    sys.stdout.buffer.write(field(0x0A, field(0x0A, name) + field(0x12, b"\x08\x01" + field(0x12, type_name) + field(0x1A, b"\x07"))))
END
cd "$tmp"
ckpt list -l hostile.ckpt
ckpt list --tree hostile.ckpt
ckpt list --json hostile.ckpt
ckpt info hostile.ckpt
ckpt info --json hostile.ckpt
ckpt check hostile.ckpt
ckpt check --json hostile.ckpt
ckpt show hostile.ckpt '"\x1b[31mred"'
ckpt show hostile.ckpt '"bell\x07"'
ckpt show --json hostile.ckpt '"bell\x07"'
ckpt show hostile.ckpt $'\e[32mgreen'

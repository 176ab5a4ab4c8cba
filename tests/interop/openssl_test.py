"""OpenSSL decrypts what we encrypt. Its command line does, for CBC; it has no GCM, so there another binding of it does."""

import struct
import subprocess
import unittest

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from interop import CKPT_WRITE, TempDirTest, expected_of, read_ours, run

MAGIC = {"AES-GCM": 0x7F3A5ED8, "AES-CBC": 0x7F3A5ED9, "SM4-CBC": 0x7F3A5EDA}


def blocks_of(content, mode):
    """(tag, iv, cipher text) of each block, by FORMAT.md's section 12."""
    tag_size = 16 if mode == "AES-GCM" else 0
    while content:
        magic, tag, length, iv_size, iv, size = struct.unpack_from(f"<I{tag_size}sII16sI", content)
        assert magic == MAGIC[mode] and iv_size == 16 and length == 24 + size, "a block's header"
        start = 32 + tag_size
        yield tag, iv, content[start:start + size]
        content = content[start + size:]


def decrypt(content, mode, key):
    """The plaintext, block by block."""
    for tag, iv, cipher in blocks_of(content, mode):
        if mode == "AES-GCM":
            yield AESGCM(key).decrypt(iv[:12], cipher + tag, None)
        else:
            name = f"-aes-{8 * len(key)}-cbc" if mode == "AES-CBC" else "-sm4-cbc"
            command = ["openssl", "enc", "-d", name, "-K", key.hex(), "-iv", iv.hex()]
            yield subprocess.run(command, input=cipher, stdout=subprocess.PIPE, check=True).stdout


class OpenSSL(TempDirTest):
    def test_decrypts_every_mode_and_key_size(self):
        run(CKPT_WRITE, "small", self.dir)
        kinds = set()
        for path in sorted(self.dir.glob("*-*-CBC-*.ckpt")) + sorted(self.dir.glob("*-AES-GCM-*.ckpt")):
            with self.subTest(path.name):
                expected, options = expected_of(path)
                plain = self.dir / "plain.ckpt"
                plain.write_bytes(b"".join(decrypt(path.read_bytes(), options["dec_mode"], options["dec_key"])))
                self.assert_same(expected, read_ours(plain))
                kinds.add((options["dec_mode"], len(options["dec_key"])))
        self.assertEqual(len(kinds), 7)

    def test_decrypts_several_blocks(self):
        for mode in MAGIC:
            with self.subTest(mode):
                run(CKPT_WRITE, "large", self.dir, f"blocks-{mode}")
                key = expected_of(self.dir / f"exact-{mode}.ckpt")[1]["dec_key"]
                self.assertEqual(self.assert_decrypts(f"exact-{mode}.ckpt", mode, key), [64 << 20])
                first, second = self.assert_decrypts(f"blocks-{mode}.ckpt", mode, key)
                self.assertTrue(first == 64 << 20 and 0 < second < 4_000_000, (first, second))
                for path in self.dir.glob("*"):
                    path.unlink()

    def assert_decrypts(self, name, mode, key):
        expected, _ = expected_of(self.dir / name)
        plain = self.dir / "decrypted.ckpt"
        sizes = []
        with open(plain, "wb") as out:
            for block in decrypt((self.dir / name).read_bytes(), mode, key):
                sizes.append(len(block))
                out.write(block)
        self.assert_same(expected, read_ours(plain))
        return sizes

    def test_ivs_are_never_used_twice(self):
        run(CKPT_WRITE, "small", self.dir)
        ivs = [iv for path in self.dir.glob("*-AES-GCM-*.ckpt") for _, iv, _ in blocks_of(path.read_bytes(), "AES-GCM")]
        self.assertGreater(len(ivs), 10)
        self.assertEqual(len(ivs), len({iv[:12] for iv in ivs}))

    def test_a_changed_byte_is_seen(self):
        run(CKPT_WRITE, "small", self.dir)
        path = next(self.dir.glob("dtypes-AES-GCM-16.ckpt"))
        content = bytearray(path.read_bytes())
        content[60] ^= 1
        with self.assertRaises(InvalidTag):
            list(decrypt(bytes(content), "AES-GCM", expected_of(path)[1]["dec_key"]))


if __name__ == "__main__":
    unittest.main()

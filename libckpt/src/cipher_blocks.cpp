// cipher_blocks

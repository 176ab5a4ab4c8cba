// cipher_blocks_none

// crc32

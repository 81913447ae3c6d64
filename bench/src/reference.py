"""CPU milliseconds of one argon2id hash by the C reference: memory in KiB, passes, lanes, hashes."""

import sys
import time

from _argon2_cffi_bindings import ffi, lib

ID, VERSION = 2, 0x13
memory, passes, lanes, count = map(int, sys.argv[1:])
password = b"Str0ngEnough!"
output = ffi.new("uint8_t[]", 32)


def once(number):
    salt = number.to_bytes(16, "big")
    error = lib.argon2_hash(passes, memory, lanes, password, len(password), salt, len(salt), output, 32, ffi.NULL, 0, ID, VERSION)
    if error:
        sys.exit(f"argon2_hash: error {error}")


once(0)
began = time.process_time()
for number in range(count):
    once(number)
print((time.process_time() - began) * 1e3 / count)

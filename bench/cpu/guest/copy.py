# Copies memory, in pieces that fit into no cache and in small ones.
import sys

megabytes = int(sys.argv[1])
source = bytes(range(256)) * 4096
total = 0
for i in range(megabytes):
    copied = bytearray(source)
    total += copied[i]
small = memoryview(source)
target = bytearray(4096)
for i in range(megabytes * 64):
    at = (i * 4096) % (len(source) - 4096)
    target[:] = small[at : at + 4096]
    total += target[i % 4096]
print(total)

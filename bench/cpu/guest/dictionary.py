# Counts words and their neighbours, then numbers: dictionaries, text, whole numbers.
import sys

rounds = int(sys.argv[2])
with open(sys.argv[1]) as file:
    words = file.read(400_000).split()
for turn in range(rounds):
    count = {}
    after = {}
    last = ""
    for word in words:
        count[word] = count.get(word, 0) + 1
        after.setdefault(last, set()).add(word)
        last = word
    best = sorted(count, key=lambda word: (-count[word], word))[:5]
    print(turn, best, sum(len(found) for found in after.values()))

sieve = bytearray(b"\1") * (rounds * 100_000)
for i in range(2, int(len(sieve) ** 0.5) + 1):
    if sieve[i]:
        sieve[i * i :: i] = bytes(len(range(i * i, len(sieve), i)))
total = 0
for i in range(2, len(sieve), 7):
    total = (total * 31 + sieve[i] * i) % 1_000_000_007
print(sum(sieve) - 2, total)

# The spectral norm of an infinite matrix, by the power method: division and sums of products.
from math import sqrt
import sys

n = int(sys.argv[1])


def element(i, j):
    return 1.0 / ((i + j) * (i + j + 1) // 2 + i + 1)


def times(v):
    return [sum(element(i, j) * v[j] for j in range(n)) for i in range(n)]


def times_transposed(v):
    return [sum(element(j, i) * v[j] for j in range(n)) for i in range(n)]


u = [1.0] * n
for _ in range(3):
    v = times_transposed(times(u))
    u = times_transposed(times(v))
print(sqrt(sum(a * b for a, b in zip(u, v)) / sum(b * b for b in v)).hex())

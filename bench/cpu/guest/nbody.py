# The sun and four planets under Newton's law, with a symplectic integrator: floating point alone.
from math import sqrt
import sys

steps = int(sys.argv[1])
# Position, velocity, mass.
bodies = [
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 39.47],
    [4.84, -1.16, -0.10, 0.606, 2.81, -0.02, 0.0377],
    [8.34, 4.12, -0.40, -1.01, 1.82, 0.008, 0.0113],
    [12.89, -15.11, -0.22, 1.08, 0.868, -0.01, 0.00172],
    [15.38, -25.9, 0.179, 0.979, 0.594, -0.034, 0.00203],
]
pairs = [(a, b) for i, a in enumerate(bodies) for b in bodies[i + 1 :]]


def advance(dt):
    for a, b in pairs:
        dx = a[0] - b[0]
        dy = a[1] - b[1]
        dz = a[2] - b[2]
        square = dx * dx + dy * dy + dz * dz
        force = dt / (square * sqrt(square))
        towards = b[6] * force
        a[3] -= dx * towards
        a[4] -= dy * towards
        a[5] -= dz * towards
        towards = a[6] * force
        b[3] += dx * towards
        b[4] += dy * towards
        b[5] += dz * towards
    for body in bodies:
        body[0] += dt * body[3]
        body[1] += dt * body[4]
        body[2] += dt * body[5]


for _ in range(steps):
    advance(0.01)
for body in bodies:
    print(*(value.hex() for value in body))

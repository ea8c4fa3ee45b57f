# Floating point while a timer and another process interrupt it, with handlers that compute as well.
import sys
import _signal as signal

counts = [0, 0]
waste = 1.0


def handle(number, frame):
    global waste
    counts[number == signal.SIGUSR1] += 1
    for i in range(1, 20):
        waste = (waste + i) / (waste * 1.0009 + 0.5)


signal.signal(signal.SIGALRM, handle)
signal.signal(signal.SIGUSR1, handle)
signal.setitimer(signal.ITIMER_REAL, 0.002, 0.0017)
open("ready", "w").close()
x, y, z = 0.1, 0.0, 0.0
whole = 1
for step in range(int(sys.argv[1])):
    x, y, z = x + 0.01 * 10 * (y - x), y + 0.01 * (x * (28 - z) - y), z + 0.01 * (x * y - 8 / 3 * z)
    whole = (whole * 6364136223846793005 + step) & 0xFFFFFFFFFFFFFFFF
signal.setitimer(signal.ITIMER_REAL, 0, 0)
print(x.hex(), y.hex(), z.hex(), whole, "interrupted" if counts[0] > 0 else "undisturbed")
signal.signal(signal.SIGUSR1, signal.SIG_IGN)

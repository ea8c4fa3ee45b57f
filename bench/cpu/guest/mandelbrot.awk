# Iterations for each point of a grid over the Mandelbrot set.
BEGIN {
  for (y = 0; y < size; y++) {
    line = 0
    for (x = 0; x < size; x++) {
      a = 3 * x / size - 2.1; b = 2.6 * y / size - 1.3
      r = i = 0
      for (n = 0; n < 100; n++) {
        s = r * r; t = i * i
        if (s + t > 4) break
        i = 2 * r * i + b
        r = s - t + a
      }
      line += n
    }
    print line
  }
}

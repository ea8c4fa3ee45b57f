import type { Clock } from '../clock.ts';

/** Attempts to read both clocks at the same moment; the closest pair counts. */
const CALIBRATIONS = 16;

/**
 * Node's monotonic clock. `performance.now` is the cheap one to read but has an origin of its own in each thread;
 * `process.hrtime` is the same everywhere, so each thread measures its offset once.
 */
export const nodeClock = (): Clock => {
  let offset = 0;
  let closest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < CALIBRATIONS; i++) {
    const before = performance.now();
    const [seconds, nanoseconds] = process.hrtime();
    const after = performance.now();
    if (after - before >= closest) continue;
    closest = after - before;
    offset = seconds * 1e9 + nanoseconds - ((before + after) / 2) * 1e6;
  }
  return {
    now: () => performance.now() * 1e6 + offset,
    wallClock: () => Date.now() / 1000,
  };
};

/** The host's monotonic clock, the one that all threads of a host share. The only source of time below the toolstack. */
export interface Clock {
  /** Nanoseconds since any origin that is the same for all threads. */
  now(): number;
  /** Seconds since 1970 (UTC), for guests' wall clocks. */
  wallClock(): number;
}

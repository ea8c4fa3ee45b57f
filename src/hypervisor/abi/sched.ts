/** Scheduling operations (public/sched.h). */

export const SchedOp = {
  yield: 0,
  block: 1,
  shutdown: 2,
  poll: 3,
  remote_shutdown: 4,
  shutdown_code: 5,
  watchdog: 6,
  pin_override: 7,
} as const;

export const ShutdownReason = { poweroff: 0, reboot: 1, suspend: 2, crash: 3, watchdog: 4, softReset: 5 } as const;

export const Shutdown = { reason: 0, size: 4 } as const;
export const RemoteShutdown = { domid: 0, reason: 4, size: 8 } as const;
export const Poll = { ports: 0, count: 8, timeout: 16, size: 24 } as const;
/** Ports that one poll may name. */
export const POLL_PORTS_LIMIT = 128;
export const Watchdog = { id: 0, timeout: 4, size: 8 } as const;
export const WATCHDOGS = 2;

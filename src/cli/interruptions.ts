import type { RunEnd } from './output.ts';

/** Ends of a run that come from outside the guest: a time limit, signals, Ctrl-]. */
export class Interruptions {
  /** The first that happened. */
  readonly happened: Promise<RunEnd>;
  leave: () => void = () => {};
  readonly #cleanups: (() => void)[] = [];

  /** `timeout` is in seconds. */
  constructor(timeout: number | undefined) {
    this.happened = new Promise((resolve) => {
      this.leave = () => resolve({ kind: 'left' });
      if (timeout !== undefined) {
        const timer = setTimeout(() => resolve({ kind: 'timeout' }), timeout * 1000);
        this.#cleanups.push(() => clearTimeout(timer));
      }
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) {
        const handler = (): void => resolve({ kind: 'signal', signal });
        process.on(signal, handler);
        this.#cleanups.push(() => process.off(signal, handler));
      }
    });
  }

  clear(): void {
    for (const cleanup of this.#cleanups) cleanup();
  }
}

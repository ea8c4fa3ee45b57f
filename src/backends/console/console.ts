import type { ConsoleRing } from './ring.ts';

/**
 * A console's backend: takes output off the ring, and keeps input until the guest has room for it (xenconsoled's part).
 */

export interface ConsoleOptions {
  readonly ring: ConsoleRing;
  /** Tells the guest that the ring changed. */
  readonly notify: () => void;
  readonly onOutput: (bytes: Uint8Array) => void;
}

/** Input beyond this is refused until the guest reads: a guest that never reads must not fill the host's memory. */
const MAX_PENDING_INPUT = 1 << 20;

export class ConsoleBackend {
  readonly #options: ConsoleOptions;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;

  constructor(options: ConsoleOptions) {
    this.#options = options;
  }

  /** The guest's event channel fired, or somebody wants to be sure. */
  poll(): void {
    let changed = false;
    for (;;) {
      const output = this.#options.ring.read();
      if (output === null) break;
      changed = true;
      if (output.length > 0) this.#options.onOutput(output);
    }
    if (this.#flush()) changed = true;
    if (changed) this.#options.notify();
  }

  /** Gives the guest input; false if so much waits already that it was refused. */
  write(bytes: Uint8Array): boolean {
    if (this.#pendingBytes + bytes.length > MAX_PENDING_INPUT) return false;
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#flush()) this.#options.notify();
    return true;
  }

  /** Whether input waits for room in the ring. */
  get blocked(): boolean {
    return this.#pendingBytes > 0;
  }

  #flush(): boolean {
    let changed = false;
    for (let first = this.#pending[0]; first !== undefined; first = this.#pending[0]) {
      const count = this.#options.ring.write(first);
      if (count === 0) break;
      changed = true;
      this.#pendingBytes -= count;
      if (count === first.length) this.#pending.shift();
      else this.#pending[0] = first.subarray(count);
    }
    return changed;
  }
}

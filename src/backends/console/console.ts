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
  #held = false;
  /** Called when all input has found room. */
  onInputTaken: () => void = () => {};

  constructor(options: ConsoleOptions) {
    this.#options = options;
  }

  /**
   * The guest's event channel fired, or somebody wants to be sure. Looks once: guests notify after each write, and one that
   * never stops writing must not keep the caller.
   */
  poll(): void {
    const output = this.#held ? null : this.#options.ring.read();
    if (output !== null && output.length > 0) this.#options.onOutput(output);
    const moved = this.#flush();
    if (output !== null || moved) this.#options.notify();
    if (moved && !this.blocked) this.onInputTaken();
  }

  /** Leaves output in the ring, where the guest waits for room, until `release`: whoever takes it is not keeping up. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    this.poll();
  }

  /** Gives the guest input; false if so much waits already that it was refused. */
  write(bytes: Uint8Array): boolean {
    if (this.#pendingBytes + bytes.length > MAX_PENDING_INPUT) return false;
    // Nothing would ever take an empty piece off the list.
    if (bytes.length === 0) return true;
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

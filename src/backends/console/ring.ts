import type { MachineMemory } from '../../cpu/machine-memory.ts';

/**
 * The backend's side of a console ring (struct xencons_interface of Xen's io/console.h): 1024 bytes towards the guest, 2048 from
 * it, free-running indices. The indices of the guest are checked: a guest that breaks them loses its own output only.
 */

const IN = 0;
const IN_SIZE = 1024;
const OUT = 1024;
const OUT_SIZE = 2048;
const IN_CONS = 3072;
const IN_PROD = 3076;
const OUT_CONS = 3080;
const OUT_PROD = 3084;

export class ConsoleRing {
  readonly #memory: MachineMemory;
  readonly #page: number;

  /** `page` is the machine address of the ring's page. */
  constructor(memory: MachineMemory, page: number) {
    this.#memory = memory;
    this.#page = page;
  }

  #index(offset: number): number {
    return Atomics.load(this.#memory.i32, (this.#page + offset) >>> 2);
  }

  /** Takes what the guest has written; null if nothing. Broken indices are taken as an empty ring. */
  read(): Uint8Array | null {
    const producer = this.#index(OUT_PROD);
    const consumer = this.#index(OUT_CONS);
    const length = (producer - consumer) >>> 0;
    if (length === 0) return null;
    const sane = length <= OUT_SIZE;
    const bytes = new Uint8Array(sane ? length : 0);
    for (let i = 0; i < bytes.length; i++) {
      bytes[i] = this.#memory.u8[this.#page + OUT + ((consumer + i) & (OUT_SIZE - 1))] as number;
    }
    Atomics.store(this.#memory.i32, (this.#page + OUT_CONS) >>> 2, producer);
    return bytes;
  }

  /** Gives the guest as many of the bytes as fit; tells how many. */
  write(bytes: Uint8Array): number {
    const producer = this.#index(IN_PROD);
    const used = (producer - this.#index(IN_CONS)) >>> 0;
    if (used > IN_SIZE) return 0;
    const count = Math.min(bytes.length, IN_SIZE - used);
    for (let i = 0; i < count; i++) {
      this.#memory.u8[this.#page + IN + ((producer + i) & (IN_SIZE - 1))] = bytes[i] as number;
    }
    Atomics.store(this.#memory.i32, (this.#page + IN_PROD) >>> 2, (producer + count) | 0);
    return count;
  }
}

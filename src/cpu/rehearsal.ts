import { Exit } from './exits.ts';
import type { MachineMemory } from './machine-memory.ts';
import type { RegionBatch } from './region-compiler.ts';
import { BUDGET } from './state.ts';
import { IMPORT_MODULE, REGION_SLOTS } from './tiers/imports.ts';

/**
 * Calls each region of a module once, for a vCPU without budget, so that it leaves at once. WebAssembly engines compile a function
 * when it is first called: thus the translator waits for that and not a guest, for threads share a module's machine code.
 */
export class Rehearsal {
  readonly #state: number;
  readonly #regions: WebAssembly.Table;
  readonly #imports: WebAssembly.Imports;

  /** `state` is the address of a record that nobody else uses, STATE_SIZE long. */
  constructor(memory: MachineMemory, state: number) {
    this.#state = state;
    memory.i32[(state + BUDGET) >>> 2] = -1;
    this.#regions = new WebAssembly.Table({ element: 'anyfunc', initial: REGION_SLOTS, maximum: REGION_SLOTS });
    const never = (): never => {
      throw new Error('a region did something without budget');
    };
    this.#imports = {
      [IMPORT_MODULE]: {
        memory: memory.memory,
        regions: this.#regions,
        load: never,
        store: never,
        address: never,
        fetch: never,
        decode: never,
        routine: never,
        normalise: never,
      },
    };
  }

  run({ module, firstSlot, regions }: RegionBatch): void {
    new WebAssembly.Instance(module, this.#imports);
    for (let slot = firstSlot; slot < firstSlot + regions.length; slot++) {
      const region = this.#regions.get(slot) as (state: number, page: bigint, depth: number) => Exit;
      const exit = region(this.#state, 0n, 0);
      if (exit !== Exit.budget) throw new Error(`a region without budget left with ${exit}`);
      this.#regions.set(slot, null);
    }
  }
}

import type { CodeCache } from './code-cache.ts';
import type { Environment } from './environment.ts';
import type { Instruction } from './instruction.ts';
import type { Runtime } from './runtime.ts';

/** What the engine's run-time object offers to an architecture's routines. */
export interface EngineRuntime extends Runtime {
  readonly environment: Environment;
  readonly codeCache: CodeCache;
}

/**
 * A guest architecture as the engine sees it. The slow paths return a Status (runtime.ts); an address comes as two halves of
 * 32 bits, `kind` is the access size in bytes plus 256 times the Access bits (ir/builder.ts).
 */
export interface Architecture {
  readonly name: string;
  readonly instructions: readonly Instruction[];
  /** Used where nothing in the table matches: raises the undefined-instruction exception. */
  readonly undefinedInstruction: Instruction;

  /** A load that missed the translation table: does it, leaving the value (zero-extended, 16 bytes) in scratch cell 0. */
  load(runtime: EngineRuntime, state: number, addressLo: number, addressHi: number, kind: number): number;
  /** A store that missed: the value is in scratch cell 0. */
  store(runtime: EngineRuntime, state: number, addressLo: number, addressHi: number, kind: number): number;
  /** Leaves in scratch cell 0 the machine address (i32) of memory mapped for reading and writing. */
  address(runtime: EngineRuntime, state: number, addressLo: number, addressHi: number, kind: number): number;
  /**
   * Makes the page of PC executable: fills its translation table entry's EXECUTE_TAG and CODE fields (the latter from
   * `runtime.codeCache.pageOf(frame address)`).
   */
  fetch(runtime: EngineRuntime, state: number): number;
}

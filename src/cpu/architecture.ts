import type { FunctionBuilder } from '../wasm/function-builder.ts';
import type { CodeCache } from './code-cache.ts';
import type { Environment, FrameMap } from './environment.ts';
import type { Exit } from './exits.ts';
import type { Instruction } from './instruction.ts';
import type { Builder } from './ir/builder.ts';
import type { QuietPoint } from './quiet-point.ts';
import type { Runtime } from './runtime.ts';
import type { Trace } from './trace.ts';

/** What the engine's run-time object offers to an architecture's routines. */
export interface EngineRuntime extends Runtime {
  readonly environment: Environment;
  readonly codeCache: CodeCache;
  /** This thread's; routines run inside. */
  readonly quietPoint: QuietPoint;
  /** Takes down what happens, if anybody wants to know. */
  readonly trace?: Trace | undefined;
}

/** How the hot tier keeps a field of the vCPU record that an operand names. */
export const RegisterClass = {
  /** In the record: engine calls may read or write it. */
  memory: 0,
  /** A 64-bit register in a wasm local. */
  general: 1,
  /** A 128-bit register in a wasm local. */
  vector: 2,
  /** Reads as zero. */
  zero: 3,
  /** Swallows writes. */
  sink: 4,
} as const;
export type RegisterClass = (typeof RegisterClass)[keyof typeof RegisterClass];

/** Bits that tell a `quickFill` what access it is for. */
export const QuickAccess = {
  /** As Access.unprivileged. */
  unprivileged: 1,
  write: 2,
  /** It may be found to fault: not for accesses in both directions. */
  fault: 4,
} as const;

/** No machine address. */
export const QUICK_FAULT = 1;

/**
 * A guest architecture as the engine sees it. The slow paths return a Status (runtime.ts); an address comes as two halves of
 * 32 bits, `kind` is the access size in bytes plus 256 times the Access bits (ir/builder.ts).
 */
export interface Architecture {
  readonly name: string;
  readonly instructions: readonly Instruction[];
  /** Used where nothing in the table matches: raises the undefined-instruction exception. */
  readonly undefinedInstruction: Instruction;

  /** Describes what follows the instructions whose `epilogue` says so; sees the registers as they left them. */
  epilogue(o: Builder): void;

  /** How the hot tier keeps the register at an offset in the record. */
  registerClass(offset: number): RegisterClass;

  /**
   * Makes the function that fills the translation table in the plain cases: (state, address, QuickAccess bits) -> the
   * machine address, QUICK_FAULT with an exception pending, or 0 with nothing changed. The access lies in one page, and is
   * aligned if it must be whatever it goes to.
   */
  quickFill(map: FrameMap): FunctionBuilder;

  /** A load that missed the translation table: does it, leaving the value (zero-extended, 16 bytes) in scratch cell 0. */
  load(runtime: EngineRuntime, state: number, addressLo: number, addressHi: number, kind: number): number;
  /** A store that missed: the value is in scratch cell 0. */
  store(runtime: EngineRuntime, state: number, addressLo: number, addressHi: number, kind: number): number;
  /** Leaves in scratch cell 0 the machine address (i32) of memory mapped for reading and writing. */
  address(runtime: EngineRuntime, state: number, addressLo: number, addressHi: number, kind: number): number;
  /**
   * Makes the page of PC executable: fills its translation table entry's EXECUTE_TAG and CODE fields (the latter from
   * `runtime.codeCache.pageOf(frame address)`) and leaves the pre-decoded page's address in the record's CODE_PAGE.
   */
  fetch(runtime: EngineRuntime, state: number): number;
  /** Called before a vCPU runs: forgets addresses of pre-decoded pages if the code cache has started over since. */
  followCodeCache(runtime: EngineRuntime, state: number): void;
  /** Empties the vCPU's translation table; by the thread that runs it. */
  forgetTranslations(runtime: EngineRuntime, state: number): void;
  /**
   * Called when a vCPU has left translated code: does what is the processor's own affair, as to take exceptions and interrupts.
   * Gives Exit.continue to go on at PC, or the exit that the layers above are to see.
   */
  resume(runtime: EngineRuntime, state: number, exit: Exit): Exit;
}

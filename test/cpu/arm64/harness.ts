import { arm64Architecture } from '../../../src/cpu/arm64/architecture.ts';
import { setFloatingPointControl } from '../../../src/cpu/arm64/floating-point/control.ts';
import { readFlags, writeFlags } from '../../../src/cpu/arm64/processor-state.ts';
import { EXCLUSIVE_SIZE, FPCR, FPSR, SP, V, X } from '../../../src/cpu/arm64/state.ts';
import { CLASS_SHIFT, ExceptionClass, FaultStatus, Pending } from '../../../src/cpu/arm64/syndrome.ts';
import { Engine } from '../../../src/cpu/engine.ts';
import { type Environment, NOT_MEMORY } from '../../../src/cpu/environment.ts';
import { Exit } from '../../../src/cpu/exits.ts';
import { HEAT_BYTES } from '../../../src/cpu/heat-table.ts';
import type { Instruction } from '../../../src/cpu/instruction.ts';
import { MachineMemory } from '../../../src/cpu/machine-memory.ts';
import { QuietPoint } from '../../../src/cpu/quiet-point.ts';
import { BUDGET, PC, PENDING_ADDRESS, PENDING_KIND, PENDING_SYNDROME } from '../../../src/cpu/state.ts';
import {
  codeCacheLayout,
  codeFrame,
  dataFrame,
  HEAT,
  MEMORY_PAGES,
  QUIET_POINT,
  STATE,
  setUpProcessor,
} from './address-space.ts';
import { Field, Image, Outcome } from './cases/image.ts';
import {
  background,
  CODE_BYTES,
  CROSSING,
  DATA_BYTES,
  DATA_PAGES,
  fingerprint,
  PAD,
  PAGE,
  programAddress,
  programOffset,
  WINDOW,
  WRITABLE_BYTES,
  WRITABLE_PAGES,
  windowOffsets,
} from './cases/layout.ts';
import type { Batch, Program } from './cases/program.ts';

/** Runs cases of the differential tests on this engine, in one tier. */

export type Tier = 'cold' | 'hot';

/** Instructions before a program counts as endless. */
const MAX_INSTRUCTIONS = 4000;

const neverAsked = (): never => {
  throw new Error('a program asked for something that the harness does not have');
};

const environment: Environment = {
  translate: (_state, frame) => (frame < codeCacheLayout.frames ? frame * PAGE + 1 : NOT_MEMORY),
  deviceRead: neverAsked,
  deviceWrite: neverAsked,
  virtualCounter: () => 0,
  physicalCounter: () => 0,
  timerChanged: () => {},
  interruptRegisterRead: () => false,
  interruptRegisterWrite: () => false,
  forEachOther: () => {},
  sendEvent: () => {},
};

const pristine = Uint8Array.from({ length: DATA_BYTES }, (_, offset) => background(offset));

const outcomeOf = (syndrome: number): Outcome => {
  switch (syndrome >>> CLASS_SHIFT) {
    case ExceptionClass.unknown:
    case ExceptionClass.systemRegister:
      return Outcome.undefined;
    case ExceptionClass.breakpointInstruction:
      return Outcome.breakpoint;
    case ExceptionClass.pcAlignment:
      return Outcome.alignment;
    case ExceptionClass.instructionAbort:
      return Outcome.fault;
    case ExceptionClass.dataAbort:
      return (syndrome & 0x3f) === FaultStatus.alignment ? Outcome.alignment : Outcome.fault;
    default:
      return Outcome.other;
  }
};

/** An engine, one processor and its memory. */
export class Processor {
  readonly tier: Tier;
  readonly engine: Engine;
  readonly #memory: MachineMemory;
  /** The code pages, and the writable ones as the latest run left them, in the order of their addresses. */
  readonly #code = new Uint32Array(CODE_BYTES / 4);
  readonly #data = new Uint8Array(WRITABLE_BYTES);

  constructor(tier: Tier, instructions: readonly Instruction[]) {
    this.tier = tier;
    this.#memory = new MachineMemory(
      new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: MEMORY_PAGES, shared: true }),
    );
    this.engine = new Engine({
      architecture: { ...arm64Architecture, instructions, resume: (_runtime, _state, exit) => exit },
      memory: this.#memory,
      environment,
      codeCache: codeCacheLayout,
      quietPoint: new QuietPoint(this.#memory, QUIET_POINT, true),
      heatTable: HEAT,
      hotThreshold: tier === 'hot' ? 1 : 0,
      now: () => 0,
    });
    setUpProcessor(this.engine);
    for (let page = 0; page < DATA_PAGES; page++) this.#restorePage(page);
  }

  /** Puts programs into their slots, and nothing else into the code pages. */
  load(programs: readonly Program[]): void {
    const { u32, u8 } = this.#memory;
    this.#code.fill(PAD);
    for (const { slot, words } of programs) this.#code.set(words, programOffset(slot) / 4);
    for (let page = 0; page < CODE_BYTES / PAGE; page++) {
      const frame = codeFrame(page);
      u32.set(this.#code.subarray((page * PAGE) / 4, ((page + 1) * PAGE) / 4), frame / 4);
      this.engine.codeCache.invalidateFrame(frame);
    }
    u8.fill(0, HEAT, HEAT + HEAT_BYTES);
  }

  /** Runs the program in a slot from an initial state; fills `result`. */
  run(slot: number, initial: Image, result: Image): void {
    const place = initial.get32(Field.place);
    const window = windowOffsets[place] as number;
    this.#writeWindow(initial, window);
    this.#writeRegisters(initial);
    this.#writeAddress(PC, programAddress(slot));
    const outcome = this.#execute();
    this.#readRegisters(result);
    result.set32(Field.place, place);
    result.set32(Field.outcome, outcome);
    this.#readFaultAddress(result, outcome);
    this.#readMemory(result, window, outcome === Outcome.fault ? WRITABLE_BYTES - CROSSING : WRITABLE_BYTES);
  }

  #execute(): Outcome {
    const { i32 } = this.#memory;
    i32[(STATE + BUDGET) >>> 2] = MAX_INSTRUCTIONS;
    for (;;) {
      switch (this.engine.run(STATE)) {
        case Exit.exception:
          return outcomeOf(i32[(STATE + PENDING_SYNDROME) >>> 2] as number);
        case Exit.budget:
          return Outcome.endless;
        case Exit.interruptCheck:
        case Exit.waitForEvent:
          break;
        // ERET, which EL0 does not have: the architecture would take the exception at once.
        case Exit.exceptionReturn:
          return Outcome.undefined;
        default:
          return Outcome.other;
      }
    }
  }

  #writeAddress(offset: number, value: number): void {
    const at = (STATE + offset) >>> 2;
    this.#memory.u32[at] = value;
    this.#memory.u32[at + 1] = Math.floor(value / 4294967296);
  }

  #writeRegisters(image: Image): void {
    const { u32, i32 } = this.#memory;
    u32.set(image.u32.subarray(0, 62), (STATE + X) >>> 2);
    u32.set(image.u32.subarray(Field.sp >>> 2, (Field.sp >>> 2) + 2), (STATE + SP) >>> 2);
    u32.set(image.u32.subarray(Field.v >>> 2, (Field.v >>> 2) + 128), (STATE + V) >>> 2);
    writeFlags(this.#memory, STATE, image.get32(Field.nzcv));
    setFloatingPointControl(this.#memory, STATE, image.get32(Field.fpcr), image.get32(Field.fpsr));
    i32[(STATE + EXCLUSIVE_SIZE) >>> 2] = 0;
    i32[(STATE + PENDING_KIND) >>> 2] = Pending.none;
  }

  #readRegisters(image: Image): void {
    const { u32 } = this.#memory;
    const at = (offset: number): number => (STATE + offset) >>> 2;
    image.u32.set(u32.subarray(at(X), at(X) + 62), 0);
    image.u32.set(u32.subarray(at(SP), at(SP) + 2), Field.sp >>> 2);
    image.u32.set(u32.subarray(at(PC), at(PC) + 2), Field.pc >>> 2);
    image.u32.set(u32.subarray(at(V), at(V) + 128), Field.v >>> 2);
    image.set32(Field.nzcv, readFlags(this.#memory, STATE));
    image.set32(Field.fpcr, u32[at(FPCR)] as number);
    image.set32(Field.fpsr, u32[at(FPSR)] as number);
  }

  #readFaultAddress(image: Image, outcome: Outcome): void {
    const { u32 } = this.#memory;
    const faulted = outcome === Outcome.fault || outcome === Outcome.alignment;
    const at = Field.faultAddress >>> 2;
    image.u32[at] = faulted ? (u32[(STATE + PENDING_ADDRESS) >>> 2] as number) : 0;
    image.u32[at + 1] = faulted ? (u32[(STATE + PENDING_ADDRESS + 4) >>> 2] as number) : 0;
  }

  #restorePage(page: number): void {
    this.#memory.u8.set(pristine.subarray(page * PAGE, (page + 1) * PAGE), dataFrame(page));
  }

  #writeWindow(image: Image, window: number): void {
    for (let done = 0; done < WINDOW; ) {
      const offset = window + done;
      const length = Math.min(WINDOW - done, PAGE - (offset % PAGE));
      const from = Field.window + done;
      const to = dataFrame(Math.floor(offset / PAGE)) + (offset % PAGE);
      this.#memory.u8.set(image.bytes.subarray(from, from + length), to);
      done += length;
    }
  }

  /** Takes the window, and looks for writes elsewhere in the first `length` bytes; puts everything back. */
  #readMemory(image: Image, window: number, length: number): void {
    const data = this.#data;
    for (let page = 0; page < WRITABLE_PAGES; page++) {
      const frame = dataFrame(page);
      data.set(this.#memory.u8.subarray(frame, frame + PAGE), page * PAGE);
      this.#restorePage(page);
    }
    image.bytes.set(data.subarray(window, window + WINDOW), Field.window);
    data.set(pristine.subarray(window, window + WINDOW), window);
    const written = Buffer.compare(data.subarray(0, length), pristine.subarray(0, length)) !== 0;
    image.set32(Field.stray, written ? fingerprint(data, length) : 0);
  }
}

/** Runs a batch; gives an image for each run. */
export const runBatch = (processor: Processor, { programs, runs }: Batch): Image[] => {
  processor.load(programs);
  return runs.map(({ program, initial }) => {
    const result = new Image();
    processor.run(program.slot, initial, result);
    return result;
  });
};

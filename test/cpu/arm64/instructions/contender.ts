import { parentPort, workerData } from 'node:worker_threads';
import { arm64Architecture } from '../../../../src/cpu/arm64/architecture.ts';
import { resetProcessor } from '../../../../src/cpu/arm64/reset.ts';
import { X } from '../../../../src/cpu/arm64/state.ts';
import { MAIR_EL1, SCTLR_EL1, TCR_EL1, TTBR0_EL1, VCPU_SIZE } from '../../../../src/cpu/arm64/system-state.ts';
import { Engine } from '../../../../src/cpu/engine.ts';
import { type Environment, NOT_MEMORY } from '../../../../src/cpu/environment.ts';
import { Exit } from '../../../../src/cpu/exits.ts';
import { HEAT_BYTES } from '../../../../src/cpu/heat-table.ts';
import { overrideHostOrder } from '../../../../src/cpu/ir/host-order.ts';
import { MachineMemory } from '../../../../src/cpu/machine-memory.ts';
import { QuietPoint } from '../../../../src/cpu/quiet-point.ts';
import { BUDGET, PAIR_LOCKS } from '../../../../src/cpu/state.ts';

/**
 * A thread with an engine and a processor of its own on shared machine memory, which is mapped where it is: runs the program at
 * PROGRAM with X0 = DATA and X1 = the contender's number, until it meets a breakpoint.
 */
export interface ContenderData {
  readonly memory: WebAssembly.Memory;
  /** From 0 on. */
  readonly number: number;
  readonly hotThreshold: number;
  /** overrideHostOrder. */
  readonly hostOrder: boolean | null;
}

const PAGE = 4096;

/** Machine addresses that all contenders share. BARRIER holds how many have yet to come. */
const LOCKS = PAGE;
export const BARRIER = 2 * PAGE;
export const PROGRAM = 3 * PAGE;
export const DATA = 4 * PAGE;
const QUIET_POINT = 5 * PAGE;
const TABLE = 8 * PAGE;

/** A block of 2 MiB at 0: valid, inner shareable, with its access flag. */
const BLOCK = 1 | (3 << 8) | (1 << 10);
const TRANSLATE = 1;
/** T0SZ: 25 bits, so that the one table is of level 2. */
const ADDRESS_BITS = 64 - 25;
const WRITE_BACK = 0xff;

/** Each contender's own stretch of machine memory, and offsets in it. */
const OWN = 0x10000;
const OWN_SIZE = 0x400000;
const CONTROL = Math.ceil(VCPU_SIZE / PAGE) * PAGE;
const FRAME_TABLE = CONTROL + PAGE;
const HEAT = FRAME_TABLE + PAGE;
const ARENA = HEAT + HEAT_BYTES;

/** Size of machine memory for `contenders` of them, in wasm pages. */
export const memoryPages = (contenders: number): number => (OWN + contenders * OWN_SIZE) / 65536;

const unused = (): never => {
  throw new Error('the program asked for a device');
};

const environment: Environment = {
  translate: (_state, frame) => (frame < OWN / PAGE ? frame * PAGE + 1 : NOT_MEMORY),
  deviceRead: unused,
  deviceWrite: unused,
  virtualCounter: unused,
  physicalCounter: unused,
  timerChanged: () => {},
  interruptRegisterRead: () => false,
  interruptRegisterWrite: () => false,
  forEachOther: () => {},
  sendEvent: () => {},
};

const makeContender = ({ memory, number, hotThreshold, hostOrder }: ContenderData): (() => Exit) => {
  overrideHostOrder(hostOrder);
  const machine = new MachineMemory(memory);
  const state = OWN + number * OWN_SIZE;
  const engine = new Engine({
    architecture: { ...arm64Architecture, resume: (_runtime, _state, exit) => exit },
    memory: machine,
    environment,
    codeCache: {
      frameTable: state + FRAME_TABLE,
      frames: machine.size / PAGE,
      arena: state + ARENA,
      arenaEnd: state + OWN_SIZE,
      control: state + CONTROL,
    },
    quietPoint: new QuietPoint(machine, QUIET_POINT, true),
    heatTable: state + HEAT,
    hotThreshold,
    now: () => 0,
  });
  resetProcessor(engine, state, { pc: PROGRAM, x0: DATA });
  machine.u32[(state + X + 8) >>> 2] = number;
  machine.u32[TABLE >>> 2] = BLOCK;
  machine.u32[(state + TTBR0_EL1) >>> 2] = TABLE;
  machine.u32[(state + TCR_EL1) >>> 2] = ADDRESS_BITS;
  machine.u32[(state + MAIR_EL1) >>> 2] = WRITE_BACK;
  machine.u32[(state + SCTLR_EL1) >>> 2] |= TRANSLATE;
  machine.u32[(state + PAIR_LOCKS) >>> 2] = LOCKS;
  return () => {
    for (;;) {
      machine.i32[(state + BUDGET) >>> 2] = 10_000;
      const exit = engine.run(state);
      if (exit !== Exit.budget) return exit;
    }
  };
};

const contend = (data: ContenderData): Exit => {
  const run = makeContender(data);
  // All start together: the last one to come wakes the others.
  const barrier = new Int32Array(data.memory.buffer, BARRIER, 1);
  if (Atomics.sub(barrier, 0, 1) === 1) Atomics.notify(barrier, 0);
  for (let left = Atomics.load(barrier, 0); left > 0; left = Atomics.load(barrier, 0)) Atomics.wait(barrier, 0, left);
  return run();
};

parentPort?.postMessage(contend(workerData as ContenderData));

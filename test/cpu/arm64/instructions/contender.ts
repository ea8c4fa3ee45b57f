import { parentPort, workerData } from 'node:worker_threads';
import { a64Instructions } from '../../../../src/cpu/arm64/instructions/table.ts';
import { X } from '../../../../src/cpu/arm64/state.ts';
import { Engine } from '../../../../src/cpu/engine.ts';
import { Exit } from '../../../../src/cpu/exits.ts';
import { MachineMemory } from '../../../../src/cpu/machine-memory.ts';
import { BUDGET, PAIR_LOCKS, PC, TLB, TLB_UNPRIVILEGED } from '../../../../src/cpu/state.ts';
import { BANK_SIZE } from '../../../../src/cpu/translation-table.ts';
import { CODE, DATA } from '../cases/layout.ts';
import { flatArchitecture } from '../flat-architecture.ts';
import { harmlessEnvironment } from './harmless-environment.ts';

/**
 * A thread with an engine and a processor of its own on shared machine memory: runs the program at CODE with X0 = DATA and
 * X1 = the contender's number, until it meets a breakpoint.
 */
export interface ContenderData {
  readonly memory: WebAssembly.Memory;
  /** From 0 on. */
  readonly number: number;
  readonly hotThreshold: number;
}

/** Machine addresses that all contenders share, and each one's own. */
const LOCKS = 0x2000;
export const BARRIER = 0x3000;
const OWN = 0x80000;
const OWN_SIZE = 0x80000;

/** Size of machine memory for `contenders` of them, in wasm pages. */
export const memoryPages = (contenders: number): number => (OWN + contenders * OWN_SIZE) / 65536;

const makeContender = ({ memory, number, hotThreshold }: ContenderData): (() => Exit) => {
  const machine = new MachineMemory(memory);
  const own = OWN + number * OWN_SIZE;
  const bank = own + 0x8000;
  const engine = new Engine({
    architecture: flatArchitecture(a64Instructions),
    memory: machine,
    environment: harmlessEnvironment,
    codeCache: {
      frameTable: own + 0x30000,
      frames: machine.size / 4096,
      arena: own + 0x40000,
      arenaEnd: own + OWN_SIZE,
      control: own + 0x1000,
    },
    heatTable: own + 0x10000,
    regionCounter: own + 0x1040,
    hotThreshold,
    now: () => 0,
  });
  const set = (offset: number, value: number): void => {
    machine.u32[(own + offset) >>> 2] = value;
    machine.u32[(own + offset + 4) >>> 2] = Math.floor(value / 4294967296);
  };
  machine.u8.fill(0xff, bank, bank + BANK_SIZE);
  machine.u32[(own + TLB) >>> 2] = bank;
  machine.u32[(own + TLB_UNPRIVILEGED) >>> 2] = bank;
  machine.u32[(own + PAIR_LOCKS) >>> 2] = LOCKS;
  set(PC, CODE);
  set(X, DATA);
  set(X + 8, number);
  return () => {
    for (;;) {
      machine.i32[(own + BUDGET) >>> 2] = 10_000;
      const exit = engine.run(own);
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

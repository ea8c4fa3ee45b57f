import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { Engine } from '../../../../src/cpu/engine.ts';
import { Exit } from '../../../../src/cpu/exits.ts';
import { clearKick } from '../../../../src/cpu/kick.ts';
import { BUDGET } from '../../../../src/cpu/state.ts';
import { Machine } from './machine.ts';
import type { Tier } from './runner.ts';

/** A thread that runs one of a machine's processors up to its next HVC. */

interface ThreadData {
  readonly memory: WebAssembly.Memory;
  readonly state: number;
  readonly tier: Tier;
  readonly hold: Hold | null;
}

/** Holds a processor's thread up where it has looked something up and not yet used it. */
export interface Hold {
  /**
   * A guest frame: in accesses that go there by the slow path. If they begin in another page, that one's translation is looked up
   * then. Or an instruction word that it has read and is about to decode, or the code of any region.
   */
  readonly at: number | { readonly word: number } | 'region';
  /** For how long, if nobody releases it. */
  readonly milliseconds: number;
  /** Whether the thread has been held, and whether it has been released. */
  readonly words: SharedArrayBuffer;
}
const HELD = 0;
const RELEASED = 1;

const BUDGET_INSTRUCTIONS = 50_000;

const holdUp = (machine: Machine, { decoder }: Engine, { at, milliseconds, words: shared }: Hold): void => {
  const words = new Int32Array(shared);
  const pause = (): void => {
    Atomics.store(words, HELD, 1);
    Atomics.notify(words, HELD);
    Atomics.wait(words, RELEASED, 0, milliseconds);
  };
  if (typeof at === 'number') {
    machine.onTranslate = (frame) => {
      if (frame === at) pause();
    };
  } else if (at === 'region') {
    machine.now = () => {
      pause();
      return 0;
    };
  } else {
    const find = decoder.indexOf.bind(decoder);
    decoder.indexOf = (word) => {
      if (word === at.word >>> 0) pause();
      return find(word);
    };
  }
};

const run = ({ memory, state, tier, hold }: ThreadData): void => {
  const machine = new Machine(memory);
  const engine = machine.engine(tier);
  if (hold !== null) holdUp(machine, engine, hold);
  for (;;) {
    clearKick(machine.memory, state);
    machine.set32(state, BUDGET, BUDGET_INSTRUCTIONS);
    if (engine.run(state) === Exit.hypervisorCall) return;
  }
};

/** Runs a processor of a machine on a thread of its own. */
export const runOnThread = async (
  machine: Machine,
  state: number,
  tier: Tier,
  hold: Hold | null = null,
): Promise<void> => {
  const data: ThreadData = { memory: machine.memory.memory, state, tier, hold };
  await once(new Worker(new URL(import.meta.url), { workerData: data }), 'message');
};

export const makeHold = (at: Hold['at'], milliseconds: number): Hold => ({
  at,
  milliseconds,
  words: new SharedArrayBuffer(8),
});

/** Resolves when the thread is held for the first time. */
export const whenHeld = async ({ words }: Hold): Promise<void> => {
  await Atomics.waitAsync(new Int32Array(words), HELD, 0).value;
};

/** Lets it go on, and holds it no more. */
export const release = ({ words }: Hold): void => {
  Atomics.store(new Int32Array(words), RELEASED, 1);
  Atomics.notify(new Int32Array(words), RELEASED);
};

if (!isMainThread) {
  run(workerData as ThreadData);
  parentPort?.postMessage('done');
}

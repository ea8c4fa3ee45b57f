import type { Architecture, EngineRuntime } from './architecture.ts';
import { PC } from './state.ts';
import { type Trace, TracedAccess } from './trace.ts';

/** The accesses and fetches that translated code cannot do itself, as it calls them: counted, and followed if anybody wants to. */

export interface SlowPathStatistics {
  /** Accesses by the slow path: they missed the translation table, met a device, or were too odd for the others. */
  slowLoads: number;
  slowStores: number;
  slowAtomics: number;
  slowFetches: number;
}

type SlowAccess = (state: number, lo: number, hi: number, kind: number) => number;

export interface SlowPaths {
  readonly load: SlowAccess;
  readonly store: SlowAccess;
  readonly address: SlowAccess;
  readonly fetch: (state: number) => number;
}

const countedPaths = (
  runtime: EngineRuntime,
  architecture: Architecture,
  statistics: SlowPathStatistics,
  fetch: (state: number) => number,
): SlowPaths => ({
  load: (state, lo, hi, kind) => {
    statistics.slowLoads++;
    return architecture.load(runtime, state >>> 0, lo, hi, kind);
  },
  store: (state, lo, hi, kind) => {
    statistics.slowStores++;
    return architecture.store(runtime, state >>> 0, lo, hi, kind);
  },
  address: (state, lo, hi, kind) => {
    statistics.slowAtomics++;
    return architecture.address(runtime, state >>> 0, lo, hi, kind);
  },
  fetch: (state) => {
    statistics.slowFetches++;
    return fetch(state >>> 0);
  },
});

const INSTRUCTION_BYTES = 4;

const followedPaths = ({ memory }: EngineRuntime, trace: Trace, paths: SlowPaths): SlowPaths => {
  const follow =
    (what: number, path: SlowAccess): SlowAccess =>
    (state, lo, hi, kind) => {
      trace.note(state >>> 0, 'tlb', what, lo, hi, kind & 0xff);
      return path(state, lo, hi, kind);
    };
  return {
    load: follow(TracedAccess.load, paths.load),
    store: follow(TracedAccess.store, paths.store),
    address: follow(TracedAccess.atomic, paths.address),
    fetch: (state) => {
      const pc = (state + PC) >>> 2;
      const lo = memory.i32[pc] as number;
      trace.note(state >>> 0, 'tlb', TracedAccess.fetch, lo, memory.i32[pc + 1] as number, INSTRUCTION_BYTES);
      return paths.fetch(state);
    },
  };
};

/** `fetch` makes the page of PC executable. */
export const slowPaths = (
  runtime: EngineRuntime,
  architecture: Architecture,
  statistics: SlowPathStatistics,
  fetch: (state: number) => number,
): SlowPaths => {
  const paths = countedPaths(runtime, architecture, statistics, fetch);
  const { trace } = runtime;
  return trace?.wants('tlb') === true ? followedPaths(runtime, trace, paths) : paths;
};

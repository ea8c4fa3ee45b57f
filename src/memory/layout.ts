import type { CodeCacheLayout } from '../cpu/code-cache.ts';
import { HEAT_BYTES } from '../cpu/heat-table.ts';
import { QUIET_POINT_BYTES } from '../cpu/quiet-point.ts';
import { REGION_REQUESTS_BYTES } from '../cpu/region-requests.ts';
import { STATE_SIZE } from '../cpu/state.ts';

/**
 * The map of machine memory. The low part belongs to the hypervisor; from `firstFrame` on it is 4 KiB frames for domains.
 * Address 0 is never used, so it can mean "none".
 */

export const FRAME_SHIFT = 12;
export const FRAME_SIZE = 1 << FRAME_SHIFT;
const WASM_PAGE = 65536;
const MIB = 1 << 20;
/** A shared memory32 ends here. */
export const MACHINE_LIMIT = 4096 * MIB;

/** Words of the host's control block, each four bytes apart from CONTROL on. */
export const CONTROL = 0x1000;
export const ControlWord = {
  heapLock: CONTROL,
  heapNext: CONTROL + 4,
  frameLock: CONTROL + 8,
  /** Frames on the free stack. */
  freeFrames: CONTROL + 12,
  /** The first frame never handed out. */
  freshFrame: CONTROL + 16,
  codeCache: CONTROL + 32,
  /** Changes when the control thread has something to look at. */
  doorbell: CONTROL + 64,
  /** Free for the hypervisor's own words, up to the heat table. */
  hypervisor: CONTROL + 0x100,
} as const;

/** Locks of 16-byte atomic operations (cpu/state.ts, PAIR_LOCKS): one page. */
export const PAIR_LOCKS_PAGE = 0x2000;
const HEAT_TABLE = 0x3000;
const QUIET_POINT = HEAT_TABLE + HEAT_BYTES;
const REGION_REQUESTS = QUIET_POINT + QUIET_POINT_BYTES;
const REHEARSAL = REGION_REQUESTS + REGION_REQUESTS_BYTES;
const FRAME_TABLE = REHEARSAL + STATE_SIZE;

export interface MachineLayout {
  /** Size of machine memory in bytes. */
  readonly size: number;
  readonly frames: number;
  readonly heatTable: number;
  /** What threads tell each other by (cpu/quiet-point.ts). */
  readonly quietPoint: number;
  /** What the translator's thread is asked for (cpu/region-requests.ts). */
  readonly regionRequests: number;
  /** The record of a vCPU that never runs (cpu/rehearsal.ts). */
  readonly rehearsal: number;
  /** One frame table entry a frame: see frame-table.ts. */
  readonly frameTable: number;
  /** The free stack: one u32 a frame. */
  readonly freeStack: number;
  readonly codeCache: CodeCacheLayout;
  /** The hypervisor's heap, for records. */
  readonly heap: number;
  readonly heapEnd: number;
  /** The first frame that domains can own. */
  readonly firstFrame: number;
}

export const FRAME_ENTRY_SIZE = 8;

const align = (address: number, to: number): number => Math.ceil(address / to) * to;

export interface MachineSizes {
  /** Bytes of frames for domains. */
  readonly domainMemory: number;
  /** Bytes for pre-decoded code; a default that suits a few domains. */
  readonly codeCache?: number;
  /** Bytes that the hot tier's code may take, outside machine memory. */
  readonly regionBytes?: number;
  /** Bytes for the hypervisor's records. */
  readonly heap?: number;
}

/** Lays machine memory out. Throws RangeError if it does not fit into 4 GiB. */
export const layOut = ({
  domainMemory,
  codeCache = 128 * MIB,
  heap = 128 * MIB,
  regionBytes = 128 * MIB,
}: MachineSizes): MachineLayout => {
  const overhead = codeCache + heap + 16 * MIB;
  const size = align(domainMemory + overhead + Math.ceil(domainMemory / 128), WASM_PAGE);
  if (size > MACHINE_LIMIT) {
    throw new RangeError(
      `${Math.ceil(domainMemory / MIB)} MiB for domains do not fit into one host: at most ${Math.floor((MACHINE_LIMIT - overhead) / 1.01 / MIB)} MiB do`,
    );
  }
  const frames = size / FRAME_SIZE;
  const freeStack = align(FRAME_TABLE + frames * FRAME_ENTRY_SIZE, 64);
  const codeFrameTable = align(freeStack + frames * 4, 64);
  const arena = align(codeFrameTable + frames * 4, 64);
  const heapStart = align(arena + codeCache, FRAME_SIZE);
  const heapEnd = align(heapStart + heap, FRAME_SIZE);
  return {
    size,
    frames,
    heatTable: HEAT_TABLE,
    quietPoint: QUIET_POINT,
    regionRequests: REGION_REQUESTS,
    rehearsal: REHEARSAL,
    frameTable: FRAME_TABLE,
    freeStack,
    codeCache: {
      frameTable: codeFrameTable,
      frames,
      arena,
      arenaEnd: arena + codeCache,
      control: ControlWord.codeCache,
      regionBytes,
    },
    heap: heapStart,
    heapEnd,
    firstFrame: heapEnd / FRAME_SIZE,
  };
};

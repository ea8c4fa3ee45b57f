import { CodeCache } from '../../src/cpu/code-cache.ts';
import { MachineMemory } from '../../src/cpu/machine-memory.ts';
import { QUIET_POINT_BYTES, QuietPoint } from '../../src/cpu/quiet-point.ts';
import { Frames } from '../../src/memory/frames.ts';
import { Heap } from '../../src/memory/heap.ts';
import { FRAME_SIZE, type MachineLayout } from '../../src/memory/layout.ts';
import { PhysicalMap } from '../../src/memory/p2m.ts';

const SIZE = 2 ** 20;
/** In frames that no domain has. */
const QUIET_POINT = SIZE - QUIET_POINT_BYTES;
const HEAP = 0x2_6000;
const HEAP_END = 0x6_6000;
const memory = new MachineMemory(new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true }));

export interface SmallMachine {
  readonly memory: MachineMemory;
  readonly layout: MachineLayout;
  readonly codeCache: CodeCache;
  readonly heap: Heap;
  readonly frames: Frames;
  readonly physicalMap: PhysicalMap;
}

/** A machine of one MiB with so many frames for domains; the one made before it is gone. */
export const smallMachine = (domainFrames: number): SmallMachine => {
  memory.u8.fill(0);
  const firstFrame = HEAP_END / FRAME_SIZE;
  const frames = firstFrame + domainFrames;
  const layout: MachineLayout = {
    size: SIZE,
    frames,
    heatTable: 0,
    quietPoint: QUIET_POINT,
    regionRequests: 0,
    rehearsal: 0,
    frameTable: 0x3000,
    freeStack: 0x4000,
    codeCache: { frameTable: 0x5000, frames, arena: 0x6000, arenaEnd: HEAP, control: 0x1020 },
    heap: HEAP,
    heapEnd: HEAP_END,
    firstFrame,
  };
  const heap = new Heap(memory, layout);
  const codeCache = new CodeCache(memory, layout.codeCache, new QuietPoint(memory, QUIET_POINT, true));
  const pages = new Frames(memory, layout, codeCache);
  return { memory, layout, codeCache, heap, frames: pages, physicalMap: new PhysicalMap(memory, heap, pages) };
};

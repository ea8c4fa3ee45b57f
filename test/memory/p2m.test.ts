import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { NOT_MEMORY } from '../../src/cpu/environment.ts';
import { OWNER_SHARED } from '../../src/memory/frames.ts';
import { FRAME_SIZE } from '../../src/memory/layout.ts';
import {
  OUT_OF_FRAMES,
  P2M_LIMIT,
  P2M_ROOT_BYTES,
  P2M_SHARED,
  P2M_UNTOUCHED,
  P2M_WRITABLE,
} from '../../src/memory/p2m.ts';
import { type SmallMachine, smallMachine } from './small-machine.ts';

const GUEST_FRAMES = [0, 1, 1023, 1024, 0x40000, P2M_LIMIT - 1];
const DOMAINS = 2;
/** Fewer than the domains could use, so that they run out. */
const FRAMES = 8;

/** What one guest page holds; `content` is null while untouched, else shared by all the pages that are one frame. */
interface Page {
  content: { words: readonly [first: number, last: number]; users: number } | null;
  /** Whether a write must look for other users first. */
  shared: boolean;
}

/** Physical maps beside a model of what the guests should see in them. */
class Rig {
  readonly machine: SmallMachine = smallMachine(FRAMES);
  readonly roots: readonly number[];
  readonly model: readonly Map<number, Page>[];

  constructor() {
    this.roots = Array.from({ length: DOMAINS }, () => this.machine.heap.allocate(P2M_ROOT_BYTES));
    this.model = this.roots.map(() => new Map());
  }

  get free(): number {
    const used = new Set(this.model.flatMap((pages) => [...pages.values()].map(({ content }) => content)));
    used.delete(null);
    return FRAMES - used.size;
  }

  addRam(domain: number, frame: number): void {
    this.remove(domain, frame);
    assert.ok(this.machine.physicalMap.addRam(this.roots[domain], frame, 1));
    this.model[domain].set(frame, { content: null, shared: false });
  }

  remove(domain: number, frame: number): void {
    this.machine.physicalMap.remove(this.roots[domain], frame);
    this.#leave(this.model[domain].get(frame));
    this.model[domain].delete(frame);
  }

  clear(domain: number): void {
    this.machine.physicalMap.clear(this.roots[domain]);
    for (const page of this.model[domain].values()) this.#leave(page);
    this.model[domain].clear();
  }

  #leave(page: Page | undefined): void {
    if (page?.content) page.content.users--;
  }

  /** Resolves a page; gives its frame, or 0 where the model says there can be none. */
  #resolve(domain: number, frame: number, write: boolean): number {
    const page = this.model[domain].get(frame);
    const { free } = this;
    const { physicalMap, frames } = this.machine;
    const before = physicalMap.entry(this.roots[domain], frame);
    const result = physicalMap.resolve(this.roots[domain], frame, write, domain + 1);
    const { replaced } = physicalMap;
    if (replaced !== 0) frames.release(replaced);
    if (page === undefined) {
      assert.equal(result, NOT_MEMORY);
      return 0;
    }
    const copies = write && page.shared && page.content !== null && page.content.users > 1;
    const refused = (page.content === null || copies) && free === 0;
    assert.equal(replaced, copies && !refused ? (before & ~0xfff) >>> 0 : 0);
    if (refused) {
      assert.equal(result, OUT_OF_FRAMES);
      return 0;
    }
    if (copies && page.content !== null) {
      page.content.users--;
      page.content = { words: page.content.words, users: 1 };
    }
    page.content ??= { words: [0, 0], users: 1 };
    if (write) page.shared = false;
    assert.ok(result >= FRAME_SIZE, `resolved to ${result}`);
    assert.equal(result & 0xfff, page.shared ? 0 : 1);
    const at = result - (result & 1);
    if (write) assert.equal(this.machine.frames.owner(at), domain + 1);
    return at;
  }

  read(domain: number, frame: number): void {
    const at = this.#resolve(domain, frame, false);
    if (at === 0) return;
    const { u32 } = this.machine.memory;
    const words = [u32[at >>> 2], u32[(at + FRAME_SIZE - 4) >>> 2]];
    assert.deepEqual(words, this.model[domain].get(frame)?.content?.words);
  }

  /** Writes one word of the page, the first or the last: the other must survive. */
  write(domain: number, frame: number, value: number): void {
    const at = this.#resolve(domain, frame, true);
    const content = this.model[domain].get(frame)?.content;
    if (at === 0 || !content) return;
    const last = (value & 1) !== 0;
    this.machine.memory.u32[(last ? at + FRAME_SIZE - 4 : at) >>> 2] = value;
    content.words = last ? [content.words[0], value] : [value, content.words[1]];
  }

  /** Makes a page of one domain the same frame as a page of the other, copied on write. */
  share(domain: number, frame: number, toFrame: number): void {
    const { physicalMap, frames } = this.machine;
    const to = 1 - domain;
    const page = this.model[domain].get(frame);
    if (!page?.content) return;
    this.remove(to, toFrame);
    const machine = physicalMap.entry(this.roots[domain], frame) & ~0xfff;
    const entry = (machine | P2M_SHARED | P2M_WRITABLE) >>> 0;
    assert.ok(physicalMap.setEntry(this.roots[domain], frame, entry));
    assert.ok(physicalMap.setEntry(this.roots[to], toFrame, entry));
    frames.share(machine >>> 0);
    page.shared = true;
    page.content.users++;
    this.model[to].set(toFrame, { content: page.content, shared: true });
  }

  /** No frame is lost or given back twice, and every count is the number of entries that lead to the frame. */
  check(): void {
    const { physicalMap, frames } = this.machine;
    assert.equal(frames.available, this.free);
    for (const [domain, pages] of this.model.entries()) {
      for (const frame of GUEST_FRAMES) {
        const entry = physicalMap.entry(this.roots[domain], frame);
        const page = pages.get(frame);
        if (page === undefined) assert.equal(entry, 0);
        else if (page.content === null) assert.equal(entry, P2M_UNTOUCHED | P2M_WRITABLE);
        else assert.equal(frames.references((entry & ~0xfff) >>> 0), page.content.users);
      }
    }
  }
}

const operation = fc.record({
  kind: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom('addRam', 'read', 'write', 'write', 'share', 'share', 'remove') },
    { weight: 1, arbitrary: fc.constant('clear') },
  ),
  domain: fc.nat(DOMAINS - 1),
  frame: fc.constantFrom(...GUEST_FRAMES),
  toFrame: fc.constantFrom(...GUEST_FRAMES),
  value: fc.integer({ min: 1, max: 0xffff_ffff }),
});

test('each guest page reads what was written to it, and frames are neither lost nor freed twice', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60, size: 'max' }), (operations) => {
      const rig = new Rig();
      for (const { kind, domain, frame, toFrame, value } of operations) {
        if (kind === 'addRam') rig.addRam(domain, frame);
        else if (kind === 'read') rig.read(domain, frame);
        else if (kind === 'write') rig.write(domain, frame, value);
        else if (kind === 'share') rig.share(domain, frame, toFrame);
        else if (kind === 'remove') rig.remove(domain, frame);
        else rig.clear(domain);
        rig.check();
      }
      for (const [domain, pages] of rig.model.entries()) for (const frame of pages.keys()) rig.read(domain, frame);
      for (const domain of rig.roots.keys()) rig.clear(domain);
      assert.equal(rig.machine.frames.available, FRAMES);
    }),
    { numRuns: 250 },
  );
});

describe('a shared frame', () => {
  test('becomes the property of whoever writes to it last', () => {
    const { heap, frames, physicalMap } = smallMachine(FRAMES);
    const roots = [1, 2].map(() => heap.allocate(P2M_ROOT_BYTES));
    const frame = frames.allocate(OWNER_SHARED);
    frames.share(frame);
    const entry = (frame | P2M_SHARED | P2M_WRITABLE) >>> 0;
    for (const root of roots) assert.ok(physicalMap.setEntry(root, 0, entry));
    const copy = physicalMap.resolve(roots[0], 0, true, 1) - 1;
    assert.notEqual(copy, frame);
    assert.equal(physicalMap.replaced, frame);
    frames.release(frame);
    assert.deepEqual([frames.owner(copy), frames.owner(frame)], [1, OWNER_SHARED]);
    assert.equal(physicalMap.resolve(roots[1], 0, false, 2), frame);
    assert.equal(frames.owner(frame), OWNER_SHARED);
    assert.equal(physicalMap.resolve(roots[1], 0, true, 2), frame + 1);
    assert.equal(frames.owner(frame), 2);
  });
});

describe('entries', () => {
  test('outside the map are holes that nothing can fill', () => {
    const { heap, physicalMap } = smallMachine(FRAMES);
    const root = heap.allocate(P2M_ROOT_BYTES);
    for (const frame of [-1, P2M_LIMIT, 2 ** 32, 2 ** 40]) {
      assert.equal(physicalMap.setEntry(root, frame, 0x7000), false);
      assert.equal(physicalMap.entry(root, frame), 0);
      assert.equal(physicalMap.resolve(root, frame, true, 1), NOT_MEMORY);
      physicalMap.remove(root, frame);
    }
    assert.equal(physicalMap.addRam(root, P2M_LIMIT - 1, 2), false);
  });

  test('a frame above 2 GiB keeps its address', () => {
    const { heap, physicalMap } = smallMachine(FRAMES);
    const root = heap.allocate(P2M_ROOT_BYTES);
    assert.ok(physicalMap.setEntry(root, 5, (0xffff_f000 | P2M_WRITABLE) >>> 0));
    assert.equal(physicalMap.resolve(root, 5, true, 1), 0xffff_f001);
    assert.ok(physicalMap.setEntry(root, 5, 0x8000_0000));
    assert.equal(physicalMap.resolve(root, 5, false, 1), 0x8000_0000);
  });

  test('memory that may not be written is never given as writable', () => {
    const { heap, frames, physicalMap } = smallMachine(FRAMES);
    const root = heap.allocate(P2M_ROOT_BYTES);
    physicalMap.setEntry(root, 3, P2M_UNTOUCHED);
    const frame = physicalMap.resolve(root, 3, true, 1);
    assert.equal(frame % FRAME_SIZE, 0);
    assert.equal(physicalMap.resolve(root, 3, true, 1), frame);
    assert.equal(frames.owner(frame), 1);
  });

  test('a full heap is told, and clearing gives the tables back', () => {
    const { memory, heap, physicalMap } = smallMachine(FRAMES);
    const root = heap.allocate(P2M_ROOT_BYTES);
    const fill = (): number => {
      let count = 0;
      while (physicalMap.addRam(root, count * 1024, 1)) count++;
      return count;
    };
    const first = fill();
    assert.ok(first > 10);
    physicalMap.clear(root);
    assert.ok(memory.u32.subarray(root >>> 2, (root + P2M_ROOT_BYTES) >>> 2).every((word) => word === 0));
    assert.equal(fill(), first);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { undefinedInstruction } from '../../src/cpu/arm64/instructions/system.ts';
import { a64Instructions } from '../../src/cpu/arm64/instructions/table.ts';
import { RECORDS } from '../../src/cpu/code-page.ts';
import { Decoder } from '../../src/cpu/decoder.ts';
import { EffectTable } from '../../src/cpu/tiers/effects.ts';
import { type Block, type CodeWindow, dominates, findRegion } from '../../src/cpu/tiers/region.ts';

const decoder = new Decoder(a64Instructions, undefinedInstruction);
const effects = new EffectTable(decoder);

/** The code of one page whose neighbours are unknown. */
const onePage = (wordAt: (position: number) => number): CodeWindow => ({
  has: (position) => position >= 0 && position < RECORDS,
  wordAt,
});

const ADD = 0x9100_0400;
const RETURN = 0xd65f_03c0;
const MAX_INSTRUCTIONS = 512;

/** One instruction of a random program; branches go `distance` instructions on. */
interface Step {
  readonly kind: 'add' | 'jump' | 'branch' | 'compareBranch' | 'call' | 'return';
  readonly distance: number;
}

const encodeStep = ({ kind, distance }: Step): number => {
  switch (kind) {
    case 'add':
      return ADD;
    case 'jump':
      return 0x1400_0000 | (distance & 0x3ff_ffff);
    case 'branch':
      return 0x5400_0000 | ((distance & 0x7_ffff) << 5);
    case 'compareBranch':
      return 0xb400_0000 | ((distance & 0x7_ffff) << 5);
    case 'call':
      return 0x9400_0000 | (distance & 0x3ff_ffff);
    case 'return':
      return RETURN;
  }
};

/** Where a step at a position may go on to inside the page. */
const goals = ({ kind, distance }: Step, position: number): number[] => {
  const list: number[] = [];
  if (kind !== 'jump' && kind !== 'return') list.push(position + 1);
  if (kind === 'jump' || kind === 'branch' || kind === 'compareBranch') list.push(position + distance);
  return list.filter((goal) => goal >= 0 && goal < RECORDS);
};

const startOf = (block: Block): number => block.instructions[0].position;

/** A program at the positions from `base` on, returns everywhere else, and its region. */
class Program {
  readonly #steps: ReadonlyMap<number, Step>;
  readonly entry: number;
  readonly blocks: readonly Block[];

  constructor(steps: readonly Step[], base: number, entry: number) {
    this.#steps = new Map(steps.map((step, index) => [base + index, step]));
    this.entry = entry;
    this.blocks = findRegion(
      decoder,
      effects,
      entry,
      onePage((position) => encodeStep(this.stepAt(position))),
    );
  }

  stepAt(position: number): Step {
    return this.#steps.get(position) ?? { kind: 'return', distance: 0 };
  }

  /** Positions that control can reach from the entry without passing `avoided`. */
  reachable(avoided = -1): Set<number> {
    const seen = new Set<number>();
    const work = this.entry === avoided ? [] : [this.entry];
    for (let position = work.pop(); position !== undefined; position = work.pop()) {
      if (seen.has(position)) continue;
      seen.add(position);
      work.push(...goals(this.stepAt(position), position).filter((goal) => goal !== avoided));
    }
    return seen;
  }
}

const LENGTH = 24;
const step = fc.record({
  kind: fc.constantFrom<Step['kind']>('add', 'add', 'jump', 'branch', 'branch', 'compareBranch', 'call', 'return'),
  distance: fc.integer({ min: -LENGTH, max: LENGTH }),
});
/** Small enough for everything reachable to be in the region; at the page's start, middle and end. */
const program = fc
  .record({
    steps: fc.array(step, { minLength: 1, maxLength: LENGTH, size: 'max' }),
    base: fc.constantFrom(0, 500, RECORDS - LENGTH),
    entry: fc.nat(),
  })
  .map(({ steps, base, entry }) => new Program(steps, base, base + (entry % steps.length)));

const check = (body: (program: Program) => void): void => fc.assert(fc.property(program, body), { numRuns: 400 });

describe('random control flow', () => {
  test('the blocks are all that is reachable, each instruction once, and control enters them at their start only', () => {
    check((made) => {
      const positions = made.blocks.flatMap(({ instructions }) => instructions.map(({ position }) => position));
      assert.equal(new Set(positions).size, positions.length);
      assert.deepEqual(new Set(positions), made.reachable());
      assert.equal(startOf(made.blocks[0]), made.entry);
      const starts = new Set(made.blocks.map(startOf));
      for (const { instructions } of made.blocks) {
        for (const [index, { position }] of instructions.entries()) {
          assert.equal(position, instructions[0].position + index);
          const goesOn = goals(made.stepAt(position), position);
          const last = index === instructions.length - 1;
          if (!last) assert.deepEqual(goesOn, [position + 1]);
          else for (const goal of goesOn) assert.ok(starts.has(goal), `${position} goes to ${goal}`);
        }
      }
    });
  });

  test('edges lead where the instructions do, and every block can be reached by those that are left', () => {
    check((made) => {
      const seen = new Set<Block>();
      const work = [made.blocks[0]];
      for (let block = work.pop(); block !== undefined; block = work.pop()) {
        if (seen.has(block)) continue;
        seen.add(block);
        const { position } = block.instructions.at(-1) ?? { position: -1 };
        const { kind, distance } = made.stepAt(position);
        const falls = kind !== 'jump' && kind !== 'return';
        if (block.next !== null) {
          assert.ok(falls);
          assert.equal(startOf(block.next), position + 1);
          work.push(block.next);
        }
        if (block.taken !== null) {
          assert.ok(kind !== 'add' && kind !== 'call');
          assert.equal(startOf(block.taken), position + distance);
          work.push(block.taken);
        }
      }
      assert.deepEqual(seen, new Set(made.blocks));
    });
  });

  test('dominators are what control cannot avoid', () => {
    check((made) => {
      for (const a of made.blocks) {
        const without = made.reachable(startOf(a));
        for (const b of made.blocks) {
          assert.equal(dominates(a, b), !without.has(startOf(b)), `${startOf(a)} over ${startOf(b)}`);
        }
        assert.deepEqual(
          a.dominated,
          made.blocks.filter((block) => block !== a && block.dominator === a && block !== made.blocks[0]),
        );
      }
    });
  });

  test('what is left is reducible: edges go forward or back to a dominator, and only others were cut', () => {
    check((made) => {
      const blocks = new Map(made.blocks.map((block) => [startOf(block), block]));
      const forward = new Map(made.blocks.map((block) => [block, 0]));
      const headers = new Set<Block>();
      assert.ok(made.blocks.every(({ order }, index) => order === index));
      for (const block of made.blocks) {
        for (const to of [block.next, block.taken]) {
          if (to === null) continue;
          if (to.order > block.order) forward.set(to, (forward.get(to) ?? 0) + 1);
          else {
            assert.ok(dominates(to, block));
            headers.add(to);
          }
        }
        const { position } = block.instructions.at(-1) ?? { position: -1 };
        for (const goal of goals(made.stepAt(position), position)) {
          const to = blocks.get(goal);
          assert.ok(to !== undefined);
          const kept = block.next === to || block.taken === to;
          assert.equal(kept, to.order > block.order || dominates(to, block), `${position} to ${goal}`);
        }
      }
      for (const block of made.blocks) {
        assert.equal(block.forwardEdges, forward.get(block));
        assert.equal(block.loopHeader, headers.has(block));
      }
    });
  });
});

describe('limits', () => {
  test('straight code ends after so many instructions, or with the page', () => {
    const straight = (entry: number): readonly Block[] =>
      findRegion(
        decoder,
        effects,
        entry,
        onePage(() => ADD),
      );
    const [whole, ...others] = straight(0);
    assert.equal(others.length, 0);
    assert.equal(whole.instructions.length, MAX_INSTRUCTIONS);
    assert.deepEqual([whole.next, whole.taken], [null, null]);
    const [end] = straight(RECORDS - 3);
    assert.equal(end.instructions.length, 3);
    assert.equal(end.next, null);
  });

  test('a page of nothing but branches', () => {
    const word = (position: number): number =>
      encodeStep({ kind: 'branch', distance: (Math.imul(position, 0x9e37_79b1) >>> 22) - position });
    const blocks = findRegion(decoder, effects, 100, onePage(word));
    const instructions = blocks.flatMap((block) => block.instructions);
    assert.ok(instructions.length <= MAX_INSTRUCTIONS);
    assert.equal(blocks.length, instructions.length);
    assert.ok(blocks.every(({ order }, index) => order === index));
  });

  test('one instruction that leaves at once, or that branches to itself', () => {
    const [only] = findRegion(
      decoder,
      effects,
      5,
      onePage(() => RETURN),
    );
    assert.deepEqual([only.instructions.length, only.next, only.taken, only.loopHeader], [1, null, null, false]);
    const loop = findRegion(
      decoder,
      effects,
      5,
      onePage(() => encodeStep({ kind: 'jump', distance: 0 })),
    );
    assert.equal(loop.length, 1);
    assert.equal(loop[0].taken, loop[0]);
    assert.ok(loop[0].loopHeader);
  });
});

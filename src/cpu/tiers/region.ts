import { RECORDS } from '../code-page.ts';
import type { Decoded, Decoder } from '../decoder.ts';
import { operandAt } from '../instruction.ts';
import type { Effects, EffectTable } from './effects.ts';
import { Flow } from './effects.ts';

/**
 * Regions: the piece of code that the hot tier makes one wasm function of. A region has one entry, follows direct branches, and
 * goes on behind calls; it may extend over neighbouring pages. All else leaves it.
 */

export interface RegionInstruction extends Decoded {
  /** Position in instructions from the start of the entry's page; negative or beyond that page in a neighbouring one. */
  readonly position: number;
  readonly effects: Effects;
}

export interface Block {
  readonly instructions: RegionInstruction[];
  readonly flow: Flow;
  /** The block that follows when no branch is taken, or after a call; null if that lies outside the region. */
  next: Block | null;
  /** The block a direct branch goes to; null if it lies outside. */
  taken: Block | null;
  /** Number in reverse postorder. */
  order: number;
  /** Immediate dominator; the entry is its own. */
  dominator: Block;
  /** Blocks this one immediately dominates, in reverse postorder. */
  readonly dominated: Block[];
  /** Whether a branch from a block that this one dominates comes back here. */
  loopHeader: boolean;
  /** Forward edges that arrive here. */
  forwardEdges: number;
}

/** The code around an entry, by positions as in RegionInstruction. */
export interface CodeWindow {
  /** Whether the page of a position is known to be executable, and may be part of a region. */
  has(position: number): boolean;
  wordAt(position: number): number;
}

const MAX_INSTRUCTIONS = 512;
const MAX_BLOCKS = 50;
/** How far a region extends from its entry's page, in pages. */
export const REGION_REACH = 2;

/** The branch distance in bytes of an instruction that has a target operand. */
const distanceOf = ({ entry, fields }: Decoded): number => {
  for (let i = 0; i < entry.operands.length; i++) {
    const operand = operandAt(entry, i);
    if (operand.kind === 'target') return operand.get(fields);
  }
  throw new Error(`${entry.name} branches but has no target`);
};

/** Where a direct branch or call goes. */
export const targetPosition = (instruction: RegionInstruction): number =>
  instruction.position + distanceOf(instruction) / 4;

/** The page of a position, counted from the entry's. */
export const pageOfPosition = (position: number): number => Math.floor(position / RECORDS);

interface Scan {
  readonly instructions: Map<number, RegionInstruction>;
  readonly leaders: Set<number>;
}

const decodeAt = (decoder: Decoder, effects: EffectTable, word: number, position: number): RegionInstruction => {
  const { entry, fields, index } = decoder.decode(word);
  return { entry, fields, index, position, effects: effects.of(decoder.handlerAt(index, word)) };
};

/** Finds the instructions reachable from `entry` and where blocks begin. */
const scan = (decoder: Decoder, effects: EffectTable, entry: number, code: CodeWindow): Scan => {
  const found: Scan = { instructions: new Map(), leaders: new Set([entry]) };
  const work = [entry];
  while (work.length > 0 && found.leaders.size <= MAX_BLOCKS) {
    let position = work.shift() as number;
    while (
      code.has(position) &&
      !found.instructions.has(position) &&
      found.instructions.size < MAX_INSTRUCTIONS &&
      found.leaders.size <= MAX_BLOCKS
    ) {
      const word = code.wordAt(position);
      const instruction = decodeAt(decoder, effects, word, position);
      const { flow } = instruction.effects;
      found.instructions.set(position, instruction);
      position++;
      if (flow === Flow.next) continue;
      if (flow === Flow.jump || flow === Flow.branch) {
        const goal = targetPosition(instruction);
        if (code.has(goal)) {
          found.leaders.add(goal);
          work.push(goal);
        }
      }
      if (flow === Flow.jump || flow === Flow.leave) break;
      found.leaders.add(position);
    }
  }
  return found;
};

class FoundBlock implements Block {
  readonly instructions: RegionInstruction[];
  readonly flow: Flow;
  next: Block | null = null;
  taken: Block | null = null;
  order = -1;
  dominator: Block = this;
  readonly dominated: Block[] = [];
  loopHeader = false;
  forwardEdges = 0;

  constructor(instructions: RegionInstruction[], flow: Flow) {
    this.instructions = instructions;
    this.flow = flow;
  }
}

/** Cuts the scanned instructions into blocks, by the position of their first. */
const cutBlocks = ({ instructions, leaders }: Scan): Map<number, Block> => {
  const blocks = new Map<number, Block>();
  for (const leader of leaders) {
    const body: RegionInstruction[] = [];
    let position = leader;
    let flow: Flow = Flow.next;
    for (;;) {
      const instruction = instructions.get(position);
      if (instruction === undefined) break;
      body.push(instruction);
      flow = instruction.effects.flow;
      position++;
      if (flow !== Flow.next || leaders.has(position)) break;
    }
    if (body.length > 0) blocks.set(leader, new FoundBlock(body, flow));
  }
  return blocks;
};

const link = (blocks: Map<number, Block>): void => {
  for (const block of blocks.values()) {
    const last = block.instructions.at(-1) as RegionInstruction;
    if (block.flow !== Flow.jump && block.flow !== Flow.leave) block.next = blocks.get(last.position + 1) ?? null;
    if (block.flow === Flow.jump || block.flow === Flow.branch) block.taken = blocks.get(targetPosition(last)) ?? null;
  }
};

const successors = (block: Block): Block[] => {
  const list: Block[] = [];
  if (block.next !== null) list.push(block.next);
  if (block.taken !== null && block.taken !== block.next) list.push(block.taken);
  return list;
};

/** The blocks reachable from the entry in reverse postorder, numbered. */
const order = (entry: Block): Block[] => {
  const postorder: Block[] = [];
  const seen = new Set<Block>();
  const visit = (block: Block): void => {
    seen.add(block);
    for (const successor of successors(block)) if (!seen.has(successor)) visit(successor);
    postorder.push(block);
  };
  visit(entry);
  const blocks = postorder.reverse();
  blocks.forEach((block, index) => {
    block.order = index;
  });
  return blocks;
};

/** Cooper, Harvey and Kennedy's iterative dominators. */
const findDominators = (blocks: readonly Block[]): void => {
  const predecessors = new Map<Block, Block[]>(blocks.map((block) => [block, []]));
  for (const block of blocks) for (const successor of successors(block)) predecessors.get(successor)?.push(block);
  const known = new Set<Block>([blocks[0] as Block]);
  const common = (one: Block, other: Block): Block => {
    let a = one;
    let b = other;
    while (a !== b) {
      while (a.order > b.order) a = a.dominator;
      while (b.order > a.order) b = b.dominator;
    }
    return a;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (const block of blocks.slice(1)) {
      let dominator: Block | null = null;
      for (const predecessor of predecessors.get(block) as Block[]) {
        if (!known.has(predecessor)) continue;
        dominator = dominator === null ? predecessor : common(predecessor, dominator);
      }
      if (dominator !== null && (block.dominator !== dominator || !known.has(block))) {
        block.dominator = dominator;
        known.add(block);
        changed = true;
      }
    }
  }
  for (const block of blocks.slice(1)) block.dominator.dominated.push(block);
};

/** Whether `a` dominates `b`. */
export const dominates = (a: Block, b: Block): boolean => {
  let block = b;
  while (block.order > a.order) block = block.dominator;
  return block === a;
};

/** Cuts the edges that go back to a block which does not dominate their source, and marks loops. */
const classifyEdges = (blocks: readonly Block[]): void => {
  for (const block of blocks) {
    const visit = (successor: Block | null): Block | null => {
      if (successor === null) return null;
      if (successor.order > block.order) {
        successor.forwardEdges++;
        return successor;
      }
      if (!dominates(successor, block)) return null;
      successor.loopHeader = true;
      return successor;
    };
    const same = block.taken === block.next;
    block.next = visit(block.next);
    block.taken = same ? block.next : visit(block.taken);
    if (same && block.next !== null && block.next.order > block.order) block.next.forwardEdges++;
  }
};

/**
 * Finds the region that begins at instruction `entry` of a page. The blocks come in reverse postorder, the entry first; control
 * flow among them is reducible.
 */
export const findRegion = (decoder: Decoder, effects: EffectTable, entry: number, code: CodeWindow): Block[] => {
  const blocks = cutBlocks(scan(decoder, effects, entry, code));
  link(blocks);
  const ordered = order(blocks.get(entry) as Block);
  findDominators(ordered);
  classifyEdges(ordered);
  return ordered;
};

import { FunctionBuilder } from '../../wasm/function-builder.ts';
import { ModuleBuilder } from '../../wasm/module-builder.ts';
import { ValueType } from '../../wasm/opcodes.ts';
import type { Architecture } from '../architecture.ts';
import { Exit } from '../exits.ts';
import { type BlockEnd, HotBuilder } from './hot-builder.ts';
import { declareImports } from './imports.ts';
import { type Block, dominates, type RegionInstruction } from './region.ts';

/**
 * The hot tier: a region becomes one wasm function with structured control flow. Blocks nest by their dominator tree (a block
 * with several forward edges follows a wasm block that its dominator opens; a loop header opens a wasm loop), so every branch
 * inside the region is a wasm branch.
 */

class RegionEmitter {
  readonly #code: FunctionBuilder;
  readonly #builder: HotBuilder;
  /** The wasm label that a branch to each open merge block or loop header uses. */
  readonly #labels = new Map<Block, number>();
  readonly #loops = new Map<Block, number>();

  constructor(code: FunctionBuilder, builder: HotBuilder) {
    this.#code = code;
    this.#builder = builder;
  }

  /** Emits a block and all that it dominates. */
  emitTree(block: Block): void {
    if (block.loopHeader) this.#loops.set(block, this.#code.loop());
    const merges = block.dominated.filter((child) => child.forwardEdges > 1).sort((a, b) => a.order - b.order);
    this.#emitWithin(block, merges);
    if (block.loopHeader) this.#code.end();
  }

  /** Emits a block inside the wasm blocks whose ends the merge blocks follow. */
  #emitWithin(block: Block, merges: readonly Block[]): void {
    const last = merges.at(-1);
    if (last === undefined) {
      this.#emitBlock(block);
      return;
    }
    this.#labels.set(last, this.#code.block());
    this.#emitWithin(block, merges.slice(0, -1));
    this.#code.end();
    this.emitTree(last);
  }

  #emitBlock(block: Block): void {
    const { instructions } = block;
    const last = instructions.at(-1) as RegionInstruction;
    const end: BlockEnd = {
      taken: () => this.#goTo(block, block.taken, takenPosition(last)),
      next: () => this.#goTo(block, block.next, last.position + 1),
    };
    this.#builder.countBlock(instructions.length);
    for (let i = 0; i < instructions.length; i++) {
      this.#builder.describe(instructions[i] as RegionInstruction, instructions.length - 1 - i, end);
    }
  }

  /** Emits the edge from one block to another, or out of the region. */
  #goTo(from: Block, to: Block | null, position: number): void {
    if (to === null) {
      this.#builder.leaveAt(position, Exit.continue);
    } else if (to.order <= from.order && dominates(to, from)) {
      this.#builder.checkBudget(position);
      this.#code.br(this.#loops.get(to) as number);
    } else if (to.forwardEdges > 1) {
      this.#code.br(this.#labels.get(to) as number);
    } else {
      this.emitTree(to);
    }
  }
}

/** Where a block's last instruction branches to, in instructions from the page's start; may lie outside the page. */
const takenPosition = ({ entry, fields, position }: RegionInstruction): number => {
  for (const [, operand] of entry.operands) if (operand.kind === 'target') return position + operand.get(fields) / 4;
  return position;
};

const { i32, i64 } = ValueType;

/** Encodes a module whose function `r` is the region of these blocks (see findRegion). */
export const encodeRegion = (
  architecture: Architecture,
  blocks: readonly Block[],
  memoryPages: number,
): Uint8Array<ArrayBuffer> => {
  const module = new ModuleBuilder();
  const imports = declareImports(module, memoryPages);
  const code = new FunctionBuilder([i32, i64]);
  const builder = new HotBuilder(code, imports, architecture);
  builder.open(blocks.flatMap((block) => block.instructions));
  new RegionEmitter(code, builder).emitTree(blocks[0] as Block);
  builder.close();
  module.exportFunction('r', module.function(imports.regionType, code));
  return module.encode();
};

/** Encodes a module whose function `r` stands where a thread has not made a region yet. */
export const encodeAbsentRegion = (): Uint8Array<ArrayBuffer> => {
  const module = new ModuleBuilder();
  const code = new FunctionBuilder([i32, i64]);
  code.i32Const(Exit.notInstalled);
  module.exportFunction('r', module.function(module.type([i32, i64], [i32]), code));
  return module.encode();
};

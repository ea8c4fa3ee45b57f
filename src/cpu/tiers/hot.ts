import { FunctionBuilder } from '../../wasm/function-builder.ts';
import { ModuleBuilder } from '../../wasm/module-builder.ts';
import { ValueType } from '../../wasm/opcodes.ts';
import type { Architecture } from '../architecture.ts';
import type { Exit } from '../exits.ts';
import { Flow } from './effects.ts';
import { type BlockEnd, type Facts, HotBuilder, noFacts } from './hot-builder.ts';
import { declareImports, type ImportIndices } from './imports.ts';
import { type Block, dominates, type RegionInstruction, targetPosition } from './region.ts';
import type { RegionPages } from './region-links.ts';
import { type BlockUse, findRegisterUse, isCall, type RegisterUse } from './register-use.ts';

/**
 * The hot tier: a region becomes one wasm function with structured control flow. Blocks nest by their dominator tree (a block
 * with several forward edges follows a wasm block that its dominator opens; a loop header opens a wasm loop), so every branch
 * inside the region is a wasm branch.
 */

class RegionEmitter {
  readonly #code: FunctionBuilder;
  readonly #builder: HotBuilder;
  readonly #use: RegisterUse;
  /** The wasm label that a branch to each open merge block or loop header uses. */
  readonly #labels = new Map<Block, number>();
  readonly #loops = new Map<Block, number>();

  constructor(code: FunctionBuilder, builder: HotBuilder, use: RegisterUse) {
    this.#code = code;
    this.#builder = builder;
    this.#use = use;
  }

  /** Emits a block and all that it dominates; `facts` hold where it begins. */
  emitTree(block: Block, facts: Facts): void {
    this.#builder.facts = block.loopHeader ? noFacts : facts;
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
    this.emitTree(last, noFacts);
  }

  #emitBlock(block: Block): void {
    const { instructions } = block;
    const last = instructions.at(-1) as RegionInstruction;
    const end: BlockEnd = {
      taken: () => this.#goTo(block, block.taken, end.target),
      next: () => this.#goTo(block, block.next, last.position + 1),
      target: hasTarget(block.flow) ? targetPosition(last) : last.position,
    };
    const after = block.next === null ? null : this.#useOf(block.next);
    this.#builder.openBlock(this.#useOf(block), instructions.length);
    for (let i = 0; i < instructions.length; i++) {
      this.#builder.describe(instructions[i] as RegionInstruction, instructions.length - 1 - i, end, after);
    }
  }

  #useOf(block: Block): BlockUse {
    return this.#use.blocks.get(block) as BlockUse;
  }

  /** Emits the edge from one block to another, or out of the region. */
  #goTo(from: Block, to: Block | null, position: number): void {
    if (to === null) {
      this.#builder.goOnAt(position);
    } else if (to.order <= from.order && dominates(to, from)) {
      this.#builder.checkBudget(position);
      this.#code.br(this.#loops.get(to) as number);
    } else if (to.forwardEdges > 1) {
      this.#code.br(this.#labels.get(to) as number);
    } else {
      this.emitTree(to, this.#builder.facts);
    }
  }
}

const hasTarget = (flow: Flow): boolean => flow === Flow.jump || flow === Flow.branch || flow === Flow.call;

const { i32, i64 } = ValueType;

/** What becomes a function: blocks as findRegion gives them, which lie in `pages`. */
export interface Region {
  readonly blocks: readonly Block[];
  readonly pages: RegionPages;
  /** What profilers show. */
  readonly name?: string | undefined;
}

/** Encodes regions; what their modules have in common, and the memory that they are written in, is kept from one to the next. */
export class RegionEncoder {
  readonly #architecture: Architecture;
  /** Has the types and imports. */
  readonly #base = new ModuleBuilder();
  readonly #imports: ImportIndices;
  readonly #bodies: FunctionBuilder[] = [];

  constructor(architecture: Architecture, memoryPages: number) {
    this.#architecture = architecture;
    this.#imports = declareImports(this.#base, memoryPages);
  }

  /** Encodes a module that puts regions into the regions' table when it is instantiated, from a slot on. */
  encode(regions: readonly Region[], firstSlot: number): Uint8Array<ArrayBuffer> {
    const module = new ModuleBuilder(this.#base);
    const functions = regions.map((region, index) => {
      this.#bodies[index] ??= new FunctionBuilder();
      const code = this.#bodies[index];
      this.#write(code, region);
      const number = module.function(this.#imports.regionType, code);
      if (region.name !== undefined) module.nameFunction(number, region.name);
      return number;
    });
    module.activeElements(this.#imports.regionTable, firstSlot, functions);
    return module.encode();
  }

  #write(code: FunctionBuilder, { blocks, pages }: Region): void {
    code.reset([i32, i64, i32]);
    const use = findRegisterUse(this.#architecture, blocks);
    const builder = new HotBuilder(code, this.#imports, this.#architecture, use, pages);
    const entry = blocks[0] as Block;
    builder.open(use.blocks.get(entry) as BlockUse, blocks.some(isCall));
    new RegionEmitter(code, builder, use).emitTree(entry, builder.facts);
    builder.close();
  }
}

/** Encodes a module whose function `r` stands in place of a region, and only gives an Exit. */
export const encodeStub = (exit: Exit): Uint8Array<ArrayBuffer> => {
  const module = new ModuleBuilder();
  const code = new FunctionBuilder([i32, i64, i32]);
  code.i32Const(exit);
  module.exportFunction('r', module.function(module.type([i32, i64, i32], [i32]), code));
  return module.encode();
};

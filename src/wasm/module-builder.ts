import { ByteWriter, u32Size } from './byte-writer.ts';
import type { ConstantExpression } from './constant-expression.ts';
import type { FunctionBuilder } from './function-builder.ts';
import type { ValueType } from './opcodes.ts';
import {
  checkMemory,
  ExternalKind,
  type MemoryLimits,
  NameSubsection,
  SectionId,
  type TableLimits,
  VectorSection,
  writeCustomSection,
  writeIndices,
  writeMemory,
  writeNameMap,
  writeOffset,
  writeTable,
  writeTypes,
} from './sections.ts';

interface FunctionType {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** A defined function; `body` is absent until `defineFunction`. */
interface DefinedFunction {
  readonly type: number;
  body: FunctionBuilder | undefined;
  generation: number;
  codeLength: number;
}

/**
 * Collects the parts of a module and encodes it. Indices are handed out as parts are added; in each index space imports
 * come first, so importing after defining is an error. Function bodies are read when the module is encoded: a builder
 * must stay as it is from `function` or `defineFunction` until `encode`.
 * Source: WebAssembly core specification 3.0, "Binary format: Modules"; branch hinting proposal.
 */
export class ModuleBuilder {
  readonly #types = new VectorSection(SectionId.type);
  readonly #imports = new VectorSection(SectionId.import);
  readonly #tables = new VectorSection(SectionId.table);
  readonly #memories = new VectorSection(SectionId.memory);
  readonly #globals = new VectorSection(SectionId.global);
  readonly #exports = new VectorSection(SectionId.export);
  readonly #elements = new VectorSection(SectionId.element);
  readonly #data = new VectorSection(SectionId.data);
  readonly #customSections = new ByteWriter(0);

  readonly #functionTypes: FunctionType[];
  readonly #typeIndices: Map<string, number>;
  readonly #functions: DefinedFunction[] = [];
  #importedFunctions = 0;
  #importedTables = 0;
  #importedMemories = 0;
  #importedGlobals = 0;
  #startFunction: number | undefined;

  #moduleName: string | undefined;
  readonly #functionNames = new Map<number, string>();
  readonly #localNames = new Map<number, Map<number, string>>();

  /** `base` is a module whose types and imports this one has, too, with the same indices. */
  constructor(base: ModuleBuilder | null = null) {
    this.#functionTypes = base === null ? [] : [...base.#functionTypes];
    this.#typeIndices = new Map(base === null ? [] : base.#typeIndices);
    if (base === null) return;
    this.#types.copy(base.#types);
    this.#imports.copy(base.#imports);
    this.#importedFunctions = base.#importedFunctions;
    this.#importedTables = base.#importedTables;
    this.#importedMemories = base.#importedMemories;
    this.#importedGlobals = base.#importedGlobals;
  }

  /** The index of the function type; equal types share one. */
  type(params: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${params.join()}>${results.join()}`;
    const known = this.#typeIndices.get(key);
    if (known !== undefined) return known;
    const out = this.#types.add();
    out.u8(0x60);
    writeTypes(out, params);
    writeTypes(out, results);
    this.#functionTypes.push({ params: [...params], results: [...results] });
    this.#typeIndices.set(key, this.#functionTypes.length - 1);
    return this.#functionTypes.length - 1;
  }

  // Imports: each returns its index in its own index space.

  importFunction(module: string, name: string, typeIndex: number): number {
    const out = this.#import(module, name, ExternalKind.function, this.#functions.length);
    out.u32(typeIndex);
    return this.#importedFunctions++;
  }

  importTable(module: string, name: string, limits: TableLimits): number {
    writeTable(this.#import(module, name, ExternalKind.table, this.#tables.count), limits);
    return this.#importedTables++;
  }

  importMemory(module: string, name: string, limits: MemoryLimits): number {
    checkMemory(limits);
    writeMemory(this.#import(module, name, ExternalKind.memory, this.#memories.count), limits);
    return this.#importedMemories++;
  }

  importGlobal(module: string, name: string, type: ValueType, mutable: boolean): number {
    const out = this.#import(module, name, ExternalKind.global, this.#globals.count);
    out.u8(type);
    out.u8(mutable ? 1 : 0);
    return this.#importedGlobals++;
  }

  #import(module: string, name: string, kind: ExternalKind, definedOfKind: number): ByteWriter {
    if (definedOfKind !== 0) {
      throw new Error(`import ${module}.${name} must come before definitions of its kind (there are ${definedOfKind})`);
    }
    const out = this.#imports.add();
    out.name(module);
    out.name(name);
    out.u8(kind);
    return out;
  }

  // Definitions

  /** Adds a function and returns its index. */
  function(typeIndex: number, body: FunctionBuilder): number {
    const index = this.declareFunction(typeIndex);
    this.defineFunction(index, body);
    return index;
  }

  /** Reserves the index of a function whose body comes later, so that bodies can call each other. */
  declareFunction(typeIndex: number): number {
    if (typeIndex >= this.#functionTypes.length) throw new RangeError(`no function type ${typeIndex}`);
    this.#functions.push({ type: typeIndex, body: undefined, generation: 0, codeLength: 0 });
    return this.#importedFunctions + this.#functions.length - 1;
  }

  /** Gives a declared function its body, whose parameters must be those of the type. */
  defineFunction(index: number, body: FunctionBuilder): void {
    const definition = this.#functions[index - this.#importedFunctions];
    if (definition === undefined) throw new RangeError(`function ${index} is not one this module defines`);
    if (definition.body !== undefined) throw new Error(`function ${index} is defined twice`);
    const { params } = this.#functionTypes[definition.type];
    if (body.paramCount !== params.length || params.some((type, i) => body.localType(i) !== type)) {
      throw new TypeError(`function ${index}: the body's parameters differ from those of type ${definition.type}`);
    }
    body.finish();
    definition.body = body;
    definition.generation = body.generation;
    definition.codeLength = body.code.length;
  }

  table(limits: TableLimits): number {
    writeTable(this.#tables.add(), limits);
    return this.#importedTables + this.#tables.count - 1;
  }

  memory(limits: MemoryLimits): number {
    checkMemory(limits);
    writeMemory(this.#memories.add(), limits);
    return this.#importedMemories + this.#memories.count - 1;
  }

  global(type: ValueType, mutable: boolean, initial: ConstantExpression): number {
    const out = this.#globals.add();
    out.u8(type);
    out.u8(mutable ? 1 : 0);
    out.raw(initial);
    return this.#importedGlobals + this.#globals.count - 1;
  }

  exportFunction(name: string, index: number): void {
    this.#export(name, ExternalKind.function, index);
  }

  exportTable(name: string, index: number): void {
    this.#export(name, ExternalKind.table, index);
  }

  exportMemory(name: string, index: number): void {
    this.#export(name, ExternalKind.memory, index);
  }

  exportGlobal(name: string, index: number): void {
    this.#export(name, ExternalKind.global, index);
  }

  #export(name: string, kind: ExternalKind, index: number): void {
    const out = this.#exports.add();
    out.name(name);
    out.u8(kind);
    out.u32(index);
  }

  /** The function, without parameters or results, that instantiation runs. */
  start(functionIndex: number): void {
    this.#startFunction = functionIndex;
  }

  // Segments: each returns its index among the segments of its sort.

  /** Functions that instantiation puts into a table of funcref, from `offset` (a number, or an i32 expression) on. */
  activeElements(table: number, offset: number | ConstantExpression, functions: ArrayLike<number>): number {
    const out = this.#elements.add();
    // The short form (0) means table 0; the long one (2) names the table and the kind of element, 0 for functions.
    out.u8(table === 0 ? 0 : 2);
    if (table !== 0) out.u32(table);
    writeOffset(out, offset);
    if (table !== 0) out.u8(0);
    writeIndices(out, functions);
    return this.#elements.count - 1;
  }

  /** Functions for `table.init`. */
  passiveElements(functions: ArrayLike<number>): number {
    return this.#unplacedElements(1, functions);
  }

  /** Functions that bodies may name in `ref.func`. */
  declarativeElements(functions: ArrayLike<number>): number {
    return this.#unplacedElements(3, functions);
  }

  #unplacedElements(mode: number, functions: ArrayLike<number>): number {
    const out = this.#elements.add();
    out.u8(mode);
    out.u8(0);
    writeIndices(out, functions);
    return this.#elements.count - 1;
  }

  /** Bytes that instantiation puts into memory 0, from `offset` (a number, or an i32 expression) on. */
  activeData(offset: number | ConstantExpression, bytes: Uint8Array): number {
    const out = this.#data.add();
    out.u8(0);
    writeOffset(out, offset);
    out.u32(bytes.length);
    out.raw(bytes);
    return this.#data.count - 1;
  }

  /** Bytes for `memory.init`. */
  passiveData(bytes: Uint8Array): number {
    const out = this.#data.add();
    out.u8(1);
    out.u32(bytes.length);
    out.raw(bytes);
    return this.#data.count - 1;
  }

  // Custom sections

  /** Adds a custom section, placed after all others. */
  customSection(name: string, content: Uint8Array): void {
    writeCustomSection(this.#customSections, name, content);
  }

  // Names appear in stack traces, profiles and disassembly.

  nameModule(name: string): void {
    this.#moduleName = name;
  }

  nameFunction(index: number, name: string): void {
    this.#functionNames.set(index, name);
  }

  nameLocal(functionIndex: number, localIndex: number, name: string): void {
    let names = this.#localNames.get(functionIndex);
    if (names === undefined) {
      names = new Map();
      this.#localNames.set(functionIndex, names);
    }
    names.set(localIndex, name);
  }

  // Encoding

  /** The module's bytes, in a buffer of their own and of exactly their size, so it can be transferred. */
  encode(): Uint8Array<ArrayBuffer> {
    const before = new ByteWriter(this.#imports.entries.length + this.#hintSize() + 512);
    const after = new ByteWriter(0);
    this.#encodeBeforeCode(before);
    this.#encodeAfterCode(after);
    const codeSize = this.#codeSize();
    const codeSectionSize = this.#functions.length > 0 ? 1 + u32Size(codeSize) + codeSize : 0;
    const out = new ByteWriter(before.length + codeSectionSize + after.length);
    out.append(before);
    if (this.#functions.length > 0) this.#encodeCode(out, codeSize);
    out.append(after);
    return out.bytes();
  }

  #encodeBeforeCode(out: ByteWriter): void {
    out.fixed32(0x6d736100); // "\0asm"
    out.fixed32(1);
    this.#types.encode(out);
    this.#imports.encode(out);
    this.#encodeFunctions(out);
    this.#tables.encode(out);
    this.#memories.encode(out);
    this.#globals.encode(out);
    this.#exports.encode(out);
    if (this.#startFunction !== undefined) {
      out.u8(SectionId.start);
      out.u32(u32Size(this.#startFunction));
      out.u32(this.#startFunction);
    }
    this.#elements.encode(out);
    if (this.#data.count > 0) {
      out.u8(SectionId.dataCount);
      out.u32(u32Size(this.#data.count));
      out.u32(this.#data.count);
    }
    this.#encodeBranchHints(out);
  }

  #encodeAfterCode(out: ByteWriter): void {
    this.#data.encode(out);
    this.#encodeNames(out);
    out.append(this.#customSections);
  }

  #encodeFunctions(out: ByteWriter): void {
    const section = new VectorSection(SectionId.function);
    for (const { type } of this.#functions) section.add().u32(type);
    section.encode(out);
  }

  /** How many bytes the branch hints take at most, in functions of less than two megabytes. */
  #hintSize(): number {
    let size = 0;
    for (let i = 0; i < this.#functions.length; i++) size += 10 + 5 * this.#body(i).hintCount;
    return size;
  }

  #encodeBranchHints(out: ByteWriter): void {
    const hints = new ByteWriter(this.#hintSize());
    let functions = 0;
    for (let i = 0; i < this.#functions.length; i++) {
      const body = this.#body(i);
      if (body.hintCount === 0) continue;
      functions++;
      hints.u32(this.#importedFunctions + i);
      hints.u32(body.hintCount);
      for (let hint = 0; hint < body.hintCount; hint++) {
        // Offsets count from the declaration of locals, where the body begins.
        hints.u32(body.locals.length + body.hintOffset(hint));
        hints.u8(1);
        hints.u8(body.hintIsLikely(hint) ? 1 : 0);
      }
    }
    if (functions === 0) return;
    const content = new ByteWriter(hints.length + 5);
    content.u32(functions);
    content.append(hints);
    writeCustomSection(out, 'metadata.code.branch_hint', content.bytes());
  }

  /** The size of the code section's content. */
  #codeSize(): number {
    let size = u32Size(this.#functions.length);
    for (let i = 0; i < this.#functions.length; i++) {
      const body = this.#body(i);
      const bodySize = body.locals.length + body.code.length;
      size += u32Size(bodySize) + bodySize;
    }
    return size;
  }

  /** Only appends to `out`: other writes reserve more than they use, and would outgrow its exact capacity. */
  #encodeCode(out: ByteWriter, codeSize: number): void {
    const header = new ByteWriter(64);
    header.u8(SectionId.code);
    header.u32(codeSize);
    header.u32(this.#functions.length);
    for (let i = 0; i < this.#functions.length; i++) {
      const body = this.#body(i);
      header.u32(body.locals.length + body.code.length);
      header.append(body.locals);
      out.append(header);
      out.append(body.code);
      header.reset();
    }
  }

  /** The body of the `i`th defined function, unchanged since it was given. */
  #body(i: number): FunctionBuilder {
    const { body, generation, codeLength } = this.#functions[i];
    const index = this.#importedFunctions + i;
    if (body === undefined) throw new Error(`function ${index} is declared but has no body`);
    if (body.generation !== generation || body.code.length !== codeLength) {
      throw new Error(`the body of function ${index} changed before the module was encoded`);
    }
    return body;
  }

  #encodeNames(out: ByteWriter): void {
    const content = new ByteWriter(0);
    const part = new ByteWriter(0);
    const close = (subsection: number): void => {
      content.u8(subsection);
      content.u32(part.length);
      content.append(part);
      part.reset();
    };
    if (this.#moduleName !== undefined) {
      part.name(this.#moduleName);
      close(NameSubsection.module);
    }
    if (this.#functionNames.size > 0) {
      writeNameMap(part, this.#functionNames);
      close(NameSubsection.function);
    }
    if (this.#localNames.size > 0) {
      part.u32(this.#localNames.size);
      for (const [functionIndex, names] of [...this.#localNames].sort((a, b) => a[0] - b[0])) {
        part.u32(functionIndex);
        writeNameMap(part, names);
      }
      close(NameSubsection.local);
    }
    if (content.length > 0) writeCustomSection(out, 'name', content.bytes());
  }
}

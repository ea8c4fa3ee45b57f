import type { FunctionBuilder } from '../../wasm/function-builder.ts';
import { Op } from '../../wasm/opcodes.ts';
import { PAGE_SIZE } from '../code-page.ts';
import { Access, type AccessSize, type AtomicOperation, Builder } from '../ir/builder.ts';
import { hostKeepsOrder } from '../ir/host-order.ts';
import type { I32, I64, Register, TypeName, V128, Value } from '../ir/value.ts';
import { TLB_UNPRIVILEGED } from '../state.ts';
import { ADDEND, READ_TAG, WRITE_TAG } from '../translation-table.ts';
import type { ImportIndices } from './imports.ts';
import { NOWHERE, type Place } from './known-places.ts';
import { emitEntry } from './table-entry.ts';

/** What both tiers do alike: memory accesses through the translation table, atomics, and engine calls. */

const loadOpcodes = { 1: Op.i64Load8U, 2: Op.i64Load16U, 4: Op.i64Load32U, 8: Op.i64Load } as const;
const storeOpcodes = { 1: Op.i64Store8, 2: Op.i64Store16, 4: Op.i64Store32, 8: Op.i64Store, 16: Op.v128Store } as const;
const orderedLoadOpcodes = {
  1: Op.i64AtomicLoad8U,
  2: Op.i64AtomicLoad16U,
  4: Op.i64AtomicLoad32U,
  8: Op.i64AtomicLoad,
} as const;
const orderedStoreOpcodes = {
  1: Op.i64AtomicStore8,
  2: Op.i64AtomicStore16,
  4: Op.i64AtomicStore32,
  8: Op.i64AtomicStore,
} as const;
const storeOpcodes32 = { 1: Op.i32Store8, 2: Op.i32Store16, 4: Op.i32Store } as const;

const atomicOpcodes = {
  add: { 1: Op.i64AtomicRmw8AddU, 2: Op.i64AtomicRmw16AddU, 4: Op.i64AtomicRmw32AddU, 8: Op.i64AtomicRmwAdd },
  sub: { 1: Op.i64AtomicRmw8SubU, 2: Op.i64AtomicRmw16SubU, 4: Op.i64AtomicRmw32SubU, 8: Op.i64AtomicRmwSub },
  and: { 1: Op.i64AtomicRmw8AndU, 2: Op.i64AtomicRmw16AndU, 4: Op.i64AtomicRmw32AndU, 8: Op.i64AtomicRmwAnd },
  or: { 1: Op.i64AtomicRmw8OrU, 2: Op.i64AtomicRmw16OrU, 4: Op.i64AtomicRmw32OrU, 8: Op.i64AtomicRmwOr },
  xor: { 1: Op.i64AtomicRmw8XorU, 2: Op.i64AtomicRmw16XorU, 4: Op.i64AtomicRmw32XorU, 8: Op.i64AtomicRmwXor },
  exchange: { 1: Op.i64AtomicRmw8XchgU, 2: Op.i64AtomicRmw16XchgU, 4: Op.i64AtomicRmw32XchgU, 8: Op.i64AtomicRmwXchg },
} as const;

const compareExchangeOpcodes = {
  1: Op.i64AtomicRmw8CmpxchgU,
  2: Op.i64AtomicRmw16CmpxchgU,
  4: Op.i64AtomicRmw32CmpxchgU,
  8: Op.i64AtomicRmwCmpxchg,
} as const;

/** Opcode and log2 alignment to load or store a plain value of a type. */
export const plainLoad = {
  i32: Op.i32Load,
  i64: Op.i64Load,
  f32: Op.f32Load,
  f64: Op.f64Load,
  v128: Op.v128Load,
} as const;
export const plainStore = {
  i32: Op.i32Store,
  i64: Op.i64Store,
  f32: Op.f32Store,
  f64: Op.f64Store,
  v128: Op.v128Store,
} as const;
export const plainAlign = { i32: 2, i64: 3, f32: 2, f64: 3, v128: 4 } as const;

/** A place, and the distance of an address from it in bytes: less than a page. */
export interface NearPlace {
  readonly place: Place;
  readonly distance: number;
}

export abstract class GuestBuilder extends Builder {
  protected readonly imports: ImportIndices;
  /** The wasm local (a parameter) that holds the vCPU record's address. */
  protected readonly stateLocal = 0;

  constructor(code: FunctionBuilder, imports: ImportIndices) {
    super(code);
    this.imports = imports;
  }

  override stateRegister(offset: number): Register {
    return offset as Register;
  }

  /** Emits what ends the instruction with the exception that a slow path left pending. */
  protected abstract emitException(): void;
  /** Pushes the address of the translation table for accesses at the current privilege. */
  protected abstract emitTranslationTable(): void;
  /** Makes the record hold the registers, before an engine call that may look at them or that may not come back. */
  protected abstract synchronize(): void;

  #emitTable(access: number): void {
    if ((access & Access.unprivileged) === 0) {
      this.emitTranslationTable();
      return;
    }
    this.code.localGet(this.stateLocal);
    this.code.load(Op.i32Load, 2, TLB_UNPRIVILEGED);
  }

  /** Leaves in a local the address of the translation table entry for an address. */
  #emitEntry(address: I64, access: number): number {
    const code = this.code;
    const entry = this.temporary('i32');
    this.#emitTable(access);
    this.emit(address);
    code.op(Op.i32WrapI64);
    emitEntry(code);
    code.localSet(entry);
    return entry;
  }

  /**
   * Pushes whether an access hits: whether address plus tag is an offset in the page, aligned if it must be. The offset is kept
   * for `place`.
   */
  #emitHits(
    entry: number,
    tag: number,
    size: AccessSize,
    address: I64,
    access: number,
    place: Place | null = null,
  ): void {
    const code = this.code;
    this.emit(address);
    code.localGet(entry);
    code.load(Op.i64Load, 3, tag);
    code.op(Op.i64Add);
    if (place !== null) code.localTee(place.offset);
    const last = PAGE_SIZE - size;
    if ((access & Access.aligned) !== 0) {
      code.i64ConstNumber(~last);
      code.op(Op.i64And);
      code.op(Op.i64Eqz);
    } else {
      code.i64ConstNumber(last);
      code.op(Op.i64LeU);
    }
  }

  /** Pushes the machine address of an access that hits. */
  #emitHitAddress(entry: number, address: I64): void {
    this.emit(address);
    this.code.op(Op.i32WrapI64);
    this.code.localGet(entry);
    this.code.load(Op.i32Load, 2, ADDEND);
    this.code.op(Op.i32Add);
  }

  /** Calls a slow path; an exception ends the instruction. */
  #emitSlow(importIndex: number, size: AccessSize, address: I64, access: number): void {
    const code = this.code;
    code.localGet(this.stateLocal);
    this.emit(address);
    code.i32Const(size | (access << 8));
    code.call(importIndex);
    code.branchHint(false);
    code.if();
    this.emitException();
    code.end();
  }

  #emitScratchLoad(type: TypeName, cell: number): void {
    this.code.localGet(this.stateLocal);
    this.code.load(plainLoad[type], plainAlign[type], this.scratchOffset(cell));
  }

  /** A place near enough to an address to reach it from, and how far; null if none is known. */
  protected knownPlace(_address: I64, _write: boolean): NearPlace | null {
    return null;
  }

  /** A place to keep what the look-up of an address gives; null if that is not worth it. */
  protected newPlace(_address: I64, _write: boolean): Place | null {
    return null;
  }

  /** The places that a slow path may make invalid. */
  protected get places(): readonly Place[] {
    return [];
  }

  /**
   * Emits an access: `hit` with a local and an offset whose sum is the machine address, `miss` with the address, for what the
   * slow path does. `size` is that of all that must lie in one page.
   */
  #emitAccess(
    write: boolean,
    size: AccessSize,
    address: I64,
    access: number,
    hit: (machine: number, offset: number) => void,
    miss: (address: I64) => void,
  ): void {
    const code = this.code;
    const plain = access === Access.normal;
    const near = plain ? this.knownPlace(address, write) : null;
    const place = plain && near === null ? this.newPlace(address, write) : null;
    const at = this.now(address);
    if (near !== null) this.#emitNearHit(near, size, hit);
    else {
      const machine = place?.machine ?? this.temporary('i32');
      const entry = this.#emitEntry(at, access);
      this.#emitHits(entry, write ? WRITE_TAG : READ_TAG, size, at, access, place);
      code.branchHint(true);
      code.if();
      this.#emitHitAddress(entry, at);
      code.localSet(machine);
      hit(machine, 0);
    }
    code.else();
    miss(at);
    for (const { offset } of this.places) {
      code.i64ConstNumber(NOWHERE);
      code.localSet(offset);
    }
    code.end();
  }

  /** Emits the `if` of an access that may lie in a known place's page. */
  #emitNearHit({ place, distance }: NearPlace, size: AccessSize, hit: (machine: number, offset: number) => void): void {
    const code = this.code;
    code.localGet(place.offset);
    if (distance !== 0) {
      code.i64ConstNumber(distance);
      code.op(Op.i64Add);
    }
    code.i64ConstNumber(PAGE_SIZE - size);
    code.op(Op.i64LeU);
    code.branchHint(true);
    code.if();
    if (distance >= 0) {
      hit(place.machine, distance);
      return;
    }
    const machine = this.temporary('i32');
    code.localGet(place.machine);
    code.i32Const(distance);
    code.op(Op.i32Add);
    code.localSet(machine);
    hit(machine, 0);
  }

  #load<T extends 'i64' | 'v128'>(type: T, size: AccessSize, address: I64, access: number): Value<T> {
    const code = this.code;
    const result = this.temporary(type);
    const ordered = (access & Access.ordered) !== 0;
    this.#emitAccess(
      false,
      size,
      address,
      access,
      (machine, offset) => {
        code.localGet(machine);
        if (ordered) code.atomic(orderedLoadOpcodes[size as 1 | 2 | 4 | 8], Math.log2(size), offset);
        else code.load(type === 'v128' ? Op.v128Load : loadOpcodes[size as 1 | 2 | 4 | 8], 0, offset);
        code.localSet(result);
      },
      (at) => {
        this.#emitSlow(this.imports.load, size, at, access);
        if (ordered) this.fence('loads');
        this.#emitScratchLoad(type, 0);
        code.localSet(result);
      },
    );
    return this.localValue(type, result);
  }

  override loadPair(size: 4 | 8, address: I64): readonly [I64, I64] {
    const code = this.code;
    const first = this.temporary('i64');
    const second = this.temporary('i64');
    this.#emitAccess(
      false,
      (size * 2) as AccessSize,
      address,
      Access.normal,
      (machine, offset) => {
        code.localGet(machine);
        code.load(loadOpcodes[size], 0, offset);
        code.localSet(first);
        code.localGet(machine);
        code.load(loadOpcodes[size], 0, offset + size);
        code.localSet(second);
      },
      (at) => {
        this.#emitSlow(this.imports.load, size, at, Access.normal);
        this.#emitScratchLoad('i64', 0);
        code.localSet(first);
        this.#emitSlow(this.imports.load, size, this.add(at, this.i64(size)), Access.normal);
        this.#emitScratchLoad('i64', 0);
        code.localSet(second);
      },
    );
    return [this.localValue('i64', first), this.localValue('i64', second)];
  }

  override storePair(size: 4 | 8, address: I64, first: I32 | I64, second: I32 | I64): void {
    const code = this.code;
    const values = [this.now<'i32' | 'i64'>(first), this.now<'i32' | 'i64'>(second)] as const;
    this.#emitAccess(
      true,
      (size * 2) as AccessSize,
      address,
      Access.normal,
      (machine, offset) => {
        code.localGet(machine);
        this.emit(values[0]);
        this.#emitPlainStore(size, values[0], offset);
        code.localGet(machine);
        this.emit(values[1]);
        this.#emitPlainStore(size, values[1], offset + size);
      },
      (at) => {
        this.#emitScratchStore(0, values[0]);
        this.#emitSlow(this.imports.store, size, at, Access.normal);
        this.#emitScratchStore(0, values[1]);
        this.#emitSlow(this.imports.store, size, this.add(at, this.i64(size)), Access.normal);
      },
    );
  }

  #emitPlainStore(size: AccessSize, value: Value, offset: number): void {
    const narrow = value.type === 'i32';
    this.code.store(narrow ? storeOpcodes32[size as 1 | 2 | 4] : storeOpcodes[size], 0, offset);
  }

  override load(size: 1 | 2 | 4 | 8, address: I64, access: number = Access.normal): I64 {
    return this.#load('i64', size, address, access);
  }

  override loadV(address: I64, access: number = Access.normal): V128 {
    return this.#load('v128', 16, address, access);
  }

  override store(size: AccessSize, address: I64, value: I32 | I64 | V128, access: number = Access.normal): void {
    const code = this.code;
    const stored = this.now(value);
    const ordered = (access & Access.ordered) !== 0;
    this.#emitAccess(
      true,
      size,
      address,
      access,
      (machine, offset) => {
        code.localGet(machine);
        this.emit(stored);
        if (ordered) code.atomic(orderedStoreOpcodes[size as 1 | 2 | 4 | 8], Math.log2(size), offset);
        else this.#emitPlainStore(size, stored, offset);
      },
      (at) => {
        this.#emitScratchStore(0, stored);
        if (ordered) this.fence('full');
        this.#emitSlow(this.imports.store, size, at, access);
        if (ordered) this.fence('full');
      },
    );
  }

  /**
   * Guest accesses are plain ones of wasm, so both the host and the compiler behind must keep the order that the barrier asks
   * for. Compilers move plain accesses over no atomic one (V8 takes atomic loads, too, to write memory). An x86 host lets
   * nothing but loads pass earlier stores, so that an atomic load, a mere `mov` there, is all that barriers of loads or of stores
   * alone take; for a full one any locked instruction will do, in a quarter of a fence's time.
   */
  override fence(order: 'full' | 'loads' | 'stores'): void {
    const { code } = this;
    if (!hostKeepsOrder()) {
      code.atomicFence();
      return;
    }
    code.localGet(this.stateLocal);
    if (order === 'full') {
      code.i32Const(0);
      code.atomic(Op.i32AtomicRmwAdd, 2, this.scratchOffset(0));
    } else code.atomic(Op.i32AtomicLoad, 2, this.scratchOffset(0));
    code.drop();
  }

  override storeAddress(address: I64): I32 {
    const { code } = this;
    const at = this.now(address);
    const result = this.temporary('i32');
    const entry = this.#emitEntry(at, Access.normal);
    this.#emitHitAddress(entry, at);
    code.i32Const(0);
    this.#emitHits(entry, WRITE_TAG, 1, at, Access.normal);
    code.op(Op.select);
    code.localSet(result);
    return this.localValue('i32', result);
  }

  override zero(size: number, machineAddress: I32): void {
    const at = this.now(machineAddress);
    for (let offset = 0; offset < size; offset += 16) {
      this.emit(at);
      this.emit(this.v128Zero());
      this.code.store(Op.v128Store, 4, offset);
    }
  }

  #emitScratchStore(cell: number, value: Value): void {
    this.code.localGet(this.stateLocal);
    this.emit(value);
    this.code.store(plainStore[value.type], plainAlign[value.type], this.scratchOffset(cell));
  }

  override machineAddress(size: AccessSize, address: I64): I32 {
    const code = this.code;
    const at = this.now(address);
    const result = this.temporary('i32');
    const entry = this.#emitEntry(at, Access.aligned);
    this.#emitHits(entry, READ_TAG, size, at, Access.aligned);
    this.#emitHits(entry, WRITE_TAG, size, at, Access.aligned);
    code.op(Op.i32And);
    code.branchHint(true);
    code.if();
    this.#emitHitAddress(entry, at);
    code.localSet(result);
    code.else();
    this.#emitSlow(this.imports.address, size, at, Access.aligned);
    this.#emitScratchLoad('i32', 0);
    code.localSet(result);
    code.end();
    return this.localValue('i32', result);
  }

  override atomic(operation: AtomicOperation, size: 1 | 2 | 4 | 8, machineAddress: I32, value: I64): I64 {
    const result = this.temporary('i64');
    this.emit(machineAddress);
    this.emit(value);
    this.code.atomic(atomicOpcodes[operation][size], Math.log2(size), 0);
    this.code.localSet(result);
    return this.localValue('i64', result);
  }

  override compareExchange(size: 1 | 2 | 4 | 8, machineAddress: I32, expected: I64, replacement: I64): I64 {
    const result = this.temporary('i64');
    this.emit(machineAddress);
    this.emit(expected);
    this.emit(replacement);
    this.code.atomic(compareExchangeOpcodes[size], Math.log2(size), 0);
    this.code.localSet(result);
    return this.localValue('i64', result);
  }

  #emitCall(routine: number, inputs: readonly Value[]): void {
    const code = this.code;
    for (let i = 0; i < inputs.length; i++) this.#emitScratchStore(i, inputs[i] as Value);
    code.i32Const(routine);
    code.localGet(this.stateLocal);
    code.call(this.imports.routine);
  }

  #results(types: readonly TypeName[]): Value[] {
    return types.map((type, cell) => {
      const local = this.temporary(type);
      this.#emitScratchLoad(type, cell);
      this.code.localSet(local);
      return this.localValue(type, local);
    });
  }

  override call(routine: number, inputs: readonly Value[], results: readonly TypeName[]): Value[] {
    this.#emitCall(routine, inputs);
    this.code.drop();
    return this.#results(results);
  }

  override callChecked(routine: number, inputs: readonly Value[], results: readonly TypeName[]): Value[] {
    const ready = inputs.map((value) => this.now(value));
    this.synchronize();
    this.#emitCall(routine, ready);
    this.code.branchHint(false);
    this.code.if();
    this.emitException();
    this.code.end();
    return this.#results(results);
  }

  protected emitStateLoad(type: TypeName, offset: number): void {
    this.code.localGet(this.stateLocal);
    this.code.load(plainLoad[type], plainAlign[type], offset);
  }

  protected override emitStateField(value: Value): void {
    this.emitStateLoad(value.type, value.lo);
  }

  /** Stores a value to a field of the record. */
  protected emitStateStore(offset: number, value: Value): void {
    this.code.localGet(this.stateLocal);
    this.emit(value);
    this.code.store(plainStore[value.type], plainAlign[value.type], offset);
  }
}

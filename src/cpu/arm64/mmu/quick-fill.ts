import { FunctionBuilder } from '../../../wasm/function-builder.ts';
import { Op, ValueType } from '../../../wasm/opcodes.ts';
import { QUICK_FAULT, QuickAccess } from '../../architecture.ts';
import type { FrameMap } from '../../environment.ts';
import { PENDING_ADDRESS, PENDING_KIND, PENDING_SYNDROME, TLB_FILLS, TRANSLATION_CHANGES } from '../../state.ts';
import {
  ADDEND,
  BANK_SIZE,
  ENTRIES,
  EXECUTE_TAG,
  INDEX_MASK,
  INDEX_SHIFT,
  READ_TAG,
  WRITE_TAG,
} from '../../translation-table.ts';
import { CURRENT_EL } from '../state.ts';
import { ExceptionClass, FaultStatus, Pending, syndrome, WRITE_BIT } from '../syndrome.ts';
import {
  BANK_STATE_SIZE,
  BANK_STATES,
  BANKS,
  CHECK_ACCESSES,
  FILL_LOG_ENTRIES,
  FILL_LOG_SIZE,
  FILL_LOGS,
  LARGE_MAP_SIZE,
  LARGE_MAPS,
  MAIR_EL1,
  SCTLR_EL1,
  SIZES,
  SIZES_SIZE,
  STACK_MISALIGNED,
  TCR_EL1,
  TTBR0_EL1,
  TTBR1_EL1,
  USER_BANK,
} from '../system-state.ts';
import { BankState, LARGE_HASH } from './banks.ts';

/**
 * The common miss of the translation table without leaving wasm: a page of plain memory, mapped by tables of the 4 KiB granule,
 * whose rights allow the access; and the common faults of such an access, for want of a mapping or of the right to write. What
 * walk.ts, access.ts and banks.ts do, in one function; it gives up, with nothing changed, on all that is not so plain, for them to
 * decide. CHECK_ACCESSES is set, too, while misaligned accesses fault.
 */

const { i32, i64 } = ValueType;

const SCTLR_M = 1 << 0;
const PAGE_SHIFT = 12;
/** Bits of an address that a table of a level resolves. */
const STRIDE = 9;
/** log2 of the size of a block of level 2, the only ones taken here. */
const BLOCK_SHIFT = 21;
/** Places in TCR_EL1: what the fields of TTBR1 have more than those of TTBR0. */
const UPPER_SIZE = 16;
const EPD0 = 7;
const TG0 = 14;
const TG1 = 30;
/** TG1's value for 4 KiB; TG0's is 0. */
const TG1_4KIB = 2;
const IPS = 32;
const TBI0 = 37;
const E0PD0 = 55;
const MINIMUM_T_SIZE = 16;
const MAXIMUM_T_SIZE = 39;

const VALID = 1;
const TABLE = 2;
const USER = 1 << 6;
const READ_ONLY = 1 << 7;
const ACCESS_FLAG = 1 << 10;
const NOT_GLOBAL = 1 << 11;
/** Addresses in descriptors and TTBRs. */
const ADDRESS_LOW = 0xfffff000 | 0;
const ADDRESS_HIGH = 0xffff;
/** APTable, in a descriptor's high half. */
const TABLE_RIGHTS_HIGH = 3 << 29;

/** Emits a value. */
type Expression = () => void;

/** See Architecture.quickFill. */
export const quickFill = (map: FrameMap): FunctionBuilder => {
  const code = new FunctionBuilder([i32, i64, i32]);
  const [stateLocal, givenLocal, accessLocal] = [0, 1, 2];
  const get =
    (local: number): Expression =>
    () =>
      code.localGet(local);
  const n =
    (value: number): Expression =>
    () =>
      code.i32Const(value);
  const long =
    (low: number, high = low >> 31): Expression =>
    () =>
      code.i64Const(low, high);
  const op =
    (opcode: number, ...operands: readonly Expression[]): Expression =>
    () => {
      for (const operand of operands) operand();
      code.op(opcode);
    };
  const and = (a: Expression, b: Expression): Expression => op(Op.i32And, a, b);
  const or = (a: Expression, b: Expression): Expression => op(Op.i32Or, a, b);
  const add = (a: Expression, b: Expression): Expression => op(Op.i32Add, a, b);
  const shl = (a: Expression, b: Expression): Expression => op(Op.i32Shl, a, b);
  const shr = (a: Expression, b: Expression): Expression => op(Op.i32ShrU, a, b);
  const eqz = (a: Expression): Expression => op(Op.i32Eqz, a);
  const ne = (a: Expression, b: Expression): Expression => op(Op.i32Ne, a, b);
  const wrap = (a: Expression): Expression => op(Op.i32WrapI64, a);
  const extend = (a: Expression): Expression => op(Op.i64ExtendI32U, a);
  const word =
    (base: Expression, offset: number): Expression =>
    () => {
      base();
      code.load(Op.i32Load, 2, offset);
    };
  const double =
    (base: Expression, offset: number): Expression =>
    () => {
      base();
      code.load(Op.i64Load, 3, offset);
    };
  const set = (local: number, value: Expression): void => {
    value();
    code.localSet(local);
  };
  const store = (opcode: number, align: number, base: Expression, offset: number, value: Expression): void => {
    base();
    value();
    code.store(opcode, align, offset);
  };
  const when = (condition: Expression, body: () => void): void => {
    condition();
    code.if();
    body();
    code.end();
  };
  const giveUpIf = (condition: Expression): void => {
    condition();
    code.branchHint(false);
    code.if();
    code.i32Const(0);
    code.return();
    code.end();
  };

  /** Makes a data abort pending, of a status that takes the level of the descriptor in hand. */
  const faultIf = (condition: Expression, status: number): void => {
    condition();
    code.if();
    giveUpIf(eqz(and(get(accessLocal), n(QuickAccess.fault))));
    // Four levels, the last of which has pages.
    const level = op(Op.i32DivU, op(Op.i32Sub, n(PAGE_SHIFT + 3 * STRIDE), get(shift)), n(STRIDE));
    const direction = op(Op.i32Mul, write, n(WRITE_BIT));
    store(Op.i32Store, 2, state, PENDING_KIND, n(Pending.withAddress));
    store(
      Op.i32Store,
      2,
      state,
      PENDING_SYNDROME,
      or(n(syndrome(ExceptionClass.dataAbort, status)), or(level, direction)),
    );
    store(Op.i64Store, 3, state, PENDING_ADDRESS, given);
    code.i32Const(QUICK_FAULT);
    code.return();
    code.end();
  };

  const state = get(stateLocal);
  const given = get(givenLocal);
  const lo = wrap(given);
  const hi = wrap(op(Op.i64ShrU, given, long(32)));
  const write = ne(and(get(accessLocal), n(QuickAccess.write)), n(0));
  const locals = (type: typeof i32 | typeof i64, count: number): readonly number[] =>
    Array.from({ length: count }, () => code.local(type));
  const [user, upper, bits, shift, entry, generation, root, bank, at, fills] = locals(i32, 10) as readonly number[] &
    [number, number, number, number, number, number, number, number, number, number];
  const [address, tcr, table, descriptor, inherited] = locals(i64, 5) as readonly number[] &
    [number, number, number, number, number];

  /** Leaves in `entry` what the map has for a guest-physical address. */
  const lookUp = (physical: Expression): void => {
    set(at, wrap(op(Op.i64ShrU, physical, long(PAGE_SHIFT))));
    giveUpIf(op(Op.i64GeU, physical, long(0, map.limit >>> (32 - PAGE_SHIFT))));
    set(
      at,
      add(
        word(add(get(root), shl(shr(get(at), n(map.leafShift)), n(2))), 0),
        shl(and(get(at), n((1 << map.leafShift) - 1)), n(2)),
      ),
    );
    // Where there is no leaf, `at` is near 0, where nothing of machine memory's map lies.
    giveUpIf(op(Op.i32LtU, get(at), n(4 << map.leafShift)));
    set(entry, word(get(at), 0));
    giveUpIf(or(eqz(get(entry)), and(get(entry), n(map.special))));
  };

  giveUpIf(or(word(state, STACK_MISALIGNED), word(state, CHECK_ACCESSES)));
  giveUpIf(eqz(and(word(state, SCTLR_EL1), n(SCTLR_M))));
  set(user, or(eqz(word(state, CURRENT_EL)), and(get(accessLocal), n(QuickAccess.unprivileged))));
  set(bank, op(Op.select, word(state, USER_BANK), n(0), get(user)));
  set(upper, and(shr(hi, n(23)), n(1)));
  // EL1 uses the upper half, EL0 the lower one, and has found its bank before.
  giveUpIf(op(Op.i32Eq, get(user), get(upper)));
  giveUpIf(op(Op.i32Eq, eqz(get(bank)), get(user)));

  set(tcr, double(state, TCR_EL1));
  set(address, given);
  const tcrBits = (from: number, step: number, mask: number): Expression =>
    and(wrap(op(Op.i64ShrU, get(tcr), extend(add(n(from), op(Op.i32Mul, get(upper), n(step)))))), n(mask));
  when(tcrBits(TBI0, 1, 1), () => {
    set(address, op(Op.i64ShrS, op(Op.i64Shl, get(address), long(8)), long(8)));
  });
  set(bits, tcrBits(0, UPPER_SIZE, 63));
  giveUpIf(op(Op.i32GtU, op(Op.i32Sub, get(bits), n(MINIMUM_T_SIZE)), n(MAXIMUM_T_SIZE - MINIMUM_T_SIZE)));
  set(bits, op(Op.i32Sub, n(64), get(bits)));
  giveUpIf(op(Op.i64Ne, op(Op.i64ShrS, get(address), extend(get(bits))), op(Op.i64Sub, long(0), extend(get(upper)))));
  giveUpIf(or(tcrBits(EPD0, UPPER_SIZE, 1), tcrBits(E0PD0, 0, 1)));
  giveUpIf(ne(tcrBits(TG0, TG1 - TG0, 3), op(Op.i32Mul, get(upper), n(TG1_4KIB))));
  // The smallest size of physical addresses is less than the map's.
  giveUpIf(eqz(and(wrap(op(Op.i64ShrU, get(tcr), long(IPS))), n(7))));

  set(generation, () => {
    state();
    code.atomic(Op.i32AtomicLoad, 2, TRANSLATION_CHANGES);
  });
  set(root, map.path.reduce<Expression>(word, state));
  // As many levels as the address has strides beyond the page; the first one resolves what is left over.
  const strides = op(Op.i32DivU, add(get(bits), n(STRIDE - 1 - PAGE_SHIFT)), n(STRIDE));
  set(shift, add(op(Op.i32Mul, strides, n(STRIDE)), n(PAGE_SHIFT - STRIDE)));
  set(bits, op(Op.i32Sub, get(bits), get(shift)));
  set(
    table,
    op(
      Op.i64And,
      double(add(state, op(Op.i32Mul, get(upper), n(TTBR1_EL1 - TTBR0_EL1))), TTBR0_EL1),
      op(Op.i64And, long(-1, ADDRESS_HIGH), op(Op.i64Shl, long(-8), extend(get(bits)))),
    ),
  );

  const done = code.block();
  const levels = code.loop();
  const index = op(
    Op.i64And,
    op(Op.i64ShrU, get(address), extend(get(shift))),
    extend(op(Op.i32Sub, shl(n(1), get(bits)), n(1))),
  );
  set(table, op(Op.i64Or, get(table), op(Op.i64Shl, index, long(3))));
  lookUp(get(table));
  set(descriptor, () => {
    or(and(get(entry), n(-4096)), and(wrap(get(table)), n(0xff8)))();
    code.atomic(Op.i64AtomicLoad, 3, 0);
  });
  faultIf(eqz(and(wrap(get(descriptor)), n(VALID))), FaultStatus.translation);
  const isTable = and(wrap(get(descriptor)), n(TABLE));
  when(op(Op.i32Eq, get(shift), n(PAGE_SHIFT)), () => {
    giveUpIf(eqz(isTable));
    code.br(done);
  });
  when(eqz(isTable), () => {
    giveUpIf(ne(get(shift), n(BLOCK_SHIFT)));
    code.br(done);
  });
  set(inherited, op(Op.i64Or, get(inherited), get(descriptor)));
  set(table, op(Op.i64And, get(descriptor), long(ADDRESS_LOW, ADDRESS_HIGH)));
  set(shift, op(Op.i32Sub, get(shift), n(STRIDE)));
  set(bits, n(STRIDE));
  code.br(levels);
  code.end();
  code.end();

  const has = (bit: number): Expression => and(wrap(get(descriptor)), n(bit));
  giveUpIf(op(Op.i32Eqz, has(ACCESS_FLAG)));
  giveUpIf(op(Op.i64Ne, op(Op.i64And, get(inherited), long(0, TABLE_RIGHTS_HIGH)), long(0)));
  // EL1's entries for what EL0 may access depend on PAN.
  giveUpIf(op(Op.i32Eq, eqz(has(USER)), get(user)));
  giveUpIf(and(eqz(get(user)), ne(has(NOT_GLOBAL), n(0))));
  const attribute = op(
    Op.i64ShrU,
    double(state, MAIR_EL1),
    extend(shl(and(shr(wrap(get(descriptor)), n(2)), n(7)), n(3))),
  );
  giveUpIf(eqz(and(wrap(attribute), n(0xf0))));
  const inBlock = op(Op.i64Sub, op(Op.i64Shl, long(1), extend(get(shift))), long(1));
  const start = op(
    Op.i64And,
    op(Op.i64And, get(descriptor), long(ADDRESS_LOW, ADDRESS_HIGH)),
    op(Op.i64Xor, inBlock, long(-1)),
  );
  set(table, op(Op.i64Or, start, op(Op.i64And, get(address), inBlock)));
  lookUp(get(table));
  // Only now: an address beyond all memory is the more important fault.
  faultIf(and(write, ne(has(READ_ONLY), n(0))), FaultStatus.permission);
  const writable = and(get(entry), n(map.writable));
  giveUpIf(and(write, eqz(writable)));

  // The entry, and what is noted of it (banks.ts)
  const number = and(shr(lo, n(PAGE_SHIFT)), n(ENTRIES - 1));
  const inRecord = (size: number): Expression => add(state, op(Op.i32Mul, get(bank), n(size)));
  const sizes = add(inRecord(SIZES_SIZE), shl(number, n(1)));
  store(Op.i32Store8, 0, sizes, SIZES, op(Op.i32Sub, get(shift), n(PAGE_SHIFT)));
  set(at, inRecord(BANK_STATE_SIZE));
  set(fills, word(get(at), BANK_STATES + BankState.fills));
  when(op(Op.i32LeS, get(fills), n(FILL_LOG_ENTRIES)), () => {
    when(ne(get(fills), n(FILL_LOG_ENTRIES)), () => {
      store(Op.i32Store16, 1, add(inRecord(FILL_LOG_SIZE), shl(get(fills), n(1))), FILL_LOGS, number);
    });
    store(Op.i32Store, 2, get(at), BANK_STATES + BankState.fills, add(get(fills), n(1)));
  });
  when(eqz(has(NOT_GLOBAL)), () => {
    store(Op.i32Store, 2, get(at), BANK_STATES + BankState.hasGlobal, n(1));
  });
  when(ne(get(shift), n(PAGE_SHIFT)), () => {
    const hash = shr(op(Op.i32Mul, and(hi, n(0xffffff)), n(LARGE_HASH)), n(22));
    set(fills, and(op(Op.i32Xor, shr(lo, n(BLOCK_SHIFT)), hash), n(LARGE_MAP_SIZE * 8 - 1)));
    set(at, add(inRecord(LARGE_MAP_SIZE), shl(shr(get(fills), n(5)), n(2))));
    store(Op.i32Store, 2, get(at), LARGE_MAPS, or(word(get(at), LARGE_MAPS), shl(n(1), get(fills))));
  });
  set(at, add(inRecord(BANK_SIZE), and(shr(lo, n(INDEX_SHIFT)), n(INDEX_MASK))));
  const frame = and(get(entry), n(-4096));
  const tag = op(Op.i64Sub, long(0), op(Op.i64And, given, long(-4096)));
  const nothing = extend(shl(eqz(number), n(PAGE_SHIFT)));
  store(Op.i32Store, 2, get(at), BANKS + ADDEND, op(Op.i32Sub, frame, and(lo, n(-4096))));
  store(Op.i64Store, 3, get(at), BANKS + READ_TAG, tag);
  const mayWrite = and(writable, eqz(has(READ_ONLY)));
  store(Op.i64Store, 3, get(at), BANKS + WRITE_TAG, op(Op.select, tag, nothing, mayWrite));

  // An invalidation that overlaps takes the entry back (fillStands).
  const changed = (): void => {
    state();
    code.i32Const(0);
    code.atomic(Op.i32AtomicRmwAdd, 2, TRANSLATION_CHANGES);
    code.localGet(generation);
    code.op(Op.i32Ne);
  };
  when(changed, () => {
    for (const place of [READ_TAG, WRITE_TAG, EXECUTE_TAG])
      store(Op.i32Store, 2, get(at), BANKS + place, wrap(nothing));
    code.i32Const(0);
    code.return();
  });
  store(Op.i32Store, 2, state, TLB_FILLS, add(word(state, TLB_FILLS), n(1)));
  or(frame, and(lo, n(4095)))();
  return code;
};

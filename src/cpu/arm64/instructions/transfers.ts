import type { RegisterOperand } from '../../instruction.ts';
import type { AccessSize, Builder } from '../../ir/builder.ts';
import type { I64, Register } from '../../ir/value.ts';
import { destination, source, vector } from '../operands.ts';

/**
 * What a load or store of one register moves: the rows that all addressing modes of "Loads and stores" (Arm ARM C4.1) share.
 * The size, V and opc fields of the encoding choose the row.
 */
export interface Transfer {
  /** The mnemonic of the scaled form: 'LDRSB'. */
  readonly mnemonic: string;
  /** The register's width as the assembler writes it: B, H, S, D, Q, W or X. */
  readonly width: string;
  readonly size: string;
  readonly v: string;
  readonly opc: string;
  readonly bytes: AccessSize;
  readonly rt: RegisterOperand;
  /** Does the access and, for a load, writes the register. */
  readonly move: (o: Builder, t: Register, address: I64, access: number) => void;
}

type IntegerSize = 1 | 2 | 4 | 8;
type Move = Transfer['move'];

/** Stores the low bytes of a general or vector register. */
const storeLow =
  (bytes: IntegerSize): Move =>
  (o, t, address, access) =>
    o.store(bytes, address, bytes === 8 ? o.get64(t) : o.get32(t), access);

const loadInteger =
  (bytes: IntegerSize): Move =>
  (o, t, address, access) =>
    o.set(t, o.load(bytes, address, access));

const loadSigned =
  (bytes: 1 | 2 | 4, sf: number): Move =>
  (o, t, address, access) => {
    const bits = (bytes * 8) as 8 | 16 | 32;
    o.set(t, o.signExtend(o.atWidth(o.load(bytes, address, access), sf), bits));
  };

const loadScalar =
  (bytes: IntegerSize): Move =>
  (o, t, address, access) =>
    o.setScalar(t, o.load(bytes, address, access));

const storeVector: Move = (o, t, address, access) => o.store(16, address, o.getV(t), access);
const loadVector: Move = (o, t, address, access) => o.setV(t, o.loadV(address, access));

const sizeField = (bytes: AccessSize): string => (Math.log2(bytes) & 3).toString(2).padStart(2, '0');

const general = (mnemonic: string, width: string, bytes: AccessSize, opc: string, move: Move): Transfer => {
  const rt = opc === '00' ? source('Rt') : destination('Rt');
  return { mnemonic, width, size: sizeField(bytes), v: '0', opc, bytes, rt, move };
};

const simd = (mnemonic: string, width: string, bytes: AccessSize, opc: string, move: Move): Transfer => ({
  mnemonic,
  width,
  size: sizeField(bytes),
  v: '1',
  opc,
  bytes,
  rt: vector('Rt'),
  move,
});

export const generalTransfers: readonly Transfer[] = [
  general('STRB', 'W', 1, '00', storeLow(1)),
  general('LDRB', 'W', 1, '01', loadInteger(1)),
  general('LDRSB', 'X', 1, '10', loadSigned(1, 1)),
  general('LDRSB', 'W', 1, '11', loadSigned(1, 0)),
  general('STRH', 'W', 2, '00', storeLow(2)),
  general('LDRH', 'W', 2, '01', loadInteger(2)),
  general('LDRSH', 'X', 2, '10', loadSigned(2, 1)),
  general('LDRSH', 'W', 2, '11', loadSigned(2, 0)),
  general('STR', 'W', 4, '00', storeLow(4)),
  general('LDR', 'W', 4, '01', loadInteger(4)),
  general('LDRSW', 'X', 4, '10', loadSigned(4, 1)),
  general('STR', 'X', 8, '00', storeLow(8)),
  general('LDR', 'X', 8, '01', loadInteger(8)),
];

export const simdTransfers: readonly Transfer[] = [
  simd('STR', 'B', 1, '00', storeLow(1)),
  simd('LDR', 'B', 1, '01', loadScalar(1)),
  simd('STR', 'Q', 16, '10', storeVector),
  simd('LDR', 'Q', 16, '11', loadVector),
  simd('STR', 'H', 2, '00', storeLow(2)),
  simd('LDR', 'H', 2, '01', loadScalar(2)),
  simd('STR', 'S', 4, '00', storeLow(4)),
  simd('LDR', 'S', 4, '01', loadScalar(4)),
  simd('STR', 'D', 8, '00', storeLow(8)),
  simd('LDR', 'D', 8, '01', loadScalar(8)),
];

export const transfers: readonly Transfer[] = [...generalTransfers, ...simdTransfers];

/** The mnemonic of the unscaled or unprivileged form: LDRSB becomes LDURSB or LDTRSB. */
export const mnemonicWith = (letter: 'U' | 'T', { mnemonic }: Transfer): string =>
  mnemonic.slice(0, 2) + letter + mnemonic.slice(2);

export const isVector = (transfer: Transfer): boolean => transfer.v === '1';

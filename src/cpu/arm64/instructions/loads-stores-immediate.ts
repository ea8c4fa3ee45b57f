import { type Fields, type Instruction, instruction } from '../../instruction.ts';
import { Access } from '../../ir/builder.ts';
import { immediate64, memoryBase, signed } from '../operands.ts';
import { mayMisalign } from '../stack-alignment.ts';
import { generalTransfers, isVector, mnemonicWith, type Transfer, transfers } from './transfers.ts';

/**
 * Loads and stores of one register at a base register plus an immediate, integer and SIMD&FP (Arm ARM C4.1, "Load/store
 * register" with unsigned immediate, unscaled immediate, immediate post- and pre-indexed, and unprivileged).
 *
 * A load that writes back to its own base leaves the new address there (CONSTRAINED UNPREDICTABLE); a store that does stores
 * the old base.
 */

const distance = (f: Fields): number => signed(f.imm9 as number, 9);
const imm9 = immediate64(distance);

/** The transfers frequent enough for the cold tier's main loop, by mnemonic and width. */
const commonUnsigned = ['LDR X', 'STR X', 'LDR W', 'STR W', 'LDRB W', 'STRB W', 'LDRH W', 'STRH W', 'LDRSW X'];

const unsignedOffset = (transfer: Transfer): Instruction => {
  const { mnemonic, width, size, v, opc, bytes, rt, move } = transfer;
  return instruction({
    name: `${mnemonic} (immediate, unsigned offset, ${width})`,
    bits: `${size} 111 ${v} 01 ${opc} imm12:12 Rn:5 Rt:5`,
    operands: { t: rt, n: memoryBase('Rn'), imm: immediate64((f) => (f.imm12 as number) * bytes) },
    common: commonUnsigned.includes(`${mnemonic} ${width}`),
    vector: isVector(transfer),
    describe(o, x) {
      move(o, x.t, o.add(o.get64(x.n), x.imm), Access.normal);
    },
  });
};

const unscaledOffset = (transfer: Transfer): Instruction => {
  const { width, size, v, opc, rt, move } = transfer;
  return instruction({
    name: `${mnemonicWith('U', transfer)} (${width})`,
    bits: `${size} 111 ${v} 00 ${opc} 0 imm9:9 00 Rn:5 Rt:5`,
    operands: { t: rt, n: memoryBase('Rn'), imm: imm9 },
    vector: isVector(transfer),
    describe(o, x) {
      move(o, x.t, o.add(o.get64(x.n), x.imm), Access.normal);
    },
  });
};

const unprivileged = (transfer: Transfer): Instruction => {
  const { width, size, v, opc, rt, move } = transfer;
  return instruction({
    name: `${mnemonicWith('T', transfer)} (${width})`,
    bits: `${size} 111 ${v} 00 ${opc} 0 imm9:9 10 Rn:5 Rt:5`,
    operands: { t: rt, n: memoryBase('Rn'), imm: imm9 },
    describe(o, x) {
      move(o, x.t, o.add(o.get64(x.n), x.imm), Access.unprivileged);
    },
  });
};

const postIndex = (transfer: Transfer): Instruction => {
  const { mnemonic, width, size, v, opc, rt, move } = transfer;
  return instruction({
    name: `${mnemonic} (immediate, post-index, ${width})`,
    bits: `${size} 111 ${v} 00 ${opc} 0 imm9:9 01 Rn:5 Rt:5`,
    operands: { t: rt, n: memoryBase('Rn'), imm: imm9 },
    vector: isVector(transfer),
    epilogue: mayMisalign('Rn', distance),
    describe(o, x) {
      const base = o.now(o.get64(x.n));
      move(o, x.t, base, Access.normal);
      o.set(x.n, o.add(base, x.imm));
    },
  });
};

const preIndex = (transfer: Transfer): Instruction => {
  const { mnemonic, width, size, v, opc, rt, move } = transfer;
  return instruction({
    name: `${mnemonic} (immediate, pre-index, ${width})`,
    bits: `${size} 111 ${v} 00 ${opc} 0 imm9:9 11 Rn:5 Rt:5`,
    operands: { t: rt, n: memoryBase('Rn'), imm: imm9 },
    vector: isVector(transfer),
    epilogue: mayMisalign('Rn', distance),
    describe(o, x) {
      const address = o.now(o.add(o.get64(x.n), x.imm));
      move(o, x.t, address, Access.normal);
      o.set(x.n, address);
    },
  });
};

export const loadsStoresImmediate: readonly Instruction[] = [
  ...transfers.flatMap((transfer) => [
    unsignedOffset(transfer),
    unscaledOffset(transfer),
    postIndex(transfer),
    preIndex(transfer),
  ]),
  ...generalTransfers.map(unprivileged),
];

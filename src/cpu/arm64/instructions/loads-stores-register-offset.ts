import { type Instruction, instruction } from '../../instruction.ts';
import { Access, type Builder } from '../../ir/builder.ts';
import type { I64, Register } from '../../ir/value.ts';
import { immediate64, memoryBase, source } from '../operands.ts';
import { isVector, type Transfer, transfers } from './transfers.ts';

/** Loads and stores of one register at a base register plus an index (Arm ARM C4.1, "Load/store register (register offset)"). */

interface Extension {
  readonly name: string;
  /** The option field; 'x' bits do not matter and the other values are reserved. */
  readonly option: string;
  readonly index: (o: Builder, m: Register) => I64;
}

/** Of a 64-bit index, zero- and sign-extension (LSL and SXTX) are the same. */
const extensions: readonly Extension[] = [
  { name: 'LSL', option: 'signed:1 11', index: (o, m) => o.get64(m) },
  { name: 'UXTW', option: '010', index: (o, m) => o.extendU(o.get32(m)) },
  { name: 'SXTW', option: '110', index: (o, m) => o.extendS(o.get32(m)) },
];

const common = ['LDR X', 'STR X', 'LDR W', 'LDRB W'];

const registerOffset = (transfer: Transfer, extension: Extension): Instruction => {
  const { mnemonic, width, size, v, opc, bytes, rt, move } = transfer;
  const scale = Math.log2(bytes);
  return instruction({
    name: `${mnemonic} (register, ${extension.name}, ${width})`,
    bits: `${size} 111 ${v} 00 ${opc} 1 Rm:5 ${extension.option} S:1 10 Rn:5 Rt:5`,
    operands: {
      t: rt,
      n: memoryBase('Rn'),
      m: source('Rm'),
      shift: immediate64((f) => (f.S as number) * scale),
    },
    common: extension.name === 'LSL' && common.includes(`${mnemonic} ${width}`),
    vector: isVector(transfer),
    describe(o, x) {
      const index = o.shl(extension.index(o, x.m), x.shift);
      move(o, x.t, o.add(o.get64(x.n), index), Access.normal);
    },
  });
};

export const loadsStoresRegisterOffset: readonly Instruction[] = transfers.flatMap((transfer) =>
  extensions.map((extension) => registerOffset(transfer, extension)),
);

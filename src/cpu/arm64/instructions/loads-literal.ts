import { type Instruction, instruction } from '../../instruction.ts';
import { Access } from '../../ir/builder.ts';
import { immediate64, signed } from '../operands.ts';
import { isVector, type Transfer, transfers } from './transfers.ts';

/** Loads from an address relative to the instruction (Arm ARM C4.1, "Load register (literal)"). */

/** The opc field of this group for a transfer: the width of the register, LDRSW being on its own. */
const opcOf: Readonly<Record<string, string>> = {
  'LDR W': '00',
  'LDR X': '01',
  'LDRSW X': '10',
  'LDR S': '00',
  'LDR D': '01',
  'LDR Q': '10',
};

const literal = (transfer: Transfer): Instruction[] => {
  const { mnemonic, width, v, rt, move } = transfer;
  const opc = opcOf[`${mnemonic} ${width}`];
  if (opc === undefined) return [];
  return [
    instruction({
      name: `${mnemonic} (literal, ${width})`,
      bits: `${opc} 011 ${v} 00 imm19:19 Rt:5`,
      operands: { t: rt, offset: immediate64((f) => signed(f.imm19 as number, 19) * 4) },
      vector: isVector(transfer),
      describe(o, x) {
        move(o, x.t, o.add(o.programCounter(), x.offset), Access.normal);
      },
    }),
  ];
};

export const loadsLiteral: readonly Instruction[] = transfers.flatMap(literal);

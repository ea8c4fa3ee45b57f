import { type Instruction, instruction } from '../../instruction.ts';

/** Prefetches (PRFM, PRFUM): hints that do nothing and never fault. */

const prefetch = (name: string, bits: string): Instruction =>
  instruction({ name, bits, operands: {}, describe: () => {} });

export const prefetches: readonly Instruction[] = [
  prefetch('PRFM (immediate)', '11 111 0 01 10 imm12:12 Rn:5 Rt:5'),
  prefetch('PRFUM', '11 111 0 00 10 0 imm9:9 00 Rn:5 Rt:5'),
  prefetch('PRFM (register)', '11 111 0 00 10 1 Rm:5 extend:1 1 wide:1 S:1 10 Rn:5 Rt:5'),
  prefetch('PRFM (literal)', '11 011 0 00 imm19:19 Rt:5'),
];

import type { Instruction } from '../../instruction.ts';
import { branches } from './branches.ts';
import { conditional } from './conditional.ts';
import { crc32 } from './crc32.ts';
import { dataProcessingImmediate } from './data-processing-immediate.ts';
import { dataProcessingRegister } from './data-processing-register.ts';
import { multiplyDivide } from './multiply-divide.ts';
import { shiftsAndBits } from './shifts-and-bits.ts';

/** All of A64 as this engine has it: one line for each instruction group. */
export const a64Instructions: readonly Instruction[] = [
  ...branches,
  ...conditional,
  ...crc32,
  ...dataProcessingImmediate,
  ...dataProcessingRegister,
  ...multiplyDivide,
  ...shiftsAndBits,
];

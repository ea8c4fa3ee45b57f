import type { Instruction } from '../../instruction.ts';
import { dataProcessingImmediate } from './data-processing-immediate.ts';

/** All of A64 as this engine has it: one line for each instruction group. */
export const a64Instructions: readonly Instruction[] = [...dataProcessingImmediate];

import type { Instruction } from '../../instruction.ts';
import { atomics } from './atomics.ts';
import { branches } from './branches.ts';
import { conditional } from './conditional.ts';
import { crc32 } from './crc32.ts';
import { dataProcessingImmediate } from './data-processing-immediate.ts';
import { dataProcessingRegister } from './data-processing-register.ts';
import { exclusives } from './exclusives.ts';
import { loadsLiteral } from './loads-literal.ts';
import { loadsStoresImmediate } from './loads-stores-immediate.ts';
import { loadsStoresPair } from './loads-stores-pair.ts';
import { loadsStoresRegisterOffset } from './loads-stores-register-offset.ts';
import { multiplyDivide } from './multiply-divide.ts';
import { prefetches } from './prefetch.ts';
import { shiftsAndBits } from './shifts-and-bits.ts';
import { simdElementLoadsStores } from './simd-element-loads-stores.ts';
import { simdStructureLoadsStores } from './simd-structure-loads-stores.ts';

/** All of A64 as this engine has it: one line for each instruction group. */
export const a64Instructions: readonly Instruction[] = [
  ...atomics,
  ...branches,
  ...conditional,
  ...crc32,
  ...dataProcessingImmediate,
  ...dataProcessingRegister,
  ...exclusives,
  ...loadsLiteral,
  ...loadsStoresImmediate,
  ...loadsStoresPair,
  ...loadsStoresRegisterOffset,
  ...multiplyDivide,
  ...prefetches,
  ...shiftsAndBits,
  ...simdElementLoadsStores,
  ...simdStructureLoadsStores,
];

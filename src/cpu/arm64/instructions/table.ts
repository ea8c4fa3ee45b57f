import type { Instruction } from '../../instruction.ts';
import { atomics } from './atomics.ts';
import { branches } from './branches.ts';
import { conditional } from './conditional.ts';
import { crc32 } from './crc32.ts';
import { dataProcessingImmediate } from './data-processing-immediate.ts';
import { dataProcessingRegister } from './data-processing-register.ts';
import { exceptionEntryAndReturn } from './exceptions.ts';
import { exclusives } from './exclusives.ts';
import { floatArithmetic } from './fp-arithmetic.ts';
import { floatCompares } from './fp-compare.ts';
import { floatConversions } from './fp-convert.ts';
import { floatMoves } from './fp-move.ts';
import { loadsLiteral } from './loads-literal.ts';
import { loadsStoresImmediate } from './loads-stores-immediate.ts';
import { loadsStoresPair } from './loads-stores-pair.ts';
import { loadsStoresRegisterOffset } from './loads-stores-register-offset.ts';
import { multiplyDivide } from './multiply-divide.ts';
import { prefetches } from './prefetch.ts';
import { processorStateMoves } from './processor-state.ts';
import { shiftsAndBits } from './shifts-and-bits.ts';
import { simdAcrossLanes } from './simd-across-lanes.ts';
import { simdAes } from './simd-aes.ts';
import { simdByElement } from './simd-by-element.ts';
import { simdCopy } from './simd-copy.ts';
import { simdElementLoadsStores } from './simd-element-loads-stores.ts';
import { simdFloatByElement } from './simd-fp-by-element.ts';
import { simdFloatConversions } from './simd-fp-convert.ts';
import { simdFloatPairwise } from './simd-fp-pairwise.ts';
import { simdFloatThreeSame } from './simd-fp-three-same.ts';
import { simdFloatTwoRegister } from './simd-fp-two-register.ts';
import { simdModifiedImmediate } from './simd-modified-immediate.ts';
import { simdPermute } from './simd-permute.ts';
import { simdPolynomial } from './simd-polynomial.ts';
import { simdSha } from './simd-sha.ts';
import { simdShiftImmediate } from './simd-shift-immediate.ts';
import { simdStructureLoadsStores } from './simd-structure-loads-stores.ts';
import { simdThreeDifferent } from './simd-three-different.ts';
import { simdLogical, simdThreeSame } from './simd-three-same.ts';
import { simdTwoRegister } from './simd-two-register.ts';
import { system } from './system.ts';
import { systemRegisterMoves } from './system-registers.ts';

/** All of A64 as this engine has it: one line for each instruction group. */
export const a64Instructions: readonly Instruction[] = [
  ...atomics,
  ...branches,
  ...conditional,
  ...crc32,
  ...dataProcessingImmediate,
  ...dataProcessingRegister,
  ...exclusives,
  ...floatArithmetic,
  ...floatCompares,
  ...floatConversions,
  ...floatMoves,
  ...loadsLiteral,
  ...loadsStoresImmediate,
  ...loadsStoresPair,
  ...loadsStoresRegisterOffset,
  ...multiplyDivide,
  ...prefetches,
  ...processorStateMoves,
  ...shiftsAndBits,
  ...simdAcrossLanes,
  ...simdAes,
  ...simdByElement,
  ...simdCopy,
  ...simdElementLoadsStores,
  ...simdFloatByElement,
  ...simdFloatConversions,
  ...simdFloatPairwise,
  ...simdFloatThreeSame,
  ...simdFloatTwoRegister,
  ...simdLogical,
  ...simdModifiedImmediate,
  ...simdPermute,
  ...simdPolynomial,
  ...simdSha,
  ...simdShiftImmediate,
  ...simdStructureLoadsStores,
  ...simdThreeDifferent,
  ...simdThreeSame,
  ...simdTwoRegister,
  ...system,
  ...exceptionEntryAndReturn,
  ...systemRegisterMoves,
];

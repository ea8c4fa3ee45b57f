import type { Program } from './program.ts';
import { floatingPointPrograms } from './programs/floating-point.ts';
import { integerPrograms } from './programs/integer.ts';
import { operationPrograms } from './programs/operations.ts';
import { systemPrograms } from './programs/system.ts';

/**
 * The suite: what Debian's users run. The amount of work is such that each takes a second or two in an emulator; the data is
 * described in image.ts.
 */
export const programs: readonly Program[] = [
  ...integerPrograms,
  ...floatingPointPrograms,
  ...systemPrograms,
  ...operationPrograms,
];

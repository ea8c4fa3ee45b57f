import { type Instruction, instruction } from '../../instruction.ts';
import type { I32 } from '../../ir/value.ts';
import { defineRoutine, Status } from '../../runtime.ts';
import { SCRATCH } from '../../state.ts';
import { destination, source } from '../operands.ts';

/** The CRC32 instructions: bit-reflected cyclic redundancy checks without the customary inversions (FEAT_CRC32). */

/** Eight tables of 256: the remainder of a byte followed by 0 to 7 zero bytes. */
const makeTables = (polynomial: number): Int32Array => {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? polynomial : 0);
    tables[byte] = remainder;
  }
  for (let i = 256; i < tables.length; i++) {
    const shorter = tables[i - 256] as number;
    tables[i] = (shorter >>> 8) ^ (tables[shorter & 0xff] as number);
  }
  return tables;
};

/** The remainders of the four bytes of a word that `after` bytes follow. */
const wordRemainder = (tables: Int32Array, word: number, after: number): number => {
  const last = after << 8;
  return (
    (tables[last + 0x300 + (word & 0xff)] as number) ^
    (tables[last + 0x200 + ((word >>> 8) & 0xff)] as number) ^
    (tables[last + 0x100 + ((word >>> 16) & 0xff)] as number) ^
    (tables[last + (word >>> 24)] as number)
  );
};

/** Takes the accumulator from cell 0 and `size` bytes of data from cell 1. */
const defineChecksum = (tablesOf: () => Int32Array, size: number): number =>
  defineRoutine((runtime, state) => {
    const tables = tablesOf();
    const words = runtime.memory.i32;
    const cell = (state + SCRATCH) >>> 2;
    const accumulator = words[cell] as number;
    const first = accumulator ^ (words[cell + 4] as number);
    let result: number;
    if (size === 8) result = wordRemainder(tables, first, 4) ^ wordRemainder(tables, words[cell + 5] as number, 0);
    else if (size === 4) result = wordRemainder(tables, first, 0);
    else if (size === 2) {
      result =
        (accumulator >>> 16) ^ (tables[0x100 + (first & 0xff)] as number) ^ (tables[(first >>> 8) & 0xff] as number);
    } else result = (accumulator >>> 8) ^ (tables[first & 0xff] as number);
    words[cell] = result;
    return Status.done;
  });

const sizes = ['B', 'H', 'W', 'X'];

const checksums = (prefix: string, c: string, polynomial: number): readonly Instruction[] => {
  let made: Int32Array | undefined;
  const tables = (): Int32Array => {
    made ??= makeTables(polynomial);
    return made;
  };
  return sizes.map((letter, log2Size) => {
    const routine = defineChecksum(tables, 1 << log2Size);
    const sf = letter === 'X' ? 1 : 0;
    return instruction({
      name: prefix + letter,
      bits: `${sf} 0 0 11010110 Rm:5 010 ${c} ${log2Size >>> 1}${log2Size & 1} Rn:5 Rd:5`,
      operands: { d: destination('Rd'), n: source('Rn'), m: source('Rm') },
      describe(o, x) {
        const [remainder] = o.call(routine, [o.get32(x.n), o.get(x.m, sf)], ['i32']);
        o.set(x.d, remainder as I32);
      },
    });
  });
};

/** The polynomials of Ethernet and of Castagnoli, their bits reversed. */
export const crc32: readonly Instruction[] = [
  ...checksums('CRC32', '0', 0xedb88320),
  ...checksums('CRC32C', '1', 0x82f63b78),
];

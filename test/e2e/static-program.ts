import { Assembler } from '../../src/cpu/arm64/assembler.ts';

/** Programs for the guest that need no compiler: static ELF executables of one segment, from assembly. */

const BASE = 0x40_0000;
const FILE_HEADER = 64;
const PROGRAM_HEADER = 56;
const ENTRY = BASE + FILE_HEADER + PROGRAM_HEADER;
const EXECUTABLE = 2;
const AARCH64 = 183;
const LOAD = 1;
const READ_AND_EXECUTE = 5;

/** An ELF file whose code, and read-only data among it, `write` emits; it begins with the first instruction. */
export const staticProgram = (write: (a: Assembler) => void): Buffer => {
  const assembler = new Assembler(ENTRY);
  write(assembler);
  const code = assembler.finish();
  const header = Buffer.alloc(FILE_HEADER + PROGRAM_HEADER);
  // 64 bits, little-endian, version 1.
  header.write('\x7fELF\x02\x01\x01', 'latin1');
  header.writeUInt16LE(EXECUTABLE, 16);
  header.writeUInt16LE(AARCH64, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(ENTRY), 24);
  header.writeBigUInt64LE(BigInt(FILE_HEADER), 32);
  header.writeUInt16LE(FILE_HEADER, 52);
  header.writeUInt16LE(PROGRAM_HEADER, 54);
  header.writeUInt16LE(1, 56);
  const segment = header.subarray(FILE_HEADER);
  const size = BigInt(header.length + code.length);
  segment.writeUInt32LE(LOAD, 0);
  segment.writeUInt32LE(READ_AND_EXECUTE, 4);
  segment.writeBigUInt64LE(BigInt(BASE), 16);
  segment.writeBigUInt64LE(BigInt(BASE), 24);
  segment.writeBigUInt64LE(size, 32);
  segment.writeBigUInt64LE(size, 40);
  segment.writeBigUInt64LE(4096n, 48);
  return Buffer.concat([header, code]);
};

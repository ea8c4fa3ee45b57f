/** Programs for arm64 Linux without libraries: one segment that can be read, written and run (ELF for the Arm 64-bit Architecture). */

const HEADER = 64;
const PROGRAM_HEADER = 56;
const EM_AARCH64 = 183;
const PT_LOAD = 1;
const PAGE = 0x1000n;

/** Where the segment, which begins with the headers, is loaded. */
const BASE = 0x40_0000n;
/** Where the code begins. */
export const ENTRY = BASE + BigInt(HEADER + PROGRAM_HEADER);

/** @param spare bytes of zeros that follow the code in memory */
export const staticProgram = (code: Uint8Array, spare: number): Uint8Array => {
  const start = HEADER + PROGRAM_HEADER;
  const file = new Uint8Array(start + code.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, /* 64 bits */ 2, /* little-endian */ 1, /* version */ 1]);
  view.setUint16(16, /* ET_EXEC */ 2, true);
  view.setUint16(18, EM_AARCH64, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, ENTRY, true);
  view.setBigUint64(32, BigInt(HEADER), true);
  view.setUint16(52, HEADER, true);
  view.setUint16(54, PROGRAM_HEADER, true);
  view.setUint16(56, 1, true);
  view.setUint32(64, PT_LOAD, true);
  view.setUint32(68, /* PF_R | PF_W | PF_X */ 7, true);
  view.setBigUint64(80, BASE, true);
  view.setBigUint64(88, BASE, true);
  view.setBigUint64(96, BigInt(file.length), true);
  view.setBigUint64(104, BigInt(file.length + spare), true);
  view.setBigUint64(112, PAGE, true);
  file.set(code, start);
  return file;
};

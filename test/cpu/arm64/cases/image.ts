import { WINDOW } from './layout.ts';

/**
 * All that a case sets before a program runs and looks at afterwards, as one block of little-endian bytes: the very block that
 * goes to the reference runner and comes back.
 */

/** Byte offsets in a block. */
export const Field = {
  /** X0 to X30. */
  x: 0,
  sp: 248,
  /** Where to start; afterwards, the address of the instruction that ended the program. */
  pc: 256,
  /** Bits 31 to 28. */
  nzcv: 264,
  fpcr: 268,
  fpsr: 272,
  /** Index in `windowOffsets`. */
  place: 276,
  /** An `Outcome`; meaningless before. */
  outcome: 280,
  /** Fingerprint of the writable pages if anything outside the window was written, else 0; after a fault without CROSSING. */
  stray: 284,
  /** The address that faulted, for `fault` and `alignment`. */
  faultAddress: 288,
  /** V0 to V31. */
  v: 304,
  window: 816,
} as const;

export const IMAGE_SIZE = Field.window + WINDOW;

/** How a program ended. */
export const Outcome = {
  /** A BRK instruction: one of those that surround the program, or its own. */
  breakpoint: 1,
  undefined: 2,
  /** An address that is not mapped, or not for that kind of access. */
  fault: 3,
  /** An access, or the program counter, that is not aligned as it must be. */
  alignment: 4,
  /** It did not end. */
  endless: 5,
  /** Something else; not to be compared. */
  other: 6,
} as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

export const outcomeName = (outcome: number): string =>
  Object.entries(Outcome).find(([, value]) => value === outcome)?.[0] ?? `outcome ${outcome}`;

/** Registers by one number each: X0 to X30, then SP, then V0 to V31. */
export const SP_NUMBER = 31;
export const V_NUMBER = 32;
export const REGISTERS = 64;

export const registerName = (register: number): string => {
  if (register < SP_NUMBER) return `X${register}`;
  return register === SP_NUMBER ? 'SP' : `V${register - V_NUMBER}`;
};
export const registerOffset = (register: number): number =>
  register < V_NUMBER ? Field.x + register * 8 : Field.v + (register - V_NUMBER) * 16;
export const registerBytes = (register: number): number => (register < V_NUMBER ? 8 : 16);

/** A block and the views on it. */
export class Image {
  readonly bytes: Uint8Array;
  readonly u32: Uint32Array;
  readonly view: DataView;

  constructor(buffer: ArrayBufferLike = new ArrayBuffer(IMAGE_SIZE), offset = 0) {
    this.bytes = new Uint8Array(buffer, offset, IMAGE_SIZE);
    this.u32 = new Uint32Array(buffer, offset, IMAGE_SIZE / 4);
    this.view = new DataView(buffer, offset, IMAGE_SIZE);
  }

  get32(offset: number): number {
    return this.u32[offset >>> 2] as number;
  }

  set32(offset: number, value: number): void {
    this.u32[offset >>> 2] = value;
  }

  get64(offset: number): bigint {
    return this.view.getBigUint64(offset, true);
  }

  set64(offset: number, value: bigint): void {
    this.view.setBigUint64(offset, value, true);
  }

  /** Writes an address or another number below 2^53. */
  setAddress(offset: number, value: number): void {
    this.u32[offset >>> 2] = value;
    this.u32[(offset >>> 2) + 1] = Math.floor(value / 4294967296);
  }

  copyFrom(other: Image): void {
    this.bytes.set(other.bytes);
  }
}

/** Several images in one buffer. */
export const imagesIn = (buffer: ArrayBufferLike, count: number, offset = 0): Image[] =>
  Array.from({ length: count }, (_, index) => new Image(buffer, offset + index * IMAGE_SIZE));

import { type GeneralRegister, registers } from '../../cpu/arm64/assembler.ts';
import type { GuestAssembler } from '../guest-assembler.ts';
import type { Subject } from '../subject.ts';

const { x0, x1, x2, xzr, q0, q1 } = registers;

/** ESR_EL1 of a floating-point instruction that CPACR_EL1 does not allow. */
const ACCESS_TRAP = 0x1fe0_0000;
const CPACR_ALLOWED = 3 << 20;
const FPCR_ROUND_UP = 1 << 22;
const FPCR_FLUSH_TO_ZERO = 1 << 24;
const FPSR_INVALID = 1 << 0;
const FPSR_INEXACT = 1 << 4;
const FPSR_SATURATED = 1 << 27;
const UNORDERED = 0x3000_0000;
const DEFAULT_NAN = 0x7ff8_0000_0000_0000n;
const SMALLEST_DENORMAL = 1n;
/** 0.1 * 10 - 1, rounded once: 0.1 itself is a little more than a tenth. */
const FUSED = 5.551115123125783e-17;

/** The bits of a double. */
const bitsOf = (value: number): bigint => new BigUint64Array(Float64Array.of(value).buffer)[0];

/** The scalar instructions' field for doubles. */
const DOUBLE = { type: 1 } as const;

const toDouble = (guest: GuestAssembler, d: number, value: number | bigint): void => {
  guest.mov(x1, typeof value === 'number' ? bitsOf(value) : value);
  guest.emit('FMOV (general, 64-bit to double)', { Rn: 1, Rd: d });
};

const fromDouble = (guest: GuestAssembler, d: GeneralRegister, n: number): void => {
  guest.emit('FMOV (general, double to 64-bit)', { Rn: n, Rd: d.number });
};

const expectDouble = (guest: GuestAssembler, what: string, n: number, value: number | bigint): void => {
  fromDouble(guest, x0, n);
  guest.expect(what, x0, typeof value === 'number' ? bitsOf(value) : value);
};

const clearStatus = (guest: GuestAssembler): void => guest.msr('FPSR', xzr);

const expectStatus = (guest: GuestAssembler, what: string, flag: number): void => {
  guest.mrs(x2, 'FPSR');
  guest.expectBits(what, x2, flag, flag);
};

const checkArithmetic = (guest: GuestAssembler): void => {
  clearStatus(guest);
  toDouble(guest, 0, 0.1);
  toDouble(guest, 1, 0.2);
  guest.emit('FADD (scalar)', { ...DOUBLE, Rm: 1, Rn: 0, Rd: 2 });
  expectDouble(guest, '0.1 + 0.2', 2, 0.1 + 0.2);
  expectStatus(guest, 'inexact flag', FPSR_INEXACT);
  toDouble(guest, 1, 2);
  guest.emit('FSQRT (scalar)', { ...DOUBLE, Rn: 1, Rd: 2 });
  expectDouble(guest, 'square root of 2', 2, Math.SQRT2);
  toDouble(guest, 1, 10);
  toDouble(guest, 3, -1);
  guest.emit('FMADD', { ...DOUBLE, Rm: 1, Ra: 3, Rn: 0, Rd: 2 });
  expectDouble(guest, 'fused 0.1 * 10 - 1', 2, FUSED);
  toDouble(guest, 1, -7);
  guest.emit('FCVTZS (scalar, integer)', { ...DOUBLE, sf: 1, Rn: 1, Rd: 0 });
  guest.expect('-7 as an integer', x0, -7);
  toDouble(guest, 1, 1e300);
  guest.emit('FCVTZS (scalar, integer)', { ...DOUBLE, sf: 1, Rn: 1, Rd: 0 });
  guest.expect('1e300 as an integer', x0, 0x7fff_ffff_ffff_ffffn);
  expectStatus(guest, 'invalid flag after a conversion', FPSR_INVALID);
};

const checkSpecial = (guest: GuestAssembler): void => {
  clearStatus(guest);
  toDouble(guest, 0, 0);
  guest.emit('FDIV (scalar)', { ...DOUBLE, Rm: 0, Rn: 0, Rd: 2 });
  expectDouble(guest, '0 / 0', 2, DEFAULT_NAN);
  expectStatus(guest, 'invalid flag of 0 / 0', FPSR_INVALID);
  guest.emit('FCMP (register)', { ...DOUBLE, Rm: 0, Rn: 2 });
  guest.mrs(x2, 'NZCV');
  guest.expect('flags of a comparison with NaN', x2, UNORDERED);

  guest.mov(x1, FPCR_ROUND_UP);
  guest.msr('FPCR', x1);
  toDouble(guest, 0, 1);
  toDouble(guest, 1, 3);
  guest.emit('FDIV (scalar)', { ...DOUBLE, Rm: 1, Rn: 0, Rd: 2 });
  expectDouble(guest, '1 / 3, rounded up', 2, bitsOf(1 / 3) + 1n);
  guest.mov(x1, FPCR_FLUSH_TO_ZERO);
  guest.msr('FPCR', x1);
  toDouble(guest, 1, SMALLEST_DENORMAL);
  guest.emit('FMUL (scalar)', { ...DOUBLE, Rm: 1, Rn: 0, Rd: 2 });
  expectDouble(guest, 'a denormal number, flushed to zero', 2, 0);
  guest.msr('FPCR', xzr);
};

/** Loads a vector from the constants that follow the check. */
const load = (guest: GuestAssembler, q: typeof q0, name: string): void => guest.ldr(q, `vector ${name}`);

const expectVector = (guest: GuestAssembler, what: string, n: number, low: bigint, high: bigint): void => {
  fromDouble(guest, x0, n);
  guest.expect(`${what}, low half`, x0, low);
  guest.emit('FMOV (general, top half to 64-bit)', { Rn: n, Rd: 0 });
  guest.expect(`${what}, high half`, x0, high);
};

const checkVectors = (guest: GuestAssembler): void => {
  const bytes = { Q: 1, size: 0 };
  load(guest, q0, 'counting');
  guest.emit('ADD (vector)', { ...bytes, Rm: 0, Rn: 0, Rd: 2 });
  expectVector(guest, 'sums of bytes', 2, 0x0e0c_0a08_0604_0200n, 0x1e1c_1a18_1614_1210n);
  guest.emit('ADDV', { ...bytes, Rn: 0, Rd: 2 });
  expectVector(guest, 'sum across bytes', 2, 120n, 0n);
  load(guest, q1, 'backwards');
  guest.emit('TBL (1 register table)', { Q: 1, Rm: 1, Rn: 0, Rd: 2 });
  expectVector(guest, 'bytes through a table', 2, 0x0809_0a0b_0c0d_0e0fn, 0x0001_0203_0405_0607n);
  clearStatus(guest);
  load(guest, q1, 'large');
  guest.emit('SQADD (vector)', { ...bytes, Rm: 1, Rn: 0, Rd: 2 });
  expectVector(guest, 'saturating sums', 2, 0x7f7f_7f7f_7f7f_7e7dn, 0x7f7f_7f7f_7f7f_7f7fn);
  expectStatus(guest, 'saturation flag', FPSR_SATURATED);
};

/** The first round of the example in FIPS 197, appendix B, without its key; and a carry-less square. */
const checkCryptography = (guest: GuestAssembler): void => {
  load(guest, q0, 'cipher state');
  guest.emit('EOR (vector)', { Q: 1, Rm: 1, Rn: 1, Rd: 1 });
  guest.emit('AESE', { Rn: 1, Rd: 0 });
  expectVector(guest, 'AES substitution', 0, 0xae52_b4e0_305d_bfd4n, 0xe598_271e_f111_41b8n);
  guest.emit('AESMC', { Rn: 0, Rd: 2 });
  expectVector(guest, 'AES mixing of columns', 2, 0x9a19_cbe0_e581_6604n, 0x4c26_0628_7ad3_f848n);
  toDouble(guest, 0, 0x8000_0000_0000_0001n);
  guest.emit('PMULL, PMULL2 (doublewords)', { Q: 0, Rm: 0, Rn: 0, Rd: 2 });
  expectVector(guest, 'carry-less square', 2, 1n, 0x4000_0000_0000_0000n);
};

const hexadecimal = (text: string): number[] => (text.match(/../g) ?? []).map((digits) => Number.parseInt(digits, 16));

const constants: readonly (readonly [name: string, bytes: string])[] = [
  ['counting', '000102030405060708090a0b0c0d0e0f'],
  ['backwards', '0f0e0d0c0b0a09080706050403020100'],
  ['large', '7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d7d'],
  ['cipher state', '193de3bea0f4e22b9ac68d2ae9f84808'],
];

export const floatingPoint: Subject = {
  name: 'floating-point',
  title: 'floating point, vectors and cryptography',
  check(guest) {
    guest.msr('CPACR_EL1', xzr);
    guest.isb();
    guest.expectFault(
      'floating point that is not allowed',
      { syndrome: ACCESS_TRAP },
      () => {},
      () => fromDouble(guest, x0, 0),
    );
    guest.mov(x1, CPACR_ALLOWED);
    guest.msr('CPACR_EL1', x1);
    guest.isb();
    guest.msr('FPCR', xzr);
    checkArithmetic(guest);
    checkSpecial(guest);
    checkVectors(guest);
    checkCryptography(guest);
  },
  routines(guest) {
    guest.align(16);
    for (const [name, bytes] of constants) {
      guest.label(`vector ${name}`);
      guest.bytes(hexadecimal(bytes));
    }
  },
};

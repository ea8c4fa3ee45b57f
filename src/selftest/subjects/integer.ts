import { lsl, registers } from '../../cpu/arm64/assembler.ts';
import type { GuestAssembler } from '../guest-assembler.ts';
import { Place } from '../places.ts';
import type { Subject } from '../subject.ts';

const { x0, x1, x2, x3, x4, x5, x6, w0, w1, w2, xzr } = registers;

const PATTERN = 0x0123_4567_89ab_cdefn;
const MOST_NEGATIVE = -0x8000_0000_0000_0000n;
/** NZCV with Z and C alone. */
const ZERO_AND_CARRY = 0x6000_0000;
/** The CRC-32C of the pattern, without the last inversion. */
const CRC32C_OF_PATTERN = 0x9a4f_27dc;

const checkArithmetic = (guest: GuestAssembler): void => {
  guest.mov(x1, -1);
  guest.adds(x0, x1, 1);
  guest.mrs(x2, 'NZCV');
  guest.expect('flags of -1 + 1', x2, ZERO_AND_CARRY);
  guest.adds(x3, x1, x1);
  guest.adc(x0, xzr, xzr);
  guest.expect('carry of -1 + -1', x0, 1);
  guest.mov(x1, PATTERN);
  guest.mov(x2, 0xfedc_ba98_7654_3210n);
  guest.mul(x0, x1, x2);
  guest.expect('low half of a product', x0, BigInt.asUintN(64, PATTERN * 0xfedc_ba98_7654_3210n));
  guest.umulh(x0, x1, x2);
  guest.expect('high half of a product', x0, (PATTERN * 0xfedc_ba98_7654_3210n) >> 64n);
  guest.mov(x3, MOST_NEGATIVE);
  guest.mov(x4, -1);
  guest.sdiv(x0, x3, x4);
  guest.expect('the most negative number divided by -1', x0, MOST_NEGATIVE);
  guest.udiv(x0, x1, xzr);
  guest.expect('a number divided by 0', x0, 0);
  guest.mov(x5, 1000);
  guest.udiv(x0, x1, x5);
  guest.msub(x6, x0, x5, x1);
  guest.expect('remainder of a division', x6, PATTERN % 1000n);
};

const checkBits = (guest: GuestAssembler): void => {
  guest.mov(x1, PATTERN);
  guest.rbit(x0, x1);
  guest.expect('reversed bits', x0, 0xf7b3_d591_e6a2_c480n);
  guest.rev(x0, x1);
  guest.expect('reversed bytes', x0, 0xefcd_ab89_6745_2301n);
  guest.clz(x0, x1);
  guest.expect('leading zeros', x0, 7);
  guest.ror(x0, x1, 20);
  guest.expect('rotated right by 20', x0, 0xbcde_f012_3456_789an);
  guest.mov(x0, 0);
  guest.bfi(x0, x1, 12, 16);
  guest.expect('inserted bit field', x0, 0xcdef000);
  guest.sbfx(x0, x1, 28, 8);
  guest.expect('signed bit field', x0, 0x78);
  guest.mov(w2, -1);
  guest.emit('CRC32CX', { Rm: 1, Rn: 2, Rd: 0 });
  guest.expect('CRC-32C', w0, CRC32C_OF_PATTERN);
};

/** Loads that extend, in both widths, and a loop with a condition at its end. */
const checkMemory = (guest: GuestAssembler): void => {
  guest.mov(x2, Place.firstPage);
  guest.mov(x1, 0x8123_4567_89ab_cdefn);
  guest.str(x1, [x2, 8]);
  guest.ldrsb(x0, [x2, 15]);
  guest.expect('a byte, sign-extended', x0, -0x7f);
  guest.ldrsh(w0, [x2, 8]);
  guest.expect('a halfword, sign-extended', w0, -0x3211);
  guest.ldrsw(x0, [x2, 12]);
  guest.expect('a word, sign-extended', x0, -0x7edc_ba99);
  guest.ldp(w0, w1, [x2, 8]);
  guest.expect('second word of a pair', w1, 0x8123_4567);

  const again = guest.fresh('fill');
  guest.mov(x3, 0);
  guest.mov(x4, 0);
  guest.label(again);
  guest.str(x3, [x2, x3, lsl(3)]);
  guest.ldr(x5, [x2, x3, lsl(3)]);
  guest.add(x4, x4, x5);
  guest.add(x3, x3, 1);
  guest.cmp(x3, 512);
  guest.b(again, 'lo');
  guest.expect('sum of a page of numbers', x4, (511 * 512) / 2);
};

export const integer: Subject = {
  name: 'integer',
  title: 'integer instructions, loads and stores',
  check(guest) {
    checkArithmetic(guest);
    checkBits(guest);
    checkMemory(guest);
  },
};

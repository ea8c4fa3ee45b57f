import { post, registers } from '../../cpu/arm64/assembler.ts';
import type { GuestAssembler } from '../guest-assembler.ts';
import { IMAGE_BASE, PAGE_BYTES, Place, ProcessorBlock } from '../places.ts';
import type { Subject } from '../subject.ts';
import { FaultStatus, Syndrome } from '../syndrome.ts';
import {
  Control,
  emitTranslation,
  pointWindow,
  SCTLR_ALIGNMENT,
  SCTLR_MMU,
  UPPER_BLOCK,
  UPPER_PAGE,
  unmapped,
  windowAddress,
} from '../translation.ts';
import { Vector } from '../vectors.ts';
import { SCTLR_START } from '../verdict.ts';

const { x0, x1, x2, x6, x7, x8, x9, w0, w1, w8, lr, xzr } = registers;

const FIRST = 0x1111_2222_3333_4444n;
const SECOND = 0x5555_6666_7777_8888n;

/** PAR_EL1: the page of a translation that succeeded, and what says that it failed. */
const PAR_PAGE_AND_FAILED = 0xffff_ffff_f001n;
const PAR_FAILED = 1;

/** PSTATE of EL0 with everything masked. */
const EL0_MASKED = 0x3c0;
const TTBR_ASID = 2n ** 48n;

const translationOn = (guest: GuestAssembler, control: number, table: number): void => {
  guest.mov(x0, control);
  guest.mov(x1, table);
  guest.bl('translation on');
};

/** Code, data and AT through tables of one granule that map everything where it is. */
const checkGranule = (guest: GuestAssembler, name: string, control: number, table: number): void => {
  translationOn(guest, control, table);
  guest.mov(x6, Place.firstPage + 0x128);
  guest.mov(x7, FIRST);
  guest.str(x7, [x6]);
  guest.str(xzr, [x6, 8]);
  guest.ldr(x0, [x6]);
  guest.expect(`what was stored, ${name} granule`, x0, FIRST);
  guest.at('s1e1w', x6);
  guest.isb();
  guest.mrs(x1, 'PAR_EL1');
  guest.expectBits(`page that AT finds, ${name} granule`, x1, PAR_PAGE_AND_FAILED, Place.firstPage);
  guest.at('s1e0r', x6);
  guest.isb();
  guest.mrs(x1, 'PAR_EL1');
  guest.expectBits(`whether AT says that EL0 cannot read, ${name} granule`, x1, 1, PAR_FAILED);
  guest.bl('translation off');
  guest.ldr(x0, [x6]);
  guest.expect(`what was stored, seen with the MMU off after the ${name} granule`, x0, FIRST);
};

/** One page seen at several addresses. */
const checkAliases = (guest: GuestAssembler): void => {
  guest.write(windowAddress('data') + 16, SECOND);
  guest.read(x0, windowAddress('readOnly') + 16);
  guest.expect('a page at its second address', x0, SECOND);
  guest.mov(x6, UPPER_PAGE);
  guest.ldr(x0, [x6, 16]);
  guest.expect('a page in the upper half', x0, SECOND);
  guest.mov(x6, UPPER_BLOCK + BigInt(Place.firstPage - IMAGE_BASE));
  guest.ldr(x0, [x6, 16]);
  guest.expect('a page in a block of 1 GiB', x0, SECOND);
  // Eight bytes across two pages that are the same page.
  guest.write(windowAddress('data'), 0x0808_0808_0707_0707n);
  guest.write(windowAddress('data') + PAGE_BYTES - 8, 0x0606_0606_0505_0505n);
  guest.mov(x6, windowAddress('data') + PAGE_BYTES - 3);
  guest.ldr(x0, [x6]);
  guest.expect('a misaligned load across pages', x0, 0x0807_0707_0706_0606n);
};

/** A load or store that must fail. */
const expectAbort = (guest: GuestAssembler, what: string, address: number, status: number, store = false): void => {
  guest.mov(x6, address);
  guest.expectFault(
    what,
    { syndrome: store ? Syndrome.storeAbort(status) : Syndrome.dataAbort(status), address },
    () => {},
    () => (store ? guest.str(x7, [x6]) : guest.ldr(x7, [x6])),
  );
};

const checkAborts = (guest: GuestAssembler): void => {
  const { translation, accessFlag, permission } = FaultStatus;
  expectAbort(guest, 'no entry at level 0', unmapped.level0, translation);
  expectAbort(guest, 'no entry at level 1', unmapped.level1, translation + 1);
  expectAbort(guest, 'no entry at level 2', unmapped.level2, translation + 2);
  expectAbort(guest, 'no entry at level 3', windowAddress('missing') + 8, translation + 3);
  expectAbort(guest, 'store without an entry', windowAddress('missing') + 8, translation + 3, true);
  expectAbort(guest, 'page without the access flag', windowAddress('notAccessed'), accessFlag + 3);
  expectAbort(guest, 'store to a page that is read-only', windowAddress('readOnly'), permission + 3, true);
  guest.mov(x6, windowAddress('data'));
  guest.expectFault(
    'branch to a page without code',
    {
      syndrome: Syndrome.instructionAbort(permission + 3),
      address: windowAddress('data'),
    },
    () => guest.br(x6),
  );
  guest.mov(x6, windowAddress('missing'));
  guest.expectFault(
    'branch to no page',
    {
      syndrome: Syndrome.instructionAbort(translation + 3),
      address: windowAddress('missing'),
    },
    () => guest.br(x6),
  );
  guest.mov(x6, Place.firstPage);
  guest.expectFault(
    'load as if at EL0',
    { syndrome: Syndrome.dataAbort(permission + 2), address: Place.firstPage },
    () => {},
    () => guest.unprivileged('LDR', x7, x6),
  );
};

const checkAlignment = (guest: GuestAssembler): void => {
  guest.mov(x0, SCTLR_START | SCTLR_MMU | SCTLR_ALIGNMENT);
  guest.msr('SCTLR_EL1', x0);
  guest.isb();
  expectAbort(guest, 'misaligned load', windowAddress('data') + 1, FaultStatus.alignment);
  guest.mov(x0, SCTLR_START | SCTLR_MMU);
  guest.msr('SCTLR_EL1', x0);
  guest.isb();
};

/** Entries that change, with and without an invalidation. */
const checkInvalidation = (guest: GuestAssembler): void => {
  guest.write(Place.firstPage, FIRST);
  guest.write(Place.secondPage, SECOND);
  guest.read(x0, windowAddress('changing'));
  guest.expect('a page before its entry changes', x0, FIRST);
  pointWindow(guest, 'changing');
  guest.dsb('ishst');
  guest.mov(x6, windowAddress('changing') / PAGE_BYTES);
  guest.tlbi('vaae1is', x6);
  guest.dsb('ish');
  guest.isb();
  expectAbort(guest, 'entry that was removed', windowAddress('changing'), FaultStatus.translation + 3);
  pointWindow(guest, 'changing', Place.secondPage);
  guest.dsb('ishst');
  guest.isb();
  guest.read(x0, windowAddress('changing'));
  guest.expect('a page after its entry changed', x0, SECOND);

  switchSpace(guest, 1n);
  guest.read(x0, windowAddress('ofOneSpace'));
  guest.expect('a page of address space 1', x0, FIRST);
  switchSpace(guest, 2n);
  pointWindow(guest, 'ofOneSpace', Place.secondPage);
  guest.dsb('ishst');
  guest.isb();
  guest.read(x0, windowAddress('ofOneSpace'));
  guest.expect('the same page in address space 2', x0, SECOND);
};

const switchSpace = (guest: GuestAssembler, asid: bigint): void => {
  guest.mov(x0, BigInt(Place.level1) + asid * TTBR_ASID);
  guest.msr('TTBR0_EL1', x0);
  guest.isb();
};

/** Runs code that was just written, and then changed. */
const checkNewCode = (guest: GuestAssembler): void => {
  const [return42, return43] = ['return 42', 'return 43'];
  guest.mov(x8, windowAddress('code'));
  guest.mov(x9, Place.secondPage);
  for (const [label, value] of [
    [return42, 42],
    [return43, 43],
  ] as const) {
    guest.adr(x6, label);
    guest.ldr(x7, [x6]);
    guest.str(x7, [x9]);
    guest.dc('cvau', x8);
    guest.dsb('ish');
    guest.ic('ivau', x8);
    guest.dsb('ish');
    guest.isb();
    guest.mov(x0, xzr);
    guest.blr(x8);
    guest.expect('result of code just written', x0, value);
  }
  guest.mov(lr, xzr);
};

/** Copies the code for EL0 to its page. */
const copyUserCode = (guest: GuestAssembler): void => {
  const again = guest.fresh('copy');
  guest.adr(x6, 'user code');
  guest.adr(x7, 'user code end');
  guest.mov(x8, Place.userCode);
  guest.label(again);
  guest.ldr(w0, post(x6, 4));
  guest.str(w0, post(x8, 4));
  guest.cmp(x6, x7);
  guest.b(again, 'lo');
  guest.dsb();
  guest.ic('iallu');
  guest.dsb();
  guest.isb();
};

/** Runs a piece of the code for EL0 with x8 and x9 set, until it causes an exception. */
const expectUserFault = (
  guest: GuestAssembler,
  what: string,
  label: string,
  expected: number,
  returnAfter = 0,
): void => {
  guest.adr(x6, label);
  guest.adr(x7, 'user code');
  guest.sub(x6, x6, x7);
  guest.mov(x7, windowAddress('userCode'));
  guest.add(x6, x6, x7);
  guest.expectFault(what, { syndrome: expected }, () => {
    guest.msr('ELR_EL1', x6);
    guest.mov(x0, EL0_MASKED);
    guest.msr('SPSR_EL1', x0);
    guest.eret();
  });
  guest.add(x6, x6, returnAfter);
  guest.expect(`${what}: return address`, x2, x6);
  guest.readBlock(x0, ProcessorBlock.vector);
  guest.expect(`${what}: vector`, x0, Vector.lower);
};

const checkUser = (guest: GuestAssembler): void => {
  const { permission } = FaultStatus;
  copyUserCode(guest);
  guest.write(Place.userData, xzr);
  guest.mov(x8, windowAddress('userData'));
  expectUserFault(guest, 'system call from EL0', 'user store and call', Syndrome.supervisorCall(9), 8);
  guest.read(w0, Place.userData);
  guest.expect('what EL0 stored', w0, windowAddress('userData'));
  guest.mov(x8, Place.firstPage);
  expectUserFault(guest, "EL0's load of the kernel's memory", 'user load', Syndrome.dataAbortLower(permission + 2));
  expectUserFault(guest, "EL0's read of a system register", 'user register', Syndrome.unknown);
  guest.mov(x8, windowAddress('code'));
  guest.read(x0, windowAddress('userData'));
  guest.msr('PAN', 1);
  expectAbort(guest, "load of EL0's memory with PAN", windowAddress('userData'), permission + 3);
  guest.msr('PAN', 0);
  guest.read(w1, windowAddress('userData'));
  guest.expect("load of EL0's memory without PAN", w1, windowAddress('userData'));
};

/** Translation, from turning it on to EL0 and back. */
export const mmu: Subject = {
  name: 'mmu',
  title: 'page tables, faults in them, and EL0',
  check(guest) {
    guest.bl('build tables');
    checkGranule(guest, '64 KiB', Control.granule64, Place.level2Of64);
    checkGranule(guest, '16 KiB', Control.granule16, Place.level2Of16);
    checkGranule(guest, '4 KiB', Control.granule4, Place.level1);
    translationOn(guest, Control.granule4, Place.level1);
    checkAliases(guest);
    checkAborts(guest);
    checkAlignment(guest);
    checkInvalidation(guest);
    checkNewCode(guest);
    checkUser(guest);
  },
  routines(guest) {
    emitTranslation(guest);
    for (const value of [42, 43]) {
      guest.label(`return ${value}`);
      guest.movz(w0, value);
      guest.ret();
    }
    guest.label('user code');
    guest.label('user store and call');
    guest.str(w8, [x8]);
    guest.svc(9);
    guest.label('user load');
    guest.ldr(x0, [x8]);
    guest.label('user register');
    guest.mrs(x0, 'SCTLR_EL1');
    guest.label('user code end');
  },
};

import { registers } from '../../cpu/arm64/assembler.ts';
import type { GuestAssembler } from '../guest-assembler.ts';
import { Place, ProcessorBlock } from '../places.ts';
import type { Subject } from '../subject.ts';
import { FaultStatus, Syndrome } from '../syndrome.ts';
import { Vector } from '../vectors.ts';

const { x0, x1, x2, x6, xzr, sp } = registers;

/** The encoding that is never an instruction. */
const UDF = 0;
const SPSR_EL1_OWN_STACK = 0x3c5;
const SPSR_ILLEGAL = 1 << 20;
const ZERO_AND_CARRY = 0x6000_0000;

const expectVector = (guest: GuestAssembler, what: string, vector: number): void => {
  guest.readBlock(x0, ProcessorBlock.vector);
  guest.expect(`${what}: vector`, x0, vector);
};

const checkInstructions = (guest: GuestAssembler): void => {
  const nothing = (): void => {};
  guest.expectFault('undefined instruction', { syndrome: Syndrome.unknown }, nothing, () => guest.word(UDF));
  expectVector(guest, 'undefined instruction', Vector.currentOwnStack);
  guest.expectFault('BRK', { syndrome: Syndrome.breakpointInstruction(0x123) }, nothing, () => guest.brk(0x123));
  guest.expectFault(
    'SVC',
    { syndrome: Syndrome.supervisorCall(7) },
    () => {
      guest.svc(7);
    },
    nothing,
  );
  guest.expectFault('register that does not exist', { syndrome: Syndrome.unknown }, nothing, () =>
    guest.mrs(x6, 'S3_0_C15_C0_0'),
  );
};

/** The state that an exception saves. */
const checkSavedState = (guest: GuestAssembler): void => {
  guest.mov(x6, ZERO_AND_CARRY);
  guest.expectFault(
    'undefined instruction with flags',
    { syndrome: Syndrome.unknown },
    () => guest.msr('NZCV', x6),
    () => guest.word(UDF),
  );
  guest.readBlock(x0, ProcessorBlock.savedState);
  guest.expectBits('saved state', x0, 0xf000_03df, ZERO_AND_CARRY | SPSR_EL1_OWN_STACK);
};

const checkOtherStack = (guest: GuestAssembler): void => {
  guest.mov(x6, Place.argument);
  guest.msr('SP_EL0', x6);
  guest.expectFault(
    'exception with the stack pointer of EL0',
    { syndrome: Syndrome.unknown },
    () => guest.msr('SPSel', 0),
    () => guest.word(UDF),
  );
  expectVector(guest, 'exception with the stack pointer of EL0', Vector.current);
};

const checkStackAlignment = (guest: GuestAssembler): void => {
  guest.mov(x6, Place.argument + 8);
  guest.msr('SP_EL0', x6);
  guest.mov(x6, Place.firstPage);
  guest.expectFault(
    'load by a misaligned stack pointer',
    { syndrome: Syndrome.stackAlignment },
    () => {
      guest.msr('SPSel', 0);
      guest.str(x6, [x6]);
      guest.ldr(x6, [x6]);
    },
    () => guest.ldr(x6, [sp]),
  );
  guest.expect('load and store by another register meanwhile', x6, Place.firstPage);
};

const checkPlaces = (guest: GuestAssembler): void => {
  guest.mov(x6, Place.firstPage + 2);
  guest.expectFault(
    'branch to a misaligned address',
    { syndrome: Syndrome.pcAlignment, address: Place.firstPage + 2 },
    () => guest.br(x6),
  );
  guest.expect('branch to a misaligned address: return address', x2, Place.firstPage + 2);
  // With the MMU off all memory is like a device's, which allows no misaligned access.
  guest.mov(x6, Place.firstPage + 1);
  guest.expectFault(
    'misaligned exclusive load',
    { syndrome: Syndrome.dataAbort(FaultStatus.alignment), address: Place.firstPage + 1 },
    () => {},
    () => guest.ldaxr(x1, x6),
  );
  guest.expectFault(
    'DC ZVA',
    { syndrome: Syndrome.storeAbort(FaultStatus.alignment), address: Place.firstPage + 1 },
    () => {},
    () => guest.dc('zva', x6),
  );
};

const checkIllegalReturn = (guest: GuestAssembler): void => {
  const target = guest.fresh('target');
  guest.expectFault('return to an illegal state', { syndrome: Syndrome.illegalState }, () => {
    guest.adr(x6, target);
    guest.msr('ELR_EL1', x6);
    guest.mov(x6, SPSR_ILLEGAL | SPSR_EL1_OWN_STACK);
    guest.msr('SPSR_EL1', x6);
    guest.eret();
    guest.label(target);
    guest.mov(x6, xzr);
  });
  guest.adr(x1, target);
  guest.expect('return to an illegal state: return address', x2, x1);
};

/** Exceptions that need no translation. */
export const faults: Subject = {
  name: 'faults',
  title: 'exceptions and what they tell',
  check(guest) {
    checkInstructions(guest);
    checkSavedState(guest);
    checkOtherStack(guest);
    checkStackAlignment(guest);
    checkPlaces(guest);
    checkIllegalReturn(guest);
  },
};

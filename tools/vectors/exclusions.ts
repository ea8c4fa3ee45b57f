/**
 * Instruction words that a comparison with the reference says nothing about: those the manual leaves open (CONSTRAINED
 * UNPREDICTABLE, Arm ARM K1.2), those that would act on the reference's process, and those that qemu-user answers for a kernel.
 */

const field = (word: number, shift: number): number => (word >>> shift) & 31;
const matches = (word: number, mask: number, value: number): boolean => ((word & mask) ^ value) >>> 0 === 0;

const isLoadPair = (word: number): boolean => matches(word, 0x3a400000, 0x28400000);
const isPairWithWriteback = (word: number): boolean => matches(word, 0x3a800000, 0x28800000);
const isVector = (word: number): boolean => matches(word, 0x04000000, 0x04000000);
const isSingleWithWriteback = (word: number): boolean => matches(word, 0x3b200400, 0x38000400);
const isExclusiveClass = (word: number): boolean => matches(word, 0x3f000000, 0x08000000);

/** Load and store exclusive, and load-acquire, store-release; CAS and CASP are their neighbours. */
const unpredictableExclusive = (word: number): boolean => {
  const ordered = matches(word, 0x00800000, 0x00800000);
  const load = matches(word, 0x00400000, 0x00400000);
  const pair = matches(word, 0x00200000, 0x00200000);
  const [s, t2, n, t] = [field(word, 16), field(word, 10), field(word, 5), field(word, 0)];
  // CAS, CASP
  if (pair && (ordered || word >>> 31 === 0)) return t2 !== 31;
  if (ordered) return s !== 31 || t2 !== 31;
  if (load) return s !== 31 || (pair ? t === t2 : t2 !== 31);
  if (!pair && t2 !== 31) return true;
  return s === t || (pair && s === t2) || (s === n && n !== 31);
};

/** Fields that should be all ones or zeros but are not, outside the loads and stores. */
const breaksShouldBe = (word: number): boolean =>
  // SMULH, UMULH: Ra
  (matches(word, 0xff608000, 0x9b400000) && field(word, 10) !== 31) ||
  // FCMP, FCMPE with zero: Rm
  (matches(word, 0xff20fc0f, 0x1e202008) && field(word, 16) !== 0);

/** Whether the manual leaves open what the word does. */
export const isUnpredictable = (word: number): boolean => {
  if (breaksShouldBe(word)) return true;
  const [t2, n, t] = [field(word, 10), field(word, 5), field(word, 0)];
  if (isLoadPair(word) && t === t2) return true;
  if (isPairWithWriteback(word) && !isVector(word) && n !== 31 && (n === t || n === t2)) return true;
  if (isSingleWithWriteback(word) && !isVector(word) && n !== 31 && n === t) return true;
  return isExclusiveClass(word) && unpredictableExclusive(word);
};

/**
 * Whether exclusives of different widths meet in a program: whether a store exclusive passes a monitor that was set for
 * another width is open.
 */
export const mixesExclusives = (words: readonly number[]): boolean => {
  // Size, and whether a pair; load or store does not matter.
  const widths = words.filter((word) => matches(word, 0x3f800000, 0x08000000)).map((word) => word & 0xc0200000);
  return widths.some((width) => width !== widths[0]);
};

const isSystem = (word: number): boolean => matches(word, 0xffc00000, 0xd5000000);

/** System instructions that have the same effect in a process and at EL0 of a machine. */
const harmlessSystem: readonly (readonly [mask: number, value: number])[] = [
  // Hints with CRm = 0 but for YIELD, WFE and WFI, whose effect is on the scheduler.
  [0xffffffff, 0xd503201f],
  [0xffffffff, 0xd503209f],
  [0xffffffff, 0xd50320bf],
  // CLREX, DSB, DMB, ISB
  [0xfffff0ff, 0xd503305f],
  [0xfffff0ff, 0xd503309f],
  [0xfffff0ff, 0xd50330bf],
  [0xfffff0ff, 0xd50330df],
  // NZCV, DAIF, FPCR, FPSR, to and from a register
  [0xffdfffe0, 0xd51b4200],
  [0xffdfffe0, 0xd51b4220],
  [0xffdfffe0, 0xd51b4400],
  [0xffdfffe0, 0xd51b4420],
  // DC ZVA
  [0xffffffe0, 0xd50b7420],
];

/**
 * Whether EL0 is refused a system instruction or register, without the operating system having a say: all but the caches' and
 * the registers meant for EL0, and identification registers, which qemu-user reads for the program.
 */
const isRefusedAtEl0 = (word: number): boolean => {
  const [op0, op1, crn] = [(word >>> 19) & 3, (word >>> 16) & 7, (word >>> 12) & 15];
  switch (op0) {
    case 0:
      // Hints and barriers
      return crn !== 2 && crn !== 3;
    case 1:
      return op1 !== 3 || crn !== 7;
    case 2:
      return op1 !== 3;
    default:
      return op1 === 3 ? ![0, 4, 9, 13, 14].includes(crn) : op1 !== 0 || crn !== 0;
  }
};

/** Whether the word must not be run by the reference, or does there what it does not do on a machine. */
export const isUnsafe = (word: number): boolean => {
  // SVC
  if (matches(word, 0xffe0001f, 0xd4000001)) return true;
  if (!isSystem(word) || harmlessSystem.some(([mask, value]) => matches(word, mask, value))) return false;
  return !isRefusedAtEl0(word);
};

/** DC ZVA: when it faults after other instructions, the reference does not know where it is. */
export const isZeroBlock = (word: number): boolean => matches(word, 0xffffffe0, 0xd50b7420);

/** An instruction of the large system extensions, which the plain reference model lacks. */
export const isLargeSystemExtension = (word: number): boolean =>
  // CAS and its variants
  matches(word, 0x3fa07c00, 0x08a07c00) ||
  // CASP
  matches(word, 0xbfa07c00, 0x08207c00) ||
  // Atomic memory operations; the newer LDAPR among them is none.
  (matches(word, 0x3f200c00, 0x38200000) && !matches(word, 0x3f20fc00, 0x3820c000));

/** MSR FPCR or FPSR: their reserved bits are the reference's own affair. */
export const writesModes = (word: number): boolean =>
  matches(word, 0xffffffe0, 0xd51b4400) || matches(word, 0xffffffe0, 0xd51b4420);

import { type GeneralRegister, numberOf } from './assembly-operands.ts';
import { type Condition, conditionCode } from './conditions.ts';
import { encode, signedField } from './encoder.ts';
import { MemoryAssembler } from './memory-assembler.ts';
import { barrierOptions, systemOperations, systemRegisterEncoding } from './system-names.ts';

export * from './assembly-operands.ts';
export type { Condition } from './conditions.ts';

/**
 * An assembler for A64 with a method for each instruction that guest programs usually need; `emit` writes all the others.
 *
 *     const { x0, x1, lr, sp } = registers;
 *     const a = new Assembler(0x4000_0000);
 *     a.label('next');
 *     a.ldr(x1, post(x0, 8));
 *     a.cbnz(x1, 'next');
 *     a.ret();
 *     const bytes = a.finish();
 */
export class Assembler extends MemoryAssembler {
  // Branches and addresses

  /** To a label, always or on a condition. */
  b(label: string, condition?: Condition): void {
    if (condition === undefined) this.#branch('B', label, {}, 26);
    else this.#branch('B.cond', label, { cond: conditionCode(condition) }, 19);
  }

  bl(label: string): void {
    this.#branch('BL', label, {}, 26);
  }

  cbz(t: GeneralRegister, label: string): void {
    this.#branch('CBZ', label, { sf: t.sf, Rt: numberOf(t) }, 19);
  }

  cbnz(t: GeneralRegister, label: string): void {
    this.#branch('CBNZ', label, { sf: t.sf, Rt: numberOf(t) }, 19);
  }

  tbz(t: GeneralRegister, bit: number, label: string): void {
    this.#branch('TBZ', label, { b5: bit >> 5, b40: bit & 31, Rt: numberOf(t) }, 14);
  }

  tbnz(t: GeneralRegister, bit: number, label: string): void {
    this.#branch('TBNZ', label, { b5: bit >> 5, b40: bit & 31, Rt: numberOf(t) }, 14);
  }

  #branch(name: string, label: string, fields: Record<string, number>, width: number): void {
    this.wordTo(label, (distance) =>
      encode(name, { ...fields, [`imm${width}`]: signedField(`${name} ${label}`, distance, width, 4) }),
    );
  }

  br(n: GeneralRegister): void {
    this.emit('BR', { Rn: numberOf(n) });
  }

  blr(n: GeneralRegister): void {
    this.emit('BLR', { Rn: numberOf(n) });
  }

  ret(n?: GeneralRegister): void {
    this.emit('RET', { Rn: n === undefined ? 30 : numberOf(n) });
  }

  /** The address of a label up to 1 MiB away. */
  adr(d: GeneralRegister, label: string): void {
    this.wordTo(label, (distance) => encode('ADR', pageFields(d, signedField(`ADR ${label}`, distance, 21))));
  }

  /** The address of the 4 KiB page of a label up to 4 GiB away. */
  adrp(d: GeneralRegister, label: string): void {
    const inPage = Number(this.here & 0xfffn);
    this.wordTo(label, (distance) => {
      const pages = Math.floor((inPage + distance) / 4096);
      return encode('ADRP', pageFields(d, signedField(`ADRP ${label}`, pages, 21)));
    });
  }

  /** The address of a label up to 4 GiB away: ADRP and ADD. */
  address(d: GeneralRegister, label: string): void {
    this.adrp(d, label);
    const Rd = numberOf(d);
    const start = this.here;
    this.wordTo(label, (distance) => {
      const imm12 = Number((start + BigInt(distance)) & 0xfffn);
      return encode('ADD (immediate)', { sf: 1, sh: 0, imm12, Rn: Rd, Rd });
    });
  }

  // Exceptions

  svc(imm16: number): void {
    this.emit('SVC', { imm16 });
  }

  hvc(imm16: number): void {
    this.emit('HVC', { imm16 });
  }

  smc(imm16: number): void {
    this.emit('SMC', { imm16 });
  }

  brk(imm16: number): void {
    this.emit('BRK', { imm16 });
  }

  eret(): void {
    this.emit('ERET', {});
  }

  // Hints and barriers

  nop(): void {
    this.emit('HINT', { CRm: 0, op2: 0 });
  }

  yield(): void {
    this.emit('YIELD', {});
  }

  wfe(): void {
    this.emit('WFE', {});
  }

  wfi(): void {
    this.emit('WFI', {});
  }

  sev(): void {
    this.emit('SEV', {});
  }

  sevl(): void {
    this.emit('SEVL', {});
  }

  dsb(option = 'sy'): void {
    this.emit('DSB', { CRm: barrierOptions.codeOf(option) });
  }

  dmb(option = 'sy'): void {
    this.emit('DMB', { CRm: barrierOptions.codeOf(option) });
  }

  isb(): void {
    this.emit('ISB', { CRm: 15 });
  }

  clrex(): void {
    this.emit('CLREX', { CRm: 15 });
  }

  // System registers and operations; names in any case, registers also as S3_0_C4_C6_0

  mrs(t: GeneralRegister, register: string): void {
    this.emit('MRS', moveFields(systemRegisterEncoding(register), t));
  }

  /** From a register, or an immediate to DAIFSet, DAIFClr, SPSel or PAN. */
  msr(register: string, value: GeneralRegister | number): void {
    if (typeof value === 'number') this.emit(stateImmediate(register), { CRm: value });
    else this.emit('MSR (register)', moveFields(systemRegisterEncoding(register), value));
  }

  ic(operation: string, t?: GeneralRegister): void {
    this.#sys(`ic ${operation}`, t);
  }

  dc(operation: string, t: GeneralRegister): void {
    this.#sys(`dc ${operation}`, t);
  }

  at(operation: string, t: GeneralRegister): void {
    this.#sys(`at ${operation}`, t);
  }

  tlbi(operation: string, t?: GeneralRegister): void {
    this.#sys(`tlbi ${operation}`, t);
  }

  #sys(operation: string, t?: GeneralRegister): void {
    const { op1, CRn, CRm, op2 } = encodingFields(systemOperations.codeOf(operation));
    this.emit('SYS', { op1, CRn, CRm, op2, Rt: t === undefined ? 31 : numberOf(t) });
  }
}

/** The fields of ADR and ADRP. */
const pageFields = (d: GeneralRegister, imm21: number): Record<string, number> => {
  if (d.sf === 0) throw new RangeError('an address needs an X register');
  return { immlo: imm21 & 3, immhi: imm21 >> 2, Rd: numberOf(d) };
};

/** An encoding (encodeRegister) in its fields. */
const encodingFields = (encoding: number) => ({
  o0: (encoding >> 14) & 1,
  op1: (encoding >> 11) & 7,
  CRn: (encoding >> 7) & 15,
  CRm: (encoding >> 3) & 15,
  op2: encoding & 7,
});

const moveFields = (encoding: number, t: GeneralRegister): Record<string, number> => {
  if (t.sf === 0) throw new RangeError('a system register needs an X register');
  return { ...encodingFields(encoding), Rt: numberOf(t) };
};

/** The table's name of MSR (immediate) for a part of PSTATE. */
const stateImmediate = (name: string): string => {
  const found = {
    daifset: 'MSR (DAIFSet)',
    daifclr: 'MSR (DAIFClr)',
    spsel: 'MSR (SPSel, immediate)',
    pan: 'MSR (PAN, immediate)',
  }[name.toLowerCase()];
  if (found === undefined) throw new RangeError(`MSR cannot write an immediate to '${name}'`);
  return found;
};

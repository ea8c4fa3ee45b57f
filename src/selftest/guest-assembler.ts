import { type Address, Assembler, type GeneralRegister, registers } from '../cpu/arm64/assembler.ts';
import { HYPERCALL_TAG } from '../hypervisor/abi/hypercall-number.ts';
import { Global, Place, ProcessorBlock } from './places.ts';

const { x0, x1, x2, x3, x4, x13, x14, x15, x16, x17, w14, w17, xzr } = registers;

type Value = number | bigint | GeneralRegister;

/** A field of a hypercall's argument. */
export interface ArgumentField {
  readonly at: number;
  readonly bytes: number;
  readonly value: Value;
}

const field =
  (bytes: number) =>
  (at: number, value: Value): ArgumentField => ({ at, bytes, value });

export const u16 = field(2);
export const u32 = field(4);
export const u64 = field(8);

/** What an exception must have brought. */
export interface ExpectedFault {
  /** ESR_EL1. */
  readonly syndrome: number;
  /** FAR_EL1. */
  readonly address?: number | bigint;
}

/** The W register of an X register. */
const narrow = (register: GeneralRegister): GeneralRegister => ({ ...register, sf: 0 });

/**
 * The assembler with the words that the checks are written in. They use x13 to x17 for themselves, and x0 to x4 where that is
 * said; what they compare or store must be in other registers.
 */
export class GuestAssembler extends Assembler {
  /** How long a check waits for something to happen. */
  readonly #patience: number;
  #labels = 0;
  readonly #texts = new Map<string, string>();
  readonly #deferred: (() => void)[] = [];

  /** `patience` is in seconds. */
  constructor(origin: number, patience: number) {
    super(origin);
    this.#patience = patience;
  }

  /** A label that nothing else has. */
  fresh(name: string): string {
    this.#labels++;
    return `${name} ${this.#labels}`;
  }

  /** The label of a text that ends in a zero byte. */
  text(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const label = this.fresh('text');
    this.#texts.set(text, label);
    return label;
  }

  /** Writes the code that lies out of the way: what is done when a check fails. */
  flush(): void {
    for (const emit of this.#deferred.splice(0)) emit();
  }

  /** Writes the texts. */
  flushTexts(): void {
    for (const [text, label] of this.#texts) {
      this.label(label);
      this.asciz(text);
    }
    this.align(4);
  }

  // Memory at fixed places

  /** Loads from an address; `bytes` is the register's size if not given. */
  read(d: GeneralRegister, address: number, bytes = d.sf === 1 ? 8 : 4): void {
    this.mov(x15, address);
    this.#load(d, [x15], bytes);
  }

  /** Stores at an address. */
  write(address: number, value: Value, bytes = 8): void {
    this.mov(x15, address);
    this.#store(value, [x15], bytes);
  }

  #load(d: GeneralRegister, address: Address, bytes: number): void {
    if (bytes === 1) this.ldrb(narrow(d), address);
    else if (bytes === 2) this.ldrh(narrow(d), address);
    else this.ldr(bytes === 4 ? narrow(d) : d, address);
  }

  #store(value: Value, address: Address, bytes: number): void {
    let t = value;
    if (typeof t !== 'object') {
      const register = bytes === 8 ? x14 : w14;
      const zero = BigInt(t) === 0n;
      if (!zero) this.mov(register, t);
      t = zero ? xzr : register;
    }
    if (bytes === 1) this.strb(narrow(t), address);
    else if (bytes === 2) this.strh(narrow(t), address);
    else this.str(bytes === 4 ? narrow(t) : t, address);
  }

  readGlobal(d: GeneralRegister, at: number): void {
    this.read(d, Place.globals + at, 8);
  }

  writeGlobal(at: number, value: Value): void {
    this.write(Place.globals + at, value, 8);
  }

  /** Loads a 64-bit value of this vCPU's block. */
  readBlock(d: GeneralRegister, at: number): void {
    this.mrs(x15, 'TPIDR_EL1');
    this.ldr(d, [x15, at]);
  }

  /** Loads how often this vCPU took an interrupt. */
  readCount(d: GeneralRegister, interrupt: number): void {
    this.mrs(x15, 'TPIDR_EL1');
    this.ldr(narrow(d), [x15, ProcessorBlock.counts + 4 * interrupt]);
  }

  // Hypercalls

  /** Clears the argument and fills in fields of it. */
  argument(size: number, ...fields: readonly ArgumentField[]): void {
    this.mov(x15, Place.argument);
    for (let at = 0; at < size; at += 8) this.str(xzr, [x15, at]);
    for (const { at, bytes, value } of fields) this.#store(value, [x15, at], bytes);
  }

  /** Loads a field that a hypercall filled in. */
  readArgument(d: GeneralRegister, at: number, bytes: number): void {
    this.read(d, Place.argument + at, bytes);
  }

  /** Makes a hypercall; its result is in x0. Arguments that are registers must not be x0 to x4. */
  hypercall(number: number, ...values: readonly Value[]): void {
    const argumentRegisters = [x0, x1, x2, x3, x4];
    for (const [i, value] of values.entries()) this.mov(argumentRegisters[i], value);
    this.mov(x16, number);
    this.hvc(HYPERCALL_TAG);
  }

  /** Makes a hypercall, which must give a result. */
  expectCall(what: string, result: number, number: number, ...values: readonly Value[]): void {
    this.hypercall(number, ...values);
    this.expect(what, x0, result);
  }

  /** Makes a call of the SMC calling convention: PSCI's. The result is in w0. */
  secureCall(number: number, ...values: readonly Value[]): void {
    const argumentRegisters = [x1, x2, x3];
    for (const [i, value] of values.entries()) this.mov(argumentRegisters[i], value);
    this.mov(narrow(x0), number);
    this.hvc(0);
  }

  // Checks

  /** A register must hold a value, or the check ends with a report that names it. */
  expect(what: string, got: GeneralRegister, expected: Value): void {
    this.#compare(got, expected);
    this.b(this.#failure(what, got), 'ne');
  }

  /** Some bits of a register must hold a value. Uses x0. */
  expectBits(what: string, got: GeneralRegister, mask: number | bigint, expected: number | bigint): void {
    this.mov(x17, mask);
    this.and(x0, { ...got, sf: 1 }, x17);
    this.expect(what, x0, expected);
  }

  /** A register must become equal to a value before long; `load` loads it. */
  await(what: string, got: GeneralRegister, expected: Value, load: () => void): void {
    const again = this.fresh('await');
    const done = this.fresh('done');
    this.mrs(x13, 'CNTFRQ_EL0');
    this.mov(x14, this.#patience);
    this.mrs(x15, 'CNTVCT_EL0');
    this.madd(x13, x13, x14, x15);
    this.label(again);
    load();
    this.#compare(got, expected);
    this.b(done, 'eq');
    this.yield();
    this.isb();
    this.mrs(x16, 'CNTVCT_EL0');
    this.cmp(x16, x13);
    this.b(again, 'lo');
    this.b(this.#failure(what, got));
    this.label(done);
  }

  /** An interrupt must have been taken so many times before long. */
  awaitInterrupt(what: string, interrupt: number, count: number): void {
    this.await(what, narrow(x0), count, () => this.readCount(x0, interrupt));
  }

  /**
   * Runs instructions until one causes an exception: `cause`, whose address the exception must bring, or the last of `prepare`
   * if the exception comes elsewhere. Leaves interrupts masked and the processor at EL1; uses x0 to x3.
   */
  expectFault(what: string, expected: ExpectedFault, prepare: () => void, cause?: () => void): void {
    const place = this.fresh('place');
    this.#takeFault(() => {
      prepare();
      this.label(place);
      cause?.();
    });
    this.expect(`${what}: syndrome`, x0, expected.syndrome);
    if (cause !== undefined) {
      this.adr(x3, place);
      this.expect(`${what}: return address`, x2, x3);
    }
    if (expected.address !== undefined) this.expect(`${what}: fault address`, x1, expected.address);
  }

  /** Runs instructions that cause an exception; gives its ESR, FAR and ELR in x0 to x2, 0 for ESR if none came. */
  #takeFault(emit: () => void): void {
    const resume = this.fresh('resume');
    this.mrs(x15, 'TPIDR_EL1');
    this.str(xzr, [x15, ProcessorBlock.syndrome]);
    this.adr(x14, resume);
    this.str(x14, [x15, ProcessorBlock.resume]);
    emit();
    this.label(resume);
    this.mrs(x15, 'TPIDR_EL1');
    this.str(xzr, [x15, ProcessorBlock.resume]);
    this.ldr(x0, [x15, ProcessorBlock.syndrome]);
    this.ldr(x1, [x15, ProcessorBlock.faultAddress]);
    this.ldr(x2, [x15, ProcessorBlock.returnAddress]);
  }

  #compare(got: GeneralRegister, expected: Value): void {
    const register = got.sf === 1 ? x17 : w17;
    this.mov(register, expected);
    this.cmp(got, register);
  }

  /** Where to go when a register is not what was expected (which is in x17). */
  #failure(what: string, got: GeneralRegister): string {
    const label = this.fresh('failure');
    const text = this.text(what);
    this.#deferred.push(() => {
      this.label(label);
      this.mov(got.sf === 1 ? x0 : narrow(x0), got);
      this.mov(x1, x17);
      this.adr(x2, text);
      this.b('failed');
    });
    return label;
  }

  /** Tells a count of something, such as 2 and 'vCPUs', with the result of the subject. */
  note(value: Value, text: string): void {
    this.writeGlobal(Global.noteValue, value);
    this.adr(x17, this.text(text));
    this.writeGlobal(Global.noteText, x17);
  }
}

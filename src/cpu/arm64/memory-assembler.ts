import type { Fields } from '../instruction.ts';
import {
  type Address,
  baseNumberOf,
  type Extend,
  type GeneralRegister,
  type IndexedAddress,
  numberOf,
  type Shift,
  type TransferRegister,
} from './assembly-operands.ts';
import { encode, signedField } from './encoder.ts';
import { IntegerAssembler } from './integer-assembler.ts';

/** The name an address has in the table's names. */
const indexedForm = { pre: 'pre-index', post: 'post-index' } as const;

const vectorLetters = 'BHSDQ';

/** The letter that ends the table's names of loads and stores: W, X, B, H, S, D or Q. */
const widthLetter = (register: TransferRegister): string =>
  register.kind === 'vector' ? (vectorLetters[register.log2Size] as string) : register.sf === 1 ? 'X' : 'W';

const transferNumber = (register: TransferRegister): number =>
  register.kind === 'vector' ? register.number : numberOf(register);

const sizeOf = (register: TransferRegister): number =>
  register.kind === 'vector' ? 1 << register.log2Size : register.sf === 1 ? 8 : 4;

const isIndexed = (address: Address): address is IndexedAddress => 'kind' in address;

interface IndexForm {
  readonly name: string;
  readonly fields: Readonly<Record<string, number>>;
}

/** The table's name for how the index is extended, and the fields that say it. */
const indexForm = (index: GeneralRegister, modifier: Shift | Extend | undefined, bytes: number): IndexForm => {
  const amount = modifier?.amount ?? 0;
  if (amount !== 0 && 1 << amount !== bytes) throw new RangeError(`an index cannot be shifted by ${amount} here`);
  const fields = { Rm: numberOf(index), S: amount === 0 ? 0 : 1 };
  const option = modifier?.kind === 'extend' ? modifier.option : 3;
  const isLong = index.sf === 1 && (option & 3) === 3 && (modifier?.kind !== 'shift' || modifier.type === 0);
  if (isLong) return { name: 'LSL', fields: { ...fields, signed: option >> 2 } };
  if (index.sf === 0 && option === 2) return { name: 'UXTW', fields };
  if (index.sf === 0 && option === 6) return { name: 'SXTW', fields };
  throw new RangeError('an index is an X register, shifted by LSL, or a W register extended by UXTW or SXTW');
};

/** Loads and stores as methods named like their mnemonics. Methods throw a RangeError when the operands have no encoding. */
export class MemoryAssembler extends IntegerAssembler {
  // Loads and stores of one register

  ldr(t: TransferRegister, address: Address | string): void {
    if (typeof address === 'string') this.#literal('LDR', t, address);
    else this.#transfer('LDR', t, address, sizeOf(t));
  }

  str(t: TransferRegister, address: Address): void {
    this.#transfer('STR', t, address, sizeOf(t));
  }

  ldrb(t: GeneralRegister, address: Address): void {
    this.#transfer('LDRB', t, address, 1);
  }

  strb(t: GeneralRegister, address: Address): void {
    this.#transfer('STRB', t, address, 1);
  }

  ldrh(t: GeneralRegister, address: Address): void {
    this.#transfer('LDRH', t, address, 2);
  }

  strh(t: GeneralRegister, address: Address): void {
    this.#transfer('STRH', t, address, 2);
  }

  ldrsb(t: GeneralRegister, address: Address): void {
    this.#transfer('LDRSB', t, address, 1);
  }

  ldrsh(t: GeneralRegister, address: Address): void {
    this.#transfer('LDRSH', t, address, 2);
  }

  ldrsw(t: GeneralRegister, address: Address | string): void {
    if (typeof address === 'string') this.#literal('LDRSW', t, address);
    else this.#transfer('LDRSW', t, address, 4);
  }

  /** A load as if at EL0; `mnemonic` is that of the plain load or store. */
  unprivileged(mnemonic: string, t: GeneralRegister, base: GeneralRegister, offset = 0): void {
    const name = `${mnemonic.slice(0, 2)}T${mnemonic.slice(2)} (${widthLetter(t)})`;
    this.emit(name, { imm9: signedField(name, offset, 9), Rn: baseNumberOf(base), Rt: numberOf(t) });
  }

  #literal(mnemonic: string, t: TransferRegister, label: string): void {
    const name = `${mnemonic} (literal, ${widthLetter(t)})`;
    const Rt = transferNumber(t);
    this.wordTo(label, (distance) => encode(name, { imm19: signedField(`${name} ${label}`, distance, 19, 4), Rt }));
  }

  #transfer(mnemonic: string, t: TransferRegister, address: Address, bytes: number): void {
    const width = widthLetter(t);
    const Rt = transferNumber(t);
    if (isIndexed(address)) {
      const name = `${mnemonic} (immediate, ${indexedForm[address.kind]}, ${width})`;
      this.emit(name, { imm9: signedField(name, address.offset, 9), Rn: baseNumberOf(address.base), Rt });
      return;
    }
    const [base, offset = 0, modifier] = address;
    const Rn = baseNumberOf(base);
    if (typeof offset === 'object') {
      const { name, fields } = indexForm(offset, modifier, bytes);
      this.emit(`${mnemonic} (register, ${name}, ${width})`, { ...fields, Rn, Rt });
    } else if (offset >= 0 && offset % bytes === 0 && offset / bytes <= 0xfff) {
      this.emit(`${mnemonic} (immediate, unsigned offset, ${width})`, { imm12: offset / bytes, Rn, Rt });
    } else {
      const name = `${mnemonic.slice(0, 2)}U${mnemonic.slice(2)} (${width})`;
      this.emit(name, { imm9: signedField(name, offset, 9), Rn, Rt });
    }
  }

  // Loads and stores of two registers

  ldp(t: TransferRegister, t2: TransferRegister, address: Address): void {
    this.#pair('LDP', t, t2, address, sizeOf(t));
  }

  stp(t: TransferRegister, t2: TransferRegister, address: Address): void {
    this.#pair('STP', t, t2, address, sizeOf(t));
  }

  ldpsw(t: GeneralRegister, t2: GeneralRegister, address: Address): void {
    this.#pair('LDPSW', t, t2, address, 4);
  }

  #pair(mnemonic: string, t: TransferRegister, t2: TransferRegister, address: Address, bytes: number): void {
    const width = widthLetter(t);
    if (widthLetter(t2) !== width) throw new RangeError(`${mnemonic}: the registers differ in width`);
    const mode = isIndexed(address) ? indexedForm[address.kind] : 'signed offset';
    const [base, offset] = isIndexed(address) ? [address.base, address.offset] : [address[0], address[1] ?? 0];
    if (typeof offset === 'object') throw new RangeError(`${mnemonic} takes no index register`);
    const name = `${mnemonic} (${mode}, ${width})`;
    this.emit(name, {
      imm7: signedField(name, offset, 7, bytes),
      Rt2: transferNumber(t2),
      Rn: baseNumberOf(base),
      Rt: transferNumber(t),
    });
  }

  // Ordered, exclusive and atomic accesses, of the register's size unless `bytes` says less

  ldar(t: GeneralRegister, base: GeneralRegister, bytes = sizeOf(t)): void {
    this.#ordered('LDAR', t, base, bytes, {});
  }

  stlr(t: GeneralRegister, base: GeneralRegister, bytes = sizeOf(t)): void {
    this.#ordered('STLR', t, base, bytes, {});
  }

  ldxr(t: GeneralRegister, base: GeneralRegister, bytes = sizeOf(t)): void {
    this.#ordered('LDXR, LDAXR', t, base, bytes, { ordered: 0 });
  }

  ldaxr(t: GeneralRegister, base: GeneralRegister, bytes = sizeOf(t)): void {
    this.#ordered('LDXR, LDAXR', t, base, bytes, { ordered: 1 });
  }

  stxr(s: GeneralRegister, t: GeneralRegister, base: GeneralRegister, bytes = sizeOf(t)): void {
    this.#ordered('STXR, STLXR', t, base, bytes, { o0: 0, Rs: numberOf(s) });
  }

  stlxr(s: GeneralRegister, t: GeneralRegister, base: GeneralRegister, bytes = sizeOf(t)): void {
    this.#ordered('STXR, STLXR', t, base, bytes, { o0: 1, Rs: numberOf(s) });
  }

  /** Fields that an instruction has no use for are all ones. */
  #ordered(name: string, t: GeneralRegister, base: GeneralRegister, bytes: number, fields: Fields): void {
    this.emit(name, { size: Math.log2(bytes), Rs: 31, Rt2: 31, ...fields, Rn: baseNumberOf(base), Rt: numberOf(t) });
  }

  /**
   * LDADD, LDCLR, LDEOR, LDSET, LDSMAX, LDSMIN, LDUMAX, LDUMIN or SWP with acquire and release semantics: combines `s` with
   * memory and leaves what was there in `t`.
   */
  atomic(name: string, s: GeneralRegister, t: GeneralRegister, base: GeneralRegister, bytes = sizeOf(t)): void {
    const size = Math.log2(bytes);
    this.emit(name, { size, A: 1, R: 1, Rs: numberOf(s), Rn: baseNumberOf(base), Rt: numberOf(t) });
  }

  /** CASAL: stores `t` if memory equals `s`, and leaves what was there in `s`. */
  cas(s: GeneralRegister, t: GeneralRegister, base: GeneralRegister, bytes = sizeOf(t)): void {
    const size = Math.log2(bytes);
    this.emit('CAS', { size, L: 1, o0: 1, Rs: numberOf(s), Rn: baseNumberOf(base), Rt: numberOf(t) });
  }
}

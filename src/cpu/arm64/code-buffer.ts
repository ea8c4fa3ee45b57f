/**
 * A piece of a guest's memory being written front to back: instruction words, data and labels. Labels may be used before they
 * are defined.
 */

interface Fixup {
  readonly label: string;
  /** Fills the place in, given the label's offset. */
  readonly resolve: (offset: number) => void;
}

const textEncoder = new TextEncoder();

export class CodeBuffer {
  /** The guest address of the first byte. */
  readonly origin: bigint;
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  readonly #labels = new Map<string, number>();
  readonly #fixups: Fixup[] = [];

  constructor(origin: number | bigint = 0) {
    this.origin = BigInt(origin);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** The guest address of what is written next. */
  get here(): bigint {
    return this.origin + BigInt(this.#length);
  }

  /** Makes room for `count` bytes and gives their offset. */
  #reserve(count: number): number {
    const offset = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return offset;
  }

  // Labels

  /** Gives what is written next a name. Throws if the name is taken. */
  label(name: string): void {
    if (this.#labels.has(name)) throw new Error(`label '${name}' is defined twice`);
    this.#labels.set(name, this.#length);
  }

  #offsetOf(label: string): number {
    const offset = this.#labels.get(label);
    if (offset === undefined) throw new Error(`label '${label}' is not defined`);
    return offset;
  }

  /** The guest address of a label defined so far. */
  addressOf(label: string): bigint {
    return this.origin + BigInt(this.#offsetOf(label));
  }

  /** Writes an instruction word that depends on the offset of a label relative to itself, in bytes. */
  protected wordTo(label: string, encode: (distance: number) => number): void {
    const at = this.#reserve(4);
    this.#fixups.push({ label, resolve: (offset) => this.#view.setUint32(at, encode(offset - at), true) });
  }

  // Data

  byte(...values: readonly number[]): void {
    for (const value of values) {
      const at = this.#reserve(1);
      this.#view.setUint8(at, value);
    }
  }

  half(...values: readonly number[]): void {
    for (const value of values) {
      const at = this.#reserve(2);
      this.#view.setUint16(at, value, true);
    }
  }

  word(...values: readonly number[]): void {
    for (const value of values) {
      const at = this.#reserve(4);
      this.#view.setUint32(at, value, true);
    }
  }

  /** 64-bit values; a string stands for the guest address of the label it names. */
  quad(...values: readonly (number | bigint | string)[]): void {
    for (const value of values) {
      const at = this.#reserve(8);
      const set = (bits: bigint): void => this.#view.setBigUint64(at, BigInt.asUintN(64, bits), true);
      if (typeof value !== 'string') set(BigInt(value));
      else this.#fixups.push({ label: value, resolve: (offset) => set(this.origin + BigInt(offset)) });
    }
  }

  bytes(values: ArrayLike<number>): void {
    const at = this.#reserve(values.length);
    this.#bytes.set(values, at);
  }

  /** A text in UTF-8 without an end mark. */
  ascii(text: string): void {
    this.bytes(textEncoder.encode(text));
  }

  /** A text in UTF-8 and a zero byte. */
  asciz(text: string): void {
    this.ascii(`${text}\0`);
  }

  /** Zero bytes. */
  space(count: number): void {
    this.#reserve(count);
  }

  /** Zero bytes up to an address that is a multiple of `alignment`, a power of two. */
  align(alignment: number): void {
    this.space(Number(BigInt.asUintN(32, -this.here) & BigInt(alignment - 1)));
  }

  /** What was written, with the labels filled in. Throws if one is not defined or a reference does not reach it. */
  finish(): Uint8Array<ArrayBuffer> {
    for (const { label, resolve } of this.#fixups) resolve(this.#offsetOf(label));
    return this.#bytes.slice(0, this.#length);
  }
}

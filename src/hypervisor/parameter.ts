/** The private copy of one hypercall argument: copied out once, then checked and used (byte offsets as in abi/). */
export class Parameter {
  readonly bytes: Uint8Array = new Uint8Array(4096);
  readonly #view: DataView = new DataView(this.bytes.buffer);

  u16(offset: number): number {
    return this.#view.getUint16(offset, true);
  }

  u32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  /** A 64-bit field as a number: values from 2^53 on lose their low bits but stay larger than any that is valid. */
  u64(offset: number): number {
    return this.u32(offset + 4) * 0x1_0000_0000 + this.u32(offset);
  }

  setU16(offset: number, value: number): void {
    this.#view.setUint16(offset, value, true);
  }

  setU32(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true);
  }

  setU64(offset: number, value: number): void {
    this.setU32(offset, value);
    this.setU32(offset + 4, Math.floor(value / 0x1_0000_0000));
  }

  /** A string, cut to fit with its terminating zero, in a field of `size` bytes. */
  setString(offset: number, size: number, text: string): void {
    this.bytes.fill(0, offset, offset + size);
    for (let i = 0; i < Math.min(text.length, size - 1); i++) this.bytes[offset + i] = text.charCodeAt(i);
  }
}

const floatBytes = new DataView(new ArrayBuffer(8));
const textEncoder = new TextEncoder();
const nothing = new Uint8Array(0);

/** The longest LEB128 encoding of a 32-bit and of a 64-bit integer, in bytes. */
const MaxLeb32 = 5;
const MaxLeb64 = 10;

/** What a writer that was empty grows to at least. */
const MinimumCapacity = 64;

/** How many bytes the unsigned LEB128 encoding of a 32-bit integer takes. */
export function u32Size(value: number): number {
  const bits = 32 - Math.clz32(value);
  return bits <= 7 ? 1 : Math.ceil(bits / 7);
}

/**
 * A growing byte buffer that writes the value encodings of the WebAssembly binary format.
 * `reset` keeps the buffer, so a writer that is reused stops allocating.
 * Source: WebAssembly core specification 3.0, "Binary format: Values".
 */
export class ByteWriter {
  /** The bytes written so far are `buffer[0..length)`; any write may replace the buffer. */
  buffer: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(initialCapacity = 256) {
    this.buffer = initialCapacity === 0 ? nothing : new Uint8Array(initialCapacity);
  }

  /** Forgets what was written, but keeps the memory. */
  reset(): void {
    this.length = 0;
  }

  /** A view of the bytes written so far, valid until the next write or reset. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.buffer.subarray(0, this.length);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    if (this.length + count > this.buffer.length) this.#grow(this.length + count);
  }

  #grow(needed: number): void {
    const smaller = this.buffer;
    this.buffer = new Uint8Array(Math.max(needed, smaller.length * 2, MinimumCapacity));
    this.buffer.set(smaller);
  }

  /** One byte: the low eight bits of `value`. */
  u8(value: number): void {
    if (this.length === this.buffer.length) this.#grow(this.length + 1);
    this.buffer[this.length++] = value;
  }

  /** Unsigned LEB128 of the low 32 bits, so addresses held as negative int32 need no conversion. */
  u32(value: number): void {
    if (value >= 0 && value < 0x80) {
      this.u8(value);
      return;
    }
    this.reserve(MaxLeb32);
    const buffer = this.buffer;
    let length = this.length;
    let rest = value >>> 0;
    while (rest > 0x7f) {
      buffer[length++] = rest | 0x80;
      rest >>>= 7;
    }
    buffer[length++] = rest;
    this.length = length;
  }

  /** Signed LEB128 of the low 32 bits. */
  s32(value: number): void {
    this.reserve(MaxLeb32);
    const buffer = this.buffer;
    let length = this.length;
    let rest = value | 0;
    while (rest < -0x40 || rest > 0x3f) {
      buffer[length++] = rest | 0x80;
      rest >>= 7;
    }
    buffer[length++] = rest & 0x7f;
    this.length = length;
  }

  /** Signed LEB128 of the 64-bit integer whose low and high halves are given. */
  s64(low: number, high: number): void {
    let restLow = low | 0;
    let restHigh = high | 0;
    this.reserve(MaxLeb64);
    const buffer = this.buffer;
    let length = this.length;
    // What is left fits in one byte once bits 6 to 63 are all equal.
    while (restHigh !== restLow >> 31 || restLow < -0x40 || restLow > 0x3f) {
      buffer[length++] = restLow | 0x80;
      restLow = (restLow >>> 7) | (restHigh << 25);
      restHigh >>= 7;
    }
    buffer[length++] = restLow & 0x7f;
    this.length = length;
  }

  /** An IEEE 754 single, little-endian. NaN payloads are not kept: write those as bits with `fixed32`. */
  f32(value: number): void {
    floatBytes.setFloat32(0, value, true);
    this.fixed32(floatBytes.getInt32(0, true));
  }

  /** An IEEE 754 double, little-endian. NaN payloads are not kept: write those as bits with two `fixed32`. */
  f64(value: number): void {
    floatBytes.setFloat64(0, value, true);
    this.fixed32(floatBytes.getInt32(0, true));
    this.fixed32(floatBytes.getInt32(4, true));
  }

  /** Four bytes, little-endian: the low 32 bits of `value`. */
  fixed32(value: number): void {
    this.reserve(4);
    const buffer = this.buffer;
    const length = this.length;
    buffer[length] = value;
    buffer[length + 1] = value >>> 8;
    buffer[length + 2] = value >>> 16;
    buffer[length + 3] = value >>> 24;
    this.length = length + 4;
  }

  /** A name: its length in bytes, then UTF-8. Lone surrogates become U+FFFD. */
  name(text: string): void {
    const encoded = textEncoder.encode(text);
    this.u32(encoded.length);
    this.raw(encoded);
  }

  /** The given bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** What another writer holds, as it is. */
  append(other: ByteWriter): void {
    this.raw(other.bytes());
  }
}

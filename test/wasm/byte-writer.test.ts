import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteWriter, u32Size } from '../../src/wasm/byte-writer.ts';

/** The bytes that `write` writes, from a writer that has to grow for each of them. */
function written(write: (writer: ByteWriter) => void): number[] {
  const writer = new ByteWriter(0);
  write(writer);
  return [...writer.bytes()];
}

/** Decodes LEB128 the slow and plain way; all of `bytes` must belong to it. */
function decodeLeb(bytes: readonly number[], signed: boolean): bigint {
  let value = 0n;
  bytes.forEach((byte, i) => {
    assert.equal(byte >= 0x80, i < bytes.length - 1, 'the continuation bit is set on all bytes but the last');
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
  });
  return signed ? BigInt.asIntN(7 * bytes.length, value) : value;
}

/** The least number of 7-bit groups that hold `value`. */
function shortestLeb(value: bigint, signed: boolean): number {
  let size = 1;
  while ((signed ? BigInt.asIntN(7 * size, value) : BigInt.asUintN(7 * size, value)) !== value) size++;
  return size;
}

/** Integers of all magnitudes, the limits of each LEB128 length included. */
function signedBits(bits: number): fc.Arbitrary<bigint> {
  return fc
    .tuple(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), fc.integer({ min: 1, max: bits }))
    .map(([value, width]) => BigInt.asIntN(width, value));
}

const halves = (value: bigint): [number, number] => [
  Number(BigInt.asIntN(32, value)),
  Number(BigInt.asIntN(32, value >> 32n)),
];

test('u32 is the shortest unsigned LEB128, and u32Size its length', () => {
  fc.assert(
    fc.property(signedBits(32), (value) => {
      const unsigned = BigInt.asUintN(32, value);
      const bytes = written((writer) => writer.u32(Number(unsigned)));
      assert.equal(decodeLeb(bytes, false), unsigned);
      assert.equal(bytes.length, shortestLeb(unsigned, false));
      assert.equal(u32Size(Number(unsigned)), bytes.length);
      assert.deepEqual(
        written((writer) => writer.u32(Number(value))),
        bytes,
        'a negative int32 stands for its bits',
      );
    }),
  );
});

test('s32 is the shortest signed LEB128', () => {
  fc.assert(
    fc.property(signedBits(32), (value) => {
      const bytes = written((writer) => writer.s32(Number(value)));
      assert.equal(decodeLeb(bytes, true), value);
      assert.equal(bytes.length, shortestLeb(value, true));
    }),
  );
});

test('s64 is the shortest signed LEB128 of the two halves', () => {
  fc.assert(
    fc.property(signedBits(64), (value) => {
      const [low, high] = halves(value);
      const bytes = written((writer) => writer.s64(low, high));
      assert.equal(decodeLeb(bytes, true), value);
      assert.equal(bytes.length, shortestLeb(value, true));
      assert.deepEqual(
        written((writer) => writer.s64(low >>> 0, high >>> 0)),
        bytes,
        'halves may be unsigned',
      );
    }),
    { numRuns: 500 },
  );
});

test('LEB128 at the limits of its lengths', () => {
  const cases: [(writer: ByteWriter) => void, string][] = [
    [(writer) => writer.u32(0), '00'],
    [(writer) => writer.u32(0x7f), '7f'],
    [(writer) => writer.u32(0x80), '8001'],
    [(writer) => writer.u32(0xffff_ffff), 'ffffffff0f'],
    [(writer) => writer.s32(0x3f), '3f'],
    [(writer) => writer.s32(0x40), 'c000'],
    [(writer) => writer.s32(-0x40), '40'],
    [(writer) => writer.s32(-0x8000_0000), '8080808078'],
    [(writer) => writer.s64(-0x8000_0000, 0), '8080808008'],
    [(writer) => writer.s64(-1, 0x7fff_ffff), 'ffffffffffffffffff00'],
    [(writer) => writer.s64(0, -0x8000_0000), '8080808080808080807f'],
  ];
  for (const [write, expected] of cases) assert.equal(Buffer.from(written(write)).toString('hex'), expected);
});

test('floating-point numbers are little-endian, signed zeros and infinities included', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true }), (value) => {
      const expected = new DataView(new ArrayBuffer(12));
      expected.setFloat32(0, value, true);
      expected.setFloat64(4, value, true);
      const bytes = written((writer) => {
        writer.f32(value);
        writer.f64(value);
      });
      assert.deepEqual(bytes, [...new Uint8Array(expected.buffer)]);
    }),
  );
});

test('names are UTF-8 behind their length in bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      const bytes = written((writer) => writer.name(text));
      const content = Buffer.from(text, 'utf8');
      assert.equal(decodeLeb(bytes.slice(0, bytes.length - content.length), false), BigInt(content.length));
      assert.deepEqual(bytes.slice(bytes.length - content.length), [...content]);
    }),
  );
});

test('bytes, raw bytes and other writers follow each other', () => {
  const other = new ByteWriter();
  other.raw(Uint8Array.of(3, 4));
  const bytes = written((writer) => {
    writer.u8(0x101);
    writer.raw(new Uint8Array(1000).fill(2).subarray(0, 300));
    writer.append(other);
    writer.fixed32(-2);
  });
  assert.deepEqual(bytes, [1, ...new Array(300).fill(2), 3, 4, 0xfe, 0xff, 0xff, 0xff]);
});

test('a reset writer reuses its buffer', () => {
  const writer = new ByteWriter(1);
  writer.raw(new Uint8Array(100));
  const { buffer } = writer;
  writer.reset();
  assert.equal(writer.bytes().length, 0);
  writer.raw(new Uint8Array(100).fill(7));
  assert.equal(writer.buffer, buffer);
  assert.deepEqual([...writer.bytes()], new Array(100).fill(7));
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Assembler, lsl, lsr, post, pre, registers, uxtw, uxtx } from '../../../src/cpu/arm64/assembler.ts';
import { disassemble } from '../../../src/cpu/arm64/disassembler.ts';
import { a64Instructions } from '../../../src/cpu/arm64/instructions/table.ts';
import { highHalf, lowHalf } from '../../../src/cpu/decoder.ts';
import { extractFields } from '../../../src/cpu/instruction.ts';
import { assemblyCases } from './assembly-cases.ts';

const { x0, x1, x2, x3, w0, w1, w2, xzr, sp, s0, d0, q0 } = registers;

const wordsOf = (write: (a: Assembler) => void, origin: number | bigint = 0): number[] => {
  const a = new Assembler(origin);
  write(a);
  return [...new Uint32Array(a.finish().buffer)];
};

const constantLoads = a64Instructions.filter(({ name }) => ['MOVZ', 'MOVN', 'MOVK', 'ORR (immediate)'].includes(name));

/** What a sequence that loads a constant leaves in the register. */
const constantLoaded = (words: readonly number[]): bigint => {
  let value = 0n;
  for (const word of words) {
    const entry = constantLoads.find(({ mask, match }) => (word & mask) >>> 0 === match);
    assert.ok(entry !== undefined, `${disassemble(word)} loads no constant`);
    const fields = extractFields(word, entry);
    const operand = entry.operands.find(([name]) => name === 'imm')?.[1];
    assert.ok(operand?.kind === 'immediate64');
    const immediate = operand.get(fields);
    const bits = (BigInt(highHalf(immediate) >>> 0) << 32n) | BigInt(lowHalf(immediate) >>> 0);
    const cleared = entry.name === 'MOVK' ? ~(0xffffn << BigInt(16 * (fields.hw as number))) : 0n;
    value = (value & cleared) | BigInt.asUintN(fields.sf === 1 ? 64 : 32, bits);
  }
  return value;
};

describe('the assembler writes what GNU as does', () => {
  for (const [word, text, write] of assemblyCases) {
    test(text, () => assert.deepEqual(wordsOf(write), [word]));
  }
});

describe('constants', () => {
  const half = fc.constantFrom(0n, 0xffffn, 1n, 0x8000n, 0x1234n);
  const interesting = fc.oneof(
    fc.bigInt(0n, 2n ** 64n - 1n),
    fc.tuple(half, half, half, half).map(([a, b, c, d]) => a | (b << 16n) | (c << 32n) | (d << 48n)),
  );

  test('64 bits are loaded as they are, in four instructions at most', () => {
    fc.assert(
      fc.property(interesting, (value) => {
        const words = wordsOf((a) => a.mov(x0, value));
        assert.equal(constantLoaded(words), value);
        assert.ok(words.length <= 4);
      }),
    );
  });

  test('32 bits are loaded as they are, in two instructions at most', () => {
    fc.assert(
      fc.property(interesting, (bits) => {
        const value = BigInt.asUintN(32, bits);
        const words = wordsOf((a) => a.mov(w0, value));
        assert.equal(constantLoaded(words), value);
        assert.ok(words.length <= 2);
      }),
    );
  });

  test('the shortest sequence is taken', () => {
    const lengths = [0, 0xffff, 0xffff0000, -1, -0x12340001, 0x12345678, 0xff00ff00ff00ff00n, 0x123456789abcdef0n];
    assert.deepEqual(
      lengths.map((value) => wordsOf((a) => a.mov(x0, value)).length),
      [1, 1, 1, 1, 1, 2, 1, 4],
    );
  });
});

describe('labels', () => {
  test('branches go forwards and backwards', () => {
    const words = wordsOf((a) => {
      a.label('start');
      a.b('end');
      a.b('start', 'ne');
      a.bl('start');
      a.cbz(x1, 'end');
      a.cbnz(w2, 'start');
      a.tbz(x3, 33, 'end');
      a.tbnz(w1, 5, 'start');
      a.label('end');
      a.ret();
    });
    // as: start: b end; b.ne start; bl start; cbz x1,end; cbnz w2,start; tbz x3,#33,end; tbnz w1,#5,start; end: ret
    assert.deepEqual(
      words.map((word) => word.toString(16)),
      ['14000007', '54ffffe1', '97fffffe', 'b4000081', '35ffff82', 'b6080043', '372fff41', 'd65f03c0'],
    );
  });

  test('addresses and literals are found', () => {
    const a = new Assembler(0x4000_0ff8);
    a.adr(x0, 'data');
    a.adrp(x1, 'data');
    a.address(x2, 'data');
    a.ldr(x3, 'data');
    a.ldrsw(x3, 'data');
    a.ldr(q0, 'data');
    a.align(8);
    a.label('data');
    a.quad('data', 0x1122334455667788n);
    const view = new DataView(a.finish().buffer);
    const words = Array.from({ length: 7 }, (_, index) => view.getUint32(index * 4, true).toString(16));
    // as, with `data` 32 bytes on and in the page after that of the first two instructions
    assert.deepEqual(words, ['10000100', 'b0000001', '90000002', '91006042', '58000083', '98000063', '9c000040']);
    assert.equal(a.addressOf('data'), 0x4000_1018n);
    assert.equal(view.getBigUint64(32, true), 0x4000_1018n);
    assert.equal(view.getBigUint64(40, true), 0x1122334455667788n);
  });

  test('an address in the upper half of memory is found', () => {
    const a = new Assembler(0xffff_8000_0800_0000n);
    a.address(x0, 'data');
    a.space(0x2344);
    a.label('data');
    const words = new Uint32Array(a.finish().slice(0, 8).buffer);
    assert.equal(disassemble(words[0] as number, a.origin), 'adrp x0, 0xffff800008002000');
    assert.equal(disassemble(words[1] as number), 'add x0, x0, #0x34c');
  });

  test('a label that is missing, doubled or out of reach is an error', () => {
    assert.throws(() => wordsOf((a) => a.b('nowhere')), /'nowhere' is not defined/);
    const doubled = (a: Assembler): void => {
      a.label('one');
      a.label('one');
    };
    assert.throws(() => wordsOf(doubled), /'one' is defined twice/);
    const far = (a: Assembler): void => {
      a.tbz(x0, 0, 'far');
      a.space(0x8000);
      a.label('far');
    };
    assert.throws(() => wordsOf(far), /TBZ far: 32772 is out of reach/);
  });
});

test('data lies where it should', () => {
  const a = new Assembler(0x1001);
  a.byte(1, 2);
  a.align(4);
  a.half(0x1234);
  a.asciz('hé');
  a.word(0xdeadbeef);
  a.bytes([9, 8]);
  a.ascii('x');
  assert.equal(a.length, 16);
  assert.equal(a.here, 0x1011n);
  assert.equal(Buffer.from(a.finish()).toString('hex'), '0102003412' + '68c3a900' + 'efbeadde' + '0908' + '78');
});

describe('operands that have no encoding are refused', () => {
  const refused: readonly (readonly [string, (a: Assembler) => void])[] = [
    ['an immediate of add that needs thirteen bits', (a) => a.add(x0, x1, 0x1001)],
    ['mixed widths', (a) => a.add(x0, x1, w2)],
    ['the wrong width extended', (a) => a.add(x0, x1, x2, uxtw())],
    ['a shift of the stack pointer to the right', (a) => a.add(sp, x1, x2, lsr(1))],
    ['an extension by more than four', (a) => a.add(x0, sp, x2, uxtx(5))],
    ['the zero register for the stack pointer', (a) => a.add(x0, xzr, 1)],
    ['the stack pointer for the zero register', (a) => a.and(x0, sp, 1)],
    ['a bitmask of zero', (a) => a.and(x0, x1, 0)],
    ['a bitmask with two runs', (a) => a.orr(x0, x1, 5)],
    ['a constant wider than the register', (a) => a.mov(w0, 0x1_0000_0000)],
    ['a shift by the width', (a) => a.add(w0, w1, w2, lsl(32))],
    ['a bit field that is too wide', (a) => a.ubfx(w0, w1, 30, 3)],
    ['an offset that is neither scaled nor short', (a) => a.ldr(x0, [x1, 257])],
    ['an index shifted by something else', (a) => a.ldr(x0, [x1, x2, lsl(2)])],
    ['an index that is not extended', (a) => a.ldr(x0, [x1, w2])],
    ['a base of 32 bits', (a) => a.ldr(x0, [w1])],
    ['a long step', (a) => a.ldr(x0, post(x1, 256))],
    ['a pair at an odd place', (a) => a.ldp(x0, x1, [x2, 4])],
    ['a pair far away', (a) => a.stp(x0, x1, pre(sp, 512))],
    ['a pair of different sizes', (a) => a.ldp(s0, d0, [x1])],
    ['an unknown system register', (a) => a.mrs(x0, 'NONE_EL1')],
    ['a system register outside op0 2 and 3', (a) => a.mrs(x0, 's1_0_c7_c5_0')],
    ['a system register in a W register', (a) => a.msr('TPIDR_EL0', w0)],
    ['an immediate for something else', (a) => a.msr('SCTLR_EL1', 1)],
    ['the inverse of always', (a) => a.cset(x0, 'al')],
  ];
  for (const [what, write] of refused) {
    test(what, () => assert.throws(() => wordsOf(write), RangeError));
  }
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { undefinedInstruction } from '../../src/cpu/arm64/instructions/system.ts';
import { a64Instructions } from '../../src/cpu/arm64/instructions/table.ts';
import {
  Handler,
  RECORD_HANDLER,
  RECORD_IMMEDIATE,
  RECORD_REGISTERS,
  RECORD_SIZE,
  RECORDS,
} from '../../src/cpu/code-page.ts';
import { Decoder, highHalf, lowHalf } from '../../src/cpu/decoder.ts';
import { MachineMemory } from '../../src/cpu/machine-memory.ts';
import { RecordWriter } from '../../src/cpu/record-writer.ts';
import { EffectTable, Flow } from '../../src/cpu/tiers/effects.ts';

const decoder = new Decoder(a64Instructions, undefinedInstruction);
const memory = new MachineMemory(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
const CODE = 0x1000;
const PAGE = 0x2000;
const recordAt = (position: number): number => PAGE + position * RECORD_SIZE;
const handlerAt = (position: number): number => memory.u16[(recordAt(position) + RECORD_HANDLER) >>> 1] as number;

const ADD = 0x9100_0400;
const BRANCH = 0x1400_0001;
const CALL = 0x9400_0001;
const CONDITIONAL = 0x5400_0020;
const RETURN = 0xd65f_03c0;
const UNDEFINED = 0;

/** Puts code at the page's start, with nothing decoded, and a new writer that has not seen it. */
const load = (words: readonly number[]): RecordWriter => {
  memory.u32.fill(0, CODE >>> 2, (CODE >>> 2) + RECORDS);
  memory.u32.set(
    words.map((word) => word >>> 0),
    CODE >>> 2,
  );
  memory.u8.fill(0, PAGE, recordAt(RECORDS));
  memory.u16[recordAt(RECORDS) >>> 1] = Handler.pageEnd;
  return new RecordWriter(memory, decoder);
};

/** What the record of a word must say, straight from the table's entry. */
const assertRecord = (record: number, word: number): void => {
  const { entry, fields } = decoder.decode(word);
  const plain = decoder.handlerOf(word);
  const handler = entry.epilogue?.(fields) ? decoder.epilogueForm(plain) : plain;
  assert.equal(memory.u16[(record + RECORD_HANDLER) >>> 1], handler, 'handler');
  let registers = 0;
  const immediate = (record + RECORD_IMMEDIATE) >>> 2;
  for (const [name, operand] of entry.operands) {
    if (operand.kind === 'register') {
      const place = RECORD_REGISTERS[registers++] as number;
      assert.equal(memory.u16[(record + place) >>> 1], operand.get(fields), name);
    } else {
      const value = operand.get(fields);
      assert.equal(memory.i32[immediate], lowHalf(value), name);
      if (operand.kind === 'immediate64') assert.equal(memory.i32[immediate + 1], highHalf(value), name);
    }
  }
};

test('records are what the table says, whatever was decoded before', () => {
  const writer = load([]);
  const instructions = fc
    .tuple(fc.constantFrom(...a64Instructions), fc.integer())
    .map(([entry, random]) => (random & ~entry.mask) | entry.match);
  const word = fc.oneof({ weight: 8, arbitrary: instructions }, fc.integer(), fc.constantFrom(0, 1, -1));
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 8 }), (words) => {
      // Each twice: made, and found among those that are kept.
      for (const each of [...words, ...words]) {
        memory.u32[CODE >>> 2] = each >>> 0;
        memory.u16[recordAt(0) >>> 1] = Handler.decode;
        memory.u16[recordAt(1) >>> 1] = Handler.pageEnd;
        assert.equal(writer.writeRun(recordAt(0), CODE), 1);
        assertRecord(recordAt(0), each);
      }
    }),
    { numRuns: 1000 },
  );
});

describe('a run', () => {
  for (const [what, end] of Object.entries({
    'a branch': BRANCH,
    'a return': RETURN,
    'an undefined instruction': UNDEFINED,
  })) {
    test(`ends with ${what}`, () => {
      const words = [ADD, CONDITIONAL, CALL, end, ADD];
      const writer = load(words);
      assert.equal(writer.writeRun(recordAt(0), CODE), 4);
      for (const [position, word] of words.slice(0, 4).entries()) assertRecord(recordAt(position), word);
      assert.equal(handlerAt(4), Handler.decode);
    });
  }

  test('ends before what is decoded already, or translated', () => {
    for (const handler of [Handler.region, Handler.first]) {
      const writer = load([ADD, ADD, ADD, ADD]);
      memory.u16[recordAt(2) >>> 1] = handler;
      assert.equal(writer.writeRun(recordAt(0), CODE), 2);
      assert.equal(handlerAt(2), handler);
      assert.equal(handlerAt(3), Handler.decode);
    }
  });

  test('ends with the page', () => {
    const writer = load(new Array(RECORDS).fill(ADD));
    const last = RECORDS - 3;
    assert.equal(writer.writeRun(recordAt(last), CODE + last * 4), 3);
    assert.equal(handlerAt(RECORDS), Handler.pageEnd);
    assert.equal(handlerAt(last - 1), Handler.decode);
  });

  test('ends with each instruction that only goes elsewhere, by what its description does', () => {
    const effects = new EffectTable(decoder);
    for (const [number, handler] of decoder.handlers.entries()) {
      if (handler === undefined) continue;
      const flow = effects.of(number).flow;
      if (flow !== Flow.jump && flow !== Flow.leave) assert.ok(!handler.entry.endsRun, handler.entry.name);
      // A condition of "always" has no entry of its own.
      if (flow === Flow.jump) assert.ok(handler.entry.endsRun || handler.shape.cond !== undefined, handler.entry.name);
    }
  });
});

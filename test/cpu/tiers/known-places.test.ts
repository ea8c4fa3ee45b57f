import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { arm64Architecture } from '../../../src/cpu/arm64/architecture.ts';
import { Assembler, registers } from '../../../src/cpu/arm64/assembler.ts';
import { translationChanged } from '../../../src/cpu/arm64/mmu/banks.ts';
import { resetProcessor } from '../../../src/cpu/arm64/reset.ts';
import { V, X } from '../../../src/cpu/arm64/state.ts';
import { Exit } from '../../../src/cpu/exits.ts';
import { BUDGET, PC, PENDING_ADDRESS, PENDING_KIND, PENDING_SYNDROME, VECTOR_TRAP } from '../../../src/cpu/state.ts';
import { RAM } from '../arm64/system/machine.ts';
import { KERNEL_PAGE, Leaf, MappedMachine, UPPER } from '../arm64/system/mapped-machine.ts';

/**
 * Loads and stores around one base, in pages that are there, are read-only or are not: the hot tier, which looks up the first
 * and reaches the others from it, does the same as the cold tier, which looks up each.
 */

const CODE = UPPER;
const DATA = UPPER + 0x10_0000n;
/** The frames of the data's pages: not side by side. */
const FRAMES = [RAM + 0x9000, RAM + 0x4000, RAM + 0x7000];
const ROUNDS = 6;

/** Words of instructions: X1 and X2 are bases, X3 to X8 and V0 to V3 data; X10 and X11 keep the bases, X12 counts rounds. */
const base = fc.constantFrom(1, 2);
const data = fc.integer({ min: 3, max: 8 });
const vector = fc.integer({ min: 0, max: 3 });
const signed = (bits: number, min: number, max: number) =>
  fc.integer({ min, max }).map((value) => value & ((1 << bits) - 1));

const scaled = (opcode: number, t: fc.Arbitrary<number>, scale: number) =>
  fc
    .tuple(t, base, fc.integer({ min: 0, max: 160 / scale }))
    .map(([rt, rn, imm]) => (opcode | (imm << 10) | (rn << 5) | rt) >>> 0);
const unscaled = (opcode: number, t: fc.Arbitrary<number>) =>
  fc.tuple(t, base, signed(9, -80, 80)).map(([rt, rn, imm]) => (opcode | (imm << 12) | (rn << 5) | rt) >>> 0);
const pair = (opcode: number) =>
  fc
    .tuple(data, data, base, signed(7, -10, 10))
    .map(([rt, rt2, rn, imm]) => (opcode | (imm << 15) | (rt2 << 10) | (rn << 5) | (rt === rt2 ? 9 : rt)) >>> 0);
const move = (opcode: number) =>
  fc
    .tuple(base, base, fc.integer({ min: 0, max: 64 }))
    .map(([rd, rn, imm]) => (opcode | (imm << 10) | (rn << 5) | rd) >>> 0);

const instruction = fc.oneof(
  scaled(0xf940_0000, data, 8), // LDR X
  scaled(0xf900_0000, data, 8), // STR X
  scaled(0x3940_0000, data, 1), // LDRB
  scaled(0x3900_0000, data, 1), // STRB
  scaled(0x7900_0000, data, 2), // STRH
  scaled(0x3dc0_0000, vector, 16), // LDR Q
  scaled(0x3d80_0000, vector, 16), // STR Q
  unscaled(0xf840_0000, data), // LDUR
  unscaled(0xf800_0000, data), // STUR
  unscaled(0xb840_0c00, data), // LDR W, pre-index
  unscaled(0xf800_0400, data), // STR X, post-index
  pair(0xa940_0000), // LDP
  pair(0xa900_0000), // STP
  pair(0xa980_0000), // STP, pre-index
  pair(0xa8c0_0000), // LDP, post-index
  move(0x9100_0000), // ADD
  move(0xd100_0000), // SUB
);

const MOV = (d: number, m: number): number => (0xaa00_03e0 | (m << 16) | d) >>> 0;

interface Setting {
  readonly words: readonly number[];
  readonly bases: readonly [number, number];
  /** Of the first to third page. */
  readonly pages: readonly ('writable' | 'readOnly' | 'absent')[];
}

const setting: fc.Arbitrary<Setting> = fc.record({
  words: fc.array(instruction, { minLength: 2, maxLength: 24 }),
  bases: fc.tuple(fc.integer({ min: 4096 - 96, max: 4096 + 64 }), fc.integer({ min: 8192 - 96, max: 8192 + 32 })),
  pages: fc.tuple(
    ...([0, 1, 2] as const).map(() =>
      fc.constantFrom('writable' as const, 'writable' as const, 'readOnly' as const, 'absent' as const),
    ),
  ),
});

const program = ({ words }: Setting): Uint8Array => {
  const assembler = new Assembler(Number(BigInt.asUintN(32, CODE)));
  assembler.label('round');
  for (const word of words) assembler.word(word);
  assembler.word(MOV(1, 10));
  assembler.word(MOV(2, 11));
  assembler.word(0xd100_058c); // SUB X12, X12, #1
  assembler.cbnz(registers.x12, 'round');
  assembler.word(0xd400_0022); // HVC #1
  return assembler.finish();
};

/** Maps the data's pages and fills them. */
const lay = (machine: MappedMachine, pages: Setting['pages']): void => {
  for (const [index, frame] of FRAMES.entries()) {
    const address = DATA + BigInt(index * 4096);
    const kind = pages[index] ?? 'writable';
    if (kind === 'absent') machine.kernel.unmap(address);
    else machine.kernel.map(address, frame, kind === 'readOnly' ? KERNEL_PAGE | Leaf.readOnly : KERNEL_PAGE);
    machine.writeBytes(
      frame,
      Uint8Array.from({ length: 4096 }, (_, i) => (i * 31 + frame) & 0xff),
    );
  }
  translationChanged(machine.memory, machine.first);
};

const start = (machine: MappedMachine, { bases }: Setting): void => {
  const state = machine.first;
  resetProcessor(machine.runtime, state, { pc: RAM, x0: 0 });
  machine.translate(state);
  machine.set(state, PC, CODE);
  for (const [index, register] of [10, 11].entries()) {
    const address = DATA + BigInt(bases[index] as number);
    machine.set(state, X + register * 8, address);
    machine.set(state, X + (index + 1) * 8, address);
  }
  machine.set(state, X + 12 * 8, BigInt(ROUNDS));
  machine.set32(state, BUDGET, 10_000);
  machine.set32(state, VECTOR_TRAP, 0);
};

/** Runs the program once with all pages there, so that it is translated, and then as it was chosen. */
const outcome = (tier: 'cold' | 'hot', chosen: Setting): Record<string, unknown> => {
  const machine = new MappedMachine();
  const state = machine.first;
  machine.kernel.map(CODE, RAM, KERNEL_PAGE);
  machine.writeBytes(RAM, program(chosen));
  const engine = machine.engine(tier, { ...arm64Architecture, resume: (_runtime, _state, exit) => exit });
  lay(machine, []);
  start(machine, chosen);
  const first = engine.run(state);
  if (tier === 'hot' && first === Exit.hypervisorCall) assert.ok(engine.statistics.hotInstructions > 0);
  lay(machine, chosen.pages);
  start(machine, chosen);
  const exit = engine.run(state);
  const faulted = machine.get32(state, PENDING_KIND) !== 0;
  return {
    first,
    exit,
    pc: machine.get(state, PC),
    pending: faulted && [machine.get32(state, PENDING_SYNDROME), machine.get(state, PENDING_ADDRESS)],
    budget: machine.get32(state, BUDGET),
    general: Array.from({ length: 31 }, (_, i) => machine.get(state, X + i * 8)),
    vectors: Array.from({ length: 8 }, (_, i) => machine.get(state, V + i * 8)),
    memory: FRAMES.map((frame) => {
      const at = machine.machineAddress(frame);
      return Buffer.from(machine.memory.u8.slice(at, at + 4096)).toString('base64');
    }),
  };
};

const LDR = 0xf940_0023; // LDR X3, [X1]
const STR_8 = 0xf900_0423; // STR X3, [X1, #8]
const LDR_8 = 0xf940_0424; // LDR X4, [X1, #8]
const LDR_X2 = 0xf940_0043; // LDR X3, [X2]
const STR_X2 = 0xf900_0443; // STR X3, [X2, #8]
const writable = ['writable', 'writable', 'writable'] as const;

/** What chance seldom meets. */
const examples: [Setting][] = [
  // A place that a load has found is not one to store to.
  [{ words: [LDR, LDR_X2, STR_X2], bases: [4096 - 64, 4096 - 64], pages: ['readOnly', 'writable', 'writable'] }],
  // Across the end, beyond it, and beyond it into nothing.
  [{ words: [LDR, LDR_8, STR_8], bases: [4096 - 4, 8192], pages: writable }],
  [{ words: [LDR, LDR_8, STR_8], bases: [4096 - 8, 8192], pages: writable }],
  [{ words: [LDR, LDR_8, STR_8], bases: [4096 - 8, 8192], pages: ['writable', 'absent', 'writable'] }],
  // The slow path of one access makes way for another mapping, which the next must not miss.
  [{ words: [LDR, 0x3900_1043, LDR_8], bases: [4096 - 8, 4096 - 6], pages: writable }],
];

test('both tiers do the same', () => {
  fc.assert(
    fc.property(setting, (chosen) => {
      assert.deepEqual(outcome('hot', chosen), outcome('cold', chosen));
    }),
    { numRuns: 60, examples },
  );
});

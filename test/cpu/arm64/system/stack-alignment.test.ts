import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Assembler, post, pre, registers } from '../../../../src/cpu/arm64/assembler.ts';
import { updateAccessChecks } from '../../../../src/cpu/arm64/debug/enabled.ts';
import { encodeEntry } from '../../../../src/cpu/arm64/encoder.ts';
import { a64Instructions } from '../../../../src/cpu/arm64/instructions/table.ts';
import { setLevel } from '../../../../src/cpu/arm64/processor-state.ts';
import { stackChanged } from '../../../../src/cpu/arm64/stack-alignment.ts';
import { SOFTWARE_STEP, SP, X } from '../../../../src/cpu/arm64/state.ts';
import {
  CPACR_EL1,
  ELR_EL1,
  ESR_EL1,
  FAR_EL1,
  MDSCR_EL1,
  OS_LOCK,
  SCTLR_EL1,
  SP_EL0,
  SP_EL1,
  SPSR_EL1,
  VBAR_EL1,
} from '../../../../src/cpu/arm64/system-state.ts';
import { RECORD_REGISTERS } from '../../../../src/cpu/code-page.ts';
import { Exit } from '../../../../src/cpu/exits.ts';
import { type BitField, type Instruction, type RegisterOperand, shapeFields } from '../../../../src/cpu/instruction.ts';
import type { Register } from '../../../../src/cpu/ir/value.ts';
import { PAIR_LOCKS, TLB, TLB_UNPRIVILEGED } from '../../../../src/cpu/state.ts';
import { OutOfLineBuilder } from '../../../../src/cpu/tiers/cold-builder.ts';
import { noImports } from '../../../../src/cpu/tiers/imports.ts';
import { FunctionBuilder } from '../../../../src/wasm/function-builder.ts';
import { ValueType } from '../../../../src/wasm/opcodes.ts';
import { RAM } from './machine.ts';
import { Leaf, MappedMachine, USER_PAGE } from './mapped-machine.ts';
import { Runner, type Tier, tiers } from './runner.ts';

/** SCTLR_EL1.SA and SA0: loads and stores by a misaligned stack pointer, in all forms and however it became misaligned. */

const { x0, x1, x2, x20, x21, x22, xzr, sp } = registers;

const START = RAM + 0x1000;
const VECTORS = RAM + 0x8000;
const HANDLER = RAM + 0x9000;
const STACK_PAGE = RAM + 0x4000;
const STACK = STACK_PAGE + 0x800;
const EXCEPTION = 0x100;
const FROM_EL1 = EXCEPTION + 4;
const FROM_EL0 = EXCEPTION + 8;
/** Vector of an exception from EL1 that runs with SP_EL0. */
const FROM_EL1T = EXCEPTION;

const SA = 1n << 3n;
const SA0 = 1n << 4n;
/** MDSCR_EL1.SS. */
const SINGLE_STEP = 1;
/** The class, IL, and nothing else. */
const STACK_ALIGNMENT = 0x9a00_0000;
const SUPERVISOR_CALL = 0x5600_0000;

const isRegister = (operand: Instruction['operands'][number][1]): operand is RegisterOperand =>
  operand.kind === 'register';

/** Every instruction that accesses memory by a base register. */
const accesses = a64Instructions.filter(({ operands }) =>
  operands.some(([, operand]) => isRegister(operand) && operand.base),
);

/** An encoding with a base register, all other registers being different, and immediates of 0. */
const accessWord = (entry: Instruction, base: number): number => {
  const registerNumbers: Record<string, number> = { Rn: base, Rt: 0, Rt2: 1, Rs: 2, Rm: 3 };
  const attempt = (others: number): number =>
    encodeEntry(entry, Object.fromEntries(entry.fields.map(({ name }) => [name, registerNumbers[name] ?? others])));
  try {
    return attempt(0);
  } catch {
    // Fields of size where 0 is reserved.
    return attempt(1);
  }
};

/** Code and stack are mapped for both levels, so that accesses hit the translation table. */
const makeRunner = (tier: Tier): Runner<MappedMachine> => {
  const machine = new MappedMachine();
  for (const page of [START, VECTORS, HANDLER]) machine.user.map(BigInt(page), page, USER_PAGE | Leaf.readOnly);
  machine.user.map(BigInt(STACK_PAGE), STACK_PAGE, USER_PAGE);
  return new Runner(machine, tier);
};

const runners = { cold: makeRunner('cold'), hot: makeRunner('hot') };

for (const tier of tiers) {
  const subject = runners[tier];
  const { machine } = subject;
  const state = machine.first;
  let lastRound = 0;

  /**
   * Readies what runs twice without and then once with the last round's instructions, so that the hot tier has it. Each round
   * accesses the stack's page. Exceptions end it with EXCEPTION + vector, the end is an SVC.
   */
  const prepare = (level: 0 | 1, write: (a: Assembler) => void): void => {
    subject.reset();
    machine.translate(state);
    for (let vector = 0; vector < 16; vector++) {
      subject.assemble(VECTORS + vector * 0x80, VECTORS + vector * 0x80, (a) => a.hvc(EXCEPTION + vector));
    }
    subject.assemble(START, START, (a) => {
      a.mov(x20, 3);
      a.mov(x22, STACK_PAGE);
      a.label('again');
      a.ldr(xzr, [x22, 0]);
      a.str(xzr, [x22, 0]);
      a.emit('LDTR (X)', { imm9: 0, Rn: 22, Rt: 31 });
      a.cmp(x20, 1);
      a.b('over', 'ne');
      lastRound = Number(a.here);
      write(a);
      a.label('over');
      a.sub(x20, x20, 1);
      a.cbnz(x20, 'again');
      a.svc(0);
    });
    machine.set(state, VBAR_EL1, VECTORS);
    machine.set(state, CPACR_EL1, 3 << 20);
    machine.set(state, FAR_EL1, 0x1234);
    machine.set32(state, PAIR_LOCKS, machine.machineAddress(RAM + 0x10000));
    setLevel(machine.memory, state, level, level);
    machine.pc = START;
    setStack(STACK);
  };

  const setStack = (value: bigint | number): void => {
    machine.set(state, SP, value);
    stackChanged(machine.memory, state);
  };

  const control = (clear: bigint, set = 0n): void => {
    machine.set(state, SCTLR_EL1, (machine.get(state, SCTLR_EL1) & ~clear) | set);
    updateAccessChecks(machine.memory, state);
    stackChanged(machine.memory, state);
  };

  const esr = (): number => machine.get32(state, ESR_EL1);
  /** Where the exception was, in bytes from the first instruction of the last round. */
  const position = (): number => Number(machine.get(state, ELR_EL1)) - lastRound;

  /** Runs into a stack alignment fault at `where`. */
  const assertFault = (where: number, vector: number): void => {
    assert.equal(subject.run(), vector);
    assert.equal(esr().toString(16), STACK_ALIGNMENT.toString(16));
    assert.equal(position(), where);
    assert.equal(machine.get(state, FAR_EL1), 0x1234n);
  };

  const assertDone = (vector: number): void => {
    assert.equal(subject.run(), vector);
    assert.equal(esr().toString(16), SUPERVISOR_CALL.toString(16));
  };

  const ADD_X9 = 0x9100_0529;
  /** ADD X9, X9, #1; then the instruction. */
  const twoWords = (word: number) => (a: Assembler) => {
    a.word(ADD_X9);
    a.word(word);
  };

  describe(`a load or store by a misaligned stack pointer (${tier} tier)`, () => {
    for (const level of [0, 1] as const) {
      it(`faults before it does anything, in every form, at EL${level}`, () => {
        assert.ok(accesses.length > 300);
        for (const entry of accesses) {
          prepare(level, twoWords(accessWord(entry, 31)));
          setStack(STACK + 8);
          const before = machine.memory.u8.slice(state + X, state + X + 31 * 8);
          const start = machine.machineAddress(STACK);
          machine.memory.u8.fill(0xa5, start, start + 0x100);
          assert.equal(subject.run(), level === 0 ? FROM_EL0 : FROM_EL1, entry.name);
          assert.equal(esr(), STACK_ALIGNMENT, entry.name);
          assert.equal(position(), 4, entry.name);
          assert.equal(machine.get(state, FAR_EL1), 0x1234n);
          assert.equal(machine.get(state, level === 0 ? SP_EL0 : SP), BigInt(STACK + 8));
          assert.equal(subject.x(9), 1n);
          subject.setX(9, 0);
          subject.setX(20, 0);
          subject.setX(22, 0);
          assert.deepEqual(machine.memory.u8.slice(state + X, state + X + 31 * 8), before, entry.name);
          assert.ok(
            machine.memory.u8.subarray(start, start + 0x100).every((byte) => byte === 0xa5),
            entry.name,
          );
        }
      });
    }

    it('does not fault by another base register, nor by an aligned stack pointer', () => {
      for (const entry of accesses) {
        for (const [base, stack] of [
          [4, STACK + 8],
          [31, STACK],
        ] as const) {
          prepare(1, twoWords(accessWord(entry, base)));
          setStack(stack);
          subject.setX(4, STACK + 0x40);
          assert.equal(subject.run(), FROM_EL1, entry.name);
          assert.equal(esr(), SUPERVISOR_CALL, entry.name);
          assert.equal(subject.x(9), 1n);
        }
      }
    });

    it('does not fault while the level does not check', () => {
      for (const [level, bit, other] of [
        [0, SA0, SA],
        [1, SA, SA0],
      ] as const) {
        prepare(level, (a) => a.ldr(x0, [sp, 8]));
        control(bit, other);
        setStack(STACK + 8);
        machine.writePhysical(STACK + 16, 77n);
        assertDone(level === 0 ? FROM_EL0 : FROM_EL1);
        assert.equal(subject.x(0), 77n);
        prepare(level, (a) => a.ldr(x0, [sp, 8]));
        control(other, bit);
        setStack(STACK + 8);
        assertFault(0, level === 0 ? FROM_EL0 : FROM_EL1);
      }
    });

    it('faults at EL1 with the stack pointer of EL0, too', () => {
      prepare(1, (a) => {
        a.msr('SPSel', 0);
        a.str(x0, [sp, 8]);
      });
      machine.set(state, SP_EL0, STACK + 4);
      assertFault(4, FROM_EL1T);
    });

    it('gives way to the vector trap, single-stepped or not, and to being undefined', () => {
      for (const mdscr of [0, SINGLE_STEP]) {
        prepare(0, (a) => a.word(0x3dc0_03e0));
        machine.set(state, OS_LOCK, 0);
        machine.set(state, MDSCR_EL1, mdscr);
        machine.set32(state, SOFTWARE_STEP, 1);
        machine.set(state, CPACR_EL1, 0);
        setLevel(machine.memory, state, 0, 0);
        machine.pc = lastRound;
        setStack(STACK + 8);
        assert.equal(subject.run(), FROM_EL0);
        assert.equal(esr(), 0x1fe0_0000);
      }
      // LDR of 128 bits with the size of another one.
      prepare(1, (a) => a.word(0x7dc0_03e0 | (1 << 23) | (1 << 31)));
      setStack(STACK + 8);
      assert.equal(subject.run(), FROM_EL1);
      assert.equal(esr(), 0x200_0000);
    });

    it('comes before what is wrong with the address', () => {
      prepare(1, (a) => a.ldr(x0, [sp, 0]));
      setStack(0x1238);
      assertFault(0, FROM_EL1);
    });

    it('is not a prefetch, nor a load from near the program counter', () => {
      prepare(0, (a) => {
        a.word(0xf980_03e0);
        a.word(0xf880_03e0);
        a.word(0xf8a2_6be0);
        a.word(0x5800_001f);
        a.word(0x5800_03e0);
      });
      setStack(STACK + 8);
      assertDone(FROM_EL0);
    });

    it('faults when it is single-stepped', () => {
      prepare(0, (a) => {
        a.add(x0, x0, 1);
        a.ldr(x0, [sp, 0]);
      });
      machine.set(state, OS_LOCK, 0);
      machine.set(state, MDSCR_EL1, SINGLE_STEP);
      machine.pc = lastRound;
      setStack(STACK + 8);
      // PSTATE.SS is 0: the step is over before the first instruction.
      assert.equal(subject.run(), FROM_EL0);
      assert.equal(esr(), 0xca00_0022);
      subject.assemble(HANDLER, HANDLER, (a) => {
        a.msr('SPSR_EL1', x21);
        a.eret();
      });
      subject.setX(21, 1 << 21);
      machine.pc = HANDLER;
      assert.equal(subject.run(), FROM_EL0);
      assert.equal(esr(), 0xcb00_0022);
      assert.equal(position(), 4);
      machine.pc = HANDLER;
      assertFault(4, FROM_EL0);
      assert.equal(machine.get(state, SPSR_EL1), 1n << 21n);
    });
  });

  describe(`a stack pointer that becomes misaligned (${tier} tier)`, () => {
    const writers = a64Instructions.filter(({ epilogue, name }) => epilogue !== null && !name.startsWith('MSR'));

    const wordOf = (entry: Instruction, values: readonly number[]): number | null => {
      const choose = ({ name, width }: BitField, index: number): number => {
        if (name === 'Rn' && !entry.fields.some((field) => field.name === 'Rd')) return 31;
        return name === 'Rd' ? 31 : (values[index] as number) & (2 ** width - 1);
      };
      try {
        return encodeEntry(
          entry,
          Object.fromEntries(entry.fields.map((field, index) => [field.name, choose(field, index)])),
        );
      } catch (error) {
        if (error instanceof RangeError) return null;
        throw error;
      }
    };

    it('is noticed after each form that writes it', () => {
      const outcomes = { aligned: 0, misaligned: 0 };
      const values = fc.array(fc.integer({ min: 0, max: 0x3f_ffff }), { minLength: 8, maxLength: 8 });
      fc.assert(
        fc.property(
          fc.constantFrom(...writers),
          values,
          fc.constantFrom(-24, -1, 0, 3, 16, STACK, STACK + 8),
          fc.boolean(),
          (entry, fields, number, misaligned) => {
            const word = wordOf(entry, fields);
            fc.pre(word !== null);
            const isAccess = accesses.includes(entry);
            prepare(0, (a) => {
              a.word(word);
              a.ldr(x0, [sp, 0]);
              a.svc(0);
            });
            for (let n = 0; n < 31; n++) if (n !== 20 && n !== 22) subject.setX(n, number);
            if (misaligned && !isAccess) setStack(STACK + 8);
            assert.equal(subject.run(), FROM_EL0);
            const faulted = esr() === STACK_ALIGNMENT;
            assert.equal(faulted, (machine.get(state, SP_EL0) & 15n) !== 0n);
            if (faulted) assert.equal(position(), 4);
            outcomes[faulted ? 'misaligned' : 'aligned']++;
          },
        ),
        { numRuns: 600 },
      );
      assert.ok(outcomes.aligned > 50 && outcomes.misaligned > 50, JSON.stringify(outcomes));
    });

    it('may be computed with, and costs no exit', () => {
      const program = (): void =>
        prepare(1, (a) => {
          a.emit('ADD (extended register)', { sf: 1, Rm: 0, option: 3, imm3: 0, Rn: 31, Rd: 31 });
          a.emit('SUB (extended register)', { sf: 1, Rm: 0, option: 3, imm3: 0, Rn: 31, Rd: 0 });
          a.tbnz(x0, 1, 'over');
          a.emit('SUB (extended register)', { sf: 1, Rm: 0, option: 3, imm3: 0, Rn: 31, Rd: 0 });
          a.emit('SUB (extended register)', { sf: 1, Rm: 0, option: 3, imm3: 0, Rn: 31, Rd: 31 });
          a.str(x0, pre(sp, -16));
          a.ldr(x1, post(sp, 16));
        });
      program();
      assertDone(FROM_EL1);
      const tables = [machine.get32(state, TLB), machine.get32(state, TLB_UNPRIVILEGED)];
      for (const value of [0x1239, 8]) {
        program();
        subject.setX(0, value);
        assertDone(FROM_EL1);
        assert.equal(subject.x(1), BigInt(value));
        assert.equal(machine.get(state, SP), BigInt(STACK));
        assert.ok(!subject.exits.includes(Exit.exception));
        assert.deepEqual([machine.get32(state, TLB), machine.get32(state, TLB_UNPRIVILEGED)], tables);
      }
    });

    it('is noticed by unprivileged accesses', () => {
      prepare(1, (a) => {
        a.sub(sp, sp, 8);
        a.emit('LDTR (X)', { imm9: 0, Rn: 31, Rt: 0 });
      });
      assertFault(4, FROM_EL1);
    });

    it('lets accesses by other registers pass', () => {
      prepare(0, (a) => {
        a.sub(sp, sp, 8);
        a.mov(x1, STACK);
        a.str(x20, [x1, 0]);
        a.ldr(x2, [x1, 0]);
        a.add(x2, x2, 5);
        a.add(sp, sp, 8);
        a.str(x2, [sp, 8]);
        a.ldr(x0, [sp, 8]);
        a.sub(sp, sp, 4);
        a.ldr(x1, [x1, 0]);
        a.ldr(x1, [sp, 0]);
      });
      assert.equal(subject.run(), FROM_EL0);
      assert.equal(esr(), STACK_ALIGNMENT);
      assert.equal(subject.x(0), 6n);
      assert.equal(subject.x(1), 1n);
      assert.equal(machine.get(state, SP_EL0), BigInt(STACK - 4));
    });

    it('is noticed after a return from an exception, a choice of stack pointer and a write of SCTLR_EL1', () => {
      const enter = (level: 0 | 1, write: (a: Assembler) => void): void => {
        prepare(level, (a) => a.ldr(x0, [sp, 0]));
        subject.assemble(HANDLER, HANDLER, write);
        setLevel(machine.memory, state, 1, 1);
        machine.pc = HANDLER;
      };
      enter(0, (a) => {
        a.mov(x0, STACK + 1);
        a.msr('SP_EL0', x0);
        a.mov(x0, START);
        a.msr('ELR_EL1', x0);
        a.msr('SPSR_EL1', xzr);
        a.eret();
      });
      assertFault(0, FROM_EL0);
      enter(1, (a) => {
        a.mov(x0, STACK + 2);
        a.msr('SP_EL0', x0);
        a.ldr(x1, [sp, 0]);
        a.msr('SPSel', 0);
        a.b('there');
        a.label('there');
        a.ldr(x1, [sp, 0]);
      });
      setStack(STACK);
      assert.equal(subject.run(), FROM_EL1T);
      assert.equal(esr(), STACK_ALIGNMENT);
      assert.equal(machine.get(state, ELR_EL1), BigInt(HANDLER + 24));
      enter(1, (a) => {
        a.mov(x0, SA);
        a.mrs(x1, 'SCTLR_EL1');
        a.bic(x2, x1, x0);
        a.msr('SCTLR_EL1', x2);
        a.sub(sp, sp, 8);
        a.ldr(x0, [sp, 0]);
        a.msr('SCTLR_EL1', x1);
        a.ldr(x0, [sp, 0]);
      });
      setStack(STACK);
      assert.equal(subject.run(), FROM_EL1);
      assert.equal(esr(), STACK_ALIGNMENT);
      assert.equal(machine.get(state, ELR_EL1), BigInt(HANDLER + 28));
    });

    it('is noticed in an exception handler that inherits it', () => {
      prepare(0, (a) => a.svc(1));
      subject.assemble(VECTORS + 0x400, VECTORS + 0x400, (a) => {
        a.mrs(x0, 'ESR_EL1');
        a.str(x0, [sp, 0]);
      });
      machine.set(state, SP_EL1, STACK + 12);
      assert.equal(subject.run(), FROM_EL1);
      assert.equal(esr(), STACK_ALIGNMENT);
      assert.equal(subject.x(0), BigInt(SUPERVISOR_CALL + 1));
      assert.equal(machine.get(state, ELR_EL1), BigInt(VECTORS + 0x404));
    });
  });
}

describe('the instruction table', () => {
  /** Runs descriptions only to see which register operands they write, by their places in the record. */
  class WriteProbe extends OutOfLineBuilder {
    readonly written = new Set<number>();

    override set(...args: Parameters<OutOfLineBuilder['set']>): void {
      this.written.add(args[0]);
      super.set(...args);
    }
  }

  /** They also change what is checked, and look after that themselves. */
  const changeLevel = new Set(['SVC', 'ERET']);
  const ALL_ONES = new Proxy({}, { get: () => 31 }) as Readonly<Record<string, number>>;

  it('has the stack pointer looked at after every instruction that can write it', () => {
    let found = 0;
    for (const entry of a64Instructions) {
      const places = entry.operands
        .map(([, operand]) => operand)
        .filter(isRegister)
        .map((operand, index) => ({ operand, register: (-1 - (RECORD_REGISTERS[index] as number)) as Register }))
        .filter(({ operand }) => operand.get(ALL_ONES) === SP);
      if (places.length === 0 || changeLevel.has(entry.name)) continue;
      for (let shape = 0; shape < entry.shapes; shape++) {
        const fields = shapeFields(shape, entry);
        if (!entry.allowed(fields)) continue;
        const { i32, i64 } = ValueType;
        const probe = new WriteProbe(new FunctionBuilder([i32, i32, i64]), noImports);
        probe.describe({ entry, shape: fields });
        const writes = places.some(({ register }) => probe.written.has(register));
        assert.equal(entry.epilogue !== null, writes, entry.name);
        if (writes) found++;
      }
    }
    assert.ok(found > 100);
  });

  it('leaves out the writes that cannot change its alignment', () => {
    const followed = (word: number): boolean => {
      const entry = a64Instructions.find(
        (candidate) => ((word ^ candidate.match) & candidate.mask) === 0 && candidate.name !== 'HINT',
      ) as Instruction;
      const fields = Object.fromEntries(
        entry.fields.map(({ name, shift, width }) => [name, (word >>> shift) & (2 ** width - 1)]),
      );
      return entry.epilogue?.(fields) ?? false;
    };
    const words = {
      'ADD SP, SP, #32': [0x9100_83ff, false],
      'ADD SP, SP, #8': [0x9100_23ff, true],
      'ADD SP, X29, #0': [0x9100_03bf, true],
      'ADD X29, SP, #8': [0x9100_23fd, false],
      'SUB SP, SP, #1, LSL #12': [0xd140_07ff, false],
      'STP X29, X30, [SP, #-32]!': [0xa9be_7bfd, false],
      'STP X29, X30, [SP, #-24]!': [0xa9be_fbfd, true],
      'LDP X29, X30, [SP], #16': [0xa8c1_7bfd, false],
      'LDR X0, [SP], #8': [0xf840_87e0, true],
      'LDR X0, [X1], #8': [0xf840_8420, false],
      'STR Q0, [SP, #-16]!': [0x3c9f_0fe0, false],
    } as const;
    for (const [text, [word, expected]] of Object.entries(words)) assert.equal(followed(word), expected, text);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Assembler, lsl, registers } from '../../../../src/cpu/arm64/assembler.ts';
import { setLevel } from '../../../../src/cpu/arm64/processor-state.ts';
import { DAIF, FPCR, FPSR, PAN, SP, SP_SELECT } from '../../../../src/cpu/arm64/state.ts';
import {
  CPACR_EL1,
  ELR_EL1,
  ESR_EL1,
  EVENT,
  SCTLR_EL1,
  SP_EL0,
  SPSR_EL1,
  VBAR_EL1,
} from '../../../../src/cpu/arm64/system-state.ts';
import { Exit } from '../../../../src/cpu/exits.ts';
import { INTERRUPT_LINE, KICK } from '../../../../src/cpu/state.ts';
import { Machine, RAM } from './machine.ts';
import { Runner, type Tier, tiers } from './runner.ts';

const { x0, x1, x2, x3, x4, x19, x20, xzr } = registers;

/** Programs begin here, vectors lie there. */
const START = RAM + 0x1000;
const VECTORS = RAM + 0x8000;
/** HVC immediates. */
const FINISHED = 1;
const EXCEPTION = 0x100;

const runners = { cold: new Runner(new Machine(), 'cold'), hot: new Runner(new Machine(), 'hot') };

/** Readies a program that runs several times over, so that the hot tier has it too; exceptions end it with EXCEPTION + vector. */
const runner = (tier: Tier, write: (a: Assembler) => void): Runner => {
  const subject = runners[tier];
  const { machine } = subject;
  subject.reset();
  for (let vector = 0; vector < 16; vector++) {
    subject.assemble(VECTORS + vector * 0x80, VECTORS + vector * 0x80, (a) => a.hvc(EXCEPTION + vector));
  }
  subject.assemble(START, START, (a) => {
    a.mov(x20, 3);
    a.label('again');
    write(a);
    a.sub(x20, x20, 1);
    a.cbnz(x20, 'again');
    a.hvc(FINISHED);
  });
  machine.set(machine.first, VBAR_EL1, VECTORS);
  machine.pc = START;
  return subject;
};

const esr = ({ machine }: Runner): number => machine.get32(machine.first, ESR_EL1);

/** The address of the exception's preferred return, from the program's first instruction. */
const position = ({ machine }: Runner): number => Number(machine.get(machine.first, ELR_EL1)) - START - 4;

const FROM_EL1 = EXCEPTION + 4;
const FROM_EL0 = EXCEPTION + 8;

for (const tier of tiers) {
  describe(`exceptions of instructions (${tier} tier)`, () => {
    const atEl1 = (write: (a: Assembler) => void): Runner => {
      const subject = runner(tier, (a) => {
        // Once round without the instruction, so that the loop has been translated.
        a.cmp(x20, 1);
        a.b('over', 'ne');
        write(a);
        a.label('over');
      });
      assert.equal(subject.run(), FROM_EL1);
      return subject;
    };

    it('carry their immediate and return address', () => {
      const call = atEl1((a) => a.svc(0x1234));
      assert.equal(esr(call), 0x5600_1234);
      assert.equal(position(call), 12);
      const breakpoint = atEl1((a) => a.brk(0xf0ff));
      assert.equal(esr(breakpoint), 0xf200_f0ff);
      assert.equal(position(breakpoint), 8);
    });

    it('come of undefined instructions, of HLT, and of AT S1E1RP and S1E1WP', () => {
      for (const word of [0, 0xd4400000, 0xd4a00001, 0xd503_30ff, 0xd508_7900, 0xd508_7920]) {
        const subject = atEl1((a) => a.word(word));
        assert.equal(esr(subject), 0x0200_0000, word.toString(16));
        assert.equal(position(subject), 8);
      }
    });

    it('come of vector instructions while they are disabled', () => {
      const subject = atEl1((a) => a.mrs(x0, 'FPCR'));
      assert.equal(esr(subject), 0x1fe0_0000);
      assert.equal(position(subject), 8);
    });
  });

  describe(`calls to the hypervisor (${tier} tier)`, () => {
    it('tell HVC from SMC and go on after the instruction', () => {
      const subject = runner(tier, (a) => {
        a.hvc(0xea1);
        a.smc(0x12);
      });
      const seen: number[] = [];
      for (let result = subject.run(); result !== FINISHED; result = subject.run()) seen.push(result);
      assert.deepEqual(seen, [0xea1, 0x8000_0012, 0xea1, 0x8000_0012, 0xea1, 0x8000_0012]);
    });
  });

  describe(`PSTATE (${tier} tier)`, () => {
    it('moves to and from registers', () => {
      const subject = runner(tier, (a) => {
        a.mov(x0, -1);
        a.msr('NZCV', x0);
        a.mrs(x1, 'NZCV');
        a.msr('DAIFClr', 0xf);
        a.msr('DAIFSet', 5);
        a.mrs(x2, 'DAIF');
        a.msr('DAIF', x0);
        a.msr('DAIFClr', 2);
        a.mrs(x3, 'DAIF');
        a.msr('PAN', 1);
        a.mrs(x4, 'PAN');
        a.mrs(x19, 'CurrentEL');
      });
      assert.equal(subject.run(), FINISHED);
      assert.deepEqual(
        [1, 2, 3, 4, 19].map((n) => subject.x(n)),
        [0xf000_0000n, 0x140n, 0x340n, 0x40_0000n, 4n],
      );
      assert.equal(subject.machine.get32(subject.machine.first, DAIF), 0x340);
      assert.equal(subject.machine.get32(subject.machine.first, PAN), 1);
    });

    it('selects the stack pointer, and keeps the other one', () => {
      const subject = runner(tier, (a) => {
        a.mov(x0, 0x1000);
        a.mov(registers.sp, x0);
        a.mov(x1, 0x2000);
        a.msr('SP_EL0', x1);
        a.msr('SPSel', 0);
        a.mov(x2, registers.sp);
        a.add(registers.sp, registers.sp, 16);
        a.mov(x3, 1);
        a.msr('SPSel', x3);
        a.mov(x3, registers.sp);
        a.mrs(x4, 'SP_EL0');
        a.mrs(x19, 'SPSel');
      });
      assert.equal(subject.run(), FINISHED);
      assert.deepEqual(
        [2, 3, 4, 19].map((n) => subject.x(n)),
        [0x2000n, 0x1000n, 0x2010n, 1n],
      );
      assert.equal(subject.machine.get(subject.machine.first, SP), 0x1000n);
    });

    it('makes SP_EL0 undefined while it is in use', () => {
      const subject = runner(tier, (a) => {
        a.msr('SPSel', 0);
        a.mrs(x0, 'SP_EL0');
      });
      // From EL1 on SP_EL0: the first group of vectors.
      assert.equal(subject.run(), EXCEPTION);
      assert.equal(subject.machine.get32(subject.machine.first, SP_SELECT), 1);
      assert.equal(esr(subject), 0x200_0000);
    });

    it('has FPCR and FPSR with the bits there are', () => {
      const subject = runner(tier, (a) => {
        a.mov(x0, 3 << 20);
        a.msr('CPACR_EL1', x0);
        a.isb();
        a.mov(x0, -1);
        a.msr('FPCR', x0);
        a.msr('FPSR', x0);
        a.mrs(x1, 'FPCR');
        a.mrs(x2, 'FPSR');
        a.msr('FPCR', xzr);
      });
      assert.equal(subject.run(), FINISHED);
      assert.equal(subject.x(1), 0x7c0_0000n);
      assert.equal(subject.x(2), 0x800_009fn);
      assert.equal(subject.machine.get(subject.machine.first, FPCR), 0n);
      assert.equal(subject.machine.get(subject.machine.first, FPSR), 0x800_009fn);
    });
  });

  describe(`system registers in programs (${tier} tier)`, () => {
    it('hold what was written, inline or not', () => {
      const names = ['TPIDR_EL1', 'TPIDR_EL0', 'ELR_EL1', 'FAR_EL1', 'TTBR0_EL1', 'CONTEXTIDR_EL1', 'SP_EL0'];
      for (const name of names) {
        const subject = runner(tier, (a) => {
          a.mov(x0, 0x1234_5678);
          a.add(x0, x0, x20);
          a.msr(name, x0);
          a.mrs(x1, name);
        });
        assert.equal(subject.run(), FINISHED);
        assert.equal(subject.x(1), name === 'TTBR0_EL1' ? 0x1234_5678n : 0x1234_5679n, name);
      }
    });

    it('mask what is written inline as elsewhere', () => {
      const subject = runner(tier, (a) => {
        a.mov(x0, -1);
        a.msr('SPSR_EL1', x0);
        a.mrs(x1, 'SPSR_EL1');
      });
      assert.equal(subject.run(), FINISHED);
      assert.equal(subject.x(1), 0xf070_03dfn);
      assert.equal(subject.machine.get(subject.machine.first, SPSR_EL1), 0xf070_03dfn);
    });
  });

  describe(`EL0 (${tier} tier)`, () => {
    /** Runs the program at EL0, where it is expected to end with an exception of this syndrome in its last round. */
    const user = (write: (a: Assembler) => void, expected: number, sctlr = 0n): Runner => {
      const subject = runner(tier, (a) => {
        a.cmp(x20, 1);
        a.b('over', 'ne');
        write(a);
        a.label('over');
      });
      const { machine } = subject;
      machine.set(machine.first, SCTLR_EL1, sctlr);
      machine.set(machine.first, CPACR_EL1, 3 << 20);
      setLevel(machine.memory, machine.first, 0, 0);
      assert.equal(subject.run(), FROM_EL0);
      assert.equal(esr(subject).toString(16), expected.toString(16));
      return subject;
    };

    const UNDEFINED = 0x200_0000;
    const UMA = 1n << 9n;
    const NTWI = 1n << 16n;
    const UCI = 1n << 26n;
    /** Class and access of a trapped system instruction, written or read through X0. */
    const trapped = (op0: number, op1: number, crn: number, crm: number, op2: number, read: 0 | 1, rt = 0): number =>
      0x6200_0000 | (op0 << 20) | (op2 << 17) | (op1 << 14) | (crn << 10) | (rt << 5) | (crm << 1) | read;

    it('has no privileged instruction', () => {
      user((a) => a.mrs(x0, 'SP_EL0'), UNDEFINED);
      user((a) => a.mrs(x0, 'TPIDR_EL1'), UNDEFINED);
      user((a) => a.msr('ELR_EL1', x0), UNDEFINED);
      user((a) => a.mrs(x0, 'CurrentEL'), UNDEFINED);
      user((a) => a.msr('PAN', 1), UNDEFINED);
      user((a) => a.msr('SPSel', 1), UNDEFINED);
      user((a) => a.mrs(x0, 'SCTLR_EL1'), UNDEFINED);
      user((a) => a.mrs(x0, 'ID_AA64ISAR0_EL1'), UNDEFINED);
      user((a) => a.msr('TTBR0_EL1', x0), UNDEFINED);
      user((a) => a.tlbi('vmalle1'), UNDEFINED);
      user((a) => a.ic('iallu'), UNDEFINED);
      user((a) => a.dc('ivac', x0), UNDEFINED);
      user((a) => a.at('s1e1r', x0), UNDEFINED);
      user((a) => a.hvc(1), UNDEFINED);
      user((a) => a.smc(1), UNDEFINED);
      user((a) => a.eret(), UNDEFINED);
    });

    it('is trapped at what EL1 may allow it', () => {
      user((a) => a.mrs(x0, 'DAIF'), trapped(3, 3, 4, 2, 1, 1));
      user((a) => a.msr('DAIF', x0), trapped(3, 3, 4, 2, 1, 0));
      user((a) => a.msr('DAIFSet', 2), trapped(0, 3, 4, 2, 6, 0, 31));
      user((a) => a.msr('DAIFClr', 2), trapped(0, 3, 4, 2, 7, 0, 31));
      user((a) => a.dc('zva', x0), trapped(1, 3, 7, 4, 1, 0));
      user((a) => a.dc('cvau', x0), trapped(1, 3, 7, 11, 1, 0));
      user((a) => a.ic('ivau', x0), trapped(1, 3, 7, 5, 1, 0));
      user((a) => a.wfi(), 0x7e0_0000);
      user((a) => a.wfe(), 0x7e0_0001);
    });

    it('does what EL1 allows', () => {
      const subject = user(
        (a) => {
          a.msr('DAIFSet', 2);
          a.mrs(x1, 'DAIF');
          a.mov(x2, RAM + 0x4000);
          a.dc('cvau', x2);
          a.ic('ivau', x2);
          a.mrs(x3, 'FPCR');
          a.mrs(x4, 'TPIDRRO_EL0');
          a.svc(7);
        },
        0x5600_0007,
        UMA | UCI | NTWI,
      );
      assert.equal(subject.x(1), 0x3c0n);
      assert.equal(subject.machine.get(subject.machine.first, SPSR_EL1) & 0x3cfn, 0x3c0n);
    });
  });

  describe(`waiting (${tier} tier)`, () => {
    it('leaves with what is waited for', () => {
      const subject = runner(tier, (a) => {
        a.wfe();
        a.yield();
        a.nop();
        a.sev();
        a.wfi();
      });
      for (let round = 0; round < 3; round++) assert.equal(subject.run(), -1);
      assert.equal(subject.run(), FINISHED);
      assert.deepEqual(
        subject.exits.filter((exit) => exit === Exit.waitForEvent || exit === Exit.waitForInterrupt),
        [Exit.waitForEvent, Exit.waitForInterrupt, Exit.waitForEvent, Exit.waitForInterrupt].concat([
          Exit.waitForEvent,
          Exit.waitForInterrupt,
        ]),
      );
      assert.equal(subject.machine.events, 3);
      assert.equal(subject.machine.get32(subject.machine.first, EVENT), 1);
    });
  });

  describe(`interrupts in programs (${tier} tier)`, () => {
    it('come in right after they are unmasked', () => {
      for (const unmask of [(a: Assembler) => a.msr('DAIFClr', 2), (a: Assembler) => a.msr('DAIF', xzr)]) {
        const subject = runner(tier, (a) => {
          a.cmp(x20, 1);
          a.b('over', 'ne');
          unmask(a);
          a.mov(x0, 1);
          a.label('over');
        });
        const { machine } = subject;
        machine.set32(machine.first, INTERRUPT_LINE, 1);
        machine.set32(machine.first, KICK, 0);
        assert.equal(subject.run(), FROM_EL1 + 1);
        assert.equal(position(subject), 12);
        assert.equal(subject.x(0), 0n);
      }
    });
  });

  describe(`code that changes (${tier} tier)`, () => {
    it('runs as it is after IC IVAU or IC IALLU, and ISB', () => {
      for (const announce of [
        (a: Assembler) => {
          a.ic('ivau', x1);
        },
        (a: Assembler) => a.ic('iallu'),
        (a: Assembler) => a.ic('ialluis'),
      ]) {
        const subject = runner(tier, (a) => {
          // X19 sums up what the changing instruction, MOV X3, #X20, gives.
          a.address(x1, 'changing');
          a.mov(x2, 0xd280_0003);
          a.add(x2, x2, x20, lsl(5));
          a.str(registers.w2, [x1]);
          a.dsb();
          announce(a);
          a.dsb();
          a.isb();
          a.label('changing');
          a.mov(x3, 0);
          a.lsl(x19, x19, 4);
          a.add(x19, x19, x3);
        });
        assert.equal(subject.run(), FINISHED);
        assert.equal(subject.x(19), 0x321n);
      }
    });
  });

  describe(`stack pointers over exceptions (${tier} tier)`, () => {
    it('follow the level', () => {
      const subject = runner(tier, (a) => {
        a.mov(x0, RAM);
        a.mov(registers.sp, x0);
        a.svc(0);
      });
      const { machine } = subject;
      machine.set(machine.first, SP, 0x5550);
      setLevel(machine.memory, machine.first, 0, 0);
      assert.equal(subject.run(), FROM_EL0);
      assert.equal(machine.get(machine.first, SP), 0x5550n);
      assert.equal(machine.get(machine.first, SP_EL0), BigInt(RAM));
    });
  });
}

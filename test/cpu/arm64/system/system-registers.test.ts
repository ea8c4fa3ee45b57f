import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setLevel } from '../../../../src/cpu/arm64/processor-state.ts';
import { encodeRegister } from '../../../../src/cpu/arm64/system-register.ts';
import {
  accessOperand,
  readSystemRegister,
  systemRegisters,
  writeSystemRegister,
} from '../../../../src/cpu/arm64/system-registers.ts';
import { INTERRUPT_REGISTERS } from '../../../../src/cpu/arm64/system-state.ts';
import { Status } from '../../../../src/cpu/runtime.ts';
import { PENDING_SYNDROME, SCRATCH } from '../../../../src/cpu/state.ts';
import { Machine } from './machine.ts';

const encodings = new Map(systemRegisters.map(({ name, encoding }) => [name, encoding]));

const encodingOf = (name: string): number => {
  const encoding = encodings.get(name);
  assert.ok(encoding !== undefined, name);
  return encoding;
};

/** MRS and MSR without the instructions. */
class Registers {
  readonly machine = new Machine();
  readonly state = this.machine.first;

  level(level: 0 | 1): void {
    setLevel(this.machine.memory, this.state, level, level);
  }

  readEncoding(encoding: number, rt = 0): bigint | 'exception' {
    this.machine.set32(this.state, SCRATCH, accessOperand(encoding, rt));
    const status = readSystemRegister(this.machine.runtime, this.state);
    return status === Status.done ? this.machine.get(this.state, SCRATCH) : 'exception';
  }

  writeEncoding(encoding: number, value: bigint, rt = 0): 'done' | 'exception' {
    this.machine.set(this.state, SCRATCH, value);
    this.machine.set32(this.state, SCRATCH + 16, accessOperand(encoding, rt));
    return writeSystemRegister(this.machine.runtime, this.state) === Status.done ? 'done' : 'exception';
  }

  read(name: string): bigint | 'exception' {
    return this.readEncoding(encodingOf(name));
  }

  write(name: string, value: bigint): 'done' | 'exception' {
    return this.writeEncoding(encodingOf(name), value);
  }

  get syndrome(): number {
    return this.machine.get32(this.state, PENDING_SYNDROME);
  }
}

const UNDEFINED = 0x2000000;

describe('identification', () => {
  const expected: Record<string, bigint> = {
    MIDR_EL1: 0x000f_0010n,
    MPIDR_EL1: 0x8000_0000n,
    REVIDR_EL1: 0n,
    // EL1 and EL0 in AArch64, floating point and vectors without half precision, GICv3's registers, CSV2, CSV3.
    ID_AA64PFR0_EL1: 0x1100_0000_0100_0011n,
    ID_AA64DFR0_EL1: 0x30_5006n,
    ID_AA64ISAR0_EL1: 0x21_1120n,
    ID_AA64MMFR0_EL1: 0x10_0022n,
    ID_AA64MMFR1_EL1: 0x1000_0000_0010_0000n,
    ID_AA64MMFR2_EL1: 0x1000_0000_0000_0000n,
    CTR_EL0: 0x9444_c004n,
    DCZID_EL0: 4n,
    CLIDR_EL1: 0x200_0023n,
    CNTFRQ_EL0: 62_500_000n,
  };

  it('is what the processor is', () => {
    const registers = new Registers();
    for (const [name, value] of Object.entries(expected)) assert.equal(registers.read(name), value, name);
  });

  it('reads as zero where nothing is claimed, and cannot be written', () => {
    const registers = new Registers();
    for (let crm = 1; crm <= 7; crm++) {
      for (let op2 = 0; op2 <= 7; op2++) {
        const encoding = encodeRegister(3, 0, 0, crm, op2);
        const name = systemRegisters.find((entry) => entry.encoding === encoding)?.name ?? '';
        assert.equal(registers.readEncoding(encoding), expected[name] ?? 0n, name);
        assert.equal(registers.writeEncoding(encoding, 1n), 'exception');
        assert.equal(registers.syndrome, UNDEFINED);
      }
    }
  });

  it('differs by processor and by interrupt controller', () => {
    const registers = new Registers();
    const { machine } = registers;
    machine.set32(machine.first, INTERRUPT_REGISTERS, 0);
    assert.equal(registers.read('ID_AA64PFR0_EL1'), 0x1100_0000_0000_0011n);
    machine.set32(machine.second, SCRATCH, encodingOf('MPIDR_EL1'));
    readSystemRegister(machine.runtime, machine.second);
    assert.equal(machine.get(machine.second, SCRATCH), 0x8000_0001n);
  });

  it('describes the cache that CSSELR_EL1 selects', () => {
    const registers = new Registers();
    const sizeOf = (select: bigint): number => {
      registers.write('CSSELR_EL1', select);
      const value = Number(registers.read('CCSIDR_EL1'));
      return (((value >> 13) & 0x7fff) + 1) * (((value >> 3) & 0x3ff) + 1) * (16 << (value & 7));
    };
    assert.deepEqual([0n, 1n, 2n].map(sizeOf), [32768, 32768, 1048576]);
  });
});

describe('registers that hold what is written', () => {
  it('keep the bits they have', () => {
    const registers = new Registers();
    const all = (1n << 64n) - 1n;
    const masks: Record<string, bigint> = {
      ELR_EL1: all,
      FAR_EL1: all,
      TPIDR_EL0: all,
      TPIDR_EL1: all,
      TPIDRRO_EL0: all,
      PAR_EL1: all,
      MAIR_EL1: all,
      VBAR_EL1: all & ~0x7ffn,
      ESR_EL1: 0xffff_ffffn,
      CONTEXTIDR_EL1: 0xffff_ffffn,
      SPSR_EL1: 0xf070_03dfn,
      CPACR_EL1: 0x30_0000n,
      TTBR0_EL1: all & ~1n,
      TCR_EL1: 0x0180_0077_ffff_ffbfn,
      ACTLR_EL1: 0n,
      CNTKCTL_EL1: 0x3ffn,
      DBGBVR5_EL1: all,
      DBGWVR3_EL1: all & ~3n,
      DBGBCR0_EL1: 0xff_e1e7n,
    };
    for (const [name, mask] of Object.entries(masks)) {
      assert.equal(registers.write(name, all), 'done');
      assert.equal(registers.read(name), mask, name);
      registers.write(name, 0n);
      assert.equal(registers.read(name), 0n, name);
    }
  });

  it('include SCTLR_EL1, whose bits for what is absent stay zero', () => {
    const registers = new Registers();
    assert.equal(registers.read('SCTLR_EL1'), 0x00c5_0078n);
    // Everything but M, which would need tables.
    registers.write('SCTLR_EL1', (1n << 64n) - 2n);
    assert.equal(registers.read('SCTLR_EL1'), 0x34dd_dbfen);
  });
});

describe('what later architectures and higher levels have', () => {
  it('is undefined', () => {
    const registers = new Registers();
    const absent = [
      [3, 4, 1, 0, 0], // SCTLR_EL2
      [3, 6, 1, 0, 0], // SCTLR_EL3
      [3, 3, 9, 12, 0], // PMCR_EL0
      [3, 3, 9, 13, 0], // PMCCNTR_EL0
      [3, 0, 1, 2, 0], // ZCR_EL1
      [3, 0, 4, 2, 4], // UAO
      [3, 3, 4, 2, 5], // DIT
      [3, 3, 4, 2, 6], // SSBS
      [3, 0, 2, 1, 0], // APIAKeyLo_EL1
      [3, 0, 10, 4, 0], // LORSA_EL1
      [3, 3, 13, 0, 5], // TPIDR2_EL0
      [3, 3, 2, 4, 0], // RNDR
      [3, 3, 14, 0, 6], // CNTVCTSS_EL0
      [3, 7, 14, 2, 0], // CNTPS_TVAL_EL1
      [3, 0, 12, 0, 1], // RVBAR_EL1
      [2, 0, 0, 6, 4], // DBGBVR6_EL1
      [2, 0, 0, 4, 6], // DBGWVR4_EL1
    ] as const;
    for (const [op0, op1, crn, crm, op2] of absent) {
      const encoding = encodeRegister(op0, op1, crn, crm, op2);
      assert.equal(registers.readEncoding(encoding), 'exception', `${op0} ${op1} ${crn} ${crm} ${op2}`);
      assert.equal(registers.syndrome, UNDEFINED);
      assert.equal(registers.writeEncoding(encoding, 0n), 'exception');
    }
  });
});

describe('EL0', () => {
  it('has no register of EL1', () => {
    const registers = new Registers();
    registers.level(0);
    for (const { name, encoding } of systemRegisters) {
      if (!name.endsWith('_EL1') && !name.startsWith('S3_0')) continue;
      assert.equal(registers.readEncoding(encoding), 'exception', name);
      assert.equal(registers.syndrome, UNDEFINED, name);
      assert.equal(registers.writeEncoding(encoding, 0n), 'exception', name);
      assert.equal(registers.syndrome, UNDEFINED, name);
    }
  });

  it('may write TPIDR_EL0 but only read TPIDRRO_EL0', () => {
    const registers = new Registers();
    registers.level(0);
    assert.equal(registers.write('TPIDR_EL0', 5n), 'done');
    assert.equal(registers.read('TPIDR_EL0'), 5n);
    assert.equal(registers.read('TPIDRRO_EL0'), 0n);
    assert.equal(registers.write('TPIDRRO_EL0', 5n), 'exception');
    assert.equal(registers.syndrome, UNDEFINED);
  });

  it('is let at the rest by controls, and trapped with the access described', () => {
    const registers = new Registers();
    const cases = [
      { name: 'CTR_EL0', control: 'SCTLR_EL1', bit: 15n },
      { name: 'CNTPCT_EL0', control: 'CNTKCTL_EL1', bit: 0n },
      { name: 'CNTVCT_EL0', control: 'CNTKCTL_EL1', bit: 1n },
      { name: 'CNTFRQ_EL0', control: 'CNTKCTL_EL1', bit: 1n },
      { name: 'CNTV_CTL_EL0', control: 'CNTKCTL_EL1', bit: 8n },
      { name: 'CNTP_CVAL_EL0', control: 'CNTKCTL_EL1', bit: 9n },
    ] as const;
    for (const { name, control, bit } of cases) {
      registers.level(1);
      registers.write(control, 1n << bit);
      registers.level(0);
      assert.notEqual(registers.read(name), 'exception', name);
      registers.level(1);
      registers.write(control, 0n);
      registers.level(0);
      assert.equal(registers.read(name), 'exception', name);
      assert.equal(registers.syndrome >>> 26, 0x18);
    }
    // CNTVCT_EL0 is S3_3_C14_C0_2; read into X7.
    registers.readEncoding(encodingOf('CNTVCT_EL0'), 7);
    assert.equal(registers.syndrome, 0x6200_0000 | (3 << 20) | (2 << 17) | (3 << 14) | (14 << 10) | (7 << 5) | 1);
    registers.writeEncoding(encodingOf('CNTV_CTL_EL0'), 0n, 31);
    assert.equal(
      registers.syndrome,
      0x6200_0000 | (3 << 20) | (1 << 17) | (3 << 14) | (14 << 10) | (31 << 5) | (3 << 1),
    );
  });

  it('sees DC ZVA prohibited while SCTLR_EL1.DZE is clear', () => {
    const registers = new Registers();
    registers.level(0);
    assert.equal(registers.read('DCZID_EL0'), 0x14n);
    registers.level(1);
    registers.write('SCTLR_EL1', 1n << 14n);
    registers.level(0);
    assert.equal(registers.read('DCZID_EL0'), 4n);
  });
});

describe('the interrupt controller', () => {
  const IAR1 = encodeRegister(3, 0, 12, 12, 0);
  const PMR = encodeRegister(3, 0, 4, 6, 0);

  it("has registers that are the environment's", () => {
    const registers = new Registers();
    registers.machine.interruptRegisters.set(IAR1, 27n).set(PMR, 0n);
    assert.equal(registers.readEncoding(IAR1), 27n);
    assert.equal(registers.writeEncoding(PMR, 0xf0n), 'done');
    assert.equal(registers.readEncoding(PMR), 0xf0n);
    assert.equal(registers.readEncoding(encodeRegister(3, 0, 12, 12, 1)), 'exception');
  });

  it('has none at EL0, nor as a GICv2', () => {
    const registers = new Registers();
    registers.machine.interruptRegisters.set(IAR1, 27n);
    registers.level(0);
    assert.equal(registers.readEncoding(IAR1), 'exception');
    registers.level(1);
    registers.machine.set32(registers.state, INTERRUPT_REGISTERS, 0);
    assert.equal(registers.readEncoding(IAR1), 'exception');
    assert.equal(registers.syndrome, UNDEFINED);
  });
});

import { type Fields, type Instruction, instruction, type RegisterOperand } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { I64, Register } from '../../ir/value.ts';
import { destination, immediate64, memoryBase, signed, source, vector } from '../operands.ts';
import { mayMisalign } from '../stack-alignment.ts';

/**
 * Loads and stores of two registers (Arm ARM C4.1, "Load/store register pair" and "Load/store no-allocate pair").
 *
 * Where the manual leaves the outcome open: of two loads into one register the second stays, and writeback to a loaded base
 * leaves the new address there. A store that faults in its second half may have done its first.
 */

interface PairTransfer {
  readonly mnemonic: string;
  readonly width: string;
  readonly opc: string;
  readonly v: string;
  readonly l: string;
  /** Of one register. */
  readonly bytes: 4 | 8 | 16;
  readonly register: (field: string) => RegisterOperand;
  readonly move: (o: Builder, t: Register, t2: Register, address: I64) => void;
}

type Move = PairTransfer['move'];

const storeLow =
  (bytes: 4 | 8): Move =>
  (o, t, t2, address) => {
    const value = (register: Register) => (bytes === 8 ? o.get64(register) : o.get32(register));
    o.storePair(bytes, address, value(t), value(t2));
  };

const loadInteger =
  (bytes: 4 | 8): Move =>
  (o, t, t2, address) => {
    const [first, second] = o.loadPair(bytes, address);
    o.set(t, first);
    o.set(t2, second);
  };

const loadSigned: Move = (o, t, t2, address) => {
  const [first, second] = o.loadPair(4, address);
  o.set(t, o.signExtend(first, 32));
  o.set(t2, o.signExtend(second, 32));
};

const loadScalar =
  (bytes: 4 | 8): Move =>
  (o, t, t2, address) => {
    const [first, second] = o.loadPair(bytes, address);
    o.setScalar(t, first);
    o.setScalar(t2, second);
  };

const storeVector: Move = (o, t, t2, address) => {
  o.store(16, address, o.getV(t));
  o.store(16, o.add(address, o.i64(16)), o.getV(t2));
};

const loadVector: Move = (o, t, t2, address) => {
  const first = o.loadV(address);
  const second = o.loadV(o.add(address, o.i64(16)));
  o.setV(t, first);
  o.setV(t2, second);
};

const store = (width: string, opc: string, v: string, bytes: 4 | 8 | 16, move: Move): PairTransfer => ({
  mnemonic: 'STP',
  width,
  opc,
  v,
  l: '0',
  bytes,
  register: v === '1' ? vector : source,
  move,
});

const load = (width: string, opc: string, v: string, bytes: 4 | 8 | 16, move: Move): PairTransfer => ({
  mnemonic: 'LDP',
  width,
  opc,
  v,
  l: '1',
  bytes,
  register: v === '1' ? vector : destination,
  move,
});

const pairs: readonly PairTransfer[] = [
  store('W', '00', '0', 4, storeLow(4)),
  load('W', '00', '0', 4, loadInteger(4)),
  store('X', '10', '0', 8, storeLow(8)),
  load('X', '10', '0', 8, loadInteger(8)),
  store('S', '00', '1', 4, storeLow(4)),
  load('S', '00', '1', 4, loadScalar(4)),
  store('D', '01', '1', 8, storeLow(8)),
  load('D', '01', '1', 8, loadScalar(8)),
  store('Q', '10', '1', 16, storeVector),
  load('Q', '10', '1', 16, loadVector),
];

const pairSignedWords: PairTransfer = { ...load('X', '01', '0', 4, loadSigned), mnemonic: 'LDPSW' };

interface Mode {
  readonly name: string;
  /** Bits 25 to 23. */
  readonly bits: string;
  readonly kind: 'offset' | 'post-index' | 'pre-index';
}

const offset: Mode = { name: 'signed offset', bits: '010', kind: 'offset' };
const postIndex: Mode = { name: 'post-index', bits: '001', kind: 'post-index' };
const preIndex: Mode = { name: 'pre-index', bits: '011', kind: 'pre-index' };
const noAllocate: Mode = { name: 'no-allocate', bits: '000', kind: 'offset' };

/** The forms frequent enough for the cold tier's main loop. */
const common = ['LDP X signed offset', 'STP X signed offset', 'LDP X post-index', 'STP X pre-index'];

const pair = (transfer: PairTransfer, mode: Mode): Instruction => {
  const { width, opc, v, l, bytes, register, move } = transfer;
  const mnemonic = mode === noAllocate ? transfer.mnemonic.replace('P', 'NP') : transfer.mnemonic;
  const distance = (f: Fields): number => signed(f.imm7 as number, 7) * bytes;
  return instruction({
    name: `${mnemonic} (${mode.name}, ${width})`,
    bits: `${opc} 101 ${v} ${mode.bits} ${l} imm7:7 Rt2:5 Rn:5 Rt:5`,
    operands: {
      t: register('Rt'),
      t2: register('Rt2'),
      n: memoryBase('Rn'),
      imm: immediate64(distance),
    },
    common: common.includes(`${mnemonic} ${width} ${mode.name}`),
    vector: v === '1',
    epilogue: mode.kind === 'offset' ? null : mayMisalign('Rn', distance),
    describe(o, x) {
      const base = o.now(o.get64(x.n));
      const moved = o.now(o.add(base, x.imm));
      move(o, x.t, x.t2, mode.kind === 'post-index' ? base : moved);
      if (mode.kind !== 'offset') o.set(x.n, moved);
    },
  });
};

export const loadsStoresPair: readonly Instruction[] = [
  ...pairs.flatMap((transfer) => [noAllocate, postIndex, offset, preIndex].map((mode) => pair(transfer, mode))),
  ...[postIndex, offset, preIndex].map((mode) => pair(pairSignedWords, mode)),
];

import { post, registers } from '../cpu/arm64/assembler.ts';
import { GuestAssembler } from './guest-assembler.ts';
import { emitOutput } from './output.ts';
import {
  CODE_LIMIT,
  DATA_END,
  DATA_START,
  Global,
  IMAGE_BASE,
  IMAGE_SIZE,
  Place,
  processorBlock,
  stackTop,
} from './places.ts';
import type { Subject } from './subject.ts';
import { subjects } from './subjects/subjects.ts';
import { emitVectors } from './vectors.ts';
import { emitSubjects, emitVerdicts } from './verdict.ts';

const { x0, x1, x2, x21, xzr, sp } = registers;

/** 'ARM\x64' at offset 56 of the Image header. */
const IMAGE_MAGIC = 0x644d_5241;
/** Little-endian, 4 KiB pages, anywhere in memory (the kernel's Documentation/arch/arm64/booting.rst). */
const IMAGE_FLAGS = 0b1010;

/** The header of an arm64 Image: its first instruction jumps over it. */
const emitHeader = (guest: GuestAssembler): void => {
  guest.b('start');
  guest.word(0);
  guest.quad(0, IMAGE_SIZE, IMAGE_FLAGS, 0, 0, 0);
  guest.word(IMAGE_MAGIC, 0);
};

/** Entry: x0 is the device tree's address. */
const emitStart = (guest: GuestAssembler): void => {
  guest.label('start');
  guest.mov(x21, x0);
  guest.mov(x1, DATA_START);
  guest.mov(x2, DATA_END);
  guest.label('clear');
  guest.stp(xzr, xzr, post(x1, 16));
  guest.cmp(x1, x2);
  guest.b('clear', 'lo');
  guest.mov(x1, stackTop(0));
  guest.mov(sp, x1);
  guest.mov(x1, processorBlock(0));
  guest.msr('TPIDR_EL1', x1);
  guest.mov(x1, Place.globals);
  guest.str(x21, [x1, Global.deviceTree]);
  guest.adr(x1, 'vectors');
  guest.msr('VBAR_EL1', x1);
  guest.isb();
  guest.b('run');
};

/** How long a check waits for what should happen at once, on a machine that is busy with something else (seconds). */
const PATIENCE = 5;

/** A guest that runs some subjects, as an arm64 Image. `patience` is how long a check waits, in whole seconds. */
export const guestImage = (chosen: readonly Subject[], patience: number = PATIENCE): Uint8Array => {
  const guest = new GuestAssembler(IMAGE_BASE, patience);
  emitHeader(guest);
  emitStart(guest);
  emitVectors(guest);
  emitOutput(guest);
  emitVerdicts(guest);
  emitSubjects(guest, chosen);
  guest.flush();
  guest.flushTexts();
  if (guest.length > CODE_LIMIT) throw new Error(`the self-test's code of ${guest.length} bytes is too long`);
  return guest.finish();
};

/**
 * The self-test guest as an arm64 Image, to be loaded at the start of RAM. It runs as a Xen guest with at least 2 MiB of memory
 * and one or more vCPUs, writes a line for each subject to its console (report.ts reads them) and powers off.
 */
export const selftestImage = (): Uint8Array => guestImage(subjects);

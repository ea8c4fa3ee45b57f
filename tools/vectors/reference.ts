import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { IMAGE_SIZE, type Image, imagesIn } from '../../test/cpu/arm64/cases/image.ts';
import { PROGRAM_WORDS } from '../../test/cpu/arm64/cases/layout.ts';
import type { Batch } from '../../test/cpu/arm64/cases/program.ts';

/** The reference: reference.c, built statically for arm64 and run by qemu-user. */

const COMPILER = 'aarch64-linux-gnu-gcc';
const EMULATOR = 'qemu-aarch64';

/**
 * Processor models. Armv8.0-A with the cryptographic extension and CRC32 is the nearest to what this engine has; the large
 * system extensions (LSE) need a newer one, which has more than we do (half-precision arithmetic, dot products, RDMA).
 */
export const Model = { plain: 'cortex-a57', atomics: 'neoverse-n1' } as const;
export type Model = (typeof Model)[keyof typeof Model];

/** Builds the runner unless it has been built from this very source; gives its path. */
const buildRunner = (): string => {
  const source = new URL('reference.c', import.meta.url).pathname;
  const digest = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 16);
  const folder = join(tmpdir(), 'hostrock-vectors');
  const binary = join(folder, `reference-${digest}`);
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  const fresh = `${binary}.${process.pid}`;
  // Linked far from where the programs' random addresses like to be.
  const flags = ['-O2', '-Wall', '-static', '-Wl,-Ttext-segment=0x3579130000'];
  try {
    execFileSync(COMPILER, [...flags, '-o', fresh, source], { stdio: ['ignore', 'inherit', 'inherit'] });
  } catch (error) {
    throw new Error(`cannot build the reference runner with ${COMPILER} (Debian: gcc-aarch64-linux-gnu)`, {
      cause: error,
    });
  }
  renameSync(fresh, binary);
  return binary;
};

/** Runs in a batch, at most. */
export const MAX_RUNS = 4096;

const HEADER = 8;
const PROGRAM = 8 + 4 * PROGRAM_WORDS;
const RUN = 8 + IMAGE_SIZE;

/** A batch as the runner reads it. */
const encode = ({ programs, runs }: Batch): Uint8Array => {
  const bytes = new Uint8Array(HEADER + programs.length * PROGRAM + runs.length * RUN);
  const words = new Uint32Array(bytes.buffer);
  words[0] = programs.length;
  words[1] = runs.length;
  let at = HEADER / 4;
  for (const program of programs) {
    words[at] = program.slot;
    words[at + 1] = program.words.length;
    words.set(program.words, at + 2);
    at += PROGRAM / 4;
  }
  for (const { program, initial } of runs) {
    words[at] = program.slot;
    bytes.set(initial.bytes, at * 4 + 8);
    at += RUN / 4;
  }
  return bytes;
};

/** One runner process. Batches queue: the answers come in the order of the calls. */
export class Reference {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting: { size: number; done: (bytes: Uint8Array) => void; failed: (error: Error) => void }[] = [];
  #received: Uint8Array = new Uint8Array(0);
  #filled = 0;

  constructor(model: Model) {
    const child = spawn(EMULATOR, ['-cpu', model, buildRunner()], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = child;
    child.stdout.on('data', (chunk: Uint8Array) => this.#receive(chunk));
    child.on('error', () => this.#fail(new Error(`cannot run ${EMULATOR} (Debian: qemu-user)`)));
    child.on('exit', (code, signal) =>
      this.#fail(new Error(`the reference runner ended: ${signal ?? `status ${code}`}`)),
    );
    child.stdin.on('error', () => {});
  }

  #fail(error: Error): void {
    for (const { failed } of this.#waiting.splice(0)) failed(error);
  }

  #receive(chunk: Uint8Array): void {
    let rest = chunk;
    while (rest.length > 0) {
      const first = this.#waiting[0];
      if (first === undefined) throw new Error('the reference runner said more than it was asked');
      if (this.#filled === 0) this.#received = new Uint8Array(first.size);
      const part = rest.subarray(0, first.size - this.#filled);
      this.#received.set(part, this.#filled);
      this.#filled += part.length;
      rest = rest.subarray(part.length);
      if (this.#filled < first.size) return;
      this.#filled = 0;
      this.#waiting.shift();
      first.done(this.#received);
    }
  }

  /** Runs a batch; gives the image that each run left. */
  async run(batch: Batch): Promise<Image[]> {
    if (batch.runs.length === 0) return [];
    const size = batch.runs.length * IMAGE_SIZE;
    const bytes = await new Promise<Uint8Array>((done, failed) => {
      this.#waiting.push({ size, done, failed });
      this.#child.stdin.write(encode(batch));
    });
    return imagesIn(bytes.buffer, batch.runs.length);
  }

  close(): void {
    this.#child.removeAllListeners('exit');
    this.#child.stdin.end();
  }
}

import type { Decoder } from '../../../../src/cpu/decoder.ts';
import { type Difference, showFlags, showFpcr, showFpsr, showRegister } from './compare.ts';
import { Field, type Image, outcomeName, registerName, SP_NUMBER, V_NUMBER } from './image.ts';
import { DATA, programAddress, WINDOW, windowOffsets } from './layout.ts';
import type { Run } from './program.ts';

/** Words on a case that failed: what was run, on what, and what came of it. */

export interface Failure {
  readonly tier: string;
  readonly run: Run;
  readonly expected: Image;
  readonly got: Image;
  readonly differences: readonly Difference[];
}

/** Turns words at an address into text, one line for each; null if nothing here can. */
export type Disassembler = (words: readonly number[], address: number) => string[] | null;

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** The register numbers that the words' fields name, of both kinds: which kind is meant only the instruction knows. */
const namedRegisters = (decoder: Decoder, words: readonly number[]): number[] => {
  const named = new Set<number>();
  for (const word of words) {
    const { entry, fields } = decoder.decode(word);
    const implied = [word & 31, (word >>> 5) & 31, (word >>> 16) & 31];
    const own = entry.fields.filter(({ name }) => /^R[a-z]\d?$/.test(name)).map(({ name }) => fields[name] as number);
    for (const number of own.length > 0 ? own : implied) {
      if (entry.vector && number < 32) named.add(V_NUMBER + number);
      named.add(number);
    }
  }
  return [...named].sort((a, b) => a - b);
};

const describeInputs = (decoder: Decoder, { program, initial }: Run): string[] => {
  const lines = [
    `NZCV=${showFlags(initial.get32(Field.nzcv))} FPCR=${showFpcr(initial.get32(Field.fpcr))} ` +
      `FPSR=${showFpsr(initial.get32(Field.fpsr))}`,
  ];
  for (const register of namedRegisters(decoder, program.words)) {
    lines.push(`${registerName(register).padEnd(3)} = ${showRegister(initial, register)}`);
    if (register === SP_NUMBER) continue;
  }
  const window = DATA + (windowOffsets[initial.get32(Field.place)] as number);
  lines.push(`window: ${WINDOW} bytes at 0x${hex(window, 10)}`);
  return lines;
};

/** A report of several lines. */
export const describeFailure = (decoder: Decoder, failure: Failure, disassemble: Disassembler): string => {
  const { run, expected, differences } = failure;
  const { words, slot } = run.program;
  const address = programAddress(slot);
  const text = disassemble(words, address);
  const lines = [`${failure.tier} tier differs:`];
  words.forEach((word, index) => {
    const name = decoder.isDefined(word) ? decoder.decode(word).entry.name : 'undefined here';
    lines.push(`  ${hex(address + index * 4, 10)}: ${hex(word, 8)}  ${text?.[index] ?? ''}  [${name}]`);
  });
  lines.push(...describeInputs(decoder, run).map((line) => `    ${line}`));
  lines.push(`  outcome: ${outcomeName(expected.get32(Field.outcome))}`);
  for (const { what, expected: wanted, got } of differences) {
    lines.push(`  ${what}: expected ${wanted}`, `  ${' '.repeat(what.length)}       got ${got}`);
  }
  return lines.join('\n');
};

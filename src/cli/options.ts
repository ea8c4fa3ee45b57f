import { parseArgs } from 'node:util';
import { CommandError } from './exit-status.ts';

/** Options of a command: parsed strictly, with their help made from the same table. */

export interface OptionDefinition {
  readonly type: 'boolean' | 'string';
  readonly short?: string;
  /** What stands for the value in the help. */
  readonly value?: string;
  readonly help: string;
  /** For tests of hostrock itself: not in the help. */
  readonly hidden?: boolean;
}

export type OptionTable = Readonly<Record<string, OptionDefinition>>;

export type OptionValues<T extends OptionTable> = {
  readonly [K in keyof T]?: T[K]['type'] extends 'boolean' ? boolean : string;
};

/** Parses arguments; anything unknown is a CommandError that names it. */
export const parseOptions = <T extends OptionTable>(args: string[], table: T): OptionValues<T> => {
  try {
    const options = Object.fromEntries(
      Object.entries(table).map(([name, { type, short }]) => [name, short === undefined ? { type } : { type, short }]),
    );
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values as OptionValues<T>;
  } catch (error) {
    throw new CommandError((error as Error).message.split('. ')[0] as string);
  }
};

/** The lines of a command's help that list its options. */
export const describeOptions = (table: OptionTable): string => {
  const shown = Object.entries(table).filter(([, { hidden = false }]) => !hidden);
  const names = shown.map(([name, { short, value }]) => {
    const long = `--${name}${value === undefined ? '' : ` ${value}`}`;
    return short === undefined ? `    ${long}` : `-${short}, ${long}`;
  });
  const width = Math.max(...names.map((name) => name.length));
  return shown.map(([, { help }], i) => `  ${(names[i] as string).padEnd(width)}  ${help}`).join('\n');
};

/** A size in bytes from '256M', '1G', '65536K' or a plain number of mebibytes, as xl takes it. */
export const parseSize = (option: string, text: string): number => {
  const match = /^(\d+)([KMG]?)(?:i?B)?$/i.exec(text);
  if (match === null) throw new CommandError(`--${option} '${text}' is no size: give a number with K, M or G`);
  const unit = { K: 1024, M: 1048576, G: 1073741824 }[(match[2] || 'M').toUpperCase() as 'K' | 'M' | 'G'];
  return Number(match[1]) * unit;
};

/** A whole number within bounds. */
export const parseCount = (option: string, text: string, least: number, most: number): number => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new CommandError(`--${option} '${text}' is not a whole number from ${least} to ${most}`);
  }
  return value;
};

/** A length of time in seconds, possibly fractional. */
export const parseSeconds = (option: string, text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) {
    throw new CommandError(`--${option} '${text}' is no length of time in seconds`);
  }
  return value;
};

import type { Boot } from './boot-process.ts';

/** What is reported of boots. */

export interface Measure {
  readonly key: keyof Boot;
  readonly name: string;
  readonly unit: string;
  readonly of: (boot: Boot) => number;
}

export const measures: readonly Measure[] = [
  { key: 'init', name: 'to init', unit: 's', of: ({ init }) => init },
  { key: 'shell', name: 'to shell', unit: 's', of: ({ shell }) => shell },
  { key: 'cpu', name: 'processor time', unit: 's', of: ({ cpu }) => cpu },
  { key: 'memory', name: 'peak memory', unit: 'MiB', of: ({ memory }) => memory },
];

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >>> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
};

/** Our median divided by theirs. */
export const ratio = (ours: readonly Boot[], theirs: readonly Boot[], of: (boot: Boot) => number): number =>
  median(ours.map(of)) / median(theirs.map(of));

/** Not a number when there are none. */
export const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

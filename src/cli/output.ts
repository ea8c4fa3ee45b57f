import type { HostStatistics } from '../host/host.ts';
import type { DomainEnd } from '../toolstack/domain-builder.ts';
import { statisticsObject, statisticsTable } from './statistics.ts';

/** Where a run's console output and its outcome go. */

/** A run's outcome beyond what the domain itself can tell. */
export type RunEnd =
  | DomainEnd
  | { readonly kind: 'timeout' }
  | { readonly kind: 'left' }
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals };

export interface Output {
  /** Writes console output; false if no more should come before standard output has drained. */
  console(bytes: Uint8Array): boolean;
  ended(end: RunEnd, status: number): void;
  /** Writes what the threads counted. */
  statistics(counted: HostStatistics): void;
}

/** The console's bytes on standard output, the rest in words on standard error. */
const plainOutput: Output = {
  console: (bytes) => process.stdout.write(bytes),
  ended: (end) => {
    if (end.kind === 'crash') process.stderr.write(`hostrock: the guest crashed: ${end.reason}\n`);
    else if (end.kind === 'watchdog') process.stderr.write("hostrock: the guest's watchdog bit\n");
    else if (end.kind === 'suspend')
      process.stderr.write('hostrock: the guest suspended itself; it cannot be resumed\n');
    else if (end.kind === 'timeout') process.stderr.write('hostrock: the time limit passed\n');
  },
  statistics: (counted) => {
    process.stderr.write(`${statisticsTable(counted)}\n`);
  },
};

/** Everything as JSON, an object a line, on standard output. */
const jsonOutput = (): Output => {
  const decoder = new TextDecoder();
  const line = (event: object): boolean => process.stdout.write(`${JSON.stringify(event)}\n`);
  return {
    console: (bytes) => {
      const text = decoder.decode(bytes, { stream: true });
      return text === '' || line({ event: 'console', text });
    },
    ended: (end, status) => {
      line({ event: 'end', ...end, status });
    },
    statistics: (counted) => {
      line({ event: 'statistics', ...statisticsObject(counted) });
    },
  };
};

export const openOutput = (json: boolean): Output => (json ? jsonOutput() : plainOutput);

/** Calls back each time standard output can take more again; returns what ends that. */
export const onDrained = (callback: () => void): (() => void) => {
  process.stdout.on('drain', callback);
  return () => process.stdout.off('drain', callback);
};

import type { ReadStream } from 'node:tty';

/**
 * The user's terminal as a guest's console: raw while attached, restored whatever happens. Ctrl-] leaves.
 */

const ESCAPE = 0x1d;
const END_OF_FILE = 0x04;

export interface TerminalEvents {
  /** Input for the guest. */
  onInput(bytes: Uint8Array): void;
  /** The user pressed Ctrl-]. */
  onLeave(): void;
}

const isTerminal = (stream: NodeJS.ReadStream): stream is ReadStream => stream.isTTY === true;

/** Attaches standard input to a guest's console; returns what detaches it. */
export const attachTerminal = ({ onInput, onLeave }: TerminalEvents): (() => void) => {
  const { stdin } = process;
  const raw = isTerminal(stdin);
  const restore = (): void => {
    if (raw && stdin.isRaw) stdin.setRawMode(false);
  };
  const onData = (chunk: Buffer): void => {
    const leaves = raw ? chunk.indexOf(ESCAPE) : -1;
    const bytes = leaves < 0 ? chunk : chunk.subarray(0, leaves);
    if (bytes.length > 0) onInput(bytes);
    if (leaves >= 0) onLeave();
  };
  // A pipe that ends says what a person says with Ctrl-D.
  const onEnd = (): void => {
    if (!raw) onInput(Uint8Array.of(END_OF_FILE));
  };
  if (raw) stdin.setRawMode(true);
  process.on('exit', restore);
  stdin.on('data', onData);
  stdin.on('end', onEnd);
  stdin.on('error', onEnd);
  stdin.resume();
  return () => {
    restore();
    process.off('exit', restore);
    stdin.off('data', onData);
    stdin.off('end', onEnd);
    stdin.off('error', onEnd);
    stdin.pause();
  };
};

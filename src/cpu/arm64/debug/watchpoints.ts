import type { EngineRuntime } from '../../architecture.ts';
import { Status } from '../../runtime.ts';
import { raiseAt } from '../pending.ts';
import { ExceptionClass, FaultStatus, syndrome, WRITE_BIT } from '../syndrome.ts';
import { DBGWCR, DBGWVR, MDSCR_EL1, WATCHPOINTS } from '../system-state.ts';
import { debugEnabled, MDSCR_MDE } from './enabled.ts';
import { comparedHigh, isEnabled, levelMatches, linkedBreakpoint, linkMatches } from './matching.ts';

const CONTROL_LINKED = 1 << 20;

/** Whether a byte's address is one that a watchpoint watches. */
const addressMatches = (words: Int32Array, state: number, watchpoint: number, lo: number, hi: number): boolean => {
  const control = words[(state + DBGWCR + watchpoint * 8) >>> 2] as number;
  const value = (state + DBGWVR + watchpoint * 8) >>> 2;
  const valueLo = words[value] as number;
  if (comparedHigh(hi) !== comparedHigh(words[value + 1] as number)) return false;
  const mask = (control >>> 24) & 31;
  const select = (control >>> 5) & 0xff;
  if (mask >= 3) return select === 0xff && lo >>> mask === valueLo >>> mask;
  // A value that is no multiple of eight watches four bytes at most.
  if ((valueLo & 4) !== 0) return lo >>> 2 === valueLo >>> 2 && ((select >>> (lo & 3)) & 1) === 1;
  return lo >>> 3 === valueLo >>> 3 && ((select >>> (lo & 7)) & 1) === 1;
};

const matches = (
  words: Int32Array,
  state: number,
  watchpoint: number,
  lo: number,
  hi: number,
  size: number,
  write: boolean,
  user: boolean,
): boolean => {
  const control = words[(state + DBGWCR + watchpoint * 8) >>> 2] as number;
  if (!isEnabled(control) || !levelMatches(control, user)) return false;
  if (((control >>> (write ? 4 : 3)) & 1) === 0) return false;
  if ((control & CONTROL_LINKED) !== 0 && !linkMatches(words, state, linkedBreakpoint(control), user)) return false;
  for (let i = 0; i < size; i++) {
    const byteLo = (lo + i) | 0;
    const byteHi = byteLo >>> 0 < i ? hi + 1 : hi;
    if (addressMatches(words, state, watchpoint, byteLo, byteHi)) return true;
  }
  return false;
};

/** Makes the exception pending if a watchpoint watches one of an access's bytes; gives a Status. */
export const watchpointHit = (
  runtime: EngineRuntime,
  state: number,
  lo: number,
  hi: number,
  size: number,
  write: boolean,
  user: boolean,
): number => {
  const { memory } = runtime;
  const words = memory.i32;
  if (((words[(state + MDSCR_EL1) >>> 2] as number) & MDSCR_MDE) === 0) return Status.done;
  if (!debugEnabled(memory, state)) return Status.done;
  for (let watchpoint = 0; watchpoint < WATCHPOINTS; watchpoint++) {
    if (matches(words, state, watchpoint, lo, hi, size, write, user)) {
      const specific = FaultStatus.debug | (write ? WRITE_BIT : 0);
      return raiseAt(memory, state, syndrome(ExceptionClass.watchpoint, specific), lo, hi);
    }
  }
  return Status.done;
};

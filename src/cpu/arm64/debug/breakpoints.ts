import { PC } from '../../state.ts';
import { CURRENT_EL } from '../state.ts';
import { BREAKPOINTS, DBGBCR, DBGBVR, MDSCR_EL1 } from '../system-state.ts';
import { MDSCR_MDE } from './enabled.ts';
import {
  BreakpointType,
  breakpointType,
  comparedHigh,
  contextMatches,
  isEnabled,
  levelMatches,
  linkedBreakpoint,
  linkMatches,
} from './matching.ts';

const addressMatches = (words: Int32Array, state: number, breakpoint: number): boolean => {
  const value = (state + DBGBVR + breakpoint * 8) >>> 2;
  return (
    (((words[(state + PC) >>> 2] as number) ^ (words[value] as number)) & -4) === 0 &&
    comparedHigh(words[(state + PC + 4) >>> 2] as number) === comparedHigh(words[value + 1] as number)
  );
};

const matches = (words: Int32Array, state: number, breakpoint: number): boolean => {
  const control = words[(state + DBGBCR + breakpoint * 8) >>> 2] as number;
  const user = words[(state + CURRENT_EL) >>> 2] === 0;
  if (!isEnabled(control) || !levelMatches(control, user)) return false;
  switch (breakpointType(control)) {
    case BreakpointType.address:
      return addressMatches(words, state, breakpoint);
    case BreakpointType.linkedAddress:
      return addressMatches(words, state, breakpoint) && linkMatches(words, state, linkedBreakpoint(control), user);
    case BreakpointType.context:
      return contextMatches(words, state, breakpoint);
    default:
      return false;
  }
};

/** Whether a hardware breakpoint is at PC; the caller knows that debug exceptions are enabled. */
export const breakpointHit = (words: Int32Array, state: number): boolean => {
  if (((words[(state + MDSCR_EL1) >>> 2] as number) & MDSCR_MDE) === 0) return false;
  for (let breakpoint = 0; breakpoint < BREAKPOINTS; breakpoint++) {
    if (matches(words, state, breakpoint)) return true;
  }
  return false;
};

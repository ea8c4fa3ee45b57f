import { CONTEXTIDR_EL1, DBGBCR, DBGBVR } from '../system-state.ts';

/** What breakpoints and watchpoints have in common (Arm ARM D2.8, D2.10): fields of the control registers, linking. */

export const isEnabled = (control: number): boolean => (control & 1) !== 0;

/** PMC or PAC, HMC and SSC: whether accesses of an exception level match. This processor is always Non-secure. */
export const levelMatches = (control: number, user: boolean): boolean => {
  const securityState = (control >>> 14) & 3;
  if (securityState === 2) return false;
  return ((control >>> (user ? 2 : 1)) & 1) === 1;
};

export const linkedBreakpoint = (control: number): number => (control >>> 16) & 15;

export const BreakpointType = {
  address: 0,
  linkedAddress: 1,
  context: 2,
  linkedContext: 3,
} as const;

export const breakpointType = (control: number): number => (control >>> 20) & 15;

/** The one breakpoint that can match the context ID, as ID_AA64DFR0_EL1.CTX_CMPs tells: the last. */
export const CONTEXT_BREAKPOINT = 5;

/** Whether the context ID is the one in a breakpoint's value register. */
export const contextMatches = (words: Int32Array, state: number, breakpoint: number): boolean =>
  breakpoint === CONTEXT_BREAKPOINT &&
  words[(state + DBGBVR + breakpoint * 8) >>> 2] === words[(state + CONTEXTIDR_EL1) >>> 2];

/** Whether the breakpoint that an address match is linked to matches too. */
export const linkMatches = (words: Int32Array, state: number, breakpoint: number, user: boolean): boolean => {
  if (breakpoint !== CONTEXT_BREAKPOINT) return false;
  const control = words[(state + DBGBCR + breakpoint * 8) >>> 2] as number;
  return (
    isEnabled(control) &&
    breakpointType(control) === BreakpointType.linkedContext &&
    levelMatches(control, user) &&
    contextMatches(words, state, breakpoint)
  );
};

/** The high half of an address as the value registers compare it: bits 48 to 32. */
export const comparedHigh = (hi: number): number => hi & 0x1ffff;

/** Why translated code returned to the engine's run loop. The record's PC is exact for each. */
export const Exit = {
  /** Go on at PC (regions only; the cold tier's loop handles it itself). */
  continue: 0,
  /** The budget is used up, or the vCPU was kicked. */
  budget: 1,
  /** An exception waits in the PENDING fields; PC is its preferred return address. */
  exception: 2,
  /** An instruction may have unmasked an interrupt: look at the interrupt line. */
  interruptCheck: 3,
  /** Wait for an interrupt (WFI; PC is after it). */
  waitForInterrupt: 4,
  /** Wait for an event (WFE, YIELD in a loop; PC is after it). */
  waitForEvent: 5,
  /** A call to the hypervisor (HVC, SMC; PC is after it; the immediate is in PENDING_SYNDROME). */
  hypervisorCall: 6,
  /** PC has been entered often: translate it. */
  hot: 7,
  /** The region is not installed in this worker. */
  notInstalled: 8,
  /** Return from exception (ERET): the architecture restores its state; PC is this instruction. */
  exceptionReturn: 9,
  /** A vector instruction met VECTOR_TRAP; PC is this instruction. */
  vectorTrap: 10,
  /** What this vCPU dropped others of its machine may still use: wait for them (DSB; PC is after it). Not for the layers above. */
  synchronize: 11,
  /** The code at PC was changed, and others may still execute it as it was: wait for them. Not for the layers above. */
  settle: 12,
  /** A region that extends over several pages found one of them replaced; PC is its start. */
  stale: 13,
  /** A single instruction may run, and a region begins at PC, which would run more. Not for the layers above. */
  regionAhead: 14,
} as const;
export type Exit = (typeof Exit)[keyof typeof Exit];

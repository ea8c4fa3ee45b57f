import type { GuestAssembler } from './guest-assembler.ts';

/** Something that the guest tries out and reports on. */
export interface Subject {
  /** One word, as it stands in the guest's report. */
  readonly name: string;
  /** What it is about, for people. */
  readonly title: string;
  /**
   * Writes the code of the check, which ends by falling through when all is well. It may use every register and finds the
   * MMU off, interrupts masked and the processor at EL1 with its own stack pointer.
   */
  check(guest: GuestAssembler): void;
  /** Writes routines that this check or later ones call. */
  routines?(guest: GuestAssembler): void;
}

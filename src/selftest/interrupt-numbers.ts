/** Interrupts that the guest uses. The shared one has no device: the guest makes it pending itself. */
export const Interrupt = {
  software: 5,
  /** From vCPU 0 to vCPU 1, and the other way. */
  greeting: 3,
  answer: 4,
  virtualTimer: 27,
  physicalTimer: 30,
  shared: 77,
} as const;

/**
 * What the engine asks of the layers above it: physical memory, devices, interrupt controller, time. `state` is always the
 * machine address of the vCPU's record, which names the vCPU. None of these may block.
 */
export interface Environment {
  /** How translated code itself may resolve guest frames; without it all goes through `translate`. */
  readonly frameMap?: FrameMap;

  /**
   * Resolves a guest-physical page for the vCPU's domain. `frame` is the guest frame number (4 KiB). With `write`, the frame
   * is made writable first (allocated, un-shared). Gives the machine address of the frame, plus 1 if stores may go straight
   * to it, or NOT_MEMORY if the page is no RAM.
   */
  translate(state: number, frame: number, write: boolean): number;

  /**
   * A load from a device: leaves the value, zero-extended to 64 bits, in scratch cell 0. `address` is guest-physical (under
   * 2^52), `size` 1, 2, 4 or 8. False means that nothing answers there (external abort).
   */
  deviceRead(state: number, address: number, size: number): boolean;
  /** A store to a device of the value in scratch cell 0. */
  deviceWrite(state: number, address: number, size: number): boolean;

  /** The virtual counter in ticks of the frequency that the counter-frequency register tells; less than 2^53. */
  virtualCounter(state: number): number;
  physicalCounter(state: number): number;
  /** The control or compare field of one of the vCPU's timers was written. */
  timerChanged(state: number): void;

  /** Reads a system register of the interrupt controller into scratch cell 0; false if there is none of that key. */
  interruptRegisterRead(state: number, key: number): boolean;
  /** Writes scratch cell 0 to one. */
  interruptRegisterWrite(state: number, key: number): boolean;

  /** Calls `each` with the record of every other vCPU of the same domain that is not off: for broadcast maintenance. */
  forEachOther(state: number, each: (other: number) => void): void;
  /** An event for all vCPUs of the domain (SEV). */
  sendEvent(state: number): void;
}

/**
 * A domain's map from guest frames to machine frames, as two levels of tables in machine memory: a root of words that are
 * addresses of leaves (0 where there is none), and leaves of words that are a machine frame's address and flags (0 for a hole).
 */
export interface FrameMap {
  /** The way from a vCPU's record to the root: at each step the word at this offset is the next address. */
  readonly path: readonly number[];
  /** log2 of a leaf's entries. */
  readonly leafShift: number;
  /** Frame numbers end here: a multiple of 2^20. */
  readonly limit: number;
  /** Flags of entries that are for `translate` alone. */
  readonly special: number;
  /** Flag of entries that stores may go straight to. */
  readonly writable: number;
}

export const NOT_MEMORY = -1;

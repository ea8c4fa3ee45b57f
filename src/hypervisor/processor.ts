/** What the CPU engine does for the hypervisor. `state` is a CPU record's address. */
export interface Processor {
  /** Size of a CPU record in bytes. */
  readonly recordSize: number;
  /**
   * Translates a guest's virtual address as its kernel would access it; to be called inside (cpu/quiet-point.ts). Gives the machine address of that byte, or -1 if the
   * kernel could not access it or it is no RAM.
   */
  translate(state: number, addressLo: number, addressHi: number, write: boolean): number;
  /** Forgets what was translated to a machine frame; on any thread. */
  dropFrame(state: number, frame: number): void;
  /** Forgets everything that was translated; on any thread. */
  dropTranslations(state: number): void;
}

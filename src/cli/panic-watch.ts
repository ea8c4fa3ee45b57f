/** Watches a Linux guest's console for a kernel panic, whose message says more than the reboot that follows it. */

const PANIC = 'Kernel panic - not syncing: ';
/** A message longer than this is cut. */
const LONGEST = 200;

export class PanicWatch {
  #line = '';
  #reason: string | null = null;
  readonly #decoder = new TextDecoder();

  /** The panic's message, null as long as there was none. */
  get reason(): string | null {
    return this.#reason;
  }

  /** Takes console output. */
  feed(bytes: Uint8Array): void {
    if (this.#reason !== null) return;
    const lines = (this.#line + this.#decoder.decode(bytes, { stream: true })).split('\n');
    this.#line = (lines.pop() as string).slice(-4 * LONGEST);
    for (const line of lines) {
      const at = line.indexOf(PANIC);
      if (at < 0) continue;
      this.#reason = line
        .slice(at + PANIC.length)
        .trim()
        .slice(0, LONGEST);
      return;
    }
  }
}

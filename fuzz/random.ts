/** A small seeded generator (xorshift with 32 bits of state, G. Marsaglia 2003), so that what was found can be found again. */
export class Random {
  #state: number;

  constructor(seed: number) {
    // Neighbouring seeds must not give similar sequences, and the state must not be zero.
    this.#state = (Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) ^ (seed >>> 15)) | 0 || 1;
    for (let i = 0; i < 8; i++) this.#step();
  }

  #step(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return state >>> 0;
  }

  /** A whole number from 0 to `limit` - 1; 0 if there is no such number. */
  below(limit: number): number {
    return limit <= 1 ? 0 : Math.floor((this.#step() / 0x1_0000_0000) * limit);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** A length from 0 to `limit`, small ones more often. */
  length(limit: number): number {
    return this.below(1 + Math.min(limit, 1 << this.below(12)));
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}

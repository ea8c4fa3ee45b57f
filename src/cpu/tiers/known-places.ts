import type { FunctionBuilder } from '../../wasm/function-builder.ts';
import { ValueType } from '../../wasm/opcodes.ts';
import { PAGE_SIZE } from '../code-page.ts';

/**
 * What straight code knows of the addresses it accesses. Registers that differ by a known distance have one origin; once an
 * access at a distance from an origin has been looked up, others near it need only be shown to lie in the same page.
 */

/** An address: an origin, which stands for whatever a register held, and the distance from it in bytes. */
export interface Relative {
  readonly origin: number;
  readonly distance: number;
}

/** Where a relative address leads, by two wasm locals. */
export interface Place {
  readonly relative: Relative;
  /** Whether stores may go there too. */
  readonly writable: boolean;
  /** Holds the offset in its page (i64), or NOWHERE. */
  readonly offset: number;
  /** Holds the machine address (i32). */
  readonly machine: number;
}

/** An offset that no distance below a page turns into one inside the page. */
export const NOWHERE = -2 * PAGE_SIZE;

/** Places at a time: each needs two locals, which the wasm compiler has to follow. */
const PLACES = 4;

/** What is known at one point of the code. */
export interface Known {
  readonly registers: ReadonlyMap<number, Relative>;
  readonly places: readonly Place[];
}

export const nothingKnown: Known = { registers: new Map(), places: [] };

export class KnownPlaces {
  readonly #code: FunctionBuilder;
  /** Offset and machine local of each place there can be, made when first needed. */
  readonly #locals: (readonly [number, number])[] = [];
  /** Copied before it changes if `known` has handed it out. */
  #registers: ReadonlyMap<number, Relative> = new Map();
  #places: readonly Place[] = [];
  #handedOut = false;
  #origins = 0;
  #next = 0;

  constructor(code: FunctionBuilder) {
    this.#code = code;
  }

  get known(): Known {
    this.#handedOut = true;
    return { registers: this.#registers, places: this.#places };
  }

  set known({ registers, places }: Known) {
    this.#registers = registers;
    this.#places = places;
    this.#handedOut = true;
  }

  /** The registers, to be changed. */
  #change(): Map<number, Relative> {
    if (this.#handedOut) this.#registers = new Map(this.#registers);
    this.#handedOut = false;
    return this.#registers as Map<number, Relative>;
  }

  /** The places in use. */
  get places(): readonly Place[] {
    return this.#places;
  }

  /** What a register holds. */
  relativeOf(register: number): Relative {
    let relative = this.#registers.get(register);
    if (relative === undefined) {
      relative = { origin: this.#origins++, distance: 0 };
      this.#change().set(register, relative);
    }
    return relative;
  }

  /** Notes that a register gets a relative address, or something else. */
  set(register: number, relative: Relative | null): void {
    if (relative !== null) this.#change().set(register, relative);
    else if (this.#registers.has(register)) this.#change().delete(register);
  }

  /** A place from which an access may be reached. */
  find({ origin, distance }: Relative, write: boolean): Place | null {
    for (const place of this.#places) {
      if (place.relative.origin !== origin || (write && !place.writable)) continue;
      if (Math.abs(distance - place.relative.distance) < PAGE_SIZE) return place;
    }
    return null;
  }

  /** A place for an access that is about to be looked up. */
  add(relative: Relative, writable: boolean): Place {
    const number = this.#next;
    this.#next = (number + 1) % PLACES;
    const { i32, i64 } = ValueType;
    this.#locals[number] ??= [this.#code.local(i64), this.#code.local(i32)];
    const [offset, machine] = this.#locals[number];
    const place = { relative, writable, offset, machine };
    // One from the same origin has seen its last use: this one is the nearer, or serves stores too.
    const others = this.#places.filter((other) => other.offset !== offset && other.relative.origin !== relative.origin);
    this.#places = [...others, place];
    return place;
  }

  /** Forgets the places: what was looked up may not hold any longer. */
  forgetPlaces(): void {
    this.#places = [];
  }
}

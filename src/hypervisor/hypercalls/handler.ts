import type { Core } from '../core.ts';
import type { Call } from './call.ts';

/** Does a hypercall; gives its result, negative error numbers included. */
export type Handler = (core: Core, call: Call) => number;

/** A row of the hypercall table. */
export interface Hypercall {
  readonly number: number;
  readonly name: string;
  /** Arguments it looks at. */
  readonly arguments: number;
  readonly handler: Handler;
  /** Names of the operations that its argument `selector` chooses from, for traces. */
  readonly operations?: Readonly<Record<string, number>>;
  readonly selector?: number;
}

/** Copies `size` bytes that a pointer argument names into the parameter; false if the guest has no memory there. */
export const readParameter = (core: Core, call: Call, argument: number, size: number): boolean =>
  core.guest.copyFrom(call.state, call.low(argument), call.high(argument), core.parameter.bytes, 0, size);

/** Copies `size` bytes of the parameter from `offset` on to where the argument points plus `offset`. */
export const writeParameter = (core: Core, call: Call, argument: number, size: number, offset = 0): boolean => {
  const low = call.low(argument) + offset;
  const high = call.high(argument) + (low >= 0x1_0000_0000 ? 1 : 0);
  return core.guest.copyTo(call.state, low | 0, high | 0, core.parameter.bytes, offset, size);
};

/** Where in the parameter `readElement` puts what it reads, and the size of an element of a list of frames. */
export const ELEMENT = 1024;
const ELEMENT_BYTES = 8;

/** Copies the array element that `index` counts to, of a handle in the parameter, to ELEMENT; false if there is no memory. */
export const readElement = (core: Core, call: Call, handleLo: number, handleHi: number, index: number): boolean => {
  const low = handleLo + index * ELEMENT_BYTES;
  const high = handleHi + Math.floor(low / 0x1_0000_0000);
  return core.guest.copyFrom(call.state, low | 0, high | 0, core.parameter.bytes, ELEMENT, ELEMENT_BYTES);
};

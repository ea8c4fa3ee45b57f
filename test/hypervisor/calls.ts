import { RAM, type TestHost } from './host.ts';

/** Where the tests put a hypercall's argument. */
export const ARGUMENT = RAM;

export const SELF = 0x7ff0;

export const Code = {
  perm: -1,
  noent: -2,
  srch: -3,
  nomem: -12,
  access: -13,
  fault: -14,
  busy: -16,
  inval: -22,
  nosys: -38,
  ilseq: -84,
  opnotsupp: -95,
} as const;

/** Puts 32-bit words at the argument and makes a hypercall: an operation, a pointer to it, and a third argument. */
export const operation = (
  host: TestHost,
  domid: number,
  hypercall: number,
  number: number,
  words: readonly number[],
  third = 0,
): number => {
  host.write32(domid, ARGUMENT, ...words);
  return host.call(domid, hypercall, [number, ARGUMENT, third]);
};

/** A string in guest memory, up to its zero. */
export const stringAt = (host: TestHost, domid: number, address: number): string => {
  let text = '';
  for (let at = address; ; at++) {
    const byte = host.memory.u8[host.machine(domid, at)];
    if (byte === 0) return text;
    text += String.fromCharCode(byte);
  }
};

/** What can be followed as it happens, and what each event's line tells. */
export const TraceEvents = {
  exceptions: 'exceptions taken: their class and syndrome, and the address that faulted',
  interrupts: 'interrupts taken',
  returns: 'returns from exceptions: where to',
  hypercalls: 'hypercalls with their arguments and results, and calls by SMCCC (PSCI)',
  mmio: 'accesses to emulated devices',
  sysregs: 'system registers read and written, but for those that translated code has in itself',
  operations: 'cache and TLB maintenance, address translation (SYS)',
  tlb: 'accesses and fetches by the slow path: those that miss the translation table, above all',
  regions: 'regions asked for, and regions of others put in place',
  exits: 'every return from translated code with its reason',
} as const;
export type TraceEvent = keyof typeof TraceEvents;

/** Takes down what happens on one thread. */
export interface Trace {
  /** Whether anybody asked for it. */
  wants(event: TraceEvent): boolean;
  /** Takes an event down if it was asked for. What the values are is told where lines are made of them (host/tracing.ts). */
  note(state: number, event: TraceEvent, ...values: number[]): void;
}

/** Kinds of accesses in notes of `tlb`. */
export const TracedAccess = { load: 0, store: 1, atomic: 2, fetch: 3 } as const;

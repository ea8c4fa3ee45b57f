/** How much of the store one guest may take; domain 0 may take all. The numbers are those of Xen's store daemon. */
export interface Quota {
  /** Nodes it owns. */
  readonly nodes: number;
  readonly watches: number;
  /** Transactions open at once. */
  readonly transactions: number;
  /** Nodes one transaction touches. */
  readonly transactionNodes: number;
  /** Bytes of a node's value. */
  readonly valueSize: number;
  /** Entries of a node's permissions. */
  readonly permissions: number;
  /** Requests whose answers wait for room in the ring before no more are taken. */
  readonly outstanding: number;
  /** Bytes of answers and watch events that wait for room before the guest loses its connection. */
  readonly queuedBytes: number;
}

export const defaultQuota: Quota = {
  nodes: 1000,
  watches: 128,
  transactions: 10,
  transactionNodes: 1024,
  valueSize: 2048,
  permissions: 5,
  outstanding: 20,
  queuedBytes: 1 << 20,
};

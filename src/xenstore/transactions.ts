import { applyOperation, type Operation } from './operations.ts';
import { parentOf } from './paths.ts';
import { StoreError } from './store-error.ts';
import { type Found, type Tree, walk } from './tree.ts';

/**
 * Transactions: each works on a fork of the tree and remembers which nodes it has looked at. It can commit if those are still
 * as they were; what it did is then done again on the tree.
 */

/** What requests read and change: the tree itself, or a transaction's. */
export interface View {
  find(path: string): Found;
  count(domid: number): number;
  perform(operation: Operation): void;
}

export class Transaction implements View {
  /** The tree as it was, for comparison, and as this transaction sees it. */
  readonly #base: Tree;
  readonly #tree: Tree;
  readonly #seen = new Set<string>();
  readonly #seenLimit: number;
  readonly #operations: Operation[] = [];

  /** `seenLimit` bounds the nodes that the transaction may touch. */
  constructor(tree: Tree, seenLimit: number) {
    this.#base = tree.fork();
    this.#tree = tree.fork();
    this.#seenLimit = seenLimit;
  }

  get operations(): readonly Operation[] {
    return this.#operations;
  }

  find(path: string): Found {
    const found = this.#tree.find(path);
    // That nodes are missing shows in the list of children of the last that is there.
    let nearest = path;
    for (let i = 0; i < found.missing; i++) nearest = parentOf(nearest);
    this.#see(nearest);
    return found;
  }

  count(domid: number): number {
    return this.#tree.count(domid);
  }

  /** How many more nodes a domain owns by what this transaction did. */
  growth(domid: number): number {
    return this.#tree.count(domid) - this.#base.count(domid);
  }

  perform(operation: Operation): void {
    const { kind, path } = operation;
    this.#see(path);
    this.#see(parentOf(path));
    const removed = kind === 'remove' ? this.#tree.get(path) : undefined;
    if (removed !== undefined) for (const { path: below } of walk(path, removed)) this.#see(below);
    if (this.#operations.length >= this.#seenLimit) throw new StoreError('ENOSPC', 'a transaction');
    applyOperation(this.#tree, operation);
    this.#operations.push(operation);
  }

  #see(path: string): void {
    if (this.#seen.has(path)) return;
    if (this.#seen.size >= this.#seenLimit) throw new StoreError('ENOSPC', 'a transaction');
    this.#seen.add(path);
  }

  /** Whether something else has changed what this transaction has seen. */
  conflicts(tree: Tree): boolean {
    for (const path of this.#seen) {
      if (this.#base.get(path)?.generation !== tree.get(path)?.generation) return true;
    }
    return false;
  }
}

/** The open transactions of one client. */
export class TransactionTable {
  readonly #open = new Map<number, Transaction>();
  #next = 1;

  get size(): number {
    return this.#open.size;
  }

  /** Gives the identifier of a new transaction: not 0, and of no other that is open. */
  add(transaction: Transaction): number {
    while (this.#next === 0 || this.#open.has(this.#next)) this.#next = (this.#next + 1) >>> 0;
    const id = this.#next;
    this.#next = (id + 1) >>> 0;
    this.#open.set(id, transaction);
    return id;
  }

  /** @throws StoreError ENOENT if there is none */
  get(id: number): Transaction {
    const transaction = this.#open.get(id);
    if (transaction === undefined) throw new StoreError('ENOENT', `transaction ${id}`);
    return transaction;
  }

  delete(id: number): void {
    this.#open.delete(id);
  }

  clear(): void {
    this.#open.clear();
  }
}

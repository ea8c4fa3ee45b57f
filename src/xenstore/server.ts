import { Connection } from './connection.ts';
import { CONTROL_DOMAIN, formatPermission, NO_TARGET, parsePermissions } from './permissions.ts';
import type { Message } from './protocol.ts';
import { defaultQuota, type Quota } from './quota.ts';
import { answer, type Domains, type WireClient } from './requests.ts';
import type { StoreRing } from './ring.ts';
import { type Client, Store } from './store.ts';
import { StoreError } from './store-error.ts';
import { TransactionTable } from './transactions.ts';

/**
 * The store's service (Xen's xenstored): guests reach it over their rings, domain 0's own services by calling it. A request
 * is done whole before the next, so calls that a service makes in one go need no transaction.
 */

export interface Introduction {
  readonly ring: StoreRing;
  /** Tells the guest that the ring changed. */
  readonly notify: () => void;
  /** Calls `poll` for the domain soon, but lets others have their turn. */
  readonly pollAgain: () => void;
}

export class XenStore {
  readonly #quota: Quota;
  readonly #store: Store;
  readonly #connections = new Map<number, Connection>();
  /** Calls to services that wait until what caused them is done. */
  readonly #calls: (() => void)[] = [];
  #calling = false;
  readonly #dom0: Client = {
    domid: CONTROL_DOMAIN,
    target: NO_TARGET,
    transactions: new TransactionTable(),
    deliver: () => {},
  };
  readonly #domains: Domains = {
    isIntroduced: (domid) => this.isIntroduced(domid),
    announce: (domid) => {
      if (!this.#connections.has(domid)) return false;
      this.#store.introduced();
      return true;
    },
    release: (domid) => {
      if (!this.#connections.has(domid)) return false;
      this.release(domid);
      return true;
    },
    setTarget: (domid, target) => this.setTarget(domid, target),
  };

  constructor(quota: Quota = defaultQuota) {
    this.#quota = quota;
    this.#store = new Store(quota);
  }

  // Domains.

  /**
   * Connects a domain; `poll` must be called at each of its events.
   *
   * @throws RangeError if the domain is connected already, or is domain 0
   */
  introduce(domid: number, introduction: Introduction): void {
    if (this.isIntroduced(domid)) throw new RangeError(`domain ${domid} is connected with the store already`);
    const connection = new Connection({
      ...introduction,
      domid,
      quota: this.#quota,
      onRequest: (client, message) => this.handle(client, message),
      onReset: (client) => this.#store.reset(client),
    });
    this.#connections.set(domid, connection);
    this.#store.introduced();
    this.#call();
  }

  /** Ends a domain's connection and removes what it owns. */
  release(domid: number): void {
    const connection = this.#connections.get(domid);
    if (connection === undefined) return;
    this.#connections.delete(domid);
    connection.close();
    for (const other of this.#connections.values()) if (other.target === domid) other.target = NO_TARGET;
    this.#store.forgetDomain(domid);
    this.#store.released();
    this.#call();
  }

  isIntroduced(domid: number): boolean {
    return domid === CONTROL_DOMAIN || this.#connections.has(domid);
  }

  /** Lets a domain act for another, with all its rights; false if it is not connected. */
  setTarget(domid: number, target: number): boolean {
    const connection = this.#connections.get(domid);
    if (connection !== undefined) connection.target = target;
    return connection !== undefined;
  }

  /** Tells who watches that a domain has shut down or crashed. */
  announceShutdown(): void {
    this.#store.released();
    this.#call();
  }

  /** Looks at a domain's ring. */
  poll(domid: number): void {
    this.#connections.get(domid)?.poll();
  }

  /** Answers one request. */
  handle(client: WireClient, message: Message): void {
    answer(this.#store, this.#domains, client, message);
    this.#call();
  }

  // For domain 0's services: paths are absolute. Methods throw StoreError.

  /** A node's value as text, or null if there is no such node. */
  read(path: string): string | null {
    const value = this.readBytes(path);
    return value === null ? null : new TextDecoder().decode(value);
  }

  readBytes(path: string): Uint8Array | null {
    return this.#optional(() => this.#store.read(this.#dom0, 0, path));
  }

  /** The names of a node's children in the order they were made in, or null if there is no such node. */
  directory(path: string): string[] | null {
    return this.#optional(() => this.#store.directory(this.#dom0, 0, path).names);
  }

  /** Gives a node a value; makes it with its parents if there is none. */
  write(path: string, value: string | Uint8Array): void {
    const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value.slice();
    this.#store.write(this.#dom0, 0, path, bytes);
    this.#call();
  }

  makeDirectory(path: string): void {
    this.#store.makeDirectory(this.#dom0, 0, path);
    this.#call();
  }

  /** Removes a node with all below it, if there is one. */
  remove(path: string): void {
    this.#optional(() => this.#store.remove(this.#dom0, 0, path));
    this.#call();
  }

  /** Such as `['n0', 'r1']`: the owner with what others may do, then single domains; null if there is no such node. */
  permissions(path: string): string[] | null {
    return this.#optional(() => this.#store.permissions(this.#dom0, 0, path).map(formatPermission));
  }

  setPermissions(path: string, permissions: readonly string[]): void {
    this.#store.setPermissions(this.#dom0, 0, path, parsePermissions(permissions));
    this.#call();
  }

  /**
   * Calls a handler with the path at each change at or below a path (or for a special event), and once at first; never from
   * within another handler or a change. Returns what ends that.
   */
  watch(path: string, handler: (path: string) => void): () => void {
    const client: Client = {
      domid: CONTROL_DOMAIN,
      target: NO_TARGET,
      transactions: new TransactionTable(),
      deliver: (changed) => {
        this.#calls.push(() => {
          if (watching) handler(changed);
        });
      },
    };
    let watching = true;
    this.#store.fireNew(this.#store.watch(client, path, ''));
    this.#call();
    return () => {
      watching = false;
      this.#store.reset(client);
    };
  }

  /** All nodes as lines of `path = "value"   (permissions)`, as xenstore-ls -f -p shows them. */
  dump(): string {
    const decoder = new TextDecoder();
    const lines: string[] = [];
    for (const { path, node } of this.#store.nodes()) {
      if (path === '/') continue;
      const permissions = node.permissions.map(formatPermission).join(',');
      lines.push(`${path} = ${JSON.stringify(decoder.decode(node.value))}   (${permissions})\n`);
    }
    return lines.join('');
  }

  /** What there is, or null for ENOENT. */
  #optional<T>(body: () => T): T | null {
    try {
      return body();
    } catch (error) {
      if (error instanceof StoreError && error.code === 'ENOENT') return null;
      throw error;
    }
  }

  #call(): void {
    if (this.#calling) return;
    this.#calling = true;
    try {
      for (let next = this.#calls.shift(); next !== undefined; next = this.#calls.shift()) next();
    } finally {
      this.#calling = false;
    }
  }
}

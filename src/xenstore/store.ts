import { applyOperation, type Change, type Operation } from './operations.ts';
import { INTRODUCE_DOMAIN, isSpecial, RELEASE_DOMAIN, resolvePath, resolveWatchPath } from './paths.ts';
import { Access, CONTROL_DOMAIN, isPermitted, ownerOf, type Permissions } from './permissions.ts';
import type { Quota } from './quota.ts';
import { StoreError } from './store-error.ts';
import { Transaction, type TransactionTable, type View } from './transactions.ts';
import { type Found, type Node, Tree, walk } from './tree.ts';
import { type Watch, type Watcher, Watches } from './watches.ts';

/**
 * The store as its clients see it: the tree with permissions, quotas, transactions and watches. All methods throw StoreError;
 * paths are as the client writes them.
 */

/** Somebody with requests. */
export interface Client extends Watcher {
  readonly transactions: TransactionTable;
}

/** At first only domain 0 sees the special events. */
const SPECIAL_PERMISSIONS: Permissions = [{ domid: CONTROL_DOMAIN, access: Access.none }];

/** The longest value that a message can carry beside the shortest path. */
const VALUE_MAX = 4096;

export class Store {
  readonly #tree = Tree.create();
  readonly #watches = new Watches();
  readonly #quota: Quota;
  /** Who besides domain 0 sees the special events. */
  readonly #special = new Map<string, Permissions>([
    [INTRODUCE_DOMAIN, SPECIAL_PERMISSIONS],
    [RELEASE_DOMAIN, SPECIAL_PERMISSIONS],
  ]);
  readonly #main: View = {
    find: (path) => this.#tree.find(path),
    count: (domid) => this.#tree.count(domid),
    perform: (operation) => this.#performAll([operation]),
  };

  constructor(quota: Quota) {
    this.#quota = quota;
  }

  // Requests. `transaction` is the identifier of one of the client's transactions, or 0.

  read(client: Client, transaction: number, path: string): Uint8Array {
    return this.#readable(client, transaction, path).value;
  }

  /** The names of a node's children, and the node's generation. */
  directory(client: Client, transaction: number, path: string): { names: string[]; generation: number } {
    const { children, generation } = this.#readable(client, transaction, path);
    return { names: [...children.keys()], generation };
  }

  permissions(client: Client, transaction: number, path: string): Permissions {
    const special = this.#specialPermissions(client, path);
    return special ?? this.#readable(client, transaction, path).permissions;
  }

  write(client: Client, transaction: number, path: string, value: Uint8Array): void {
    if (value.length > VALUE_MAX) throw new StoreError('E2BIG', `the value of ${path}`);
    this.#limit(client, value.length, this.#quota.valueSize, `the value of ${path}`);
    const view = this.#view(client, transaction);
    const absolute = resolvePath(client.domid, path);
    this.#checkRoom(view, client, this.#find(view, client, absolute, Access.write));
    view.perform({ kind: 'write', path: absolute, value, creator: client.domid });
  }

  makeDirectory(client: Client, transaction: number, path: string): void {
    const view = this.#view(client, transaction);
    const absolute = resolvePath(client.domid, path);
    const found = this.#find(view, client, absolute, Access.write);
    if (found.missing === 0) return;
    this.#checkRoom(view, client, found);
    view.perform({ kind: 'write', path: absolute, value: null, creator: client.domid });
  }

  remove(client: Client, transaction: number, path: string): void {
    const view = this.#view(client, transaction);
    const absolute = resolvePath(client.domid, path);
    const { missing } = this.#find(view, client, absolute, Access.write);
    if (missing > 1) throw new StoreError('ENOENT', `the parent of ${path}`);
    if (missing === 1) return;
    if (absolute === '/') throw new StoreError('EINVAL', 'removing the root');
    view.perform({ kind: 'remove', path: absolute });
  }

  setPermissions(client: Client, transaction: number, path: string, permissions: Permissions): void {
    this.#limit(client, permissions.length, this.#quota.permissions, `permissions of ${path}`);
    if (this.#specialPermissions(client, path) !== undefined) {
      this.#special.set(path, permissions);
      return;
    }
    const view = this.#view(client, transaction);
    const absolute = resolvePath(client.domid, path);
    const node = this.#existing(view, client, absolute, Access.write | Access.owner);
    if (client.domid !== CONTROL_DOMAIN && ownerOf(permissions) !== ownerOf(node.permissions)) {
      throw new StoreError('EPERM', `giving ${path} away`);
    }
    view.perform({ kind: 'permissions', path: absolute, permissions });
  }

  /** Adds a watch; `fireNew` must follow, once the client knows that it has it. */
  watch(client: Client, path: string, token: string): Watch {
    const absolute = resolveWatchPath(client.domid, path);
    this.#limit(client, this.#watches.count(client) + 1, this.#quota.watches, 'a watch', 'E2BIG');
    return this.#watches.add(client, absolute, token, absolute !== path);
  }

  fireNew(watch: Watch): void {
    this.#watches.fireNew(watch);
  }

  unwatch(client: Client, path: string, token: string): void {
    this.#watches.remove(client, resolveWatchPath(client.domid, path), token);
  }

  /** Forgets all watches and transactions of a client. */
  reset(client: Client): void {
    this.#watches.removeAll(client);
    client.transactions.clear();
  }

  /** Gives the identifier of a new transaction. */
  startTransaction(client: Client): number {
    this.#limit(client, client.transactions.size + 1, this.#quota.transactions, 'a transaction');
    const seen = client.domid === CONTROL_DOMAIN ? Number.POSITIVE_INFINITY : this.#quota.transactionNodes;
    return client.transactions.add(new Transaction(this.#tree, seen));
  }

  /** Ends a transaction; EAGAIN if it should commit but something changed what it has seen. */
  endTransaction(client: Client, id: number, commit: boolean): void {
    const transaction = client.transactions.get(id);
    client.transactions.delete(id);
    if (!commit) return;
    if (transaction.conflicts(this.#tree)) throw new StoreError('EAGAIN', `transaction ${id}`);
    const growth = transaction.growth(client.domid);
    if (growth > 0) this.#limit(client, this.#tree.count(client.domid) + growth, this.#quota.nodes, 'nodes');
    this.#performAll(transaction.operations);
  }

  // Domains.

  introduced(): void {
    this.#fireSpecial(INTRODUCE_DOMAIN);
  }

  released(): void {
    this.#fireSpecial(RELEASE_DOMAIN);
  }

  /** Removes what a domain owns and what rights it has: its number may come to mean another domain. */
  forgetDomain(domid: number): void {
    for (const { path, node } of [...this.nodes()]) {
      if (ownerOf(node.permissions) === domid) {
        this.#performAll([{ kind: 'remove', path }]);
        continue;
      }
      const [owner, ...others] = node.permissions;
      const left = others.filter((entry) => entry.domid !== domid);
      if (left.length < others.length && this.#tree.get(path) !== undefined) {
        this.#tree.setPermissions(path, [owner, ...left]);
      }
    }
    for (const [path, [owner, ...others]] of this.#special) {
      const left = others.filter((entry) => entry.domid !== domid);
      this.#special.set(path, owner.domid === domid ? SPECIAL_PERMISSIONS : [owner, ...left]);
    }
  }

  /** All nodes, each before its children. */
  nodes(): Iterable<{ path: string; node: Node }> {
    return walk('/', this.#tree.get('/') as Node);
  }

  /** Whether a client is domain 0. */
  static requirePrivilege({ domid }: Client): void {
    if (domid !== CONTROL_DOMAIN) throw new StoreError('EACCES', "domain 0's request");
  }

  #view(client: Client, transaction: number): View {
    return transaction === 0 ? this.#main : client.transactions.get(transaction);
  }

  #readable(client: Client, transaction: number, path: string): Node {
    const absolute = resolvePath(client.domid, path);
    return this.#existing(this.#view(client, transaction), client, absolute, Access.read);
  }

  #existing(view: View, client: Client, path: string, wanted: number): Node {
    const { nearest, missing } = this.#find(view, client, path, wanted);
    if (missing > 0) throw new StoreError('ENOENT', path);
    return nearest;
  }

  /**
   * Looks for a node that the client wants to access so. If it is missing the nearest above decides: who may not look there
   * does not learn that it is missing either.
   */
  #find(view: View, client: Client, path: string, wanted: number): Found {
    const found = view.find(path);
    if (!isPermitted(client, found.nearest.permissions, wanted)) throw new StoreError('EACCES', path);
    return found;
  }

  /** Whether a client may own the nodes that are missing. */
  #checkRoom(view: View, client: Client, { missing }: Found): void {
    if (missing > 0) this.#limit(client, view.count(client.domid) + missing, this.#quota.nodes, 'nodes');
  }

  #limit(client: Client, count: number, limit: number, what: string, code: 'ENOSPC' | 'E2BIG' = 'ENOSPC'): void {
    if (client.domid !== CONTROL_DOMAIN && count > limit) throw new StoreError(code, what);
  }

  #specialPermissions(client: Client, path: string): Permissions | undefined {
    if (!isSpecial(path)) return undefined;
    const permissions = this.#special.get(path);
    if (permissions === undefined) throw new StoreError('EINVAL', path);
    if (client.domid !== CONTROL_DOMAIN) throw new StoreError('EACCES', path);
    return permissions;
  }

  #fireSpecial(path: string): void {
    this.#watches.fire({ path, exact: true, visibleBy: [this.#special.get(path) ?? SPECIAL_PERMISSIONS] });
  }

  /** Changes the tree, then tells of each change once. */
  #performAll(operations: readonly Operation[]): void {
    const changes = new Map<string, Change>();
    for (const operation of operations) {
      for (const change of applyOperation(this.#tree, operation)) {
        const known = changes.get(change.path);
        changes.set(change.path, {
          path: change.path,
          exact: change.exact && (known?.exact ?? true),
          visibleBy: [...(known?.visibleBy ?? []), ...change.visibleBy],
        });
      }
    }
    for (const change of changes.values()) this.#watches.fire(change);
  }
}

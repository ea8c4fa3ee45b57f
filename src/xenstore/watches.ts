import type { Change } from './operations.ts';
import { domainPath, isSpecial, parentOf } from './paths.ts';
import { Access, type Identity, isPermitted, type Permissions } from './permissions.ts';
import { StoreError } from './store-error.ts';

/** Watches: who is told when nodes change, or domains come and go. */

/** Somebody who watches. */
export interface Watcher extends Identity {
  /** Tells of a change at a path, which is relative if the watch's was. */
  deliver(path: string, token: string): void;
}

export interface Watch {
  readonly watcher: Watcher;
  /** Absolute, or a special event. */
  readonly path: string;
  readonly token: string;
  /** Whether the watcher named the path relative to its own folder. */
  readonly relative: boolean;
  /** Watches are told in the order they were made in. */
  readonly order: number;
}

const deliver = ({ watcher, token, relative }: Watch, path: string): void => {
  watcher.deliver(relative ? path.slice(domainPath(watcher.domid).length + 1) : path, token);
};

const sees = (watcher: Watcher, visibleBy: readonly Permissions[]): boolean =>
  visibleBy.some((permissions) => isPermitted(watcher, permissions, Access.read));

export class Watches {
  readonly #byPath = new Map<string, Watch[]>();
  readonly #counts = new Map<Watcher, number>();
  #order = 0;

  /** Watches that a watcher has. */
  count(watcher: Watcher): number {
    return this.#counts.get(watcher) ?? 0;
  }

  /** @throws StoreError EEXIST if the watcher has the same already */
  add(watcher: Watcher, path: string, token: string, relative: boolean): Watch {
    const there = this.#byPath.get(path) ?? [];
    if (there.some((watch) => watch.watcher === watcher && watch.token === token)) {
      throw new StoreError('EEXIST', `a watch of ${path}`);
    }
    const watch: Watch = { watcher, path, token, relative, order: this.#order++ };
    this.#byPath.set(path, [...there, watch]);
    this.#counts.set(watcher, this.count(watcher) + 1);
    return watch;
  }

  /** @throws StoreError ENOENT if there is no such watch */
  remove(watcher: Watcher, path: string, token: string): void {
    const found = this.#byPath.get(path)?.find((watch) => watch.watcher === watcher && watch.token === token);
    if (found === undefined) throw new StoreError('ENOENT', `a watch of ${path}`);
    this.#drop(path, (watch) => watch === found);
    this.#counts.set(watcher, this.count(watcher) - 1);
  }

  removeAll(watcher: Watcher): void {
    for (const path of this.#byPath.keys()) this.#drop(path, (watch) => watch.watcher === watcher);
    this.#counts.delete(watcher);
  }

  #drop(path: string, which: (watch: Watch) => boolean): void {
    const left = (this.#byPath.get(path) ?? []).filter((watch) => !which(watch));
    if (left.length === 0) this.#byPath.delete(path);
    else this.#byPath.set(path, left);
  }

  /** What a watch does once when it is new, whether or not its path exists. */
  fireNew(watch: Watch): void {
    deliver(watch, watch.path);
  }

  /** Tells all who watch the path or one above it, and may see the change. */
  fire({ path, exact, visibleBy }: Change): void {
    for (const watch of this.#watching(path, exact || isSpecial(path))) {
      if (sees(watch.watcher, visibleBy)) deliver(watch, path);
    }
  }

  #watching(path: string, exact: boolean): readonly Watch[] {
    const own = this.#byPath.get(path) ?? [];
    if (exact) return own;
    const found = [...own];
    for (let above = path; above !== '/'; ) {
      above = parentOf(above);
      found.push(...(this.#byPath.get(above) ?? []));
    }
    return found.sort((a, b) => a.order - b.order);
  }
}

import { parentOf } from './paths.ts';
import type { Permissions } from './permissions.ts';
import { type Tree, walk } from './tree.ts';

/** Changes to a tree as data: what a transaction keeps to do again when it commits, and what watches are told of. */

export type Operation =
  | { readonly kind: 'write'; readonly path: string; readonly value: Uint8Array | null; readonly creator: number }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'permissions'; readonly path: string; readonly permissions: Permissions };

/** Something that happened to a node. */
export interface Change {
  readonly path: string;
  /** Of interest only to those who watch this very path: it went together with a node above it. */
  readonly exact: boolean;
  /** Permissions any of which lets one see the change. */
  readonly visibleBy: readonly Permissions[];
}

/** Changes a tree; gives what happened. What the operation needs to exist must exist. */
export const applyOperation = (tree: Tree, operation: Operation): Change[] => {
  const { path } = operation;
  const before = tree.get(path);
  const parent = tree.get(parentOf(path));
  if (operation.kind === 'remove') {
    if (before === undefined || parent === undefined || !tree.remove(path)) return [];
    return [...walk(path, before)].map((removed) => ({
      path: removed.path,
      exact: removed.path !== path,
      visibleBy: removed.path === path ? [before.permissions, parent.permissions] : [removed.node.permissions],
    }));
  }
  const visibleBy = before === undefined ? [] : [before.permissions];
  if (operation.kind === 'write') tree.write(path, operation.value, operation.creator);
  else tree.setPermissions(path, operation.permissions);
  for (const seen of [path, parentOf(path)]) {
    const node = tree.get(seen);
    if (node !== undefined) visibleBy.push(node.permissions);
  }
  return [{ path, exact: false, visibleBy }];
};

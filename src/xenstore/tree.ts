import { childOf, namesOf, parentOf } from './paths.ts';
import { CONTROL_DOMAIN, inherit, ownerOf, type Permissions } from './permissions.ts';

/**
 * The tree of nodes. Forking it is cheap: trees share nodes, and one that changes a node it shares changes a copy.
 */

export interface Node {
  readonly value: Uint8Array;
  readonly permissions: Permissions;
  /** Changes with the node's value, permissions and list of children. */
  readonly generation: number;
  /** In the order they were made in. */
  readonly children: ReadonlyMap<string, Node>;
}

/** How far the tree goes along a path. */
export interface Found {
  /** The node itself, or the last above it. */
  readonly nearest: Node;
  /** Nodes that are not there, from the path's own up. */
  readonly missing: number;
}

interface OwnNode extends Node {
  value: Uint8Array;
  permissions: Permissions;
  generation: number;
  readonly children: Map<string, OwnNode>;
  /** The tree that may change this node in place. */
  readonly edition: object;
}

const EMPTY = new Uint8Array(0);

export class Tree {
  #root: OwnNode;
  #edition: object;
  /** Nodes by owner. */
  readonly #counts: Map<number, number>;
  #generation: number;

  private constructor(root: OwnNode, edition: object, counts: Map<number, number>, generation: number) {
    this.#root = root;
    this.#edition = edition;
    this.#counts = counts;
    this.#generation = generation;
  }

  /** A tree of a root alone, which is domain 0's. */
  static create(): Tree {
    const edition = {};
    const root: OwnNode = {
      value: EMPTY,
      permissions: [{ domid: CONTROL_DOMAIN, access: 0 }],
      generation: 1,
      children: new Map(),
      edition,
    };
    return new Tree(root, edition, new Map([[CONTROL_DOMAIN, 1]]), 1);
  }

  /** A tree of its own that starts as this one is now. */
  fork(): Tree {
    this.#edition = {};
    return new Tree(this.#root, {}, new Map(this.#counts), this.#generation);
  }

  get(path: string): Node | undefined {
    const { nearest, missing } = this.find(path);
    return missing === 0 ? nearest : undefined;
  }

  find(path: string): Found {
    let nearest: OwnNode = this.#root;
    const names = namesOf(path);
    for (const [depth, name] of names.entries()) {
      const child = nearest.children.get(name);
      if (child === undefined) return { nearest, missing: names.length - depth };
      nearest = child;
    }
    return { nearest, missing: 0 };
  }

  /** Nodes that a domain owns. */
  count(domid: number): number {
    return this.#counts.get(domid) ?? 0;
  }

  /** Gives a node a value; makes it and its missing parents for a creator if there is none. Null makes it only. */
  write(path: string, value: Uint8Array | null, creator: number): void {
    let node = this.#ownRoot();
    const generation = ++this.#generation;
    let isNew = false;
    for (const name of namesOf(path)) {
      const child: OwnNode | undefined = node.children.get(name);
      isNew = child === undefined;
      node = child === undefined ? this.#create(node, name, creator, generation) : this.#ownChild(node, name, child);
    }
    if (value === null) return;
    node.value = value;
    if (!isNew) node.generation = generation;
  }

  /** Takes a node away with all below it; true if there was one. The root stays. */
  remove(path: string): boolean {
    const removed = path === '/' ? undefined : this.get(path);
    if (removed === undefined) return false;
    const parent = this.#own(parentOf(path));
    parent.children.delete(path.slice(path.lastIndexOf('/') + 1));
    parent.generation = ++this.#generation;
    for (const { node } of walk(path, removed)) this.#account(node.permissions, -1);
    return true;
  }

  /** The node must exist. */
  setPermissions(path: string, permissions: Permissions): void {
    const node = this.#own(path);
    this.#account(node.permissions, -1);
    this.#account(permissions, 1);
    node.permissions = permissions;
    node.generation = ++this.#generation;
  }

  #account(permissions: Permissions, change: number): void {
    const owner = ownerOf(permissions);
    const count = this.count(owner) + change;
    if (count === 0) this.#counts.delete(owner);
    else this.#counts.set(owner, count);
  }

  #create(parent: OwnNode, name: string, creator: number, generation: number): OwnNode {
    const permissions = inherit(parent.permissions, creator);
    const node: OwnNode = { value: EMPTY, permissions, generation, children: new Map(), edition: this.#edition };
    parent.children.set(name, node);
    parent.generation = generation;
    this.#account(permissions, 1);
    return node;
  }

  /** A node that exists, made this tree's own together with its parents. */
  #own(path: string): OwnNode {
    let node = this.#ownRoot();
    for (const name of namesOf(path)) node = this.#ownChild(node, name, node.children.get(name) as OwnNode);
    return node;
  }

  #ownRoot(): OwnNode {
    if (this.#root.edition !== this.#edition) this.#root = this.#copy(this.#root);
    return this.#root;
  }

  #ownChild(parent: OwnNode, name: string, child: OwnNode): OwnNode {
    if (child.edition === this.#edition) return child;
    const own = this.#copy(child);
    parent.children.set(name, own);
    return own;
  }

  #copy(node: OwnNode): OwnNode {
    return { ...node, children: new Map(node.children), edition: this.#edition };
  }
}

/** A node and all below it, each before its children. */
export function* walk(path: string, node: Node): Generator<{ path: string; node: Node }> {
  const pending = [{ path, node }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    yield next;
    const { path: parent, node: folder } = next;
    const children = [...folder.children].map(([name, child]) => ({ path: childOf(parent, name), node: child }));
    pending.push(...children.reverse());
  }
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parentOf } from '../../src/xenstore/paths.ts';
import { formatPermission, type Permissions, parsePermissions } from '../../src/xenstore/permissions.ts';
import { Tree, walk } from '../../src/xenstore/tree.ts';
import { type ModelAction, modelAction } from './model.ts';

/** The tree as a flat map of path to value and permissions. */
type Model = Map<string, { value: string; permissions: string[] }>;

const write = (model: Model, path: string, value: string | null, creator: number): void => {
  if (!model.has(path)) {
    const parent = parentOf(path);
    write(model, parent, null, creator);
    const [owner, ...others] = model.get(parent)?.permissions ?? assert.fail();
    model.set(path, { value: '', permissions: [creator === 0 ? owner : `${owner[0]}${creator}`, ...others] });
  }
  const node = model.get(path) ?? assert.fail();
  if (value !== null) node.value = value;
};

const copyOf = (model: Model): Model =>
  new Map([...model].map(([path, { value, permissions }]) => [path, { value, permissions: [...permissions] }]));

const apply = (tree: Tree, model: Model, action: ModelAction): void => {
  const { path } = action;
  switch (action.kind) {
    case 'write':
      tree.write(path, action.value === null ? null : Buffer.from(action.value), action.creator);
      write(model, path, action.value, action.creator);
      break;
    case 'remove': {
      const below = [...model.keys()].filter((other) => other === path || other.startsWith(`${path}/`));
      assert.equal(tree.remove(path), path !== '/' && below.length > 0);
      if (path !== '/') for (const other of below) model.delete(other);
      break;
    }
    case 'permissions': {
      const node = model.get(path);
      if (node === undefined) break;
      tree.setPermissions(path, parsePermissions(action.permissions));
      node.permissions = action.permissions;
    }
  }
};

const contents = (tree: Tree): Model =>
  new Map(
    [...walk('/', tree.get('/') ?? assert.fail())].map(({ path, node }) => [
      path,
      { value: Buffer.from(node.value).toString(), permissions: node.permissions.map(formatPermission) },
    ]),
  );

const sorted = (model: Model): unknown[] => [...model].sort(([a], [b]) => (a < b ? -1 : 1));

const check = (tree: Tree, model: Model): void => {
  assert.deepEqual(sorted(contents(tree)), sorted(model));
  for (const domid of [0, 1, 2]) {
    const owned = [...model.values()].filter(({ permissions }) => permissions[0].slice(1) === `${domid}`);
    assert.equal(tree.count(domid), owned.length);
  }
};

test('trees and their forks hold what a map of paths does, each its own', () => {
  const step = fc.record({ which: fc.nat(3), fork: fc.boolean(), action: modelAction });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const trees = [{ tree: Tree.create(), model: new Map([['/', { value: '', permissions: ['n0'] }]]) as Model }];
      for (const { which, fork, action } of steps) {
        const chosen = trees[which % trees.length];
        if (fork && trees.length < 4) trees.push({ tree: chosen.tree.fork(), model: copyOf(chosen.model) });
        apply(chosen.tree, chosen.model, action);
      }
      for (const { tree, model } of trees) check(tree, model);
    }),
    { numRuns: 300 },
  );
});

test("a node's generation changes with its value, permissions and children, and with nothing else", () => {
  const tree = Tree.create();
  tree.write('/a/b', Buffer.from('x'), 0);
  tree.write('/c', Buffer.from('x'), 0);
  const generations = (): (number | undefined)[] => ['/', '/a', '/a/b', '/c'].map((path) => tree.get(path)?.generation);
  const changed = (body: () => void): number[] => {
    const before = generations();
    body();
    return generations().flatMap((now, index) => (now === before[index] ? [] : [index]));
  };
  const permissions: Permissions = [{ domid: 1, access: 0 }];
  assert.deepEqual(
    changed(() => tree.write('/a/b', Buffer.from('x'), 0)),
    [2],
  );
  assert.deepEqual(
    changed(() => tree.setPermissions('/a', permissions)),
    [1],
  );
  assert.deepEqual(
    changed(() => tree.write('/a/d', null, 0)),
    [1],
  );
  assert.deepEqual(
    changed(() => tree.remove('/c')),
    [0, 3],
  );
  assert.deepEqual(
    changed(() => tree.write('/a/b', null, 0)),
    [],
  );
});

test('children keep the order in which they were made', () => {
  const tree = Tree.create();
  for (const name of ['z', '10', 'a', '9']) tree.write(`/${name}`, Buffer.from(''), 0);
  tree.fork();
  tree.write('/z', Buffer.from('again'), 0);
  tree.remove('/a');
  tree.write('/a', null, 0);
  assert.deepEqual([...(tree.get('/')?.children.keys() ?? [])], ['z', '10', '9', 'a']);
});

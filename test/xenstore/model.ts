import fc from 'fast-check';

/** Changes to a small tree, for properties. */
export type ModelAction =
  | { kind: 'write'; path: string; value: string | null; creator: number }
  | { kind: 'remove'; path: string }
  | { kind: 'permissions'; path: string; permissions: string[] };

const name = fc.constantFrom('a', 'b', 'c');

/** Few paths, so that they meet. */
export const modelPath = fc.array(name, { maxLength: 3 }).map((names) => `/${names.join('/')}`);

const permission = fc
  .tuple(fc.constantFrom('n', 'r', 'w', 'b'), fc.nat(2))
  .map(([letter, domid]) => `${letter}${domid}`);

export const modelAction: fc.Arbitrary<ModelAction> = fc.oneof(
  fc.record({
    kind: fc.constant('write' as const),
    path: modelPath,
    value: fc.option(fc.constantFrom('', 'x', 'y')),
    creator: fc.nat(2),
  }),
  fc.record({ kind: fc.constant('remove' as const), path: modelPath }),
  fc.record({
    kind: fc.constant('permissions' as const),
    path: modelPath,
    permissions: fc.array(permission, { minLength: 1, maxLength: 3 }),
  }),
);

import { StoreError } from './store-error.ts';

/**
 * Who may do what with a node (Xen's docs/misc/xenstore.txt): the first entry names the owner, who may do all, and what
 * domains without an entry of their own may do.
 */

/** Bits. */
export const Access = { none: 0, read: 1, write: 2, owner: 4 } as const;

export interface Permission {
  readonly domid: number;
  /** Access.read and Access.write. */
  readonly access: number;
}

export type Permissions = readonly [Permission, ...Permission[]];

/** Somebody who asks the store; `target` is the domain it acts for (SET_TARGET), or NO_TARGET. */
export interface Identity {
  readonly domid: number;
  readonly target: number;
}

export const CONTROL_DOMAIN = 0;
export const NO_TARGET = -1;

const LETTERS = 'nrwb';
const PERMISSION = /^([nrwb])(\d{1,5})$/;
const DOMIDS = 0x1_0000;

/**
 * @param text such as `r3`
 * @throws StoreError EINVAL
 */
export const parsePermission = (text: string): Permission => {
  const match = PERMISSION.exec(text);
  const domid = Number(match?.[2]);
  if (match === null || domid >= DOMIDS) throw new StoreError('EINVAL', 'a permission');
  return { domid, access: LETTERS.indexOf(match[1] as string) };
};

/** @throws StoreError EINVAL */
export const parsePermissions = (texts: readonly string[]): Permissions => {
  const [owner, ...others] = texts.map(parsePermission);
  if (owner === undefined) throw new StoreError('EINVAL', 'permissions without an owner');
  return [owner, ...others];
};

export const formatPermission = ({ domid, access }: Permission): string => `${LETTERS[access]}${domid}`;

export const ownerOf = (permissions: Permissions): number => permissions[0].domid;

/** The Access bits that somebody has. */
export const accessOf = ({ domid, target }: Identity, permissions: Permissions): number => {
  const owner = ownerOf(permissions);
  if (domid === CONTROL_DOMAIN || domid === owner || target === owner) {
    return Access.read | Access.write | Access.owner;
  }
  const own = permissions.find((entry) => entry.domid === domid || entry.domid === target);
  return (own ?? permissions[0]).access;
};

export const isPermitted = (who: Identity, permissions: Permissions, wanted: number): boolean =>
  (accessOf(who, permissions) & wanted) === wanted;

/** What a new node gets: its parent's, but a guest owns what it makes. */
export const inherit = ([owner, ...others]: Permissions, creator: number): Permissions => [
  creator === CONTROL_DOMAIN ? owner : { domid: creator, access: owner.access },
  ...others,
];

import { StoreError } from './store-error.ts';

/**
 * Paths of the store (Xen's docs/misc/xenstore.txt): absolute with `/`, relative to the caller's own folder without, or the
 * name of a special event with `@`.
 */

/** XENSTORE_ABS_PATH_MAX and XENSTORE_REL_PATH_MAX of Xen's io/xs_wire.h, in bytes. */
export const ABSOLUTE_PATH_MAX = 3072;
export const RELATIVE_PATH_MAX = 2048;

export const INTRODUCE_DOMAIN = '@introduceDomain';
export const RELEASE_DOMAIN = '@releaseDomain';

const NODE = /^(?:\/|(?:\/[A-Za-z0-9_@-]+)+)$/;
const SPECIAL = /^@[A-Za-z0-9_@/-]+$/;
const DOMAIN_FOLDER = /^\/local\/domain\/\d{1,5}\//;

/** The folder that a domain's relative paths start from. */
export const domainPath = (domid: number): string => `/local/domain/${domid}`;

export const isSpecial = (path: string): boolean => path.startsWith('@');

/** The folder a path lies in; the root's own is the root. */
export const parentOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));

export const childOf = (path: string, name: string): string => (path === '/' ? `/${name}` : `${path}/${name}`);

/** The names along a path from the root. */
export const namesOf = (path: string): string[] => (path === '/' ? [] : path.slice(1).split('/'));

/**
 * The absolute path that a domain means by a path to a node.
 *
 * @throws StoreError EINVAL if it cannot be one
 */
export const resolvePath = (domid: number, path: string): string => {
  const absolute = path.startsWith('/') ? path : `${domainPath(domid)}/${path}`;
  const local = DOMAIN_FOLDER.exec(absolute)?.[0].length ?? 0;
  const tooLong = absolute.length > ABSOLUTE_PATH_MAX || (domid !== 0 && absolute.length - local > RELATIVE_PATH_MAX);
  if (tooLong || isSpecial(path) || !NODE.test(absolute)) {
    throw new StoreError('EINVAL', `the path ${JSON.stringify(path.slice(0, 80))}`);
  }
  return absolute;
};

/** The same for what may be watched: a path or a special event. */
export const resolveWatchPath = (domid: number, path: string): string => {
  if (!isSpecial(path)) return resolvePath(domid, path);
  if (path.length > RELATIVE_PATH_MAX || !SPECIAL.test(path)) throw new StoreError('EINVAL', 'the special event');
  return path;
};

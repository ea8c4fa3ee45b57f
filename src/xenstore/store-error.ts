/** The names of errors that the wire protocol knows (xsd_errors of Xen's io/xs_wire.h). */
export type StoreErrorName =
  | 'EINVAL'
  | 'EACCES'
  | 'EEXIST'
  | 'EISDIR'
  | 'ENOENT'
  | 'ENOMEM'
  | 'ENOSPC'
  | 'EIO'
  | 'ENOTEMPTY'
  | 'ENOSYS'
  | 'EROFS'
  | 'EBUSY'
  | 'EAGAIN'
  | 'EISCONN'
  | 'E2BIG'
  | 'EPERM';

/** A request that cannot be done; `code` is what a guest is told. */
export class StoreError extends Error {
  readonly code: StoreErrorName;

  constructor(code: StoreErrorName, what: string) {
    super(`${what}: ${code}`);
    this.name = 'StoreError';
    this.code = code;
  }
}

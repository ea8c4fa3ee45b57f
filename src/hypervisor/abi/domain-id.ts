/** Domain numbers with a meaning of their own (public/xen.h). */

/** Real domains have numbers below this. */
export const DOMID_FIRST_RESERVED = 0x7ff0;
/** The caller itself. */
export const DOMID_SELF = 0x7ff0;
/** The control domain, which serves the others. */
export const DOMID_CONTROL = 0;

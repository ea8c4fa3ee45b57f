/** What the control domain's hypercalls have in common (public/platform.h, sysctl.h, domctl.h). */

export const InterfaceVersion = { platform_op: 0x0300_0001, sysctl: 0x15, domctl: 0x15 } as const;

/** The head of the argument; domctl alone names a domain there. */
export const PrivilegedOp = { command: 0, version: 4, domain: 8 } as const;
export const PrivilegedOpSize = { platform_op: 136, sysctl: 136, domctl: 144 } as const;

/** The domctl that is about no domain yet. */
export const DOMCTL_CREATE_DOMAIN = 1;

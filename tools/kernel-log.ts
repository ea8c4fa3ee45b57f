const TROUBLE = /WARNING|\bBUG\b|Oops|Call trace|Internal error|Unable to handle|rcu: INFO|soft lockup|hung task/i;

/** The lines of a kernel's log in which it complains. */
export const complaints = (log: string): string[] => log.split(/\r?\n/).filter((line) => TROUBLE.test(line));

import { GrantEntry, GrantFlag, GrantStatus } from '../abi/grant-table.ts';
import type { Core } from '../core.ts';
import { isDying } from '../domain.ts';
import { pinFrame } from '../physmap.ts';
import { Active, activeEntry, sharedEntry } from './record.ts';
import { tableOf } from './table.ts';

/**
 * Taking a grant into use and giving it back. Each use references the frame; meanwhile the flags in the guest's table say that
 * it is read or written, and it belongs to one domain. The granting domain is locked throughout.
 */

/** Uses of one kind that a grant can have at once. */
const USES_LIMIT = 255;
/** How often the flags are set against a guest that keeps changing them. */
const FLAG_TRIES = 5;

/**
 * Takes a grant of `domain` into use for the domain numbered `user`. `forMapping` refuses grants of a part of a page. Gives the
 * frame's machine address or a negative GrantStatus.
 */
export const useGrant = (
  core: Core,
  domain: number,
  reference: number,
  user: number,
  write: boolean,
  forMapping: boolean,
): number => {
  const { memory } = core;
  if (isDying(memory, domain)) return GrantStatus.generalError;
  const table = tableOf(core, domain);
  const entry = sharedEntry(memory, table, reference);
  if (entry === 0) return GrantStatus.badGrantReference;
  const active = activeEntry(memory, table, reference);
  const readers = memory.u16[(active + Active.readers) >>> 1];
  const writers = memory.u16[(active + Active.writers) >>> 1];
  const pinned = readers + writers > 0;
  if (pinned && memory.u16[(active + Active.domid) >>> 1] !== user) return GrantStatus.generalError;
  if ((write ? writers : readers) >= USES_LIMIT) return GrantStatus.generalError;
  if (!pinned || (write && writers === 0)) {
    const status = markInUse(core, entry, user, write, pinned, forMapping);
    if (status !== GrantStatus.okay) return status;
  }
  if (!pinned) {
    const guestFrame = memory.u32[(entry + GrantEntry.frame) >>> 2];
    const frame = pinFrame(core, domain, guestFrame);
    if (frame === 0) {
      unmark(core, entry, GrantFlag.reading | GrantFlag.writing);
      return GrantStatus.badPage;
    }
    memory.u32[(active + Active.frame) >>> 2] = frame;
    memory.u32[(active + Active.guestFrame) >>> 2] = guestFrame;
    memory.u16[(active + Active.domid) >>> 1] = user;
  } else {
    core.frames.share(memory.u32[(active + Active.frame) >>> 2]);
  }
  const count = (active + (write ? Active.writers : Active.readers)) >>> 1;
  memory.u16[count]++;
  return memory.u32[(active + Active.frame) >>> 2];
};

/** Checks the guest's entry and sets its flags in one step, so that the guest cannot change what was checked. */
const markInUse = (
  core: Core,
  entry: number,
  user: number,
  write: boolean,
  pinned: boolean,
  forMapping: boolean,
): number => {
  const { i32 } = core.memory;
  const word = entry >>> 2;
  const typeMask = GrantFlag.typeMask | (forMapping ? GrantFlag.subPage : 0);
  for (let tries = 0; tries < FLAG_TRIES; tries++) {
    const before = Atomics.load(i32, word);
    const permitted = (before & typeMask) === GrantFlag.permitAccess && before >>> 16 === user;
    if (!pinned && !permitted) return GrantStatus.generalError;
    if (write && (before & GrantFlag.readOnly) !== 0) return GrantStatus.generalError;
    const after = before | GrantFlag.reading | (write ? GrantFlag.writing : 0);
    if (Atomics.compareExchange(i32, word, before, after) === before) return GrantStatus.okay;
  }
  return GrantStatus.generalError;
};

const unmark = (core: Core, entry: number, flags: number): void => {
  Atomics.and(core.memory.i32, entry >>> 2, ~flags);
};

/**
 * Gives back a grant that `useGrant` took: `frame` is what it gave. The granting domain may be gone (0), or its number another
 * domain's by now: each use has its own reference to the frame.
 */
export const releaseGrant = (core: Core, domain: number, reference: number, write: boolean, frame: number): void => {
  const table = domain === 0 ? 0 : tableOf(core, domain);
  const active = table === 0 ? 0 : activeEntry(core.memory, table, reference);
  if (active !== 0) endUse(core, active, sharedEntry(core.memory, table, reference), write, frame);
  core.frames.release(frame);
};

const endUse = (core: Core, active: number, entry: number, write: boolean, frame: number): void => {
  const { memory } = core;
  const count = (active + (write ? Active.writers : Active.readers)) >>> 1;
  if (memory.u32[(active + Active.frame) >>> 2] !== frame || memory.u16[count] === 0) return;
  memory.u16[count]--;
  const writers = memory.u16[(active + Active.writers) >>> 1];
  if (write && writers === 0) unmark(core, entry, GrantFlag.writing);
  if (writers + memory.u16[(active + Active.readers) >>> 1] > 0) return;
  unmark(core, entry, GrantFlag.reading);
  memory.u32[(active + Active.frame) >>> 2] = 0;
};

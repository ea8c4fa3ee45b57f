import { registers } from '../../cpu/arm64/assembler.ts';
import { DOMID_CONTROL, DOMID_SELF } from '../../hypervisor/abi/domain-id.ts';
import { Errno } from '../../hypervisor/abi/errno.ts';
import { AllocUnbound, EventChannelOp, Status } from '../../hypervisor/abi/event-channel.ts';
import {
  CopyFlag,
  CopyGrant,
  CopyPointer,
  GRANT_CONSOLE,
  GrantEntry,
  GrantFlag,
  GrantStatus,
  GrantTableOp,
  MapGrant,
  QuerySize,
} from '../../hypervisor/abi/grant-table.ts';
import { CONSOLE_FRAME, GRANT_FRAMES_FIRST, GuestLayout } from '../../hypervisor/abi/guest-layout.ts';
import { HypercallNumber } from '../../hypervisor/abi/hypercall-number.ts';
import { AddToPhysmap, MapSpace, MemoryOp } from '../../hypervisor/abi/memory.ts';
import { closePort, eventOperation } from '../event-channels.ts';
import { type ArgumentField, type GuestAssembler, u16, u32, u64 } from '../guest-assembler.ts';
import { PAGE_BYTES, Place } from '../places.ts';
import type { Subject } from '../subject.ts';

const { x0, x19, x20, w0 } = registers;

const TABLE = GuestLayout.grantTable;
const MAXIMUM_FRAMES = 64;
/** A page granted to the guest itself, one it may only read, and one that nobody may use. */
const Reference = { page: 9, readOnly: 10, none: 11, outside: 1_000_000 } as const;
const VALUE = 0x0bad_cafe_1234_5678n;
const NOT_A_DOMAIN = 0x7000;

/** A status of 16 bits as it is loaded. */
const half = (status: number): number => status & 0xffff;

const operation = (guest: GuestAssembler, what: string, result: number, number: number, count = 1): void =>
  guest.expectCall(what, result, HypercallNumber.grant_table_op, number, Place.argument, count);

const checkTable = (guest: GuestAssembler): void => {
  const self = u16(QuerySize.dom, DOMID_SELF);
  guest.argument(QuerySize.size, self);
  operation(guest, 'query_size', 0, GrantTableOp.query_size);
  guest.readArgument(w0, QuerySize.status, 2);
  guest.expect('status of query_size', w0, GrantStatus.okay);
  guest.readArgument(w0, QuerySize.frames, 4);
  guest.expect('frames of the table', w0, 1);
  guest.readArgument(w0, QuerySize.maximumFrames, 4);
  guest.expect('frames that the table may have', w0, MAXIMUM_FRAMES);
  guest.argument(QuerySize.size, self);
  operation(guest, 'query_size of two domains at once', -Errno.EINVAL, GrantTableOp.query_size, 2);
  guest.argument(4, u32(0, 2));
  operation(guest, 'set_version 2', -Errno.ENOSYS, GrantTableOp.set_version);
  guest.argument(4, u32(0, 1));
  operation(guest, 'set_version 1', 0, GrantTableOp.set_version);
  guest.argument(8);
  operation(guest, 'no such grant table operation', -Errno.ENOSYS, 99);
};

const mapTable = (guest: GuestAssembler): void => {
  guest.argument(
    AddToPhysmap.size,
    u16(AddToPhysmap.domid, DOMID_SELF),
    u32(AddToPhysmap.space, MapSpace.grantTable),
    u64(AddToPhysmap.gpfn, GRANT_FRAMES_FIRST),
  );
  guest.expectCall(
    'add_to_physmap of the grant table',
    0,
    HypercallNumber.memory_op,
    MemoryOp.add_to_physmap,
    Place.argument,
  );
  const console = TABLE + GRANT_CONSOLE * GrantEntry.size;
  guest.read(w0, console + GrantEntry.flags, 2);
  guest.expectBits("flags of the console's grant", w0, GrantFlag.typeMask, GrantFlag.permitAccess);
  guest.read(w0, console + GrantEntry.domid, 2);
  guest.expect("domain of the console's grant", w0, DOMID_CONTROL);
  guest.read(w0, console + GrantEntry.frame);
  guest.expect("frame of the console's grant", w0, CONSOLE_FRAME);
};

/** Writes an entry of the table, its flags last. */
const grant = (guest: GuestAssembler, reference: number, flags: number, domid: typeof x20): void => {
  const entry = TABLE + reference * GrantEntry.size;
  guest.write(entry + GrantEntry.frame, Place.firstPage / PAGE_BYTES, 4);
  guest.write(entry + GrantEntry.domid, domid, 2);
  guest.dmb('ishst');
  guest.write(entry + GrantEntry.flags, flags, 2);
};

/** Finds the guest's own number, which nothing tells outright, as the other end of a port for itself: into x20. */
const findOwnNumber = (guest: GuestAssembler): void => {
  eventOperation(
    guest,
    'alloc_unbound',
    0,
    EventChannelOp.alloc_unbound,
    AllocUnbound.size,
    u16(AllocUnbound.dom, DOMID_SELF),
    u16(AllocUnbound.remoteDom, DOMID_SELF),
  );
  guest.readArgument(x19, AllocUnbound.port, 4);
  const port = u32(Status.port, x19);
  eventOperation(guest, 'status', 0, EventChannelOp.status, Status.size, u16(Status.dom, DOMID_SELF), port);
  guest.readArgument(x20, Status.u, 2);
  closePort(guest, 'close', x19);
};

interface Copy {
  readonly fromReference?: number;
  readonly toReference?: number;
  readonly toOffset?: number;
  readonly length?: number;
}

/** Copies eight bytes or more between a grant and the second page. */
const expectCopy = (guest: GuestAssembler, what: string, status: number, copy: Copy): void => {
  const { fromReference, toReference, toOffset = 0, length = 8 } = copy;
  const { source, destination } = CopyGrant;
  const pointer = (at: number, reference: number | undefined, page: number, offset: number): ArgumentField[] => [
    u64(at + CopyPointer.reference, reference ?? page / PAGE_BYTES),
    u16(at + CopyPointer.domid, DOMID_SELF),
    u16(at + CopyPointer.offset, offset),
  ];
  guest.argument(
    CopyGrant.size,
    ...pointer(source, fromReference, Place.secondPage, 0),
    ...pointer(destination, toReference, Place.secondPage, toOffset),
    u16(CopyGrant.length, length),
    u16(
      CopyGrant.flags,
      (fromReference === undefined ? 0 : CopyFlag.sourceReference) |
        (toReference === undefined ? 0 : CopyFlag.destinationReference),
    ),
  );
  operation(guest, `copy ${what}`, 0, GrantTableOp.copy);
  guest.readArgument(w0, CopyGrant.status, 2);
  guest.expect(`status of the copy ${what}`, w0, half(status));
};

const checkCopies = (guest: GuestAssembler): void => {
  guest.write(Place.firstPage, VALUE);
  guest.write(Place.secondPage + 16, 0);
  expectCopy(guest, 'from a grant', GrantStatus.okay, { fromReference: Reference.page, toOffset: 16 });
  guest.read(x0, Place.secondPage + 16);
  guest.expect('what was copied from a grant', x0, VALUE);
  guest.write(Place.secondPage, VALUE + 1n);
  expectCopy(guest, 'to a grant', GrantStatus.okay, { toReference: Reference.page, toOffset: 24 });
  guest.read(x0, Place.firstPage + 24);
  guest.expect('what was copied to a grant', x0, VALUE + 1n);
  guest.read(w0, TABLE + Reference.page * GrantEntry.size + GrantEntry.flags, 2);
  guest.expect('flags of the grant after the copies', w0, GrantFlag.permitAccess);

  const { generalError, badGrantReference, badCopyArgument } = GrantStatus;
  expectCopy(guest, 'to a grant that is read-only', generalError, { toReference: Reference.readOnly });
  expectCopy(guest, 'from a grant that is none', generalError, { fromReference: Reference.none });
  expectCopy(guest, 'from outside the table', badGrantReference, { fromReference: Reference.outside });
  const across: Copy = { fromReference: Reference.page, toOffset: PAGE_BYTES - 4 };
  expectCopy(guest, 'across the end of a page', badCopyArgument, across);
};

const checkMapping = (guest: GuestAssembler): void => {
  guest.argument(MapGrant.size, u16(MapGrant.dom, NOT_A_DOMAIN), u32(MapGrant.flags, 2), u32(MapGrant.reference, 8));
  operation(guest, "mapping of no domain's grant", 0, GrantTableOp.map_grant_ref);
  guest.readArgument(w0, MapGrant.status, 2);
  guest.expect("status of mapping no domain's grant", w0, half(GrantStatus.badDomain));
};

/** The grant table: its pages, what is granted, and copies by the hypervisor. */
export const grants: Subject = {
  name: 'grants',
  title: 'grant tables and copies between grants',
  check(guest) {
    checkTable(guest);
    mapTable(guest);
    findOwnNumber(guest);
    grant(guest, Reference.page, GrantFlag.permitAccess, x20);
    grant(guest, Reference.readOnly, GrantFlag.permitAccess | GrantFlag.readOnly, x20);
    grant(guest, Reference.none, 0, x20);
    checkCopies(guest);
    checkMapping(guest);
  },
};

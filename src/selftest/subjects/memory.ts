import { registers } from '../../cpu/arm64/assembler.ts';
import { DOMID_SELF } from '../../hypervisor/abi/domain-id.ts';
import { Errno } from '../../hypervisor/abi/errno.ts';
import { HypercallNumber } from '../../hypervisor/abi/hypercall-number.ts';
import { MemoryOp, RemoveFromPhysmap, Reservation } from '../../hypervisor/abi/memory.ts';
import { type GuestAssembler, u16, u64 } from '../guest-assembler.ts';
import { PAGE_BYTES, Place } from '../places.ts';
import type { Subject } from '../subject.ts';

const { x0, x19 } = registers;

/** Where the list of one frame stands, behind the argument itself. */
const LIST = Place.argument + 256;
const VALUE = 0x7e57_0000_7e57n;
/** A frame without anything. */
const NO_FRAME = 0x1000;

const figure = (guest: GuestAssembler, number: number): void => {
  guest.argument(8, u16(0, DOMID_SELF));
  guest.hypercall(HypercallNumber.memory_op, number, Place.argument);
};

const balloon = (guest: GuestAssembler, what: string, result: number, number: number, frame: number): void => {
  guest.write(LIST, frame);
  guest.argument(
    Reservation.size,
    u64(Reservation.extents, LIST),
    u64(Reservation.count, 1),
    u16(Reservation.domid, DOMID_SELF),
  );
  guest.expectCall(what, result, HypercallNumber.memory_op, number, Place.argument);
};

/** Gives a page back and asks for it again, as a balloon driver does. */
export const memory: Subject = {
  name: 'memory',
  title: 'memory that is given back and asked for again',
  check(guest) {
    const page = Place.secondPage;
    figure(guest, MemoryOp.current_reservation);
    guest.mov(x19, x0);
    guest.write(page, VALUE);
    balloon(guest, 'decrease_reservation', 1, MemoryOp.decrease_reservation, page / PAGE_BYTES);
    figure(guest, MemoryOp.current_reservation);
    guest.add(x0, x0, 1);
    guest.expect('pages without the one given back, and 1', x0, x19);
    balloon(guest, 'populate_physmap', 1, MemoryOp.populate_physmap, page / PAGE_BYTES);
    figure(guest, MemoryOp.current_reservation);
    guest.expect('pages with the one asked for again', x0, x19);
    guest.write(page, VALUE);
    guest.read(x0, page);
    guest.expect('what was written on the new page', x0, VALUE);
    balloon(guest, 'decrease_reservation of no page', 0, MemoryOp.decrease_reservation, NO_FRAME);
    guest.argument(
      RemoveFromPhysmap.size,
      u16(RemoveFromPhysmap.domid, DOMID_SELF),
      u64(RemoveFromPhysmap.gpfn, NO_FRAME),
    );
    const { memory_op } = HypercallNumber;
    guest.expectCall(
      'remove_from_physmap of no page',
      -Errno.ENOENT,
      memory_op,
      MemoryOp.remove_from_physmap,
      Place.argument,
    );
  },
};

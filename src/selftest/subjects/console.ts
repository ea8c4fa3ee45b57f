import { registers } from '../../cpu/arm64/assembler.ts';
import { DOMID_SELF } from '../../hypervisor/abi/domain-id.ts';
import { CONSOLE_FRAME, GuestLayout } from '../../hypervisor/abi/guest-layout.ts';
import { HvmOp, HvmParam, HvmParamArgument } from '../../hypervisor/abi/hvm.ts';
import { HypercallNumber } from '../../hypervisor/abi/hypercall-number.ts';
import { type GuestAssembler, u16, u32 } from '../guest-assembler.ts';
import { ConsoleRing } from '../output.ts';
import { Global, Place } from '../places.ts';
import type { Subject } from '../subject.ts';

const { x0, x19, x20, w0, w1 } = registers;

const getParameter = (guest: GuestAssembler, name: string, index: number): void => {
  guest.argument(HvmParamArgument.size, u16(HvmParamArgument.domid, DOMID_SELF), u32(HvmParamArgument.index, index));
  guest.expectCall(`get_param ${name}`, 0, HypercallNumber.hvm_op, HvmOp.get_param, Place.argument);
  guest.readArgument(x0, HvmParamArgument.value, 8);
};

/** Opens the ring, on which all other subjects report, and waits for its backend to take a line off it. */
export const console: Subject = {
  name: 'console',
  title: "the paravirtual console's ring and its backend",
  check(guest) {
    getParameter(guest, 'CONSOLE_PFN', HvmParam.consolePfn);
    guest.expect('frame of the console ring', x0, CONSOLE_FRAME);
    getParameter(guest, 'CONSOLE_EVTCHN', HvmParam.consoleEventChannel);
    guest.mov(x19, x0);
    guest.cmp(x19, 0);
    guest.cset(x0, 'ne');
    guest.expect('whether the console has an event channel', x0, 1);
    guest.mov(x20, GuestLayout.magicBase);
    guest.writeGlobal(Global.consolePort, x19);
    guest.writeGlobal(Global.consoleRing, x20);
    guest.adr(x0, guest.text('hostrock self-test guest\n'));
    guest.bl('print');
    guest.bl('notify');
    guest.ldr(w1, [x20, ConsoleRing.outProduced]);
    guest.await('console output taken', w0, w1, () => guest.ldr(w0, [x20, ConsoleRing.outConsumed]));
  },
};
